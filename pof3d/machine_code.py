"""Compiled functions on disk and in memory, without what compiled them.

:mod:`pof3d.jit` compiles, with numba. What it makes is kept as an object file, which LLVM alone, by llvmlite,
puts into memory: that takes a third of the memory and a tenth of the time of importing numba.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import itertools
import operator
import threading
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pof3d.files import cache_folder, replacing

_HERE = Path(__file__).parent
_SOURCES = (
    *("machine_code.py", "jit.py", "scratch.py", "vectors.py", "compiling.py", "memory.py"),
    *("nets/tiles.py", "nets/winograd.py", "nets/kernels.py"),
    *("render/kernel.py", "render/fast.py", "render/field.py", "render/volume.py"),
)
"""What compiled functions are made of."""
_KIND = b"pof3d kernel\n"
ENTRY = "kernel"
"""Name of the function in its object file."""

_ARRAYS = {"f": np.dtype(np.float32), "n": np.dtype(np.int64)}
_NUMBERS: dict[str, tuple[Any, Any]] = {
    "i": (ctypes.c_int64, operator.index),
    "f": (ctypes.c_float, float),
    "b": (ctypes.c_int64, bool),
}
"""What they are passed as, and made of."""
_lock = threading.Lock()
_serial = itertools.count()


class Kernel:
    """A compiled function in memory. It runs without Python's lock.

    Attributes
    ----------
    signature : str
        Its parameters, a word each: ``i`` an integer, ``f`` a four-byte float, ``b`` a truth; ``f3`` an array
        [·, ·, ·] of four-byte floats, ``n2`` one [·, ·] of eight-byte integers, without gaps.
    """

    def __init__(self, signature: str, code: bytes) -> None:
        self.signature = signature
        kinds: list[Any] = []
        for word in signature.split():
            if len(word) > 1:
                kinds += [ctypes.c_void_p, *[ctypes.c_int64] * int(word[1])]
            else:
                kinds.append(_NUMBERS[word][0])
        self._words = signature.split()
        with _lock:
            address, self._code = _linked(code)
        self._call = ctypes.CFUNCTYPE(None, *kinds)(address)

    def __call__(self, *arguments: Any) -> None:
        """Run.

        Raises
        ------
        TypeError
            Of other arguments than its signature names.
        ValueError
            Of another number of them.
        """
        flat: list[Any] = []
        for word, given in zip(self._words, arguments, strict=True):
            if len(word) == 1:
                flat.append(_NUMBERS[word][1](given))
            elif _fits(given, word):
                flat.append(given.ctypes.data)
                flat += given.shape
            else:
                raise TypeError(f"{word} is asked for, not {_named(given)}")
        self._call(*flat)


def _fits(given: Any, word: str) -> bool:
    return (
        isinstance(given, np.ndarray)
        and given.dtype == _ARRAYS[word[0]]
        and given.ndim == int(word[1])
        and given.flags.c_contiguous
    )


def _named(given: Any) -> str:
    if not isinstance(given, np.ndarray):
        return type(given).__name__
    gaps = "" if given.flags.c_contiguous else ", with gaps"
    return f"{given.dtype} {list(given.shape)}{gaps}"


# ----------------------------------------------------------------------------------------------- in memory
@cache
def _linker() -> Any:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.create_lljit_compiler()


def _linked(code: bytes) -> tuple[int, Any]:
    """The function's address, and what keeps it in memory."""
    from llvmlite import binding

    library = binding.JITLibraryBuilder().add_object_img(code).export_symbol(ENTRY).add_current_process()
    tracker = library.link(_linker(), f"{ENTRY} {next(_serial)}")
    return tracker[ENTRY], tracker


# ------------------------------------------------------------------------------------------------- on disk
@cache
def _machine() -> bytes:
    """What else compiled functions depend on."""
    from llvmlite import binding

    cpu = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    parts = (binding.get_process_triple(), *cpu, version("llvmlite"), version("numba"))
    return "\n".join(parts).encode()


@cache
def _folders() -> tuple[Path, ...]:
    """Where they are kept: beside the sources; where that cannot be written, in the user's cache."""
    sources = b"".join((_HERE / name).read_bytes() for name in _SOURCES)
    own = f"kernels-{hashlib.sha256(sources + _machine()).hexdigest()[:16]}"
    return _HERE / "__pycache__" / own, cache_folder("kernels") / own


def keep(name: str, signature: str, code: bytes) -> None:
    """Keep an object file; without a place for it, nothing happens."""
    content = f"{name}\n{signature}\n".encode() + code
    for folder in _folders():
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(folder / name, durable=False) as part:
                part.write_bytes(_KIND + hashlib.sha256(content).digest() + content)
            return


def kept(name: str) -> Kernel | None:
    """What has been kept by that name, in memory; None where there is nothing intact."""
    for folder in _folders():
        with contextlib.suppress(OSError):
            data = (folder / name).read_bytes()
            digest, content = data[len(_KIND) :][:32], data[len(_KIND) + 32 :]
            if data.startswith(_KIND) and hashlib.sha256(content).digest() == digest:
                own, signature, code = content.split(b"\n", 2)
                if own.decode() == name:
                    return Kernel(signature.decode(), code)
    return None
