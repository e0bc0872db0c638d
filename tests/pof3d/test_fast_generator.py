"""The fast generator against the plain one: networks, lanes, arithmetic, densities and compiled kernels."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from pof3d import compiling, machine_code
from pof3d.cameras import camera_rays, intrinsics_from_focal
from pof3d.config import FFHQ, GeneratorConfig, PlaneAxes, SuperResolutionConfig
from pof3d.fast import FastGenerator
from pof3d.machine_code import Kernel
from pof3d.memory import workspace
from pof3d.nets import inference, tiled
from pof3d.nets.generator import Generator
from pof3d.nets.layers import SynthesisLayer, ToRGB
from pof3d.nets.styled import Arithmetic, Blocks
from pof3d.render.fast import fast_field, render_rays
from pof3d.render.lattice import lattice
from pof3d.training.samples import latent

BASE = replace(
    FFHQ.generator,
    channel_base=8192,
    channel_max=64,
    plane_resolution=128,
    render=replace(FFHQ.generator.render, resolution=16),
    superres=SuperResolutionConfig("2x", (32, 16)),
)
WITHOUT = replace(BASE, superres=SuperResolutionConfig("none"))


def generator_of(config: GeneratorConfig) -> Generator:
    torch.manual_seed(0)
    generator = Generator(config).eval().requires_grad_(False)
    for name, values in generator.named_parameters():
        if name.endswith(("noise_strength", "bias")):
            values.copy_(0.3 * torch.randn(values.shape))
    return generator


@pytest.fixture(scope="module")
def generator() -> Generator:
    return generator_of(BASE)


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled ones, which other tests do without."""
    monkeypatch.delenv(compiling.SWITCH)


def ws_of(generator: Generator, seed: int = 1) -> Tensor:
    return generator.map(latent(seed, generator.config.z_dim))[0]


def ripples(shape: tuple[int, ...]) -> Tensor:
    return torch.sin(torch.arange(float(torch.tensor(shape).prod()))).view(shape)


# ---------------------------------------------------------------------------------------------- networks
@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("arithmetic", ["float32", "winograd"])
def test_planes_are_the_generators(generator: Generator, arithmetic: Arithmetic, lanes: int) -> None:
    fast, w = FastGenerator(generator, arithmetic=arithmetic), ws_of(generator)
    fast.prepare()
    for noise in ("const", "none", ripples):
        expected = generator.synthesize_planes(w, noise)
        found = fast.synthesize_planes(w, noise, lanes=lanes)
        torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)
        assert expected.std() > 0.1, "there is something to compare"


@pytest.mark.parametrize("channels", [8, 512])
def test_layers_of_few_and_of_many_weights(channels: int) -> None:
    """Styles are in the weights of the first, and beside those of the second; filters are folded or not."""
    config = replace(WITHOUT, channel_base=channels * 32, channel_max=channels, plane_resolution=32)
    generator = generator_of(config)
    w = ws_of(generator)
    found = FastGenerator(generator).synthesize_planes(w, lanes=2)
    torch.testing.assert_close(found, generator.synthesize_planes(w), atol=5e-4, rtol=1e-3)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("kind", ["2x", "4x", "8x"])
@pytest.mark.parametrize("lanes", [1, 2, 5])
@pytest.mark.parametrize("arithmetic", ["float32", "winograd"])
def test_superresolution_is_the_generators(arithmetic: Arithmetic, kind: Any, lanes: int) -> None:
    config = replace(BASE, superres=SuperResolutionConfig(kind, (32, 16)))
    generator = generator_of(config)
    fast, w = FastGenerator(generator, arithmetic=arithmetic), ws_of(generator)
    fast.prepare()
    raw = generator.render_raw(generator.synthesize_planes(w), generator.cam2world(torch.zeros(1, 2) + 1.57))
    for seed in (1, 2, 1):  # what is kept of one latent is not used for another
        other = ws_of(generator, seed)
        expected = generator.superresolve(raw, other)
        torch.testing.assert_close(fast.superresolve(raw, other, lanes=lanes), expected, atol=2e-4, rtol=1e-3)


