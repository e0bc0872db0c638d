"""The mouse in the picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from imgui_bundle import imgui

from tests.viz.app.conftest import Desk
from viz.navigation import home

pytestmark = pytest.mark.window


def middle(desk: Desk, dx: float = 0.0, dy: float = 0.0) -> tuple[float, float]:
    x, y = desk.user.rect("Viewport/Picture").centre
    return x + dx, y + dy


def test_left_drag_orbits_from_the_predicted_pose(desk: Desk) -> None:
    assert desk.program.frame is not None
    start = desk.program.frame.generator_pose
    desk.user.drag(middle(desk), middle(desk, 50, 20))
    assert desk.view.pose.source == "free"
    assert math.degrees(desk.view.camera.yaw - start.yaw) == pytest.approx(-20, abs=0.01)
    assert math.degrees(desk.view.camera.pitch - start.pitch) == pytest.approx(-8, abs=0.01)
    # The picture followed every step, not only the last.
    assert len(desk.rendering.submitted) >= 8


def test_a_drag_within_one_frame_counts(desk: Desk) -> None:
    desk.user.move(middle(desk))
    desk.window.on_mouse_button(0, True)
    desk.window.on_mouse_move(*middle(desk, 20, 0))
    desk.window.on_mouse_move(*middle(desk, 50, 0))
    desk.window.on_mouse_button(0, False)
    desk.user.frame(5)
    assert desk.program.frame is not None
    start = desk.program.frame.generator_pose
    assert math.degrees(desk.view.camera.yaw - start.yaw) == pytest.approx(-20, abs=0.01)
    assert desk.program.can_undo
    desk.program.undo()
    assert not desk.program.can_undo


def test_a_click_moves_nothing(desk: Desk) -> None:
    before = desk.view
    desk.user.drag(middle(desk), middle(desk, 1, 1))
    assert desk.view == before


@pytest.mark.parametrize("how", ["right", "shift"])
def test_pan_keeps_the_pose(desk: Desk, how: str) -> None:
    desk.user.drag(
        middle(desk),
        middle(desk, 40, 0),
        button=1 if how == "right" else 0,
        keys=() if how == "right" else (imgui.Key.left_shift,),
    )
    assert desk.view.pose.source == "predicted"
    assert desk.view.camera.pan != (0.0, 0.0, 0.0)
    assert np.linalg.norm(desk.view.camera.pan) < 0.5


def test_wheel_zooms_both_ways(desk: Desk) -> None:
    desk.user.wheel(middle(desk), 2)
    assert desk.view.camera.fov is not None
    nearer = desk.view.camera.fov
    desk.user.wheel(middle(desk), 1)
    assert desk.view.camera.fov < nearer
    desk.user.wheel(middle(desk), -3)
    assert desk.view.camera.fov is None


def test_double_click_goes_home(desk: Desk) -> None:
    desk.user.drag(middle(desk), middle(desk, 60, 0))
    desk.user.wheel(middle(desk), 2)
    desk.user.drag(middle(desk), middle(desk, 0, 30), button=1)
    desk.user.frame(30)
    desk.user.double_click(middle(desk))
    assert desk.view == home(desk.view)
    desk.user.move(middle(desk, 80, 80))
    assert desk.view == home(desk.view)


def test_a_drag_is_one_step_to_undo(desk: Desk) -> None:
    before = desk.view
    desk.user.drag(middle(desk), middle(desk, 60, 10), steps=12)
    moved = desk.view
    desk.user.key(imgui.Key.z, imgui.Key.left_ctrl)
    assert desk.view == before
    desk.user.key(imgui.Key.y, imgui.Key.left_ctrl)
    assert desk.view == moved
    desk.user.key(imgui.Key.z, imgui.Key.left_ctrl)
    desk.user.key(imgui.Key.z, imgui.Key.left_ctrl, imgui.Key.left_shift)
    assert desk.view == moved


def test_escape_takes_a_drag_back(desk: Desk) -> None:
    before = desk.view
    desk.user.drag(middle(desk), middle(desk, 60, 10), release=False)
    assert desk.view != before
    desk.user.key(imgui.Key.escape)
    assert desk.view == before
    desk.user.move(middle(desk, 90, 10))
    assert desk.view == before
    desk.user.button(False)


def test_a_drag_goes_on_outside_the_picture(desk: Desk) -> None:
    desk.user.drag(middle(desk), (200, 300))
    assert desk.view.pose.source == "free"
    assert desk.view.camera.yaw > math.radians(60)


def test_a_drag_stops_the_turntable(desk: Desk) -> None:
    desk.user.key(imgui.Key.space)
    desk.user.frame(10)
    assert desk.playing()
    desk.user.drag(middle(desk), middle(desk, 30, 0))
    assert not desk.playing()
    stopped = desk.view
    desk.user.frame(5)
    assert desk.view == stopped


def test_panels_keep_the_mouse_to_themselves(desk: Desk) -> None:
    before = desk.view
    panel = desk.user.rect("One")
    desk.user.drag(panel.at(0.5, 0.9), panel.at(0.5, 0.6))
    desk.user.wheel(panel, 2)
    assert desk.view == before


def test_the_picture_is_whole_and_undistorted(desk: Desk) -> None:
    picture, viewport = desk.user.rect("Viewport/Picture"), desk.user.rect("Viewport")
    assert viewport.contains(picture)
    assert picture.width == pytest.approx(picture.height)
    desk.user.key(imgui.Key.h)
    pixels = desk.user.screenshot()
    x, y = map(int, picture.at(0.02, 0.02))
    assert tuple(pixels[y, x]) == (235, 235, 235)
    assert pixels[int(viewport.top) + 2, x].max() < 40


def test_the_second_press_of_a_double_click_may_become_a_drag(desk: Desk) -> None:
    user = desk.user
    user.click(middle(desk))
    user.drag(middle(desk), middle(desk, 50, 0))
    assert desk.program.frame is not None
    start = desk.program.frame.generator_pose
    assert desk.view.pose.source == "free"
    assert math.degrees(desk.view.camera.yaw - start.yaw) == pytest.approx(-20, abs=0.01)


def test_a_click_soon_after_a_drag_is_no_double_click(desk: Desk) -> None:
    desk.user.drag(middle(desk), middle(desk, 50, 0))
    turned = desk.view
    desk.user.drag(middle(desk), middle(desk, 50, 0))
    desk.user.click(middle(desk))
    assert desk.view.pose.source == "free"
    assert desk.view != turned


def test_a_drag_after_a_menu_was_closed_by_escape_orbits(desk: Desk) -> None:
    desk.user.click("Menu/File")
    desk.user.frame(3)
    assert "Menu/Quit" in desk.user.registry.rects
    desk.user.key(imgui.Key.escape)
    assert "Menu/Quit" not in desk.user.registry.rects
    desk.user.drag(middle(desk), middle(desk, 50, 20))
    assert desk.view.pose.source == "free"


def test_a_press_where_the_mouse_was_not_before_counts(desk: Desk) -> None:
    """As a finger does it: position, press and release between two frames."""
    place = desk.user.rect("Two/Press").at(0.5, 0.5)
    desk.window.on_mouse_move(5.0, 5.0)
    desk.user.frame(2)
    desk.window.on_mouse_move(*place)
    desk.window.on_mouse_button(0, True)
    desk.window.on_mouse_button(0, False)
    desk.user.frame(6)
    assert desk.panels[1].presses == 1
    picture = desk.user.rect("Viewport/Picture")
    desk.window.on_mouse_move(*picture.at(0.5, 0.5))
    desk.window.on_mouse_button(0, True)
    desk.user.frame(3)
    desk.window.on_mouse_move(*picture.at(0.55, 0.5))
    desk.user.frame(2)
    desk.window.on_mouse_button(0, False)
    desk.user.frame(2)
    assert desk.view.pose.source == "free"
