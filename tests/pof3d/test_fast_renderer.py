"""The fast renderer against the plain one with many samples, and its parts against what they replace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

import pof3d
from pof3d.cameras import camera_rays, intrinsics_from_focal
from pof3d.config import CARS, FAST_SAMPLES, FFHQ, FOG_SAMPLES, GeneratorConfig, NetworkConfig
from pof3d.nets.generator import Generator
from pof3d.render.fast import FastField, _spread, fast_field, query, render_rays
from pof3d.render.volume import Sampler
from pof3d.training.samples import latent

ASSETS = Path(__file__).resolve().parents[2] / "assets"


class Scene(NamedTuple):
    generator: Generator
    planes: Tensor
    field: FastField
    cam2world: Tensor
    origins: Tensor
    directions: Tensor


def small_release(preset: NetworkConfig, **render: object) -> GeneratorConfig:
    """As the release's networks are: no confinement to the box, matter in the background."""
    own = replace(preset.generator.render, resolution=32, **render)  # type: ignore[arg-type]
    return replace(preset.generator, plane_resolution=64, channel_base=1024, channel_max=32, render=own)


@pytest.fixture(scope="module", params=["toy-cats", "toy-cars", "ffhq", "ffhq-zy-white", "cars"])
def scene(request: pytest.FixtureRequest) -> Scene:
    name = request.param
    if name.startswith("toy"):
        generator = pof3d.load(ASSETS / f"{name}.safetensors").generator
    else:
        torch.manual_seed(0)
        other = {"plane_axes": "xy_xz_zy", "white_background": True} if name.endswith("white") else {}
        generator = (
            Generator(small_release(CARS if name == "cars" else FFHQ, **other)).eval().requires_grad_(False)
        )
    with torch.no_grad():
        w, pose = generator.map(latent(1, generator.config.z_dim))
        planes = generator.synthesize_planes(w)
        cam2world = generator.cam2world(pose)
        intrinsics = intrinsics_from_focal(generator.focal(pose))
        origins, directions = camera_rays(cam2world, intrinsics, 32)
        field = fast_field(generator, planes)
    return Scene(generator, planes, field, cam2world, origins[0], directions[0])


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def plain(scene: Scene, factor: int, sampler: Sampler | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Colour [rays, C], depth [rays, 1] and opacity [rays, 1]."""
    render = scene.generator.config.render
    seen = scene.generator.render_rays(
        scene.planes,
        scene.origins[None],
        scene.directions[None],
        depth_samples=factor * render.depth_samples,
        importance_samples=factor * render.importance_samples,
        **({} if sampler is None else {"sampler": sampler}),
    )
    return seen[0][0], seen[1][0], seen[2][0]


def psnr(one: Tensor, other: Tensor) -> float:
    """Decibels, for values −1…1."""
    return float(10.0 * torch.log10(4.0 / (one - other).square().mean()))


def test_its_queries_are_the_fields(scene: Scene) -> None:
    side = scene.field.reach * 1.3  # beyond the planes, too
    points = (torch.rand(4000, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1) * side
    raw, colours = query(scene.generator, scene.field, points)
    expected_raw, expected_colours = scene.generator.sample_field(scene.planes, points[None])
    torch.testing.assert_close(raw, expected_raw[0, :, 0], atol=2e-3, rtol=1e-4)
    torch.testing.assert_close(colours, expected_colours[0], atol=1e-4, rtol=1e-4)


def test_few_samples_are_as_good_as_four_times_the_plain_ones(scene: Scene) -> None:
    colour, depth, opacity = render_rays(scene.generator, scene.field, scene.origins, scene.directions)
    best_colour, best_depth, best_opacity = plain(scene, 4)
    own = psnr(plain(scene, 1, Sampler("random", torch.Generator().manual_seed(0)))[0], best_colour)
    assert psnr(colour, best_colour) > 40.0
    assert psnr(colour, best_colour) > own
    render = scene.generator.config.render
    opaque = best_opacity > 0.95
    if opaque.any():
        apart = (depth - best_depth).abs()[opaque] / (render.ray_end - render.ray_start)
        assert apart.quantile(0.99) < 0.01
    assert (opacity - best_opacity).square().mean().sqrt() < 0.01


def test_fog_takes_more_samples_than_surfaces(scene: Scene) -> None:
    config = scene.generator.config
    foggy = config.render.ray_end == CARS.generator.render.ray_end
    assert scene.field.samples == (FOG_SAMPLES if foggy else FAST_SAMPLES)
    taken = {}
    for samples in (None, FAST_SAMPLES, FOG_SAMPLES):
        taken[samples] = render_rays(
            scene.generator, scene.field, scene.origins[:9], scene.directions[:9], samples=samples
        )[0]
    assert torch.equal(taken[None], taken[scene.field.samples])
    assert not torch.equal(taken[FAST_SAMPLES], taken[FOG_SAMPLES])


def test_how_far_light_is_spread() -> None:
    thin, wall = torch.full((8, 8, 8), 1e-4), torch.zeros(8, 8, 8)
    wall[:, :, 3] = 100.0
    assert _spread(thin) == pytest.approx(8.0, rel=1e-3)
    # Across it light comes from one cell; along it, from the first cell of those rows that are in it.
    assert _spread(wall) == pytest.approx(1.0, rel=1e-3)
    assert _spread(torch.zeros(8, 8, 8)) == 0.0


def test_more_samples_come_closer(scene: Scene) -> None:
    best = plain(scene, 4)[0]
    few, more = (
        psnr(
            render_rays(scene.generator, scene.field, scene.origins, scene.directions, samples=samples)[0],
            best,
        )
        for samples in (6, 20)
    )
    assert more > few + 3.0


def test_rays_do_not_depend_on_each_other(scene: Scene) -> None:
    together = render_rays(scene.generator, scene.field, scene.origins, scene.directions)
    apart = [
        render_rays(scene.generator, scene.field, scene.origins[rays], scene.directions[rays])
        for rays in (slice(0, 300), slice(300, None))
    ]
    for one, parts in zip(together, zip(*apart, strict=True), strict=True):
        torch.testing.assert_close(one, torch.cat(parts), atol=1e-5, rtol=1e-5)


def test_rays_beside_everything_are_finite(scene: Scene) -> None:
    colour, depth, opacity = render_rays(
        scene.generator, scene.field, scene.origins[:4] + 50.0, scene.directions[:4]
    )
    render = scene.generator.config.render
    assert colour.isfinite().all()
    assert ((depth >= render.ray_start) & (depth <= render.ray_end)).all()
    if render.confine_to_box:
        assert opacity.abs().max() < 1e-4
        assert (colour[:, :3] - 1.0).abs().max() < 1e-3, "the white background"


def test_neighbouring_views_do_not_flicker() -> None:
    generator = pof3d.load(ASSETS / "toy-cats.safetensors").generator
    w, pose = generator.map(latent(1, generator.config.z_dim))
    planes = generator.synthesize_planes(w)
    field, intrinsics = fast_field(generator, planes), intrinsics_from_focal(generator.focal(pose))
    fast, exact = [], []
    for step in range(5):
        turned = pose + torch.tensor([[0.004 * step, 0.0]])
        origins, directions = camera_rays(generator.cam2world(turned), intrinsics, 32)
        fast.append(render_rays(generator, field, origins[0], directions[0])[0])
        own = generator.config.render
        many = {"depth_samples": 4 * own.depth_samples, "importance_samples": 4 * own.importance_samples}
        exact.append(generator.render_rays(planes, origins, directions, **many)[0][0])  # type: ignore[arg-type]
    errors = torch.stack(fast) - torch.stack(exact)
    # What is wrong in a picture moves with it, so that it is no noise from frame to frame.
    assert (errors[1:] - errors[:-1]).square().mean().sqrt() < 0.01
