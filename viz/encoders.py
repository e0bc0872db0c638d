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
from PIL import GifImagePlugin, Image

from viz.panel import RecordingFormat

QUALITY = 18
"""H.264's constant rate factor: no loss that one would notice."""
_GIF_TICKS = 100
_BT709 = 1


class Encoder(Protocol):
    """Takes one frame after the other."""

    def add(self, rgb: NDArray[np.uint8]) -> None:
        """Append a frame [H, W, 3]; all have the same size, even in both directions."""


class _Mp4:
    """H.264 in 4:2:0, which every player takes."""

    def __init__(self, path: Path, size: tuple[int, int], fps: int, comment: str) -> None:
        import av

        self._video_frame = av.VideoFrame
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        self._container.metadata["comment"] = comment
        options = {"crf": str(QUALITY), "preset": "veryfast"}
        self._stream = self._container.add_stream("libx264", rate=Fraction(fps), options=options)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.thread_count = 1

    def add(self, rgb: NDArray[np.uint8]) -> None:
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

    def add(self, rgb: NDArray[np.uint8]) -> None:
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


@contextmanager
def encoding(
    path: Path, kind: RecordingFormat, size: tuple[int, int], fps: int, comment: str = ""
) -> Iterator[Encoder]:
    """A file that is complete when the block ends without an exception.

    Parameters
    ----------
    path : Path
        Written from the first frame on.
    kind : "mp4" or "gif"
        The format.
    size : tuple
        Width and height, even.
    fps : int
        Frames a second; see :mod:`viz.limits`.
    comment : str
        Stored in the file.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    import av

    try:
        encoder = (_Mp4 if kind == "mp4" else _Gif)(path, size, fps, comment)
        try:
            yield encoder
            encoder.finish()
        finally:
            encoder.close()
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise OSError(error.errno, error.strerror or str(error)) from error
