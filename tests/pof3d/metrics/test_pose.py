"""Pose metrics on cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest

from pof3d.metrics.pose import angle_divergence, pose_agreement


def test_a_constant_offset_is_removed_and_reported() -> None:
    true = np.linspace(-1, 1, 101)
    found = pose_agreement(true + 0.3, true)
    assert found.correlation == pytest.approx(1.0)
    assert found.offset == pytest.approx(0.3)
    assert found.mean_absolute_error == pytest.approx(0.0, abs=1e-12)


def test_a_scale_is_not_removed() -> None:
    true = np.linspace(-1, 1, 101)
    found = pose_agreement(0.5 * true, true)
    assert found.correlation == pytest.approx(1.0)
    assert found.mean_absolute_error == pytest.approx(0.5 * np.abs(true).mean())


def test_divergence_of_equal_and_of_disjoint_samples() -> None:
    rng = np.random.default_rng(0)
    sample = rng.normal(0, 0.2, 20_000)
    assert angle_divergence(sample, sample, aligned=False) == 0
    assert angle_divergence(sample - 0.8, sample + 0.8, aligned=False) > 0.95
    assert angle_divergence(sample - 0.8, sample + 0.8, aligned=True) == pytest.approx(0.0, abs=1e-9)


def test_shapes_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="compared"):
        pose_agreement(np.zeros(3), np.zeros(4))