def test_bfloat16_keeps_the_picture(generator: Generator) -> None:
    """Its differences are below what eight bits of colour show."""
    exact, rounded, w = (
        FastGenerator(generator),
        FastGenerator(generator, arithmetic="bfloat16"),
        ws_of(generator),
    )
    planes = exact.synthesize_planes(w)
    error = (rounded.synthesize_planes(w) - planes).square().mean().sqrt()
    assert 0.0 < error < 0.02 * planes.std()
    raw = generator.render_raw(planes, generator.cam2world(torch.zeros(1, 2) + 1.57))
    image = exact.superresolve(raw, w)
    error = (rounded.superresolve(raw, w) - image).square().mean().sqrt()
    assert 0.0 < error < 0.02 * image.std()


def test_a_whole_picture(generator: Generator) -> None:
    w, pose = generator.map(latent(1, generator.config.z_dim))
    fast = FastGenerator(generator)
    expected = generator.render(w, pose, depth_samples=192, importance_samples=192)
    found = fast.render(w, pose, lanes=2)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert (one - other).square().mean().sqrt() < 0.03  # a veil, which ten samples see roughly
        assert other.std() > 0.02
    matrix, focal = generator.cam2world(pose), generator.focal(pose)
    torch.testing.assert_close(fast.render(w, cam2world=matrix, focal=focal).image, found.image)
    assert fast.render(w, pose, resolution=8).raw.shape == (1, 3, 8, 8)
    with pytest.raises(ValueError, match="either"):
        fast.render(w)


def test_what_it_does_not_speed_up_it_leaves_to_the_generator(generator: Generator) -> None:
    fast, w = FastGenerator(generator), ws_of(generator)
    both = torch.cat([w, ws_of(generator, 2)])
    torch.testing.assert_close(fast.synthesize_planes(both), generator.synthesize_planes(both))
    assert not torch.equal(fast.synthesize_planes(w, "random"), fast.synthesize_planes(w, "random"))
    bare = generator_of(WITHOUT)
    raw = bare.render_raw(
        bare.synthesize_planes(ws_of(bare)), bare.cam2world(torch.zeros(1, 2) + 1.57), resolution=8
    )
    assert FastGenerator(bare).superresolve(raw, ws_of(bare)) is not None


def test_there_are_no_gradients(generator: Generator) -> None:
    wanting = generator_of(WITHOUT).requires_grad_(True)
    fast, w = FastGenerator(wanting), ws_of(wanting)
    planes = fast.synthesize_planes(w.detach(), lanes=2)
    assert not planes.requires_grad
    torch.testing.assert_close(planes, wanting.synthesize_planes(w).detach(), atol=2e-4, rtol=1e-4)
    matrix = wanting.cam2world(torch.zeros(1, 2) + 1.57)
    origins, directions = camera_rays(matrix, intrinsics_from_focal(1.5), 8)
    seen = fast.render_rays(fast.field(planes), origins[0], directions[0], lanes=2)
    assert not any(part.requires_grad for part in seen)


# ----------------------------------------------------------------------------------------------- density
@pytest.mark.parametrize("axes", ["xy_xz_zx", "xy_xz_zy"])
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_lattice_is_the_field_at_its_points(axes: PlaneAxes, lanes: int) -> None:
    config = replace(WITHOUT, plane_resolution=32, render=replace(BASE.render, plane_axes=axes))
    generator = generator_of(config)
    planes = generator.synthesize_planes(ws_of(generator))
    coordinates = torch.linspace(-0.7, 0.6, 11)  # beyond the planes, too
    told: list[float] = []
    values = lattice(generator, planes, coordinates, lanes=lanes, report=told.append)
    points = torch.cartesian_prod(coordinates, coordinates, coordinates)
    expected = generator.sample_field(planes, points[None])[0].view(11, 11, 11) - 1.0
    torch.testing.assert_close(values, expected, atol=1e-3, rtol=1e-4)
    assert told[0] == 0.0
    assert told == sorted(told)


def test_a_lattice_can_be_abandoned() -> None:
    generator = generator_of(replace(WITHOUT, plane_resolution=32))
    planes = generator.synthesize_planes(ws_of(generator))

    def enough(fraction: float) -> None:
        if fraction > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        lattice(generator, planes, torch.linspace(-0.5, 0.5, 32), report=enough)


