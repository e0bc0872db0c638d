"""Plots of the document, from records alone. Matplotlib without its global state and without a screen."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from pof3d.data.toy_sets import YAW_STD
from pof3d.evaluation.plots import LEARNED, TRUE
from scripts.results.curves import smooth_spread
from scripts.results.records import Histogram, Record
from scripts.results.tables import DISTANCE_ALIGNED, SPREAD

COLOURS = (LEARNED, "#d07c1f", "#2b8f66", "#a8447c", "#7b6248", "#4a4f57")
"""Of lines in one plot."""
_WIDTH = 9.4
_LARGEST_SPREAD = 1.6
_SMALL = 8.5
Runs = Mapping[str, Sequence[Record]]


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _bare(axis: Axes, *, left: bool = False) -> None:
    axis.spines[["top", "right"] if left else ["top", "right", "left"]].set_visible(False)
    axis.tick_params(labelsize=_SMALL)
    if not left:
        axis.set_yticks([])


def _draw_distribution(axis: Axes, histograms: Sequence[Histogram], *, reach: float | None = None) -> None:
    """True distribution filled, learned ones as lines; degrees."""
    first = histograms[0]
    axis.stairs(_density(first, first.true), np.degrees(first.edges), fill=True, color=TRUE, alpha=0.4, lw=0)
    for histogram in histograms:
        shares = _density(histogram, histogram.learned)
        axis.stairs(shares, np.degrees(histogram.edges), color=LEARNED, lw=1.5)
    if reach is not None:
        axis.set_xlim(-reach, reach)
    _bare(axis)


def _density(histogram: Histogram, counts: tuple[int, ...]) -> NDArray[np.float64]:
    """Share per radian."""
    return np.array(counts) / max(sum(counts), 1) / np.diff(histogram.edges)


def _name_distributions(axis: Axes, place: Literal["upper left", "upper right"]) -> None:
    handles = [Patch(color=TRUE, alpha=0.4, lw=0), Line2D([], [], color=LEARNED)]
    axis.legend(
        handles, ["true", "learned by G"], fontsize=_SMALL, frameon=False, loc=place, handlelength=1.3
    )


def pose_distributions(record: Record) -> bytes:
    """Yaw and pitch of a network, learned against true; yaw that goes all around as a polar histogram."""
    figure = Figure(figsize=(_WIDTH, 3.9 if record.circular else 2.9), layout="constrained")
    if record.circular:
        grid = figure.add_gridspec(1, 2, width_ratios=(1, 1.25))
        polar: Any = figure.add_subplot(grid[0, 0], projection="polar")
        _draw_circle(polar, record.yaw)
        axes = [None, figure.add_subplot(grid[0, 1])]
    else:
        axes = list(figure.subplots(1, 2))
    for axis, histogram, name, reach in zip(
        axes, (record.yaw, record.pitch), ("yaw", "pitch"), (92.0, 46.0), strict=True
    ):
        if axis is None:
            continue
        _draw_distribution(axis, [histogram], reach=reach)
        axis.set_xlabel(f"{name} (degrees)", fontsize=9)
        _name_distributions(axis, "upper right")
    return _png(figure)


def _draw_circle(axis: PolarAxes, histogram: Histogram) -> None:
    edges = np.array(histogram.edges)
    middles, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    shares = [np.array(c) / max(sum(c), 1) * len(c) for c in (histogram.learned, histogram.true)]
    # Areas are counts: a radius is the root of a share, 1 on the line of the uniform distribution.
    axis.bar(middles, np.sqrt(shares[1]), width, color=TRUE, alpha=0.4, lw=0, label="true")
    steps = np.repeat(np.sqrt(shares[0]), 2)
    around = np.stack([edges[:-1], edges[1:]], axis=1).ravel()
    axis.plot([*around, around[0]], [*steps, steps[0]], color=LEARNED, lw=1.5, label="learned by G")
    turn = np.linspace(0, 2 * math.pi, 181)
    axis.plot(turn, np.ones_like(turn), color="#30343a", lw=0.9, ls=(0, (3, 3)), label="uniform")
    axis.set_theta_zero_location("S")
    axis.set_yticks([])
    axis.set_xticks(np.radians([0, 90, 180, 270]), ["front", "90°", "rear", "−90°"], fontsize=_SMALL)
    axis.spines["polar"].set_visible(False)
    axis.grid(alpha=0.35)
    axis.legend(fontsize=_SMALL, frameon=False, loc="upper left", bbox_to_anchor=(-0.32, 1.02))


def predictions(record: Record) -> bytes | None:
    """Scatter of D's yaw and pitch of test images against the truth; None without predictions."""
    if record.scatter is None:
        return None
    figure = Figure(figsize=(_WIDTH, 4.3), layout="constrained")
    for column, axis in enumerate(figure.subplots(1, 2)):
        name = ("yaw", "pitch")[column]
        x, y = (
            np.degrees(np.array(values)[:, column])
            for values in (record.scatter.true, record.scatter.predicted)
        )
        if record.circular and column == 0:
            x, y = ((v + 180) % 360 - 180 for v in (x, y))
            low, high = -180.0, 180.0
            axis.set_xticks(range(-180, 181, 90))
            axis.set_yticks(range(-180, 181, 90))
        else:
            ends = np.concatenate([x, y])
            margin = 0.05 * max(float(np.ptp(ends)), 1e-3)
            low, high = float(ends.min()) - margin, float(ends.max()) + margin
        axis.plot([low, high], [low, high], color=TRUE, lw=1, zorder=0)
        axis.scatter(x, y, s=8, color=LEARNED, alpha=0.5, linewidths=0)
        axis.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axis.set_xlabel(f"true {name} (degrees)", fontsize=9)
        axis.set_ylabel(f"{name} predicted by D (degrees)", fontsize=9)
        _bare(axis, left=True)
    return _png(figure)


