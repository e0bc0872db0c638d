"""The Run panel: a training run followed, a slider through its snapshots, and how the learned poses went."""

from __future__ import annotations

import math

import numpy as np
from imgui_bundle import imgui, implot

from pof3d.checkpoint.sniff import SUFFIXES
from pof3d.text import elide_middle, format_duration
from viz import theme, ui
from viz.file_browser import FileBrowser
from viz.panel import Actions, PanelContext, RunState
from viz.runs import PoseCurve, RunListing, Snapshot
from viz.view import View
from widgets import common

PLOT_EM = (7.5, 14.0)
"""Least and greatest height of the plot, font heights."""
BAND_ALPHA = 0.2
CURVES = (("yaw", "generator"), ("pitch", "discriminator"))
"""Names, and whose colours they have among the poses'."""


def age_text(seconds: float) -> str:
    """How long ago: "just now", "40 s ago", "3 min ago", "2 h ago", "5 days ago"."""
    if seconds < 5:
        return "just now"
    for unit, size, most in (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 48 * 3600)):
        if seconds < most:
            return f"{int(seconds // size)} {unit} ago"
    return f"{int(seconds // 86400)} days ago"


def count_text(listing: RunListing) -> str:
    """How many snapshots there are: "35", or "35, 3 without network"."""
    total = len(listing.snapshots)
    without = sum(snapshot.state != "ready" for snapshot in listing.snapshots)
    if without == 0:
        return f"{total}"
    return f"{total}, none with a network" if without == total else f"{total}, {without} without network"


def run_facts(run: RunState, listing: RunListing, snapshot: Snapshot | None) -> list[tuple[str, str, str]]:
    """The run and the chosen snapshot: rows of (what, value, help)."""
    rows = [("Snapshots", count_text(listing), "Kept, or recorded, so far.")]
    if run.age is not None:
        rows.append(("Newest", age_text(run.age), "When the newest network landed."))
    if snapshot is not None:
        shown = f"{snapshot.images:,} images"
        if snapshot.record is not None:
            shown += f", {format_duration(snapshot.record.seconds)}"
        rows.append(("Shown", shown, "Seen in training, up to the chosen snapshot, and the time it took."))
    return rows


def nearest(listing: RunListing, kimg: float) -> int:
    """Index of the snapshot that is nearest to so many thousands of images."""
    return int(np.argmin([abs(snapshot.images / 1000 - kimg) for snapshot in listing.snapshots]))


def limits(curve: PoseCurve) -> tuple[float, float]:
    """Round degrees that hold all means with their spreads, for the plot's axis."""
    low = min(float((curve.yaw - curve.yaw_spread).min()), float((curve.pitch - curve.pitch_spread).min()))
    high = max(float((curve.yaw + curve.yaw_spread).max()), float((curve.pitch + curve.pitch_spread).max()))
    return min(-10.0, 10.0 * math.floor(low / 10.0)), max(10.0, 10.0 * math.ceil(high / 10.0))


def kimg_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round thousands of images between two, at most so many; none so far right that its label is cut off."""
    reach = low + 0.94 * (high - low)
    step = 1.0
    while True:
        for factor in (1.0, 2.0, 5.0):
            first, last = math.ceil(low / (step * factor)), math.floor(reach / (step * factor))
            if last - first < most:
                return [step * factor * i for i in range(first, last + 1)]
        step *= 10.0


class RunPanel:
    """The open run: following, the snapshot that is shown, and a plot of the learned poses."""

    title = "Run"

    def __init__(self) -> None:
        self.browser = FileBrowser(SUFFIXES)

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is: snapshots are chosen through the actions."""
        run = context.run
        if run is None:
            self._draw_nothing(context, actions)
            return view
        _draw_name(run, actions)
        listing = run.listing
        if listing is not None and listing.snapshots:
            _draw_choice(run, listing, actions)
        if run.message:
            common.paragraph(run.message, theme.BAD if run.alarming else theme.TEXT_DIM)
            ui.mark("Run/Message")
        if listing is not None and listing.snapshots:
            snapshot = listing.snapshots[run.chosen] if run.chosen is not None else None
            common.facts("run", run_facts(run, listing, snapshot))
            if len(listing.curve.kimg) > 1:
                _draw_curve(listing, snapshot, actions)
        return view

    def _draw_nothing(self, context: PanelContext, actions: Actions) -> None:
        if common.button(
            "Run/Browse…",
            "Go to the folder that training was given as --out, and choose “Follow this run”.",
            width=imgui.get_content_region_avail().x,
        ):
            self.browser.open(context.last_folder)
        chosen = self.browser.draw(context.favourites, actions.set_favourite)
        if chosen is not None:
            actions.open_checkpoint(chosen)
        common.paragraph(
            "or drop the folder of a training run on the window. Each new snapshot is then shown as it "
            "lands; a slider leads back through the training."
        )


