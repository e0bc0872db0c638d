"""The Timeline panel: keyframes by mouse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from imgui_bundle import imgui

from tests.widgets.stage import Stage, context
from viz.keyframes import Keyframe
from viz.panel import PanelContext, RecordingState
from viz.playback import Playback
from viz.timeline import Timeline
from viz.view import CameraView, LatentView, PoseView, View
from viz.window.offscreen import OffscreenWindow
from widgets.timeline import TimelinePanel


def seed(x: float) -> View:
    return View(latent=LatentView(x=x), pose=PoseView("free"), camera=CameraView(yaw=0.1 * x))


KEYS = (Keyframe(0.0, seed(0)), Keyframe(1.0, seed(1)), Keyframe(3.0, seed(2)))
TIMELINE = Timeline(KEYS, 4.0, 20)


class Desk(Stage):
    """Shows the panel, and does with the timeline what the program does."""

    def __init__(self, window: OffscreenWindow, size: tuple[int, int] = (700, 170), **changes: Any) -> None:
        playback = replace(Playback(TIMELINE), **changes)
        super().__init__(window, TimelinePanel(), context(playback=playback), size=size)

    @property
    def playback(self) -> Playback:
        return self.context.playback

    @property
    def timeline(self) -> Timeline:
        return self.playback.timeline

    def frame(self, count: int = 1, *, capture: bool = False) -> Any:
        pixels = None
        for _ in range(count):
            pixels = super().frame(capture=capture)
            for name, *values in self.calls[self._handled :]:
                self._take(name, values)
            self._handled = len(self.calls)
        return pixels

    _handled = 0

    def _take(self, name: str, values: list[Any]) -> None:
        playback = self.playback
        if name == "edit_timeline":
            time = values[2] if len(values) > 2 else playback.time
            playback = replace(playback, timeline=values[0], time=time)
        elif name == "seek":
            playback = replace(playback, time=values[0])
        self.context = replace(self.context, playback=playback)

    def asked(self, name: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    def x_of(self, time: float) -> float:
        """Where a time is, pixels."""
        first, third = self.rect("Timeline/Keyframe 1").centre[0], self.rect("Timeline/Keyframe 3").centre[0]
        return first + (third - first) * time / 3.0


@pytest.fixture
def stage(window: OffscreenWindow) -> Desk:
    return Desk(window)


def test_a_click_goes_to_a_keyframe(stage: Desk) -> None:
    stage.click("Timeline/Keyframe 2")
    assert [call[0] for call in stage.asked("seek")] == [1.0]
    assert stage.asked("edit_timeline") == [], "a click is no drag"


def test_a_drag_retimes_a_keyframe_past_others_in_one_gesture(stage: Desk) -> None:
    way = stage.x_of(1.5) - stage.x_of(0.0)
    stage.drag("Timeline/Keyframe 1", (0.5, 0.5), (way, 0.0), steps=12)
    assert [one.view for one in stage.timeline.keyframes] == [seed(1), seed(0), seed(2)]
    moved = stage.timeline.keyframes[1]
    assert moved.time == pytest.approx(1.5, abs=0.051)
    assert round(moved.time * 20) == pytest.approx(moved.time * 20), "on a frame"
    edits = stage.asked("edit_timeline")
    assert len(edits) > 3
    assert len({id(call[1]) for call in edits}) == 1, "one step to take back"
    assert stage.asked("seek")[0][1] is edits[0][1], "with going there"
    assert stage.playback.time == moved.time, "the playhead goes along"


def test_a_drag_ends_at_the_ends(stage: Desk) -> None:
    stage.drag("Timeline/Keyframe 3", (0.5, 0.5), (5000.0, 0.0))
    assert stage.timeline.keyframes[2].time == 4.0
    stage.drag("Timeline/Keyframe 2", (0.5, 0.5), (-5000.0, 0.0))
    times = [one.time for one in stage.timeline.keyframes]
    assert times[0] == 0.0
    assert len(set(times)) == 3, "no two at one time"


def test_scrubbing_on_the_ruler_and_on_the_track(stage: Desk) -> None:
    ruler = stage.rect("Timeline/Ruler")
    middle = (stage.x_of(2.0) - ruler.left) / ruler.width
    stage.click("Timeline/Ruler", (middle, 0.5))
    assert stage.asked("seek")[-1][0] == pytest.approx(2.0, abs=0.03)
    stage.actions.calls.clear()
    stage._handled = 0
    stage.drag("Timeline/Track", (middle, 0.3), (stage.x_of(2.5) - stage.x_of(2.0), 0.0))
    seeks = stage.asked("seek")
    assert seeks[-1][0] == pytest.approx(2.5, abs=0.03)
    assert len({id(call[1]) for call in seeks}) == 1
    stage.drag("Timeline/Ruler", (middle, 0.5), (5000.0, 0.0))
    assert stage.asked("seek")[-1][0] == pytest.approx(4.0)


def test_a_double_click_adds_a_keyframe(stage: Desk) -> None:
    ruler = stage.rect("Timeline/Track")
    place = (stage.x_of(2.0) - ruler.left) / ruler.width
    stage.click("Timeline/Track", (place, 0.4), count=2)
    assert stage.playback.time == pytest.approx(2.0, abs=0.03)
    assert stage.asked("add_keyframe") == [()]


def test_easing_and_turns_by_right_click(stage: Desk) -> None:
    stage.click("Timeline/Keyframe 2", button=1)
    stage.click("Timeline/Easing: Hold")
    assert [one.easing for one in stage.timeline.keyframes] == ["smooth", "hold", "smooth"]
    stage.click("Timeline/Keyframe 1", button=1)
    stage.click("Timeline/One more turn")
    assert stage.timeline.keyframes[0].turns == 1
    stage.click("Timeline/Keyframe 2", button=1)
    stage.click("Timeline/Remove this")
    assert [one.time for one in stage.timeline.keyframes] == [0.0, 3.0]
    stage.click("Timeline/Keyframe 1", button=1)
    stage.forget()
    stage.key(imgui.Key.escape)
    stage.frame(2)
    stage.forget()
    stage.frame()
    assert not stage.has("Timeline/Easing: Hold")


def test_no_turns_where_the_pose_is_predicted(window: OffscreenWindow) -> None:
    keys = (Keyframe(0.0, View()), Keyframe(3.0, seed(1)), Keyframe(4.0, seed(2)))
    stage = Desk(window, timeline=Timeline(keys, 4.0))
    stage.click("Timeline/Keyframe 1", button=1)
    assert not stage.rect("Timeline/One more turn").enabled


def test_the_tools(stage: Desk) -> None:
    stage.click("Timeline/Play")
    stage.click("Timeline/Add keyframe")
    stage.click("Timeline/Record")
    assert [call[0] for call in stage.calls] == ["play_timeline", "add_keyframe", "record_timeline"]
    assert stage.calls[0] == ("play_timeline", True)
    stage.click("Timeline/Loop")
    assert stage.timeline.loop
    stage.click("Timeline/Generate…")
    stage.click("Timeline/Generate: Figure-eight")
    assert stage.asked("generate_path") == [("figure-eight",)]
    stage.click("Timeline/Remove")
    assert stage.asked("remove_keyframe") == [()], "the one at the playhead"


def test_playing_offers_to_stop(window: OffscreenWindow) -> None:
    stage = Desk(window, playing=True)
    stage.click("Timeline/Play")
    assert stage.calls == [("play_timeline", False)]


def test_duration_and_frame_rate(stage: Desk) -> None:
    stage.type_into("Timeline/Duration", "8")
    assert [one.time for one in stage.timeline.keyframes] == [0.0, 2.0, 6.0], "keyframes move along"
    before = list(stage.calls)
    stage.type_into("Timeline/Frame rate", "nan")
    stage.type_into("Timeline/Duration", "nan")
    assert stage.calls == before
    stage.type_into("Timeline/Frame rate", "999")
    assert stage.timeline.fps == 120
    stage.drag("Timeline/Frame rate", (0.5, 0.5), (-100.0, 0.0))
    last = stage.asked("edit_timeline")[-1]
    assert last[0].fps < 120
    assert len({id(call[1]) for call in stage.asked("edit_timeline")[2:]}) == 1, "one drag is one step"


def test_update_is_offered_where_the_view_differs(stage: Desk) -> None:
    stage.click("Timeline/Update")
    assert stage.calls == []
    stage.context = replace(stage.context, playback=replace(stage.playback, edited=True))
    stage.frame()
    stage.click("Timeline/Update")
    assert stage.calls == [("update_keyframe",)]


def test_the_delete_key_removes_the_keyframe_at_the_playhead(stage: Desk) -> None:
    stage.click("Timeline/Keyframe 2")
    stage.key(imgui.Key.delete)
    assert stage.calls[-1] == ("remove_keyframe",)


def test_nothing_is_recorded_twice_or_without_keyframes(window: OffscreenWindow) -> None:
    stage = Desk(window)
    running = RecordingState(stage.context.capture_folder, 3, 120, "running")
    stage.context = replace(stage.context, recording=running)
    stage.frame()
    assert not stage.rect("Timeline/Record").enabled
    empty = Desk(window, timeline=Timeline())
    assert not any(empty.rect(f"Timeline/{name}").enabled for name in ("Play", "Record", "Update", "Remove"))
    assert empty.rect("Timeline/Add keyframe").enabled


def test_locked_without_a_network(window: OffscreenWindow) -> None:
    stage = Stage(window, TimelinePanel(), PanelContext(playback=Playback(TIMELINE)), size=(700, 170))
    stage.click("Timeline/Keyframe 2")
    stage.click("Timeline/Add keyframe")
    stage.key(imgui.Key.delete)
    assert stage.calls == []


def test_pictures_are_drawn_and_let_go(stage: Desk) -> None:
    red = np.zeros((64, 64, 4), np.uint8)
    red[...] = (255, 0, 0, 255)
    stage.context = replace(stage.context, playback=replace(stage.playback, pictures={seed(1): red}))
    pixels = stage.frame(2, capture=True)
    assert pixels is not None
    x = round(stage.x_of(1.0))
    assert (pixels[:, x] == (255, 0, 0)).all(axis=1).sum() > 20
    other = red.copy()
    other[..., 1] = 255
    stage.context = replace(stage.context, playback=replace(stage.playback, pictures={seed(1): other}))
    pixels = stage.frame(2, capture=True)
    assert pixels is not None
    assert (pixels[:, x] == (255, 255, 0)).all(axis=1).sum() > 20


@pytest.mark.parametrize("size", [(300, 170), (700, 120), (1300, 170)])
def test_it_fits(window: OffscreenWindow, size: tuple[int, int]) -> None:
    for timeline in (TIMELINE, Timeline()):
        stage = Desk(window, size, timeline=timeline)
        assert stage.widest <= size[0]
        for name, rect in stage.registry.rects.items():
            assert rect.left >= 0, name
            assert rect.right <= size[0], name