def _draw_spread(axis: Axes, record: Record, colour: str, label: str | None) -> float:
    """G's yaw spread of one run; returns the largest that is shown."""
    curves = record.curves
    spread = smooth_spread(np.array(curves.yaw_mean), np.array(curves.yaw_std))
    top = [0.0]
    if len(spread):
        axis.plot(curves.kimg, spread, color=colour, lw=1.4, label=label)
        top.append(float(spread.max()))
    elif curves.snapshot_kimg:
        axis.plot(curves.snapshot_kimg, curves.snapshot_yaw_std, color=colour, lw=1.4, label=label)
        top.append(max(curves.snapshot_yaw_std))
    return max(top)


def spread_over_training(runs: Runs, names: Sequence[str]) -> bytes | None:
    """G's yaw spread over images for several initial spreads, and the true one; None without runs."""
    if not any(runs.get(name) for name in names):
        return None
    figure = Figure(figsize=(_WIDTH, 3.9), layout="constrained")
    axis = figure.subplots()
    axis.axhline(YAW_STD, color="#30343a", lw=1, ls=(0, (4, 3)))
    last = 0.0
    top = YAW_STD
    for name, colour in zip(names, (COLOURS[2], COLOURS[0], COLOURS[1]), strict=False):
        for i, record in enumerate(runs.get(name, [])):
            start = record.initial_spread
            label = f"starts at {start:g} rad" if start is not None else name
            top = max(top, _draw_spread(axis, record, colour, label if i == 0 else None))
            if start is not None:
                axis.plot(0, start, "o", color=colour, ms=5, clip_on=False, zorder=3)
                top = max(top, start)
            end = SPREAD.value(record)
            if end is not None:
                kimg = record.images_seen / 1000
                axis.plot(kimg, end, "D", color=colour, ms=5, clip_on=False, zorder=3)
                last = max(last, kimg)
    axis.annotate(
        f"true: {YAW_STD:g} rad",
        (1.0, YAW_STD),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        fontsize=_SMALL,
        va="center",
    )
    axis.set(xlim=(0, max(last, 1e-3)), ylim=(0, min(_LARGEST_SPREAD, top * 1.12)))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("thousands of images", fontsize=9)
    axis.set_ylabel("standard deviation of G's yaw (rad)", fontsize=9)
    axis.legend(fontsize=_SMALL, frameon=False, loc="lower right")
    _bare(axis, left=True)
    return _png(figure)


