"""Toy cars: geometry, cameras and pictures against formulas and analytic cases."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
import torch

from pof3d import cameras
from pof3d.config import CARS
from pof3d.data import toy_cars, toy_render
from pof3d.data.toy_cars import Car
from pof3d.data.toy_sets import TOY_CARS

CAMERA = TOY_CARS.camera
BOX = 0.75  # half the side of the box that networks give to cars


def cars(count: int) -> list[Car]:
    return [toy_cars.random_car(np.random.default_rng([77, index])) for index in range(count)]


def pixel_of(point: tuple[float, float, float], yaw: float, pitch: float, resolution: int) -> tuple[int, int]:
    """Row and column where a camera sees a point."""
    matrix, k = toy_render.cam2world(yaw, pitch, CAMERA), toy_render.intrinsics(CAMERA)
    local = matrix[:3, :3].T @ (np.array(point) - matrix[:3, 3])
    u, v, _ = k @ (local / local[2])
    return int(v * resolution), int(u * resolution)


# ------------------------------------------------------------------------------------------------- poses
def test_cameras_stand_all_around_and_above_the_ground() -> None:
    poses = np.array([TOY_CARS.random_pose(np.random.default_rng([3, i])) for i in range(8000)])
    yaw, pitch = poses.T
    assert (yaw > -math.pi).all()
    assert (yaw <= math.pi).all()
    # 16 sectors with 500 each: χ² with 15 degrees of freedom stays below 37.7 with a probability of 99.9 %.
    counts = np.histogram(yaw, 16, (-math.pi, math.pi))[0]
    assert ((counts - 500) ** 2 / 500).sum() < 37.7
    elevation = np.degrees(-pitch)
    assert elevation.min() >= 5
    assert elevation.max() <= 40
    # By area: the height sin(elevation) is uniform, 0.0872 to 0.6428; half of it lies below 21.41°.
    assert np.mean(elevation < 21.41) == pytest.approx(0.5, abs=0.02)
    v = cameras.hv_from_yaw_pitch(torch.from_numpy(poses), CAMERA.h_mean)[:, 1].numpy()
    counts = np.histogram(v, 10, (v.min(), v.max()))[0]
    assert ((counts - 800) ** 2 / 800).sum() < 27.9
    assert abs(np.corrcoef(yaw, pitch)[0, 1]) < 0.04


def test_camera_in_front_is_on_the_x_axis() -> None:
    # Looking along -x, with -z to the right and y up in the picture.
    want = np.array([[0, 0, -1, 1.7], [0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]])
    np.testing.assert_allclose(toy_render.cam2world(0.0, 0.0, CAMERA), want, atol=1e-12)


@pytest.mark.parametrize(("yaw", "pitch"), [(0.0, -0.1), (2.7, -0.6), (-1.2, -0.3), (math.pi, -0.2)])
def test_camera_is_that_of_the_cars_preset(yaw: float, pitch: float) -> None:
    camera = CARS.generator.camera
    hv = cameras.hv_from_yaw_pitch(torch.tensor([[yaw, pitch]], dtype=torch.float64), camera.h_mean)
    want = cameras.cam2world_from_hv(hv, camera.radius, camera.pivot)[0].numpy()
    np.testing.assert_allclose(toy_render.cam2world(yaw, pitch, CAMERA), want, atol=1e-9)
    assert camera.focal == toy_render.intrinsics(CAMERA)[0, 0] == 1.025390625


# ---------------------------------------------------------------------------------------------- geometry
def test_cars_stay_inside_their_ball() -> None:
    directions = np.random.default_rng(0).normal(size=(3, 3000))
    shell = toy_cars.BOUND * directions / np.linalg.norm(directions, axis=0)
    assert toy_cars.BOUND <= 0.66 < BOX
    assert all(car.distance(shell).min() > 0 for car in cars(60))


def test_cars_are_symmetric_and_lit_so() -> None:
    p = np.random.default_rng(0).uniform(-0.6, 0.6, (3, 2000))
    mirrored = p * np.array([[1.0], [1.0], [-1.0]])
    for car in cars(5):
        np.testing.assert_array_equal(car.distance(p), car.distance(mirrored))
        np.testing.assert_array_equal(car.colour(p), car.colour(mirrored))


def test_a_mirrored_picture_is_the_picture_from_the_mirrored_side() -> None:
    for car in cars(3):
        left, depth = toy_render.render(car, -0.8, -0.3, 32, CAMERA)
        right, other = toy_render.render(car, 0.8, -0.3, 32, CAMERA)
        assert np.mean(abs(left.astype(int) - right[:, ::-1]) > 2) < 0.01
        both = (depth > 0) & (other[:, ::-1] > 0)
        assert both.sum() > 150
        assert np.quantile(abs(depth - other[:, ::-1])[both], 0.98) < 1e-3


def test_distance_never_overestimates() -> None:
    """A ray may step as far as the distance says: no surface point is nearer."""
    rng = np.random.default_rng(0)
    for car in cars(4):
        p = rng.uniform(-0.65, 0.65, (3, 6000))
        inside = p[:, car.distance(p) <= 0]
        outside = rng.uniform(-0.7, 0.7, (3, 200))
        outside = outside[:, car.distance(outside) > 0]
        gaps = np.linalg.norm(outside[:, :, None] - inside[:, None, :], axis=0).min(axis=1)
        assert (car.distance(outside) <= gaps + 1e-9).all()


def test_depth_of_the_middle_pixel() -> None:
    """In an image of odd size the middle ray runs down the x axis: compare with bisection along it."""
    for car in cars(4):
        low, high = 0.0, 0.66  # inside, outside
        assert car.distance(np.zeros((3, 1)))[0] < 0
        for _ in range(50):
            middle = (low + high) / 2
            inside = car.distance(np.array([[middle], [0.0], [0.0]]))[0] < 0
            low, high = (middle, high) if inside else (low, middle)
        depth = toy_render.render(car, 0.0, 0.0, 17, CAMERA)[1]
        assert depth[8, 8] == pytest.approx(1.7 - low, abs=4e-4)


@pytest.mark.parametrize("yaw", [0.3, 1.9, -2.6])
def test_depth_lies_on_the_surface(yaw: float) -> None:
    for car in cars(3):
        depth = toy_render.render(car, yaw, -0.25, 32, CAMERA)[1]
        matrix = toy_render.cam2world(yaw, -0.25, CAMERA)
        rays = toy_render.camera_rays(matrix, CAMERA.focal, 32)
        hit = depth > 0
        points = (matrix[:3, 3:] + rays[:, hit] * depth[hit]).astype(np.float32)
        assert abs(car.distance(points)).max() < 1e-3


# ------------------------------------------------------------------------------------------------ images
def test_head_lights_tail_lights_and_windows_are_where_the_poses_say() -> None:
    for car in cars(3):
        side = car.half_width - 0.08
        nose, tail = car.half_length - 0.02, -car.half_length + 0.015
        for sign in (1, -1):  # a positive yaw shows the side at z < 0
            image = toy_render.render(car, 0.4 * sign, -0.15, 96, CAMERA)[0]
            row, column = pixel_of((nose, car.light_height, -side * sign), 0.4 * sign, -0.15, 96)
            assert image[row, column].min() > 120  # nearly white
            yaw = (math.pi - 0.4) * sign
            image = toy_render.render(car, yaw, -0.15, 96, CAMERA)[0]
            row, column = pixel_of((tail, car.light_height, -(side + 0.03) * sign), yaw, -0.15, 96)
            red, green, blue = image[row, column].astype(int)
            assert red > 110
            assert max(green, blue) < 0.35 * red
        image = toy_render.render(car, 0.0, -0.2, 96, CAMERA)[0]
        middle = ((car.screen_foot + car.screen_top) / 2, (car.belt + car.roof) / 2, 0.0)
        row, column = pixel_of(middle, 0.0, -0.2, 96)
        assert image[row, column].max() < 70  # the windscreen


def test_front_and_rear_differ_more_than_the_two_sides() -> None:
    for car in cars(5):
        front, rear, left, right = (
            toy_render.render(car, yaw, -0.3, 32, CAMERA)[0].astype(float)
            for yaw in (0.0, math.pi, math.pi / 2, -math.pi / 2)
        )
        assert abs(front - rear).mean() > 5
        assert abs(left - right[:, ::-1]).mean() < 1


def test_the_car_fills_the_picture_and_leaves_a_margin() -> None:
    for car in cars(6):
        side = toy_render.render(car, math.pi / 2, -0.3, 32, CAMERA)[1] > 0
        assert 0.6 < side.any(0).mean() < 0.95
        assert 0.35 < side.any(1).mean() < 0.9
        for yaw in np.linspace(-math.pi, math.pi, 5):
            image = toy_render.render(car, float(yaw), -0.5, 24, CAMERA)[0]
            edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
            assert (edge == 255).all()


def test_background_is_white_and_depth_within_the_ball() -> None:
    for i in range(4):
        s = TOY_CARS.sample(5, i, 48)
        background = s.depth == 0
        far = background.copy()
        for shift in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            far &= np.roll(background, shift, (0, 1))
        assert (s.image[far] == 255).mean() > 0.999
        assert (s.image[~background].min(axis=1) < 250).mean() > 0.99
        assert s.depth[~background].min() > 1.7 - toy_cars.BOUND
        assert s.depth.max() < 1.7 + toy_cars.BOUND


def test_bodies_come_in_many_hues_clearly_lighter_than_glass() -> None:
    paints = [car.paint for car in cars(300)]
    coloured = [colorsys.rgb_to_hsv(*paint) for paint in paints]
    hues = np.array([h for h, s, _ in coloured if s > 0.3])
    assert np.count_nonzero(np.histogram(hues, 12, (0, 1))[0] > 5) >= 6
    assert 0.03 < np.mean([s <= 0.3 for _, s, _ in coloured]) < 0.3  # silver
    assert min(max(paint) for paint in paints) > 0.45
    assert max(min(paint) for paint in paints) < 0.85


def test_all_kinds_of_cars_occur() -> None:
    some = cars(200)
    assert 0.1 < np.mean([car.bed_depth > 0 for car in some]) < 0.4  # pick-ups
    assert 0.03 < np.mean([car.windows_end > 0 for car in some]) < 0.3  # delivery vans
    boots = np.array([car.rear_foot + car.half_length for car in some if not car.bed_depth])
    assert (boots > 0.1).mean() > 0.2  # saloons
    assert (boots < 0.08).mean() > 0.3  # hatchbacks and vans
