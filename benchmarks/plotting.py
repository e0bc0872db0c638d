"""The plots of the benchmarks. Matplotlib without its global state and without a screen."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from benchmarks.timing import power_law
from pof3d.files import replacing

_BLUE, _GREY = "#1668b8", "#8a9199"
"""As in :mod:`pof3d.evaluation.plots`, which takes seconds to import."""
WAYS = {"plain": _GREY, "fast": _BLUE, "CUDA graphs": "#2b8f66"}
"""Colours by way of rendering."""
STAGE_COLOURS = ("#4a4f57", "#1668b8", "#7fb2e0", "#d07c1f", "#2b8f66", "#a8447c", "#c9b458")
TARGET = "#b3261e"
_WIDTH, _SMALL, _SMALLER = 9.4, 9.0, 8.0
_MARKERS = "os^Dv"
_MIB = 2**20


_FACTS = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}
"""Left out of the files: equal figures are to give equal files."""


def write(figure: Figure, stem: Path, endings: tuple[str, ...] = tuple(_FACTS)) -> None:
    """One file for each ending."""
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # once is enough for all files
    for ending in endings:
        with replacing(stem.with_name(stem.name + ending)) as part:
            figure.savefig(part, format=ending[1:], dpi=110, facecolor="white", metadata=_FACTS[ending])


def _grid_of_axes(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """Axes in two columns, as many as asked for."""
    columns = min(count, 2)
    rows = -(-count // columns)
    figure = Figure(figsize=(_WIDTH, height * rows + 0.5), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel())
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, axes[:count]


def _plain_look(axis: Axes, title: str = "") -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=_SMALL)
    if title:
        axis.set_title(title, fontsize=10, loc="left")


def _label_end(axis: Axes, text: str, value: float, place: float, gap: float = 4.0) -> None:
    """Write behind the end of a lying bar; the gap is in points."""
    axis.annotate(
        text, (value, place), xytext=(gap, 0), textcoords="offset points", va="center", fontsize=_SMALL
    )


def _legend(figure: Figure, axis: Axes, columns: int) -> None:
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, fontsize=_SMALL, frameon=False)


def _logarithmic(axis: Axes, numbers: list[int]) -> None:
    """Ticks of x at the very numbers, and of y as plain numbers."""
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.xaxis.set_major_locator(FixedLocator(numbers))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _plain_powers(axis)


def _plain_powers(axis: Axes) -> None:
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.grid(True, which="major", color="#e6e8ea", lw=0.8)
    axis.set_axisbelow(True)


# ----------------------------------------------------------------------------------------------- rendering
def stages(networks: dict[str, Any], names: tuple[str, ...]) -> Figure:
    """Stacked bars of each way of rendering; every network over its own range."""
    figure, axes = _grid_of_axes(len(networks), 1.35)
    for axis, one in zip(axes, networks.values(), strict=True):
        ways = list(one["stages"])
        left = np.zeros(len(ways))
        for stage, colour in zip(names, STAGE_COLOURS, strict=True):
            widths = np.array([one["stages"][way][stage]["median"] for way in ways])
            axis.barh(ways, widths, left=left, color=colour, height=0.62, label=stage)
            left += widths
        for i, total in enumerate(left):
            _label_end(axis, f"{total:,.0f} ms", total, i)
        axis.invert_yaxis()
        axis.set_xlim(0, 1.2 * left.max())
        axis.set_xlabel("ms, new latent to the screen", fontsize=_SMALL)
        _plain_look(axis, one["title"])
    _legend(figure, axes[0], len(names))
    return figure


def stages_in_time(stages: dict[str, float]) -> Figure:
    """When what was reached, seconds from the start, one below the other."""
    figure = Figure(figsize=(_WIDTH, 0.42 * len(stages) + 0.9), layout="constrained")
    axis = figure.subplots()
    before = 0.0
    for row, (name, seconds) in enumerate(stages.items()):
        axis.barh(row, seconds - before, left=before, color=_BLUE, height=0.6)
        _label_end(axis, f"{name}: {seconds:.2f} s", seconds, row, 5.0)
        before = seconds
    axis.set_xlim(0.0, 1.45 * max(stages.values()))
    axis.invert_yaxis()
    axis.set_yticks([])
    axis.set_xlabel("seconds from the start of the process", fontsize=_SMALL)
    _plain_look(axis)
    axis.spines["left"].set_visible(False)
    return figure


def speedups(rows: list[tuple[str, float, float]], unit: str) -> Figure:
    """Bars of factors, with a mark at each target.

    Parameters
    ----------
    rows : list of (title, measured, target)
        From top to bottom.
    unit : str
        What the factors are.
    """
    figure = Figure(figsize=(_WIDTH, 0.42 * len(rows) + 1.1), layout="constrained")
    axis = figure.subplots()
    places = np.arange(len(rows))
    measured, targets = [row[1] for row in rows], [row[2] for row in rows]
    axis.barh(places, measured, color=_BLUE, height=0.6, label="measured")
    axis.scatter(targets, places, marker="|", s=330, color=TARGET, linewidths=2.2, label="target", zorder=3)
    for place, value, target in zip(places, measured, targets, strict=True):
        hidden = value < target < 1.5 * value  # by the mark
        _label_end(axis, f"{value:.1f}×", target if hidden else value, float(place), 6.0)
    axis.set_yticks(places, [row[0] for row in rows])
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.set_xlim(1.0, 1.7 * max(*measured, *targets))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel(unit, fontsize=_SMALL)
    _plain_look(axis)
    _legend(figure, axis, 2)
    return figure


def quality(networks: dict[str, Any]) -> Figure:
    """PSNR of the final image against samples; the plain renderer's as horizontal lines."""
    figure, axes = _grid_of_axes(len(networks), 2.3)
    for axis, one in zip(axes, networks.values(), strict=True):
        values = np.array(
            [[view["fast"][i]["image"] for view in one["views"]] for i in range(len(one["samples"]))]
        )
        random = np.array([[seed["image"] for seed in view["random"]] for view in one["views"]])
        plain = float(np.mean([view["plain"]["image"] for view in one["views"]]))
        fast = WAYS["fast"]
        axis.fill_between(one["samples"], values.min(1), values.max(1), color=fast, alpha=0.15, lw=0)
        axis.plot(one["samples"], values.mean(1), "o-", ms=4, color=fast, label="fast")
        own = [one["samples"].index(count) for count in sorted({view["own"] for view in one["views"]})]
        taken = [one["samples"][i] for i in own], values.mean(1)[own]
        axis.plot(*taken, "o", ms=11, mfc="none", mec=fast, mew=1.3, label="fast, as it draws")
        axis.axhline(plain, color="#4a4f57", lw=1.3, label="plain, its own samples")
        axis.axhspan(random.min(), random.max(), color="#d07c1f", alpha=0.15, lw=0)
        axis.axhline(random.mean(), color="#d07c1f", lw=1.3, ls="--", label="plain, random samples")
        axis.axhline(40.0, color=TARGET, lw=1.0, ls=":", label="target")
        axis.set_xlabel("samples a ray of the fast renderer", fontsize=_SMALL)
        axis.set_ylabel("PSNR (dB)", fontsize=_SMALL)
        axis.set_xticks([count for count in one["samples"] if count not in (12, 16)])
        _plain_look(axis, f"{one['title']} (plain: {one['plain_samples']})")
    _legend(figure, axes[0], 5)
    return figure


