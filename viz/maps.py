"""A raw frame as arrays: at once, or when somebody looks."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pof3d.nets.generator import RawFrame
from viz.display import fitted_range, image_bytes, solid_depth
from viz.frame import Frame


@dataclass(frozen=True)
class Maps:
    """A raw frame as arrays, read-only."""

    raw: NDArray[np.uint8]
    depth: NDArray[np.float32]
    opacity: NDArray[np.float32]
    fitted: tuple[float, float]
    """Depth range that fits."""


def maps_of(raw: RawFrame, span: tuple[float, float]) -> Maps:
    """Copy a raw frame to the host; ``span`` is the depth range of one that shows nothing."""
    depth, opacity = solid_depth(raw.depth, raw.opacity)
    return Maps(image_bytes(raw.raw), depth, opacity, fitted_range(depth, span))


class DeviceMaps:
    """As :class:`Maps`, but on the device until an array is asked for. For any thread.

    Parameters
    ----------
    raw : RawFrame
        Nobody else writes to it.
    span : tuple
        See :func:`maps_of`.
    """

    def __init__(self, raw: RawFrame, span: tuple[float, float]) -> None:
        self.side: int = raw.depth.shape[-1]
        """Of all maps, pixels."""
        self._source: tuple[RawFrame, tuple[float, float]] | None = (raw, span)
        self._maps: Maps | None = None
        self._lock = threading.Lock()

    @property
    def on_host(self) -> bool:
        """Whether the arrays are there."""
        return self._maps is not None

    def on_the_host(self) -> Maps:
        """The arrays, copied the first time."""
        with self._lock:
            if self._maps is None:
                assert self._source is not None
                self._maps, self._source = maps_of(*self._source), None
            return self._maps

    @property
    def raw(self) -> NDArray[np.uint8]:
        """See :class:`Maps`."""
        return self.on_the_host().raw

    @property
    def depth(self) -> NDArray[np.float32]:
        """See :class:`Maps`."""
        return self.on_the_host().depth

    @property
    def opacity(self) -> NDArray[np.float32]:
        """See :class:`Maps`."""
        return self.on_the_host().opacity

    @property
    def fitted(self) -> tuple[float, float]:
        """See :class:`Maps`."""
        return self.on_the_host().fitted


class DeviceFrame(Frame):
    """A Frame whose raw image, depth, opacity and fitted depth range come from the device when they are read.

    Parameters
    ----------
    maps : DeviceMaps, optional
        Whose arrays those are; without it, all of a Frame's fields must be given.
    known : fields of a Frame
        The others.
    """

    _maps: DeviceMaps | None

    def __init__(self, maps: DeviceMaps | None = None, **known: Any) -> None:
        self.__dict__.update(known, _maps=maps)

    def __getattr__(self, name: str) -> Any:
        # Asked only for what is not there.
        maps: DeviceMaps | None = self.__dict__.get("_maps")
        if maps is None or name not in ("raw", "depth", "opacity", "depth_range"):
            raise AttributeError(f"a frame has no {name}")
        return maps.fitted if name == "depth_range" else getattr(maps, name)

    @property
    def raw_side(self) -> int:
        """See :class:`~viz.frame.Frame`."""
        return super().raw_side if self._maps is None else self._maps.side

    @property
    def known_depth_range(self) -> tuple[float, float] | None:
        """See :class:`~viz.frame.Frame`."""
        if "depth_range" in self.__dict__ or (self._maps is not None and self._maps.on_host):
            return self.depth_range
        return None


def frame_of(maps: Maps | DeviceMaps, **known: Any) -> Frame:
    """A Frame with these maps, and the depth range that its View asks for or that fits.

    Parameters
    ----------
    maps : Maps or DeviceMaps
        Those of a device are not read.
    known : fields of a Frame
        All others.
    """
    asked = known["view"].display.depth_range
    if isinstance(maps, DeviceMaps):
        return DeviceFrame(maps, **known, **({} if asked is None else {"depth_range": asked}))
    return Frame(
        raw=maps.raw, depth=maps.depth, opacity=maps.opacity, depth_range=asked or maps.fitted, **known
    )
