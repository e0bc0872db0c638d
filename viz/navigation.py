"""How dragging, scrolling and double clicking in the picture change a View. Pure functions."""

from __future__ import annotations

import math
from dataclasses import replace

from pof3d.cameras import orbit_cam2world
from pof3d.config import CameraConfig, focal_from_fov, fov_from_focal
from viz.frame import Pose
from viz.posing import with_orbit
from viz.view import PITCH_LIMIT, CameraView, View

RADIANS_PER_PIXEL = math.radians(0.4)
"""Of a drag, design pixels."""
ZOOM_PER_STEP = 0.88
"""Factor of the field of view, one step of the wheel towards the object."""
FOV_LIMITS = (math.radians(4.0), math.radians(100.0))
PAN_PER_STEP = 0.05
"""Picture widths, one step of the wheel."""
SIDEWAYS = 1.5
"""A scroll goes sideways where it does so by this factor more than up or down."""
PAN_LIMIT = 1.0
"""World units in every direction; the object lies within ±0.5 of the pivot."""


def orbit(view: View, start: Pose, dx: float, dy: float) -> View:
    """Turn the object with the cursor; the orbit camera becomes free.

    Parameters
    ----------
    view : View
    start : Pose
        Where the movement starts.
    dx, dy : float
        Way of the cursor, design pixels, right and down.
    """
    yaw = start.yaw - dx * RADIANS_PER_PIXEL
    pitch = start.pitch - dy * RADIANS_PER_PIXEL
    return with_orbit(view, Pose(wrap(yaw), min(max(pitch, -PITCH_LIMIT), PITCH_LIMIT)))


def wrap(angle: float) -> float:
    """The same direction within −π … π."""
    return math.remainder(angle, math.tau)


def pan(view: View, pose: Pose, camera: CameraConfig, dx: float, dy: float) -> View:
    """Move the object with the cursor, in the plane of the picture through the pivot.

    Parameters
    ----------
    view : View
    pose : Pose
        Where the picture is taken from.
    camera : CameraConfig
        The network's cameras.
    dx, dy : float
        Way of the cursor in picture widths, right and down.
    """
    asked = view.camera
    matrix = orbit_cam2world(pose.yaw, pose.pitch, camera=camera, radius=asked.radius, roll=asked.roll)[0]
    right, down, forward, eye = (matrix[:3, i].tolist() for i in range(4))
    to_pivot = [p - e for p, e in zip(camera.pivot, eye, strict=True)]
    distance = max(sum(a * b for a, b in zip(forward, to_pivot, strict=True)), 0.1)
    width = distance / focal_of(asked, camera)
    moved = [
        min(max(p - width * (dx * r + dy * d), -PAN_LIMIT), PAN_LIMIT)
        for p, r, d in zip(asked.pan, right, down, strict=True)
    ]
    return replace(view, camera=replace(asked, pan=(moved[0], moved[1], moved[2])))


def focal_of(asked: CameraView, camera: CameraConfig) -> float:
    """Focal length, picture widths."""
    return camera.focal if asked.fov is None else focal_from_fov(math.degrees(asked.fov))


def zoom(view: View, camera: CameraConfig, steps: float) -> View:
    """Narrow the field of view (positive steps: closer), or widen it, within :data:`FOV_LIMITS`."""
    own = math.radians(fov_from_focal(camera.focal))
    fov = view.camera.fov if view.camera.fov is not None else own
    fov = 2.0 * math.atan(math.tan(fov / 2.0) * ZOOM_PER_STEP**steps)
    fov = min(max(fov, FOV_LIMITS[0]), FOV_LIMITS[1])
    chosen = None if math.isclose(fov, own, rel_tol=1e-6) else fov
    return replace(view, camera=replace(view.camera, fov=chosen))


def scroll(
    view: View, pose: Pose | None, camera: CameraConfig, right: float, up: float, *, shift: bool = False
) -> View:
    """What a wheel, or two fingers on a touchpad, do: up and down zoom, sideways or with Shift they pan.

    Parameters
    ----------
    view : View
    pose : Pose, optional
        Where the picture is taken from; None: there is nothing to pan yet.
    camera : CameraConfig
        The network's cameras.
    right, up : float
        Steps of a wheel; touchpads give small parts of one. Positive as ImGui has it: to the left, and away
        from the user, the picture going the other way.
    shift : bool
        Whether Shift is held.
    """
    sideways = abs(right) > SIDEWAYS * abs(up)
    if shift or sideways:
        # Fingers never go quite straight: without Shift the smaller way is left out.
        down = up if shift else 0.0
        return view if pose is None else pan(view, pose, camera, right * PAN_PER_STEP, down * PAN_PER_STEP)
    return zoom(view, camera, up)


def home(view: View) -> View:
    """Back to the predicted pose, seen as the network's own cameras see it."""
    camera = replace(view.camera, roll=0.0, radius=None, fov=None, pan=(0.0, 0.0, 0.0))
    return replace(view, pose=replace(view.pose, source="predicted"), camera=camera)
