"""The process's memory: settings that make tensor work on the CPU faster, and what is in use."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray


class _Mallinfo2(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8


def _glibc(function: str) -> Any:
    """A function of the C library; None on systems without it."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL("libc.so.6"), function)
    except (OSError, AttributeError):
        return None


def allocated_bytes() -> int | None:
    """Bytes allocated and not freed yet, by tensors and native libraries: Python's objects do not count.

    Unlike the resident size, it does not count what the allocator keeps for later. None without glibc 2.33.
    """
    mallinfo2 = _glibc("mallinfo2")
    if mallinfo2 is None:
        return None
    mallinfo2.restype = _Mallinfo2
    found = mallinfo2()
    return int(found.uordblks + found.hblkhd)


def return_freed_memory() -> None:
    """Give the system back what is free: after something large has gone that will not come again."""
    _idle.clear()
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def keep_freed_memory() -> bool:
    """Ask glibc to keep freed memory instead of returning it to the system.

    Torch allocates and frees tens of megabytes an operation; by default each is mapped and zeroed anew.
    Call it once, before the first large tensor.

    Returns
    -------
    bool
        Whether the setting was taken; False on systems without glibc.
    """
    mallopt = _glibc("mallopt")
    if mallopt is None:
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_ARENA_MAX, 1))
    return all([mallopt(option, value) == 1 for option, value in settings])


LINE_BYTES = 64
"""Of the processor's cache, which come together."""
_LINE = LINE_BYTES // 4


def aligned(*shape: int) -> NDArray[np.float32]:
    """An array, of any content, that begins with a line of the cache: reading across two takes longer."""
    count = math.prod(shape)
    memory = np.empty(count + _LINE, np.float32)
    first = -(memory.ctypes.data // memory.itemsize) % _LINE
    return memory[first : first + count].reshape(shape)


class Workspace:
    """One piece of memory for a chain of steps, in each of which a result is made of the one before.

    A step takes what it needs from one end, its result first; the result of the step before lies at the other
    one. So memory is asked for once, where freed blocks of ever other sizes would lie about unused.
    """

    def __init__(self, numbers: int) -> None:
        self.numbers = -(-numbers // _LINE) * _LINE
        self._memory = aligned(self.numbers)
        self._upwards = False
        self._taken = 0

    def turn(self) -> None:
        """Begin the next step."""
        self._upwards, self._taken = not self._upwards, 0

    def take(self, *shape: int) -> NDArray[np.float32]:
        """Some of it, of any content; good until the step after the next one begins."""
        count, first = math.prod(shape), self._taken
        self._taken += space(shape)
        assert self._taken <= self.numbers, "a step takes more than was asked for"
        if not self._upwards:
            first = self.numbers - self._taken
        return self._memory[first : first + count].reshape(shape)


_idle: list[Workspace] = []
"""Of all threads. Taking one out and adding one are single steps, so that nobody has what another has."""


def space(*shapes: tuple[int, ...]) -> int:
    """Numbers of a :class:`Workspace` that arrays of these shapes take."""
    return sum(-(-math.prod(shape) // _LINE) * _LINE for shape in shapes)


@contextmanager
def workspace(numbers: int) -> Iterator[Workspace]:
    """A workspace of at least that many four-byte floats, which is kept for the next one to ask.

    After an error it is not: threads may still be at it.
    """
    found = _largest_idle()
    if found is None or found.numbers < numbers:
        found = None  # before there is another one
        found = Workspace(numbers)
    yield found
    _idle.append(found)


def _largest_idle() -> Workspace | None:
    """Taken out, as all others, which several threads at once have left."""
    largest: Workspace | None = None
    while True:
        try:
            found = _idle.pop()
        except IndexError:
            return largest
        if largest is None or found.numbers > largest.numbers:
            largest = found
