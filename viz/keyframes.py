"""Keyframes: Views at times of a timeline, and how to get from one to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from viz.view import NetworkView, View

if TYPE_CHECKING:
    from viz.frame import Frame

Easing = Literal["linear", "smooth", "hold"]
"""``linear``: even speed. ``smooth``: from rest to rest, and without a stop where smooth ways meet. ``hold``:
stay, then jump."""


@dataclass(frozen=True)
class Shot:
    """How a picture was taken: what a View leaves to its network. World units and radians."""

    yaw: float
    pitch: float
    radius: float
    fov: float


@dataclass(frozen=True)
class Keyframe:
    """A View at a time."""

    time: float
    """Seconds."""
    view: View
    """What to see. Its network does not count: a timeline plays on the one that is open."""
    easing: Easing = "smooth"
    """How to go on to the next keyframe."""
    turns: int = 0
    """Full turns of the yaw on the way there, beyond the short way; negative: the other way round."""
    shot: Shot | None = None
    """How its picture was taken, where that is known. It counts next to a keyframe with a pose, distance or
    field of view of its own, where this one leaves them to the network."""


def keyframe_view(view: View) -> View:
    """What a keyframe keeps of a View: everything but its network; the image, where geometry is in its place.

    Playing shows what a recording will: surfaces and points are made once for a latent, not for every frame.
    """
    display = replace(view.display, geometry="image")
    return replace(view, network=NetworkView(), display=display)


def shot_of(frame: Frame | None, view: View) -> Shot | None:
    """How the picture of a View was taken, if the frame is that picture."""
    if frame is None or frame.cameras is None:
        return None
    seen = frame.view
    if (seen.network, seen.latent, seen.pose, seen.camera) != (
        view.network,
        view.latent,
        view.pose,
        view.camera,
    ):
        return None
    from pof3d.config import fov_from_focal

    own = math.radians(fov_from_focal(frame.cameras.focal))
    asked = view.camera
    return Shot(
        frame.camera_pose.yaw,
        frame.camera_pose.pitch,
        frame.cameras.radius if asked.radius is None else asked.radius,
        own if asked.fov is None else asked.fov,
    )
