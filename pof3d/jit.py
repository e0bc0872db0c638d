"""Functions that numba compiles once a machine, and keeps on disk.

To import this module is to import numba.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config

_HERE = Path(__file__).parent
_SOURCES = (
    *("jit.py", "vectors.py", "compiling.py", "nets/winograd.py", "nets/kernels.py"),
    *("render/kernel.py", "render/fast.py", "render/field.py", "render/volume.py"),
)
"""What compiled functions are made of."""
_FAST = {"contract", "reassoc", "nsz", "arcp", "afn"}
"""What may be done to arithmetic: all but to take for granted that there is nothing that is not a number."""
_Function = Callable[..., Any]
_kept: list[Any] = []
"""Functions with something on disk."""
_lock = threading.Lock()
"""Of numba's settings, which all threads share."""

inlined: _Function = numba.njit(inline="always", fastmath=_FAST, error_model="numpy")
"""Makes a function a part of those that call it."""
part: _Function = numba.njit(nogil=True, fastmath=_FAST, error_model="numpy")
"""Compiles a function that others call, and is kept with them."""


def compiled(function: _Function) -> Any:
    """Compile a function, at its first call, and keep it on disk.

    Numba looks at the one file with the function to see whether what it kept is still good. Here that depends
    on all of them, by the name of the folder.
    """
    settings: Any = config
    with _lock:
        before = settings.CACHE_DIR
        settings.CACHE_DIR = str(_folder())
        try:  # where that cannot be written, numba looks for another place
            made = numba.njit(nogil=True, fastmath=_FAST, error_model="numpy", cache=True)(function)
        finally:
            settings.CACHE_DIR = before
    _kept.append(made)
    return made


def _folder() -> Path:
    sources = b"".join((_HERE / name).read_bytes() for name in _SOURCES)
    return _HERE / "__pycache__" / f"kernels-{hashlib.sha256(sources).hexdigest()[:16]}"


def forget_kept() -> None:
    """Delete what is on disk, which may be damaged: what is first called after that is compiled anew.

    Raises
    ------
    OSError
        Where that cannot be written.
    """
    for function in _kept:
        function._cache.flush()
