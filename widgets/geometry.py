"""The Geometry panel: surface, points and slices of the density; meshes and depth maps as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeVar

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from pof3d.mesh_settings import LEVELS, RESOLUTIONS, MeshSettings
from pof3d.text import format_duration
from viz import theme, ui
from viz.colormaps import color_table
from viz.comparing import COMPARING_SHOWS_IMAGES
from viz.panel import Actions, PanelContext
from viz.shapes import (
    CloudSettings,
    DensitySlice,
    DepthFormat,
    GeometryState,
    MeshFormat,
    SliceAxis,
    SliceRequest,
    SurfaceFacts,
)
from viz.view import DisplayView, NormalsSpace, SurfaceColors, View
from widgets import common

T = TypeVar("T")
Shown = Literal["image", "normals", "opacity", "surface", "points"]
SHOWN: tuple[tuple[Shown, str, str], ...] = (
    ("image", "Image", "What the View panel has chosen."),
    ("normals", "Normals", "Which way the surface faces, from the depth map, as colours  (n)."),
    ("opacity", "Opacity", "How much light each ray loses: white where nothing shines through."),
    ("surface", "Surface", "Where the density reaches a level, as a mesh; it orbits with the camera  (g)."),
    ("points", "Points", "The depth map as points in space. Orbit, and see what it does not know  (g)."),
)
SPACES: tuple[tuple[NormalsSpace, str, str], ...] = (
    ("camera", "Camera", "Red is right, green is up, blue is towards the camera: colours follow the camera."),
    ("world", "World", "Red, green and blue are the world's x, y and z: colours stay with the object."),
)
COLORS: tuple[tuple[SurfaceColors, str, str], ...] = (
    ("field", "Field", "As the radiance field is coloured there."),
    ("plain", "Plain", "One colour, so that light shows the shape alone."),
    ("normals", "Normals", "Which way the surface faces, as colours."),
)
CAMERAS = ((1, "This camera"), (9, "9 all round"), (24, "24 all round"))
FACES = (
    (None, "all faces"),
    (200_000, "200,000 faces"),
    (100_000, "100,000 faces"),
    (50_000, "50,000 faces"),
    (20_000, "20,000 faces"),
    (10_000, "10,000 faces"),
    (5_000, "5,000 faces"),
    (1_000, "1,000 faces"),
)
MESHES: tuple[tuple[MeshFormat, str, str], ...] = (
    ("ply", "PLY", "Binary, with normals and colours: MeshLab, CloudCompare, Blender."),
    ("obj", "OBJ", "Text that everything reads; colours behind each vertex."),
    ("glb", "GLB", "glTF: for the web, Blender, game engines."),
)
DEPTHS: tuple[tuple[DepthFormat, str, str], ...] = (
    ("png", "PNG", "16 bits, with the scale in the file's text; the camera lies beside it as JSON."),
    ("npy", "NPY", "For NumPy: world units, NaN for nothing; the camera lies beside it as JSON."),
)
PLANES: tuple[tuple[SliceAxis, str, str], ...] = (
    ("x", "x", "Seen from the side of growing x."),
    ("y", "y", "Seen from above."),
    ("z", "z", "Seen from the side of growing z."),
)
SLICE_EM = 14.0
"""Largest side of a slice's picture, font heights."""
LEVEL_RANGE = (0.1, LEVELS[1])
"""Of the slider, per world unit."""
_LINE = np.array((255, 255, 255), np.uint8)


def shown_of(display: DisplayView) -> Shown:
    """Which of this panel's choices a View shows."""
    if display.geometry != "image":
        return display.geometry
    return display.mode if display.mode == "normals" or display.mode == "opacity" else "image"


def with_shown(display: DisplayView, shown: Shown) -> DisplayView:
    """Show another of this panel's choices."""
    if shown == "surface" or shown == "points":
        return replace(display, geometry=shown)
    if shown == "image":
        mode = "rgb" if display.mode in ("normals", "opacity") else display.mode
        return replace(display, geometry="image", mode=mode)
    return replace(display, geometry="image", mode=shown)


def slice_picture(found: DensitySlice, level: float | None) -> NDArray[np.uint8]:
    """A slice in colours [N, N, 4]: dense is bright, the level a white line.

    Brightness follows the square root of the density, so that haze shows as well.
    """
    values = found.values
    top = max(float(values.max()), 4.0 * (level or 0.0), 1e-6)
    place = np.rint(255.0 * np.sqrt(np.clip(values / top, 0.0, 1.0))).astype(np.intp)
    picture = np.full((*values.shape, 4), 255, np.uint8)
    picture[..., :3] = color_table("magma")[::-1][place]
    if level is not None:
        inside = values >= level
        line = np.zeros(inside.shape, bool)
        line[:-1] |= inside[:-1] != inside[1:]
        line[:, :-1] |= inside[:, :-1] != inside[:, 1:]
        picture[line, :3] = _LINE
    return picture


