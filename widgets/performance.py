"""The Performance panel: how long the interface and the model take, and what they run on."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np
from imgui_bundle import imgui, implot
from numpy.typing import NDArray

from pof3d.config import FAST_SAMPLES, FOG_SAMPLES
from pof3d.text import format_bytes
from viz import theme
from viz.panel import Actions, PanelContext, Performance
from viz.view import View
from widgets import common

BUDGETS = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
"""Choices, mebibytes."""
PLOT_EM = 3.2
"""Height of a plot, font heights."""
_PLOT = int(implot.Flags_.canvas_only | implot.Flags_.no_inputs | implot.Flags_.no_frame)
_BARE = int(implot.AxisFlags_.no_decorations | implot.AxisFlags_.lock)
_ALWAYS = int(implot.Cond_.always)


@dataclass(frozen=True)
class Summary:
    """Median and 99th percentile, milliseconds."""

    median: float
    p99: float


def summarise(milliseconds: NDArray[np.float32]) -> Summary | None:
    """Median and 99th percentile; None without values."""
    return _summary(_ordered(milliseconds))


def _ordered(milliseconds: NDArray[np.float32]) -> list[float]:
    ordered: list[float] = np.sort(milliseconds[np.isfinite(milliseconds)]).tolist()
    return ordered


def _summary(ordered: list[float]) -> Summary | None:
    return Summary(_quantile(ordered, 0.5), _quantile(ordered, 0.99)) if ordered else None


def _quantile(ordered: list[float], share: float) -> float:
    """As numpy's, which takes a quarter of a millisecond to look at its options."""
    place = share * (len(ordered) - 1)
    low = int(place)
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def plot_limit(milliseconds: NDArray[np.float32], least: float) -> float:
    """Upper end of a plot, above every value: 1, 2 or 5 times a power of ten, so that it seldom jumps."""
    return _limit(_ordered(milliseconds), least)


def _limit(ordered: list[float], least: float) -> float:
    peak = max(least, 1.1 * ordered[-1] if ordered else 0.0)
    power = 10.0 ** math.floor(math.log10(peak))
    return next(power * step for step in (1.0, 2.0, 5.0, 10.0) if power * step >= peak * (1 - 1e-9))


