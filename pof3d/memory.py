"""The process's memory: settings that make tensor work on the CPU faster, and what is in use."""

from __future__ import annotations

import ctypes
import sys
from typing import Any


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
