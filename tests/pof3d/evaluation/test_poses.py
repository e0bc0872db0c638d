"""Pose figures with predictions that are known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import pof3d
from pof3d.config import PosePrior, SuperResolutionConfig
from pof3d.data.folder import ImageFolder
from pof3d.evaluation import poses
from pof3d.evaluation.generated import random_latents
from pof3d.evaluation.poses import evaluate_pose
from pof3d.metrics.circle import wrap
from tests.pof3d.evaluation.sets import DISCRIMINATOR, GENERATOR, make_network, make_set, true_poses


@pytest.fixture
def net(tmp_path: Path) -> pof3d.Network:
    return pof3d.load(make_network(tmp_path / "net.safetensors"))


def pretend(monkeypatch: pytest.MonkeyPatch, predicted: np.ndarray, learned: np.ndarray) -> None:
    """Let D predict and G have learned the given poses."""

    def predict(_: Any, images: torch.Tensor, raw_resolution: int | None) -> np.ndarray:
        assert raw_resolution is None
        assert len(images) == len(predicted)
        return predicted

    monkeypatch.setattr(poses, "predict_image_poses", predict)
    monkeypatch.setattr(poses, "learned_poses", lambda *_: torch.from_numpy(learned.copy()))


def test_an_offset_is_no_error_and_no_distance(
    net: pof3d.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = true_poses(24)
    pretend(monkeypatch, truth + np.radians([10.0, -4.0]), truth + np.radians([20.0, 0.0]))
    with ImageFolder(make_set(tmp_path / "set.zip")) as folder:
        found = evaluate_pose(net, folder).summary()
    assert not found["yaw_is_circular"]
    assert found["images"] == found["true_poses"] == 24
    yaw = found["yaw"]
    assert yaw["predicted_against_true"]["correlation"] == pytest.approx(1.0)
    assert yaw["predicted_against_true"]["offset_degrees"] == pytest.approx(10.0)
    assert yaw["predicted_against_true"]["mean_absolute_error_degrees"] == pytest.approx(0.0, abs=1e-9)
    assert yaw["learned_against_true"]["wasserstein_degrees"] == pytest.approx(20.0)
    assert yaw["learned_against_true"]["wasserstein_aligned_degrees"] == pytest.approx(0.0, abs=1e-9)
    against = yaw["learned_against_true"]
    assert against["wasserstein_offset_degrees"] == pytest.approx(20.0)
    assert against["jensen_shannon_bits"] > 0.1
    assert against["jensen_shannon_distance"] == pytest.approx(math.sqrt(against["jensen_shannon_bits"]))
    assert against["jensen_shannon_aligned_bits"] == pytest.approx(0.0, abs=1e-9)
    assert against["jensen_shannon_distance_aligned"] == pytest.approx(0.0, abs=1e-4)
    assert found["true_distribution"] == {"source": "own", "poses": 24}
    pitch = found["pitch"]["predicted_against_true"]
    assert pitch["offset_degrees"] == pytest.approx(-4.0)


def test_all_around_yaw_is_taken_on_the_circle(
    net: pof3d.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = true_poses(24, around=True)
    turned = truth + np.radians([100.0, 0.0])
    turned[:6, 0] += math.pi
    turned[:, 0] = wrap(turned[:, 0])
    pretend(monkeypatch, turned, truth + np.array([4 * math.pi, 0.0]))
    with ImageFolder(make_set(tmp_path / "set.zip", around=True)) as folder:
        found = evaluate_pose(net, folder)
    assert found.yaw_is_circular
    assert np.abs(found.learned[:, 0]).max() <= math.pi
    assert found.yaw.agreement is not None
    assert found.yaw.agreement.beyond_90_degrees == pytest.approx(0.25)
    assert math.degrees(found.yaw.agreement.offset) == pytest.approx(100.0)
    assert found.yaw.distribution is not None
    assert found.yaw.distribution.wasserstein == pytest.approx(0.0, abs=1e-9)
    assert found.pitch.agreement is not None
    assert not found.pitch.agreement.circular


def test_without_truth_there_are_no_figures_and_a_reason(net: pof3d.Network, tmp_path: Path) -> None:
    with ImageFolder(make_set(tmp_path / "set.zip", truth=False)) as folder:
        found = evaluate_pose(net, folder, latents=100)
    assert (found.yaw.agreement, found.yaw.distribution, found.predicted) == (None, None, None)
    assert "poses.npz" in found.skipped["agreement"]
    assert "poses.npz" in found.skipped["distribution"]
    assert found.learned.shape == (100, 2)


def test_without_a_discriminator_the_distribution_remains(tmp_path: Path) -> None:
    net = pof3d.load(make_network(tmp_path / "net.safetensors", discriminator=None))
    with ImageFolder(make_set(tmp_path / "set.zip")) as folder:
        found = evaluate_pose(net, folder, latents=100)
    assert found.skipped == {"agreement": "the checkpoint has no discriminator"}
    assert found.yaw.agreement is None
    assert found.yaw.distribution is not None


def test_a_prior_is_sampled_and_a_discriminator_without_poses_is_not_asked(tmp_path: Path) -> None:
    prior = replace(GENERATOR, pose_source="gaussian", pose_prior=PosePrior(spread=(0.3, 0.1)))
    blind = replace(DISCRIMINATOR, pose_aware=False)
    net = pof3d.load(make_network(tmp_path / "net.safetensors", discriminator=blind, generator=prior))
    with ImageFolder(make_set(tmp_path / "set.zip")) as folder:
        found = evaluate_pose(net, folder, latents=5000)
    assert found.skipped == {"agreement": "the discriminator does not predict poses"}
    assert found.learned[:, 0].std() == pytest.approx(0.3, rel=0.05)
    _, pose = next(random_latents(net.generator, 8, 0))
    assert pose[:, 0].std() > 0.05


def test_real_predictions_do_not_depend_on_how_images_came(net: pof3d.Network, tmp_path: Path) -> None:
    with ImageFolder(make_set(tmp_path / "set.zip")) as folder:
        read = poses.read_images(folder, 16, 24)
        first = evaluate_pose(net, folder, images=read, latents=50)
        second = evaluate_pose(net, folder, images=24, latents=50)
    assert first.summary() == second.summary()
    assert first.predicted is not None
    assert np.isfinite(first.predicted).all()


def test_super_resolution_shows_d_the_raw_image_at_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharper = replace(GENERATOR, superres=SuperResolutionConfig("2x", widths=(4, 4)))
    wide = replace(DISCRIMINATOR, resolution=128, channel_base=512)
    net = pof3d.load(make_network(tmp_path / "net.safetensors", discriminator=wide, generator=sharper))
    assert net.discriminator is not None
    with ImageFolder(make_set(tmp_path / "set.zip")) as folder:
        read = poses.read_images(folder, 128, 24)
        found = evaluate_pose(net, folder, images=read, latents=50)
    # What training shows: bilinear, antialiased, at the renderer's 16².
    x = read.images.float() / 127.5 - 1.0
    raw = torch.nn.functional.interpolate(x, (16, 16), mode="bilinear", antialias=True)
    expected = net.discriminator.predict_pose(SimpleNamespace(image=x, raw=raw)).numpy()
    assert found.predicted is not None
    np.testing.assert_allclose(found.predicted, expected, atol=1e-5)
    twice = net.discriminator.predict_pose(SimpleNamespace(image=x, raw=x)).numpy()
    assert np.abs(found.predicted - twice).max() > 1e-4
