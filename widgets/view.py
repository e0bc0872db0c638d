"""The View panel: what is shown of a rendering, and how finely it is sampled."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

from imgui_bundle import imgui

from pof3d.config import FAST_SAMPLES, FOG_SAMPLES, RenderConfig
from viz import theme, ui
from viz.colormaps import SAFE, color_table
from viz.frame import Frame
from viz.panel import Actions, PanelContext
from viz.view import ColorMap, DisplayMode, DisplayView, SamplingView, View
from widgets import common

MODES: tuple[tuple[DisplayMode, str, str], ...] = (
    ("rgb", "RGB", "The final image, after super-resolution."),
    ("raw", "Raw", "What volume rendering alone gives, before super-resolution."),
    ("depth", "Depth", "Distance along each ray, as colours  (d)."),
    ("side_by_side", "Side by side", "Image and depth beside each other."),
)
DEPTH_LIMITS = (0.0, 10.0)
"""World units."""
MINIMAL_DEPTH = 0.01
"""Smallest width of a manual range, world units."""
GRADIENT_STEPS = 15
"""Pieces of a gradient, each linear."""
COLOUR_HELP = (
    "Colours of the depth map, from near to far. Where lightness alone tells the depth, as in all but turbo, "
    "colour-blind eyes and prints without colour lose nothing."
)
RANGE_HELP = "Near and far end of the colours, world units. Drag, or Ctrl+click to type."
FAST_HELP = (
    "Fast rendering reads the network only where a small density grid of each latent has matter: "
    f"{FAST_SAMPLES} samples a ray, {FOG_SAMPLES} where there is but fog. Plain rendering takes as many as "
    "the paper does, all along the ray: to compare, to publish."
)
HIGH_WORK = 4.0
"""Times the network's own work: slower than what people wait for."""


def valid_range(near: float, far: float) -> tuple[float, float]:
    """Put a depth range in order, inside the limits, and not empty."""
    near, far = sorted((near, far))
    near = min(max(near, DEPTH_LIMITS[0]), DEPTH_LIMITS[1] - MINIMAL_DEPTH)
    return near, min(max(far, near + MINIMAL_DEPTH), DEPTH_LIMITS[1])


def relative_work(sampling: SamplingView, own: RenderConfig) -> float:
    """Samples of the volume, relative to the network's own settings."""
    resolution = sampling.resolution or own.resolution
    all_samples = own.depth_samples + own.importance_samples
    if sampling.fast:
        return (resolution / own.resolution) ** 2 * FAST_SAMPLES / all_samples
    depth = own.depth_samples if sampling.depth_samples is None else sampling.depth_samples
    importance = (
        own.importance_samples if sampling.importance_samples is None else sampling.importance_samples
    )
    return (resolution / own.resolution) ** 2 * (depth + importance) / all_samples


