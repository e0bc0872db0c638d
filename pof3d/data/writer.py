"""Writing image sets: complete under their name, or not at all."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pof3d.data.layout import (
    ABOUT_FILE,
    DEPTH_FILE,
    DEPTH_STEPS,
    LABEL_FILE,
    PARTIAL_SUFFIX,
    POSE_FILE,
    image_name,
)
from pof3d.errors import DatasetError

_EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed date in archives: equal content gives equal files


class _Target(Protocol):
    def add(self, name: str, content: bytes) -> None: ...
    def take(self, name: str, file: Path) -> None: ...
    def close(self) -> None: ...


class _FolderTarget:
    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)

    def add(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def take(self, name: str, file: Path) -> None:
        os.replace(file, self.root / name)

    def close(self) -> None:
        pass


class _ZipTarget:
    def __init__(self, path: Path) -> None:
        self.zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)

    def add(self, name: str, content: bytes) -> None:
        self.zip.writestr(zipfile.ZipInfo(name, _EPOCH), content)

    def take(self, name: str, file: Path) -> None:
        with (
            file.open("rb") as source,
            self.zip.open(zipfile.ZipInfo(name, _EPOCH), "w", force_zip64=True) as to,
        ):
            shutil.copyfileobj(source, to, 1 << 20)

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
        if not out.name:
            raise DatasetError(
                f"Cannot write the data set {out}", "it has no name", "Name a new folder or .zip."
            )
        self._partial = out.with_name(out.name + PARTIAL_SUFFIX)
        self._names: list[str] = []
        self._labels: list[list[float]] = []
        self._poses: list[tuple[float, float]] = []
        self._about: dict[str, Any] = {}
        self._depth_path = out.with_name(out.name + ".depth" + PARTIAL_SUFFIX)
        try:
            taken = out.exists() and not (out.is_dir() and not any(out.iterdir()))
        except OSError as error:
            raise DatasetError(f"Cannot write the data set {out}", error.strerror or str(error)) from error
        if taken:
            raise DatasetError(
                f"Cannot write the data set {out}",
                "a file or a folder with content is there already",
                "Remove it or choose another name with --out.",
            )
        if out.suffix.lower() == ".zip" and out.is_dir():
            raise DatasetError(f"Cannot write the data set {out}", "it is a folder", "Choose another name.")

    def __enter__(self) -> DatasetWriter:
        self._target: _Target
        try:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self._remove_partial()
            if self.out.suffix.lower() == ".zip":
                self._target = _ZipTarget(self._partial)
            else:
                self._target = _FolderTarget(self._partial)
            self._depth = _ZipTarget(self._depth_path)
        except OSError as error:
            with suppress(OSError):
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
            for archive in (self._target, self._depth):
                with suppress(OSError, ValueError):  # such as a full disk, once more
                    archive.close()
        finally:
            self._remove_partial()
        if isinstance(error, OSError):
            raise self._failed(error) from error

    def _finish(self) -> None:
        try:
            labels = list(map(list, zip(self._names, self._labels, strict=True)))
            self._target.add(LABEL_FILE, json.dumps({"labels": labels}).encode())
            poses = np.asarray(self._poses, np.float64).reshape(-1, 2)
            buffer = io.BytesIO()
            np.savez(buffer, name=np.asarray(self._names, np.str_), yaw=poses[:, 0], pitch=poses[:, 1])
            self._target.add(POSE_FILE, buffer.getvalue())
            self._depth.close()
            self._target.take(DEPTH_FILE, self._depth_path)
            about = {"count": len(self._names), "depth_steps_per_unit": DEPTH_STEPS, **self._about}
            self._target.add(ABOUT_FILE, json.dumps(about, indent=1).encode())
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
