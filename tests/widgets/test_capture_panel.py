"""The Capture panel: pictures, recordings, and what they will be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from imgui_bundle import imgui

from tests.widgets.stage import Stage, context
from viz.keyframes import Keyframe
from viz.panel import PanelContext, RecordingRequest, RecordingState
from viz.playback import Playback
from viz.timeline import Timeline
from viz.view import DisplayView, View
from viz.window.offscreen import OffscreenWindow
from widgets import common
from widgets.capture import CapturePanel, describe, progress_text, rounding


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, CapturePanel(), context(), size=(304, 480))


def test_descriptions() -> None:
    assert describe(RecordingRequest(), View()) == "4.0 s, 512 × 512 pixels"
    wide = "1:00 min, 1024 × 512 pixels"
    assert describe(RecordingRequest(frames=600, fps=10, contents=("rgb", "depth")), View()) == wide
    side_by_side = View(display=DisplayView(mode="side_by_side"))
    assert describe(RecordingRequest(frames=600, fps=10), side_by_side) == wide
    assert describe(RecordingRequest(), View(), 75.0) == ("4.0 s, 512 × 512 pixels, ready in about 1:15 min")
    odd = RecordingRequest(canvas=(1281, 720))
    assert describe(odd, View()) == "4.0 s, 1282 × 720 pixels"
    assert rounding(odd, View()) == "Rounded up: MP4 wants even numbers."
    assert rounding(replace(odd, format="gif"), View()) == ""
    state = RecordingState(Path("x.mp4"), 43, 120, "running")
    assert progress_text(state) == "43 / 120"
    assert progress_text(RecordingState(Path("x.mp4"), 43, 120, "running", 65.0)) == "43 / 120, 1:05 min left"


def test_videos_show_the_image(stage: Stage) -> None:
    assert "Capture/Only images" not in stage.registry.rects
    stage.view = View(display=DisplayView(geometry="surface"))
    stage.frame(2)
    assert "Capture/Only images" in stage.registry.rects


def test_pictures(stage: Stage) -> None:
    stage.click("Capture/Save picture")
    stage.click("Capture/Save window")
    assert stage.calls == [("save_image",), ("save_window",)]


def test_what_is_asked_for_is_recorded(stage: Stage) -> None:
    stage.click("Capture/Path: Sweep")
    stage.click("Capture/Format: GIF")
    stage.type_into("Capture/Frames", "48")
    stage.type_into("Capture/Frame rate", "999")
    stage.click("Capture/Size")
    stage.click("Capture/Size: 256²")
    stage.click("Capture/Show")
    stage.click("Capture/Show: Depth")
    stage.click("Capture/Show: Image")
    stage.key(imgui.Key.escape)
    stage.click("Capture/Histogram")
    stage.click("Capture/Poses")
    stage.click("Capture/Record")
    request = RecordingRequest(
        "sweep", "gif", 48, 50, 256, ("rgb", "depth"), with_poses=True, with_histogram=True
    )
    assert stage.calls[-2:] == [("plan_recording", request), ("start_recording",)]
    stage.click("Capture/Show")
    stage.click("Capture/Show: As in the window")
    assert stage.calls[-1][1].contents == ()


def test_sizes_of_the_whole_video(stage: Stage) -> None:
    stage.click("Capture/Size")
    stage.click("Capture/Size: 1920 × 1080")
    assert stage.calls[-1][1].canvas == (1920, 1080)
    stage.click("Capture/Size")
    stage.click("Capture/Size: Other …")
    stage.type_into("Capture/Width", "1281", slider=False)
    stage.type_into("Capture/Height", "99999", slider=False)
    assert stage.calls[-1][1].canvas == (1281, 4096)
    stage.click("Capture/Size")
    stage.click("Capture/Size: 512²")
    assert (stage.calls[-1][1].canvas, stage.calls[-1][1].size) == (None, 512)
    stage.forget()
    stage.frame()
    assert not stage.has("Capture/Width")


def test_commands(stage: Stage) -> None:
    stage.click("Capture/Copy as command")
    stage.click("Capture/Video/Copy as command")
    assert stage.calls == [("copy_command",), ("copy_recording_command",)]


def test_a_format_without_an_encoder_cannot_be_chosen(stage: Stage) -> None:
    stage.context = context(missing_formats={"webm": "PyAV has no encoder for VP9 here"})
    stage.frame()
    stage.click("Capture/Format: WebM")
    assert stage.calls == []
    assert not stage.rect("Capture/Format: WebM").enabled
    stage.click("Capture/Format: GIF")
    assert stage.calls[-1][1].format == "gif"
    stage.context = context(missing_formats={"gif": "made up"})
    stage.frame()
    stage.click("Capture/Record")
    assert stage.calls[-1][0] == "plan_recording"
    stage.click("Capture/Format: MP4")
    stage.click("Capture/Record")
    assert stage.calls[-1] == ("start_recording",)


def test_frames_are_clamped(stage: Stage) -> None:
    for typed, frames in (("100000", 600), ("0", 2)):
        stage.type_into("Capture/Frames", typed)
        assert stage.calls[-1][1].frames == frames


def test_a_recording_can_only_be_cancelled(stage: Stage) -> None:
    stage.context = context(recording=RecordingState(Path("/v/turn.mp4"), 43, 120, "running", 7.5))
    stage.forget()
    stage.frame(2)
    assert not stage.has("Capture/Record")
    assert not stage.rect("Capture/Frames").enabled
    stage.click("Capture/Cancel")
    assert stage.calls == [("cancel_recording",)]


def test_while_it_runs_what_is_recorded_is_shown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(common, "paragraph", lambda text, *colour: said.append(text))
    running = RecordingState(Path("/v/turn.mp4"), 43, 240, "running", 7.5)
    timeline = RecordingRequest("timeline", "gif", frames=240, fps=30, size=256, timeline=Timeline())
    stage.context = context(recording=running, recorded=(View(), timeline))
    stage.forget()
    stage.frame(2)
    assert not stage.has("Capture/Frames"), "the timeline has its own"
    assert "8.0 s, 256 × 256 pixels" in said
    assert "4.0 s, 512 × 512 pixels" not in said
    stage.context = context(recording=replace(running, status="finished"), recorded=(View(), timeline))
    said.clear()
    stage.frame(2)
    assert "4.0 s, 512 × 512 pixels" in said, "the plan is as it was"
    assert stage.calls == []


def test_nothing_to_record_without_a_network(window: OffscreenWindow) -> None:
    stage = Stage(window, CapturePanel(), PanelContext())
    stage.click("Capture/Record")
    stage.click("Capture/Save picture")
    assert stage.calls == []


def test_a_timeline_says_how_long_it_is(window: OffscreenWindow) -> None:
    empty = Stage(window, CapturePanel(), context(), size=(304, 480))
    empty.click("Capture/Path: Timeline")
    assert empty.calls == [], "there is nothing on it"
    keys = (Keyframe(0.0, View()), Keyframe(2.0, View()))
    facts = context(playback=Playback(Timeline(keys, 2.0, 25)))
    stage = Stage(window, CapturePanel(), facts, size=(304, 480))
    stage.click("Capture/Path: Timeline")
    stage.frame(2)
    assert not stage.has("Capture/Frames")
    assert stage.calls == [("plan_recording", RecordingRequest("timeline"))]
