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
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, TiffImagePlugin

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

_BAD_EXIF = (*DAMAGE, LookupError, TypeError, AttributeError)
"""What Pillow raises on damaged EXIF data, which make no image unreadable."""


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
            return self.archive.read(self._member(name))

    def _member(self, name: str) -> zipfile.ZipInfo:
        entry = self.archive.NameToInfo.get(name)
        if entry is None:
            raise FileNotFoundError(f"{self.path} no longer holds {name}")
        if entry.file_size > _MAX_MEMBER:
            raise ValueError(f"larger than {_MAX_MEMBER} bytes")
        return entry

    def image(self, name: str) -> Image.Image:
        """An image as RGB and upright, transparent pixels laid over white; raises one of `DAMAGE`."""
        with Image.open(io.BytesIO(self.read(name))) as image:
            deep = _is_deep(image)
            image.load()
            with suppress(*_BAD_EXIF):
                ImageOps.exif_transpose(image, in_place=True)
            if deep:
                return _to_8_bits(image)
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
        """Raise one of `DAMAGE` where a file does not begin like a usable image; pixels are not decoded."""
        if self.is_folder:
            with Image.open(self.path / name) as image:
                _is_deep(image)
            return
        with self._lock, self.archive.open(self._member(name)) as stream, Image.open(stream) as image:
            _is_deep(image)


def _is_deep(image: Image.Image) -> bool:
    """Whether an image is grey with 16 bits; ValueError where one cannot know what its values mean."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return False
    known = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # may have 12 bits, or black and white swapped
        bits = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE)
        known = known and bits == (16,) and image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 1
    if not known:
        raise ValueError("grey values of an unknown range: only 8 or 16 bits without sign are read")
    return True


def _to_8_bits(image: Image.Image) -> Image.Image:
    """A grey image with 16 bits as RGB: 0 … 65535 becomes 0 … 255, the transparent value white."""
    values = np.asarray(image).astype(np.uint32)
    grey = np.minimum((values + 128) // 257, 255).astype(np.uint8)
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    return Image.fromarray(grey).convert("RGB")


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
