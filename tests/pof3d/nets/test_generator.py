"""The generator's promises: shapes, determinism, truncation, poses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pof3d.cameras import cam2world_from_hv, yaw_pitch_from_hv
from pof3d.config import CameraConfig, GeneratorConfig, RenderConfig, SuperResolutionConfig
from pof3d.nets.generator import Generator
from pof3d.render.volume import Sampler

SMALL = GeneratorConfig(
    z_dim=8,
    w_dim=16,
    plane_resolution=16,
    plane_channels=4,
    channel_base=128,
    channel_max=16,
    decoder_hidden=8,
    render=RenderConfig(resolution=16, depth_samples=8, importance_samples=8),
    superres=SuperResolutionConfig("none"),
)


def make(config: GeneratorConfig = SMALL) -> Generator:
    torch.manual_seed(0)
    return Generator(config).eval().requires_grad_(False)


def latents(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("kind", "size"), [("none", 16), ("2x", 128), ("4x", 256)])
def test_shapes(kind: str, size: int) -> None:
    generator = make(replace(SMALL, superres=SuperResolutionConfig(kind, (8, 4))))  # type: ignore[arg-type]
    w, pose = generator.map(latents(2), truncation_psi=0.7)
    assert w.shape == (2, generator.backbone.num_ws, 16)
    assert pose.shape == (2, 2)
    frame = generator.render(w, pose)
    assert frame.image.shape == (2, 3, size, size)
    assert frame.raw.shape == (2, 3, 16, 16)
    assert frame.depth.shape == frame.opacity.shape == (2, 1, 16, 16)
    assert generator.config.image_resolution == size


def test_equal_inputs_give_equal_images() -> None:
    generator = make()
    w, pose = generator.map(latents(1))
    first, second = generator.render(w, pose), generator.render(w, pose)
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.depth, second.depth)


def test_random_sampling_differs_but_is_seeded() -> None:
    generator = make()
    w, pose = generator.map(latents(1))

    def render(seed: int) -> torch.Tensor:
        return generator.render(w, pose, sampler=Sampler("random", torch.Generator().manual_seed(seed))).raw

    assert torch.equal(render(1), render(1))
    assert not torch.equal(render(1), render(2))


def test_truncation_pulls_w_to_the_mean_and_leaves_the_pose() -> None:
    generator = make()
    generator.mapping.update_w_avg(torch.full((1, 16), 500.0))
    full, pose = generator.map(latents(3))
    half, pose_half = generator.map(latents(3), truncation_psi=0.5)
    none, _ = generator.map(latents(3), truncation_psi=0.0)
    assert torch.equal(pose, pose_half)
    mean = generator.mapping.get_buffer("w_avg")
    torch.testing.assert_close(none, mean.expand_as(none))
    torch.testing.assert_close(half, (full + mean) / 2)
    cut, _ = generator.map(latents(3), truncation_psi=0.5, truncation_cutoff=2)
    assert torch.equal(cut[:, :2], half[:, :2])
    assert torch.equal(cut[:, 2:], full[:, 2:])


def test_w_avg_moves_by_its_decay() -> None:
    generator = make()
    generator.mapping.update_w_avg(torch.ones(4, 16))
    torch.testing.assert_close(generator.mapping.get_buffer("w_avg"), torch.full((16,), 0.002))


def test_poses_are_clamped_where_the_camera_says_so() -> None:
    camera = CameraConfig(clamp_h=(1.5, 1.6), clamp_v=(0.0, 3.2))
    generator = make(replace(SMALL, camera=camera))
    with torch.no_grad():
        generator.mapping.pose_output.bias.copy_(torch.tensor([1e4, 1e4]))
    _, pose = generator.map(latents(4))
    assert (pose[:, 0] == 1.6).all()
    assert (pose[:, 1] < 3.14159265).all()
    assert torch.isfinite(yaw_pitch_from_hv(pose, camera.h_mean)).all()


def test_a_pose_and_its_matrix_are_the_same_camera() -> None:
    generator = make()
    w, pose = generator.map(latents(1))
    camera = generator.config.camera
    matrix = cam2world_from_hv(pose, camera.radius, camera.pivot)
    assert torch.equal(generator.render(w, pose).image, generator.render(w, cam2world=matrix).image)
    with pytest.raises(ValueError, match="either"):
        generator.render(w)


def test_outside_a_confined_box_nothing_is_seen() -> None:
    generator = make(replace(SMALL, render=replace(SMALL.render, confine_to_box=True, white_background=True)))
    with torch.no_grad():
        generator.decoder.output.bias[0] = 50.0
    w, pose = generator.map(latents(1))
    frame = generator.render(w, pose, focal=1.0)
    assert frame.opacity[0, 0, 0, 0] == 0
    assert frame.opacity[0, 0, 8, 8] > 0.99
    torch.testing.assert_close(frame.image[0, :, 0, 0], torch.ones(3))


def test_gradients_reach_the_pose_learner_through_the_camera() -> None:
    torch.manual_seed(0)
    generator = Generator(SMALL)
    w, pose = generator.map(latents(2))
    generator.render(w.detach(), pose).image.square().mean().backward()
    gradient = generator.mapping.pose_output.weight.grad
    assert gradient is not None
    assert gradient.abs().max() > 0
