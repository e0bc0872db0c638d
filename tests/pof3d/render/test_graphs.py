"""Recorded pictures: what is recorded may wait for nothing, and repeats give what single operations give."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from pof3d.cameras import camera_rays, intrinsics_from_focal, orbit_cam2world
from pof3d.config import CARS, FFHQ, GeneratorConfig
from pof3d.nets.generator import Generator
from pof3d.render.backends import Eager
from pof3d.render.fast import fast_field, render_all_rays, render_rays
from pof3d.render.graphs import (
    OrbitGraph,
    OrbitGraphs,
    OrbitSettings,
    Precision,
    convolving,
    default_precision,
    image_levels,
    orbit_graphs,
)
from pof3d.training.samples import to_uint8
from tests.pof3d.render.recording import Broken, NeverWaiting, Replayed, Waited
from tests.pof3d.render.scenes import SMALL, Scene, camera, operation_by_operation, scene_of


@pytest.fixture(scope="module", params=["toy-cats", "small"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return scene_of(request.param)


@pytest.fixture(scope="module")
def cats() -> Scene:
    return scene_of("toy-cats")


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


def test_repeated_pictures_are_those_of_single_operations(scene: Scene) -> None:
    backend = Replayed()
    graphs = OrbitGraphs(backend)
    for count, yaw in enumerate((0.0, 0.4, -0.7, 0.2)):
        drawn = graphs.draw(scene.generator, scene.field, scene.w, *camera(scene, yaw), resolution=32)
        raw, image = operation_by_operation(scene, *camera(scene, yaw), 32)
        assert drawn.pixels.shape == (*image.shape[2:], 4)
        assert np.abs(drawn.pixels[..., :3].astype(int) - to_uint8(image)[0]).max() <= 1
        assert (drawn.pixels[..., 3] == 255).all()
        assert drawn.prepared == (count > 1)
        torch.testing.assert_close(drawn.image, image, atol=1e-4, rtol=1e-4)
        for mine, theirs in zip(drawn.raw, raw, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)
        assert backend.waits == count + 1, "one wait a picture"
    assert (backend.recorded, backend.repeated) == (1, 3)


def test_pictures_stay_what_they_were(cats: Scene) -> None:
    graphs = OrbitGraphs(Replayed())
    drawn = [
        graphs.draw(cats.generator, cats.field, cats.w, *camera(cats, yaw), resolution=24)
        for yaw in (0.0, 0.5, 1.0)
    ]
    kept = [(one.pixels.copy(), one.image.clone(), one.raw.depth.clone()) for one in drawn]
    graphs.draw(cats.generator, cats.field, cats.w, *camera(cats, -1.0), resolution=24)
    for one, (pixels, image, depth) in zip(drawn, kept, strict=True):
        np.testing.assert_array_equal(one.pixels, pixels)
        assert torch.equal(one.image, image)
        assert torch.equal(one.raw.depth, depth)
        assert not one.pixels.flags.writeable
    assert not np.array_equal(drawn[0].pixels, drawn[1].pixels)


def test_a_new_latent_is_copied_and_not_recorded_again(cats: Scene) -> None:
    backend = Replayed()
    graphs, where = OrbitGraphs(backend), camera(cats, 0.3)
    shown = []
    for seed in (1, 2, 3, 1):
        other = scene_of("toy-cats", seed, cats.generator)
        drawn = graphs.draw(cats.generator, other.field, other.w, *where, resolution=24)
        expected = operation_by_operation(other, *where, 24)[1]
        assert np.abs(drawn.pixels[..., :3].astype(int) - to_uint8(expected)[0]).max() <= 1
        shown.append(drawn.pixels)
        for one in (other.field.table, other.field.grid, other.w):
            one.fill_(torch.nan)  # whatever still read the latent's own memory would show it
        again = graphs.draw(cats.generator, other.field, other.w, *where, resolution=24)
        np.testing.assert_array_equal(again.pixels, drawn.pixels)
    assert not np.array_equal(shown[0], shown[1])
    np.testing.assert_array_equal(shown[0], shown[3])
    assert backend.recorded == 1


def test_memory_of_a_graph_stays_in_its_place(cats: Scene) -> None:
    graph = OrbitGraph(cats.generator, cats.field, cats.w, OrbitSettings(24), Replayed())
    before = [one.data_ptr() for one in graph.memory]
    for seed in (1, 2):
        other = scene_of("toy-cats", seed, cats.generator)
        for yaw in (0.0, 0.1):
            graph.draw(other.field, other.w, *camera(cats, yaw))
    assert [one.data_ptr() for one in graph.memory] == before
    own = {one.data_ptr() for one in graph.memory}
    assert not own & {cats.field.table.data_ptr(), cats.w.data_ptr()}


def test_other_shapes_and_settings_are_recorded_anew(cats: Scene) -> None:
    backend = Replayed()
    graphs = OrbitGraphs(backend)

    def draw_twice(scene: Scene, **settings: int) -> None:
        for yaw in (0.1, 0.2):
            graphs.draw(
                scene.generator,
                scene.field,
                scene.w,
                *camera(scene, yaw),
                **{"resolution": 16, **settings},  # type: ignore[arg-type]
            )

    draw_twice(cats)
    draw_twice(cats)
    assert backend.recorded == 1
    draw_twice(cats, resolution=24)
    draw_twice(cats, samples=6)
    draw_twice(cats)
    assert backend.recorded == 3
    wider = Scene(cats.generator, replace(cats.field, reach=cats.field.reach * 1.5), cats.w)
    draw_twice(wider)
    assert backend.recorded == 4
    draw_twice(scene_of("toy-cars"))
    assert backend.recorded == 5


def test_the_range_of_samples_moves_with_the_camera(cats: Scene) -> None:
    graphs = OrbitGraphs(Replayed())
    config, shift = cats.generator.config.camera, 0.8
    near = graphs.draw(cats.generator, cats.field, cats.w, *camera(cats, 0.2), resolution=24)
    far = orbit_cam2world(0.2, 0.1, camera=config, radius=config.radius + shift).flatten().tolist()
    cut = graphs.draw(cats.generator, cats.field, cats.w, far, config.focal, resolution=24)
    moved = graphs.draw(cats.generator, cats.field, cats.w, far, config.focal, shift, resolution=24)
    assert moved.raw.opacity.mean() > 0.3 * near.raw.opacity.mean()
    assert moved.raw.opacity.mean() > cut.raw.opacity.mean() + 0.02
    solid = (moved.raw.opacity > 0.9)[0, 0]
    deeper = (
        moved.raw.depth[0, 0][solid].median() - near.raw.depth[0, 0][near.raw.opacity[0, 0] > 0.9].median()
    )
    assert deeper == pytest.approx(shift, abs=0.05)


def test_a_device_that_cannot_record_draws_all_the_same(
    cats: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    backend = Broken()
    graphs = OrbitGraphs(backend)
    with caplog.at_level(logging.WARNING):
        for side in (24, 16):
            for yaw in (0.0, 0.3, 0.6):
                drawn = graphs.draw(cats.generator, cats.field, cats.w, *camera(cats, yaw), resolution=side)
                image = operation_by_operation(cats, *camera(cats, yaw), side)[1]
                assert np.abs(drawn.pixels[..., :3].astype(int) - to_uint8(image)[0]).max() <= 1
    assert backend.tried == 1
    assert len(caplog.records) == 1
    assert "not permitted when stream is capturing" in caplog.text


def test_graphs_go_with_their_network_and_are_few() -> None:
    scene, graphs = scene_of("toy-cats"), OrbitGraphs(Eager(torch.device("cpu")))
    for side in range(8, 24):
        graphs.draw(scene.generator, scene.field, scene.w, *camera(scene, 0.0), resolution=side)
    assert 0 < len(graphs) < 8
    gone = weakref.ref(scene.generator)
    del scene
    assert gone() is None
    assert len(graphs) == 0


def test_rays_that_miss_show_the_background(cats: Scene) -> None:
    render = cats.generator.config.render
    matrix, focal = camera(cats, 0.5)
    origins, directions = camera_rays(
        torch.tensor(matrix).view(1, 4, 4), intrinsics_from_focal(0.4 * focal), 32
    )
    chosen = render_rays(cats.generator, cats.field, origins[0], directions[0])
    every = render_all_rays(cats.generator, cats.field, origins[0], directions[0])
    missed = every[2][:, 0] == 0
    assert 0.2 < missed.float().mean() < 1.0
    assert (every[0][missed] == 1.0).all()
    assert (every[1][missed] == render.ray_end).all()
    for one, other in zip(every, chosen, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


# ------------------------------------------------------------------------------- nothing waits for the device
@pytest.mark.parametrize(
    ("config", "confined"),
    [(FFHQ.generator, False), (CARS.generator, False), (SMALL, True)],
    ids=["ffhq", "cars", "small and confined"],
)
def test_a_frame_and_a_new_latent_never_wait(config: GeneratorConfig, confined: bool) -> None:
    """On tensors without data: whatever asked for a value would fail."""
    nowhere = torch.device("meta")
    config = replace(config, render=replace(config.render, confine_to_box=confined))
    with nowhere:
        generator = Generator(config).eval().requires_grad_(False)
    w = torch.empty(1, generator.backbone.num_ws, config.w_dim, device=nowhere)
    with NeverWaiting():
        field = fast_field(generator, generator.synthesize_planes(w))
    graph = OrbitGraph(generator, field, w, OrbitSettings(config.render.resolution), Eager(nowhere))
    with NeverWaiting() as operations:
        graph._work()
    # What decides whether graphs of stock operations are fast enough; see docs/rendering.md.
    assert 100 < len(operations.operations) < 320


@pytest.mark.parametrize(
    "waiting",
    [
        lambda x: float(x.sum()),
        lambda x: x[x > 0],
        lambda x: (x > 0).nonzero(),
        lambda x: 1 if x.any() else 0,
        lambda x: x + torch.tensor([1.0, 2.0]),
        lambda x: x.new_tensor([3.0]),
        lambda x: torch.masked_select(x, x > 0),
        lambda x: x[[0, 1]],
        lambda x: torch.where(x > 0, x, 2.0),
    ],
)
def test_the_guard_notices_what_waits(waiting: Callable[[Tensor], object]) -> None:
    x = torch.ones(2)
    with NeverWaiting(), pytest.raises(Waited):
        waiting(x)


def test_the_stand_in_notices_memory_that_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, backend = scene_of("small"), Replayed()
    graph = OrbitGraph(scene.generator, scene.field, scene.w, OrbitSettings(16), backend)
    monkeypatch.setattr(graph, "_field", scene.field)  # the latent's own memory, not the graph's
    graph.draw(scene.field, scene.w, *camera(scene, 0.0))
    monkeypatch.setattr(OrbitGraph, "memory", (graph._w, graph._inputs, graph._results, graph._pixels))
    with pytest.raises(AssertionError, match="does not stay"):
        graph.draw(scene.field, scene.w, *camera(scene, 0.1))


# ---------------------------------------------------------------------------------------------- precision
def test_bytes_are_rounded_as_everywhere() -> None:
    image = torch.linspace(-1.2, 1.2, 3 * 40 * 40).view(1, 3, 40, 40)
    np.testing.assert_array_equal(image_levels(image).numpy(), to_uint8(image)[0])


@pytest.mark.parametrize(("precision", "decibels"), [("float32", 120.0), ("tf32", 120.0), ("bfloat16", 40.0)])
def test_coarser_convolutions_change_pictures_little(precision: Precision, decibels: float) -> None:
    scene = scene_of("small")
    where = camera(scene, 0.2)
    raw, exact = operation_by_operation(scene, *where, 64)
    before = torch.backends.cudnn.allow_tf32
    with convolving(precision, torch.device("cpu")):
        assert torch.backends.cudnn.allow_tf32 == (precision != "float32")
        image = scene.generator.superresolve(raw, scene.w).float()
    assert torch.backends.cudnn.allow_tf32 == before
    error = (image - exact).square().mean().clamp(min=1e-13)
    assert 10.0 * torch.log10(4.0 / error) > decibels
    assert (precision == "bfloat16") == (not torch.equal(image, exact))


def test_a_cpu_has_no_graphs() -> None:
    assert orbit_graphs(torch.device("cpu")) is None
    assert default_precision(torch.device("cpu")) == "float32"
