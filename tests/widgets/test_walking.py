"""The path on the seed map, the space in between, and the lock, by mouse."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from imgui_bundle import imgui

from tests.widgets.stage import Stage, context
from viz.explore_state import ExploreState
from viz.view import LatentView, PoseView, View
from viz.walks import Walk, WalkPath
from viz.window.offscreen import OffscreenWindow
from widgets.latent import CELL_EM, LatentPanel

PATH = WalkPath(((0.0, 0.0), (2.0, 0.0)))


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, LatentPanel(random.Random(7)), context(), size=(304, 420))


def walking(walk: Walk | None) -> Any:
    return context(explore=ExploreState(walk=walk))


def walks(stage: Stage) -> list[Walk]:
    """What the panel has asked for."""
    return [call[1] for call in stage.calls if call[0] == "set_walk"]


def draw_line(stage: Stage, key: imgui.Key | None = None) -> None:
    """From the centre of the map two seeds to the right."""
    if key is not None:
        stage.window.on_key(key, True)
        stage.frame()
    cell = CELL_EM * imgui.get_font_size()
    stage.drag("Latent/Seed map", (0.5, 0.5), (2 * cell, 0.0), steps=12)
    if key is not None:
        stage.window.on_key(key, False)
        stage.frame()


KEYS = [None, imgui.Key.left_alt, imgui.Key.left_shift]


@pytest.mark.parametrize("key", KEYS, ids=["button", "alt", "shift"])
def test_a_line_on_the_map_becomes_a_path(stage: Stage, key: imgui.Key | None) -> None:
    latent = LatentView(x=10.0, y=3.0)
    stage.view = View(latent=latent)
    stage.frame()
    if key is None:
        stage.click("Latent/Draw path")
    draw_line(stage, key)
    assert stage.view.latent == latent, "the map stays while it is drawn on"
    (walk,) = walks(stage)
    assert not walk.playing
    assert walk.path.points[0] == pytest.approx((10.0, 3.0), abs=0.05)
    assert walk.path.points[-1] == pytest.approx((12.0, 3.0), abs=0.05)
    stage.drag("Latent/Seed map", (0.5, 0.5), (-27.0, 0.0))
    assert stage.view.latent.x > 10.3, "the next drag moves it again"


def test_a_line_from_the_end_of_a_path_goes_on_with_it(stage: Stage) -> None:
    stage.context = walking(Walk(WalkPath(((7.0, 1.0), (10.0, 3.0)))))
    stage.view = View(latent=LatentView(x=10.0, y=3.0))
    stage.frame()
    draw_line(stage, imgui.Key.left_shift)
    (walk,) = walks(stage)
    assert walk.path.points[0] == (7.0, 1.0)
    assert walk.path.points[-1] == pytest.approx((12.0, 3.0), abs=0.05)


def test_escape_and_a_mere_click_put_the_pen_away(stage: Stage) -> None:
    stage.click("Latent/Draw path")
    stage.key(imgui.Key.escape)
    stage.drag("Latent/Seed map", (0.5, 0.5), (-27.0, 0.0))
    assert stage.view.latent.x > 0.3
    stage.click("Latent/Draw path")
    stage.click("Latent/Seed map")
    assert walks(stage) == []


def test_play_pause_and_forget(stage: Stage) -> None:
    stage.context = walking(Walk(PATH, 0.25))
    stage.frame()
    stage.click("Latent/Play")
    stage.context = walking(Walk(PATH, 0.25, playing=True))
    stage.click("Latent/Play")
    stage.click("Latent/Forget path")
    assert walks(stage) == [Walk(PATH, 0.25, playing=True), Walk(PATH, 0.25), None]


def test_scrubbing_goes_there_and_stops_the_walk(stage: Stage) -> None:
    stage.context = walking(Walk(PATH, 0.25, playing=True, backwards=True))
    stage.view = View(latent=LatentView(truncation_psi=0.5))
    stage.frame()
    stage.type_into("Latent/Scrub", "75")
    assert stage.view.latent == LatentView(x=1.5, truncation_psi=0.5)
    assert walks(stage)[-1] == Walk(PATH, 0.75)


def test_the_wheel_over_the_bar_changes_the_speed(stage: Stage) -> None:
    stage.context = walking(Walk(PATH, 0.25, playing=True))
    stage.frame()
    stage.hover("Latent/Scrub")
    stage.window.on_wheel(0.0, 1.0)
    stage.frame(2)
    (walk,) = walks(stage)
    assert walk == replace(Walk(PATH, 0.25, playing=True), speed=walk.speed)
    assert walk.speed > Walk.speed


def test_the_space_in_between(stage: Stage) -> None:
    stage.click("Latent/Interpolate: in w")
    assert stage.view.latent == LatentView(space="w")
    stage.click("Latent/Interpolate: in z")
    assert stage.view.latent == LatentView()


def test_the_lock_shows_what_the_pose_is_and_asks_for_the_other(stage: Stage) -> None:
    stage.click("Latent/Lock camera")
    stage.view = View(pose=PoseView("free"))
    stage.frame()
    stage.click("Latent/Lock camera")
    assert stage.calls == [("lock_camera", True), ("lock_camera", False)]


@pytest.mark.parametrize("height", [345, 690])
def test_everything_has_room(window: OffscreenWindow, height: int) -> None:
    """As in a low window, and in a tall one: nothing has to be scrolled to."""
    stage = Stage(window, LatentPanel(), walking(Walk(PATH)), size=(304, height))
    assert max(rect.bottom for rect in stage.registry.rects.values()) <= height