def describe(facts: SurfaceFacts) -> str:
    """What there is to say of a surface."""
    closed = "watertight" if facts.watertight else "not watertight"
    sides = " × ".join(f"{side:.2f}" for side in facts.size)
    return f"{facts.vertices:,} vertices, {facts.faces:,} faces, {closed}. {sides} world units."


class GeometryPanel:
    """Geometry of the shown object, in the viewport and as files."""

    title = "Geometry"

    def __init__(self) -> None:
        self._request = SliceRequest()
        self._texture: object = None
        self._pictured: tuple[DensitySlice, float | None] | None = None

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back with what is shown, the rest is asked for."""
        state = context.geometry or GeometryState()
        with common.disabled(context.network is None):
            comparing = context.comparison.comparison.on
            display = _draw_shown(view.display, state, actions, comparing=comparing)
            _draw_mesh(state, actions)
            _draw_depth(context, actions)
            self._draw_slice(state, actions, known=context.network is not None)
        if state.saved is not None:
            imgui.spacing()
            common.paragraph(f"Saved {state.saved.name}")
            common.tooltip(str(state.saved))
        return view if display == view.display else replace(view, display=display)

    def _draw_slice(self, state: GeometryState, actions: Actions, *, known: bool) -> None:
        imgui.spacing()
        flags = imgui.TreeNodeFlags_.span_avail_width | imgui.TreeNodeFlags_.no_tree_push_on_open
        unfolded = imgui.tree_node_ex("Density slice##Geometry", int(flags))
        ui.mark("Geometry/Density slice")
        common.tooltip("A cut through the box of the tri-planes. The white line is the level of the surface.")
        if not unfolded:
            return
        axis = common.segmented("Geometry/Across", PLANES, self._request.axis)
        _, position = common.slider(
            "Geometry/Position",
            self._request.position,
            -1.0,
            1.0,
            "%.2f",
            "Where the cut lies between the faces of the box, −1 … 1.",
            default=0.0,
        )
        self._request = SliceRequest(axis, position)
        if not known:
            return
        actions.want_slice(self._request)
        found = state.slice
        width = min(imgui.get_content_region_avail().x, SLICE_EM * common.em())
        if found is None:
            imgui.dummy((width, width))
            return
        level = state.settings.level
        if level is None and state.surface is not None:
            level = state.surface.facts.level
        self._show(found, level, width)

    def _show(self, found: DensitySlice, level: float | None, width: float) -> None:
        from viz.window.textures import Texture  # the window chooses the OpenGL that it needs

        if not isinstance(self._texture, Texture):
            self._texture, self._pictured = Texture(), None
        if self._pictured != (found, level):
            self._texture.upload(slice_picture(found, level))
            self._pictured = found, level
        imgui.image(self._texture.reference, (width, width))
        ui.mark("Geometry/Slice")
        if imgui.is_item_hovered():
            low, mouse = imgui.get_item_rect_min(), imgui.get_mouse_pos()
            side = len(found.values)
            row = min(max(int((mouse.y - low.y) / width * side), 0), side - 1)
            column = min(max(int((mouse.x - low.x) / width * side), 0), side - 1)
            common.tooltip(f"Density {found.values[row, column]:.3g} per world unit")


def _draw_shown(
    display: DisplayView, state: GeometryState, actions: Actions, *, comparing: bool
) -> DisplayView:
    missing: dict[Shown, str] = {}
    if comparing:
        missing = {"surface": COMPARING_SHOWS_IMAGES, "points": COMPARING_SHOWS_IMAGES}
    shown = common.segmented("Geometry/Show", SHOWN, shown_of(display), labelled=False, missing=missing)
    if shown != shown_of(display):
        display = with_shown(display, shown)
    if shown == "surface":
        colors = common.segmented("Geometry/Colours", COLORS, display.surface_colors)
        display = replace(display, surface_colors=colors)
    if shown == "normals" or (shown == "surface" and display.surface_colors == "normals"):
        space = common.segmented("Geometry/Axes", SPACES, display.normals_space)
        display = replace(display, normals_space=space)
    if shown == "points":
        _draw_cloud(state, actions)
    return display


def _draw_cloud(state: GeometryState, actions: Actions) -> None:
    settings = state.cloud_settings
    help_text = "Depth maps that are put together. One shows what this picture knows of the space."
    cameras = common.combo("Geometry/Cameras", CAMERAS, settings.cameras, help_text)
    if cameras != settings.cameras:
        actions.set_cloud_settings(CloudSettings(cameras, settings.resolution))
    common.row("Geometry/Points")
    count = f"{len(state.cloud.points):,}" if state.cloud is not None else common.DASH
    imgui.text_unformatted(count)
    label = "Retake from here"
    imgui.same_line()
    width = imgui.calc_text_size(label).x + 2 * imgui.get_style().frame_padding.x
    room = imgui.get_content_region_avail().x - width
    imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + max(0.0, room))
    if common.button(f"Geometry/{label}", "Make the points again, seen from where the camera is now."):
        actions.retake_points()


def _draw_mesh(state: GeometryState, actions: Actions) -> None:
    common.section("Mesh")
    running = state.making is not None and state.making.status == "running"
    settings = _draw_settings(state.settings, state)
    if settings != state.settings:
        actions.set_mesh_settings(settings)
    busy = state.making if running else state.saving
    if busy is not None:
        cancel = "Cancel"
        width = imgui.calc_text_size(cancel).x + 2 * imgui.get_style().frame_padding.x
        room = imgui.get_content_region_avail().x - width - imgui.get_style().item_spacing.x
        text = f"{100 * busy.fraction:.0f} %"
        if busy.seconds_left is not None and busy.seconds_left >= 1.0:
            text += f", {format_duration(busy.seconds_left)} left"
        common.progress("Geometry/Progress", busy.fraction, text, width=room)
        common.tooltip(busy.note)
        imgui.same_line()
        if common.button(f"Geometry/{cancel}", "Stop, and keep what was there before."):
            actions.cancel_geometry()
    elif common.button(
        "Geometry/Extract",
        "Make the mesh with these settings. The window stays usable meanwhile.",
        width=imgui.get_content_region_avail().x,
        enabled=not state.extracted,
    ):
        actions.extract_mesh()
    if state.making is not None and state.making.status == "failed":
        common.paragraph(str(state.making.error), theme.BAD)
    if state.surface is not None:
        facts = state.surface.facts
        text = describe(facts)
        if not state.extracted and not running:
            text += f" A quick one, from {facts.resolution}³ samples: Extract makes it in full."
        common.paragraph(text)
        ui.mark("Geometry/Facts")
        common.tooltip("Watertight: every edge has two faces, as printing and simulation want it.")
    format_ = _draw_formats(MESHES, free=state.saving is None)
    if format_ is not None:
        actions.export_mesh(format_)


def _draw_settings(settings: MeshSettings, state: GeometryState) -> MeshSettings:
    changed, resolution = common.slider_int(
        "Geometry/Resolution",
        settings.resolution,
        32,
        RESOLUTIONS[1],
        "%d³",
        "Samples of the density along each side of the box. Time and memory grow with the cube.",
        default=MeshSettings().resolution,
        logarithmic=True,
    )
    if changed:
        settings = replace(settings, resolution=resolution)
    fitted = common.checkbox(
        "Geometry/Fit level",
        settings.level is None,
        "Choose the density for each object, so that the surface has the outlines of the image.",
    )
    level = settings.level
    if level is None and state.surface is not None:
        level = state.surface.facts.level
    if fitted != (settings.level is None):
        settings = replace(settings, level=None if fitted else (level or 10.0))
    with common.awaiting(level is None), common.disabled(fitted):
        changed, chosen = common.slider(
            "Geometry/Level",
            level or 10.0,
            *LEVEL_RANGE,
            "%.2f",
            "Density of the surface, per world unit. Low takes in the haze; high leaves only the core.",
            logarithmic=True,
        )
    if changed and not fitted:
        settings = replace(settings, level=min(max(chosen, LEVELS[0]), LEVELS[1]))
    largest = common.checkbox(
        "Geometry/Largest part", settings.largest_only, "Leave out whatever floats beside the object."
    )
    faces = common.combo(
        "Geometry/Simplify to",
        FACES,
        settings.faces,
        "Merge triangles where that changes the shape least, until about so many are left.",
    )
    return replace(settings, largest_only=largest, faces=faces)


def _draw_depth(context: PanelContext, actions: Actions) -> None:
    common.section("Depth map and camera")
    ready = context.frame is not None and context.frame.level == "full"
    saving = context.geometry is not None and context.geometry.saving is not None
    format_ = _draw_formats(DEPTHS, free=ready and not saving)
    if format_ is not None:
        actions.export_depth(format_)


def _draw_formats(formats: Sequence[tuple[T, str, str]], *, free: bool) -> T | None:
    """A button for each format; the one that was pressed."""
    pressed = None
    common.row("Geometry/Save as")
    gap = imgui.get_style().item_inner_spacing.x
    width = (imgui.get_content_region_avail().x - gap * (len(formats) - 1)) / len(formats)
    for i, (value, text, help_text) in enumerate(formats):
        if i:
            imgui.same_line(0.0, gap)
        if common.button(f"Geometry/{text}", help_text, width=width, enabled=free):
            pressed = value
    return pressed