# ----------------------------------------------------------------------------------------------- kernels
@pytest.fixture(scope="module")
def small() -> Generator:
    return generator_of(replace(WITHOUT, plane_resolution=32, plane_channels=8, decoder_hidden=16))


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("channels", [8, 32])
def test_planes_are_read_where_they_lie(channels: int) -> None:
    generator = generator_of(replace(WITHOUT, plane_resolution=64, plane_channels=channels))
    for arithmetic in ("winograd", "float32"):
        fast = FastGenerator(generator, arithmetic=arithmetic)
        fast.prepare()
        planes = fast.synthesize_planes(ws_of(generator))
        table = fast.field(planes).table
        assert table.untyped_storage().data_ptr() == planes.untyped_storage().data_ptr()
        assert torch.equal(table, fast.field(planes.clone()).table)
        table[0] = 1.0  # beside the planes, where there must be nothing
        copied = fast.field(planes).table
        assert copied.untyped_storage().data_ptr() != planes.untyped_storage().data_ptr()
        assert torch.equal(copied, fast.field(planes.clone()).table)


@pytest.mark.usefixtures("kernels")
def test_the_kernel_draws_what_torch_draws(small: Generator) -> None:
    for case in (
        small.config,
        replace(
            small.config, render=replace(small.config.render, plane_axes="xy_xz_zy", white_background=True)
        ),
        replace(small.config, render=replace(small.config.render, confine_to_box=True, box_warp=0.7)),
    ):
        generator = generator_of(case)
        fast, w = FastGenerator(generator), ws_of(generator)
        fast.prepare()
        assert fast._kernel() is not None
        planes = generator.synthesize_planes(w)
        pose = torch.tensor([[1.3, 1.5]])
        origins, directions = camera_rays(generator.cam2world(pose), intrinsics_from_focal(1.5), 24)
        rays = torch.cat([origins[0], origins[0, :8] + 50.0]), torch.cat([directions[0], directions[0, :8]])
        field = fast_field(generator, planes)
        expected = render_rays(generator, field, *rays)
        for lanes in (1, 2):
            found = fast.render_rays(field, *rays, lanes=lanes)
            for one, other, tolerance in zip(found, expected, (2e-4, 2e-3, 1e-4), strict=True):
                torch.testing.assert_close(one, other, atol=tolerance, rtol=1e-4)
        assert expected[2].max() > 0.2, "there is something to see"


@pytest.mark.usefixtures("kernels")
def test_rays_and_planes_that_are_no_numbers_show(small: Generator) -> None:
    """They are no addresses, which a process would not survive."""
    fast, planes = FastGenerator(small), small.synthesize_planes(ws_of(small))
    fast.prepare()
    origins, directions = camera_rays(
        small.cam2world(torch.tensor([[1.3, 1.5]])), intrinsics_from_focal(1.5), 24
    )
    nowhere = origins[0] * torch.nan
    broken = planes.clone()
    broken[:, :, :, 16] = torch.nan
    for field, start in ((fast_field(small, planes), nowhere), (fast_field(small, broken), origins[0])):
        by_torch = render_rays(small, field, start, directions[0])
        by_kernel = fast.render_rays(field, start, directions[0])
        assert by_torch[0].isnan().any()
        assert torch.equal(by_torch[0].isnan(), by_kernel[0].isnan())


@pytest.mark.usefixtures("kernels")
def test_rays_that_do_not_fit_are_refused(small: Generator) -> None:
    """Kernels look at nothing before they read."""
    fast = FastGenerator(small)
    field, rays = fast.field(small.synthesize_planes(ws_of(small))), torch.ones(4, 3)
    for other, samples in ((rays[:3], 10), (rays[:, :2], 10), (rays, 1), (rays, 4097)):
        with pytest.raises(ValueError, match="rays need origins"):
            fast.render_rays(field, rays, other, samples=samples)
    with pytest.raises(ValueError, match="another network's"):
        fast.render_rays(replace(field, table=torch.zeros(1, 48)), rays, rays)


