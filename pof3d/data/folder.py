"""Image sets on disk, in the layout that EG3D's and PoF3D's users have, with their ground truth where known.

Layout, of a folder or of a .zip file with the same content::

    00000/img00000000.png ...   RGB images, a thousand to a folder
    dataset.json                {"labels": [[name, [16 cam2world row-major, 9 normalised intrinsics]], ...]}
    poses.npz                   ground truth, optional: name [N], yaw [N], pitch [N], radians
    depth.zip                   ground truth, optional: one 16-bit PNG per image under the image's own name
    about.json                  how the set was made, optional

Depth is the distance from the camera *along the ray* through the pixel's centre, in steps of 1 /
`DEPTH_STEPS` world units; 0 is background. It sits in an archive of its own because readers of this layout
take every PNG they find for a training image.

Archives are only ever read member by member; nothing is extracted to disk.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, UnidentifiedImageError

from pof3d.errors import DatasetError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
DEPTH_STEPS = 10_000
"""Steps of a stored depth value per world unit."""
_DEPTH_FILE, _LABEL_FILE, _POSE_FILE, _ABOUT_FILE = "depth.zip", "dataset.json", "poses.npz", "about.json"
_MAX_MEMBER = 256 * 1024 * 1024  # bytes; no image is larger, and a zip bomb ends here
_SKIPPED_NAMED = 10

_DAMAGE = (OSError, ValueError, SyntaxError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError)
"""What zipfile and Pillow raise on damaged, encrypted or foreign content."""


def image_name(index: int) -> str:
    """Name of image `index` in the layout, e.g. ``00001/img00001234.png``."""
    return f"{index // 1000:05d}/img{index:08d}.png"


def encode_png(array: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> bytes:
    """PNG file of an RGB image (uint8 [H, W, 3]) or of a depth map in steps (uint16 [H, W])."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def depth_to_steps(depth: npt.NDArray[np.floating]) -> npt.NDArray[np.uint16]:
    """Depth in world units to stored steps, same shape; values beyond 6.5535 saturate."""
    return np.clip(np.rint(np.asarray(depth, np.float64) * DEPTH_STEPS), 0, 65535).astype(np.uint16)


# ------------------------------------------------------------------------------------------------ writing
class _Target(Protocol):
    def add(self, name: str, content: bytes) -> None: ...
    def close(self) -> None: ...


class _FolderTarget:
    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)

    def add(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def close(self) -> None:
        pass


class _ZipTarget:
    def __init__(self, path: Path | io.BytesIO) -> None:
        self.zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)

    def add(self, name: str, content: bytes) -> None:
        # A fixed date: equal content gives equal files.
        self.zip.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)

    def close(self) -> None:
        self.zip.close()


