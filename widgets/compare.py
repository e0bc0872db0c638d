"""The Compare panel: Views beside each other, their difference, and grids of seeds and yaws."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from imgui_bundle import imgui

from pof3d.text import format_duration
from viz import theme, ui
from viz.comparing import GAINS, MOST_PANES, CompareLayout, CompareState, Comparison, GridPlan
from viz.panel import Actions, PanelContext
from viz.view import ColorMap, View
from widgets import common

Shown = CompareLayout | Literal["off"]

LAYOUTS: tuple[tuple[Shown, str, str], ...] = (
    ("off", "Off", "The present view alone; pinned views are kept  (C)."),
    ("side_by_side", "Panes", "All views beside each other. Click one to work on it."),
    ("wipe", "Wipe", "Two views in one place, with a line between them that can be dragged  (W)."),
    ("difference", "Difference", "Where two pictures differ, as colours: nothing is dark."),
)
COLOR_MAPS: tuple[tuple[ColorMap, str, str], ...] = (
    ("magma", "magma", "Even steps from black to white; safe for colour-blind eyes."),
    ("viridis", "viridis", "Even steps from blue to yellow; safe for colour-blind eyes."),
    ("gray", "gray", "Brightness alone."),
)
CELLS = (64, 128, 192, 256, 512)
ROWS = (1, 16)
COLUMNS = (1, 15)
YAW_LIMIT = 180.0
"""Degrees."""


def describe_grid(plan: GridPlan, view: View) -> str:
    """Cells, and roughly the size of the picture."""
    width = plan.cell * (2 if view.display.mode == "side_by_side" else 1)
    return f"{plan.seeds} × {plan.yaws}, about {plan.yaws * width} × {plan.seeds * plan.cell} pixels"


class ComparePanel:
    """Pin views, arrange them, save grids."""

    title = "Compare"

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is."""
        state = context.comparison
        with common.disabled(context.frame is None):
            comparison = _draw_layout(state.comparison)
            _draw_pin(state, actions)
            _draw_panes(state, actions)
            comparison = _draw_settings(comparison, state)
            if comparison.on and common.button(
                "Compare/Save comparison",
                "What is compared, as one PNG with its names.",
                width=imgui.get_content_region_avail().x,
            ):
                actions.save_comparison()
            if comparison != state.comparison:
                actions.change_comparison(comparison)
            _draw_grid(view, state, actions)
        return view


def _draw_layout(comparison: Comparison) -> Comparison:
    current: Shown = comparison.layout if comparison.on else "off"
    chosen = common.segmented("Compare/Layout", LAYOUTS, current, labelled=False)
    if chosen == current:
        return comparison
    if chosen == "off":
        return replace(comparison, shown=False)
    return replace(comparison, shown=True, layout=chosen)


def _draw_pin(state: CompareState, actions: Actions) -> None:
    full = len(state.comparison.panes) >= MOST_PANES
    text = (
        f"There are {MOST_PANES} views already: remove one first."
        if full
        else "Keep the present view as a pane, and go on beside it: with another seed, checkpoint or setting."
    )
    width = imgui.get_content_region_avail().x
    if common.button("Compare/Pin this view", text, width=width, enabled=not full):
        actions.pin_view()


def _draw_panes(state: CompareState, actions: Actions) -> None:
    if not state.comparison.panes:
        common.paragraph("Pin a view to compare others with it: seeds, checkpoints, settings.")
        return
    side, gap = imgui.get_frame_height(), imgui.get_style().item_inner_spacing.x
    imgui.push_style_var(imgui.StyleVar_.item_spacing, (imgui.get_style().item_spacing.x, common.em() * 0.15))
    for index, (pane, name) in enumerate(zip(state.comparison.panes, state.names, strict=True)):
        mark, active = f"Compare/Pane {index + 1}", index == state.comparison.active
        corner = imgui.get_cursor_screen_pos()
        width = imgui.get_content_region_avail().x - side - gap
        imgui.push_style_var(imgui.StyleVar_.selectable_text_align, (0.0, 0.5))
        if imgui.selectable(f"##{mark}", active, 0, (width, side))[0] and not active:
            actions.activate_pane(index)
        imgui.pop_style_var()
        ui.mark(mark)
        error = state.errors.get(pane.key)
        common.tooltip(str(error) if error is not None else name)
        _draw_pane(name, (corner.x, corner.y), (width, side), active=active, failed=error is not None)
        imgui.same_line(0.0, gap)
        if common.icon_button(f"{mark} remove", "close", "Take this view away.", quiet=True):
            actions.remove_pane(index)
    imgui.pop_style_var()


def _draw_pane(
    name: str, corner: tuple[float, float], size: tuple[float, float], *, active: bool, failed: bool
) -> None:
    lines, pad = imgui.get_window_draw_list(), common.em() * 0.45
    middle = corner[1] + size[1] / 2
    dot = (corner[0] + pad + common.em() * 0.25, middle)
    if active:
        lines.add_circle_filled(dot, common.em() * 0.24, common.color(theme.ACCENT))
    else:
        lines.add_circle(dot, common.em() * 0.24, common.color(theme.TEXT_DIM), 0, common.em() * 0.07)
    left = corner[0] + 2 * pad + common.em() * 0.5
    text = ui.fit_text(name, corner[0] + size[0] - left - pad)
    colour = theme.BAD if failed else theme.TEXT if active else theme.TEXT_DIM
    lines.add_text((round(left), round(middle - common.em() / 2)), common.color(colour), text)


