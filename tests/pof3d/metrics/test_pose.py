"""Pose metrics on cases with a known answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pof3d.config import CameraConfig, DiscriminatorConfig
from pof3d.metrics.circle import wrap
from pof3d.metrics.pose import (
    angle_distance,
    angle_divergence,
    distribution_distance,
    pose_agreement,
    predict_image_poses,
)
from pof3d.nets.discriminator import Discriminator


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


def test_errors_do_not_jump_where_the_circle_closes() -> None:
    true = np.radians(np.arange(-180.0, 180.0, 5.0))
    wobble = np.radians(np.tile([-4.0, 4.0], 36))
    found = pose_agreement(wrap(true + np.radians(100.0) + wobble), true, circular=True)
    assert found.circular
    assert math.degrees(found.mean_absolute_error) == pytest.approx(4.0)
    assert abs(math.degrees(found.offset) - 100.0) <= 4.0 + 1e-9
    assert found.correlation == pytest.approx(math.cos(math.radians(4)), abs=0.01)
    assert found.beyond_90_degrees == 0.0


def test_front_taken_for_rear_is_counted() -> None:
    true = np.random.default_rng(0).uniform(-math.pi, math.pi, 400)
    predicted = true.copy()
    predicted[:100] += math.pi
    found = pose_agreement(wrap(predicted), true, circular=True)
    assert found.beyond_90_degrees == pytest.approx(0.25)
    assert math.degrees(found.mean_absolute_error) == pytest.approx(45.0)


def test_a_constant_prediction_correlates_with_nothing() -> None:
    true = np.linspace(-1, 1, 101)
    assert pose_agreement(np.zeros(101), true).correlation == 0.0


def test_distances_of_a_shifted_sample() -> None:
    sample = np.random.default_rng(1).normal(0, 0.3, 5000)
    found = distribution_distance(sample + 0.2, sample)
    assert found.wasserstein == pytest.approx(0.2)
    assert found.wasserstein_aligned == pytest.approx(0.0, abs=1e-9)
    assert found.divergence > 0.04
    assert found.divergence_aligned == pytest.approx(0.0, abs=1e-9)


def test_distances_of_a_turned_sample() -> None:
    sample = np.random.default_rng(2).vonmises(0.0, 1.0, 5000)
    found = distribution_distance(wrap(sample + math.radians(120)), sample, circular=True)
    assert found.circular
    assert found.wasserstein_aligned == pytest.approx(0.0, abs=1e-6)
    assert found.divergence_aligned == pytest.approx(0.0, abs=1e-6)
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
    assert angle_distance(learned, true, aligned=False) == pytest.approx(0.5)


def test_each_image_is_looked_at_on_its_own() -> None:
    config = DiscriminatorConfig(resolution=8, channel_base=64, channel_max=8, activation_clamp=None)
    torch.manual_seed(0)
    discriminator = Discriminator(config, CameraConfig())
    images = torch.randint(0, 256, (70, 3, 8, 8), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    together = predict_image_poses(discriminator, images)
    assert together.shape == (70, 2)
    np.testing.assert_allclose(predict_image_poses(discriminator, images[65:66])[0], together[65], atol=1e-5)