class DatasetWriter:
    """Write an image set; it appears under its name only when it is complete.

    Use as a context manager. Everything goes to a sibling of the target named ``….partial`` that takes the
    target's name at the end; after an exception (Ctrl-C included) it is removed instead.

    Parameters
    ----------
    out : Path
        A folder to make, or a file ending in ``.zip`` (stored without compression, for fast reading).

    Raises
    ------
    DatasetError
        When `out` exists already and is not an empty folder, or cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self.out = out = Path(out)
        self._partial = out.with_name(out.name + ".partial")
        self._names: list[str] = []
        self._labels: list[list[float]] = []
        self._poses: list[tuple[float, float]] = []
        self._about: dict[str, Any] = {}
        self._depth_path = out.with_name(out.name + ".depth.partial")
        if out.exists() and not (out.is_dir() and not any(out.iterdir())):
            raise DatasetError(
                f"Cannot write the data set {out}",
                "a file or a folder with content is there already",
                "Remove it or choose another name with --out.",
            )
        if out.suffix.lower() == ".zip" and out.is_dir():
            raise DatasetError(f"Cannot write the data set {out}", "it is a folder", "Choose another name.")

    def __enter__(self) -> DatasetWriter:
        self._remove_partial()
        self._target: _Target
        try:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            if self.out.suffix.lower() == ".zip":
                self._target = _ZipTarget(self._partial)
            else:
                self._target = _FolderTarget(self._partial)
            self._depth = _ZipTarget(self._depth_path)
        except OSError as error:
            self._remove_partial()
            raise DatasetError(
                f"Cannot write the data set {self.out}", str(error), "Choose a place you may write to."
            ) from error
        return self

    def add(
        self,
        image_png: bytes,
        *,
        cam2world: npt.NDArray[np.floating],
        intrinsics: npt.NDArray[np.floating],
        yaw: float,
        pitch: float,
        depth_png: bytes,
    ) -> str:
        """Append one image with its ground truth.

        Parameters
        ----------
        image_png : bytes
            See `encode_png`.
        cam2world : array, shape (4, 4)
        intrinsics : array, shape (3, 3)
            Normalised by the image size.
        yaw, pitch : float
            Radians.
        depth_png : bytes
            16-bit PNG in steps, see `depth_to_steps`.

        Returns
        -------
        str
            The image's name in the set.
        """
        name = image_name(len(self._names))
        self._target.add(name, image_png)
        self._depth.add(name, depth_png)
        self._names.append(name)
        self._labels.append([float(x) for x in (*np.ravel(cam2world), *np.ravel(intrinsics))])
        self._poses.append((yaw, pitch))
        return name

    def describe(self, **about: Any) -> None:
        """Add entries (JSON values) to about.json."""
        self._about.update(about)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
                return
            self._target.close()
            self._depth.close()
        finally:
            self._remove_partial()
        if isinstance(error, OSError):
            raise self._failed(error) from error

    def _finish(self) -> None:
        try:
            labels = list(map(list, zip(self._names, self._labels, strict=True)))
            self._target.add(_LABEL_FILE, json.dumps({"labels": labels}).encode())
            poses = np.asarray(self._poses, np.float64).reshape(-1, 2)
            buffer = io.BytesIO()
            np.savez(buffer, name=np.asarray(self._names, np.str_), yaw=poses[:, 0], pitch=poses[:, 1])
            self._target.add(_POSE_FILE, buffer.getvalue())
            self._depth.close()
            self._target.add(_DEPTH_FILE, self._depth_path.read_bytes())
            about = {"count": len(self._names), "depth_steps_per_unit": DEPTH_STEPS, **self._about}
            self._target.add(_ABOUT_FILE, json.dumps(about, indent=1).encode())
            self._target.close()
            if self.out.is_dir():
                self.out.rmdir()  # empty, as __init__ saw
            os.replace(self._partial, self.out)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> DatasetError:
        return DatasetError(
            f"Writing the data set {self.out} failed", str(error), "Check the free space and the permissions."
        )

    def _remove_partial(self) -> None:
        for path in (self._partial, self._depth_path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


# ------------------------------------------------------------------------------------------------ reading
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
    skipped : list of str
        Names found unreadable so far, in the order met; filled while images are read.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.skipped: list[str] = []
        self._zip: zipfile.ZipFile | None = None
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
                self._zip = zipfile.ZipFile(self.path)
            except _DAMAGE as error:
                raise DatasetError(
                    f"Cannot read the data set {self.path}",
                    str(error),
                    "Give a folder of images or an intact .zip.",
                ) from error
            found = sorted(i.filename for i in self._zip.infolist() if not i.is_dir())
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
        for archive in (self._zip, self._depth_zip):
            if archive is not None:
                archive.close()

    def _read(self, name: str) -> bytes:
        if self._zip is None:
            return (self.path / name).read_bytes()
        if self._zip.getinfo(name).file_size > _MAX_MEMBER:
            raise ValueError(f"larger than {_MAX_MEMBER} bytes")
        return self._zip.read(name)

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
            return np.ascontiguousarray(np.asarray(self._open(name)).transpose(2, 0, 1))
        except (*_DAMAGE, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise DatasetError(f"Cannot read the image {name} of {self.path}", str(error)) from error

    def _open(self, name: str) -> Image.Image:
        with Image.open(io.BytesIO(self._read(name))) as image:
            if image.has_transparency_data:
                clear = image.convert("RGBA")
                white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
                return Image.alpha_composite(white, clear).convert("RGB")
            return image.convert("RGB")

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield all readable images as `read` gives them; the others are added to `skipped`."""
        for index, name in enumerate(self.names):
            try:
                yield self.read(index)
            except DatasetError:
                self._skip(name)

    def _skip(self, name: str) -> None:
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
        lists what is in the tensor.

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
        if resolution < 1:
            raise DatasetError(f"Cannot load images at resolution {resolution}", "it is less than one pixel")
        names = self.names if limit is None else self.names[:limit]
        out = torch.empty((len(names), 3, resolution, resolution), dtype=torch.uint8)
        self.loaded_names: list[str] = []
        for done, name in enumerate(names, 1):
            try:
                array = np.array(_fit(self._open(name), resolution))
            except (*_DAMAGE, UnidentifiedImageError, Image.DecompressionBombError):
                self._skip(name)
            else:
                out[len(self.loaded_names)] = torch.from_numpy(array).permute(2, 0, 1)
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
        if _LABEL_FILE not in self._all:
            return None
        try:
            entries = json.loads(self._read(_LABEL_FILE))["labels"]
            if entries is None:
                return None
            pairs = entries.items() if isinstance(entries, dict) else entries
            found = {str(name): np.asarray(label, np.float64) for name, label in pairs}
            if any(label.shape != (25,) or not np.isfinite(label).all() for label in found.values()):
                raise ValueError("a label is not made of 25 finite numbers")
        except (*_DAMAGE, KeyError, TypeError) as error:
            raise DatasetError(f"Cannot read {_LABEL_FILE} of {self.path}", str(error)) from error
        return found

    def true_poses(self) -> npt.NDArray[np.float64] | None:
        """Yaw and pitch of the images, radians, shape (len(names), 2), in the order of `names`.

        None where the set has none; NaN for an image without an entry.

        Raises
        ------
        DatasetError
            When poses.npz is damaged.
        """
        if _POSE_FILE not in self._all:
            return None
        try:
            with np.load(io.BytesIO(self._read(_POSE_FILE)), allow_pickle=False) as file:
                stored = np.stack([file["yaw"], file["pitch"]], axis=1).astype(np.float64)
                rows = {str(name): row for name, row in zip(file["name"], stored, strict=True)}
        except (*_DAMAGE, KeyError, TypeError) as error:
            raise DatasetError(f"Cannot read {_POSE_FILE} of {self.path}", str(error)) from error
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
        if _DEPTH_FILE not in self._all:
            return None
        try:
            if self._depth_zip is None:
                self._depth_zip = zipfile.ZipFile(
                    self.path / _DEPTH_FILE if self._zip is None else self._zip.open(_DEPTH_FILE)
                )
            if name not in self._depth_zip.NameToInfo:
                return None
            with Image.open(io.BytesIO(self._depth_zip.read(name))) as image:
                steps = np.asarray(image)
            if steps.ndim != 2:
                raise ValueError("a depth map has one channel")
        except _DAMAGE as error:
            raise DatasetError(f"Cannot read the depth of {name} of {self.path}", str(error)) from error
        return (steps.astype(np.float64) / DEPTH_STEPS).astype(np.float32)


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    if path.parts[0] in ("depth", "__MACOSX") or any(part.startswith(".") for part in path.parts):
        return False
    return path.suffix.lower() in IMAGE_SUFFIXES


def _fit(image: Image.Image, resolution: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    if image.size != (side, side):
        image = image.crop((left, top, left + side, top + side))
    if side != resolution:
        image = image.resize((resolution, resolution), Image.Resampling.LANCZOS)
    return image