def _draw_settings(comparison: Comparison, state: CompareState) -> Comparison:
    linked = common.checkbox(
        "Compare/Link cameras",
        comparison.linked,
        "All views are seen by the camera of the active one: turning one turns all. "
        "With the predicted pose, each is seen from its own.",
    )
    comparison = replace(comparison, linked=linked)
    if not state.comparison.panes:
        return comparison
    if comparison.layout != "side_by_side" and len(state.comparison.panes) > 2:
        others = [
            (pane.key, ui.fit_text(name, 11 * common.em()))
            for i, (pane, name) in enumerate(zip(state.comparison.panes, state.names, strict=True))
            if i != comparison.active
        ]
        present = state.comparison.panes[state.comparison.partner].key
        help_text = "Which view the active one is set against."
        chosen = common.combo("Compare/Against", others, present, help_text)
        if chosen != present:
            comparison = replace(comparison, partner_key=chosen)
    if comparison.layout == "difference":
        comparison = _draw_difference(comparison, state)
    return comparison


def _draw_difference(comparison: Comparison, state: CompareState) -> Comparison:
    _, gain = common.slider(
        "Compare/Scale",
        comparison.gain,
        *GAINS,
        "%.1f ×",
        "Factor of the differences before they become colours: small ones show, large ones saturate.",
        default=4.0,
        logarithmic=True,
    )
    comparison = replace(comparison, gain=gain)
    comparison = replace(
        comparison, color_map=common.segmented("Compare/Colours", COLOR_MAPS, comparison.color_map)
    )
    if comparison.on:
        apart = state.difference
        common.row("Compare/Mean, max", "Of the absolute difference; 1 is the way from black to white.")
        imgui.text_disabled(f"{apart.mean:.4f}, {apart.max:.3f}" if apart is not None else common.DASH)
    return comparison


def _draw_grid(view: View, state: CompareState, actions: Actions) -> None:
    common.section("Grid of seeds and yaws")
    running = state.job is not None and state.job.status == "running"
    with common.disabled(running):
        plan = _draw_plan(state.grid, view)
    if plan != state.grid:
        actions.plan_grid(plan)
    if running and state.job is not None:
        cancel = "Cancel"
        width = imgui.calc_text_size(cancel).x + 2 * imgui.get_style().frame_padding.x
        room = imgui.get_content_region_avail().x - width - imgui.get_style().item_spacing.x
        left = state.job.seconds_left
        text = state.job.note + (f", {format_duration(left)} left" if left is not None else "")
        common.progress("Compare/Progress", state.job.fraction, text, width=room)
        imgui.same_line()
        if common.button(f"Compare/{cancel}", "Stop and keep nothing."):
            actions.cancel_grid()
        return
    text = "Render every seed from every yaw at full quality, into one PNG in the folder for captures."
    if common.button("Compare/Save grid", text, width=imgui.get_content_region_avail().x):
        actions.save_grid()
    if state.job is None:
        return
    if state.saved is not None:
        common.paragraph(f"Saved {state.saved.name}")
        common.tooltip(str(state.saved))
    elif state.job.status == "cancelled":
        common.paragraph("Cancelled; nothing was kept.")
    elif state.job.error is not None:
        common.paragraph(str(state.job.error), theme.BAD)


def _draw_plan(plan: GridPlan, view: View) -> GridPlan:
    seed = view.latent.seed
    seeds, yaws = plan.seeds, plan.yaws
    _, seeds = common.slider_int(
        "Compare/Seeds",
        seeds,
        *ROWS,
        f"%d, from seed {seed}",
        "Rows of the grid: so many seeds, from the present one on.",
    )
    _, yaws = common.slider_int("Compare/Yaws", yaws, *COLUMNS, "%d", "Columns of the grid.")
    common.row("Compare/Range", "Yaw of the first and of the last column. Drag, or Ctrl+click to type.")
    changed, first, last = imgui.drag_float_range2(
        "##Compare/Range",
        math.degrees(plan.first_yaw),
        math.degrees(plan.last_yaw),
        1.0,
        -YAW_LIMIT,
        YAW_LIMIT,
        "%.0f°",
        "%.0f°",
        int(imgui.SliderFlags_.always_clamp),
    )
    ui.mark("Compare/Range")
    common.control_tooltip("Yaw of the first and of the last column.")
    if changed and math.isfinite(first) and math.isfinite(last):
        plan = replace(plan, first_yaw=math.radians(first), last_yaw=math.radians(last))
    sides = [(side, f"{side}²") for side in CELLS]
    cell = common.combo("Compare/Cell", sides, plan.cell, "Side of one picture of the grid, pixels.")
    plan = replace(plan, seeds=seeds, yaws=yaws, cell=cell)
    common.row("Compare/Size")
    imgui.text_disabled(describe_grid(plan, view))
    return plan