def distributions(runs: Runs, titles: Mapping[str, str]) -> bytes | None:
    """Learned yaw of each experiment against the truth, one small panel each; None without runs."""
    names = [name for name in titles if runs.get(name)]
    if not names:
        return None
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(_WIDTH, 2.15 * rows + 0.25), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axis, name in zip(axes, names, strict=False):
        _draw_distribution(axis, [record.yaw for record in runs[name]], reach=92.0)
        axis.set_title(titles[name], fontsize=9, loc="left")
        # Where several seeds exist, the first is spelt out; the table has means.
        first = runs[name][0]
        distance = DISTANCE_ALIGNED.value(first)
        words = "" if distance is None else f"JS distance aligned {distance:.3f}"
        if len(runs[name]) > 1:
            words = f"{len(runs[name])} seeds"
        axis.set_xlabel(words, fontsize=_SMALL)
        axis.set_xticks([-60, 0, 60], ["−60°", "0°", "60°"])
        axis.tick_params(labelbottom=True)
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    _name_distributions(axes[0], "upper left")
    return _png(figure)


def strips(found: Mapping[str, Path], titles: Mapping[str, str]) -> bytes | None:
    """Sample strips under their titles, two side by side; None without any."""
    names = [name for name in titles if name in found]
    if not names:
        return None
    pictures = {name: np.asarray(Image.open(found[name]).convert("RGB")) for name in names}
    columns = 2
    rows = -(-len(names) // columns)
    height, width = next(iter(pictures.values())).shape[:2]
    each = _WIDTH / columns * height / width + 0.27
    figure = Figure(figsize=(_WIDTH, each * rows), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.03)  # type: ignore[union-attr, call-arg]
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, name in zip(axes, names, strict=False):
        axis.imshow(pictures[name], interpolation="lanczos")
        axis.set_title(titles[name], fontsize=9, loc="left", pad=3)
    return _png(figure)


def training_curves(
    runs: Runs, titles: Mapping[str, str], groups: Sequence[tuple[str, Sequence[str]]]
) -> bytes | None:
    """G's yaw spread and D's pose error over images, a column for each group of experiments."""
    shown = [(title, [name for name in names if runs.get(name)]) for title, names in groups]
    shown = [(title, names) for title, names in shown if names]
    if not shown:
        return None
    figure = Figure(figsize=(_WIDTH, 6.2), layout="constrained")
    axes = figure.subplots(2, len(shown), squeeze=False, sharex=True, sharey="row")
    top = YAW_STD
    for column, (title, names) in enumerate(shown):
        above, below = axes[0, column], axes[1, column]
        above.axhline(YAW_STD, color="#30343a", lw=0.9, ls=(0, (4, 3)))
        for colour, name in zip(COLOURS, names, strict=False):
            for i, record in enumerate(runs[name]):
                label = titles[name] if i == 0 else None
                top = max(top, _draw_spread(above, record, colour, label))
                curves = record.curves
                if curves.error_kimg:
                    below.plot(curves.error_kimg, _running(np.array(curves.pose_error)), color=colour, lw=1.3)
        above.set_title(title, fontsize=9, loc="left")
        above.legend(
            fontsize=7.8, frameon=False, loc="upper left", bbox_to_anchor=(-0.03, -0.06), handlelength=1.2
        )
        for axis in (above, below):
            _bare(axis, left=True)
        below.set_xlabel("thousands of images", fontsize=9)
        below.set_yscale("log")
        below.set_yticks([0.05, 0.1, 0.2, 0.5, 1.0, 2.0], ["0.05", "0.1", "0.2", "0.5", "1", "2"])
        below.set_yticks([], minor=True)
    cut = top * 1.1 > _LARGEST_SPREAD
    axes[0, 0].set_ylim(0, _LARGEST_SPREAD if cut else top * 1.1)
    axes[0, 0].set_ylabel(f"G's yaw spread (rad{', cut off' if cut else ''})", fontsize=9)
    axes[1, 0].set_ylabel("D's pose error (rad)", fontsize=9)
    return _png(figure)


def _running(values: NDArray[np.float64], reach: int = 4) -> NDArray[np.float64]:
    """Root mean square [N] of each value and its neighbours."""
    squares = [np.mean(values[max(0, i - reach) : i + reach + 1] ** 2) for i in range(len(values))]
    return np.sqrt(np.array(squares))
