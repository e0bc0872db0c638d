"""Recordings and commands in the window: menus, the folder, the clipboard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.viz.app.conftest import Desk
from viz.command_line import mesh_command, record_command, render_command
from viz.encoders import encoding
from viz.panel import RecordingRequest
from viz.view import DisplayView, LatentView, NetworkView, PoseView, View, view_to_json

pytestmark = pytest.mark.window


def test_copy_as_command_is_in_the_menu(desk: Desk) -> None:
    desk.program.edit(replace(desk.view, pose=PoseView("override", 0.2, 0.1)))
    desk.user.frame()
    desk.user.click("Menu/File")
    desk.user.click("Menu/Copy as command")
    assert desk.window.clipboard == render_command(desk.view, "good-seed0.png")
    assert desk.program.notices.message == "The command that renders this view is on the clipboard"
    request = RecordingRequest(format="png", frames=7)
    desk.program.plan_recording(request)
    desk.user.click("Menu/File")
    desk.user.click("Menu/Copy recording as command")
    assert desk.window.clipboard == record_command(desk.view, request, "good-seed0")


def test_panels_are_told_what_is_recorded(desk: Desk) -> None:
    program = desk.program
    program.record_timeline()
    program.plan_recording(RecordingRequest(frames=7))
    desk.program.edit(replace(desk.view, latent=LatentView(x=5.0)))
    seen = program.context(np.zeros(0, np.float32), 1.0).recorded
    assert seen is not None
    view, request = seen
    assert (view.latent.x, request.path, request.timeline) == (0.0, "timeline", program.timeline)
    assert request.frames == program.timeline.frames


def test_it_is_said_that_videos_show_the_image(desk: Desk) -> None:
    desk.program.toggle_recording()
    assert desk.program.notices.message == ""
    desk.recording.finish("cancelled")
    desk.program.edit(replace(desk.view, display=DisplayView(geometry="points")))
    desk.program.toggle_recording()
    assert desk.program.notices.message.startswith("Videos show the image")


def test_the_command_is_of_what_is_shown(desk: Desk) -> None:
    desk.program.edit(replace(desk.view, display=DisplayView(geometry="surface")))
    desk.program.copy_command()
    desk.user.frame()
    settings = desk.program.geometry.settings
    assert desk.window.clipboard == mesh_command(desk.view, settings, "good-seed0.glb")
    desk.program.edit(replace(desk.view, display=DisplayView(geometry="points")))
    desk.program.copy_command()
    desk.user.frame()
    assert desk.window.clipboard == mesh_command(desk.view, settings, "good-seed0.glb")
    assert desk.program.notices.message.startswith("There is no command for points")


def test_a_command_names_the_network_that_is_open(desk: Desk) -> None:
    """One that is on its way, or does not open, is not what is seen."""
    desk.rendering.held = True
    desk.program.open_checkpoint(Path("/nets/other.safetensors"))
    desk.program.copy_command()
    desk.user.frame()
    assert "/nets/good.safetensors" in desk.window.clipboard


def test_nothing_to_copy(desk: Desk) -> None:
    desk.program._network = ""
    desk.program.copy_command()
    desk.program.copy_recording_command()
    desk.user.frame(2)
    assert desk.window.clipboard == ""
    assert desk.program.notices.message == "There is nothing to copy yet"


def test_keyframes_do_not_fit_into_a_command(desk: Desk) -> None:
    path: Any = "timeline"
    desk.program.plan_recording(RecordingRequest(path))
    desk.program.copy_recording_command()
    desk.user.frame(2)
    assert desk.window.clipboard == ""
    assert desk.program.notices.message == "Only paths of the camera can be copied as a command"


def test_a_png_sequence_gets_a_folder_of_its_own(desk: Desk) -> None:
    folder = desk.program.capturing.folder
    desk.program.plan_recording(RecordingRequest(format="png", frames=3))
    desk.program.start_recording()
    assert desk.recording.started[-1][2] == folder / "good-seed0"
    desk.recording.finish()
    (folder / "good-seed0").mkdir()
    desk.program.start_recording()
    assert desk.recording.started[-1][2] == folder / "good-seed0-2"


def test_a_dropped_sequence_leads_back(desk: Desk, tmp_path: Path) -> None:
    view = View(NetworkView("/nets/good.safetensors"), LatentView(x=9.0))
    folder = tmp_path / "turn"
    folder.mkdir()
    with encoding(folder, "png", (16, 16), 10, view_to_json(view)) as encoder:
        encoder.add(np.zeros((16, 16, 3), np.uint8))
    desk.user.drop(folder)
    assert desk.view == view
    assert desk.program.run is None


def test_the_expected_time_is_known_with_the_picture(desk: Desk) -> None:
    nothing = np.zeros(0, np.float32)
    desk.program.plan_recording(RecordingRequest(frames=100, size=64))
    seconds = desk.program.context(nothing, 1.0).recording_seconds
    # The stand-in's rays take 21.5 ms.
    assert seconds is not None
    assert seconds == pytest.approx(2.15, rel=0.05)
    desk.program.plan_recording(RecordingRequest(frames=200, size=64))
    assert desk.program.context(nothing, 1.0).recording_seconds == pytest.approx(2 * seconds)


def test_formats_that_cannot_be_made_are_found_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viz.encoders._ENCODERS", {"webm": (("libnonsense", {}),)})
    desk.program.capturing._missing = None
    desk.user.wait_until(lambda: desk.program.capturing.missing_formats)
    assert list(desk.program.capturing.missing_formats) == ["webm"]
