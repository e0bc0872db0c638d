"""The parts that are about the program as somebody sits before it: its window, its start, a drag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
from matplotlib.figure import Figure

from benchmarks import plotting
from benchmarks.motion import Drag, measure_motion, motion_table, random_network
from benchmarks.record import Results, Settings
from benchmarks.window import (
    ColdStart,
    Rest,
    WindowCost,
    cold_start,
    cost_table,
    measure_rest,
    measure_window,
    rest_line,
    start_table,
)

Tell = Callable[[str], None]
Parts = dict[str, Results]


def motion(settings: Settings, tell: Tell) -> Iterator[tuple[str, Any]]:
    """A drag of a full-size network."""
    tell("a drag of ffhq, full size, random")
    seconds, looks = (2.0, 3) if settings.quick else (8.0, 12)
    drags = measure_motion(
        "ffhq, full size, random",
        random_network(),
        Path("random"),
        threads=settings.threads,
        seconds=seconds,
        looks=looks,
    )
    yield "drags", [asdict(drag) for drag in drags]


def motion_part(parts: Parts) -> str:
    """Pictures a second, and how close they come to the full ones."""
    drags = parts["motion"].get("drags", [])
    return motion_table([Drag(**drag) for drag in drags]) if drags else ""


def window(settings: Settings, tell: Tell) -> Iterator[tuple[str, Any]]:
    """What the interface costs while it is used, and at rest."""
    tell("work per frame")
    yield "cost", asdict(measure_window(settings.checkpoint))
    if not settings.quick:
        tell("at rest")
        yield "rest", asdict(measure_rest(settings.checkpoint))


def window_part(parts: Parts) -> str:
    """Tables."""
    found, texts = parts["window"], []
    if "cost" in found:
        texts.append(cost_table(msgspec.convert(found["cost"], WindowCost)))
    if "rest" in found:
        texts.append(rest_line(Rest(**found["rest"])))
    return "\n\n".join(texts)


def start(settings: Settings, tell: Tell) -> Iterator[tuple[str, Any]]:
    """From nothing to the first full picture."""
    tell("starts of the program")
    found = cold_start(settings.checkpoint, runs=1 if settings.quick else 5)
    yield "stages", found.stages
    yield "runs", found.runs
    yield "seconds", [list(found.stages.values())[-1]]


def start_part(parts: Parts) -> str:
    """When what is reached."""
    found = parts["cold_start"]
    return start_table(ColdStart(found["runs"], found["stages"])) if "runs" in found else ""


def start_plots(parts: Parts) -> dict[str, Figure]:
    """The stages on a line of time."""
    stages = parts.get("cold_start", {}).get("stages")
    return {"cold-start": plotting.stages_in_time(stages)} if stages else {}
