"""``python -m benchmarks``: measure, print a table, and write it where asked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import tyro
from rich.console import Console

from benchmarks.data import Rate, measure_data, rate_table
from benchmarks.interaction import machine, measure_interaction, table
from benchmarks.loading import loading_table, measure_loading
from benchmarks.rendering import measure_rendering, networks, rendering_table
from benchmarks.training import measure_training, shares_table, what_limits_training
from pof3d.memory import keep_freed_memory
from pof3d.training.config import PRESETS

BUNDLED = Path(__file__).parents[1] / "assets" / "toy-cats.safetensors"


@dataclass(frozen=True)
class Benchmarks:
    """Measure how fast the visualizer answers, training steps and images arrive. Run on an idle machine."""

    checkpoint: Path = BUNDLED
    """Network to measure with."""
    resolution: int | None = None
    """Side of the volume-rendered image; the network's own by default."""
    threads: int = torch.get_num_threads()
    """Torch threads."""
    rounds: int = 40
    """Repetitions of each action."""
    rendering: bool = True
    """Whether to measure the fast renderer against the plain one as well (minutes)."""
    training: bool = True
    """Whether to measure training steps as well (minutes)."""
    data: bool = True
    """Whether to measure how fast training gets its images as well (half a minute)."""
    loading: bool = True
    """Whether to measure how a released snapshot of half a gigabyte is opened as well (a minute)."""
    out: Path | None = None
    """Markdown file to write."""


def main() -> None:
    """Measure and report."""
    options = tyro.cli(Benchmarks)
    keep_freed_memory()
    lines = [machine(options.threads), "", f"Interaction, {options.checkpoint.name}:", ""]
    lines.append(
        table(
            measure_interaction(
                options.checkpoint,
                resolution=options.resolution,
                threads=options.threads,
                rounds=options.rounds,
            )
        )
    )
    if options.rendering:
        found = [
            measure_rendering(*network, options.threads, options.rounds) for network in networks().items()
        ]
        lines += ["", "Rendering:", "", rendering_table(found)]
    needed = None
    if options.training:
        timings = measure_training(threads=options.threads, rounds=max(options.rounds // 8, 3))
        lines += ["", "Training, toy-cats:", "", table(timings)]
        lines += ["", shares_table(what_limits_training(threads=options.threads))]
        batch = PRESETS["toy-cats"].training.batch
        needed = Rate("a training step's need", batch / min(timing.median for timing in timings) * 1e3)
    if options.data:
        lines += ["", "Images of 256² in batches of 32:", "", rate_table(measure_data(), needed)]
    if options.loading:
        opened = measure_loading(options.threads)
        size = f"{opened.file_bytes / 2**20:.0f} MiB"
        lines += ["", f"Opening a released snapshot of {size}:", "", loading_table(opened)]
    text = "\n".join(lines)
    Console(width=120).print(text, markup=False, highlight=False)
    if options.out is not None:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
