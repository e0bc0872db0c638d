"""The surface or the points of an object as a picture for the viewport, seen by the View's camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from pof3d.text import format_duration
from viz import theme, ui
from viz.colormaps import BACKGROUND
from viz.marks import Rect
from viz.optics import Optics, optics_of, picture_pose
from viz.panel import PanelContext
from viz.shapes import PointCloud, Surface
from viz.view import View

if TYPE_CHECKING:
    from viz.window.solids import SolidRenderer

_NAMES = {"surface": "surface", "points": "points"}


def wanted_shape(view: View, context: PanelContext) -> Surface | PointCloud | None:
    """What is shown in place of the image; None: the image, also until there is something."""
    state = context.geometry
    if state is None or context.frame is None or context.network is None:
        return None
    return {"image": None, "surface": state.surface, "points": state.cloud}[view.display.geometry]


class SolidPicture:
    """Draws the shape anew when it, the camera, the size or the colours change; in the window's thread."""

    def __init__(self) -> None:
        self._renderer: SolidRenderer | None = None
        self._shape: Surface | PointCloud | None = None
        self._drawn: Any = None
        self._optics: tuple[Any, Optics] | None = None

    def draw(
        self, shape: Surface | PointCloud, view: View, context: PanelContext, side: int
    ) -> imgui.ImTextureRef:
        """The picture of a shape, as a texture.

        Parameters
        ----------
        shape : Surface or PointCloud
            From :func:`wanted_shape`.
        view, context
            Whose camera looks at it.
        side : int
            Pixels.
        """
        if self._renderer is None:
            # Not above: PyOpenGL chooses its platform at its first import, which the window must come before.
            from viz.window.solids import SolidRenderer

            self._renderer = SolidRenderer()
        optics, display = self._camera(view, context), view.display
        if shape is not self._shape:
            self._shape, self._drawn = shape, None
            if isinstance(shape, Surface):
                self._renderer.set_mesh(shape.vertices, shape.normals, shape.colors, shape.faces)
            else:
                self._renderer.set_points(shape.points, shape.colors, shape.spacing)
        wanted = (optics, side, display.surface_colors, display.normals_space)
        if wanted != self._drawn:
            self._drawn = wanted
            self._renderer.draw(
                side,
                optics.cam2world,
                optics.focal,
                display.surface_colors,
                background=BACKGROUND,
                world_normals=display.normals_space == "world",
            )
        return self._renderer.reference

    def _camera(self, view: View, context: PanelContext) -> Optics:
        assert context.frame is not None and context.network is not None
        inputs = (picture_pose(view, context.frame.generator_pose), view.camera, context.cameras)
        if self._optics is None or self._optics[0] != inputs:
            render = context.network.config.generator.render
            self._optics = inputs, optics_of(*inputs, render)
        return self._optics[1]

    def pixels(self) -> NDArray[np.uint8] | None:
        """The newest picture [side, side, 4], for saving it."""
        return self._renderer.read() if self._renderer is not None and self._drawn is not None else None

    def release(self) -> None:
        """Give the memory of the graphics card back."""
        if self._renderer is not None:
            self._renderer.release()
            self._renderer = self._shape = self._drawn = None


def draw_progress(rect: Rect, view: View, context: PanelContext) -> None:
    """At the foot of the picture: how far the shape is that will take its place."""
    state, shown = context.geometry, view.display.geometry
    making = state.making if state is not None else None
    if making is None or making.status != "running" or shown == "image":
        return
    text = f"Making the {_NAMES[shown]} … {100 * making.fraction:.0f} %"
    if making.seconds_left is not None and making.seconds_left > 2.0:
        text += f", {format_duration(making.seconds_left)} left"
    size = imgui.calc_text_size(text)
    pad = ui.px(9.0)
    left = (rect.left + rect.right - size.x) / 2 - pad
    bottom = rect.bottom - ui.px(44.0)
    low = imgui.ImVec2(left, bottom - size.y - pad)
    high = imgui.ImVec2(left + size.x + 2 * pad, bottom)
    lines = imgui.get_window_draw_list()
    box = imgui.ImVec4(*theme.PANEL_LOW[:3], 0.86)
    lines.add_rect_filled(low, high, imgui.get_color_u32(box), ui.px(5.0))
    ink = imgui.get_color_u32(imgui.ImVec4(*theme.TEXT))
    lines.add_text(imgui.ImVec2(round(left + pad), round(low.y + pad / 2)), ink, text)
    ui.mark_rect("Overlay/Geometry", (low.x, low.y), (high.x, high.y))