class PerformancePanel:
    """Frame times, stages, memory, threads and device."""

    title = "Performance"

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is."""
        performance = context.performance
        if performance is None:
            common.paragraph("Nothing measured yet.")
            return view
        _draw_times("Interface", performance.ui_milliseconds, 5.0, "The interface's own work per frame.")
        _draw_times(
            "Model", performance.model_milliseconds, 20.0, "Preview pictures, from a change to the screen."
        )
        _draw_stages(context)
        _draw_memory(performance, actions)
        _draw_settings(performance, actions)
        return view


def _draw_times(name: str, milliseconds: NDArray[np.float32], least: float, help_text: str) -> None:
    imgui.text_unformatted(name)
    common.tooltip(help_text)
    ordered = _ordered(milliseconds)
    summary = _summary(ordered)
    text = f"median {summary.median:.1f} ms    p99 {summary.p99:.1f} ms" if summary else "no frames yet"
    imgui.same_line()
    common.text_right(text, quiet=True)
    size = (imgui.get_content_region_avail().x, PLOT_EM * common.em())
    implot.push_style_var(implot.StyleVar_.plot_padding, (0.0, 2.0))
    if implot.begin_plot(f"##{name}", size, _PLOT):
        limit = _limit(ordered, least)
        implot.setup_axis(implot.ImAxis_.x1, None, _BARE)
        implot.setup_axis(implot.ImAxis_.y1, None, _BARE)
        implot.setup_axis_limits(implot.ImAxis_.x1, 0.0, max(1, milliseconds.size - 1), _ALWAYS)
        implot.setup_axis_limits(implot.ImAxis_.y1, 0.0, limit, _ALWAYS)
        if milliseconds.size > 1:
            values = np.ascontiguousarray(milliseconds, np.float32)
            if len(ordered) < values.size:
                values = np.where(np.isfinite(values), values, np.float32(0.0))
            shade = implot.Spec(fill_color=(*theme.ACCENT[:3], 0.25), line_weight=0.0)
            implot.plot_shaded("##fill", values, 0.0, 1.0, 0.0, shade)
            implot.plot_line(
                "##line", values, 1.0, 0.0, implot.Spec(line_color=theme.ACCENT, line_weight=1.2)
            )
        corner, inner = implot.get_plot_pos(), implot.get_plot_size()
        top = f"{limit:g} ms"
        place = (corner.x + inner.x - imgui.calc_text_size(top).x - 4.0, corner.y + 1.0)
        implot.get_plot_draw_list().add_text(place, common.style_color(imgui.Col_.text_disabled), top)
        implot.end_plot()
    implot.pop_style_var()


def _draw_stages(context: PanelContext) -> None:
    frame = context.frame
    if frame is None:
        return
    common.section("Last picture")
    flags = imgui.TableFlags_.row_bg | imgui.TableFlags_.no_saved_settings
    if frame.timings and imgui.begin_table("stages", 2, int(flags)):
        imgui.table_setup_column("stage", int(imgui.TableColumnFlags_.width_stretch))
        imgui.table_setup_column("ms", int(imgui.TableColumnFlags_.width_fixed), 5.5 * common.em())
        for timing in frame.timings:
            imgui.table_next_row()
            imgui.table_next_column()
            imgui.text_unformatted(timing.name)
            imgui.table_next_column()
            text = "from memory" if timing.cached else f"{timing.milliseconds:.1f} ms"
            common.text_right(text, quiet=timing.cached)
            if timing.cached:
                common.tooltip("Nothing that this stage reads has changed: its last result was used again.")
        imgui.end_table()
    raw, final = frame.raw_side, frame.image.shape[0]
    level = "preview" if frame.level == "preview" else "full quality"
    rows = [("Picture", f"{raw}² → {final}², {level}", "Raw and final resolution.")]
    network = context.network
    if network is not None:
        own, sampling = network.config.generator.render, frame.view.sampling
        depth = own.depth_samples if sampling.depth_samples is None else sampling.depth_samples
        fine = own.importance_samples if sampling.importance_samples is None else sampling.importance_samples
        counts = f"{depth} + {fine}" if fine else f"{depth}"
        text = f"{FAST_SAMPLES} a ray, placed; {FOG_SAMPLES} in fog" if sampling.fast else f"{counts} a ray"
        rows.append(("Samples", text, "At full quality."))
    common.facts("picture", rows)


def _draw_memory(performance: Performance, actions: Actions) -> None:
    common.section("Memory")
    used = performance.memory
    rows = [
        (
            "Networks",
            f"{format_bytes(used.network_bytes)} in {used.networks}",
            "Networks opened before stay in memory, so that going back to them takes no time.",
        ),
        ("Results", format_bytes(used.result_bytes), "What the stages keep, to use again."),
    ]
    common.facts("memory", rows)
    present = performance.memory_budget // 2**20
    choices = sorted({*BUDGETS, present} - {0})
    chosen = common.combo(
        "Performance/Budget",
        [(mebibytes, format_bytes(mebibytes * 2**20)) for mebibytes in choices],
        present,
        "What was not used for longest goes when networks and results take more; the network in use stays.",
    )
    if chosen != present:
        actions.set_memory_budget(chosen)


def _draw_settings(performance: Performance, actions: Actions) -> None:
    common.section("Runs on")
    most = max(os.cpu_count() or 1, performance.threads)
    with common.disabled(most == 1):
        changed, threads = common.slider_int(
            "Performance/Threads",
            performance.threads,
            1,
            max(2, most),
            "%d",
            "Processor threads of the model. One less than there are cores keeps the interface smooth.",
        )
    if changed:
        actions.set_threads(threads)
    names = [(device, device) for device in performance.devices]
    device = common.combo("Performance/Device", names, performance.device, "Where the model runs.")
    if device != performance.device:
        actions.set_device(device)
