"""The geometry of the shown object is made when it is wanted, kept as long as it fits, and saved."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from pof3d.mesh import make_mesh
from pof3d.mesh_settings import MeshSettings
from viz.captures import read_view
from viz.cloud import cloud_views
from viz.depth_files import DEPTH_KEY
from viz.engine import Engine
from viz.files import SaveError
from viz.geometry import CALM_SECONDS, Geometry
from viz.jobs import Workshop
from viz.normals import world_points
from viz.panel import NetworkInfo
from viz.shapes import CloudSettings, GeometryState, SliceRequest
from viz.view import DisplayView, LatentView, NetworkView, PoseView, View

Shown = Callable[..., View]


class Bench:
    """Geometry on a small network, with the time in hand."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.engine = Engine("cpu")
        self.network: NetworkInfo = self.engine.load(str(path)).info()
        self.workshop = Workshop(self.engine)
        self.folder = folder
        self.told: list[str] = []
        self.geometry = Geometry(self.workshop, self.target, self.told.append)
        self.geometry.settings = MeshSettings(32)
        self.geometry.cloud_settings = CloudSettings(resolution=24)
        self.view = View(NetworkView(str(path)))

    def target(self, view: View, suffix: str) -> Path:
        return self.folder / f"seed{view.latent.seed}{suffix}"

    def show(self, geometry: str = "surface", seed: int = 0, **pose: Any) -> None:
        self.view = replace(
            self.view,
            latent=LatentView(x=float(seed)),
            display=DisplayView(geometry=geometry),  # type: ignore[arg-type]
            pose=PoseView("override", **pose) if pose else self.view.pose,
        )

    def update(self, seconds: float = 0.0) -> GeometryState:
        self.geometry.update(self.view, self.network, seconds)
        return self.geometry.state()

    def settle(self, *, slice: SliceRequest | None = None) -> GeometryState:
        """Let the time go by until nothing is to be done any more."""
        self.update()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if slice is not None:
                self.geometry.want_slice(slice)
            state = self.update(CALM_SECONDS)
            running = state.making is not None and state.making.status == "running"
            idle = not running and state.saving is None and not self.geometry.pending
            if idle and (slice is None or (state.slice is not None and state.slice.request == slice)):
                return state
            time.sleep(0.005)
        raise TimeoutError


