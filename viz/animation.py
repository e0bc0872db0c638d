"""The Views of a timeline's recording: what :func:`viz.timeline.view_at` gives, fit to be one video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pof3d.errors import ConfigError
from viz.engine import Engine
from viz.panel import RecordingRequest
from viz.stages import never
from viz.timeline import views
from viz.video_panes import pane_of
from viz.view import View

_SURVEYED = 9
"""Frames that a fitted depth range is fitted to."""


def animated_views(
    engine: Engine, view: View, request: RecordingRequest, cancelled: Callable[[], bool] = never
) -> Iterator[View]:
    """The Views of a request's timeline on the network of a View.

    Where one frame has the depth map beside the image, all have: a video has one size. Depth maps without a
    range of their own share one.

    Raises
    ------
    ConfigError
        When there is nothing on the timeline.
    Cancelled
        When the cancel token was pulled while the depth range was fitted.
    """
    timeline = request.timeline
    if timeline is None or not timeline.keyframes:
        raise ConfigError("There is no timeline to record", "it has no keyframes", "Add some first.")
    played = [one.view.display for one in timeline.keyframes]
    wide = not request.contents and any(display.mode == "side_by_side" for display in played)
    ranged = any(pane_of(mode).ranged for mode in request.contents)
    found: list[tuple[float, float]] = []
    mapped = ranged or wide or any(display.mode == "depth" for display in played)
    if mapped and any(display.depth_range is None for display in played):
        for one in views(timeline, min(request.frames, _SURVEYED)):
            found.append(engine.fitted_depth_range(replace(one, network=view.network), cancelled))
    shared = (min(near for near, _ in found), max(far for _, far in found)) if found else None

    def frames() -> Iterator[View]:
        for one in views(timeline, request.frames):
            display = one.display
            if wide:
                display = replace(display, mode="side_by_side")
            if display.depth_range is None and (ranged or display.mode in ("depth", "side_by_side")):
                display = replace(display, depth_range=shared)
            yield replace(one, network=view.network, display=display)

    return frames()
