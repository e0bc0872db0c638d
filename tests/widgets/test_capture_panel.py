"""The Capture panel: pictures, recordings, and what they will be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.widgets.stage import Stage, context
from viz.panel import PanelContext, RecordingRequest, RecordingState
from viz.view import DisplayView, View
from viz.window.offscreen import OffscreenWindow
from widgets.capture import CapturePanel, describe, progress_text


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, CapturePanel(), context(), size=(304, 440))


def test_descriptions() -> None:
    assert describe(RecordingRequest(), View()) == "4.0 s, 512 × 512 pixels"
    wide = "1:00 min, 1024 × 512 pixels"
    assert describe(RecordingRequest(frames=600, fps=10, with_depth=True), View()) == wide
    side_by_side = View(display=DisplayView(mode="side_by_side"))
    assert describe(RecordingRequest(frames=600, fps=10), side_by_side) == wide
    state = RecordingState(Path("x.mp4"), 43, 120, "running")
    assert progress_text(state) == "43 / 120"
    assert progress_text(RecordingState(Path("x.mp4"), 43, 120, "running", 65.0)) == "43 / 120, 1:05 min left"


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
    stage.click("Capture/Side by side")
    stage.click("Capture/Record")
    request = RecordingRequest("sweep", "gif", 48, 60, 256, True)
    assert stage.calls[-2:] == [("plan_recording", request), ("start_recording",)]


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


def test_nothing_to_record_without_a_network(window: OffscreenWindow) -> None:
    stage = Stage(window, CapturePanel(), PanelContext())
    stage.click("Capture/Record")
    stage.click("Capture/Save picture")
    assert stage.calls == []
