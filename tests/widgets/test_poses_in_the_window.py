"""The pose tools in the real window, by mouse, with the model's side made of stand-ins but for the jobs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pof3d.metrics.distributions  # noqa: F401 - SciPy: the job's thread, polite to others, takes long
import visualizer
from tests.viz.nets import save_tiny
from tests.viz.stand_ins import StandInRecording, StandInRendering
from viz import pose_tools
from viz.app import App
from viz.engine import Engine
from viz.image_poses import measure
from viz.jobs import Workshop
from viz.marks import Registry
from viz.pose_sphere import START
from viz.program import Program
from viz.surroundings import Surroundings
from viz.testing import Driver
from viz.view import LatentView, NetworkView, PoseView, View
from viz.window.offscreen import OffscreenWindow


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("network") / "tiny.safetensors")


@pytest.fixture
def user(network: Path, tmp_path: Path) -> Iterator[Driver]:
    window = OffscreenWindow((1280, 720))
    engine = Engine()
    engine.load(str(network))
    program = Program(
        StandInRendering(),
        StandInRecording(),
        view=View(network=NetworkView(str(network))),
        surroundings=Surroundings(capture_folder=tmp_path),
        workshop=Workshop(engine, window.wake),
    )
    app = App(window, program, visualizer.placements(), registry=Registry())
    yield Driver(app)
    app.close()
    window.close()


def test_a_copy_is_one_step_of_the_history(user: Driver) -> None:
    program = user.app.program
    assert program.frame is not None
    seen = program.frame.discriminator_pose
    assert seen is not None
    user.click("Pose/Copy from")
    user.click("Pose/Copy from: D predicts")
    user.click("Pose/Copy")
    assert program.view.pose == PoseView("override", seen.yaw, seen.pitch)
    program.undo()
    assert program.view.pose == PoseView()


def test_another_seeds_pose_with_this_content(user: Driver, network: Path) -> None:
    program = user.app.program
    user.click("Pose/Apply")
    user.wait_until(lambda: program.view.pose.source == "override", 20)
    engine = Engine()
    expected = engine.predicted_pose(View(NetworkView(str(network)), LatentView(1.0, 0.0)))
    pose = program.view.pose
    assert (pose.override_yaw, pose.override_pitch) == (expected.yaw, expected.pitch)
    assert program.view.latent == LatentView()


def test_the_sphere_is_turned_and_clicked(user: Driver) -> None:
    program = user.app.program
    user.click("Pose histogram/Show: Sphere")
    sphere = user.rect("Pose histogram/Sphere")
    user.drag(sphere.at(0.5, 0.5), sphere.at(0.7, 0.5))
    assert program.view.pose == PoseView()
    user.click("Pose histogram/Sphere")
    assert program.view.pose.source == "override"
    assert program.view.pose.override_yaw < START.yaw - 0.2
    program.undo()
    assert program.view.pose == PoseView()


def test_images_are_compared_from_the_menu_on(
    user: Driver, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser starts beside the network."""
    monkeypatch.setattr(pose_tools, "measure", partial(measure, latents=512))
    program = user.app.program
    folder = network.parent / "images"
    folder.mkdir()
    for i in range(5):
        Image.fromarray(np.full((16, 16, 3), 40 * i, np.uint8)).save(folder / f"{i}.png")
    user.click("Menu/View")
    user.click("Menu/Compare poses with images…")
    user.wait_until(lambda: "Browser/images" in user.registry.rects, 20)
    user.frame(5)  # the dialog takes the focus at first
    user.double_click("Browser/images")
    user.wait_until(lambda: "Browser/4.png" in user.registry.rects, 20)
    user.click("Browser/Use this folder")
    user.wait_until(lambda: program.poses.state.images is not None, 30)
    found = program.poses.state.images
    assert found is not None
    assert (found.source, found.images, found.skipped) == (folder, 5, 0)
    user.frame(3)
    assert "Pose histogram/Images yaw" in user.registry.rects
