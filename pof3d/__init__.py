"""PoF3D, a pose-free 3D-aware GAN: networks, rendering, checkpoints, training.

>>> import pof3d
>>> network = pof3d.load("checkpoint.safetensors")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pof3d.checkpoint import Network, load
    from pof3d.fast import FastGenerator

__all__ = ["FastGenerator", "Network", "load"]


def __getattr__(name: str) -> Any:
    """Import torch only when a network is asked for: parsing a command line should not wait for it."""
    if name == "FastGenerator":
        from pof3d.fast import FastGenerator

        return FastGenerator
    if name in __all__:
        from pof3d import checkpoint

        return getattr(checkpoint, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
