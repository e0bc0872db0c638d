"""Meshes of the field: where they lie, that they are closed, coloured, cut down and written."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

import pof3d
from pof3d.cameras import camera_rays, intrinsics_from_focal
from pof3d.errors import ConfigError
from pof3d.mesh import (
    MeshError,
    colored,
    density_grid,
    density_slice,
    fitted_level,
    iso_surface,
    make_mesh,
)
from pof3d.mesh_files import write_mesh
from pof3d.mesh_settings import MeshSettings
from pof3d.render.lattice import lattice
from pof3d.triangles import Mesh, largest_part, simplified

CATS = Path(__file__).resolve().parents[2] / "assets" / "toy-cats.safetensors"
CENTRE = torch.tensor([0.15, -0.1, 0.05])
RADIUS = 0.2
SIDE = 1.0
PLANES = torch.zeros(1, 3, 1, 1, 1)


class Balls:
    """A field without a network: balls whose density falls by 100 a world unit, through 10 at the surface."""

    def __init__(self, *balls: tuple[Tensor, float]) -> None:
        self.balls = balls or ((CENTRE, RADIUS),)
        self.config = SimpleNamespace(render=SimpleNamespace(box_warp=SIDE))

    def sample_field(self, planes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        inside = [radius - (points - centre).norm(dim=-1, keepdim=True) for centre, radius in self.balls]
        return 11.0 + 100.0 * torch.stack(inside).amax(dim=0), (points / SIDE + 0.5)


@pytest.fixture(autouse=True)
def _balls_have_no_planes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are sampled by their planes, balls by their points."""

    def densities(generator: Any, planes: Tensor, coordinates: Tensor, **other: Any) -> Tensor:
        if not isinstance(generator, Balls):
            return lattice(generator, planes, coordinates, **other)
        if other["report"] is not None:
            other["report"](0.0)
        points = torch.cartesian_prod(coordinates, coordinates, coordinates)
        raw = generator.sample_field(planes, points[None])[0]
        return raw.view(len(coordinates), len(coordinates), len(coordinates)) - 1.0

    monkeypatch.setattr("pof3d.mesh.lattice", densities)


def field(*balls: tuple[Tensor, float]) -> Any:
    return Balls(*balls)


def ball(resolution: int = 60) -> Mesh:
    return iso_surface(density_grid(field(), PLANES, resolution), 10.0)


def test_a_ball_is_found_where_it_is() -> None:
    mesh = ball()
    distances = np.linalg.norm(mesh.vertices - CENTRE.numpy(), axis=1)
    assert abs(distances - RADIUS).max() < 0.002
    assert mesh.is_watertight


def test_faces_and_normals_look_outwards() -> None:
    mesh = ball()
    outwards = (mesh.vertices - CENTRE.numpy()) / RADIUS
    assert (mesh.normals * outwards).sum(axis=1).min() > 0.95
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    assert solid.volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.02)
    assert solid.is_watertight


@pytest.mark.parametrize("resolution", [23, 24, 48, 50])
def test_slabs_are_sewn_together(resolution: int) -> None:
    from skimage.measure import marching_cubes

    grid = density_grid(field(), PLANES, resolution)
    mesh = iso_surface(grid, 10.0)
    vertices, faces, _, _ = marching_cubes(grid.values, 10.0)
    assert (len(mesh.vertices), len(mesh.faces)) == (len(vertices), len(faces))
    assert mesh.is_watertight


def test_what_the_box_cuts_is_closed_on_its_face() -> None:
    cut = iso_surface(density_grid(field((torch.tensor([0.0, 0.5, 0.0]), 0.3)), PLANES, 40), 10.0)
    assert cut.is_watertight
    assert cut.vertices[:, 1].max() == pytest.approx(SIDE / 2, abs=1e-3)


def test_only_the_largest_part_is_kept() -> None:
    both = field((torch.tensor([-0.3, 0.0, 0.0]), 0.1), (torch.tensor([0.2, 0.0, 0.0]), 0.2))
    mesh = make_mesh(both, PLANES, MeshSettings(40, largest_only=False))
    kept = make_mesh(both, PLANES, MeshSettings(40))
    assert mesh.vertices[:, 0].min() < -0.35
    assert kept.vertices[:, 0].min() > -0.1
    assert kept.is_watertight and len(kept.colors) == len(kept.vertices)
    assert len(largest_part(kept).faces) == len(kept.faces)


def test_a_simplified_ball_stays_a_ball() -> None:
    coarse = simplified(ball(), 500)
    assert 300 < len(coarse.faces) <= 500
    distances = np.linalg.norm(coarse.vertices - CENTRE.numpy(), axis=1)
    assert abs(distances - RADIUS).max() < 0.02
    assert len(simplified(coarse, 5000).faces) == len(coarse.faces)


def test_colours_are_the_fields() -> None:
    # Collected near the surface; each channel is as bright as the point lies far along one axis.
    mesh = colored(field(), PLANES, ball())
    seen = (mesh.colors / 255 - 0.5) * SIDE - CENTRE.numpy()
    below = RADIUS - np.linalg.norm(seen, axis=1)
    assert abs(below).max() < 0.1
    outwards = (mesh.vertices - CENTRE.numpy()) / RADIUS
    assert (seen * outwards).sum(axis=1).min() > 0.05


def test_a_fitted_level_follows_the_density() -> None:
    grid = density_grid(field(), PLANES, 60)
    assert 2.0 < fitted_level(grid) < 5.0  # the middle has 30
    assert make_mesh(field(), PLANES, MeshSettings(40)).level == pytest.approx(fitted_level(grid), rel=0.1)
    small = density_grid(field((CENTRE, 0.05)), PLANES, 60)
    assert 0.1 < fitted_level(small) < 2.0


