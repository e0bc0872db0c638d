"""The parts that are not about one renderer against another: how the program answers, trains, reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from benchmarks.data import Rate, measure_data, rate_table
from benchmarks.interaction import measure_interaction, table
from benchmarks.loading import Loading, loading_table, measure_loading
from benchmarks.record import Results, Settings, timing_json, timing_of
from benchmarks.timing import Timing
from benchmarks.training import Share, measure_training, shares_table, what_limits_training
from pof3d.training.config import PRESETS

Tell = Callable[[str], None]
Parts = dict[str, Results]


def _timings_json(timings: list[Timing]) -> dict[str, Any]:
    return {timing.name: timing_json(timing) for timing in timings}


def _timings(found: dict[str, Any]) -> list[Timing]:
    return [timing_of(name, timing) for name, timing in found.items()]


def interaction(settings: Settings, tell: Tell) -> Iterator[tuple[str, Any]]:
    """The engine and the window's thread against plain library calls."""
    path = settings.checkpoint
    tell(path.name)
    rounds = settings.pace.rounds
    timings = measure_interaction(path, resolution=None, threads=settings.threads, rounds=rounds)
    yield "checkpoint", path.name
    yield "timings", _timings_json(timings)


def interaction_table(parts: Parts) -> str:
    """As measured."""
    found = parts["interaction"]
    if "timings" not in found:
        return ""
    return f"{found['checkpoint']}:\n\n{table(_timings(found['timings']))}"


def training(settings: Settings, tell: Tell) -> Iterator[tuple[str, Any]]:
    """Steps of the toy-cats preset."""
    tell("steps")
    rounds = max(settings.pace.rounds // 8, 1 if settings.quick else 3)
    timings = measure_training(threads=settings.threads, rounds=rounds)
    yield "batch", PRESETS["toy-cats"].training.batch
    yield "timings", _timings_json(timings)
    tell("what limits them")
    yield "shares", [asdict(share) for share in what_limits_training(threads=settings.threads)]


def training_table(parts: Parts) -> str:
    """Steps, and where their time goes."""
    found, texts = parts["training"], []
    if "timings" in found:
        texts.append(f"toy-cats:\n\n{table(_timings(found['timings']))}")
    if "shares" in found:
        texts.append(shares_table([Share(**share) for share in found["shares"]]))
    return "\n\n".join(texts)


def data(settings: Settings, tell: Tell) -> Iterator[tuple[str, Any]]:
    """Images a second."""
    tell("images of 256² in batches of 32")
    yield "rates", [asdict(rate) for rate in measure_data()]


def data_table(parts: Parts) -> str:
    """Images a second against one thread's, and against what training eats, where that was measured."""
    found, steps = parts["data"], parts.get("training", {})
    if "rates" not in found:
        return ""
    needed = None
    if "timings" in steps:
        fastest = min(timing.median for timing in _timings(steps["timings"]))
        needed = Rate("a training step's need", steps["batch"] / fastest * 1e3)
    rates = [Rate(**rate) for rate in found["rates"]]
    return "Images of 256² in batches of 32:\n\n" + rate_table(rates, needed)


def loading(settings: Settings, tell: Tell) -> Iterator[tuple[str, Any]]:
    """Half a gigabyte, opened and drawn."""
    tell("half a gigabyte")
    yield "found", asdict(measure_loading(settings.threads))


def loading_stages(parts: Parts) -> str:
    """Stages, then memory."""
    found = parts["loading"].get("found")
    if found is None:
        return ""
    opened = Loading(**(found | {"stages": [tuple(stage) for stage in found["stages"]]}))
    return f"A file of {opened.file_bytes / 2**20:.0f} MiB:\n\n{loading_table(opened)}"