@pytest.fixture
def bench(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("viz.geometry.QUICK_RESOLUTION", 32)
    bench = Bench(tiny, tmp_path)
    yield bench
    assert bench.workshop.close()


def test_nothing_is_made_for_an_image(bench: Bench) -> None:
    bench.show("image")
    state = bench.settle()
    assert (state.surface, state.cloud, state.slice, state.making) == (None, None, None, None)


def test_a_surface_is_made_when_it_is_shown(bench: Bench) -> None:
    bench.show()
    assert bench.update().making is None and bench.geometry.pending
    assert bench.update(CALM_SECONDS / 2).making is None  # the hand may still move
    state = bench.settle()
    assert state.surface is not None and state.extracted and state.making is None
    generator, planes = bench.engine.field(bench.view)
    expected = make_mesh(generator, planes, bench.geometry.settings)
    assert np.array_equal(state.surface.vertices, expected.vertices)
    assert np.array_equal(state.surface.colors, expected.colors)
    assert state.surface.facts.faces == len(expected.faces)


def test_it_stays_while_the_camera_moves_and_goes_with_the_latent(bench: Bench) -> None:
    bench.show()
    first = bench.settle().surface
    bench.show(override_yaw=0.7)
    assert bench.settle().surface is first
    bench.show("image")
    bench.show()
    assert bench.settle().surface is first
    bench.show(seed=1)
    assert bench.update().surface is None
    other = bench.settle().surface
    assert other is not None and first is not None and other.facts != first.facts


def test_a_level_is_tried_on_the_same_grid(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.show()
    first = bench.settle().surface
    assert first is not None
    import pof3d.mesh

    def sampled(*_: object) -> None:
        raise AssertionError("the density was sampled again")

    monkeypatch.setattr(pof3d.mesh, "density_grid", sampled)
    bench.geometry.settings = replace(bench.geometry.settings, level=first.facts.level * 1.5)
    second = bench.settle().surface
    assert second is not None and second.facts.level == pytest.approx(first.facts.level * 1.5)
    assert abs(second.vertices).max() <= abs(first.vertices).max() + 1e-6


def test_a_fine_one_is_made_when_it_is_asked_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viz.geometry.QUICK_RESOLUTION", 24)
    bench.geometry.settings = MeshSettings(48, faces=5000)
    bench.show()
    quick = bench.settle()
    assert quick.surface is not None and quick.surface.facts.resolution == 24 and not quick.extracted
    bench.geometry.extract()
    fine = bench.settle()
    assert fine.surface is not None and fine.extracted
    assert fine.surface.facts.resolution == 48
    assert 4000 < fine.surface.facts.faces <= 5000
    assert bench.told == [f"The mesh has {fine.surface.facts.faces:,} faces"]


def test_what_the_user_stops_does_not_begin_again(bench: Bench) -> None:
    bench.geometry.settings = MeshSettings(512)
    bench.show()
    bench.settle()
    bench.geometry.extract()
    state = bench.update()
    assert state.making is not None and state.making.status == "running"
    bench.geometry.cancel()
    state = bench.settle()
    assert state.making is not None and state.making.status == "cancelled"
    assert not state.extracted and not bench.geometry.pending


def test_another_latent_stops_what_is_of_no_use(bench: Bench) -> None:
    bench.geometry.settings = MeshSettings(512)
    bench.show("image")
    bench.settle()
    bench.geometry.extract()
    bench.geometry.settings = MeshSettings(24)
    bench.show(seed=1)
    state = bench.settle()
    assert state.surface is not None and state.surface.facts.resolution == 24


def test_a_failure_is_told_once(bench: Bench) -> None:
    bench.geometry.settings = MeshSettings(24, level=999.0)
    bench.show()
    state = bench.settle()
    for _ in range(5):
        bench.update(1.0)
    assert state.making is not None and state.making.status == "failed"
    assert len(bench.told) == 1 and "no density reaches" in bench.told[0]
    bench.geometry.settings = MeshSettings(24)
    assert bench.settle().surface is not None


def test_points_are_those_of_the_depth_map(bench: Bench) -> None:
    bench.show("points", override_yaw=0.5)
    cloud = bench.settle().cloud
    assert cloud is not None and len(cloud.points) == len(cloud.colors) > 20
    half = bench.network.config.generator.render.box_warp / 2
    assert abs(cloud.points).max() < half * 1.2
    bench.show("points", override_yaw=1.5)
    assert bench.settle().cloud is cloud  # it is looked at from elsewhere
    bench.geometry.retake()
    taken = bench.settle().cloud
    assert taken is not None and taken is not cloud
    bench.geometry.cloud_settings = CloudSettings(9, 24)
    around = bench.settle().cloud
    assert around is not None and len(around.points) > 3 * len(cloud.points)


def test_a_camera_that_sees_nothing_gives_no_points(bench: Bench) -> None:
    bench.show("points", override_yaw=0.5)
    bench.view = replace(bench.view, camera=replace(bench.view.camera, pan=(3.0, 3.0, 0.0)))
    state = bench.settle()
    assert state.cloud is None and state.making is not None and state.making.status == "failed"
    assert "nothing stops the light" in bench.told[-1]


def test_many_cameras_stand_all_round() -> None:
    for count in (9, 24):
        poses = [view.pose for view in cloud_views(View(), CloudSettings(count))]
        assert len({(pose.override_yaw, pose.override_pitch) for pose in poses}) == count
        for pitch in {pose.override_pitch for pose in poses}:
            ring = sorted(pose.override_yaw for pose in poses if pose.override_pitch == pitch)
            gaps = np.diff([*ring, ring[0] + math.tau])
            assert gaps.max() == pytest.approx(math.tau * 3 / count)
    (only,) = cloud_views(View(pose=PoseView("free")), CloudSettings(1))
    assert only.pose.source == "free"


def test_slices_are_made_while_they_are_looked_at(bench: Bench) -> None:
    bench.show("image")
    first = bench.settle(slice=SliceRequest("x", 0.25)).slice
    assert first is not None and first.values.shape == (128, 128) and (first.values >= 0).all()
    second = bench.settle(slice=SliceRequest("y", 0.25)).slice
    assert second is not None and not np.array_equal(first.values, second.values)
    bench.show("image", seed=3)
    assert bench.settle().slice is None


@pytest.mark.parametrize("extracted", [False, True])
def test_meshes_are_saved_in_full(bench: Bench, extracted: bool) -> None:
    bench.geometry.settings = MeshSettings(40, faces=4000)
    bench.show("surface" if extracted else "image", seed=2)
    bench.settle()
    if extracted:
        bench.geometry.extract()
        bench.settle()
    bench.geometry.export_mesh("ply")
    state = bench.settle()
    assert state.saved == bench.folder / "seed2.ply" and bench.told[-1] == f"Saved {state.saved}"
    assert state.surface is not None and state.extracted
    mesh = trimesh.load(state.saved, force="mesh", process=False)
    assert np.allclose(mesh.vertices, state.surface.vertices, atol=1e-6)
    assert len(mesh.faces) <= 4000


def test_a_mesh_that_cannot_be_saved_is_told(bench: Bench) -> None:
    bench.show("image")
    bench.settle()
    bench.folder = bench.folder / "missing"
    bench.geometry.export_mesh("glb")
    state = bench.settle()
    assert state.saved is None and "Cannot save" in bench.told[-1]

    def refuse(view: View, suffix: str) -> Path:
        raise SaveError("Cannot save it", "the disk is full")

    geometry = Geometry(bench.workshop, refuse, bench.told.append)
    geometry.settings = MeshSettings(24)
    bench.geometry = geometry
    bench.settle()
    geometry.export_mesh("glb")
    bench.settle()
    assert "the disk is full" in bench.told[-1]


def test_depth_maps_are_saved_with_their_camera(bench: Bench) -> None:
    bench.show("image", override_yaw=0.4, override_pitch=-0.2)
    bench.view = replace(bench.view, camera=replace(bench.view.camera, radius=2.5, roll=0.3, fov=0.5))
    frame = bench.engine.render(bench.view)
    bench.settle()
    bench.geometry.export_depth("png", frame)
    path = bench.settle().saved
    assert path == bench.folder / "seed0-depth.png"
    with Image.open(path) as image:
        meaning, steps = json.loads(image.info[DEPTH_KEY]), np.asarray(image)
    assert steps.dtype == np.uint16
    restored = np.where(steps == meaning["nothing"], np.nan, steps * meaning["scale"])
    assert np.allclose(restored, frame.depth, atol=meaning["scale"], equal_nan=True)
    assert read_view(path) == bench.view

    bench.geometry.export_depth("npy", frame)
    path = bench.settle().saved
    assert path is not None
    depth = np.load(path)
    assert depth.dtype == np.float32 and np.array_equal(depth, frame.depth, equal_nan=True)
    camera = json.loads((bench.folder / "seed0-depth-camera.json").read_text(encoding="utf-8"))
    assert camera["near"] < np.nanmin(depth) and np.nanmax(depth) < camera["far"]
    matrix = np.array(camera["cam2world"])
    assert np.linalg.norm(matrix[:3, 3]) == pytest.approx(2.5, rel=1e-5)

    # By its own words: through the pixel intrinsics, then along the ray.
    rows, columns = np.nonzero(~np.isnan(depth))
    inverse = np.linalg.inv(camera["intrinsics_pixels"])
    rays = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))]).T @ inverse.T
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    points = (rays * depth[rows, columns][:, None]) @ matrix[:3, :3].T + matrix[:3, 3]
    focal = camera["intrinsics"][0][0]
    expected = world_points(depth, matrix.ravel().tolist(), focal)[rows, columns]
    assert np.allclose(points, expected, atol=1e-6)
    assert abs(points).max() < 0.3  # in the box


def test_a_preview_is_not_saved(bench: Bench) -> None:
    bench.show("image")
    bench.settle()
    bench.geometry.export_depth("png", bench.engine.render(bench.view, "preview"))
    assert bench.settle().saved is None and "not ready" in bench.told[-1]


def test_without_a_workshop_nothing_happens(tmp_path: Path) -> None:
    told: list[str] = []
    geometry = Geometry(None, lambda view, suffix: tmp_path / suffix, told.append)
    geometry.update(View(display=DisplayView(geometry="surface")), None, 1.0)
    geometry.extract()
    geometry.export_mesh("ply")
    geometry.cancel()
    assert not geometry.pending and geometry.state().surface is None and len(told) == 2
