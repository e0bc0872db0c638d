"""Two fingers on a touchpad, and the keyboard's focus beside the shortcuts."""

from __future__ import annotations

import math

import pytest
from imgui_bundle import imgui

from tests.viz.app.conftest import Desk

pytestmark = pytest.mark.window


def scroll(desk: Desk, x: float, y: float, *held: imgui.Key, count: int = 1) -> None:
    desk.user.move(desk.user.rect("Viewport/Picture").at(0.5, 0.4))
    for key in held:
        desk.window.on_key(key, True)
    desk.user.frame()
    for _ in range(count):
        desk.window.on_wheel(x, y)
        desk.user.frame()
    for key in held:
        desk.window.on_key(key, False)
    desk.user.frame()


def fov(desk: Desk) -> float:
    assert desk.view.camera.fov is not None
    return desk.view.camera.fov


def test_many_small_steps_zoom_like_one(desk: Desk) -> None:
    scroll(desk, 0.0, 2.0)
    at_once = fov(desk)
    scroll(desk, 0.0, -2.0)
    scroll(desk, 0.02, 0.1, count=20)
    assert fov(desk) == pytest.approx(at_once, rel=1e-4)
    assert desk.view.camera.pan == (0.0, 0.0, 0.0), "fingers never go quite straight"
    desk.program.undo()
    desk.program.undo()
    assert desk.view.camera.fov is None or math.isclose(fov(desk), at_once), "a gesture is no twenty steps"


def test_sideways_pans_and_does_not_zoom(desk: Desk) -> None:
    scroll(desk, 0.5, 0.1, count=4)
    assert desk.view.camera.fov is None
    right = desk.view.camera.pan
    assert right[0] != 0.0
    assert right[1] == pytest.approx(0.0, abs=1e-9)
    scroll(desk, -0.5, 0.0, count=4)
    assert desk.view.camera.pan == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)


def test_shift_pans_in_both_directions(desk: Desk) -> None:
    scroll(desk, 0.2, 0.4, imgui.Key.left_shift, count=3)
    assert desk.view.camera.fov is None
    assert desk.view.camera.pan[1] != 0.0


def test_a_pinch_zooms(desk: Desk) -> None:
    scroll(desk, 0.0, 0.3, imgui.Key.left_ctrl, count=3)
    assert desk.view.camera.pan == (0.0, 0.0, 0.0)
    plain = fov(desk)
    scroll(desk, 0.0, -0.3, imgui.Key.left_ctrl, imgui.Key.left_shift, count=3)
    assert desk.view.camera.fov is None or fov(desk) > plain


def test_space_presses_what_has_the_focus_instead_of_turning(desk: Desk) -> None:
    desk.user.click(desk.user.rect("One").at(0.5, 0.9))
    desk.window.on_mouse_leave()
    for _ in range(8):
        desk.user.key(imgui.Key.tab)
        desk.user.key(imgui.Key.space)
        if desk.panels[0].presses:
            break
    assert desk.panels[0].presses == 1
    assert not desk.playing()
    desk.user.key(imgui.Key.escape)
    desk.user.key(imgui.Key.d)
    assert desk.mode() == "depth", "other keys are shortcuts all the time"
    desk.user.click(desk.user.rect("Viewport").at(0.5, 0.05))
    desk.user.key(imgui.Key.space)
    assert desk.playing()
