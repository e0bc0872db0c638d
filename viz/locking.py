"""Holding the camera still while the latent, and with it the predicted pose, changes. Pure functions."""

from __future__ import annotations

import math
from dataclasses import replace

from pof3d.config import PoseExtra, fov_from_focal
from viz.frame import Frame
from viz.posing import with_source
from viz.view import View


def is_locked(view: View) -> bool:
    """Whether the camera stays where it is when the latent changes."""
    return view.pose.source != "predicted"


def locked(view: View, frame: Frame | None, extra: PoseExtra = "none") -> View:
    """The camera stays where it is in the picture.

    Parameters
    ----------
    view : View
        Returned as it is while nothing is known of its picture.
    frame : Frame, optional
        The newest picture.
    extra : "none", "radius" or "fov"
        What the network predicts beside the pose: that is held, too.
    """
    if is_locked(view) or frame is None:
        return view
    camera = view.camera
    if frame.cameras is not None and extra == "radius" and camera.radius is None:
        camera = replace(camera, radius=frame.cameras.radius)
    if frame.cameras is not None and extra == "fov" and camera.fov is None:
        camera = replace(camera, fov=math.radians(fov_from_focal(frame.cameras.focal)))
    return with_source(replace(view, camera=camera), "free", frame)


def unlocked(view: View, extra: PoseExtra = "none") -> View:
    """The camera follows the predicted pose, and whatever else the network predicts of it."""
    if not is_locked(view):
        return view
    camera = view.camera
    if extra == "radius":
        camera = replace(camera, radius=None)
    elif extra == "fov":
        camera = replace(camera, fov=None)
    return with_source(replace(view, camera=camera), "predicted", None)
