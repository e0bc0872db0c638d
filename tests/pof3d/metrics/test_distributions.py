"""Distances of distributions, on cases with a known answer."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pof3d.metrics.circle import wrap
from pof3d.metrics.distributions import (
    OFFSET_STEP,
    angle_divergence,
    angle_wasserstein,
    distribution_distance,
    divergence_floor,
)

DEGREE = math.pi / 180
RNG = np.random.default_rng


def test_divergence_of_equal_and_of_disjoint_samples() -> None:
    sample = RNG(0).normal(0, 0.2, 20_000)
    assert angle_divergence(sample, sample, aligned=False) == 0
    apart = 90 * DEGREE
    assert angle_divergence(sample - apart, sample, aligned=False) > 0.95
    assert angle_divergence(sample - apart, sample, aligned=True) == pytest.approx(0.0, abs=1e-9)


def test_distances_of_a_shifted_sample() -> None:
    sample = RNG(1).normal(0, 0.3, 5000)
    found = distribution_distance(sample + 11.25 * DEGREE, sample)
    assert math.degrees(found.wasserstein) == pytest.approx(11.25)
    assert found.wasserstein_aligned == pytest.approx(0.0, abs=1e-9)
    assert found.divergence > 0.04
    assert found.divergence_aligned == pytest.approx(0.0, abs=1e-9)
    for offset in (found.divergence_offset, found.wasserstein_offset):
        assert math.degrees(offset) == pytest.approx(11.25)


def test_an_offset_between_the_steps_leaves_less_than_half_a_step() -> None:
    sample = RNG(1).normal(0, 0.3, 5000)
    found = distribution_distance(sample - 7.1 * DEGREE, sample)
    assert math.degrees(found.wasserstein_offset) == pytest.approx(-7.0)
    assert math.degrees(found.wasserstein_aligned) == pytest.approx(0.1)


def test_distances_of_a_turned_sample() -> None:
    sample = RNG(2).vonmises(0.0, 1.0, 5000)
    found = distribution_distance(wrap(sample + math.radians(120)), sample, circular=True)
    assert found.circular
    assert found.wasserstein_aligned == pytest.approx(0.0, abs=1e-6)
    assert found.divergence_aligned == pytest.approx(0.0, abs=1e-6)
    assert math.degrees(found.divergence_offset) == pytest.approx(120)
    assert math.degrees(found.wasserstein_offset) == pytest.approx(120)
    assert found.divergence > 0.1
    assert math.degrees(found.wasserstein) > 30


def test_a_turn_of_a_uniform_sample_is_no_difference() -> None:
    uniform = np.linspace(-math.pi, math.pi, 3600, endpoint=False)
    found = distribution_distance(wrap(uniform + 2.0), uniform, circular=True)
    assert found.divergence == pytest.approx(0.0, abs=1e-3)
    assert math.degrees(found.wasserstein) < 0.2


def test_half_of_the_mass_moved_out_of_the_way() -> None:
    # P = (½, ½), Q = (1, 0), M = (¾, ¼): H(M) − ½ H(P) − ½ H(Q) = 0.81128 − 0.5 − 0.
    learned = np.concatenate([np.full(50, -0.5), np.full(50, 0.5)])
    true = np.full(100, -0.5)
    assert angle_divergence(learned, true, aligned=False) == pytest.approx(0.31128, abs=1e-5)
    assert angle_wasserstein(learned, true, aligned=False) == pytest.approx(0.5)
    found = distribution_distance(learned, true)
    assert found.js_distance == pytest.approx(math.sqrt(0.31128), abs=1e-5)
    assert found.js_distance_aligned == found.js_distance  # no offset brings both halves there
    assert found.divergence_offset == 0


@pytest.mark.parametrize("circular", [False, True])
def test_alignment_never_makes_it_worse(circular: bool) -> None:
    for seed in range(8):
        rng = RNG(seed)
        true = np.concatenate([rng.normal(0, 0.05, 200), rng.normal(0.7, 0.3, 300)])
        learned = rng.permutation(true)[: 300 + 25 * seed] + rng.normal(0, 0.02)
        found = distribution_distance(learned, true, circular=circular)
        assert found.divergence_aligned <= found.divergence
        assert found.wasserstein_aligned <= found.wasserstein


@pytest.mark.parametrize("circular", [False, True])
def test_medians_that_differ_do_not_tear_equal_peaks_apart(circular: bool) -> None:
    # Median 0.01 of P = (0.55, 0.45) and 1.01 of Q = (0.45, 0.55), though their peaks coincide.
    true, learned = (np.repeat([0.01, 1.01], counts) for counts in ((55, 45), (45, 55)))
    found = distribution_distance(learned, true, circular=circular)
    # M = (½, ½): 1 − H(0.45) = 1 − 0.992774.
    assert found.divergence == found.divergence_aligned == pytest.approx(0.007226, abs=1e-6)
    assert found.divergence_offset == 0
    assert found.wasserstein_aligned == pytest.approx(0.1)  # a tenth goes by 1 rad
    moved = angle_divergence(learned - 1.0, true, aligned=False, circular=circular)
    assert moved > 0.4


@pytest.mark.parametrize("circular", [False, True])
def test_the_offset_is_the_best_of_the_grid(circular: bool) -> None:
    true, learned = RNG(3).normal(0, 0.3, 400), RNG(4).normal(0.5, 0.2, 300)
    found = distribution_distance(learned, true, circular=circular)
    offsets = np.arange(-120, 480) * OFFSET_STEP
    divergences = [angle_divergence(learned - x, true, aligned=False, circular=circular) for x in offsets]
    ways = [angle_wasserstein(learned - x, true, aligned=False, circular=circular) for x in offsets[::4]]
    assert found.divergence_aligned == pytest.approx(min(divergences))
    assert found.divergence_offset == pytest.approx(offsets[int(np.argmin(divergences))], abs=OFFSET_STEP)
    assert found.wasserstein_aligned <= min(ways) + 1e-3
    assert angle_divergence(
        learned - found.divergence_offset, true, aligned=False, circular=circular
    ) == pytest.approx(found.divergence_aligned, abs=1e-9)


def test_a_sector_away_from_zero_is_not_clipped() -> None:
    true = RNG(5).normal(2.5, 0.2, 2000)
    assert angle_divergence(true + 0.4, true, aligned=False) > 0.3
    assert angle_divergence(true, true, aligned=True) == 0


@pytest.mark.parametrize("circular", [False, True])
def test_the_floor_is_what_chance_gives(circular: bool) -> None:
    rng = RNG(6)
    found, expected = [], []
    for _ in range(40):
        true = rng.uniform(-math.pi, math.pi, 1000) if circular else rng.uniform(-1.2, 1.2, 1000)
        learned = rng.uniform(-math.pi, math.pi, 20_000) if circular else rng.uniform(-1.2, 1.2, 20_000)
        found.append(angle_divergence(learned, true, aligned=False, circular=circular))
        expected.append(divergence_floor(learned, true, circular=circular))
    assert np.mean(found) == pytest.approx(np.mean(expected), rel=0.1)
    if circular:  # 59 / (8 ln 2) · (1/1000 + 1/20,000)
        assert expected[0] == pytest.approx(0.011172, abs=1e-6)
        assert math.sqrt(expected[0]) == pytest.approx(0.106, abs=1e-3)
