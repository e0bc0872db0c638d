"""Sampling the learned poses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pof3d.cameras import yaw_pitch_from_hv
from pof3d.nets.generator import Generator
from tests.viz.nets import tiny_config, tiny_generator
from viz.pose_sampling import CHUNK, PoseSampler, learned_poses


@pytest.fixture(scope="module")
def generator() -> Generator:
    return tiny_generator(tiny_config())


def sampled(generator: Generator, target: int, seed: int = 0) -> PoseSampler:
    sampler = PoseSampler(generator, target, seed)
    while not sampler.done:
        sampler.step()
    return sampler


def test_counts_and_moments(generator: Generator) -> None:
    histogram = sampled(generator, 1300).histogram()
    assert histogram is not None
    rng = torch.Generator().manual_seed(0)
    z = torch.cat([torch.randn(CHUNK, 8, generator=rng) for _ in range(3)])[:1300]
    hv = generator.mapping.predict_pose(generator.mapping.map_w(z)).double()
    angles = yaw_pitch_from_hv(hv, math.pi / 2).numpy()
    assert histogram.samples == histogram.target == 1300
    assert histogram.mean.yaw == pytest.approx(angles[:, 0].mean(), abs=1e-6)
    assert histogram.std.pitch == pytest.approx(angles[:, 1].std(), abs=1e-6)
    yaws, pitches = histogram.yaw_edges, histogram.pitch_edges
    assert histogram.counts.shape == (len(yaws) - 1, len(pitches) - 1)
    np.testing.assert_allclose(yaws, -yaws[::-1])
    inside = np.clip(angles, [yaws[0], pitches[0]], [yaws[-1], pitches[-1]])
    expected, _, _ = np.histogram2d(inside[:, 0], inside[:, 1], bins=(yaws, pitches))
    np.testing.assert_array_equal(histogram.counts, expected)


def test_the_same_seed_gives_the_same_counts(generator: Generator) -> None:
    first, again, other = (sampled(generator, 600, seed).histogram() for seed in (0, 0, 1))
    assert first is not None
    assert again is not None
    assert other is not None
    np.testing.assert_array_equal(first.counts, again.counts)
    assert (first.mean, first.std) == (again.mean, again.std)
    assert first.mean != other.mean


def test_a_published_histogram_does_not_change(generator: Generator) -> None:
    sampler = PoseSampler(generator, 2000)
    assert sampler.histogram() is None
    sampler.step()
    early = sampler.histogram()
    assert early is not None
    assert early.samples == CHUNK
    sampler.step()
    assert early.counts.sum() == CHUNK
    assert not early.counts.flags.writeable


def test_summary(generator: Generator) -> None:
    learned = learned_poses(generator, 700)
    histogram = sampled(generator, 700).histogram()
    assert histogram is not None
    assert (learned.mean, learned.std) == (histogram.mean, histogram.std)
