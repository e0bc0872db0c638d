"""Toy cats: geometry, camera and images against formulas and analytic cases."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from pof3d import cameras
from pof3d.data import toy_cats, toy_render
from pof3d.data.sdf import Array
from pof3d.data.toy_cats import Cat
from pof3d.data.toy_sets import TOY_CATS

CAMERA = TOY_CATS.camera


def cats(count: int, accept: Callable[[Cat], bool] = lambda _: True) -> list[Cat]:
    found: list[Cat] = []
    index = 0
    while len(found) < count:
        cat = toy_cats.random_cat(np.random.default_rng([77, index]))
        index += 1
        if accept(cat):
            found.append(cat)
    return found


# ------------------------------------------------------------------------------------------------- poses
def test_pose_distribution() -> None:
    poses = np.array([TOY_CATS.random_pose(np.random.default_rng([3, i])) for i in range(6000)])
    yaw, pitch = poses.T
    assert abs(yaw.mean()) < 0.02
    assert abs(pitch.mean()) < 0.01
    # Clipping at 2.67 and 2.78 standard deviations takes about one per cent off the spread.
    assert yaw.std() == pytest.approx(0.445, abs=0.012)
    assert pitch.std() == pytest.approx(0.179, abs=0.006)
    assert abs(yaw).max() == 1.2
    assert abs(pitch).max() == 0.5
    assert 0.003 < (abs(yaw) == 1.2).mean() < 0.013  # 2 (1 - Φ(2.667)) = 0.0077
    assert abs(np.corrcoef(yaw, pitch)[0, 1]) < 0.05


def test_camera_at_the_front() -> None:
    want = np.array([[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 2.7], [0, 0, 0, 1]])
    np.testing.assert_allclose(toy_render.cam2world(0.0, 0.0, CAMERA), want, atol=1e-12)


def test_camera_at_the_side_and_below() -> None:
    np.testing.assert_allclose(toy_render.cam2world(math.pi / 2, 0.0, CAMERA)[:3, 3], [2.7, 0, 0], atol=1e-12)
    np.testing.assert_allclose(
        toy_render.cam2world(0.0, math.pi / 6, CAMERA)[:3, 3],
        [0, -1.35, 2.7 * math.cos(math.pi / 6)],
        atol=1e-12,
    )


@pytest.mark.parametrize(("yaw", "pitch"), [(0.0, 0.0), (0.7, -0.3), (-1.2, 0.5)])
def test_camera_is_the_models_camera(yaw: float, pitch: float) -> None:
    hv = cameras.hv_from_yaw_pitch(torch.tensor([[yaw, pitch]], dtype=torch.float64), math.pi / 2)
    want = cameras.cam2world_from_hv(hv, 2.7, (0.0, 0.0, 0.0))[0].numpy()
    np.testing.assert_allclose(toy_render.cam2world(yaw, pitch, CAMERA), want, atol=1e-9)


def test_intrinsics() -> None:
    want = np.array([[4.2634, 0, 0.5], [0, 4.2634, 0.5], [0, 0, 1]])
    np.testing.assert_allclose(toy_render.intrinsics(CAMERA), want, atol=5e-5)


def test_rays_go_through_pixel_centres() -> None:
    rays = toy_render.camera_rays(toy_render.cam2world(0.0, 0.0, CAMERA), CAMERA.focal, 4)
    s = 0.375 / CAMERA.focal  # first pixel centre: 1/8 - 1/2 of the image's width
    want = np.array([-s, s, -1.0]) / math.sqrt(2 * s * s + 1)  # upper left; the image's y axis points down
    np.testing.assert_allclose(rays[:, 0, 0], want, atol=1e-6)
    np.testing.assert_allclose(rays[:, 0, 3], want * [-1, 1, 1], atol=1e-6)


# ---------------------------------------------------------------------------------------------- geometry
def test_cats_stay_inside_their_ball() -> None:
    directions = np.random.default_rng(0).normal(size=(3, 2000))
    shell = toy_cats.BOUND * directions / np.linalg.norm(directions, axis=0)
    assert all(cat.distance(shell).min() > 0 for cat in cats(40))


def test_cats_are_symmetric() -> None:
    p = np.random.default_rng(0).uniform(-0.3, 0.3, (3, 2000))
    mirrored = p * np.array([[-1.0], [1.0], [1.0]])
    for cat in cats(5):
        np.testing.assert_array_equal(cat.distance(p), cat.distance(mirrored))
        np.testing.assert_array_equal(cat.colour(p), cat.colour(mirrored))


def test_mirrored_yaw_mirrors_the_depth() -> None:
    for cat in cats(3):
        left = toy_render.render(cat, -0.6, 0.2, 32, CAMERA)[1]
        right = toy_render.render(cat, 0.6, 0.2, 32, CAMERA)[1][:, ::-1]
        both = (left > 0) & (right > 0)
        assert ((left > 0) != (right > 0)).sum() <= 2  # a silhouette pixel may fall to either side
        assert both.sum() > 200
        assert np.quantile(abs(left - right)[both], 0.98) < 1e-3


@pytest.mark.parametrize("yaw", [0.0, 0.9])
def test_tracing_a_sphere(monkeypatch: pytest.MonkeyPatch, yaw: float) -> None:
    centre, radius = np.array([0.05, -0.04, 0.06]), 0.2

    def ball(_: Cat, p: Array) -> Array:
        x, y, z = (p[i] - p.dtype.type(centre[i]) for i in range(3))
        return np.sqrt(x * x + y * y + z * z) - p.dtype.type(radius)

    monkeypatch.setattr(Cat, "distance", ball)
    got = toy_render.render(cats(1)[0], yaw, 0.3, 48, CAMERA)[1]
    matrix = toy_render.cam2world(yaw, 0.3, CAMERA)
    rays = toy_render.camera_rays(matrix, CAMERA.focal, 48).astype(np.float64)
    offset = matrix[:3, 3] - centre
    b = np.einsum("i,ihw->hw", offset, rays)
    disc = b * b - (offset @ offset - radius**2)
    clear = abs(disc) > 2e-4  # leave out rays that only touch
    want = np.where(disc > 0, -b - np.sqrt(np.maximum(disc, 0)), 0)
    np.testing.assert_allclose(got[clear], want[clear], atol=2e-3)
    inner = disc > 0.01
    np.testing.assert_allclose(got[inner], want[inner], atol=3e-4)


def test_depth_of_the_middle_pixel() -> None:
    """In an image of odd size the middle ray runs down the z axis: compare with bisection along it."""
    for cat in cats(4):
        low, high = 0.0, 0.3  # inside, outside
        for _ in range(50):
            middle = (low + high) / 2
            inside = cat.distance(np.array([[0.0], [0.0], [middle]]))[0] < 0
            low, high = (middle, high) if inside else (low, middle)
        depth = toy_render.render(cat, 0.0, 0.0, 17, CAMERA)[1]
        assert depth[8, 8] == pytest.approx(2.7 - low, abs=3e-4)


def test_traced_points_lie_on_the_surface() -> None:
    for cat in cats(4):
        matrix = toy_render.cam2world(0.8, -0.2, CAMERA)
        rays = toy_render.camera_rays(matrix, CAMERA.focal, 32).reshape(3, -1)
        found = toy_render.trace(cat, matrix[:3, 3], rays)
        hit = found > 0
        points = (matrix[:3, 3:] + rays[:, hit] * found[hit]).astype(np.float32)
        assert abs(cat.distance(points)).max() < 1e-3


def test_cautious_first_pass_changes_nothing_but_slivers() -> None:
    for cat in cats(3):
        matrix = toy_render.cam2world(-0.9, 0.1, CAMERA)
        depth = toy_render.render(cat, -0.9, 0.1, 32, CAMERA)[1]
        plain = toy_render.trace(
            cat, matrix[:3, 3], toy_render.camera_rays(matrix, CAMERA.focal, 32).reshape(3, -1)
        )
        plain = plain.reshape(32, 32)
        assert ((depth > 0) != (plain > 0)).sum() <= 1
        assert np.quantile(abs(depth - plain)[(depth > 0) & (plain > 0)], 0.99) < 2e-3


# ------------------------------------------------------------------------------------------------ images
@pytest.mark.parametrize(("yaw", "pitch"), [(0.0, 0.0), (0.4, 0.1), (-0.5, -0.15)])
def test_the_nose_is_where_the_labels_say(yaw: float, pitch: float) -> None:
    cat = cats(1, lambda cat: cat.nose_colour[0] > 0.8 and cat.fur[2] > 0.5)[0]
    tip = np.array(cat.nose_centre) + np.array([0.0, 0.0, cat.nose_radii[2]])
    matrix, k = toy_render.cam2world(yaw, pitch, CAMERA), toy_render.intrinsics(CAMERA)
    local = matrix[:3, :3].T @ (tip - matrix[:3, 3])
    u, v, _ = k @ (local / local[2])
    image, depth = toy_render.render(cat, yaw, pitch, 96, CAMERA)
    column, row = int(u * 96), int(v * 96)
    pixel = image[row, column] / 255
    want = np.array(cat.nose_colour)
    np.testing.assert_allclose(pixel / pixel.sum(), want / want.sum(), atol=0.02)  # shading keeps the hue
    assert depth[row, column] == pytest.approx(np.linalg.norm(tip - matrix[:3, 3]), abs=6e-3)


def test_image_and_depth_agree_and_the_background_is_white() -> None:
    for i in range(4):
        s = TOY_CATS.sample(5, i, 48)
        background = s.depth == 0
        assert s.image.shape == (48, 48, 3)
        assert s.image.dtype == np.uint8
        assert (s.image[0] == 255).all()
        # All four sub-rays of a pixel miss where its own ray and its neighbours' miss.
        far = background.copy()
        for shift in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            far &= np.roll(background, shift, (0, 1))
        assert (s.image[far] == 255).mean() > 0.999
        assert s.depth[~background].min() > 2.7 - toy_cats.BOUND
        assert s.depth.max() < 2.7 + toy_cats.BOUND


def test_the_face_fills_the_image() -> None:
    for cat in cats(6):
        hit = toy_render.render(cat, 0.0, 0.0, 48, CAMERA)[1] > 0
        width, height = hit.any(0).mean(), hit.any(1).mean()
        assert 0.6 < width < 0.85
        assert 0.65 < height < 0.9


def test_samples_are_reproducible_and_differ() -> None:
    one, again, other = (TOY_CATS.sample(2, i, 24) for i in (7, 7, 8))
    assert one.toy == again.toy
    assert (one.yaw, one.pitch) == (again.yaw, again.pitch)
    np.testing.assert_array_equal(one.image, again.image)
    np.testing.assert_array_equal(one.depth, again.depth)
    assert one.toy != other.toy
    assert TOY_CATS.sample(3, 7, 24).toy != one.toy


def test_furs_stand_out_from_the_background_and_differ() -> None:
    furs = np.array([cat.fur for cat in cats(200)])
    assert furs.min(axis=1).max() < 0.8
    assert (furs.std(axis=0) > 0.1).all()