@pytest.mark.usefixtures("kernels")
def test_the_kernel_draws_hard_surfaces_as_torch_does(small: Generator) -> None:
    """What is left behind them, however small, would draw samples away."""
    fast = FastGenerator(small)
    fast.prepare()
    torch.manual_seed(0)
    field = fast_field(small, 1000.0 * torch.randn(1, 3, small.config.plane_channels, 32, 32))
    rays = camera_rays(small.cam2world(torch.tensor([[1.3, 1.5]])), intrinsics_from_focal(1.5), 24)
    by_torch = render_rays(small, field, rays[0][0], rays[1][0])[0]
    by_kernel = fast.render_rays(field, rays[0][0], rays[1][0])[0]
    assert (by_torch - by_kernel).abs().quantile(0.99) < 2e-3


@pytest.mark.parametrize("arithmetic", ["float32", "bfloat16"])
def test_there_may_be_more_lanes_than_channels(arithmetic: Arithmetic) -> None:
    generator = generator_of(replace(BASE, superres=SuperResolutionConfig("4x", (32, 16))))
    fast, w = FastGenerator(generator, arithmetic=arithmetic), ws_of(generator)
    planes = fast.synthesize_planes(w, lanes=300)
    raw = generator.render_raw(planes, generator.cam2world(torch.zeros(1, 2) + 1.57))
    found, expected = (fast.superresolve(raw, w, lanes=lanes) for lanes in (300, 1))
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


@pytest.mark.usefixtures("kernels")
def test_a_broken_network_shows(generator: Generator) -> None:
    """Clamping makes no number of what is none."""
    broken = generator_of(BASE)
    assert broken.superres is not None
    broken.superres.block0.conv1.weight[0, 0, 1, 1] = torch.nan
    fast, w = FastGenerator(broken, arithmetic="winograd"), ws_of(broken)
    fast.prepare()
    raw = generator.render_raw(generator.synthesize_planes(w), generator.cam2world(torch.zeros(1, 2) + 1.57))
    assert generator.superresolve(raw, w).isfinite().all()
    assert fast.superresolve(raw, w).isnan().all()


@pytest.mark.usefixtures("kernels")
def test_noise_may_be_one_number_for_all_pixels(generator: Generator) -> None:
    fast, w = FastGenerator(generator, arithmetic="winograd"), ws_of(generator)
    fast.prepare()
    found = fast.synthesize_planes(w, lambda shape: torch.ones(1, 1, 1, 1))
    expected = generator.synthesize_planes(w, torch.ones)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("side", [32, 33, 41])
