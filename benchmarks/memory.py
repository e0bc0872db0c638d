"""The peak of memory while a network draws, each way of rendering in a process of its own.

What counts is above the process that holds the network and has drawn nothing: it includes what a way of
rendering prepares and keeps. Several latents are drawn, each from several cameras.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import plotting
from benchmarks.networks import subject
from benchmarks.record import Results, Settings, entries
from benchmarks.renderers import PLAIN, ways
from pof3d.errors import Pof3dError

_MIB = 2**20


def measure(settings: Settings, tell: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    """By network and way of rendering: bytes, the median of the repetitions by the peak."""
    repetitions = 1 if settings.quick else 5
    for key in settings.networks:
        chosen = subject(key, settings.quick)
        found: dict[str, list[dict[str, int]]] = {}
        for i in range(repetitions):
            for way in ways(settings.device):
                tell(f"{key}: {way}, process {i + 1} of {repetitions}")
                found.setdefault(way, []).append(in_a_process(key, way, settings))
        yield key, {"title": chosen.title, "ways": {way: _middle(runs) for way, runs in found.items()}}


def in_a_process(key: str, way: str, settings: Settings) -> dict[str, int]:
    """Bytes of one drawing; see :func:`benchmarks.drawing.measure`."""
    arguments = [key, way, str(int(settings.quick)), str(settings.threads), str(settings.device)]
    command = [sys.executable, "-m", "benchmarks.drawing", *arguments]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise Pof3dError(f"The memory of {key}, {way}, cannot be measured", last[0])
    return dict(json.loads(done.stdout))


def _middle(runs: list[dict[str, int]]) -> dict[str, int]:
    middle = statistics.median_low(drawing(run) for run in runs)
    return next(run for run in runs if drawing(run) == middle)


# -------------------------------------------------------------------------------------------------- shown
def drawing(way: dict[str, int]) -> int:
    """Bytes that drawing takes at its peak, above the process that holds the network."""
    return way["peak"] - way["before"]


def table(parts: dict[str, Results]) -> str:
    """MiB."""
    lines = [
        "Peak while three latents are drawn from three cameras each, MiB; a process each, medians:",
        "",
        "| network | renderer | process with the network | its peak | drawing | of plain |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for one in entries(parts["memory"]).values():
        base = max(drawing(one["ways"][PLAIN]), 1)
        for name, way in one["ways"].items():
            cells = [way["before"] / _MIB, way["peak"] / _MIB, drawing(way) / _MIB]
            shown = " | ".join(f"{value:.0f}" for value in cells)
            lines.append(f"| {one['title']} | {name} | {shown} | {100 * drawing(way) / base:.0f} % |")
    return "\n".join(lines)


def plots(parts: dict[str, Results]) -> dict[str, Any]:
    """Bars."""
    networks = entries(parts["memory"])
    return {"memory": plotting.memory(networks)} if networks else {}
