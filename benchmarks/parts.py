"""The parts of the benchmarks, in the order in which they run. One more is one more entry here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from benchmarks import existing, growth, memory, program, quality, rendering, resolution
from benchmarks.record import Results, Settings

Tell = Callable[[str], None]
"""Says what is measured now."""
Parts = dict[str, Results]


@dataclass(frozen=True)
class Part:
    """Something to measure, and how it is shown."""

    name: str
    title: str
    measure: Callable[[Settings, Tell], Iterator[tuple[str, Any]]]
    """Yields keys and results as they come, so that what is done is kept."""
    table: Callable[[Parts], str]
    """Markdown of the results of all parts, of which this one is there, complete or not."""
    plots: Callable[[Parts], dict[str, Figure]] = lambda _: {}
    """By file name without its ending, from the results of all parts."""
    gpu: bool = False
    """Whether it means anything on a GPU."""


PARTS: tuple[Part, ...] = (
    Part("rendering", "Rendering", rendering.measure, rendering.table, rendering.plots, gpu=True),
    Part("quality", "Quality", quality.measure, quality.table, quality.plots, gpu=True),
    Part("resolution", "Resolution", resolution.measure, resolution.table, resolution.plots, gpu=True),
    Part("growth", "Growth", growth.measure, growth.table, growth.plots, gpu=True),
    Part("memory", "Memory of a frame", memory.measure, memory.table, memory.plots, gpu=True),
    Part("motion", "A drag", program.motion, program.motion_part),
    Part("window", "The window itself", program.window, program.window_part),
    Part("cold_start", "Start", program.start, program.start_part, program.start_plots),
    Part("interaction", "Interaction", existing.interaction, existing.interaction_table),
    Part("training", "Training", existing.training, existing.training_table),
    Part("data", "Reading images", existing.data, existing.data_table),
    Part("loading", "Opening a released snapshot", existing.loading, existing.loading_stages),
)
NAMES = tuple(part.name for part in PARTS)
