"""The sphere of the Pose histogram: the named poses as cameras around the subject."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from pof3d.text import format_degrees
from viz import pose_sphere, theme, ui
from viz.frame import Pose
from viz.panel import Actions, PanelContext, PoseHistogram
from viz.pose_facts import PoseName
from viz.pose_marks import draw_mark, ink, known_poses
from viz.view import View
from widgets import common

HEIGHT_EM = (12.0, 18.0)
"""Least and greatest height, font heights."""
FAR, FAR_CAMERA = 0.3, 0.5
"""Strength of what lies on the far side, and of cameras there."""
_CLOUD = 0.75
"""Strength of the density on the near side: the subject can be seen through it."""
FRONT_NAME = Pose(0.0, math.radians(54.0))
"""Where "front" is written: on the front's line of longitude, below most cameras."""
STOPS = ("121418", "2c1a4d", "641a80", "a3307e", "de4968", "fb8861", "fed395", "fcfdbf")
"""Dark to light; the darkest is the ground's."""
_LINE, _MAIN_LINE = 0.14, 0.42
"""Strength of the lines of longitude and latitude, and of the front's and the horizon."""
_FRAME_SIZE: dict[PoseName, float] = {
    "camera": 1.2,
    "override": 1.0,
    "generator": 0.85,
    "discriminator": 0.7,
}
"""Of the cameras: those on one spot can all be seen."""


