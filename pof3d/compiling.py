"""Kernels that are compiled in the background: until one is there, torch's operations draw."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Kernel = Callable[..., None]
NetworkKernels = Any
"""The module :mod:`pof3d.nets.kernels`, compiled."""

SWITCH = "POF3D_KERNELS"
"""Environment variable; "off" leaves everything to torch."""
BLOCK = 16
"""Channels that compiled functions work on together: they need multiples of it."""

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_ready: dict[tuple[object, ...], Any] = {}
_under_way: dict[tuple[object, ...], threading.Thread] = {}


def filled_up(size: int) -> int:
    """The least multiple of BLOCK that is no less."""
    return -(-size // BLOCK) * BLOCK


def panels(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """[inputs, outputs] → [blocks, inputs, 16] as products read them: both filled up with zeros to multiples
    of 16.
    """
    inputs, outputs = (filled_up(size) for size in matrix.shape)
    filled = np.zeros((inputs, outputs), np.float32)
    filled[: len(matrix), : matrix.shape[1]] = matrix
    return np.ascontiguousarray(filled.reshape(inputs, -1, BLOCK).transpose(1, 0, 2))


def ray_kernel(channels: int, width: int, colours: int, *, wait: bool = False) -> Kernel | None:
    """:func:`pof3d.render.kernel.ray_kernel`, or None: as long as it is being compiled, or for good where
    that does not work. ``wait``: until that is known.
    """
    if channels % BLOCK or width % BLOCK:
        return None

    def make() -> Kernel:
        from pof3d.render import kernel

        made = kernel.ray_kernel(channels, width, colours)
        kernel.compile_ray_kernel(made, channels, width, colours)
        return made

    return _kernel(("rays", channels, width, colours), make, wait)


def density_kernel(width: int, *, wait: bool = False) -> Kernel | None:
    """:func:`pof3d.render.kernel.density_kernel`, or None; as :func:`ray_kernel`."""
    if width % BLOCK:
        return None

    def make() -> Kernel:
        from pof3d.render import kernel

        made = kernel.density_kernel(width)
        kernel.compile_density_kernel(made, width)
        return made

    return _kernel(("density", width), make, wait)


def network_kernels(*, wait: bool = False) -> NetworkKernels | None:
    """:mod:`pof3d.nets.kernels`, or None; as :func:`ray_kernel`."""

    def make() -> NetworkKernels:
        from pof3d.nets import kernels

        kernels.compile_kernels()
        return kernels

    return _kernel(("networks",), make, wait)


def _kernel(key: tuple[object, ...], make: Callable[[], Any], wait: bool) -> Any:
    if os.environ.get(SWITCH, "").lower() == "off":
        return None
    with _lock:
        if key in _ready:
            return _ready[key]
        thread = _under_way.get(key)
        if thread is None:
            thread = threading.Thread(target=_compile, args=(key, make), name="compile", daemon=True)
            thread.start()
            _under_way[key] = thread
    if wait:
        thread.join()
    return _ready.get(key)


def _compile(key: tuple[object, ...], make: Callable[[], Any]) -> None:
    made = None
    try:
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)
        made = _make(make)
    except ImportError as error:
        _log.info("numba cannot be used, torch draws: %s", error)
    except Exception:
        _log.warning("compiling the kernel of %s failed, torch draws", key, exc_info=True)
    with _lock:
        _ready[key] = made
        _under_way.pop(key, None)


def _make(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ImportError:
        raise
    except Exception as error:
        from pof3d.jit import forget_kept

        _log.info("kernels are compiled anew, what was kept of them may be damaged: %s", error)
        forget_kept()
        return make()
