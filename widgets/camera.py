"""The Camera panel: orbit, pan, lens and turntable."""

from __future__ import annotations

import math
from dataclasses import replace

from imgui_bundle import imgui

from pof3d.config import CameraConfig, fov_from_focal
from pof3d.text import format_duration
from viz.frame import Pose
from viz.icons import Icon
from viz.navigation import FOV_LIMITS, PAN_LIMIT
from viz.panel import Actions, PanelContext, Turntable
from viz.posing import shown_pose, with_orbit
from viz.view import PITCH_LIMIT, CameraView, View
from widgets import common

RADIUS_FACTORS = (0.4, 2.5)
"""Of the network's own radius."""
SPEED_RANGE = (5.0, 180.0)
"""Degrees a second."""
PAN_HELP = (
    "Move camera and pivot together, to the right in the world.",
    "Move camera and pivot together, upwards.",
    "Move camera and pivot together, towards the front.",
)


def with_fov(camera: CameraView, degrees: float, own: float) -> CameraView:
    """Set the field of view; the network's own value is stored as "the network's own"."""
    own_it = math.isclose(degrees, own, abs_tol=1e-6)
    return replace(camera, fov=None if own_it else math.radians(degrees))


def with_radius(camera: CameraView, radius: float, own: float) -> CameraView:
    """Set the distance; the network's own value is stored as "the network's own"."""
    return replace(camera, radius=None if math.isclose(radius, own, abs_tol=1e-9) else radius)


class CameraPanel:
    """The orbit camera and its lens."""

    title = "Camera"

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel and return the View, with its camera changed where the user changed it."""
        with common.awaiting(context.network is None):
            view = _draw_orbit(view, context)
            own = context.cameras
            camera = _draw_lens(view.camera, own)
            camera = _draw_pan(camera)
            _draw_turntable(context, actions)
        return view if camera == view.camera else replace(view, camera=camera)


def _draw_orbit(view: View, context: PanelContext) -> View:
    pose = shown_pose(view, context.frame)
    shown = pose or Pose(0.0, 0.0)
    with common.awaiting(pose is None):
        yaw_changed, yaw = common.slider(
            "Camera/Yaw",
            math.degrees(shown.yaw),
            -180.0,
            180.0,
            "%.1f°",
            "Left and right around the object (left drag in the picture). Moving it frees the orbit camera.",
            default=0.0,
        )
        limit = math.degrees(PITCH_LIMIT)
        pitch_changed, pitch = common.slider(
            "Camera/Pitch",
            math.degrees(shown.pitch),
            -limit,
            limit,
            "%.1f°",
            "Up and down; positive looks from below (left drag in the picture).",
            default=0.0,
        )
    if yaw_changed or pitch_changed:
        yaw = math.radians(yaw) if yaw_changed else shown.yaw
        pitch = math.radians(pitch) if pitch_changed else shown.pitch
        view = with_orbit(view, Pose(yaw, pitch))
    return view


def _draw_lens(camera: CameraView, own: CameraConfig) -> CameraView:
    changed, roll = common.slider(
        "Camera/Roll",
        math.degrees(camera.roll),
        -180.0,
        180.0,
        "%.1f°",
        "Turn the camera about its viewing direction.",
        default=0.0,
    )
    if changed:
        camera = replace(camera, roll=math.radians(roll))

    own_fov = fov_from_focal(own.focal)
    changed, fov = common.slider(
        "Camera/Field of view",
        own_fov if camera.fov is None else math.degrees(camera.fov),
        math.degrees(FOV_LIMITS[0]),
        math.degrees(FOV_LIMITS[1]),
        "%.1f°",
        "Angle across the picture's diagonal: smaller is closer, and flatter (mouse wheel).",
        default=own_fov,
        logarithmic=True,
    )
    if changed:
        camera = with_fov(camera, fov, own_fov)

    changed, radius = common.slider(
        "Camera/Radius",
        own.radius if camera.radius is None else camera.radius,
        own.radius * RADIUS_FACTORS[0],
        own.radius * RADIUS_FACTORS[1],
        "%.2f",
        "Distance from the object's centre, world units. Unlike a narrower field of view it changes the "
        "perspective.",
        default=own.radius,
        logarithmic=True,
    )
    return with_radius(camera, radius, own.radius) if changed else camera


def _draw_pan(camera: CameraView) -> CameraView:
    pan = list(camera.pan)
    for i, axis in enumerate("XYZ"):
        changed, value = common.slider(
            f"Camera/Pan {axis}", pan[i], -PAN_LIMIT, PAN_LIMIT, "%.3f", PAN_HELP[i], default=0.0
        )
        if changed:
            pan[i] = value
    return replace(camera, pan=(pan[0], pan[1], pan[2])) if tuple(pan) != camera.pan else camera


def _draw_turntable(context: PanelContext, actions: Actions) -> None:
    turntable = context.turntable
    turn = format_duration(360.0 / turntable.degrees_per_second)
    common.row("Camera/Turntable", "Let the camera circle the object  (space), and how fast.")
    name = "Pause" if turntable.playing else "Play"
    icon: Icon = "pause" if turntable.playing else "play"
    if common.icon_button(f"Camera/{name}", icon, f"{name}  (space)"):
        actions.set_turntable(replace(turntable, playing=not turntable.playing))
    imgui.same_line(0.0, imgui.get_style().item_inner_spacing.x)
    changed, speed = common.slider(
        "Camera/Speed",
        turntable.degrees_per_second,
        *SPEED_RANGE,
        "%.0f°/s",
        f"How fast the turntable goes: {turn} a turn.",
        default=Turntable().degrees_per_second,
        labelled=False,
    )
    if changed:
        actions.set_turntable(replace(turntable, degrees_per_second=speed))
