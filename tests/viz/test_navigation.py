"""Mouse movements as changes of the View, checked by projecting points with the model's own cameras."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pof3d.cameras import orbit_cam2world
from pof3d.config import CARS, CATS, FFHQ, CameraConfig, fov_from_focal
from viz import navigation
from viz.frame import Pose
from viz.view import PITCH_LIMIT, CameraView, PoseView, View

CAMERAS = {"cats": CATS.generator.camera, "ffhq": FFHQ.generator.camera, "cars": CARS.generator.camera}


def project(point: NDArray[np.float64], view: View, camera: CameraConfig) -> NDArray[np.float64]:
    """Where a point of the world appears, picture widths from the left top corner."""
    asked = view.camera
    matrix = (
        orbit_cam2world(
            asked.yaw,
            asked.pitch,
            camera=camera,
            radius=asked.radius,
            pivot_offset=asked.pan,
            roll=asked.roll,
        )[0]
        .double()
        .numpy()
    )
    local = matrix[:3, :3].T @ (point - matrix[:3, 3])
    return local[:2] / local[2] * navigation.focal_of(asked, camera) + 0.5


def free(yaw: float = 0.0, pitch: float = 0.0, **camera: object) -> View:
    return View(pose=PoseView("free"), camera=replace(CameraView(yaw, pitch), **camera))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize(("dx", "dy"), [(10, 0), (-10, 0), (0, 10), (0, -10)])
def test_orbit_takes_the_front_along(name: str, dx: float, dy: float) -> None:
    camera = CAMERAS[name]
    # The point of the object nearest to the camera: it must move the way the cursor does.
    front = orbit_cam2world(0.2, 0.1, camera=camera)[0, :3, 3].double().numpy()
    nearest = np.array(camera.pivot) + 0.2 * (front - np.array(camera.pivot)) / np.linalg.norm(front)
    start = free(0.2, 0.1)
    moved = navigation.orbit(start, Pose(0.2, 0.1), dx, dy)
    way = project(nearest, moved, camera) - project(nearest, start, camera)
    assert way @ np.array([dx, dy]) > 0
    assert abs(way @ np.array([dy, dx])) < 0.2 * abs(way @ np.array([dx, dy]))


def test_orbit_turns_by_the_pixel_and_stops_at_the_poles() -> None:
    view = navigation.orbit(View(), Pose(0.1, 0.2), 50, -10)
    assert view.pose.source == "free"
    assert math.degrees(view.camera.yaw) == pytest.approx(math.degrees(0.1) - 20)
    assert math.degrees(view.camera.pitch) == pytest.approx(math.degrees(0.2) + 4)
    assert navigation.orbit(View(), Pose(0, 0), 0, 1e4).camera.pitch == -PITCH_LIMIT
    assert navigation.orbit(View(), Pose(0, 0), 0, -1e4).camera.pitch == PITCH_LIMIT
    assert abs(navigation.orbit(View(), Pose(3.1, 0), -50, 0).camera.yaw) <= math.pi


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize("roll", [0.0, 0.7])
@pytest.mark.parametrize("radius", [None, 2.2])
def test_pan_follows_the_cursor(name: str, roll: float, radius: float | None) -> None:
    camera = CAMERAS[name]
    start = free(0.5, -0.3, roll=roll, radius=radius, fov=math.radians(25.0))
    moved = navigation.pan(start, Pose(0.5, -0.3), camera, 0.11, -0.07)
    pivot = np.array(camera.pivot)
    way = project(pivot, moved, camera) - project(pivot, start, camera)
    np.testing.assert_allclose(way, [0.11, -0.07], atol=1e-5)


def test_pan_has_an_end() -> None:
    view = navigation.pan(View(), Pose(0.4, 0.2), CATS.generator.camera, 100.0, 100.0)
    assert max(map(abs, view.camera.pan)) == pytest.approx(navigation.PAN_LIMIT)


def test_zoom_and_back_is_the_networks_own() -> None:
    camera = CATS.generator.camera
    own = fov_from_focal(camera.focal)
    nearer = navigation.zoom(View(), camera, 3)
    assert nearer.camera.fov is not None
    assert math.degrees(nearer.camera.fov) < 0.75 * own
    assert navigation.zoom(nearer, camera, -3) == View()
    assert navigation.zoom(View(), camera, 100).camera.fov == navigation.FOV_LIMITS[0]
    assert navigation.zoom(View(), camera, -100).camera.fov == navigation.FOV_LIMITS[1]


def test_home_keeps_what_is_not_the_camera() -> None:
    view = free(0.5, 0.1, roll=0.3, radius=2.0, fov=0.5, pan=(0.1, 0.0, 0.2))
    view = replace(view, latent=replace(view.latent, x=4.0), pose=PoseView("override", 0.3, 0.1))
    home = navigation.home(view)
    assert home.pose == PoseView("predicted", 0.3, 0.1)
    assert (home.camera.roll, home.camera.radius, home.camera.fov, home.camera.pan) == (
        0,
        None,
        None,
        (0, 0, 0),
    )
    assert home.latent == view.latent
