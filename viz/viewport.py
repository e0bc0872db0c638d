"""The picture in the middle of the window, and what the mouse does to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from pof3d.config import CameraConfig
from viz import navigation, ui
from viz.frame import Frame, Pose
from viz.marks import Rect
from viz.panel import PanelContext
from viz.panes import Panes, PanesResult
from viz.posing import shown_pose
from viz.solid_picture import SolidPicture, draw_progress, wanted_shape
from viz.view import View

CLICK_SLACK = 2.5
"""A press that moves less is a click, design pixels."""
MARGIN = 6.0


@dataclass(frozen=True)
class _Gesture:
    kind: Literal["orbit", "pan"]
    button: int
    view: View
    """When it began."""
    pose: Pose
    moved: bool = False
    second: bool = False
    """Whether it is the second press of what may become a double click."""
    pane: int | None = None
    """The compared pane to make active, if it stays a click."""


@dataclass
class ViewportResult:
    """What happened in the viewport in this frame."""

    view: View
    rect: Rect
    """The viewport."""
    picture: Rect | None
    """The picture within it; of several, the active one's."""
    activate: int | None = None
    """The compared pane that the user has chosen."""
    divider: float | None = None
    """Where the user has dragged the divider of a wipe to."""


class Viewport:
    """Shows the newest Frame and turns mouse movements into Views. Lives in the window's thread."""

    def __init__(self) -> None:
        # Not above: PyOpenGL chooses its platform at its first import, which the window must come before.
        from viz.window.textures import Texture

        self._texture = Texture()
        self._solid = SolidPicture()
        self._shown: Frame | None = None
        self._gesture: _Gesture | None = None
        self._dragged = False
        """Whether the last press became a drag."""
        self._panes = Panes()
        self._resumes = False
        """Whether a press has made another pane active, and its drag begins now."""

    def show(self, frame: Frame | None) -> None:
        """Take another picture."""
        if frame is not None and frame is not self._shown:
            self._texture.upload(frame.rgba)
            self._shown = frame

    def cancel(self) -> View | None:
        """Drop the drag under way; the View from before it."""
        gesture, self._gesture = self._gesture, None
        return gesture.view if gesture is not None else None

    def release(self) -> None:
        """Give the memory of the graphics card back."""
        self._texture.release()
        self._panes.release()
        self._solid.release()

    def draw(self, view: View, context: PanelContext) -> ViewportResult:
        """Draw the picture into the current ImGui window and handle the mouse."""
        corner, size = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail()
        rect = Rect(corner.x, corner.y, corner.x + max(size.x, 1.0), corner.y + max(size.y, 1.0))
        imgui.set_next_item_allow_overlap()
        flags = imgui.ButtonFlags_.mouse_button_left | imgui.ButtonFlags_.mouse_button_right
        imgui.invisible_button("picture", imgui.ImVec2(rect.width, rect.height), int(flags))
        ui.mark("Viewport")
        hovered, pressed = imgui.is_item_hovered(), imgui.is_item_activated()
        if context.comparison.comparison.on:
            panes = self._panes.draw(rect, context.comparison, imgui.get_time())
            result = ViewportResult(view, rect, panes.picture, divider=panes.divider)
            if panes.picture is not None:
                ui.mark_rect("Viewport/Picture", *panes.picture.corners)
            self._mouse(result, context, hovered, pressed, panes)
            return result
        shape = wanted_shape(view, context)
        picture = self._place(rect, square=shape is not None)
        if picture is not None:
            texture = self._texture.reference
            if shape is not None:
                pixels = round(picture.height * imgui.get_io().display_framebuffer_scale.y)
                texture = self._solid.draw(shape, view, context, pixels)
            imgui.get_window_draw_list().add_image(
                texture,
                imgui.ImVec2(picture.left, picture.top),
                imgui.ImVec2(picture.right, picture.bottom),
            )
            ui.mark_rect("Viewport/Picture", (picture.left, picture.top), (picture.right, picture.bottom))
            draw_progress(picture, view, context)
        result = ViewportResult(view, rect, picture)
        self._mouse(result, context, hovered, pressed)
        return result

    def shape_pixels(self) -> NDArray[np.uint8] | None:
        """The surface or the points as they were drawn last [side, side, 4]."""
        return self._solid.pixels()

    def _place(self, rect: Rect, *, square: bool) -> Rect | None:
        """Fit the picture, aspect preserved; ``square``: what takes the place of the image."""
        if self._shown is None:
            return None
        height, width = (1, 1) if square else self._shown.rgba.shape[:2]
        room = ui.px(MARGIN)
        factor = min((rect.width - 2 * room) / width, (rect.height - 2 * room) / height)
        if factor <= 0:
            return None
        w, h = width * factor, height * factor
        left = round(rect.left + (rect.width - w) / 2)
        top = round(rect.top + (rect.height - h) / 2)
        return Rect(left, top, left + w, top + h)

    def _mouse(
        self,
        result: ViewportResult,
        context: PanelContext,
        hovered: bool,
        pressed: bool,
        panes: PanesResult | None = None,
    ) -> None:
        io, camera = imgui.get_io(), context.cameras
        other = self._other_pane(context, panes)
        own_camera = other is not None and not context.comparison.comparison.linked
        if hovered and (io.mouse_wheel or io.mouse_wheel_h):
            if own_camera:
                result.activate = other
            else:
                pose = shown_pose(result.view, context.frame)
                # A pinch comes as a wheel with Ctrl on most systems: it zooms like the wheel alone.
                way = (0.0 if io.key_ctrl else io.mouse_wheel_h, io.mouse_wheel)
                shift = io.key_shift and not io.key_ctrl
                result.view = navigation.scroll(result.view, pose, camera, *way, shift=shift)
        if self._gesture is None and pressed and own_camera:
            # What is dragged is that pane's own View, which is the present one in the next frame.
            result.activate, self._resumes = other, True
        elif self._gesture is None and (pressed or self._resumes):
            self._resumes = False
            self._begin(result.view, context, other)
        elif self._gesture is not None:
            # A fast hand, or a slow frame: the way and the release may come in one.
            self._move(result, camera)
            if not imgui.is_mouse_down(self._gesture.button):
                if self._gesture.second and not self._gesture.moved:
                    result.view = navigation.home(result.view)
                elif self._gesture.pane is not None and not self._gesture.moved:
                    result.activate = self._gesture.pane
                self._dragged = self._gesture.moved
                self._gesture = None

    @staticmethod
    def _other_pane(context: PanelContext, panes: PanesResult | None) -> int | None:
        """The pane under the mouse, unless it is the active one."""
        if panes is None:
            return None
        mouse = imgui.get_mouse_pos()
        index = panes.pane_at(mouse.x, mouse.y)
        return None if index == context.comparison.comparison.active else index

    def _begin(self, view: View, context: PanelContext, pane: int | None = None) -> None:
        pose = shown_pose(view, context.frame)
        if pose is None:
            return
        right = imgui.is_mouse_down(imgui.MouseButton_.right)
        kind: Literal["orbit", "pan"] = "pan" if right or imgui.get_io().key_shift else "orbit"
        twice = imgui.is_mouse_double_clicked(imgui.MouseButton_.left) and not self._dragged
        self._gesture = _Gesture(kind, 1 if right else 0, view, pose, second=twice and not right, pane=pane)

    def _move(self, result: ViewportResult, camera: CameraConfig) -> None:
        gesture = self._gesture
        assert gesture is not None
        way = imgui.get_mouse_drag_delta(gesture.button, 0.0)
        if not gesture.moved:
            if max(abs(way.x), abs(way.y)) < ui.px(CLICK_SLACK):
                return
            gesture = replace(gesture, moved=True)
            self._gesture = gesture
        unit = ui.px(1.0)
        if gesture.kind == "orbit":
            result.view = navigation.orbit(result.view, gesture.pose, way.x / unit, way.y / unit)
        else:
            # From where the drag began, with whatever else has changed since, such as the zoom.
            camera_then = replace(result.view.camera, pan=gesture.view.camera.pan)
            start = replace(result.view, camera=camera_then)
            side = result.picture.height if result.picture else result.rect.height
            result.view = navigation.pan(start, gesture.pose, camera, way.x / side, way.y / side)