def resolution(networks: dict[str, Any]) -> Figure:
    """Frames per second of an orbit, both axes logarithmic."""
    figure, axes = _grid_of_axes(len(networks), 2.3)
    for axis, one in zip(axes, networks.values(), strict=True):
        sides = [int(side) for side in one["sides"]]
        for way in next(iter(one["sides"].values())):
            rates = [1e3 / found[way]["frame"]["median"] for found in one["sides"].values()]
            axis.plot(sides, rates, "o-", ms=4, color=WAYS[way], label=way)
        axis.axhline(60.0, color=TARGET, lw=1.0, ls=":", label="60 frames a second")
        _logarithmic(axis, sides)
        axis.set_xlabel("side of the volume-rendered image (pixels)", fontsize=_SMALL)
        axis.set_ylabel("frames per second", fontsize=_SMALL)
        end = f", final image {one['image_side']}²" if one["superresolution"] else ""
        _plain_look(axis, one["title"] + end)
    _legend(figure, axes[0], 4)
    return figure


def growth(axes_found: dict[str, Any], titles: dict[str, str]) -> Figure:
    """Time against a number, both logarithmic, with the fitted powers as dashed lines."""
    figure, axes = _grid_of_axes(len(axes_found), 2.6)
    for axis, (name, lines) in zip(axes, axes_found.items(), strict=True):
        shown: set[int] = set()
        count_of: dict[str, int] = {}
        for title, line in lines.items():
            numbers = line["numbers"]
            values = [timing["median"] for timing in line["timings"]]
            way = title.partition(":")[0]
            marker = _MARKERS[count_of.get(way, 0) % len(_MARKERS)]
            count_of[way] = count_of.get(way, 0) + 1
            label = title
            power, factor = power_law(numbers, values)
            if math.isfinite(power):
                fitted = [factor * number**power for number in numbers]
                axis.plot(numbers, fitted, "--", lw=1.0, color=WAYS[way])
                label = f"{title} $\\sim n^{{{power:.2f}}}$"
            axis.plot(numbers, values, marker, ms=5, color=WAYS[way], label=label)
            shown |= set(numbers)
        _logarithmic(axis, sorted(shown))
        axis.tick_params(axis="x", labelsize=_SMALLER)
        axis.set_xlabel(titles[name], fontsize=_SMALL)
        axis.set_ylabel("ms", fontsize=_SMALL)
        axis.legend(fontsize=_SMALLER, edgecolor="none", framealpha=0.8, handletextpad=0.2)
        _plain_look(axis)
    return figure


def memory(networks: dict[str, Any]) -> Figure:
    """Bars of what drawing takes."""
    ways = list(next(iter(networks.values()))["ways"])
    figure = Figure(figsize=(_WIDTH, 0.3 * len(ways) * len(networks) + 1.3), layout="constrained")
    axis = figure.subplots()
    height = 0.8 / len(ways)
    most = 0.0
    for i, way in enumerate(ways):
        sizes = [(one["ways"][way]["peak"] - one["ways"][way]["before"]) / _MIB for one in networks.values()]
        places = np.arange(len(networks)) + (i - (len(ways) - 1) / 2) * height
        axis.barh(places, sizes, height=0.92 * height, color=WAYS[way], label=way)
        for place, size in zip(places, sizes, strict=True):
            _label_end(axis, f"{size:.0f}", size, place)
        most = max(most, *sizes)
    axis.set_yticks(range(len(networks)), [one["title"] for one in networks.values()])
    axis.invert_yaxis()
    axis.set_xlim(0, 1.1 * most)
    axis.set_xlabel("peak of memory while drawing (MiB above the process with the network)", fontsize=_SMALL)
    _plain_look(axis)
    _legend(figure, axis, len(ways))
    return figure
