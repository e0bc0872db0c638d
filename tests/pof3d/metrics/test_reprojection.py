"""Reprojection between views of a textured ball, which can be rendered exactly."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pof3d.cameras import camera_rays, intrinsics_from_focal, orbit_cam2world
from pof3d.config import CameraConfig
from pof3d.metrics.reprojection import View, reproject

SIDE, FOCAL = 96, 2.5
CAMERA = CameraConfig(radius=2.0, focal=FOCAL)
Ball = tuple[tuple[float, float, float], float]
ONE: tuple[Ball, ...] = (((0.0, 0.0, 0.0), 0.3),)


def texture(points: Tensor) -> Tensor:
    """Smooth colours [N, 3], 0…255, fixed to the world."""
    return 127.5 + 90.0 * torch.sin(8.0 * points + torch.tensor([0.0, 1.0, 2.0]))


def view(yaw: float, balls: tuple[Ball, ...] = ONE) -> View:
    """An exact picture, on white, from `yaw` degrees."""
    matrix = orbit_cam2world(math.radians(yaw), 0.1, camera=CAMERA)
    origins, directions = camera_rays(matrix, intrinsics_from_focal(FOCAL), SIDE)
    nearest = torch.full((SIDE * SIDE,), float("inf"))
    for centre, radius in balls:
        towards = torch.tensor(centre) - origins[0]
        along = (towards * directions[0]).sum(dim=-1)
        inside = radius**2 - (towards.square().sum(dim=-1) - along.square())
        hit = along - inside.clamp(min=0).sqrt()
        nearest = torch.where((inside > 0) & (hit < nearest), hit, nearest)
    seen = nearest.isfinite()
    depth = torch.where(seen, nearest, torch.full_like(nearest, 3.0))
    points = origins[0] + depth[:, None] * directions[0]
    colours = torch.where(seen[:, None], texture(points), torch.tensor(255.0))
    return View(
        colours.T.reshape(3, SIDE, SIDE),
        depth.reshape(1, SIDE, SIDE),
        seen.float().reshape(1, SIDE, SIDE),
        matrix[0],
        FOCAL,
    )


def test_identical_views_agree() -> None:
    found = reproject(view(10.0), view(10.0))
    assert found.colour_error == pytest.approx(0.0, abs=0.02)
    assert found.depth_error == pytest.approx(0.0, abs=1e-5)
    assert found.compared == 1.0
    assert found.hidden == found.edge == found.lost == 0.0


def test_an_exact_object_agrees_with_itself_turned() -> None:
    found = reproject(view(-5.0), view(10.0))
    assert found.colour_error < 2.0
    assert found.depth_error < 2e-3
    assert 0.75 < found.compared < 1.0
    # What turns away at one side is hidden behind the ball, or beyond its rim.
    assert found.hidden + found.edge + found.lost == pytest.approx(1.0 - found.compared, abs=1e-6)


def test_a_constant_change_of_colour_is_the_error() -> None:
    second = view(0.0)
    found = reproject(view(0.0), replace(second, image=second.image + 10.0))
    assert found.colour_error == pytest.approx(10.0, abs=0.02)


def test_a_flat_shape_is_told_from_the_true_one() -> None:
    first = view(-10.0)
    flat = replace(first, depth=torch.full_like(first.depth, 2.0))
    exact, wrong = reproject(first, view(10.0)), reproject(flat, view(10.0))
    assert wrong.colour_error > 5 * exact.colour_error


def test_depth_that_is_off_by_a_constant_is_measured() -> None:
    first = view(0.0)
    closer = replace(first, depth=first.depth - 0.1)  # along the same rays
    found = reproject(closer, view(0.0))
    assert found.depth_error == pytest.approx(0.1 / 2.0, rel=1e-3)
    assert found.compared == 1.0  # in front of the surface is a contradiction, not an occlusion


def test_what_the_other_view_hides_is_left_out() -> None:
    small: Ball = ((0.25, 0.0, 0.75), 0.12)
    both = (*ONE, small)
    found = reproject(view(0.0, both), view(20.0, both))
    alone = reproject(view(0.0), view(20.0))
    assert found.hidden > alone.hidden + 0.02
    assert found.depth_error < 2e-3
    assert found.edge > 0.01


def test_an_empty_second_view_loses_everything() -> None:
    second = view(0.0)
    found = reproject(view(0.0), replace(second, opacity=torch.zeros_like(second.opacity)))
    assert found.lost == 1.0
    assert found.compared == 0.0
    assert math.isnan(found.colour_error)
    assert math.isnan(found.depth_error)
    assert torch.isnan(found.warped).all()
