"""Reading image sets: a folder or a .zip of images (see `pof3d.data.layout`).

Archives are only ever read member by member; nothing is extracted to disk.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from pof3d.data.contents import Contents, first_names
from pof3d.data.decoding import DAMAGE, SetReader, in_threads
from pof3d.data.layout import DEPTH_FILE, DEPTH_STEPS, IMAGE_SUFFIXES, LABEL_FILE, POSE_FILE
from pof3d.data.processes import processors
from pof3d.errors import DatasetError

if TYPE_CHECKING:
    import torch

_MOST_THREADS = 8


class ImageFolder:
    """An image set: a folder or a .zip of images, with or without the files of ground truth.

    Lists images by their names alone and never opens the ground truth unless `labels`, `true_poses` or
    `depth` is called, so that what trains on `load_images` provably sees no pose. For one thread at a time.

    Parameters
    ----------
    path : Path or str
        Folder (searched with its sub-folders; hidden ones and ``depth/`` are left out) or .zip file. Where
        all images lie in one top folder that holds files of the layout, such as dataset.json, that folder is
        the set; the names still begin with it.

    Raises
    ------
    DatasetError
        When the path does not exist, is neither a folder nor a readable .zip, or holds no image.

    Attributes
    ----------
    names : list of str
        Names of the images, sorted, with forward slashes.
    reader : SetReader
        What opens the files.
    skipped : list of str
        Names found unreadable so far, in the order met; filled while images are read. Names that lead out of
        the set are in it from the start.
    contents : Contents
        What the files are, by their names.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.skipped: list[str] = []
        self.loaded_names: list[str] = []
        self._open_files = ExitStack()
        self.reader = SetReader(self.path)
        self._open_files.callback(self.reader.close)
        self._depth_zip: zipfile.ZipFile | None = None
        if self.path.is_dir():
            found = sorted(p.relative_to(self.path).as_posix() for p in self.path.rglob("*") if p.is_file())
        elif not self.path.exists():
            raise DatasetError(
                f"No data set at {self.path}",
                "the path does not exist",
                "Make one with `python -m pof3d make-data`.",
            )
        else:
            try:
                entries = self.reader.archive.infolist()
            except DAMAGE as error:
                raise DatasetError(
                    f"Cannot read the data set {self.path}",
                    str(error),
                    "Give a folder of images or an intact .zip.",
                ) from error
            found = sorted({i.filename for i in entries if not i.is_dir()})
        self._all = frozenset(found)
        self.contents = Contents.of(found)
        self.names = self.contents.images
        self.skipped.extend(self.contents.outside)
        if not self.names:
            self.close()
            raise DatasetError(
                f"The data set {self.path} holds no image",
                self.skipped_message()
                or f"none of its {len(found)} files ends in {', '.join(IMAGE_SUFFIXES)}",
                f"Give a folder or .zip of images ({', '.join(IMAGE_SUFFIXES)}).",
            )

    def __len__(self) -> int:
        return len(self.names)

    def __enter__(self) -> ImageFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive, where there is one."""
        self._open_files.close()

    def read(self, index: int) -> npt.NDArray[np.uint8]:
        """One image as it is stored.

        Returns
        -------
        uint8 array, shape (3, H, W)
            sRGB, turned upright where EXIF data say how; transparent pixels are laid over white, grey images
            have three equal channels.

        Raises
        ------
        DatasetError
            When the file is not a readable image.
        """
        name = self.names[index]
        try:
            return np.ascontiguousarray(np.asarray(self.reader.image(name)).transpose(2, 0, 1))
        except DAMAGE as error:
            raise DatasetError(f"Cannot read the image {name} of {self.path}", str(error)) from error

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield all readable images as `read` gives them; the others are added to `skipped`."""
        for index, name in enumerate(self.names):
            try:
                yield self.read(index)
            except DatasetError:
                self.skip(name)

    def skip(self, name: str) -> None:
        """Count a file as unreadable."""
        if name not in self.skipped:
            self.skipped.append(name)

    def load_images(
        self,
        resolution: int,
        *,
        limit: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> torch.Tensor:
        """Read the images into one tensor, cropped to a centred square and resized (Lanczos) where needed.

        Unreadable files are left out and added to `skipped`; `skipped_message` names them. `loaded_names`
        lists what is in the tensor. Threads share the work; the result does not depend on them.

        Parameters
        ----------
        resolution : int
            R, pixels along each side of the result.
        limit : int, optional
            Read at most this many images.
        progress : callable, optional
            Called with (files done, files in all).

        Returns
        -------
        uint8 tensor, shape (N, 3, R, R)

        Raises
        ------
        DatasetError
            When no image is readable.
        """
        import torch  # here, because the processes that make images start faster without it

        if resolution < 1:
            raise DatasetError(f"Cannot load images at resolution {resolution}", "it is less than one pixel")
        names = self.names if limit is None else self.names[:limit]
        out = torch.empty((len(names), 3, resolution, resolution), dtype=torch.uint8)
        self.loaded_names = []
        threads = min(processors(), _MOST_THREADS)
        squares = in_threads(lambda name: self.reader.square(name, resolution), names, threads)
        with closing(squares):
            for done, (name, square) in enumerate(squares, 1):
                if isinstance(square, Exception):
                    self.skip(name)
                else:
                    out[len(self.loaded_names)] = torch.from_numpy(square)
                    self.loaded_names.append(name)
                if progress is not None:
                    progress(done, len(names))
        if not self.loaded_names:
            raise DatasetError(f"The data set {self.path} holds no readable image", self.skipped_message())
        return out[: len(self.loaded_names)]

    def skipped_message(self) -> str:
        """Count and name the files that are not used (ten of a kind) in one line; empty without any.

        These are the images found unreadable so far, the files that are no images, and those in ``depth/``.
        """
        parts = self.contents.left_out()
        if self.skipped:
            count = len(self.skipped)
            parts.insert(
                0, f"skipped {count} unreadable image{'s' * (count > 1)}: {first_names(self.skipped)}"
            )
        return "; ".join(parts)

    def _own(self, file: str) -> str | None:
        """Full name of a file of the layout; None where the set has none."""
        name = self.contents.root + file
        return name if name in self._all else None

    # ---- ground truth; training calls none of these ----
    def labels(self) -> dict[str, npt.NDArray[np.float64]] | None:
        """Camera labels of dataset.json, by image name, each of shape (25,); None where the set has none.

        Names in dataset.json are relative to its folder.

        Raises
        ------
        DatasetError
            When dataset.json is damaged.
        """
        label_file, root = self._own(LABEL_FILE), self.contents.root
        if label_file is None:
            return None
        try:
            entries = json.loads(self.reader.read(label_file))["labels"]
            if entries is None:
                return None
            pairs = entries.items() if isinstance(entries, dict) else entries
            found = {f"{root}{name}": np.asarray(label, np.float64) for name, label in pairs}
            if any(label.shape != (25,) or not np.isfinite(label).all() for label in found.values()):
                raise ValueError("a label is not made of 25 finite numbers")
        except (*DAMAGE, KeyError, TypeError) as error:
            raise DatasetError(f"Cannot read {label_file} of {self.path}", str(error)) from error
        return found

    def true_poses(self) -> npt.NDArray[np.float64] | None:
        """Yaw and pitch of the images, radians, shape (len(names), 2), in the order of `names`.

        None where the set has none; NaN for an image without an entry.

        Raises
        ------
        DatasetError
            When poses.npz is damaged.
        """
        pose_file, root = self._own(POSE_FILE), self.contents.root
        if pose_file is None:
            return None
        try:
            with np.load(io.BytesIO(self.reader.read(pose_file)), allow_pickle=False) as file:
                stored = np.stack([file["yaw"], file["pitch"]], axis=1).astype(np.float64)
                rows = {f"{root}{name}": row for name, row in zip(file["name"], stored, strict=True)}
        except (*DAMAGE, KeyError, TypeError) as error:
            raise DatasetError(f"Cannot read {pose_file} of {self.path}", str(error)) from error
        return np.stack([rows.get(name, np.full(2, np.nan)) for name in self.names])

    def depth(self, index: int) -> npt.NDArray[np.float32] | None:
        """True depth: distance along each pixel's ray, world units, shape (H, W); 0 is background.

        None where the set has none for this image.

        Raises
        ------
        DatasetError
            When the depth file is damaged.
        """
        name = self.names[index]
        depth_file, member = self._own(DEPTH_FILE), name.removeprefix(self.contents.root)
        if depth_file is None:
            return None
        try:
            if self._depth_zip is None:
                keep = self._open_files.enter_context
                stream = keep(
                    (self.path / depth_file).open("rb")
                    if self.reader.is_folder
                    else self.reader.archive.open(depth_file)
                )
                self._depth_zip = keep(zipfile.ZipFile(stream))
            if member not in self._depth_zip.NameToInfo:
                return None
            with Image.open(io.BytesIO(self._depth_zip.read(member))) as image:
                steps = np.asarray(image)
            if steps.ndim != 2:
                raise ValueError("a depth map has one channel")
        except DAMAGE as error:
            raise DatasetError(f"Cannot read the depth of {name} of {self.path}", str(error)) from error
        return (steps.astype(np.float64) / DEPTH_STEPS).astype(np.float32)