def _draw_name(run: RunState, actions: Actions) -> None:
    style = imgui.get_style()
    room = imgui.get_content_region_avail().x - imgui.get_frame_height() - style.item_inner_spacing.x
    start = imgui.get_cursor_pos_x()
    imgui.align_text_to_frame_padding()
    imgui.push_font(theme.fonts.bold, 0.0)
    imgui.text_unformatted(elide_middle(run.folder.name or str(run.folder), room, _measure))
    imgui.pop_font()
    ui.mark("Run/Name")
    common.tooltip(str(run.folder))
    imgui.same_line(start + room + style.item_inner_spacing.x)
    if common.icon_button("Run/Close", "close", "Let go of this run; its network stays open.", quiet=True):
        actions.close_run()


def _draw_choice(run: RunState, listing: RunListing, actions: Actions) -> None:
    help_text = "Show each new snapshot as it lands, with the same latent and camera."
    following = common.checkbox("Run/Follow", run.following, help_text)
    if following != run.following:
        actions.follow_run(following)
    if run.loading is not None:
        imgui.same_line()
        common.text_right(f"opening {run.loading.fraction:.0%}", quiet=True)
    last = len(listing.snapshots) - 1
    help_text = "Moves through the training. The pose histogram follows at once, the network when you stop."
    with common.awaiting(run.chosen is None and last > 0):
        changed, index = common.slider_int(
            "Run/Snapshot",
            (run.chosen if run.chosen is not None else last) + 1,
            1,
            last + 1,
            f"%d of {last + 1}",
            help_text,
        )
    if changed:
        actions.choose_snapshot(index - 1)


def _draw_curve(listing: RunListing, snapshot: Snapshot | None, actions: Actions) -> None:
    """Means over the training, their spreads as bands around them; a click goes to the nearest snapshot."""
    curve, em = listing.curve, common.em()
    room = imgui.get_content_region_avail()
    height = min(max(room.y - 1.6 * em, PLOT_EM[0] * em), PLOT_EM[1] * em)
    _draw_legend()
    flags = implot.Flags_.canvas_only | implot.Flags_.no_frame
    implot.push_style_var(implot.StyleVar_.plot_padding, (0.2 * em, 0.2 * em))
    if implot.begin_plot("##Run/Poses", (room.x, height), int(flags)):
        _set_up_axes(curve)
        both = ((curve.yaw, curve.yaw_spread), (curve.pitch, curve.pitch_spread))
        for (name, colour), (mean, spread) in zip(_inked(), both, strict=True):
            band = implot.Spec()
            band.fill_color = imgui.ImVec4(*colour[:3], BAND_ALPHA)
            implot.plot_shaded(f"##{name} band", curve.kimg, mean - spread, mean + spread, band)
        for (name, colour), (mean, _) in zip(_inked(), both, strict=True):
            line = implot.Spec()
            line.line_color, line.line_weight = imgui.ImVec4(*colour), max(1.0, 0.11 * em)
            implot.plot_line(f"##{name}", curve.kimg, mean, line)
        if snapshot is not None:
            here = implot.Spec()
            here.line_color = imgui.ImVec4(*theme.TEXT)
            implot.plot_inf_lines("##here", np.array([snapshot.images / 1000]), here)
        corner, size = implot.get_plot_pos(), implot.get_plot_size()
        ui.mark_rect("Run/Poses", (corner.x, corner.y), (corner.x + size.x, corner.y + size.y))
        if implot.is_plot_hovered() and imgui.is_mouse_clicked(imgui.MouseButton_.left):
            actions.choose_snapshot(nearest(listing, implot.get_plot_mouse_pos().x))
        implot.end_plot()
    implot.pop_style_var()


def _inked() -> list[tuple[str, theme.Colour]]:
    return [(name, theme.POSE_COLOURS[whose]) for name, whose in CURVES]


def _set_up_axes(curve: PoseCurve) -> None:
    locked = int(implot.AxisFlags_.lock | implot.AxisFlags_.no_menus | implot.AxisFlags_.no_highlight)
    implot.setup_axis(implot.ImAxis_.x1, None, locked | int(implot.AxisFlags_.no_grid_lines))
    implot.setup_axis(implot.ImAxis_.y1, None, locked)
    always = int(implot.Cond_.always)
    implot.setup_axis_limits(implot.ImAxis_.x1, float(curve.kimg[0]), float(curve.kimg[-1]), always)
    implot.setup_axis_limits(implot.ImAxis_.y1, *limits(curve), always)
    ticks = kimg_ticks(float(curve.kimg[0]), float(curve.kimg[-1]))
    implot.setup_axis_ticks(implot.ImAxis_.x1, ticks, [f"{tick:,.0f} k" for tick in ticks])
    implot.setup_axis_format(implot.ImAxis_.y1, "%g°")


def _draw_legend() -> None:
    lines, side = imgui.get_window_draw_list(), 0.6 * common.em()
    for name, colour in _inked():
        corner = imgui.get_cursor_screen_pos()
        middle = corner.y + imgui.get_text_line_height() / 2
        ink = common.color(colour)
        lines.add_rect_filled((corner.x, middle - 1.5), (corner.x + 2 * side, middle + 1.5), ink)
        imgui.dummy((2 * side, imgui.get_text_line_height()))
        imgui.same_line(0.0, 0.5 * side)
        imgui.text_disabled(name)
        imgui.same_line(0.0, 1.5 * side)
    imgui.text_disabled("mean ± spread")


def _measure(text: str) -> float:
    return float(imgui.calc_text_size(text).x)
