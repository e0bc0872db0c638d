"""Reading an untrusted file by position, with bounds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NoReturn

from pof3d.errors import CheckpointError

_BUFFER = 1 << 16
_UNSAFE_TODO = "The file was not opened further and nothing in it was run."


def refuse(why: str) -> NoReturn:
    """Raise the error of a stream that asks for something it may not have."""
    raise CheckpointError("This pickle is not a checkpoint that can be opened safely", why, _UNSAFE_TODO)


def damaged(why: str) -> NoReturn:
    """Raise the error of a stream that makes no sense."""
    raise CheckpointError("The checkpoint is damaged", why, "Copy or download the file again.")


@dataclass(frozen=True, slots=True)
class Blob:
    """A byte string that was left in the file."""

    offset: int
    """Position of its first byte in the file."""
    length: int
    """Bytes."""


class Source:
    """Random access to an open file by position, with bounds.

    Parameters
    ----------
    descriptor : int
        Of a regular file, open for reading. Not closed here.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read(self, offset: int, count: int) -> bytes:
        """``count`` bytes at ``offset``; a :class:`CheckpointError` where the file ends earlier."""
        if offset < 0 or count < 0 or offset + count > self.size:
            damaged("it ends too early")
        parts = []
        while count:
            part = os.pread(self._descriptor, count, offset)
            if not part:
                damaged("it became shorter while it was read")
            parts.append(part)
            offset, count = offset + len(part), count - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill ``target`` (bytes) from ``offset``."""
        if offset < 0 or offset + len(target) > self.size:
            damaged("it ends too early")
        while len(target):
            count = os.preadv(self._descriptor, [target], offset)
            if not count:
                damaged("it became shorter while it was read")
            offset, target = offset + count, target[count:]


class Cursor:
    """Sequential reading of a window of a :class:`Source`."""

    def __init__(self, source: Source, window: Blob, buffer: int = _BUFFER) -> None:
        self.source = source
        self._end = window.offset + window.length
        self._buffer_size = buffer
        self._buffer = b""
        self._base = window.offset
        self._at = 0

    @property
    def position(self) -> int:
        """Of the next byte, in the file."""
        return self._base + self._at

    @property
    def remaining(self) -> int:
        """Bytes up to the end of the window."""
        return self._end - self.position

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        end = self._at + count
        if end > len(self._buffer):
            position = self.position
            if count > self._end - position:
                damaged("it ends too early")
            self._base, self._at, end = position, 0, count
            size = min(max(count, self._buffer_size), self._end - position)
            self._buffer = self.source.read(position, size)
        part = self._buffer[self._at : end]
        self._at = end
        return part

    def skip(self, count: int) -> Blob:
        """Pass over the next ``count`` bytes and say where they are."""
        position = self.position
        if count > self._end - position:
            damaged("it ends too early")
        if self._at + count <= len(self._buffer):
            self._at += count
        else:
            self._base, self._at, self._buffer = position + count, 0, b""
        return Blob(position, count)

    def line(self, limit: int = 256) -> bytes:
        """The bytes up to a newline, without it."""
        found = bytearray()
        while (byte := self.take(1)) != b"\n":
            found += byte
            if len(found) > limit:
                damaged("a name in it has no end")
        return bytes(found)
