"""The timeline and sessions in the whole window, by mouse and keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from imgui_bundle import imgui

import visualizer
from tests.viz.app.conftest import Desk
from viz.sessions import Session, read_session, save_session
from viz.timeline import Timeline
from viz.view import LatentView, View


@pytest.fixture
def window(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk((1280, 720), placements=visualizer.placements())


def opened(desk: Desk) -> bool:
    return "Timeline" in desk.user.registry.windows


def keyframes(desk: Desk, seeds: str = "]]") -> None:
    """Keyframes of seeds 0, 1, 2 …"""
    desk.user.key(imgui.Key.k)
    for step in seeds:
        desk.user.type(step)
        desk.user.key(imgui.Key.k)
    desk.user.frame(3)


def times(desk: Desk) -> list[float]:
    return [one.time for one in desk.program.timeline.keyframes]


def playing(desk: Desk) -> bool:
    return desk.program.playing


def test_it_is_closed_at_first_and_lies_below_the_picture(window: Desk) -> None:
    before = window.user.rect("Viewport")
    assert not opened(window)
    window.user.key(imgui.Key.t)
    window.user.frame(4)
    timeline, viewport = window.user.rect("Timeline"), window.user.rect("Viewport")
    assert (timeline.left, timeline.right) == pytest.approx((viewport.left, viewport.right), abs=2)
    assert timeline.height == pytest.approx(170, abs=32)
    assert viewport.bottom <= timeline.top <= viewport.bottom + 40
    assert viewport.height < before.height - 150
    for name in ("Play", "Loop", "Duration", "Frame rate", "Add keyframe", "Generate…", "Record"):
        assert timeline.contains(window.user.rect(f"Timeline/{name}")), name
    window.user.key(imgui.Key.t)
    window.user.frame(4)
    assert not opened(window)
    assert window.user.rect("Viewport").height == pytest.approx(before.height, abs=2)


def test_the_menu_shows_it_and_its_tab_closes_it(window: Desk) -> None:
    window.user.click("Menu/Window")
    window.user.click("Menu/Timeline")
    window.user.frame(4)
    panel = window.user.rect("Timeline")
    window.user.click((panel.left + 77, panel.top + 13))
    window.user.frame(4)
    assert not opened(window)
    assert "Timeline" not in window.program.panels_open


def test_keyframes_by_key_and_one_drag_is_one_step(window: Desk) -> None:
    keyframes(window)
    assert opened(window), "the first keyframe shows it"
    assert times(window) == [0.0, 1.0, 2.0]
    steps = 0
    key = window.user.rect("Timeline/Keyframe 2")
    window.user.drag(key, (key.centre[0] + 120, key.centre[1]))
    assert times(window)[1] > 1.2
    assert window.view.latent.seed == 1, "grabbing a keyframe goes there"
    window.user.key(imgui.Key.z, imgui.Key.left_ctrl)
    assert times(window) == [0.0, 1.0, 2.0]
    assert window.view.latent.seed == 2
    while window.program.can_undo:
        window.user.key(imgui.Key.z, imgui.Key.left_ctrl)
        steps += 1
    assert steps == 5, "three keyframes, two seeds"
    assert window.program.timeline == Timeline()


def test_scrubbing_is_one_step(window: Desk) -> None:
    keyframes(window)
    ruler = window.user.rect("Timeline/Ruler")
    window.user.drag(ruler.at(0.3, 0.5), ruler.at(0.6, 0.5))
    assert 0.5 < window.view.latent.x < 1.6
    window.user.key(imgui.Key.z, imgui.Key.left_ctrl)
    assert window.view.latent.x == 2.0


def test_playing_goes_through_the_views_and_a_drag_in_the_picture_stops_it(window: Desk) -> None:
    keyframes(window)
    window.user.click("Timeline/Play")
    window.user.frame(20)
    assert playing(window)
    asked = [view.latent.x for view in window.rendering.submitted[-10:]]
    assert asked == sorted(asked)
    assert len(set(asked)) > 5
    middle = window.user.rect("Viewport/Picture").centre
    window.user.drag(middle, (middle[0] + 40, middle[1]))
    assert not playing(window)
    assert window.view.pose.source == "free"


def test_record_plays_the_timeline(window: Desk) -> None:
    keyframes(window)
    window.user.click("Timeline/Record")
    _, request, _ = window.recording.started[-1]
    assert (request.path, request.timeline) == ("timeline", window.program.timeline)
    assert request.frames == 61


def test_a_session_saved_by_key_and_opened_again(window: Desk, tmp_path: Path) -> None:
    keyframes(window)
    user, program = window.user, window.program
    user.key(imgui.Key.s, imgui.Key.left_ctrl)
    user.frame(3)
    user.click("Browser/Path")
    user.key(imgui.Key.a, imgui.Key.left_ctrl)
    user.type(str(tmp_path))
    user.key(imgui.Key.enter)
    user.frame(5)
    user.click("Browser/Name")
    user.key(imgui.Key.a, imgui.Key.left_ctrl)
    user.type("my cats")
    user.click("Browser/Save")
    user.frame(2)
    path = tmp_path / "my cats.json"
    saved = read_session(path)
    assert saved == program.session
    assert str(path) in program.notices.message
    program.edit_timeline(Timeline())
    user.key(imgui.Key.o, imgui.Key.left_ctrl)
    user.frame(3)
    user.wait_until(lambda: "Browser/my cats.json" in user.registry.rects, 20)
    user.double_click("Browser/my cats.json")
    user.frame(3)
    assert program.timeline == saved.timeline
    # Again under the same name: Enter alone replaces nothing.
    before = path.read_bytes()
    user.type("]")
    user.key(imgui.Key.s, imgui.Key.left_ctrl)
    user.wait_until(lambda: "Browser/my cats.json" in user.registry.rects, 20)
    user.click("Browser/Name")
    user.key(imgui.Key.enter)
    user.frame(2)
    assert path.read_bytes() == before
    user.click("Browser/Save")
    user.frame(2)
    assert read_session(path).view.latent.seed == 3


def test_a_dropped_session_opens(window: Desk, tmp_path: Path) -> None:
    keyframes(window)
    kept = window.program.timeline
    save_session(Session(View(latent=LatentView(x=40.0)), kept), tmp_path / "s.json")
    window.program.edit_timeline(Timeline())
    window.user.drop(tmp_path / "s.json")
    assert window.view.latent.seed == 40
    assert window.program.timeline == kept


def test_it_is_open_at_the_next_start_where_it_was(make_desk: Callable[..., Desk], window: Desk) -> None:
    window.user.key(imgui.Key.t)
    window.user.frame(4)
    place, layout = window.user.rect("Timeline"), window.app.layout
    window.app.close()
    window.window.close()
    again = make_desk((1280, 720), placements=visualizer.placements(), layout=layout)
    assert not opened(again)
    again.user.key(imgui.Key.t)
    again.user.frame(4)
    assert again.user.rect("Timeline") == place
