"""Reading image sets: a folder or a .zip of images (see `pof3d.data.layout`).

Archives are only ever read member by member; nothing is extracted to disk.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from pof3d.data.decoding import DAMAGE, SetReader, in_threads
from pof3d.data.layout import DEPTH_FILE, DEPTH_STEPS, IMAGE_SUFFIXES, LABEL_FILE, POSE_FILE
from pof3d.data.processes import processors
from pof3d.errors import DatasetError

if TYPE_CHECKING:
    import torch

_SKIPPED_NAMED = 10
_MOST_THREADS = 8


class ImageFolder:
    """An image set: a folder or a .zip of images, with or without the files of ground truth.

    Lists images by their names alone and never opens the ground truth unless `labels`, `true_poses` or
    `depth` is called, so that what trains on `load_images` provably sees no pose. For one thread at a time.

    Parameters
    ----------
    path : Path or str
        Folder (searched with its sub-folders; hidden ones and ``depth/`` are left out) or .zip file.

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
        Names found unreadable so far, in the order met; filled while images are read.
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
        self.names = [n for n in found if _is_image(n)]
        if not self.names:
            self.close()
            raise DatasetError(
                f"The data set {self.path} holds no image",
                f"none of its {len(found)} files ends in {', '.join(IMAGE_SUFFIXES)}",
                "Give a folder or .zip of images.",
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
            sRGB; transparent pixels are laid over white, grey images have three equal channels.

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
        """Count and name the files skipped so far (the first ten) in one line; empty when there is none."""
        if not self.skipped:
            return ""
        named = ", ".join(self.skipped[:_SKIPPED_NAMED])
        more = f" and {len(self.skipped) - _SKIPPED_NAMED} more" if len(self.skipped) > _SKIPPED_NAMED else ""
        return f"skipped {len(self.skipped)} unreadable image{'s' * (len(self.skipped) > 1)}: {named}{more}"

    # ---- ground truth; training calls none of these ----
    def labels(self) -> dict[str, npt.NDArray[np.float64]] | None:
        """Camera labels of dataset.json, by image name, each of shape (25,); None where the set has none.

        Raises
        ------
        DatasetError
            When dataset.json is damaged.
        """
        if LABEL_FILE not in self._all:
            return None
        try:
            entries = json.loads(self.reader.read(LABEL_FILE))["labels"]
            if entries is None:
                return None
            pairs = entries.items() if isinstance(entries, dict) else entries
            found = {str(name): np.asarray(label, np.float64) for name, label in pairs}
            if any(label.shape != (25,) or not np.isfinite(label).all() for label in found.values()):
                raise ValueError("a label is not made of 25 finite numbers")
        except (*DAMAGE, KeyError, TypeError) as error:
            raise DatasetError(f"Cannot read {LABEL_FILE} of {self.path}", str(error)) from error
        return found

    def true_poses(self) -> npt.NDArray[np.float64] | None:
        """Yaw and pitch of the images, radians, shape (len(names), 2), in the order of `names`.

        None where the set has none; NaN for an image without an entry.

        Raises
        ------
        DatasetError
            When poses.npz is damaged.
        """
        if POSE_FILE not in self._all:
            return None
        try:
            with np.load(io.BytesIO(self.reader.read(POSE_FILE)), allow_pickle=False) as file:
                stored = np.stack([file["yaw"], file["pitch"]], axis=1).astype(np.float64)
                rows = {str(name): row for name, row in zip(file["name"], stored, strict=True)}
        except (*DAMAGE, KeyError, TypeError) as error:
            raise DatasetError(f"Cannot read {POSE_FILE} of {self.path}", str(error)) from error
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
        if DEPTH_FILE not in self._all:
            return None
        try:
            if self._depth_zip is None:
                keep = self._open_files.enter_context
                stream = keep(
                    (self.path / DEPTH_FILE).open("rb")
                    if self.reader.is_folder
                    else self.reader.archive.open(DEPTH_FILE)
                )
                self._depth_zip = keep(zipfile.ZipFile(stream))
            if name not in self._depth_zip.NameToInfo:
                return None
            with Image.open(io.BytesIO(self._depth_zip.read(name))) as image:
                steps = np.asarray(image)
            if steps.ndim != 2:
                raise ValueError("a depth map has one channel")
        except DAMAGE as error:
            raise DatasetError(f"Cannot read the depth of {name} of {self.path}", str(error)) from error
        return (steps.astype(np.float64) / DEPTH_STEPS).astype(np.float32)


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    if path.suffix.lower() not in IMAGE_SUFFIXES or path.is_absolute():
        return False
    return path.parts[0] not in ("depth", "__MACOSX") and not any(part.startswith(".") for part in path.parts)
