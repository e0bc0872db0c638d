"""Training throughput of the toy-cats preset, and what limits it.

The step is measured as it is run, and with single parts changed, which shows what each costs. The shares of
the processor's time by kind of work come from the profiler of torch.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.timing import Timing, measure
from pof3d.data.batches import Batch
from pof3d.training.config import PRESETS, Preset
from pof3d.training.trainer import Trainer

_PROFILED_STEPS = 16
"""One interval of the lazy R1 penalty."""
_KINDS = {
    "convolution": "convolutions",
    "grid_sampler": "plane lookups",
    "mm": "decoder and other matrix products",
    "softplus": "softplus",
    "sigmoid": "other elementwise",
    "mul": "other elementwise",
    "add": "other elementwise",
    "div": "other elementwise",
    "leaky_relu": "other elementwise",
    "copy": "copies",
    "fill": "copies",
}
"""Kinds of work by what an operation's name contains; the first that fits counts."""


@dataclass(frozen=True)
class Share:
    """A kind of work."""

    name: str
    share: float
    """Of the processor's time, 0…1."""


class RandomImages:
    """A data set that costs nothing to read."""

    def __init__(self, batch: int, resolution: int) -> None:
        self.size = 64
        rng = torch.Generator().manual_seed(0)
        shape = (batch, 3, resolution, resolution)
        self._batch = Batch(
            torch.randint(0, 256, shape, generator=rng, dtype=torch.int16).to(torch.uint8), None
        )

    def read(self, _step: int) -> Batch:
        """The same batch for each step."""
        return self._batch


def _trainer(preset: Preset) -> Trainer:
    images = RandomImages(preset.training.batch, preset.network.generator.image_resolution)
    return Trainer(preset, images, torch.device("cpu"))


def _variants() -> dict[str, Preset]:
    preset = PRESETS["toy-cats"]
    training = preset.training
    rays = training.resolution_schedule[-1][1]
    batch = training.batch

    def changed(**changes: object) -> Preset:
        return replace(preset, training=replace(training, **changes))  # type: ignore[arg-type]

    return {
        f"step of {batch} images, rays at {rays}²": preset,
        "… without mirrored cameras": changed(mirror=False),
        "… with half the depth samples": changed(depth_samples=(training.depth_samples or 16) // 2),
        f"… with rays at {rays // 2}²": changed(resolution_schedule=((0.0, rays // 2),)),
        "… in two parts (accumulation)": changed(accumulation=2),
    }


def measure_training(*, threads: int, rounds: int) -> list[Timing]:
    """Steps of the preset, then with single parts changed; the first is the baseline."""
    torch.set_num_threads(threads)
    timings = []
    for name, preset in _variants().items():
        trainer = _trainer(preset)
        timings.append(measure(name, lambda _, trainer=trainer: trainer.step(), rounds))  # type: ignore[misc]
    return timings


def what_limits_training(*, threads: int) -> list[Share]:
    """Shares of the processor's time by kind of work over 16 steps, the largest first."""
    torch.set_num_threads(threads)
    trainer = _trainer(PRESETS["toy-cats"])
    trainer.step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(_PROFILED_STEPS):
            trainer.step()
    spent: Counter[str] = Counter()
    for event in profiler.key_averages():
        kind = next((kind for part, kind in _KINDS.items() if part in event.key), "everything else")
        spent[kind] += int(event.self_cpu_time_total)
    total = sum(spent.values())
    return [Share(kind, time / total) for kind, time in spent.most_common()]


def shares_table(shares: list[Share]) -> str:
    """As Markdown."""
    rows = [f"| {share.name} | {100 * share.share:.0f} % |" for share in shares]
    return "\n".join(["| where a training step's time goes | share |", "|---|---|", *rows])