@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("clamp", [None, 0.7])
@pytest.mark.parametrize(("blocks", "bands"), [(1, 1), (3, 1), (64, 1), (64, 2), (64, 100)])
def test_a_compiled_convolution(
    side: int, up: bool, clamp: float | None, blocks: int, bands: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of images that tiles do not fit, tiles that groups do not fit, some outputs or rows after others."""
    torch.manual_seed(0)
    inputs, outputs = 32, 80
    layer = SynthesisLayer(inputs, outputs, 16, 2 * side if up else side, up=up, clamp=clamp)
    layer.requires_grad_(False)
    layer.bias.normal_()
    layer.noise_strength.fill_(0.5)
    x, w = torch.randn(1, inputs, side, side), torch.randn(1, 16)
    monkeypatch.setattr(tiled, "_WEIGHT_BYTES", 256 * inputs * 16 * blocks)
    monkeypatch.setattr(tiled, "_BAND_BYTES", 4 * (2 * side + 3) ** 2 * outputs // bands)
    block = SimpleNamespace(
        conv1=layer, is_first=True, torgb=ToRGB(outputs, 3, 16).requires_grad_(False), up=False
    )
    made = Blocks([block], [2 * side if up else side], "winograd")  # type: ignore[list-item]
    assert made.arithmetic(wait=True) == "winograd"
    expected = layer(x, w, "const")
    for lanes in (1, 2, 60):
        styled = made.styled([w[:, None].expand(-1, 2, -1)], "const")
        (conv,) = styled[0].convs
        assert conv.kernels is not None
        with workspace(inference._needed(styled, x, lanes)) as memory:
            memory.turn()
            memory.take(memory.numbers)[:] = torch.nan  # what is not written is not read
            found = tiled.convolved(x, conv, lanes, memory).clone()
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert expected.std() > 0.1


@pytest.mark.usefixtures("kernels")
def test_torch_computes_networks_while_their_kernels_are_compiled(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on, compiled = threading.Event(), compiling._compiled

    def slow(name: str, source: Callable[[], Any]) -> Kernel:
        assert going_on.wait(20)
        return compiled(name, source)

    monkeypatch.setattr(compiling, "_ready", {})
    monkeypatch.setattr(compiling, "_under_way", {})
    with monkeypatch.context() as patch:
        patch.setattr(compiling, "_compiled", slow)
        fast, w = FastGenerator(generator, arithmetic="winograd"), ws_of(generator)
        planes = generator.synthesize_planes(w)
        raw = generator.render_raw(planes, generator.cam2world(torch.zeros(1, 2) + 1.57))
        for ready in (False, True):  # the latent stays the same
            torch.testing.assert_close(fast.synthesize_planes(w), planes, atol=2e-4, rtol=1e-4)
            found = fast.superresolve(raw, w)
            torch.testing.assert_close(found, generator.superresolve(raw, w), atol=2e-4, rtol=1e-3)
            assert fast._styled is not None
            assert fast._styled[1] == ("winograd" if ready else "float32")
            going_on.set()
            fast.prepare()


@pytest.mark.usefixtures("kernels")
def test_the_kernel_of_densities_fills_what_torch_fills(
    small: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes, coordinates = small.synthesize_planes(ws_of(small)), torch.linspace(-0.6, 0.6, 13)
    assert compiling.density_kernel(small.config.decoder_hidden, wait=True) is not None
    found = lattice(small, planes, coordinates, lanes=2)
    monkeypatch.setenv(compiling.SWITCH, "off")
    torch.testing.assert_close(found, lattice(small, planes, coordinates), atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("kernels")
def test_its_exponentials_are_exact_enough() -> None:
    import numpy as np

    from pof3d.render import kernel

    x = np.concatenate([np.linspace(-40, 40, 20001), [-1e3, 1e3]]).astype(np.float32)
    exact = x.astype(np.float64)
    softplus = np.array([kernel._softplus(value) for value in x[::7]])
    np.testing.assert_allclose(softplus, np.logaddexp(exact, 0.0)[::7], atol=2e-6, rtol=2e-6)
    sigmoid = np.array([kernel._sigmoid(value) for value in x[::7]])
    np.testing.assert_allclose(sigmoid, 1.0 / (1.0 + np.exp(-np.clip(exact, -700, 700)))[::7], atol=2e-6)


@pytest.mark.usefixtures("kernels")
def test_torch_draws_while_a_kernel_is_being_compiled(
    small: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on, begun = threading.Event(), threading.Event()

    def slow(*_given: object) -> Kernel:
        begun.set()
        assert going_on.wait(20)
        raise RuntimeError("no compiler")

    monkeypatch.setattr(compiling, "_compiled", slow)
    monkeypatch.setattr(compiling, "_ready", {})
    monkeypatch.setattr(compiling, "_under_way", {})
    fast = FastGenerator(small)
    origins, directions = camera_rays(
        small.cam2world(torch.zeros(1, 2) + 1.57), intrinsics_from_focal(1.5), 8
    )
    field = fast.field(small.synthesize_planes(ws_of(small)))
    expected = render_rays(small, field, origins[0], directions[0])
    drawn = fast.render_rays(field, origins[0], directions[0])
    assert begun.wait(20)
    torch.testing.assert_close(drawn, expected)
    going_on.set()
    fast.prepare()  # returns although there is no kernel, and torch goes on
    torch.testing.assert_close(fast.render_rays(field, origins[0], directions[0]), expected)


@pytest.mark.usefixtures("kernels")
def test_without_numba_torch_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_code, "_folders", lambda: (tmp_path,))  # where nothing has been kept
    monkeypatch.setitem(sys.modules, "numba", None)
    for name in ("pof3d.jit", "pof3d.vectors", "pof3d.render.kernel", "pof3d.nets.kernels"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.delattr(name, raising=False)
    monkeypatch.setattr(compiling, "_ready", {})
    assert compiling.ray_kernel(16, 16, 4, wait=True) is None
    assert compiling.density_kernel(16, wait=True) is None
    assert compiling.network_kernels(wait=True) is None


@pytest.mark.usefixtures("kernels")
def test_sizes_that_no_kernel_is_for() -> None:
    assert compiling.ray_kernel(8, 12, 4, wait=True) is None
