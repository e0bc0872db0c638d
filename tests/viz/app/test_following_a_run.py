"""A run followed in the real window's arrangement: real panels, networks, folder and thread."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import visualizer
from tests.viz.run_folders import RunFolder, name_of, record
from viz import following
from viz.app import App
from viz.panel import PoseHistogram
from viz.program import Program
from viz.start import make_program
from viz.surroundings import Surroundings
from viz.testing import Driver
from viz.view import View
from viz.window import OffscreenWindow

pytestmark = [pytest.mark.window, pytest.mark.timeout(300)]


@dataclass
class Desk:
    user: Driver
    program: Program
    run: RunFolder

    def shows(self, kimg: int) -> None:
        """Draw until a snapshot is on the screen, in full quality."""
        name, program = name_of(kimg), self.program
        self.user.wait_until(
            lambda: program.frame is not None and Path(program.frame.view.network.path).name == name, 60.0
        )
        self.user.settle(60.0)

    def histogram(self) -> PoseHistogram:
        found = self.program.context(np.zeros(0, np.float32), 1.0).histogram
        assert found is not None
        return found


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following.RunWatcher.__init__, "__defaults__", (None, 0.02))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    window = OffscreenWindow((1280, 720))
    program = make_program(View(), Surroundings(capture_folder=tmp_path / "out"), window.wake)
    app = App(window, program, visualizer.placements())
    yield Desk(Driver(app), program, RunFolder(tmp_path / "cats"))
    app.close()
    window.close()


def test_a_training_is_watched_from_its_beginning(desk: Desk) -> None:
    user, program = desk.user, desk.program
    user.drop(desk.run.path)
    user.wait_until(lambda: program.run is not None and program.run.listing is not None)
    user.frame(3)
    assert "Run/Message" in user.registry.rects, "it waits for the first snapshot"
    desk.run.land(4, record(4, yaw=-0.4))
    desk.shows(4)
    # The camera is moved by hand, and stays where it is when the next snapshot lands.
    centre = user.rect("Viewport/Picture").centre
    user.drag(centre, (centre[0] + 40, centre[1] + 20))
    user.settle()
    before = program.view
    desk.run.land(8, record(8, yaw=0.0))
    desk.run.land(12, record(12, yaw=0.4))
    desk.shows(12)
    assert (program.view.pose, program.view.camera) == (before.pose, before.camera)
    assert before.pose.source == "free"
    user.wait_until(lambda: "12,000" in desk.histogram().note)
    # Back along the slider: the record at once, the network at rest.
    user.move("Run/Snapshot")
    left = user.rect("Run/Snapshot").at(0.02, 0.5)
    user.move(user.rect("Run/Snapshot").at(0.97, 0.5))
    user.button(True)
    user.move(left, 6)
    assert "4,000" in desk.histogram().note
    assert Path(program.view.network.path).name == name_of(12)
    user.button(False)
    desk.shows(4)
    assert program.run is not None
    assert not program.run.following
    desk.run.land(16, record(16))
    user.wait_until(
        lambda: len(program.run.listing.snapshots) == 4 if program.run and program.run.listing else 0
    )
    user.frame(10)
    assert Path(program.view.network.path).name == name_of(4)
    user.click("Run/Follow")
    desk.shows(16)
    # A click in the plot leads to the nearest snapshot.
    user.click(user.rect("Run/Poses").at(0.36, 0.5))
    desk.shows(8)
    # Undo takes the drag back, not the snapshots.
    program.undo()
    user.settle()
    assert program.view.pose.source == "predicted"
    assert Path(program.view.network.path).name == name_of(8)
    user.click("Run/Close")
    user.frame(3)
    assert "Run/Browse…" in user.registry.rects
    assert Path(program.view.network.path).name == name_of(8)


def test_a_run_that_the_program_was_started_with_is_in_front(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "cats")
    with contextlib.ExitStack() as stack:
        window = OffscreenWindow((1280, 720))
        stack.callback(window.close)
        program = make_program(View(), Surroundings(capture_folder=tmp_path), window.wake)
        program.open_run(run.path)
        time.sleep(0.1)  # it is found before the first frame
        app = App(window, program, visualizer.placements())
        stack.callback(app.close)
        user = Driver(app)
        user.wait_until(lambda: program.run is not None and program.run.listing is not None, 20.0)
        user.frame(5)
        assert "Run/Name" in user.registry.rects
        assert "Latent/Seed map" not in user.registry.rects


def test_a_run_whose_folder_is_removed_keeps_its_picture(desk: Desk) -> None:
    desk.run.land(4, record(4))
    desk.user.drop(desk.run.path)
    desk.shows(4)
    run = desk.program.run
    assert run is not None
    shutil.rmtree(desk.run.path)
    desk.user.wait_until(lambda: run.gone is not None)
    desk.user.type("]")
    desk.user.settle()
    assert desk.program.frame is not None
    assert desk.program.frame.view.latent.seed == 1, "the network in memory goes on"
    assert "The last picture stays." in run.state(None).message
    assert desk.program.error is None
