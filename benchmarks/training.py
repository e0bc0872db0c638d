"""Training throughput of the toy-cats preset."""

from __future__ import annotations

from dataclasses import replace

import torch

from benchmarks.interaction import Timing, measure
from pof3d.training.config import PRESETS
from pof3d.training.loop import Trainer


def measure_training(*, threads: int, rounds: int) -> list[Timing]:
    """One step at each resolution of the schedule; the first is the baseline."""
    torch.set_num_threads(threads)
    preset = PRESETS["toy-cats"]
    images = torch.randint(0, 256, (64, 3, 64, 64), dtype=torch.uint8)
    timings = []
    for _, resolution in preset.training.resolution_schedule:
        training = replace(preset.training, resolution_schedule=((0.0, resolution),))
        trainer = Trainer(replace(preset, training=training), images, torch.device("cpu"))
        name = f"training step, batch {training.batch}, rays at {resolution}²"
        timings.append(measure(name, lambda _, trainer=trainer: trainer.step(), rounds))  # type: ignore[misc]
    return timings
