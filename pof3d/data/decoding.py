"""Opening the files of an image set, from several threads or from processes that get a reader by pickling."""

from __future__ import annotations

import io
import lzma
import struct
import threading
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

_MAX_MEMBER = 256 * 1024 * 1024  # bytes; no image is larger, and a zip bomb ends here
_AHEAD = 16  # files per thread that are worked on at a time

T = TypeVar("T")

DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    Image.DecompressionBombError,
)
"""What zipfile, Pillow and NumPy raise on damaged, encrypted or foreign content."""


class SetReader:
    """Reads the files of a folder or of a .zip; the archive is opened at the first use.

    Threads may share one. Pickled to another process, it opens the archive anew there.

    Parameters
    ----------
    path : Path
        An existing folder or .zip file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_folder = path.is_dir()
        self._zip: zipfile.ZipFile | None = None
        # zipfile promises nothing to threads. Only reading waits for each other, decoding does not.
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "is_folder": self.is_folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._zip = None
        self._lock = threading.RLock()

    @property
    def archive(self) -> zipfile.ZipFile:
        """The open archive of a .zip.

        Raises
        ------
        One of `DAMAGE`
            When it cannot be opened.
        """
        with self._lock:
            if self._zip is None:
                self._zip = zipfile.ZipFile(self.path)
            return self._zip

    def close(self) -> None:
        """Close the archive, where it is open."""
        with self._lock:
            if self._zip is not None:
                self._zip.close()
                self._zip = None

    def read(self, name: str) -> bytes:
        """A file's content; raises one of `DAMAGE`."""
        if self.is_folder:
            return (self.path / name).read_bytes()
        with self._lock:
            entry = self.archive.NameToInfo.get(name)
            if entry is None:
                raise FileNotFoundError(f"{self.path} no longer holds {name}")
            if entry.file_size > _MAX_MEMBER:
                raise ValueError(f"larger than {_MAX_MEMBER} bytes")
            return self.archive.read(name)

    def image(self, name: str) -> Image.Image:
        """An image as RGB, transparent pixels laid over white; raises one of `DAMAGE`."""
        with Image.open(io.BytesIO(self.read(name))) as image:
            if image.has_transparency_data:
                clear = image.convert("RGBA")
                white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
                return Image.alpha_composite(white, clear).convert("RGB")
            return image.convert("RGB")

    def square(self, name: str, resolution: int) -> npt.NDArray[np.uint8]:
        """An image cropped to a centred square and resized (Lanczos) where needed.

        Returns
        -------
        uint8 array, shape (3, R, R)

        Raises
        ------
        One of `DAMAGE`
            When it cannot be read.
        """
        image = self.image(name)
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        if image.size != (side, side):
            image = image.crop((left, top, left + side, top + side))
        if side != resolution:
            image = image.resize((resolution, resolution), Image.Resampling.LANCZOS)
        return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))

    def check_header(self, name: str) -> None:
        """Raise one of `DAMAGE` where a file does not begin like an image; pixels are not decoded."""
        if self.is_folder:
            with Image.open(self.path / name):
                return
        with self._lock, self.archive.open(name) as stream, Image.open(stream):
            return


def in_threads(
    work: Callable[[str], T], names: Sequence[str], threads: int
) -> Generator[tuple[str, T | Exception]]:
    """Apply `work` to names in threads; yield names and results in order, errors among `DAMAGE` as results.

    Parameters
    ----------
    work : callable
        Takes a name.
    names : sequence of str
    threads : int, >= 1
    """

    def attempt(name: str) -> T | Exception:
        try:
            return work(name)
        except DAMAGE as error:
            return error

    if threads == 1:
        yield from ((name, attempt(name)) for name in names)
        return
    pool = ThreadPoolExecutor(threads, "images")
    try:
        ahead: deque[tuple[str, Future[T | Exception]]] = deque()
        for name in names:
            ahead.append((name, pool.submit(attempt, name)))
            if len(ahead) > _AHEAD * threads:  # results in memory stay few
                first, future = ahead.popleft()
                yield first, future.result()
        for last, future in ahead:
            yield last, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
