"""Which values of a View make sense; panels clamp to these, the engine refuses what lies outside."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from pof3d.errors import ConfigError
from viz.files import check_folder_target, check_target
from viz.panel import RecordingRequest
from viz.timeline import check_timeline
from viz.video_panes import PANES
from viz.view import MOST_BLENDED, View


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
DIRECTION = Span(-10.0, 10.0)
"""Standard deviations."""
MOST_DIRECTIONS = 64
"""Amplitudes of a View; networks have fewer."""
SEED = Span(0, 2**32 - 1)
LAYER = Span(0, 1000)

FRAMES = Span(1, 36_000)
FRAME_RATE = Span(1, 120)
"""Frames a second."""
GIF_FRAME_RATE = Span(1, 50)
"""A GIF counts in hundredths of a second, and programs take delays below two of them for a mistake."""
VIDEO_SIDE = Span(16, 4096)
"""Pixels; of one picture, and of the whole video."""
AMPLITUDE = Span(math.radians(0.1), math.pi)
"""Radians to either side."""


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
    degrees = ("°", math.degrees(1.0))
    _within("A seed map position", latent.x, LATTICE)
    _within("A seed map position", latent.y, LATTICE)
    if len(latent.blend) > MOST_BLENDED:
        raise ConfigError(
            f"A latent of {1 + len(latent.blend)} points cannot be used", f"it may have {1 + MOST_BLENDED}"
        )
    for x, y, weight in latent.blend:
        _within("A seed map position", x, LATTICE)
        _within("A seed map position", y, LATTICE)
        _within("A weight in a latent", weight, Span(0.0, 1.0))
    if sum(weight**2 for _, _, weight in latent.blend) > 1.0 + 1e-6:
        raise ConfigError("The weights in a latent cannot be used", "their squares exceed 1")
    _within("A truncation ψ", latent.truncation_psi, PSI)
    _within("A truncation cutoff", latent.truncation_cutoff, Span(0, 1000))
    _within("A number of directions", len(latent.directions), Span(0, MOST_DIRECTIONS))
    for amplitude in latent.directions:
        _within("A direction's amplitude", amplitude, DIRECTION, " standard deviations")
    _within("A second seed", latent.mix_seed, SEED)
    _within("A layer", latent.mix_first, LAYER)
    _within("A layer", latent.mix_end, LAYER)
    for yaw in (camera.yaw, view.pose.override_yaw, view.pose.conditioning_yaw):
        _within("A yaw", yaw, YAW, *degrees)
    for pitch in (camera.pitch, view.pose.override_pitch, view.pose.conditioning_pitch):
        _within("A pitch", pitch, Span(-math.pi / 2, math.pi / 2), *degrees)
    _within("A roll", camera.roll, YAW, *degrees)
    _within("A radius", camera.radius, RADIUS)
    _within("A field of view", camera.fov, FOV, *degrees)
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


def check_recording(request: RecordingRequest, target: Path) -> None:
    """Refuse a recording that cannot be made, before any work is done for it.

    Raises
    ------
    ConfigError
        Naming the value and what it may be.
    SaveError
        When the target cannot be written.
    """
    is_gif = request.format == "gif"
    _within("A number of frames", request.frames, FRAMES)
    rate = GIF_FRAME_RATE if is_gif else FRAME_RATE
    _within("A GIF's frame rate" if is_gif else "A frame rate", request.fps, rate, " a second")
    _within("A video side", request.size, VIDEO_SIDE, " pixels")
    for side in request.canvas or ():
        _within("A video side", side, VIDEO_SIDE, " pixels")
    for mode in request.contents:
        if mode not in PANES:
            raise ConfigError(f"A video cannot show {mode!r}", f"it can show {', '.join(PANES)}")
    if request.path == "timeline":
        if request.timeline is None or not request.timeline.keyframes:
            raise ConfigError("There is no timeline to record", "it has no keyframes", "Add some first.")
        check_timeline(request.timeline)
    _within("An amplitude", request.amplitude, AMPLITUDE, "°", math.degrees(1.0))
    if request.format == "png":
        check_folder_target(target)
        return
    if target.suffix.lower() != f".{request.format}":
        raise ConfigError(f"{target.name} is no name for this video", f"it should end in .{request.format}")
    check_target(target)
