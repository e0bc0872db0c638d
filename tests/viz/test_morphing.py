"""Recorded distributions on common axes, and how one turns into the next."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pof3d.training.statistics import measure
from tests.viz.run_folders import record
from viz.morphing import MORPH_SECONDS, Morph, common_edges, regrid
from viz.panel import PoseHistogram

STEP = math.radians(2.5)


def moves(morph: Morph) -> bool:
    return morph.moving


def shown(morph: Morph) -> PoseHistogram:
    assert morph.histogram is not None
    return morph.histogram


def test_axes_hold_all_distributions() -> None:
    """Four deviations beyond the mean, in tens of degrees: 4 · 22.9° + 11.5° → 110°, 4 · 5.7° → 30°."""
    narrow, wide = record(1, yaw=0.0, spread=0.1), record(2, yaw=-0.2, spread=0.4)
    yaw, pitch = common_edges([narrow, wide])
    assert math.degrees(yaw[-1]) == pytest.approx(110.0)
    assert math.degrees(pitch[-1]) == pytest.approx(30.0)
    assert yaw[0] == -yaw[-1]
    np.testing.assert_allclose(np.diff(yaw), STEP)
    turning = measure(torch.tensor([[-3.0, 0.0], [3.0, 0.0]]), 1, "n", 1.0)
    assert common_edges([turning])[0][-1] == pytest.approx(math.pi)


def test_counts_keep_their_places_on_wider_axes() -> None:
    counts = np.array([[1.0, 2.0], [3.0, 4.0]])
    old = np.array([-1.0, 0.0, 1.0]) * STEP
    new = np.linspace(-3.0, 3.0, 7) * STEP
    expected = np.zeros((6, 6), np.float64)
    expected[2:4, 2:4] = counts
    np.testing.assert_allclose(regrid(counts, (old, old), (new, new)), expected, atol=1e-12)


def test_counts_are_shared_out_on_other_axes_and_none_is_lost() -> None:
    counts = np.array([[4.0], [8.0]])
    old, one = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0])
    # Bins of 0.5 … 1.25 and 1.25 … 1.5; what lies outside goes to them.
    result = regrid(counts, (old, one), (np.array([0.5, 1.25, 1.5]), one))
    np.testing.assert_allclose(result, np.array([[4.0 + 2.0], [6.0]]))


def test_the_first_distribution_is_there_at_once() -> None:
    morph, one = Morph(), record(4)
    morph.aim(one, (one,))
    assert not moves(morph)
    histogram = shown(morph)
    assert histogram.counts.sum() == 1000
    assert histogram.samples == histogram.target == 1000
    assert (histogram.mean.yaw, histogram.std.pitch) == (one.yaw_mean, one.pitch_std)
    assert "4,000 images" in histogram.note
    # Each bin is where it was recorded.
    column = int(np.searchsorted(histogram.yaw_edges, one.yaw.edges[3] + 1e-6)) - 1
    assert histogram.counts[column].sum() == one.yaw.counts[3]


def test_it_turns_into_the_next_by_and_by() -> None:
    left, right = record(4, yaw=-0.5, spread=0.05), record(8, yaw=0.5, spread=0.05)
    records = (left, right)
    morph = Morph()
    morph.aim(left, records)
    start = shown(morph)
    morph.aim(right, records)
    assert moves(morph)
    shares = []
    for _ in range(100):
        morph.advance(1 / 60)
        counts = shown(morph).counts
        shares.append(counts[len(counts) // 2 :].sum() / 1000)
        if not moves(morph):
            break
    assert not moves(morph)
    assert len(shares) < 60, "it is over within a second"
    assert shares == sorted(shares)
    # After 0.12 s two thirds (1 − 1/e) of the way are done.
    assert shares[round(MORPH_SECONDS * 60) - 1] == pytest.approx(1 - math.exp(-1), abs=0.03)
    assert shares[-1] == 1.0
    end = shown(morph)
    np.testing.assert_array_equal(start.yaw_edges, end.yaw_edges)
    morph.advance(1.0)
    assert shown(morph) is end, "at rest nothing is made anew"


def test_axes_widen_without_a_jump() -> None:
    narrow, wide = record(4, yaw=0.0, spread=0.05), record(8, yaw=0.0, spread=0.6)
    morph = Morph()
    morph.aim(narrow, (narrow,))
    before = shown(morph)
    morph.aim(narrow, (narrow, wide))
    after = shown(morph)
    assert len(after.yaw_edges) > len(before.yaw_edges)
    assert after.counts.sum() == before.counts.sum()
    assert after.counts.max() == before.counts.max()


def test_without_a_record_there_is_nothing() -> None:
    morph, one = Morph(), record(4)
    morph.aim(one, (one,))
    morph.aim(None, (one,))
    morph.advance(1.0)
    assert morph.histogram is None
    assert not moves(morph)
    empty = measure(torch.zeros(0, 2), 1, "n", 1.0)
    morph.aim(empty, (empty,))
    assert shown(morph).counts.sum() == 0
