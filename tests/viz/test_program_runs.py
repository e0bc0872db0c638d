"""The program with a training run open, without a window: history, recents, failures, what lands when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pof3d.errors import CheckpointError
from tests.viz.run_folders import StandInWatching, listing, name_of, record, snapshot
from tests.viz.stand_ins import StandInRecording, StandInRendering, picture
from viz.frame import FailedFrame, Pose
from viz.panel import LoadingState, PanelContext, RunState, Turntable
from viz.program import Program
from viz.runs import RunListing, Snapshot
from viz.sessions import load_session
from viz.settings import load_settings
from viz.surroundings import Surroundings
from viz.view import NetworkView, View

FOLDER = Path("/runs/cats")
OUTSIDE = "/nets/good.safetensors"


def path_of(kimg: int) -> str:
    return str(FOLDER / name_of(kimg))


def recorded(*kimg: int) -> list[Snapshot]:
    return [snapshot(one, recorded=record(one)) for one in kimg]


class Stage:
    """A program on stand-ins, with a run open."""

    def __init__(self, view: View) -> None:
        self.rendering = StandInRendering()
        self.watching = StandInWatching()
        self.program = Program(
            self.rendering,
            StandInRecording(),
            view=view,
            surroundings=Surroundings(remember=True),
            watch=lambda folder: self.watching,
        )
        self.run()
        self.program.open_run(FOLDER)

    def run(self, seconds: float = 1.0) -> None:
        for _ in range(max(1, round(seconds * 60))):
            self.program.update(1 / 60)

    def find(self, *snapshots: Snapshot, error: CheckpointError | None = None) -> None:
        found = RunListing(FOLDER, error=error) if error is not None else listing(*snapshots)
        self.watching.found.append(found)
        self.run()

    def seed(self, x: float) -> None:
        view = self.program.view
        self.program.edit(replace(view, latent=replace(view.latent, x=x)), object())
        self.run()

    def context(self) -> PanelContext:
        return self.program.context(self.rendering.preview_milliseconds, 1.0)

    def state(self) -> RunState:
        state = self.context().run
        assert state is not None
        return state

    @property
    def shown(self) -> str:
        """Path of the network on the screen."""
        return self.program.frame.view.network.path if self.program.frame is not None else ""


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage(View(network=NetworkView(OUTSIDE)))
    yield stage
    stage.program.close()
    assert stage.watching.closed


@pytest.fixture
def following(stage: Stage) -> Stage:
    stage.find(*recorded(4, 8))
    assert stage.shown == path_of(8)
    return stage


def test_landing_snapshots_replace_the_network_and_nothing_else(following: Stage) -> None:
    following.seed(7)
    following.program.go_to_pose(Pose(0.4, 0.1))
    following.run()
    before = following.program.view
    following.find(*recorded(4, 8, 12))
    assert following.shown == path_of(12)
    assert following.program.view == replace(before, network=NetworkView(path_of(12)))
    assert following.program.frame is not None
    assert following.program.frame.view.latent.x == 7


def test_the_picture_stays_until_the_new_one_is_there(following: Stage) -> None:
    following.rendering.held = True
    following.find(*recorded(4, 8, 12))
    following.rendering.loading = LoadingState(FOLDER / name_of(12), 0.4, "reading")
    following.run(0.1)
    assert following.shown == path_of(8)
    context = following.context()
    assert context.loading is None, "it comes quietly"
    assert following.state().loading is following.rendering.loading
    following.rendering.loading = None
    following.rendering.answer(picture(following.program.view))
    following.run(0.1)
    assert following.shown == path_of(12)


def test_landing_snapshots_are_no_steps_of_the_history(following: Stage) -> None:
    following.seed(1)
    following.seed(2)
    for last in range(12, 60, 4):
        following.find(*recorded(4, 8, last))
    following.program.undo()
    following.run()
    assert following.program.view.latent.x == 1
    assert following.shown == path_of(56), "the step taken back did not choose the snapshot"
    assert following.state().following
    following.program.redo()
    following.run()
    assert following.program.view.latent.x == 2
    for _ in range(2):
        following.program.undo()
    following.run()
    assert following.program.view.latent.x == 0
    assert following.shown == path_of(56)
    following.program.undo()
    following.run()
    assert following.shown == OUTSIDE, "opening the run was a step"
    assert not following.state().following
    assert not following.program.can_undo
    following.find(*recorded(4, 8, 60))
    assert following.shown == OUTSIDE


def test_what_is_edited_while_a_snapshot_loads_is_a_step(following: Stage) -> None:
    following.seed(1)
    following.rendering.held = True
    following.find(*recorded(4, 8, 12))
    assert following.program.view.network.path == path_of(12)
    following.seed(2)
    following.rendering.held = False
    following.rendering.answer(picture(following.program.view))
    following.run()
    following.program.undo()
    following.run()
    assert following.program.view.latent.x == 1
    assert following.shown == path_of(12)


def test_a_snapshot_does_not_land_in_the_middle_of_an_edit(following: Stage) -> None:
    following.watching.found.append(listing(*recorded(4, 8, 12)))
    for x in range(60):
        view = following.program.view
        following.program.edit(replace(view, latent=replace(view.latent, x=float(x))), "drag")
        following.run(1 / 60)
    assert following.shown == path_of(8)
    following.run(1.0)
    assert following.shown == path_of(12)


def test_a_turntable_goes_on_through_snapshots(following: Stage) -> None:
    following.program.set_turntable(Turntable(playing=True))
    following.run(0.5)
    yaws = [following.program.view.camera.yaw]
    for last in (12, 16, 20):
        following.find(*recorded(4, 8, last))
        yaws.append(following.program.view.camera.yaw)
    assert following.program.turntable.playing
    assert following.shown == path_of(20)
    assert len(set(yaws)) == 4
    following.program.undo()
    following.run()
    following.program.undo()
    following.run()
    assert following.shown == OUTSIDE, "turning was one step"


def test_the_slider_chooses_and_following_comes_back(following: Stage) -> None:
    following.program.choose_snapshot(0)
    following.run(1 / 60)
    assert following.shown == path_of(8)
    assert following.state().chosen == 0
    histogram = following.context().histogram
    assert histogram is not None
    assert "4,000" in histogram.note
    following.run()
    assert following.shown == path_of(4)
    assert not following.state().following
    following.program.follow_run(True)
    following.run()
    assert following.shown == path_of(8)


def test_without_a_record_the_histogram_is_sampled(stage: Stage) -> None:
    stage.find(snapshot(4), snapshot(8))
    assert stage.shown == path_of(8)
    assert stage.context().histogram is stage.rendering.histogram


def test_a_snapshot_that_fails_is_told_in_its_panel_alone(following: Stage) -> None:
    following.rendering.held = True
    following.find(*recorded(4, 8, 12))
    error = CheckpointError("The checkpoint is damaged", "it ends too early")
    following.rendering.answer(FailedFrame(following.program.view, error))
    following.rendering.held = False
    following.run()
    assert following.program.error is None
    assert "ends too early" in following.state().message
    assert following.program.view.network.path == path_of(8)
    assert following.state().following
    following.find(*recorded(4, 8, 16))
    assert following.shown == path_of(16)
    assert following.state().message == ""


def test_a_folder_without_a_run_is_told_and_closed(stage: Stage) -> None:
    stage.find(error=CheckpointError("photos is not a training run", "there is no config.json"))
    assert "photos is not a training run" in str(stage.program.error)
    assert stage.program.run is None
    assert stage.watching.closed
    assert stage.shown == OUTSIDE
    assert stage.program.panel_wanted == ""
    stage.program.remember()
    assert load_settings().run == ""


def test_the_run_is_remembered_instead_of_its_networks(following: Stage) -> None:
    following.find(*recorded(4, 8, 12))
    following.program.remember()
    settings = load_settings()
    assert settings.recents == (str(FOLDER), OUTSIDE)
    assert settings.run == str(FOLDER)
    assert settings.last_folder == "/runs"
    session = load_session()
    assert session is not None
    assert session.view.network.path == path_of(12)
    following.program.close_run()
    following.program.remember()
    assert load_settings().run == ""


def test_opening_another_checkpoint_ends_the_following_and_not_the_run(following: Stage) -> None:
    following.program.open_checkpoint(Path("/nets/other.pkl"))
    following.run()
    following.find(*recorded(4, 8, 12))
    assert following.shown == "/nets/other.pkl"
    state = following.state()
    assert (state.following, state.chosen) == (False, None)
    assert following.context().histogram is following.rendering.histogram
    following.program.choose_snapshot(1)
    following.run()
    assert following.shown == path_of(8)


def test_opening_a_network_of_the_run_chooses_it(following: Stage) -> None:
    following.program.open_checkpoint(Path(path_of(4)))
    following.run()
    assert following.shown == path_of(4)
    state = following.state()
    assert (state.following, state.chosen) == (False, 0)
    following.find(*recorded(4, 8, 12))
    assert following.shown == path_of(4)


def test_a_folder_is_opened_as_a_run(stage: Stage, tmp_path: Path) -> None:
    before = stage.watching
    stage.watching = StandInWatching()
    stage.program.open_checkpoint(tmp_path)
    assert before.closed
    assert stage.program.run is not None
    assert stage.program.run.folder == tmp_path
    stage.program.drop([tmp_path.parent])
    assert stage.program.run.folder == tmp_path.parent
    assert stage.program.panel_wanted == ""
    stage.find()
    assert stage.program.panel_wanted == "Run"


def test_a_run_without_a_network_before(tmp_path: Path) -> None:
    stage = Stage(View())
    stage.find()
    assert stage.shown == ""
    assert "Waiting" in stage.state().message
    stage.find(*recorded(4))
    assert stage.shown == path_of(4)
    assert not stage.program.can_undo
    stage.program.close()
