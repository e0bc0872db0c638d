"""The Camera panel: orbit, lens, pan and turntable."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pof3d.config import CARS, TOY_CATS, fov_from_focal
from tests.widgets.stage import G_POSE, Stage, context, info
from viz.panel import Turntable
from viz.view import CameraView, View
from viz.window.offscreen import OffscreenWindow
from widgets.camera import CameraPanel, with_fov, with_radius


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, CameraPanel(), context(), size=(304, 420))


OWN_FOV = fov_from_focal(TOY_CATS.generator.camera.focal)
OWN_RADIUS = TOY_CATS.generator.camera.radius


def test_the_networks_own_values_are_stored_as_such() -> None:
    assert with_fov(CameraView(fov=1.0), 18.8, 18.8).fov is None
    assert with_fov(CameraView(), 20.0, 18.8).fov == pytest.approx(math.radians(20.0))
    assert with_radius(CameraView(radius=3.0), 2.7, 2.7).radius is None
    assert with_radius(CameraView(), 3.0, 2.7).radius == 3.0


def test_moving_yaw_frees_the_camera_where_it_is(stage: Stage) -> None:
    stage.type_into("Camera/Yaw", "-120")
    assert stage.view.pose.source == "free"
    assert math.degrees(stage.view.camera.yaw) == pytest.approx(-120)
    assert stage.view.camera.pitch == G_POSE.pitch


CLAMPED: list[tuple[str, str, str, float | tuple[float, float, float]]] = [
    ("Pitch", "200", "pitch", math.radians(85.0)),
    ("Pitch", "-200", "pitch", math.radians(-85.0)),
    ("Roll", "999", "roll", math.pi),
    ("Field of view", "0.1", "fov", math.radians(4.0)),
    ("Field of view", "900", "fov", math.radians(100.0)),
    ("Radius", "1000", "radius", 2.5 * OWN_RADIUS),
    ("Radius", "-1", "radius", 0.4 * OWN_RADIUS),
    ("Pan X", "7", "pan", (1.0, 0.0, 0.0)),
    ("Pan Z", "-7", "pan", (1.0, 0.0, -1.0)),
]


def test_typed_values_are_clamped(stage: Stage) -> None:
    for name, typed, field, expected in CLAMPED:
        stage.type_into(f"Camera/{name}", typed)
        assert getattr(stage.view.camera, field) == pytest.approx(expected, rel=1e-5), (name, typed)


def test_everything_can_be_reset(stage: Stage) -> None:
    stage.view = replace(View(), camera=CameraView(0.4, 0.2, 0.3, 3.3, 0.6, (0.1, 0.2, 0.3)))
    stage.view = replace(stage.view, pose=replace(stage.view.pose, source="free"))
    stage.frame(2)
    for name in ("Yaw", "Pitch", "Roll", "Field of view", "Radius", "Pan X", "Pan Y", "Pan Z"):
        stage.click(f"Camera/{name} reset")
    assert stage.view.camera == CameraView()


def test_defaults_are_the_networks_own(stage: Stage) -> None:
    stage.context = context(network=info(CARS))
    stage.frame(2)
    assert not stage.rect("Camera/Radius reset").enabled
    assert not stage.rect("Camera/Field of view reset").enabled
    stage.type_into("Camera/Radius", "1.9")
    stage.click("Camera/Radius reset")
    assert stage.view.camera.radius is None


def test_turntable(stage: Stage) -> None:
    stage.click("Camera/Play")
    assert stage.calls == [("set_turntable", Turntable(True, 45.0))]
    stage.context = context(turntable=Turntable(True, 45.0))
    stage.frame()
    stage.click("Camera/Pause")
    assert stage.calls[-1] == ("set_turntable", Turntable(False, 45.0))
    stage.type_into("Camera/Speed", "1000")
    assert stage.calls[-1] == ("set_turntable", Turntable(True, 180.0))
