"""Released networks give what the release computes from them: every quantity, against its own numbers.

The release's float32 arithmetic is itself off by: planes 2e-5, image 1e-4, raw image 2e-4, depth 1e-4 on
average (against float64). The bounds here are three times that, and tighter where nothing amplifies
rounding.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import pof3d
from pof3d.cameras import (
    camera_labels,
    camera_rays,
    hv_from_yaw_pitch,
    intrinsics_from_focal,
    yaw_pitch_from_hv,
)
from pof3d.config import LABEL_DIM
from pof3d.nets.generator import RawFrame, RenderedFrame
from pof3d.render.volume import Sampler

PSIS = (1.0, 0.7)
SEEDS = (0, 1)
CONSTANT = Sampler("constant")
MIDDLE = Sampler("deterministic")
Array = NDArray[Any]


class Case:
    """A reference network, its numbers, and our computation of the same."""

    def __init__(self, network: pof3d.Network, numbers: Path) -> None:
        with np.load(numbers) as archive:
            self.expected: dict[str, Array] = {name: archive[name] for name in archive.files}
        assert network.discriminator is not None
        self.generator, self.discriminator = network.generator, network.discriminator
        self.focal = float(self.expected["intrinsics"][0, 0])
        latents = [np.random.RandomState(seed).randn(self.generator.config.z_dim) for seed in SEEDS]
        self.z = torch.tensor(np.stack(latents), dtype=torch.float32)
        self.conditioned = self.generator.mapping.is_conditioned
        self.label = torch.tensor(self.expected["cond_c"])[None] if self.conditioned else None
        self.ws = [self.generator.map(self.z, psi, label=self.label)[0] for psi in PSIS]
        self.pose = self.generator.map(self.z, label=self.label)[1]
        angles = torch.tensor(self.expected["yaw_pitch"], dtype=torch.float32)
        front = torch.tensor([self.generator.config.camera.h_mean, math.pi / 2])
        self.fixed = self.generator.cam2world(front + angles)
        own = self.generator.cam2world(self.pose)[:, None]
        own = own[:, :0] if self.conditioned else own
        self.cameras = [torch.cat([own[seed], self.fixed]) for seed in SEEDS]
        self.planes = [
            [self.generator.synthesize_planes(ws[seed : seed + 1]) for seed in SEEDS] for ws in self.ws
        ]
        self._frames: dict[tuple[int, int], RenderedFrame] = {}

    def w(self, psi: int, seed: int) -> Tensor:
        return self.ws[psi][seed : seed + 1]

    def render(self, psi: int, seed: int, camera: int, sampler: Sampler, size: int | None = None) -> RawFrame:
        # With constant draws all importance samples of a ray coincide, and intervals of length zero hold no
        # light: one sample gives the same image as 48, in half the time. The first camera takes them all.
        one_will_do = sampler is CONSTANT and camera > 0
        return self.generator.render_raw(
            self.planes[psi][seed],
            self.cameras[seed][camera : camera + 1],
            focal=self.focal,
            sampler=sampler,
            resolution=size,
            importance_samples=1 if one_will_do else None,
        )

    def frames(self, psi: int, seed: int) -> RenderedFrame:
        """All cameras of a latent."""
        if (psi, seed) not in self._frames:
            raws = [self.render(psi, seed, camera, CONSTANT) for camera in range(len(self.cameras[0]))]
            raw = RawFrame(*(torch.cat(parts) for parts in zip(*raws, strict=True)))
            image = torch.cat([self.generator.superresolve(one, self.w(psi, seed)) for one in raws])
            self._frames[psi, seed] = RenderedFrame(image, raw.raw, raw.depth, raw.opacity)
        return self._frames[psi, seed]

    def check(self, name: str, value: Tensor, within: float, mean: float | None = None) -> None:
        expected = self.expected[name].astype(np.float64)
        ours = value.detach().numpy().astype(np.float64)
        assert ours.shape == expected.shape, name
        error = np.abs(ours - expected)
        if self.expected[name].dtype == np.float16:
            error = np.maximum(error - np.spacing(np.abs(self.expected[name])).astype(np.float64) / 2, 0.0)
        assert error.max() <= within, f"{name}: off by {error.max():.2e}, more than {within:.0e}"
        if mean is not None:
            assert error.mean() <= mean, f"{name}: off by {error.mean():.2e} on average, more than {mean:.0e}"


_CASES: dict[str, Case] = {}


@pytest.fixture(params=["ffhq", "nosr", "eg3d"])
def case(request: pytest.FixtureRequest, data: Path) -> Case:
    name: str = request.param
    if name not in _CASES:
        file = "eg3d_ffhq" if name == "eg3d" else f"pof3d_{name}"
        with torch.no_grad():
            _CASES[name] = Case(request.getfixturevalue(name), data / f"{file}.npz")
    return _CASES[name]


@pytest.fixture(autouse=True)
def _no_gradients() -> Any:
    with torch.no_grad():
        yield


def test_latents_are_those_of_the_reference(case: Case) -> None:
    assert np.abs(case.expected["z"][: len(SEEDS)] - case.z.numpy()).max() < 1e-6


def test_mapping(case: Case) -> None:
    case.check("ws", torch.stack(case.ws), 1e-5)
    cut = [case.generator.map(case.z, psi, 7, label=case.label)[0] for psi in PSIS]
    case.check("ws_cutoff7", torch.stack(cut), 1e-5)
    if case.conditioned:
        nothing = torch.zeros(1, LABEL_DIM)
        unconditioned = [case.generator.map(case.z, psi, label=nothing)[0] for psi in PSIS]
        case.check("ws_zero_c", torch.stack(unconditioned), 1e-5)
    else:
        w = case.generator.mapping.map_w(case.z)
        case.check("before_repeat_w", torch.stack([w, w]), 1e-5)


def test_conditioning(case: Case) -> None:
    mapping = case.generator.mapping
    if case.conditioned:
        case.check("cond_c", mapping.label(mapping.front_pose())[0], 1e-6)
        # Without a label, that of the front view.
        assert torch.allclose(mapping.map_w(case.z), mapping.map_w(case.z, case.label), atol=1e-6)
        assert torch.equal(case.pose, mapping.front_pose().expand(len(SEEDS), -1))


def test_predicted_pose_ignores_truncation(case: Case) -> None:
    poses = [case.generator.map(case.z, psi, label=case.label)[1] for psi in PSIS]
    if case.conditioned:
        assert torch.equal(poses[0], poses[1])
    else:
        case.check("cam_pose", torch.stack(poses), 1e-6)


def test_cameras(case: Case) -> None:
    camera = case.generator.config.camera
    assert camera.radius == pytest.approx(float(case.expected["radius"]))
    assert camera.pivot == pytest.approx(case.expected["pivot"].tolist())
    assert camera.h_mean == pytest.approx(float(case.expected["h_mean"]))
    case.check("fixed_cam2world", case.fixed, 1e-6)
    case.check("cam2world", torch.stack([torch.stack(case.cameras)] * 2), 2e-6)
    angles = yaw_pitch_from_hv(case.pose, camera.h_mean)
    assert torch.allclose(hv_from_yaw_pitch(angles, camera.h_mean), case.pose, atol=1e-6)


def test_rays(case: Case) -> None:
    assert torch.equal(intrinsics_from_focal(case.focal), torch.tensor(case.expected["intrinsics"]))
    _, directions = camera_rays(case.cameras[0][:1], intrinsics_from_focal(case.focal), 64)
    case.check("ray_directions_cam0", directions[0], 1e-6)


def test_planes(case: Case) -> None:
    # Kept in 16 bits: half a unit in the last place comes on top of the bound.
    case.check("planes_seed0_every8", case.planes[0][0][0].flatten(0, 1)[:, ::8, ::8], 6e-5)


def test_field(case: Case) -> None:
    points = torch.tensor(case.expected["sample_coords"])[None]
    samples = [[case.generator.sample_field(planes, points) for planes in row] for row in case.planes]
    densities = torch.stack([torch.stack([density[0, :, 0] for density, _ in row]) for row in samples])
    case.check("sample_density_raw", densities, 2e-4, mean=2e-5)
    if "sample_features_seed0" in case.expected:
        colours = samples[0][0][1][0]
        case.check("sample_features_seed0", colours[: len(case.expected["sample_features_seed0"])], 3e-6)


def test_raw_images(case: Case) -> None:
    rendered = torch.stack([case.frames(0, seed).raw for seed in SEEDS])
    case.check("image_raw", rendered, 6e-4, mean=1e-5)
    case.check(
        "image_raw_psi07", torch.stack([case.frames(1, seed).raw[:2] for seed in SEEDS]), 6e-4, mean=1e-5
    )


def test_depth(case: Case) -> None:
    depth = torch.stack([case.frames(0, seed).depth for seed in SEEDS])
    # Where a ray hits almost nothing, Σwd/Σw divides rounding errors by next to nothing.
    hits = torch.stack([case.frames(0, seed).opacity for seed in SEEDS]) > 0.05
    expected = torch.tensor(case.expected["image_depth"])
    assert hits.float().mean() > 0.5
    assert (depth - expected)[hits].abs().max() <= 3e-4
    case.check("image_depth", depth, 3e-2, mean=1e-5)


def test_opacity(case: Case) -> None:
    case.check("weight_total_cam0", case.frames(0, 0).opacity[0].reshape(-1, 1), 3e-4, mean=2e-5)


def test_images(case: Case) -> None:
    images = torch.stack([case.frames(0, seed).image[:2] for seed in SEEDS])
    if "image" in case.expected:
        case.check("image", images, 3e-4, mean=1e-5)
    else:
        assert torch.equal(images, torch.stack([case.frames(0, seed).raw[:2] for seed in SEEDS]))


def test_importance_samples_in_the_middle_of_their_strata(case: Case) -> None:
    raw = case.render(0, 0, 0, MIDDLE)
    case.check("mid_image_raw", raw.raw[0], 6e-4, mean=2e-5)
    case.check("mid_image_depth", raw.depth[0], 3e-2, mean=2e-5)
    if "mid_image" in case.expected:
        case.check("mid_image", case.generator.superresolve(raw, case.w(0, 0))[0], 3e-4, mean=2e-5)


def test_another_resolution(case: Case) -> None:
    raw = case.render(0, 0, 0, CONSTANT, size=32)
    case.check("nrr32_image_raw", raw.raw[0], 6e-4, mean=1e-5)
    case.check("nrr32_image_depth", raw.depth[0], 3e-2, mean=1e-5)


def test_without_noise(case: Case) -> None:
    planes = case.generator.synthesize_planes(case.w(0, 0), "none")
    raw = case.generator.render_raw(planes, case.cameras[0][:1], focal=case.focal, sampler=CONSTANT)
    case.check("nonoise_image_raw", raw.raw[0], 6e-4, mean=1e-5)


def test_whole_renderings(case: Case) -> None:
    frame = case.generator.render(
        case.w(0, 0), cam2world=case.cameras[0][:1], focal=case.focal, resolution=32, sampler=CONSTANT
    )
    case.check("nrr32_image_raw", frame.raw[0], 6e-4, mean=1e-5)
    again = case.generator.render(
        case.w(0, 0), case.pose[:1], focal=case.focal, resolution=32, sampler=CONSTANT
    )
    assert torch.allclose(frame.image, again.image, atol=1e-5)


def test_discriminator(case: Case) -> None:
    found: dict[str, list[Tensor]] = {name: [] for name in case.expected if name.startswith("D_")}
    for psi in range(2):
        for seed in SEEDS:
            frames = case.frames(psi, seed)
            x = case.discriminator.prepare(frames.image, frames.raw)
            if case.conditioned:
                labels = camera_labels(case.cameras[seed], case.focal)
                alone = [case.discriminator(*pair) for pair in zip(x.split(1), labels.split(1), strict=True)]
                found["D_score"].append(torch.cat([verdict.score for verdict in alone]))
                found["D_batch_score"].append(case.discriminator(x, labels).score)
                continue
            alone = [case.discriminator(one) for one in x.split(1)]
            found["D_cam"].append(torch.cat([verdict.pose for verdict in alone]))
            found["D_score"].append(torch.cat([verdict.score for verdict in alone]))
            found["D_score_vec"].append(torch.cat([case.discriminator.look(one)[0] for one in x.split(1)]))
            together = case.discriminator(x)
            found["D_batch_cam"].append(together.pose)
            found["D_batch_score"].append(together.score)
            predicted = case.discriminator.predict_pose(frames)
            angles = yaw_pitch_from_hv(found["D_cam"][-1], case.generator.config.camera.h_mean)
            assert torch.allclose(predicted, angles, atol=1e-5)
    for name, values in found.items():
        case.check(name, torch.stack(values).unflatten(0, (2, 2)), 1e-5)


def test_every_number_of_the_reference_is_tested(case: Case) -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert not [name for name in case.expected if f'"{name}"' not in text and name != "psis"]
