"""Pose metrics on cases with a known answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pof3d.config import CameraConfig, DiscriminatorConfig
from pof3d.metrics.circle import wrap
from pof3d.metrics.pose import pose_agreement, predict_image_poses
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


def test_each_image_is_looked_at_on_its_own() -> None:
    config = DiscriminatorConfig(resolution=8, channel_base=64, channel_max=8, activation_clamp=None)
    torch.manual_seed(0)
    discriminator = Discriminator(config, CameraConfig())
    images = torch.randint(0, 256, (70, 3, 8, 8), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    together = predict_image_poses(discriminator, images)
    assert together.shape == (70, 2)
    np.testing.assert_allclose(predict_image_poses(discriminator, images[65:66])[0], together[65], atol=1e-5)


def test_a_raw_image_is_the_image_reduced() -> None:
    config = DiscriminatorConfig(resolution=16, channel_base=64, channel_max=8, activation_clamp=None)
    torch.manual_seed(0)
    discriminator = Discriminator(config, CameraConfig())
    seen = []
    discriminator.prepare = lambda image, raw: (  # type: ignore[method-assign]
        seen.append((image, raw)) or Discriminator.prepare(discriminator, image, raw)  # type: ignore[func-returns-value]
    )
    images = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    images[:, :, :, ::2] = 255  # stripes a pixel wide: any reduction greys them
    sharp = predict_image_poses(discriminator, images)
    reduced = predict_image_poses(discriminator, images, 8)
    (image, raw), (image_again, small) = seen
    assert raw is image
    torch.testing.assert_close(image_again, image)
    assert small.shape == (2, 3, 8, 8)
    # Antialiased to half the size, a pixel is 1, 3, 3, 1 eighths of its neighbours: of stripes, a half.
    assert float(small[..., 1:-1].abs().max()) < 1e-5
    assert np.abs(sharp - reduced).max() > 1e-4
