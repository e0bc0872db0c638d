"""Where a generator's cameras come from, and the switches of the ablations."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from pof3d.config import CameraConfig, DiscriminatorConfig, NetworkConfig, PosePrior, PoseSource
from pof3d.data.batches import Batch
from pof3d.nets.generator import Generator
from pof3d.nets.mapping import POSE_TABLE_SIZE, Mapping
from pof3d.training.config import Preset
from pof3d.training.losses import pose_distance
from pof3d.training.samples import learned_poses
from pof3d.training.trainer import Trainer
from tests.pof3d.training.test_loop import CPU, SETTINGS, Images
from tests.pof3d.training.test_losses import DISCRIMINATOR, GENERATOR

PRIOR = PosePrior(mean=(0.2, -0.1), spread=(0.3, 0.15))


def preset(
    source: PoseSource, discriminator: DiscriminatorConfig = DISCRIMINATOR, **training: object
) -> Preset:
    generator = replace(GENERATOR, pose_source=source, pose_prior=PRIOR)
    return Preset(NetworkConfig("tiny", generator, discriminator), replace(SETTINGS, **training))  # type: ignore[arg-type]


def mapping(source: PoseSource) -> Mapping:
    torch.manual_seed(0)
    return Generator(replace(GENERATOR, pose_source=source, pose_prior=PRIOR)).mapping


def offsets(learner: Mapping, count: int = 40_000) -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    pose = learner.predict_pose(torch.randn(count, 8, generator=rng), learner.draw_for_poses(count, rng))
    return pose - math.pi / 2


def test_a_gaussian_prior_has_its_mean_and_spread() -> None:
    found = offsets(mapping("gaussian"))
    torch.testing.assert_close(found.mean(dim=0), torch.tensor(PRIOR.mean), atol=0.005, rtol=0)
    torch.testing.assert_close(found.std(dim=0), torch.tensor(PRIOR.spread), atol=0.005, rtol=0)


def test_a_uniform_prior_fills_its_interval_evenly() -> None:
    found = (offsets(mapping("uniform")) - torch.tensor(PRIOR.mean)) / torch.tensor(PRIOR.spread)
    assert found.abs().max() <= 1.0
    counts = torch.histc(found[:, 0], 10, -1, 1)
    torch.testing.assert_close(counts, torch.full((10,), 4000.0), atol=300, rtol=0)


def test_a_residual_starts_at_its_prior_and_learns() -> None:
    learner = mapping("residual")
    rng = torch.Generator().manual_seed(1)
    draw = torch.randn(1000, 2, generator=rng)
    expected = torch.tensor(PRIOR.mean) + draw * torch.tensor(PRIOR.spread) + math.pi / 2
    torch.testing.assert_close(learner.predict_pose(torch.zeros(1000, 8), draw), expected)
    trainer = Trainer(preset("residual"), Images(), CPU)
    before = trainer.generator.mapping.pose_output.weight.clone()
    trainer.step()
    assert not torch.equal(trainer.generator.mapping.pose_output.weight, before)


@pytest.mark.parametrize("source", ["gaussian", "uniform", "labels"])
def test_a_prior_has_nothing_to_learn(source: PoseSource) -> None:
    names = [name for name, _ in mapping(source).named_parameters()]
    assert not [name for name in names if name.startswith("pose")]
    stats = Trainer(preset(source), Images(), CPU).step().stats
    assert math.isfinite(stats["G/loss"])
    assert math.isfinite(stats["D/pose_error"])


def test_only_a_learned_pose_depends_on_the_latent() -> None:
    w = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    for source in ("learned", "gaussian", "uniform", "residual", "labels"):
        pose = mapping(source).predict_pose(w)
        assert torch.equal(pose[0], pose[1]) == (source != "learned"), source


def test_labels_give_the_cameras_and_condition_the_discriminator() -> None:
    trainer = Trainer(preset("labels"), Images(), CPU)
    poses = torch.stack([torch.linspace(1.0, 2.0, 9000), torch.full((9000,), 1.4)], dim=1)
    trainer.take_labels(poses)
    found = learned_poses(trainer.ema, 4000)
    assert found.shape == (4000, 2)
    assert found[:, 0].min().item() == pytest.approx(1.0 - math.pi / 2, abs=0.01)
    assert found[:, 0].max().item() == pytest.approx(2.0 - math.pi / 2, abs=0.01)
    assert len(trainer.ema.mapping.get_buffer("pose_table")) == POSE_TABLE_SIZE
    x, pose = torch.randn(4, 6, 8, 8), torch.rand(4, 2)
    judged = trainer.objective.judge(x, pose).score
    torch.testing.assert_close(judged, trainer.discriminator(x, pose).score)
    assert not torch.allclose(judged, trainer.discriminator(x).score)
    learned = Trainer(preset("learned"), Images(), CPU)
    torch.testing.assert_close(learned.objective.judge(x, pose).score, learned.discriminator(x).score)


def test_labels_are_only_read_where_poses_are_labels() -> None:
    class Unlabelled(Images):
        def read(self, step: int) -> Batch:
            return super().read(step)._replace(poses=None)

    Trainer(preset("learned"), Unlabelled(), CPU).step()


def test_an_unconditioned_discriminator_only_scores() -> None:
    unaware = replace(DISCRIMINATOR, pose_aware=False)
    trainer = Trainer(preset("learned", unaware), Images(), CPU)
    names = {name.split(".")[0] for name, _ in trainer.discriminator.named_parameters()}
    assert "pose_mapping" not in names
    stats = trainer.step().stats
    assert not [name for name in stats if name.startswith(("D/pose_error", "G/pose_consistency", "D/yaw"))]
    assert trainer.discriminator(torch.zeros(4, 6, 8, 8)).score.shape == (4, 1)
    # Its only teacher is the adversarial loss, through the camera.
    gradient = trainer.generator.mapping.pose_output.weight.grad
    assert gradient is not None
    assert gradient.abs().max() > 0
    frame = trainer.ema.render(trainer.ema.map(torch.zeros(1, 8))[0], torch.full((1, 2), 1.5))
    with pytest.raises(ValueError, match="does not predict"):
        trainer.discriminator.predict_pose(frame)


def test_without_mirroring_there_is_one_camera() -> None:
    stats = Trainer(preset("learned", mirror=False), Images(), CPU).step().stats
    assert not [name for name in stats if name.endswith("_mirrored")]


def test_azimuths_can_be_compared_the_short_way_round() -> None:
    one, other = torch.tensor([[0.1, 1.0]]), torch.tensor([[2 * math.pi - 0.1, 1.0]])
    assert pose_distance(one, other, periodic=True).item() == pytest.approx(0.2**2 / 2, rel=1e-4)
    assert pose_distance(one, other, periodic=False).item() == pytest.approx((2 * math.pi - 0.2) ** 2 / 2)


def test_drawn_poses_are_clamped_like_learned_ones() -> None:
    camera = CameraConfig(clamp_h=(1.5, 1.6), clamp_v=(0.0, 1.0))
    generator = Generator(replace(GENERATOR, pose_source="gaussian", camera=camera))
    pose = generator.mapping.predict_pose(torch.zeros(500, 8), torch.randn(500, 2))
    assert pose[:, 0].min() >= 1.5
    assert pose[:, 0].max() <= 1.6
    assert pose[:, 1].max() <= 1.0
