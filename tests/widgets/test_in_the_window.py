"""The real panels in the real window's arrangement, with a stand-in for the model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from imgui_bundle import imgui

import visualizer
from tests.viz.stand_ins import StandInRecording, StandInRendering
from viz.app import App
from viz.frame import Pose
from viz.marks import Registry
from viz.program import Program
from viz.surroundings import Surroundings
from viz.testing import Driver
from viz.view import NetworkView, PoseView, View
from viz.window.offscreen import OffscreenWindow
from widgets.histogram import HistogramPanel


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Driver]:
    window = OffscreenWindow((1280, 720))
    view = View(network=NetworkView("/nets/toy-cats.safetensors"))
    surroundings = Surroundings(capture_folder=tmp_path)
    program = Program(StandInRendering(), StandInRecording(), view=view, surroundings=surroundings)
    app = App(window, program, visualizer.placements(), registry=Registry())
    yield Driver(app)
    app.close()
    window.close()


def test_a_click_in_the_histogram_moves_the_camera_and_can_be_undone(user: Driver) -> None:
    """The panel's own View, which is the old one, must not win over what it asks for."""
    program = user.app.program
    user.click(user.rect("Pose histogram/Map").at(0.25, 0.5))
    pose = program.view.pose
    assert pose.source == "override"
    limit = program.rendering.histogram.yaw_edges[-1]  # type: ignore[union-attr]
    assert pose.override_yaw == pytest.approx(-limit / 2, abs=math.radians(2))
    assert program.frame is not None
    assert program.frame.camera_pose == Pose(pose.override_yaw, pose.override_pitch)
    program.undo()
    assert program.view == View(network=NetworkView("/nets/toy-cats.safetensors"))


def test_reset_goes_back_to_the_predicted_pose(user: Driver) -> None:
    program = user.app.program
    user.click("Pose/Source: Free orbit")
    assert program.view.pose.source == "free"
    user.click("Pose/Reset to predicted")
    assert program.view.pose == PoseView("predicted")


def test_no_panel_is_wider_than_its_place(user: Driver) -> None:
    windows = user.registry.windows
    for name, rect in user.registry.rects.items():
        panel = windows.get(name.split("/")[0])
        if panel is not None:
            assert panel.left <= rect.left < rect.right <= panel.right, name


def test_the_predicted_pose_follows_a_dragged_latent_and_leaves_a_trail(user: Driver) -> None:
    app = user.app
    shown = next(p.panel for p in app._host.placements if p.panel.title == "Pose histogram")
    assert isinstance(shown, HistogramPanel)
    poses = []
    centre = user.rect("Latent/Seed map").centre
    user.move(centre)
    user.button(True)
    for step in range(1, 9):
        user.move((centre[0] + 4 * step, centre[1]))
        user.frame()
        assert app.program.frame is not None
        poses.append(app.program.frame.generator_pose)
    user.button(False)
    assert len(set(poses)) == len(poses), "every step has a picture, and that a pose"
    trail = [pose for pose, _ in shown._trail.follow(poses[-1], imgui.get_time())]
    assert set(poses) <= set(trail)
