"""What the pictures of a video show, and how they are laid out in it.

A rendering is square. Several of the same moment, such as image and depth, lie beside each other; in a canvas
of another shape they are as large as they fit, in the middle of a dark ground. Nothing is cropped or
stretched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # viz.limits, which this module serves, is imported by what viz.panel needs
    from viz.panel import RecordingFormat, RecordingRequest
    from viz.view import DisplayMode, View

GROUND = (18, 20, 24)
"""RGB of a canvas around its pictures."""
_EVEN: tuple[RecordingFormat, ...] = ("mp4", "webm")
"""Their colours have half the resolution, so that both sides are even numbers."""


@dataclass(frozen=True)
class Pane:
    """One thing that a picture of a video can show."""

    title: str
    """For people."""
    help: str
    is_map: bool = False
    """Whether it has hard edges, which a sharp filter would surround with rings."""
    ranged: bool = False
    """Whether its colours depend on the depth range."""


PANES: dict[DisplayMode, Pane] = {
    "rgb": Pane("Image", "The final image."),
    "raw": Pane("Raw", "The volume-rendered image, before super-resolution."),
    "depth": Pane("Depth", "The depth map in its colours.", is_map=True, ranged=True),
    "normals": Pane("Normals", "Which way the surface faces, as colours.", is_map=True),
    "opacity": Pane("Opacity", "How much of each ray the object stops."),
}
"""By the display mode that renders it."""


ONLY_IMAGES = "Videos show the image: the surface and the points are drawn by the window only."


def geometry_left_out(view: View, request: RecordingRequest) -> bool:
    """Whether the window would show a surface or points where the video shows the image."""
    views = [view]
    if request.path == "timeline" and request.timeline is not None:
        views = [keyframe.view for keyframe in request.timeline.keyframes]
    return any(one.display.geometry != "image" for one in views)


def shown_modes(view: View, request: RecordingRequest) -> tuple[DisplayMode, ...]:
    """Display modes of a video's pictures, from left to right."""
    if request.contents:
        return request.contents
    return ("rgb", "depth") if view.display.mode == "side_by_side" else (view.display.mode,)


def pane_of(mode: DisplayMode) -> Pane:
    """What is known of a display mode; one that is not listed is an image."""
    return PANES.get(mode) or Pane(mode, "")


def asked_size(view: View, request: RecordingRequest) -> tuple[int, int]:
    """Width and height that a request asks for, pixels."""
    if request.canvas is not None:
        return request.canvas
    return request.size * len(shown_modes(view, request)), request.size


def video_size(view: View, request: RecordingRequest) -> tuple[int, int]:
    """Width and height of the video, pixels: as asked for, rounded up to even numbers for MP4 and WebM."""
    step = 2 if request.format in _EVEN else 1
    if request.canvas is not None:
        width, height = (-(-side // step) * step for side in request.canvas)
        return width, height
    side = -(-request.size // step) * step
    return side * len(shown_modes(view, request)), side


def boxes(count: int, size: tuple[int, int]) -> list[tuple[int, int, int]]:
    """Left, top and side of so many squares in a canvas, in reading order, as large as they fit."""
    width, height = size

    def side_with(columns: int) -> int:
        return min(width // columns, height // -(-count // columns))

    columns = max(range(count, 0, -1), key=side_with)
    rows, side = -(-count // columns), side_with(columns)
    left, top = (width - columns * side) // 2, (height - rows * side) // 2
    return [(left + i % columns * side, top + i // columns * side, side) for i in range(count)]


def assemble(pictures: Sequence[tuple[Pane, NDArray[np.uint8]]], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Square pictures [S, S, 3] of any sizes laid out in one [height, width, 3]."""
    from PIL import Image  # not above: limits and options need the rest of this module

    canvas = np.empty((size[1], size[0], 3), np.uint8)
    canvas[:] = GROUND
    for (pane, picture), (left, top, side) in zip(pictures, boxes(len(pictures), size), strict=True):
        if picture.shape[:2] != (side, side):
            kernel = Image.Resampling.BILINEAR if pane.is_map else Image.Resampling.LANCZOS
            picture = np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((side, side), kernel))
        canvas[top : top + side, left : left + side] = picture
    return canvas
