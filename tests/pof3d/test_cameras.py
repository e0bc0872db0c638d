"""Cameras against hand-computed values."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pof3d.cameras import (
    cam2world_from_hv,
    camera_rays,
    hv_from_yaw_pitch,
    intrinsics_from_focal,
    orbit_cam2world,
    yaw_pitch_from_hv,
)
from pof3d.config import CARS, CATS, focal_from_fov, fov_from_focal

HALF_PI = math.pi / 2


def test_front_camera_stands_on_the_z_axis_and_looks_back() -> None:
    matrix = cam2world_from_hv(torch.tensor([[HALF_PI, HALF_PI]], dtype=torch.float64), 2.7, (0.0, 0.0, 0.0))[
        0
    ]
    expected = torch.tensor(
        [[1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 2.7], [0.0, 0.0, 0.0, 1.0]]
    ).double()
    torch.testing.assert_close(matrix, expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize(
    ("yaw", "pitch", "origin"),
    [
        (HALF_PI, 0.0, (1.0, 0.0, 0.0)),
        (-HALF_PI, 0.0, (-1.0, 0.0, 0.0)),
        (0.0, math.radians(30), (0.0, -0.5, math.sqrt(3) / 2)),
        (0.0, math.radians(-30), (0.0, 0.5, math.sqrt(3) / 2)),
    ],
)
def test_yaw_goes_right_and_positive_pitch_goes_down(
    yaw: float, pitch: float, origin: tuple[float, ...]
) -> None:
    matrix = orbit_cam2world(yaw, pitch, camera=CATS.generator.camera, radius=1.0)[0]
    torch.testing.assert_close(matrix[:3, 3], torch.tensor(origin), atol=1e-6, rtol=0)


@given(st.floats(-3, 3), st.floats(-1.5, 1.5))
def test_angles_round_trip_through_hv(yaw: float, pitch: float) -> None:
    angles = torch.tensor([[yaw, pitch]], dtype=torch.float64)
    hv = hv_from_yaw_pitch(angles, CARS.generator.camera.h_mean)
    torch.testing.assert_close(yaw_pitch_from_hv(hv, CARS.generator.camera.h_mean), angles, atol=1e-6, rtol=0)


def test_v_covers_equal_areas() -> None:
    # Archimedes: height on the unit sphere is uniform in area, and 1 − 2v/π is that height.
    hv = torch.tensor([[HALF_PI, v * math.pi] for v in (0.25, 0.5, 0.75)], dtype=torch.float64)
    heights = cam2world_from_hv(hv, 1.0, (0.0, 0.0, 0.0))[:, 1, 3]
    torch.testing.assert_close(heights, torch.tensor([0.5, 0.0, -0.5]).double(), atol=1e-7, rtol=0)


@given(st.floats(-3, 3), st.floats(-1.4, 1.4), st.floats(-3, 3))
def test_cameras_are_rotations_that_look_at_the_pivot(yaw: float, pitch: float, roll: float) -> None:
    camera = CATS.generator.camera
    matrix = orbit_cam2world(yaw, pitch, camera=camera, roll=roll, pivot_offset=(0.1, -0.2, 0.3))[0].double()
    rotation, origin = matrix[:3, :3], matrix[:3, 3]
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(3).double(), atol=1e-5, rtol=0)
    assert torch.linalg.det(rotation) == pytest.approx(1.0, abs=1e-5)
    pivot = torch.tensor([0.1, -0.2, 0.3]).double()
    assert torch.linalg.norm(origin - pivot) == pytest.approx(camera.radius, abs=1e-5)
    torch.testing.assert_close(origin + rotation[:, 2] * camera.radius, pivot, atol=1e-4, rtol=0)


def test_centre_pixels_surround_the_viewing_direction() -> None:
    matrix = orbit_cam2world(0.3, -0.2, camera=CATS.generator.camera)
    origins, directions = camera_rays(matrix, intrinsics_from_focal(4.0), 2)
    assert origins.shape == directions.shape == (1, 4, 3)
    torch.testing.assert_close(directions.norm(dim=-1), torch.ones(1, 4))
    mean = torch.nn.functional.normalize(directions.mean(dim=1), dim=-1)
    torch.testing.assert_close(mean[0], matrix[0, :3, 2], atol=1e-6, rtol=0)
    # A 2×2 image has its pixel centres a quarter of the width from the middle: tan = 0.25 / 4 per axis.
    cosine = 1 / math.sqrt(1 + 2 * (0.25 / 4) ** 2)
    torch.testing.assert_close(directions @ matrix[0, :3, 2], torch.full((1, 4), cosine), atol=1e-6, rtol=0)


def test_focal_of_the_ffhq_field_of_view() -> None:
    assert focal_from_fov(18.837) == pytest.approx(4.2634, abs=1e-4)
    assert fov_from_focal(focal_from_fov(25.0)) == pytest.approx(25.0)


def test_yaws_lie_within_half_a_turn() -> None:
    h = torch.tensor(
        [math.pi / 2, math.pi / 2 + 3 * math.pi / 2, math.pi / 2 - 5.0, math.pi / 2 + 100 * math.pi]
    )
    hv = torch.stack([h, torch.full_like(h, math.pi / 2)], dim=1)
    yaw = yaw_pitch_from_hv(hv, math.pi / 2)[:, 0]
    torch.testing.assert_close(
        yaw, torch.tensor([0.0, -math.pi / 2, 2 * math.pi - 5.0, 0.0]), atol=1e-4, rtol=0
    )