class ViewPanel:
    """Display mode, depth colours and sampling."""

    title = "View"

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel and return the View, with the changes that the user made to display and sampling."""
        with common.awaiting(context.network is None):
            display = _draw_display(view.display, context.frame)
            own = context.network.config.generator.render if context.network else RenderConfig()
            sampling = _draw_sampling(view.sampling, own)
        if (display, sampling) == (view.display, view.sampling):
            return view
        return replace(view, display=display, sampling=sampling)


def _draw_display(display: DisplayView, frame: Frame | None) -> DisplayView:
    # In place of the image there may be what the Geometry panel shows: any of these leads back.
    current = display.mode if display.geometry == "image" else None
    mode = common.segmented("View/Mode", MODES, current, labelled=False)
    if mode is not None and mode != current:
        display = replace(display, mode=mode, geometry="image")
    common.section("Depth colours")
    display = replace(display, color_map=_draw_color_map(display.color_map))
    fitted = common.checkbox(
        "View/Fit range",
        display.depth_range is None,
        "Spread the colours over the depths of each picture. Fix the range to compare pictures.",
    )
    depth_range = display.depth_range or (frame.known_depth_range if frame else None)
    if fitted != (display.depth_range is None):
        shown = display.depth_range or (frame.depth_range if frame else None)
        if shown is not None:
            display = replace(display, depth_range=None if fitted else valid_range(*shown))
    with common.disabled(display.depth_range is None):
        common.row("View/Range", RANGE_HELP)
        changed, near, far = imgui.drag_float_range2(
            "##View/Range",
            *(depth_range or DEPTH_LIMITS),
            0.005,
            *DEPTH_LIMITS,
            "%.2f" if depth_range else common.DASH,
            "%.2f" if depth_range else common.DASH,
            int(imgui.SliderFlags_.always_clamp),
        )
        ui.mark("View/Range")
        common.control_tooltip(RANGE_HELP)
    if changed and display.depth_range is not None and math.isfinite(near) and math.isfinite(far):
        display = replace(display, depth_range=valid_range(near, far))
    _draw_legend(display, depth_range)
    return display


def _draw_color_map(current: ColorMap) -> ColorMap:
    common.row("View/Colour map", COLOUR_HELP)
    chosen = current
    height = imgui.get_frame_height()
    opened = imgui.begin_combo("##View/Colour map", current)
    if not opened:
        ui.mark("View/Colour map")
        common.control_tooltip(COLOUR_HELP)
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        pad = imgui.get_style().frame_padding.y
        left = low.x + 4.2 * common.em()
        _draw_gradient(current, (left, low.y + pad), (high.x - height - pad, high.y - pad))
        return chosen
    for name in sorted(get_args(ColorMap), key=lambda name: name not in SAFE):
        if name not in SAFE:
            common.section("not for all eyes")
        origin = imgui.get_cursor_screen_pos()
        room = imgui.get_content_region_avail().x
        if imgui.selectable(f"{name}##colours", name == current)[0]:
            chosen = name
        ui.mark(f"View/Colour map: {name}")
        bottom = origin.y + imgui.get_text_line_height()
        _draw_gradient(name, (origin.x + 4.2 * common.em(), origin.y), (origin.x + room, bottom))
    common.end_combo()
    return chosen


def _draw_gradient(name: ColorMap, low: tuple[float, float], high: tuple[float, float]) -> None:
    """A bar of a depth map's colours, near at the left."""
    lines = imgui.get_window_draw_list()
    table = color_table(name)[:: 255 // GRADIENT_STEPS].astype(float) / 255.0
    inks = [common.color((float(r), float(g), float(b), 1.0)) for r, g, b in table]
    width = (high[0] - low[0]) / (len(inks) - 1)
    for i in range(len(inks) - 1):
        left = low[0] + i * width
        lines.add_rect_filled_multi_color(
            (left, low[1]), (left + width, high[1]), inks[i], inks[i + 1], inks[i + 1], inks[i]
        )


def _draw_legend(display: DisplayView, depth_range: tuple[float, float] | None) -> None:
    help_text = "What the colours of the shown depth map mean, world units from the camera."
    common.row("View/Legend", help_text)
    width = imgui.get_content_region_avail().x
    corner = imgui.get_cursor_screen_pos()
    height = imgui.get_frame_height()
    pad = imgui.get_style().frame_padding.y
    top, bottom = corner.y + pad, corner.y + height - pad
    _draw_gradient(display.color_map, (corner.x, top), (corner.x + width, bottom))
    imgui.dummy((width, height))
    ui.mark("View/Legend")
    common.control_tooltip(help_text)
    if depth_range is None:
        return
    near, far = depth_range
    lines = imgui.get_window_draw_list()
    ink = common.style_color(imgui.Col_.text_disabled)
    below = bottom + pad / 2
    for fraction, text in (
        (0.0, f"near {near:.2f}"),
        (0.5, f"{(near + far) / 2:.2f}"),
        (1.0, f"{far:.2f} far"),
    ):
        shift = fraction * (width - imgui.calc_text_size(text).x)
        lines.add_text((corner.x + shift, below), ink, text)
    imgui.dummy((1.0, imgui.get_text_line_height() - imgui.get_style().item_spacing.y))


def _draw_sampling(sampling: SamplingView, own: RenderConfig) -> SamplingView:
    common.section("Sampling")
    changed, value = common.slider_int(
        "View/Resolution",
        sampling.resolution or own.resolution,
        16,
        512,
        "%d²",
        "Side of the volume-rendered image, pixels. Cost grows with its square.",
        default=own.resolution,
        logarithmic=True,
    )
    if changed:
        sampling = replace(sampling, resolution=None if value == own.resolution else value)
    fast = common.checkbox("View/Fast", sampling.fast, FAST_HELP)
    if fast and not sampling.fast:
        sampling = replace(sampling, renderer="fast", depth_samples=None, importance_samples=None)
    elif not fast and sampling.fast:
        sampling = replace(sampling, renderer="plain")
    if not sampling.fast:
        sampling = _draw_counts(sampling, own)
    work = relative_work(sampling, own)
    if work > HIGH_WORK:
        common.paragraph(f"{work:.0f}× the network's own work: pictures will take their time.", theme.WARNING)
    elif work != 1.0 and not sampling.fast:
        common.paragraph(f"{work:.2g}× the network's own work")
    return sampling


def _draw_counts(sampling: SamplingView, own: RenderConfig) -> SamplingView:
    depth = own.depth_samples if sampling.depth_samples is None else sampling.depth_samples
    changed, value = common.slider_int(
        "View/Samples",
        depth,
        4,
        192,
        "%d a ray",
        "Stratified samples along each ray. Too few leave bands and holes.",
        default=own.depth_samples,
    )
    if changed:
        sampling = replace(sampling, depth_samples=None if value == own.depth_samples else value)
    importance = (
        own.importance_samples if sampling.importance_samples is None else sampling.importance_samples
    )
    changed, value = common.slider_int(
        "View/Importance",
        importance,
        0,
        192,
        "%d a ray" if importance else "none",
        "More samples where the first pass found something: a second, finer look at the surface.",
        default=own.importance_samples,
    )
    if changed:
        sampling = replace(sampling, importance_samples=None if value == own.importance_samples else value)
    return sampling
