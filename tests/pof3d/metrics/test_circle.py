"""Statistics on the circle, on cases that can be counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from pof3d.metrics.circle import (
    best_rotation,
    circular_correlation,
    circular_histogram,
    circular_median,
    circular_wasserstein,
    spans_circle,
    wrap,
)

DEGREE = math.pi / 180
RNG = np.random.default_rng


def test_directions_wrap_into_one_turn() -> None:
    angles = np.radians([190, -190, 180, 720, -30])
    np.testing.assert_allclose(np.degrees(wrap(angles)), [-170, 170, -180, 0, -30], atol=1e-9)


def test_all_around_is_told_from_a_wide_sector() -> None:
    around = np.radians(np.arange(-180.0, 180.0, 0.5))
    assert spans_circle(around)
    assert spans_circle(around + 7.0)
    assert not spans_circle(RNG(0).normal(0, 0.45, 500))
    assert spans_circle(around[np.abs(around) > 44 * DEGREE])  # a gap of 89°
    assert not spans_circle(around[np.abs(around) > 46 * DEGREE])  # of 93°
    assert not spans_circle(np.zeros(1))


def test_correlation_of_turned_mirrored_and_unrelated_angles() -> None:
    a = RNG(1).uniform(-math.pi, math.pi, 4000)
    assert circular_correlation(wrap(a + 2.5), a) == pytest.approx(1.0, abs=0.02)
    assert circular_correlation(-a, a) == pytest.approx(-1.0, abs=0.02)
    assert circular_correlation(RNG(2).uniform(-math.pi, math.pi, 4000), a) == pytest.approx(0.0, abs=0.04)
    assert circular_correlation(np.full(4000, 0.3), a) == 0.0


def test_correlation_of_narrow_samples_is_nearly_pearsons() -> None:
    a = RNG(3).normal(0, 0.1, 2000)
    b = 0.6 * a + RNG(4).normal(0, 0.08, 2000) + 3.0  # across ±180°
    assert circular_correlation(a, wrap(b)) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=0.01)


def test_the_median_direction_knows_no_seam() -> None:
    assert math.degrees(circular_median(np.radians([170, 178, -179, -175, -168]))) == pytest.approx(-179)
    assert math.degrees(circular_median(np.radians([-3.0, 1.0, 2.0]))) == pytest.approx(1)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([170], [-170], 20),
        ([0], [180], 180),
        ([0, 180], [90, -90], 90),
        ([0], [0, 90], 45),
        ([10, 20, 30], [30, 10, 20], 0),
        ([175, -175], [179, -171], 4),
    ],
)
def test_distance_along_the_circle(a: list[float], b: list[float], expected: float) -> None:
    found = circular_wasserstein(np.radians(a), np.radians(b))
    assert math.degrees(found) == pytest.approx(expected, abs=1e-9)


def test_distance_of_samples_far_from_the_seam_is_the_one_on_the_line() -> None:
    a, b = RNG(5).normal(0, 0.3, 500), RNG(6).normal(0.2, 0.4, 800)
    expected = wasserstein_distance(a, b)
    assert circular_wasserstein(a, b) == pytest.approx(expected, rel=1e-9)
    assert circular_wasserstein(a + 3.1, b + 3.1) == pytest.approx(expected, rel=1e-9)


def test_the_best_rotation_undoes_a_turn() -> None:
    b = RNG(7).vonmises(0.5, 0.8, 3000)
    assert best_rotation(b + 40 * DEGREE, b) == pytest.approx(-40 * DEGREE, abs=1e-6)
    assert best_rotation(b - 170 * DEGREE, b) == pytest.approx(170 * DEGREE, abs=1e-6)


def test_a_histogram_counts_the_seam_once() -> None:
    counts = circular_histogram(np.radians([-180, 180, 179, -179, 0]), 4)
    assert counts.tolist() == [3, 0, 1, 1]
