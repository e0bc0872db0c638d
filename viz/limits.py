"""Which values of a View make sense; panels clamp to these, the engine refuses what lies outside."""

from __future__ import annotations

import math
from typing import NamedTuple

from pof3d.errors import ConfigError
from viz.view import View


class Span(NamedTuple):
    """An interval, ends included."""

    low: float
    high: float

    def clamp(self, value: float) -> float:
        """The nearest value inside."""
        return min(max(value, self.low), self.high)


PSI = Span(-2.0, 2.0)
RESOLUTION = Span(8, 1024)
DEPTH_SAMPLES = Span(4, 512)
IMPORTANCE_SAMPLES = Span(0, 512)
RADIUS = Span(0.05, 100.0)
"""World units."""
FOV = Span(math.radians(0.5), math.radians(150.0))
"""Radians."""
PAN = Span(-100.0, 100.0)
"""World units."""
YAW = Span(-1e4, 1e4)
"""Radians."""
LATTICE = Span(-(2.0**40), 2.0**40)
"""Coordinates of the seed map."""
DEPTH = Span(-1e4, 1e4)
"""World units."""


def _within(what: str, value: float | None, span: Span, unit: str = "", scale: float = 1.0) -> None:
    if value is not None and not span.low <= value <= span.high:  # NaN fails, too
        raise ConfigError(
            f"{what} of {value * scale:g}{unit} cannot be used",
            f"it must lie between {span.low * scale:g}{unit} and {span.high * scale:g}{unit}",
        )


def check_view(view: View) -> None:
    """Refuse a View that cannot be rendered.

    Raises
    ------
    ConfigError
        Naming the value and what it may be.
    """
    latent, camera, sampling = view.latent, view.camera, view.sampling
    degrees = {"unit": "°", "scale": math.degrees(1.0)}
    _within("A seed map position", latent.x, LATTICE)
    _within("A seed map position", latent.y, LATTICE)
    _within("A truncation ψ", latent.truncation_psi, PSI)
    _within("A truncation cutoff", latent.truncation_cutoff, Span(0, 1000))
    for yaw in (camera.yaw, view.pose.override_yaw):
        _within("A yaw", yaw, YAW, **degrees)  # type: ignore[arg-type]
    for pitch in (camera.pitch, view.pose.override_pitch):
        _within("A pitch", pitch, Span(-math.pi / 2, math.pi / 2), **degrees)  # type: ignore[arg-type]
    _within("A roll", camera.roll, YAW, **degrees)  # type: ignore[arg-type]
    _within("A radius", camera.radius, RADIUS)
    _within("A field of view", camera.fov, FOV, **degrees)  # type: ignore[arg-type]
    for shift in camera.pan:
        _within("A pan", shift, PAN)
    _within("A resolution", sampling.resolution, RESOLUTION, " pixels")
    _within("A number of depth samples", sampling.depth_samples, DEPTH_SAMPLES)
    _within("A number of importance samples", sampling.importance_samples, IMPORTANCE_SAMPLES)
    depth_range = view.display.depth_range
    if depth_range is not None:
        for end in depth_range:
            _within("A depth range ending", end, DEPTH)
        if depth_range[0] >= depth_range[1]:
            raise ConfigError(
                "The depth range is empty", f"its near end {depth_range[0]:g} is not below its far end"
            )
