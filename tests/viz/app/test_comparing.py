"""Compared Views in the window: keys, clicks, drags, the divider."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from imgui_bundle import imgui

from tests.viz.app.conftest import Desk
from viz.marks import Rect
from viz.panes import cells, fitted

pytestmark = pytest.mark.window


def compare(desk: Desk, *, linked: bool = True) -> None:
    """Seed 0 at the left, seed 3 at the right and active."""
    desk.user.key(imgui.Key.c)
    desk.user.type("]]]")
    desk.program.change_comparison(replace(desk.program.comparison, linked=linked))
    desk.user.frame(2)


def shown(desk: Desk) -> list[int]:
    return [view.latent.seed for view in desk.program.compare_state().views]


def test_c_shows_panes_and_the_view_alone_again(desk: Desk) -> None:
    alone = desk.user.rect("Viewport/Picture")
    compare(desk)
    panes = [desk.user.rect(f"Viewport/Pane {i}") for i in (1, 2)]
    viewport = desk.user.rect("Viewport")
    assert all(viewport.contains(pane) and pane.width == pytest.approx(pane.height) for pane in panes)
    assert not panes[0].overlaps(panes[1])
    assert desk.user.rect("Viewport/Picture").centre == panes[1].centre, "the active one's"
    desk.user.key(imgui.Key.h)
    pixels = desk.user.screenshot()
    colours = [tuple(pixels[int(pane.centre[1]), int(pane.centre[0])]) for pane in panes]
    assert colours == [(0, 140, 255), (111, 140, 144)], "the discs of seeds 0 and 3"
    desk.user.key(imgui.Key.c)
    assert "Viewport/Pane 1" not in desk.user.registry.rects
    assert desk.user.rect("Viewport/Picture") == alone
    pixels = desk.user.screenshot()
    assert tuple(pixels[int(alone.centre[1]), int(alone.centre[0])]) == (111, 140, 144)


@pytest.mark.parametrize("pane", [1, 2])
def test_a_drag_in_any_linked_pane_turns_all(desk: Desk, pane: int) -> None:
    compare(desk)
    assert desk.program.frame is not None
    start = desk.program.frame.camera_pose
    middle = desk.user.rect(f"Viewport/Pane {pane}").centre
    desk.user.drag(middle, (middle[0] + 50, middle[1]))
    assert math.degrees(desk.view.camera.yaw - start.yaw) == pytest.approx(-20, abs=0.01)
    assert desk.program.comparison.active == 1, "a drag is no click"
    assert {view.camera.yaw for view in desk.program.compare_state().views} == {desk.view.camera.yaw}
    assert {view.camera.yaw for view in desk.rendering.companions.values()} == {desk.view.camera.yaw}


def test_a_click_makes_a_pane_active(desk: Desk) -> None:
    compare(desk)
    desk.user.click("Viewport/Pane 1")
    assert (desk.view.latent.seed, desk.program.comparison.active) == (0, 0)
    assert shown(desk) == [0, 3]
    desk.program.undo()
    desk.user.frame(2)
    assert (desk.view.latent.seed, desk.program.comparison.active) == (3, 1)
    assert shown(desk) == [0, 3]


def test_a_drag_in_an_unlinked_pane_turns_that_one(desk: Desk) -> None:
    compare(desk, linked=False)
    middle = desk.user.rect("Viewport/Pane 1").centre
    desk.user.drag(middle, (middle[0] + 50, middle[1]))
    assert desk.program.comparison.active == 0
    assert desk.view.pose.source == "free"
    # From its own predicted pose, not from the other pane's.
    assert math.degrees(desk.view.camera.yaw) == pytest.approx(-20, abs=0.01)
    assert desk.program.compare_state().views[1].pose.source == "predicted"


def test_the_wheel(desk: Desk) -> None:
    compare(desk)
    desk.user.wheel("Viewport/Pane 1", 2)
    assert desk.program.comparison.active == 1
    assert desk.view.camera.fov is not None
    assert {view.camera.fov for view in desk.program.compare_state().views} == {desk.view.camera.fov}


def test_the_divider_of_a_wipe(desk: Desk) -> None:
    compare(desk)
    desk.user.key(imgui.Key.h)
    desk.user.key(imgui.Key.w)
    picture = desk.user.rect("Viewport/Picture")
    assert desk.user.rect("Viewport/Divider").centre[0] == pytest.approx(picture.centre[0], abs=1)
    before = desk.view
    desk.user.drag("Viewport/Divider", picture.at(0.75, 0.5))
    assert desk.program.comparison.divider == pytest.approx(0.75, abs=0.01)
    assert desk.view == before
    pixels = desk.user.screenshot()
    y = int(picture.at(0, 0.4)[1])
    left, right = (tuple(pixels[y, int(picture.at(x, 0)[0])]) for x in (0.6, 0.79))
    assert (left, right) == ((0, 140, 255), (111, 140, 144))
    desk.user.drag("Viewport/Divider", picture.at(2.0, 0.5))
    assert desk.program.comparison.divider == 1.0
    desk.user.click(picture.at(0.3, 0.3))
    assert desk.view.latent.seed == 0
    desk.user.key(imgui.Key.w)
    assert desk.program.comparison.layout == "side_by_side"


def test_the_difference_is_drawn(desk: Desk) -> None:
    compare(desk)
    desk.program.change_comparison(replace(desk.program.comparison, layout="difference", gain=32.0))
    desk.user.frame(2)
    place = desk.user.rect("Viewport/Difference")
    pixels = desk.user.screenshot()
    corner, middle = (pixels[int(y), int(x)] for x, y in (place.at(0.97, 0.03), place.centre))
    assert corner.max() < 10, "there is no difference"
    assert middle.min() > 150, "there is one"


def test_pictures_of_other_shapes_have_no_difference(desk: Desk) -> None:
    compare(desk)
    display = replace(desk.view.display, mode="side_by_side")
    desk.program.edit(replace(desk.view, display=display))
    desk.program.show_layout("difference")
    desk.user.frame(3)
    assert "Viewport/Difference" not in desk.user.registry.rects
    wide = desk.user
    wide.key(imgui.Key.w)
    assert wide.rect("Viewport/Picture").width == pytest.approx(
        2 * wide.rect("Viewport/Picture").height, rel=0.01
    )


def test_four_panes_and_none_left_over(desk: Desk) -> None:
    desk.user.key(imgui.Key.c)
    for _ in range(2):
        desk.program.pin_view()
    desk.user.type("]")
    desk.user.frame(2)
    rects = [desk.user.rect(f"Viewport/Pane {i}") for i in range(1, 5)]
    assert not any(a.overlaps(b) for a in rects for b in rects if a is not b)
    for _ in range(3):
        desk.program.remove_pane(0)
    desk.user.frame(2)
    assert "Viewport/Pane 1" not in desk.user.registry.rects
    assert desk.user.rect("Viewport/Picture").width > rects[0].width


def test_places() -> None:
    whole = Rect(10, 20, 410, 320)
    assert cells(whole, 1, 10) == [Rect(20, 30, 400, 310)]
    assert cells(whole, 2, 10) == [Rect(20, 30, 205, 310), Rect(215, 30, 400, 310)]
    three = cells(whole, 3, 10)
    assert [(cell.left, cell.top) for cell in three] == [(20, 30), (215, 30), (20, 175)]
    place = fitted(three[0], np.zeros((10, 20, 4)).shape)
    assert place is not None
    assert place.width == pytest.approx(2 * place.height)
    assert three[0].contains(place, 1.0)
    assert fitted(Rect(0, 0, -5, 10), (4, 4)) is None
