"""Kernels that are made ready in the background: until one is there, torch's operations draw."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pof3d import machine_code
from pof3d.machine_code import Kernel
from pof3d.memory import aligned

if TYPE_CHECKING:
    from pof3d.jit import Source

SWITCH = "POF3D_KERNELS"
"""Environment variable; "off" leaves everything to torch."""
BLOCK = 16
"""Channels that compiled functions work on together: they need multiples of it."""
ROWS = 6
"""Rows of a matrix that they multiply together."""

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
    found = aligned(outputs // BLOCK, inputs, BLOCK)
    found[:] = filled.reshape(inputs, -1, BLOCK).transpose(1, 0, 2)
    return found


@dataclass(frozen=True)
class NetworkKernels:
    """Of convolutions: the functions of :mod:`pof3d.nets.kernels`, compiled."""

    convolve: Kernel
    double: Kernel
    filter_rows: Kernel
    add_image: Kernel
    transform_weights: Kernel


def ray_kernel(channels: int, width: int, colours: int, *, wait: bool = False) -> Kernel | None:
    """:func:`pof3d.render.kernel.ray_kernel`, or None: as long as it is being compiled, or for good where
    that does not work. ``wait``: until that is known.
    """
    if channels % BLOCK or width % BLOCK:
        return None

    def source() -> Source:
        from pof3d.render.kernel import ray_kernel

        return ray_kernel(channels, width, colours)

    key = "rays", channels, width, colours
    return _kernel(key, lambda: _compiled("-".join(map(str, key)), source), wait)


def density_kernel(width: int, *, wait: bool = False) -> Kernel | None:
    """:func:`pof3d.render.kernel.density_kernel`, or None; as :func:`ray_kernel`."""
    if width % BLOCK:
        return None

    def source() -> Source:
        from pof3d.render.kernel import density_kernel

        return density_kernel(width)

    return _kernel(("density", width), lambda: _compiled(f"density-{width}", source), wait)


def network_kernels(*, wait: bool = False) -> NetworkKernels | None:
    """All of them, or None; as :func:`ray_kernel`."""

    def source(name: str) -> Source:
        from pof3d.nets import kernels

        made: Source = getattr(kernels, name)
        return made

    def make() -> NetworkKernels:
        names = [field.name for field in fields(NetworkKernels)]
        return NetworkKernels(**{name: _compiled(name, partial(source, name)) for name in names})

    return _kernel(("networks",), make, wait)


def _compiled(name: str, source: Callable[[], Source]) -> Kernel:
    """What has been kept by that name, or else is compiled, and kept."""
    found = machine_code.kept(name)
    if found is None:
        made = source()
        code = made.build()
        machine_code.keep(name, made.signature, code)
        found = Kernel(made.signature, code)
    return found


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
        made = make()
    except ImportError as error:
        _log.info("kernels cannot be used, torch draws: %s", error)
    except Exception:
        _log.warning("compiling the kernel of %s failed, torch draws", key, exc_info=True)
    with _lock:
        _ready[key] = made
        _under_way.pop(key, None)
