"""The same network on a GPU."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import pof3d
from benchmarks.training import RandomImages
from pof3d.training.config import PRESETS, Precision
from pof3d.training.trainer import Trainer

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["pof3d_nosr.pkl", "pof3d_ffhq.pkl"])
def test_a_gpu_renders_what_the_cpu_renders(name: str) -> None:
    frames = []
    for device in ("cpu", "cuda"):
        network = pof3d.load(DATA / name, device=device)
        generator = network.generator
        z = torch.randn(1, generator.config.z_dim, generator=torch.Generator().manual_seed(0)).to(device)
        w, pose = generator.map(z, truncation_psi=0.7)
        frame = generator.render(w, pose)
        assert network.discriminator is not None
        frames.append((frame.image.cpu(), frame.depth.cpu(), network.discriminator.predict_pose(frame).cpu()))
    for on_cpu, on_gpu, tolerance in zip(*frames, (2e-2, 3e-2, 1e-2), strict=True):
        assert (on_cpu - on_gpu).abs().mean() < tolerance


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
@pytest.mark.parametrize("accumulation", [1, 4])
def test_training_runs_on_a_gpu(precision: Precision, accumulation: int) -> None:
    preset = PRESETS["toy-cats"]
    training = replace(
        preset.training, precision=precision, accumulation=accumulation, noise="random", augment=True
    )
    trainer = Trainer(replace(preset, training=training), RandomImages(16, 64), torch.device("cuda"))
    reports = [trainer.step() for _ in range(5)]
    assert all(math.isfinite(value) for report in reports for value in report.stats.values())


@pytest.mark.gpu
def test_a_resumed_run_on_a_gpu_goes_on_where_it_stopped() -> None:
    def trainer() -> Trainer:
        return Trainer(PRESETS["toy-cats"], RandomImages(16, 64), torch.device("cuda"))

    first = trainer()
    first.step()
    second = trainer()
    second.restore(first.state())
    expected, found = first.step().stats, second.step().stats
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)
