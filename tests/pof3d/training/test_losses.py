"""The training objective: what is detached, what is mirrored, what is penalised."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from pof3d.config import DiscriminatorConfig, GeneratorConfig, RenderConfig, SuperResolutionConfig
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator
from pof3d.nets.layers import FullyConnected
from pof3d.training.config import TrainingConfig
from pof3d.training.losses import Objective, PoseMoments, gaussian_blur, spreads_from_moments
from pof3d.training.poses import mirror_poses
from pof3d.training.random import BatchRandom

GENERATOR = GeneratorConfig(
    z_dim=8,
    w_dim=8,
    plane_resolution=8,
    plane_channels=4,
    channel_base=64,
    channel_max=8,
    decoder_hidden=8,
    feature_channels=3,
    render=RenderConfig(resolution=8, depth_samples=4, importance_samples=0),
    superres=SuperResolutionConfig("none"),
)
DISCRIMINATOR = DiscriminatorConfig(resolution=8, channel_base=64, channel_max=8, activation_clamp=None)


def make(config: TrainingConfig | None = None, batch: int = 4) -> Objective:
    torch.manual_seed(0)
    config = config or TrainingConfig(blur_sigma=0.0)
    random = BatchRandom(0, batch, torch.device("cpu"))
    return Objective(Generator(GENERATOR), Discriminator(DISCRIMINATOR, GENERATOR.camera), config, random)


def test_mirroring_is_one_of_two_reflections() -> None:
    pose = torch.tensor([[1.0, 0.5]]).expand(1000, 2)
    mirrored = mirror_poses(pose, math.pi / 2, torch.rand(1000, generator=torch.Generator().manual_seed(0)))
    sideways = torch.isclose(mirrored, torch.tensor([math.pi - 1.0, 0.5])).all(dim=1)
    upside = torch.isclose(mirrored, torch.tensor([1.0, math.pi - 0.5])).all(dim=1)
    assert (sideways ^ upside).all()
    assert 400 < int(sideways.sum()) < 600


def test_both_cameras_of_a_latent_are_judged() -> None:
    fakes = make().generate(4)
    assert [pose.shape for _, pose in fakes.views] == [(4, 2), (4, 2)]
    assert not torch.equal(fakes.views[0][1], fakes.views[1][1])
    alone = make(TrainingConfig(mirror=False, blur_sigma=0.0)).generate(4)
    assert len(alone.views) == 1


def test_the_discriminator_loss_leaves_the_generator_alone() -> None:
    objective = make()
    fakes = objective.generate(4)
    loss, stats = objective.discriminator_loss(fakes, torch.zeros(4, 3, 8, 8), penalize=True)
    loss.backward()
    assert all(p.grad is None for p in objective.generator.parameters())
    assert objective.discriminator.b4.pose_output.weight.grad is not None
    assert {"D/r1", "D/pose_error", "D/pose_error_mirrored", "D/score_real"} <= stats.keys()


def test_scores_never_train_the_pose_branch() -> None:
    # The conditioning pose is detached: only the pose error reaches the branch.
    objective = make(TrainingConfig(pose_aware_weight=0.0, blur_sigma=0.0))
    loss, _ = objective.discriminator_loss(objective.generate(4), torch.zeros(4, 3, 8, 8), penalize=False)
    loss.backward()
    gradient = objective.discriminator.b4.pose_output.weight.grad
    assert gradient is None or gradient.abs().max() == 0


def test_pose_consistency_trains_the_pose_learner_only() -> None:
    gradients = []
    for weight in (0.0, 5.0):
        objective = make(TrainingConfig(pose_consistency_weight=weight, blur_sigma=0.0))
        objective.generator_loss(objective.generate(4), smooth=False)[0].backward()
        mapping = objective.generator.mapping
        first = mapping.get_submodule("fc0")
        assert isinstance(first, FullyConnected)
        learner, w = mapping.pose_output.weight.grad, first.weight.grad
        assert learner is not None
        assert w is not None
        gradients.append((learner, w))
    (without, w_without), (with_term, w_with) = gradients
    assert not torch.allclose(with_term, without)
    torch.testing.assert_close(w_with, w_without)


def test_mirroring_can_be_left_right_alone() -> None:
    objective = make(TrainingConfig(mirror_up_down=False, blur_sigma=0.0), batch=32)
    (_, own), (_, mirrored) = objective.generate(32).views
    torch.testing.assert_close(mirrored, torch.stack([math.pi - own[:, 0], own[:, 1]], dim=1))


def test_spreads_come_from_averaged_moments() -> None:
    angles = torch.tensor([math.pi - 0.1, -math.pi + 0.1])
    line = {"G/pitch_mean": 0.5, "G/pitch_square": 0.29}
    circle = {"G/yaw_cosine": angles.cos().mean().item(), "G/yaw_sine": angles.sin().mean().item()}
    found = spreads_from_moments(line | circle | {"G/loss": 2.0})
    assert found.keys() == {"G/pitch_mean", "G/pitch_std", "G/yaw_mean", "G/yaw_std", "G/loss"}
    assert found["G/pitch_std"] == pytest.approx(0.2)
    assert abs(found["G/yaw_mean"]) == pytest.approx(math.pi)
    assert found["G/yaw_std"] == pytest.approx(0.1, rel=0.01)


def test_r1_is_the_squared_gradient_of_the_real_score() -> None:
    objective = make(TrainingConfig(r1_gamma=2.0, r1_interval=3, blur_sigma=0.0))
    fakes = objective.generate(4)
    real = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with_penalty, stats = objective.discriminator_loss(fakes, real, penalize=True)
    without, _ = objective.discriminator_loss(fakes, real, penalize=False)
    x = objective.real_input(real).requires_grad_(True)
    score = objective.discriminator(x).score
    (gradient,) = torch.autograd.grad(score.sum(), x)
    expected = gradient.square().sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(stats["D/r1"], expected)
    torch.testing.assert_close(with_penalty - without, expected * (2.0 / 2 * 3), rtol=1e-3, atol=1e-5)


def test_schedules_follow_the_images_seen() -> None:
    config = TrainingConfig(
        blur_sigma=4.0,
        blur_fade_kimg=10.0,
        pose_consistency_weight=8.0,
        pose_consistency_ramp_kimg=4.0,
        resolution_schedule=((0.0, 4), (6.0, 8)),
    )
    objective = make(config)
    objective.set_progress(0.0)
    assert (objective.blur, objective.resolution, objective.pose_consistency_weight) == (4.0, 4, 0.0)
    objective.set_progress(6.0)
    assert objective.blur == pytest.approx(1.6)
    assert (objective.resolution, objective.pose_consistency_weight) == (8, 8.0)
    objective.set_progress(50.0)
    assert objective.blur == 0.0


def test_blur_keeps_the_mean_and_widens_a_point() -> None:
    image = torch.zeros(1, 1, 33, 33)
    image[..., 16, 16] = 1.0
    blurred = gaussian_blur(image, 2.0)
    assert blurred.sum().item() == pytest.approx(1.0, abs=1e-5)
    x = torch.arange(33.0) - 16
    variance = (blurred[0, 0].sum(dim=0) * x**2).sum().item()
    assert variance == pytest.approx(4.0, rel=0.03)
    assert gaussian_blur(image, 0.0) is image


def test_a_constant_density_is_smooth() -> None:
    objective = make(batch=2)
    planes = torch.zeros(2, 3, 4, 8, 8)
    assert objective.density_roughness(planes).item() == pytest.approx(0.0, abs=1e-5)
    assert objective.density_roughness(torch.randn_like(planes) * 10).item() > 0


def test_smoothness_samples_stay_inside_the_box() -> None:
    objective = make(batch=2)
    objective.generator.config = replace(
        GENERATOR, render=replace(GENERATOR.render, confine_to_box=True, box_warp=0.5)
    )
    # A point outside would have the raw density of emptiness, −1000.
    assert objective.density_roughness(torch.zeros(2, 3, 4, 8, 8)).item() < 1e-3


def test_the_core_is_hollow_until_it_is_dense() -> None:
    objective = make(TrainingConfig(solid_core_radius=0.1, blur_sigma=0.0))
    bias = objective.generator.decoder.output.bias
    planes = torch.zeros(4, 3, 4, 8, 8)
    with torch.no_grad():
        bias[0] = -20.0
    hollow = objective.core_hollowness(planes).item()
    with torch.no_grad():
        bias[0] = 30.0
    dense = objective.core_hollowness(planes).item()
    assert hollow > 10
    assert dense < 1e-3
    _, stats = objective.generator_loss(objective.generate(4), smooth=True)
    assert "G/core_hollowness" in stats


def test_the_front_is_held_by_the_mean_yaw() -> None:
    gradients = []
    for weight in (3.0, 0.0):
        objective = make(TrainingConfig(front_weight=weight), batch=64)
        objective.mean_yaw = torch.tensor(0.4)
        objective.generator_loss(objective.generate(64), smooth=False)[0].backward()
        gradient = objective.generator.mapping.pose_output.bias.grad
        assert gradient is not None
        gradients.append(gradient)
    # Of 3 · (mean yaw)² with respect to a bias that counts a hundredth.
    assert gradients[0] - gradients[1] == pytest.approx(torch.tensor([3 * 2 * 0.4 * 0.01, 0.0]), abs=1e-5)


def test_matching_moments_maps_one_distribution_onto_the_other() -> None:
    rng = torch.Generator().manual_seed(0)
    generated = torch.randn(4000, 2, generator=rng) * torch.tensor([0.2, 0.1]) + torch.tensor([0.1, 0.0])
    real = torch.randn(4000, 2, generator=rng) * torch.tensor([0.3, 0.08]) + torch.tensor([-0.1, 0.05])
    both = torch.stack([real, generated])
    moments = PoseMoments(torch.device("cpu"))
    moments.update(torch.stack([both.mean(dim=1), both.square().mean(dim=1)], dim=1))
    moved = generated + moments.correction(generated)
    torch.testing.assert_close(moved.mean(dim=0), real.mean(dim=0), atol=1e-3, rtol=0)
    torch.testing.assert_close(moved.std(dim=0), real.std(dim=0), atol=1e-3, rtol=0)


def test_matching_moments_widens_poses_that_are_too_narrow() -> None:
    gradients = []
    for weight in (1.0, 0.0):
        objective = make(TrainingConfig(pose_matching_weight=weight, blur_sigma=0.0), batch=64)
        # D reads real poses as off to one side.
        objective.pose_moments.update(torch.tensor([[[0.3, 0.0], [0.1, 0.1]], [[0.0, 0.0], [0.1, 0.1]]]))
        objective.generator_loss(objective.generate(64), smooth=False)[0].backward()
        gradient = objective.generator.mapping.pose_output.bias.grad
        assert gradient is not None
        gradients.append(gradient)
    assert (gradients[0] - gradients[1])[0] < 0  # descending it moves h up


def test_mirrored_cameras_can_wander() -> None:
    config = TrainingConfig(mirror_jitter=(0.5, 0.0), mirror_up_down=False, blur_sigma=0.0)
    (_, own), (_, mirrored) = make(config, batch=64).generate(64).views
    wandered = mirrored - torch.stack([math.pi - own[:, 0], own[:, 1]], dim=1)
    assert wandered[:, 0].std().item() == pytest.approx(0.5, rel=0.3)
    assert wandered[:, 1].abs().max() < 1e-6
