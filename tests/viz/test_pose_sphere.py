"""Where poses lie on the sphere of cameras."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pof3d.cameras import orbit_cam2world
from pof3d.config import TOY_CATS
from tests.viz.stand_ins import histogram
from viz import pose_sphere
from viz.frame import Pose
from viz.pose_sphere import direction, dragged, pose_at, turned
from viz.view import PITCH_LIMIT

yaws = st.floats(-math.pi, math.pi)
pitches = st.floats(-1.4, 1.4)


def test_named_directions() -> None:
    np.testing.assert_allclose(direction(0.0, 0.0), [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(direction(math.pi / 2, 0.0), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(direction(0.0, math.pi / 2), [0, -1, 0], atol=1e-12)


@given(yaws, pitches)
def test_cameras_stand_where_the_model_puts_them(yaw: float, pitch: float) -> None:
    camera = TOY_CATS.generator.camera
    origin = orbit_cam2world(yaw, pitch, camera=camera)[0, :3, 3].numpy()
    np.testing.assert_allclose(direction(yaw, pitch), origin / np.linalg.norm(origin), atol=1e-5)


@given(yaws, pitches, yaws, pitches)
def test_a_place_leads_back_to_its_pose(yaw: float, pitch: float, eye_yaw: float, eye_pitch: float) -> None:
    eye = Pose(eye_yaw, eye_pitch)
    x, y, z = turned(direction(yaw, pitch), eye)
    found = pose_at(float(x), float(y), eye)
    if z > 0.05:
        assert found is not None
        assert found.pitch == pytest.approx(pitch, abs=1e-5)
        assert math.remainder(found.yaw - yaw, math.tau) == pytest.approx(0.0, abs=1e-4)


def test_beside_the_disc_there_is_nothing() -> None:
    assert pose_at(0.8, 0.8, pose_sphere.START) is None


def test_the_top_is_within_what_a_camera_can_do() -> None:
    found = pose_at(0.0, 0.0, Pose(0.3, -math.pi / 2))
    assert found is not None
    assert found.pitch == pytest.approx(-PITCH_LIMIT)


def test_dragging_moves_the_near_side_with_the_mouse() -> None:
    eye = Pose(0.2, -0.1)
    front = direction(0.2, -0.1)
    right, up = dragged(eye, 0.1, 0.0), dragged(eye, 0.0, 0.1)
    assert turned(front, right)[0] > 0.05
    assert turned(front, up)[1] > 0.05
    assert dragged(eye, 0.0, 99.0).pitch == pose_sphere.TILT_LIMIT


def test_the_eye_of_a_camera_is_at_its_pose_and_its_picture_before_the_subject() -> None:
    points = pose_sphere.frustum(Pose(0.7, 0.3))
    np.testing.assert_allclose(points[0], direction(0.7, 0.3))
    middle = points[1:].mean(axis=0)
    assert 0 < np.linalg.norm(middle) < 1
    np.testing.assert_allclose(middle / np.linalg.norm(middle), points[0], atol=1e-12)


def test_lines_lie_on_the_sphere() -> None:
    lines, main = pose_sphere.graticule()
    np.testing.assert_allclose(np.linalg.norm(lines, axis=2), 1.0)
    assert main.sum() == 2
    assert main.shape == lines.shape[:1]


def test_density_is_by_area() -> None:
    """One share in a bin at the horizon and the same in one near the pole: the second is denser."""
    counts = np.zeros((8, 8), np.int64)
    counts[4, 4] = counts[4, 0] = 10
    edges = np.linspace(-math.pi, math.pi, 9), np.linspace(-1.5, 1.5, 9)
    found = pose_sphere.density(
        replace(histogram(), counts=counts, yaw_edges=edges[0], pitch_edges=edges[1]), coarse=1
    )
    assert found.corners.shape == (2, 4, 3)
    heights = np.abs(found.corners[:, :, 1].mean(axis=1))
    assert found.brightness[np.argmax(heights)] == 1.0
    areas = np.diff(np.sin(edges[1]))
    assert found.brightness.min() == pytest.approx(math.sqrt(areas[0] / areas[4]))


def test_what_the_network_has_learned_is_where_its_poses_are() -> None:
    found = pose_sphere.density(histogram())
    densest = found.corners[np.argmax(found.brightness)].mean(axis=0)
    assert densest @ direction(0.0, 0.02) > 0.95
    assert ((found.brightness > 0) & (found.brightness <= 1)).all()
