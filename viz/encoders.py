"""Video files, written frame by frame."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image, PngImagePlugin

from pof3d.errors import ConfigError
from viz.captures import FOLDER_VIEW, VIEW_KEY
from viz.panel import RecordingFormat

QUALITY = 18
"""H.264's constant rate factor: no loss that one would notice."""
_VP9_QUALITY = 24
"""About the same on VP9's scale."""
_BITS_PER_PIXEL = 0.2
"""Of encoders that know no constant quality."""
_GIF_TICKS = 100
_BT709 = 1
_PNG_COMPRESSION = 4

_ENCODERS: dict[RecordingFormat, tuple[tuple[str, dict[str, str]], ...]] = {
    "mp4": (("libx264", {"crf": str(QUALITY), "preset": "veryfast"}), ("libopenh264", {})),
    "webm": (
        (
            "libvpx-vp9",
            {"crf": str(_VP9_QUALITY), "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "0"},
        ),
        ("libvpx", {}),
    ),
}
"""Encoders of a format with their options, the best first: builds of FFmpeg differ in what they have."""
_TITLES: dict[RecordingFormat, str] = {"mp4": "H.264", "webm": "VP9"}


class Encoder(Protocol):
    """Takes one frame after the other."""

    def add(self, rgb: NDArray[np.uint8], comment: str = "") -> None:
        """Append a frame [H, W, 3].

        All have the same size. The comment is this frame's own, kept where frames are files of their own.
        """


def missing_encoder(kind: RecordingFormat) -> str:
    """Why videos of a format cannot be made here; empty: they can."""
    if kind not in _ENCODERS or _find_encoder(kind) is not None:
        return ""
    return f"PyAV has no encoder for {_TITLES[kind]} here"


def check_encoder(kind: RecordingFormat) -> None:
    """Refuse a format that cannot be encoded here.

    Raises
    ------
    ConfigError
        With what helps.
    """
    why = missing_encoder(kind)
    if why:
        what = f"{'MP4' if kind == 'mp4' else 'WebM'} videos cannot be made here"
        todo = "Choose another format, or install PyAV from PyPI (pip install av): its wheels have it."
        raise ConfigError(what, why, todo)


def _find_encoder(kind: RecordingFormat) -> tuple[str, dict[str, str]] | None:
    import av

    for name, options in _ENCODERS[kind]:
        try:
            av.Codec(name, "w")
        except (av.FFmpegError, ValueError):
            continue
        return name, options
    return None


class _Video:
    """H.264 in MP4 or VP9 in WebM, 4:2:0, which every player takes."""

    def __init__(
        self, path: Path, kind: RecordingFormat, size: tuple[int, int], fps: int, comment: str
    ) -> None:
        import av

        check_encoder(kind)
        found = _find_encoder(kind)
        assert found is not None
        name, options = found
        self._video_frame = av.VideoFrame
        flags = {"movflags": "faststart"} if kind == "mp4" else {}
        self._container = av.open(str(path), "w", format=kind, options=flags)
        self._container.metadata["comment"] = comment
        stream = self._container.add_stream(name, rate=Fraction(fps), options=options)
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        if "crf" not in options:
            context.bit_rate = round(_BITS_PER_PIXEL * size[0] * size[1] * fps)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.thread_count = 1

    def add(self, rgb: NDArray[np.uint8], comment: str = "") -> None:
        frame = self._video_frame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=_BT709)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))

    def close(self) -> None:
        self._container.close()


class _Gif:
    """A looping GIF with a palette of its own for every frame. (Pillow's own writer holds all frames.)"""

    def __init__(self, path: Path, size: tuple[int, int], fps: int, comment: str) -> None:
        self._file: IO[bytes] = path.open("wb")
        self._fps = fps
        self._count = 0
        self._file.write(b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0))
        self._file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
        text = comment.encode()
        if text:
            blocks = [text[i : i + 255] for i in range(0, len(text), 255)]
            self._file.write(b"!\xfe" + b"".join(bytes([len(b)]) + b for b in blocks) + b"\0")

    def add(self, rgb: NDArray[np.uint8], comment: str = "") -> None:
        ends = [round(i * _GIF_TICKS / self._fps) for i in (self._count, self._count + 1)]
        self._count += 1
        image = Image.fromarray(np.ascontiguousarray(rgb))
        image = image.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        milliseconds = (ends[1] - ends[0]) * 10
        for block in GifImagePlugin.getdata(image, duration=milliseconds, include_color_table=True):
            self._file.write(block)

    def finish(self) -> None:
        self._file.write(b";")

    def close(self) -> None:
        self._file.close()


class _Pngs:
    """A folder of numbered PNGs, each with its own comment; the one of the whole is a file beside them."""

    def __init__(self, path: Path, size: tuple[int, int], fps: int, comment: str) -> None:
        self._folder = path
        self._count = 0
        if comment:
            (path / FOLDER_VIEW).write_text(comment, encoding="utf-8")

    def add(self, rgb: NDArray[np.uint8], comment: str = "") -> None:
        self._count += 1
        text = PngImagePlugin.PngInfo()
        if comment:
            text.add_text(VIEW_KEY, comment)
        image = Image.fromarray(np.ascontiguousarray(rgb))
        path = self._folder / f"frame-{self._count:05d}.png"
        image.save(path, "PNG", pnginfo=text, compress_level=_PNG_COMPRESSION)

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass


def _encoder(
    path: Path, kind: RecordingFormat, size: tuple[int, int], fps: int, comment: str
) -> _Video | _Gif | _Pngs:
    if kind == "gif":
        return _Gif(path, size, fps, comment)
    return _Pngs(path, size, fps, comment) if kind == "png" else _Video(path, kind, size, fps, comment)


@contextmanager
def encoding(
    path: Path, kind: RecordingFormat, size: tuple[int, int], fps: int, comment: str = ""
) -> Iterator[Encoder]:
    """A file, or a folder of PNGs, that is complete when the block ends without an exception.

    Parameters
    ----------
    path : Path
        Written from the first frame on. For PNGs it is a folder that exists.
    kind : RecordingFormat
        The format.
    size : tuple
        Width and height; even for MP4 and WebM.
    fps : int
        Frames a second; see :mod:`viz.limits`.
    comment : str
        Stored in the file; beside the pictures in a folder of PNGs.

    Raises
    ------
    OSError
        When the file cannot be written.
    ConfigError
        When there is no encoder for the format.
    """
    import av

    try:
        encoder = _encoder(path, kind, size, fps, comment)
        try:
            yield encoder
            encoder.finish()
        finally:
            encoder.close()
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise OSError(error.errno, error.strerror or str(error)) from error