def test_a_slice_is_seen_back_along_its_axis() -> None:
    # The ball is at (0.15, −0.1, 0.05) in a box of ±0.5: rows go down, columns to the right.
    expected = {0: (0.6, 0.45), 1: (0.55, 0.65), 2: (0.6, 0.65)}
    for axis, centre in expected.items():
        density = density_slice(field(), PLANES, axis, float(CENTRE[axis]), 101)
        row, column = np.argwhere(density > 10.0).mean(axis=0) / 100
        assert (row, column) == pytest.approx(centre, abs=0.01)
        assert not (density_slice(field(), PLANES, axis, 0.45, 51) > 10.0).any()


def test_progress_rises_and_can_end_the_work() -> None:
    told: list[tuple[float, str]] = []
    make_mesh(field(), PLANES, MeshSettings(32, faces=200), lambda *report: told.append(report))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions) and fractions[0] >= 0.0 and fractions[-1] <= 1.0
    assert len({note for _, note in told}) == 5

    class Stop(Exception):
        pass

    def stop(fraction: float, note: str) -> None:
        if fraction > 0.3:
            raise Stop

    with pytest.raises(Stop):
        make_mesh(field(), PLANES, MeshSettings(32), stop)


@pytest.mark.parametrize(
    "settings", [MeshSettings(8), MeshSettings(5000), MeshSettings(level=-1.0), MeshSettings(faces=3)]
)
def test_settings_that_cannot_work_are_refused(settings: MeshSettings) -> None:
    with pytest.raises(ConfigError, match="must"):
        make_mesh(field(), PLANES, settings)


def test_without_a_surface_the_largest_density_is_named() -> None:
    with pytest.raises(MeshError, match=r"the largest is 30"):
        iso_surface(density_grid(field(), PLANES, 41), 500.0)


@pytest.fixture(scope="module")
def cat() -> tuple[Any, Tensor, Tensor, Mesh]:
    generator = pof3d.load(CATS, device="cpu").generator
    z = torch.randn(1, generator.config.z_dim, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        w, pose = generator.map(z, truncation_psi=0.7)
        planes = generator.synthesize_planes(w)
        return generator, planes, pose, make_mesh(generator, planes, MeshSettings(96))


def unprojected(generator: Any, planes: Tensor, pose: Tensor) -> tuple[NDArray[np.float32], ...]:
    """World points of the depth map, where it is opaque, their colours, and the camera's centre."""
    with torch.inference_mode():
        matrix, focal = generator.cam2world(pose), float(generator.focal(pose))
        raw = generator.render_raw(planes, matrix, focal=focal, resolution=64, depth_samples=64)
        origins, directions = camera_rays(matrix, intrinsics_from_focal(focal), 64)
        points = (origins + directions * raw.depth.view(1, -1, 1))[0]
        solid = raw.opacity.view(-1) > 0.99
        colors = raw.raw.view(3, -1).T
    return points[solid].numpy(), colors[solid].numpy(), matrix[0, :3, 3].numpy()


def test_a_cats_mesh_lies_where_the_volume_is_seen(cat: tuple[Any, Tensor, Tensor, Mesh]) -> None:
    generator, planes, pose, mesh = cat
    points, _, eye = unprojected(generator, planes, pose)
    distance, nearest = cKDTree(mesh.vertices).query(points)
    # The cat is 0.45 wide; light ends a little below the surface.
    below = ((mesh.vertices[nearest] - points) * mesh.normals[nearest]).sum(axis=1)
    assert 0.0 < np.median(below) < 0.035
    assert np.percentile(distance, 95) < 0.04
    towards = eye - mesh.vertices[nearest]
    assert ((towards * mesh.normals[nearest]).sum(axis=1) > 0).mean() > 0.9
    # Upside down or back to front, it would not; left and right are alike in a cat.
    for flip in ((1, -1, 1), (1, 1, -1)):
        other, _ = cKDTree(mesh.vertices * np.array(flip, np.float32)).query(points)
        assert np.percentile(other, 95) > 1.25 * np.percentile(distance, 95)


def test_a_cats_mesh_has_the_pictures_colours(cat: tuple[Any, Tensor, Tensor, Mesh]) -> None:
    generator, planes, pose, mesh = cat
    points, colors, _ = unprojected(generator, planes, pose)
    _, nearest = cKDTree(mesh.vertices).query(points)
    seen, shown = (colors + 1) / 2, mesh.colors[nearest] / 255
    assert np.median(abs(seen - shown)) < 0.03
    assert mesh.is_watertight


@pytest.mark.parametrize("kind", ["ply", "obj", "glb"])
def test_files_give_the_mesh_back(kind: str, tmp_path: Path) -> None:
    mesh = colored(field(), PLANES, ball(24))
    path = tmp_path / f"ball.{kind}"
    write_mesh(mesh, path)
    loaded = trimesh.load(path, force="mesh", process=False)
    order = cKDTree(mesh.vertices).query(loaded.vertices)[1]
    assert np.allclose(loaded.vertices, mesh.vertices[order], atol=1e-5)
    assert sorted(order) == list(range(len(mesh.vertices)))
    assert len(loaded.faces) == len(mesh.faces)
    assert loaded.volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.1)
    if kind != "glb":  # whose colours are linear
        assert abs(loaded.visual.vertex_colors[:, :3].astype(int) - mesh.colors[order]).max() <= 1
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_failed_file_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        write_mesh(ball(16), tmp_path / "missing" / "ball.ply")
    with pytest.raises(ConfigError, match="should end in"):
        write_mesh(ball(16), tmp_path / "ball.stl")
    assert not list(tmp_path.iterdir())
