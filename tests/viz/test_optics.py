"""From a View's camera to rays."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pof3d.config import CameraConfig, RenderConfig
from viz.frame import Pose
from viz.optics import Optics, optics_of, picture_pose
from viz.view import CameraView, PoseView, View

CAMERA = CameraConfig(radius=2.7, pivot=(0.0, 0.0, 0.2))
RENDER = RenderConfig(ray_start=2.25, ray_end=3.3)
FRONT = Pose(0.0, 0.0)


def optics(pose: Pose = FRONT, **asked: object) -> Optics:
    return optics_of(pose, CameraView(**asked), CAMERA, RENDER)  # type: ignore[arg-type]


def eye(of: Optics) -> np.ndarray:
    return np.array(of.cam2world).reshape(4, 4)[:3, 3]


def forward(of: Optics) -> np.ndarray:
    return np.array(of.cam2world).reshape(4, 4)[:3, 2]


def test_the_front_looks_at_the_pivot_from_the_networks_distance() -> None:
    front = optics()
    np.testing.assert_allclose(eye(front), [0.0, 0.0, 2.7], atol=1e-6)
    np.testing.assert_allclose(forward(front), [0.0, 0.0, -1.0], atol=1e-6)
    assert front.focal == CAMERA.focal
    assert front.depth_shift == 0.0


def test_which_pose_counts() -> None:
    view = View(pose=PoseView("predicted", 0.1, 0.2), camera=CameraView(yaw=0.3, pitch=0.4))
    predicted = Pose(0.5, 0.6)
    poses = {
        source: picture_pose(replace(view, pose=replace(view.pose, source=source)), predicted)
        for source in ("predicted", "override", "free")
    }
    assert poses == {"predicted": predicted, "override": Pose(0.1, 0.2), "free": Pose(0.3, 0.4)}


@given(st.floats(0.05, 20.0), st.floats(-3.0, 3.0), st.floats(-1.2, 1.2))
def test_the_range_of_samples_follows_the_content(radius: float, yaw: float, pitch: float) -> None:
    """The pivot stays at the same place within the range, however far away the camera is."""
    pose = Pose(yaw, pitch)
    own, moved = optics(pose), optics(pose, radius=radius)
    pivot = np.array(CAMERA.pivot)
    distances = [float(forward(o) @ (pivot - eye(o))) for o in (own, moved)]
    expected = max(distances[1] - distances[0], 0.01 - RENDER.ray_start)
    assert moved.depth_shift == pytest.approx(expected, abs=1e-5)


def test_pan_moves_camera_and_pivot() -> None:
    panned = optics(pan=(0.1, 0.2, 0.0))
    np.testing.assert_allclose(eye(panned), [0.1, 0.2, 2.7], atol=1e-6)
    np.testing.assert_allclose(forward(panned), forward(optics()), atol=1e-6)
    assert panned.depth_shift == pytest.approx(0.0, abs=1e-6)
    assert optics(pan=(0.0, 0.0, 0.3)).depth_shift == pytest.approx(0.3, abs=1e-6)


def test_roll_turns_about_the_viewing_direction() -> None:
    rolled = optics(roll=math.pi / 2)
    np.testing.assert_allclose(forward(rolled), forward(optics()), atol=1e-6)
    right = np.array(rolled.cam2world).reshape(4, 4)[:3, 0]
    down = np.array(optics().cam2world).reshape(4, 4)[:3, 1]
    np.testing.assert_allclose(right, down, atol=1e-6)


def test_field_of_view() -> None:
    assert optics(fov=math.radians(18.837)).focal == pytest.approx(4.2634, abs=1e-4)
    assert optics(fov=math.radians(60.0)).focal == pytest.approx(
        1 / (math.tan(math.radians(30.0)) * 1.414), rel=1e-5
    )


def test_the_generators_own_camera_is_used_to_the_last_bit() -> None:
    own = tuple(float(i) for i in range(16))
    for asked, used in (
        (CameraView(), True),
        (CameraView(fov=0.5), True),
        (CameraView(roll=0.1), False),
        (CameraView(radius=2.7), False),
        (CameraView(pan=(0.1, 0.0, 0.0)), False),
    ):
        assert (optics_of(FRONT, asked, CAMERA, RENDER, own).cam2world == own) is used
