"""Depth and normals on shapes whose answer is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pof3d.metrics.depth import (
    normal_angle,
    normalised_error,
    normals,
    overlap,
    ray_directions,
    standardise,
)
from pof3d.metrics.probe import relief, shrink_depth

FOCAL = 2.0


def sphere(resolution: int, radius: float = 0.5, distance: float = 3.0, focal: float = FOCAL) -> tuple:
    """Depth and mask of a ball in front of the camera, and the exact normals."""
    rays = ray_directions(resolution, focal, torch.zeros((), dtype=torch.float64))
    centre = torch.tensor([0.0, 0.0, distance], dtype=torch.float64)[None, :, None, None]
    along = (rays * centre).sum(dim=1, keepdim=True)
    inside = along.square() - (distance**2 - radius**2)
    mask = inside > 0
    depth = torch.where(mask, along - inside.clamp(min=0).sqrt(), torch.zeros_like(along))
    return depth, mask, (depth * rays - centre) / radius


def maps(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 2, 2)


EVERYWHERE = torch.ones(1, 1, 2, 2, dtype=torch.bool)


def test_maps_are_brought_to_mean_0_and_variance_1_over_the_mask() -> None:
    mask = torch.tensor([[[[True, True], [True, False]]]])
    found = standardise(maps(1.0, 2.0, 3.0, 99.0), mask)
    expected = math.sqrt(1.5)
    assert found.flatten().tolist() == pytest.approx([-expected, 0.0, expected, 0.0])
    assert standardise(maps(5, 5, 5, 5), EVERYWHERE).abs().max() == 0


def test_shift_and_scale_are_no_error_and_inversion_is_the_largest() -> None:
    depth = maps(1.0, 2.0, 3.0, 5.0)
    assert normalised_error(0.3 * depth + 7, depth, EVERYWHERE).item() == pytest.approx(0.0, abs=1e-12)
    assert normalised_error(-depth, depth, EVERYWHERE).item() == pytest.approx(4.0)
    # Correlation of (1, 2, 3, 4) and (1, 3, 2, 4) is 0.8; of orthogonal maps 0; a flat map explains nothing.
    assert normalised_error(maps(1, 3, 2, 4), maps(1, 2, 3, 4), EVERYWHERE).item() == pytest.approx(0.4)
    assert normalised_error(maps(1, 1, -1, -1), maps(1, -1, 1, -1), EVERYWHERE).item() == pytest.approx(2.0)
    assert normalised_error(maps(2, 2, 2, 2), depth, EVERYWHERE).item() == pytest.approx(1.0)


def test_what_lies_outside_the_mask_does_not_count() -> None:
    mask = torch.tensor([[[[True, True], [True, False]]]])
    error = normalised_error(maps(1, 2, 4, -50), maps(2, 4, 8, 900), mask)
    assert error.item() == pytest.approx(0.0, abs=1e-12)


def test_normals_of_a_ball_point_away_from_its_centre() -> None:
    depth, mask, exact = sphere(96)
    found, valid = normals(depth, mask, FOCAL)
    assert valid.sum() > 0.8 * mask.sum()
    assert (found[:, 2:][valid] < 0).all()
    facing = valid & (exact[:, 2:] < -0.5)  # towards the rim, neighbours are far apart
    assert math.degrees(normal_angle(found, exact, facing).item()) < 0.5


def test_normals_of_a_tilted_plane_are_exact() -> None:
    rays = ray_directions(16, FOCAL, torch.zeros((), dtype=torch.float64))
    normal = torch.tensor([0.4, -0.3, -1.0], dtype=torch.float64)
    normal = normal / normal.norm()
    depth = -1.5 / (rays * normal[None, :, None, None]).sum(dim=1, keepdim=True)
    found, valid = normals(depth, torch.ones_like(depth, dtype=torch.bool), FOCAL)
    assert valid.sum() == 14 * 14
    expected = normal[None, :, None, None].expand_as(found)
    assert normal_angle(found, expected, valid).item() == pytest.approx(0.0, abs=1e-7)


def test_the_angle_between_normals_is_the_angle() -> None:
    a = torch.tensor([0.0, 0.0, -1.0])[None, :, None, None].expand(1, 3, 2, 2)
    tilt = math.radians(30)
    b = torch.tensor([math.sin(tilt), 0.0, -math.cos(tilt)])[None, :, None, None].expand(1, 3, 2, 2)
    assert math.degrees(normal_angle(a, b, EVERYWHERE).item()) == pytest.approx(30, abs=1e-4)
    assert math.isnan(normal_angle(a, b, ~EVERYWHERE).item())


def test_overlap_counts_pixels() -> None:
    a = torch.tensor([[[[True, True], [False, False]]]])
    b = torch.tensor([[[[False, True], [True, False]]]])
    assert overlap(a, b).item() == pytest.approx(1 / 3)
    assert overlap(~EVERYWHERE, ~EVERYWHERE).item() == 1.0


def test_shrunk_depth_is_the_mean_of_the_objects_pixels() -> None:
    depth = torch.zeros(1, 1, 4, 4)
    depth[0, 0, :2, :2] = torch.tensor([[1.0, 2.0], [3.0, 0.0]])  # three of four
    depth[0, 0, 2:, 2:] = torch.tensor([[4.0, 0.0], [0.0, 0.0]])  # one of four
    small, mask = shrink_depth(depth, depth > 0, 2)
    assert small.flatten().tolist() == [2.0, 0.0, 0.0, 0.0]
    assert mask.flatten().tolist() == [True, False, False, False]


def test_relief_is_a_matter_of_the_picture_not_of_the_camera() -> None:
    near, mask, _ = sphere(64, radius=0.2, distance=3.0, focal=2.0)
    far, far_mask, _ = sphere(64, radius=0.2, distance=6.0, focal=4.0)
    both = mask & far_mask
    first, second = relief(near, both, 2.0), relief(far, both, 4.0)
    assert first[both].std() > 0.02
    assert (first - second)[both].abs().max() < 0.05 * first[both].abs().max()
    assert first[~both].abs().max() == 0
    assert first[both].mean().abs() < 1e-9