@dataclass(frozen=True)
class _Canvas:
    """The disc on the screen."""

    lines: imgui.ImDrawList
    middle: tuple[float, float]
    radius: float
    eye: Pose

    def places(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where points [..., 3] of the unit sphere are on the screen, and how far towards the eye."""
        seen = pose_sphere.turned(points, self.eye)
        return np.array(self.middle) + seen[..., :2] * np.array([self.radius, -self.radius]), seen[..., 2]


@dataclass(frozen=True, eq=False)
class _Globe:
    """What stays while the sphere is not turned, ready to be drawn; making it takes ten times as long."""

    key: tuple[object, ...]
    """What it was made from."""
    patches: list[tuple[imgui.ImVec2, imgui.ImVec2, imgui.ImVec2, imgui.ImVec2, int]]
    lines: list[tuple[list[imgui.ImVec2Like], int]]


class SphereView:
    """Cameras around the subject. Dragging turns the sphere, a click sends the camera there."""

    title = "Sphere"

    def __init__(self) -> None:
        self.eye = pose_sphere.START
        self._turning = False
        self._density: tuple[PoseHistogram, pose_sphere.Density, NDArray[np.uint32]] | None = None
        self._globes: dict[bool, _Globe] = {}

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the sphere; the View comes back as it is: the camera moves through the actions."""
        em = common.em()
        room = imgui.get_content_region_avail().x
        height = min(max(0.72 * room, HEIGHT_EM[0] * em), HEIGHT_EM[1] * em)
        corner = imgui.get_cursor_screen_pos()
        imgui.invisible_button("##sphere", (room, height))
        radius = height / 2 - 0.3 * em
        middle = (corner.x + room / 2, corner.y + height / 2)
        low, high = ((middle[0] + s * radius, middle[1] + s * radius) for s in (-1, 1))
        ui.mark_rect("Pose histogram/Sphere", low, high)
        pointed = self._touch(middle, radius, actions)
        canvas = _Canvas(imgui.get_window_draw_list(), middle, radius, self.eye)
        canvas.lines.push_clip_rect((corner.x, corner.y), (corner.x + room, corner.y + height), True)
        canvas.lines.add_circle_filled(middle, radius, ink(theme.PANEL_LOW), 64)
        cameras = _cameras(canvas, view, context)
        for near in (False, True):
            self._draw_globe(canvas, context.histogram, near=near)
            for camera in cameras:
                if camera.near == near:
                    _draw_camera(canvas, camera)
            _draw_front_name(canvas, near=near)
            if not near:
                _draw_subject(canvas)
        canvas.lines.add_circle(middle, radius, ink(theme.TEXT_DIM, 0.6), 64, 1.0)
        canvas.lines.pop_clip_rect()
        if pointed is None:
            imgui.text_disabled("Click: look from there. Drag: turn.")
        else:
            imgui.text_unformatted(
                f"{format_degrees(pointed.yaw)}, {format_degrees(pointed.pitch)}: click to look from there"
            )
        return view

    def _touch(self, middle: tuple[float, float], radius: float, actions: Actions) -> Pose | None:
        """Turn the sphere, or send the camera; the pose under the mouse."""
        hovered, active = imgui.is_item_hovered(), imgui.is_item_active()
        mouse = imgui.get_mouse_pos()
        place = ((mouse.x - middle[0]) / radius, (middle[1] - mouse.y) / radius)
        pointed = pose_sphere.pose_at(*place, self.eye)
        if active and imgui.is_mouse_dragging(imgui.MouseButton_.left):
            if not self._turning:
                imgui.reset_mouse_drag_delta()
            self._turning = True
            delta = imgui.get_io().mouse_delta
            self.eye = pose_sphere.dragged(self.eye, delta.x / radius, -delta.y / radius)
        if imgui.is_item_deactivated():
            if not self._turning and hovered and pointed is not None:
                actions.go_to_pose(pointed)
            self._turning = False
        if hovered and imgui.is_mouse_clicked(imgui.MouseButton_.right):
            self.eye = pose_sphere.START
        return pointed if hovered and not self._turning else None

    def _draw_globe(self, canvas: _Canvas, histogram: PoseHistogram | None, *, near: bool) -> None:
        key = (canvas.middle, canvas.radius, canvas.eye, histogram)
        globe = self._globes.get(near)
        if globe is None or globe.key != key:
            patches = self._patches(canvas, histogram, near=near) if histogram is not None else []
            globe = self._globes[near] = _Globe(key, patches, _graticule(canvas, near=near))
        lines = canvas.lines
        # Softened edges would show as seams between neighbours.
        softened, lines.flags = lines.flags, lines.flags & ~int(imgui.ImDrawFlags_.aa_fill)
        for a, b, c, d, tint in globe.patches:
            lines.add_quad_filled(a, b, c, d, tint)
        lines.flags = softened
        for points, tint in globe.lines:
            lines.add_polyline(points, tint, 1.0, 0)

    def _patches(
        self, canvas: _Canvas, histogram: PoseHistogram, *, near: bool
    ) -> list[tuple[imgui.ImVec2, imgui.ImVec2, imgui.ImVec2, imgui.ImVec2, int]]:
        if self._density is None or self._density[0] is not histogram:
            found = pose_sphere.density(histogram)
            self._density = (histogram, found, _colours(found.brightness))
        _, density, colours = self._density
        places, depth = canvas.places(density.corners)
        wanted = (depth.mean(axis=1) > 0) == near
        strength = _CLOUD * (1.0 if near else FAR)
        inks = (colours[wanted] | np.uint32(round(255 * strength) << 24)).tolist()
        vector = imgui.ImVec2
        return [
            (vector(*a), vector(*b), vector(*c), vector(*d), tint)
            for (a, b, c, d), tint in zip(places[wanted].tolist(), inks, strict=True)
        ]


def _colours(brightness: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Colours of the draw list without their opacity [N], for 0 … 1."""
    stops = np.array([[int(stop[i : i + 2], 16) for i in (0, 2, 4)] for stop in STOPS])
    place = np.linspace(0.0, 1.0, len(stops))
    rgb = np.stack([np.interp(brightness, place, stops[:, i]) for i in range(3)], axis=1).astype(np.uint32)
    return np.asarray(rgb[:, 0] | rgb[:, 1] << 8 | rgb[:, 2] << 16, np.uint32)


def _runs(chosen: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of the stretches of a line that are chosen, if longer than a point."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2).tolist():
        if end - start > 1:
            yield start, end


def _graticule(canvas: _Canvas, *, near: bool) -> list[tuple[list[imgui.ImVec2Like], int]]:
    lines, main = pose_sphere.graticule()
    places, depth = canvas.places(lines)
    found: list[tuple[list[imgui.ImVec2Like], int]] = []
    for place, side, strong in zip(places, (depth >= 0) == near, main, strict=True):
        tint = ink(theme.TEXT, (_MAIN_LINE if strong else _LINE) * (1.0 if near else 0.5))
        for start, end in _runs(side):
            found.append(([imgui.ImVec2(*point) for point in place[start:end].tolist()], tint))
    return found


def _draw_front_name(canvas: _Canvas, *, near: bool) -> None:
    place, depth = canvas.places(pose_sphere.direction(FRONT_NAME.yaw, FRONT_NAME.pitch))
    if (depth >= 0) != near:
        return
    size = imgui.calc_text_size("front")
    corner = (float(place[0] - size.x / 2), float(place[1] - size.y / 2))
    canvas.lines.add_rect_filled(
        (corner[0] - 3.0, corner[1]), (corner[0] + size.x + 3.0, corner[1] + size.y), ink(theme.OVERLAY), 3.0
    )
    canvas.lines.add_text(corner, ink(theme.TEXT, 0.9 if near else FAR), "front")


def _draw_subject(canvas: _Canvas) -> None:
    """An arrow from the middle to the front, with its name."""
    reach = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.42]])
    (start, tip), _ = canvas.places(reach)
    tint = ink(theme.TEXT, 0.8)
    lines, em = canvas.lines, common.em()
    lines.add_circle_filled(start.tolist(), 0.16 * em, tint)
    along = tip - start
    length = float(np.hypot(*along))
    if length > 0.2 * em:
        lines.add_line(start.tolist(), tip.tolist(), tint, max(1.0, 0.1 * em))
        unit = along / length
        side = 0.2 * em * np.array([-unit[1], unit[0]])
        point = tip + 0.3 * em * unit
        lines.add_triangle_filled(point.tolist(), (tip + side).tolist(), (tip - side).tolist(), tint)


@dataclass(frozen=True)
class _Camera:
    """A named pose on the screen."""

    name: PoseName
    corners: list[list[float]]
    """Its eye, then the corners of its picture, around."""
    near: bool


def _cameras(canvas: _Canvas, view: View, context: PanelContext) -> list[_Camera]:
    poses = known_poses(view, context.frame)
    if not poses:
        return []
    points = np.stack([pose_sphere.frustum(pose, _FRAME_SIZE[name]) for name, pose in poses])
    places, depth = canvas.places(points)
    return [
        _Camera(name, place.tolist(), bool(eye >= 0))
        for (name, _), place, eye in zip(poses, places, depth[:, 0], strict=True)
    ]


def _draw_camera(canvas: _Canvas, camera: _Camera) -> None:
    """A camera that looks at the subject: its eye carries the pose's sign."""
    strength = 1.0 if camera.near else FAR_CAMERA
    colour = theme.POSE_COLOURS[camera.name]
    tint, fill = ink(colour, strength), ink(colour, 0.16 * strength)
    eye, a, b, c, d = camera.corners
    lines, em = canvas.lines, common.em()
    thick = max(1.0, 0.085 * em)
    lines.add_quad_filled(a, b, c, d, fill)
    lines.add_quad(a, b, c, d, tint, thick)
    for corner in (a, b, c, d):
        lines.add_line(eye, corner, tint, thick)
    draw_mark(lines, camera.name, (eye[0], eye[1]), 0.34 * em, strength)
