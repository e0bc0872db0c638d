"""The program behind the window, without a window: opening, history, turntable, captures."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pof3d.errors import CheckpointError
from tests.viz.nets import save_tiny
from tests.viz.stand_ins import StandInRecording, StandInRendering, picture
from viz.captures import read_view
from viz.fetching import Fetching
from viz.frame import FailedFrame, Pose
from viz.panel import LoadingState, RecordingRequest, Turntable
from viz.program import Program
from viz.sessions import Session, load_session
from viz.settings import load_settings
from viz.stages import LoadingCancelled
from viz.surroundings import Surroundings
from viz.view import LatentView, NetworkView, View, view_to_json
from viz.walks import Walk, WalkPath

GOOD = "/nets/good.safetensors"


class Stage:
    """A program on stand-ins, with a network open."""

    def __init__(self, folder: Path) -> None:
        self.rendering, self.recording = StandInRendering(), StandInRecording()
        self.folder = folder / "out"
        self.program = Program(
            self.rendering,
            self.recording,
            view=View(network=NetworkView(GOOD)),
            surroundings=Surroundings(remember=True, capture_folder=self.folder),
        )
        self.run()

    def run(self, seconds: float = 1 / 60, count: int = 1) -> None:
        for _ in range(count):
            self.program.update(seconds)

    def seed(self, x: float, gesture: object = None) -> None:
        view = self.program.view
        self.program.commit(replace(view, latent=replace(view.latent, x=x)), gesture or object())
        self.run()


def told(program: Program) -> str:
    """The error that the user sees; empty: none."""
    return str(program.error) if program.error is not None else ""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.program.close()
    assert stage.rendering.closed


def test_a_new_view_is_rendered_and_shown(stage: Stage) -> None:
    stage.seed(5)
    assert stage.program.frame is not None
    assert stage.program.frame.view.latent.x == 5
    assert stage.rendering.submitted[-1] == stage.program.view


def test_undo_and_redo_by_steps(stage: Stage) -> None:
    token = object()
    for x in (1, 2, 3):
        stage.seed(x, token)
    stage.seed(9)
    assert not stage.program.can_redo
    stage.program.undo()
    assert stage.program.view.latent.x == 3
    stage.program.undo()
    assert stage.program.view.latent.x == 0
    assert not stage.program.can_undo
    stage.program.redo()
    assert stage.program.view.latent.x == 3
    assert stage.rendering.submitted[-1].latent.x == 3


def test_opening_is_a_step_once_it_has_worked(stage: Stage, tmp_path: Path) -> None:
    stage.program.open_checkpoint(tmp_path / "other.pkl")
    steps = [stage.program.can_undo]
    stage.run()
    steps.append(stage.program.can_undo)
    assert steps == [False, True]
    assert load_settings().recents[0] == str(tmp_path / "other.pkl")
    assert load_settings().last_folder == str(tmp_path)
    stage.program.undo()
    stage.run()
    assert stage.program.view.network.path == GOOD
    assert stage.program.frame is not None
    assert stage.program.frame.view.network.path == GOOD


def test_a_file_that_does_not_open_changes_nothing(stage: Stage) -> None:
    stage.seed(4)
    before, shown = stage.program.view, stage.program.frame
    stage.program.open_checkpoint(Path("/nets/bad.pkl"))
    stage.run()
    assert stage.program.view == before
    assert "bad.pkl" in told(stage.program)
    stage.run(count=3)
    # The old network goes on, and the message stays until it is read.
    assert stage.program.frame is not None
    assert shown is not None
    assert stage.program.frame.view == shown.view
    assert "bad.pkl" in told(stage.program)
    assert "/nets/bad.pkl" not in load_settings().recents
    stage.program.escape()
    assert not told(stage.program)


def test_files_that_do_not_open_are_no_longer_offered(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[Path] = []
    monkeypatch.setattr("viz.program.forget", forgotten.append)
    broken, missing = tmp_path / "bad.pkl", tmp_path / "no" / "bad.pkl"
    broken.write_bytes(b"")
    stage.program.settings = replace(stage.program.settings, recents=(str(broken), str(missing), GOOD))
    for path in (broken, missing):
        stage.program.open_checkpoint(path)
        stage.run()
        assert "bad.pkl" in told(stage.program)
    assert stage.program.settings.recents == (str(missing), GOOD), "a disk may be missing just now"
    assert forgotten == [broken, missing], "if they are downloads"


def test_a_download_opens_and_the_browser_stays_where_it_was(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "good.pkl"
    stage.program.settings = replace(stage.program.settings, last_folder="/nets")
    stage.program.fetching = Fetching(fetch=lambda url, **_: path)
    stage.program.open_url("http://example.org/good.pkl")
    until = time.monotonic() + 10
    while stage.program.view.network.path != str(path) and time.monotonic() < until:
        stage.run()
        time.sleep(0.002)
    assert stage.program.view.network.path == str(path)
    assert stage.program.settings.last_folder == "/nets"


def test_of_several_dropped_files_only_checkpoints_are_kept(stage: Stage, tmp_path: Path) -> None:
    good, broken = save_tiny(tmp_path / "a.safetensors"), tmp_path / "b.pkl"
    broken.write_bytes(b"")
    stage.program.drop([Path(GOOD), good, broken])
    until = time.monotonic() + 10
    while "b.pkl" not in stage.program.notices.message and time.monotonic() < until:
        stage.run()
        time.sleep(0.002)
    assert stage.program.notices.message == (
        "Opening good.safetensors; 1 more checkpoint under Recent; b.pkl cannot be opened: it is empty"
    )
    assert str(good) in stage.program.settings.recents
    assert str(broken) not in stage.program.settings.recents


def test_the_first_file_may_fail(tmp_path: Path) -> None:
    rendering = StandInRendering()
    program = Program(rendering, view=View(network=NetworkView("/bad")))
    program.update(0.1)
    assert told(program)
    assert program.view.network.path == ""
    program.open_checkpoint(Path(GOOD))
    program.update(0.1)
    assert not told(program)
    assert program.frame is not None
    program.close()


def test_cancelled_loading_is_no_error(stage: Stage) -> None:
    path = Path("/nets/slow.pkl")
    stage.rendering.held = True
    stage.program.open_checkpoint(path)
    stage.rendering.loading = LoadingState(path, 0.3, "Reading")
    assert stage.program.moving
    stage.program.escape()
    assert stage.rendering.cancelled == 1
    stage.rendering.loading, stage.rendering.held = None, False
    stage.rendering.answer(FailedFrame(stage.program.view, LoadingCancelled("cancelled")))
    stage.run()
    assert not told(stage.program)
    assert "slow.pkl" in stage.program.notices.message
    assert stage.program.view.network.path == GOOD


def test_a_failing_view_keeps_the_picture_and_its_network(stage: Stage) -> None:
    shown = stage.program.frame
    stage.rendering.answer(FailedFrame(stage.program.view, CheckpointError("no memory")))
    stage.run()
    assert stage.program.frame is shown
    assert told(stage.program) == "no memory."
    stage.seed(3)
    assert not told(stage.program)


def test_turntable_turns_in_time_and_is_one_step(stage: Stage) -> None:
    stage.program.set_turntable(Turntable(True, 90.0))
    before = stage.program.view
    yaws = []
    for _ in range(60):
        stage.run()
        yaws.append(stage.program.view.camera.yaw)
    assert stage.program.view.pose.source == "free"
    assert len(set(yaws)) == 60
    assert max(map(abs, yaws)) < math.radians(62)
    # A slider moved meanwhile is a step of its own, the turning is none.
    stage.seed(2)
    stage.run(count=10)
    stage.program.undo()
    assert not stage.program.turntable.playing
    assert stage.program.view.latent.x == 0
    stage.program.undo()
    assert stage.program.view == before


def test_going_somewhere_stops_the_turntable(stage: Stage) -> None:
    stage.program.toggle_turntable()
    assert stage.program.moving
    stage.program.go_to_pose(Pose(0.1, 0.2))
    assert not stage.program.turntable.playing
    assert stage.program.view.pose.override_yaw == 0.1
    stage.program.toggle_turntable()
    stage.program.reset_to_predicted()
    assert not stage.program.turntable.playing
    assert stage.program.view.pose.source == "predicted"


def wait_for_notice(stage: Stage) -> str:
    stage.program.notices.message = ""
    for _ in range(400):
        stage.run(0.001)
        if stage.program.notices.message:
            return stage.program.notices.message
        time.sleep(0.01)
    raise AssertionError("nothing was announced")


def test_a_saved_picture_has_its_view(stage: Stage) -> None:
    stage.seed(6)
    stage.program.save_image()
    message = wait_for_notice(stage)
    path = stage.folder / "good-seed6.png"
    assert message == f"Saved {path}"
    assert read_view(path) == stage.program.view


def test_a_preview_is_not_saved(stage: Stage) -> None:
    stage.rendering.held = True
    stage.seed(8)
    stage.rendering.answer(picture(stage.program.view, "preview"))
    stage.run()
    stage.program.save_image()
    stage.run(count=3)
    assert not stage.folder.exists()
    stage.rendering.answer(picture(stage.program.view))
    stage.run()
    assert "good-seed8.png" in wait_for_notice(stage)


def test_a_late_picture_of_an_older_view_is_not_saved_for_the_present_one(stage: Stage) -> None:
    stage.rendering.held = True
    stage.seed(8)
    late = picture(stage.program.view)
    stage.seed(9)
    stage.program.save_image()
    stage.rendering.answer(late)
    stage.run(count=3)
    assert not stage.folder.exists()
    stage.rendering.answer(picture(stage.program.view))
    stage.run()
    assert "good-seed9.png" in wait_for_notice(stage)


def test_a_picture_that_cannot_be_saved_says_so(stage: Stage) -> None:
    stage.folder.write_text("in the way")
    stage.program.save_image()
    assert "Cannot save" in wait_for_notice(stage)


def test_recording_and_cancelling(stage: Stage) -> None:
    request = RecordingRequest(frames=3, format="gif")
    stage.program.plan_recording(request)
    stage.program.start_recording()
    assert stage.recording.started == [(stage.program.view, request, stage.folder / "good-seed0.gif")]
    assert stage.program.context(stage.rendering.preview_milliseconds, 1.0).recording is not None
    stage.program.toggle_recording()
    stage.run()
    assert stage.program.notices.message == "The recording was cancelled"
    stage.program.toggle_recording()
    assert stage.recording.started[-1][1] == request
    stage.recording.finish()
    stage.run()
    assert stage.program.notices.message == f"Saved {stage.folder / 'good-seed0.gif'}"


def test_a_dropped_picture_is_a_step(stage: Stage) -> None:
    stage.seed(6)
    stage.program.save_image()
    wait_for_notice(stage)
    stage.seed(7)
    stage.program.drop([stage.folder / "good-seed6.png"])
    stage.run()
    assert stage.program.view.latent == LatentView(x=6)
    stage.program.undo()
    assert stage.program.view.latent == LatentView(x=7)


def test_dropped_text_leaves_the_picture(stage: Stage, tmp_path: Path) -> None:
    shown = stage.program.frame
    (tmp_path / "notes.txt").write_text("hello")
    stage.program.drop([tmp_path / "notes.txt"])
    stage.run()
    assert "notes.txt" in told(stage.program)
    assert stage.program.frame is shown


def test_bundled_checkpoints_are_no_recent_ones(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assets").mkdir()
    bundled = tmp_path / "assets" / "cats.pkl"
    bundled.touch()
    (tmp_path / "link").symlink_to(tmp_path / "assets", target_is_directory=True)
    stage.program.surroundings.bundled = (bundled,)
    monkeypatch.chdir(tmp_path)
    before = stage.program.settings.recents
    for way in ("assets/cats.pkl", "assets/../assets/cats.pkl", "link/cats.pkl"):
        stage.program.open_checkpoint(Path(way))
        stage.run()
        assert stage.program._network == str(tmp_path / way)
        assert stage.program.settings.recents == before, way
        stage.program.open_checkpoint(Path(GOOD))
        stage.run()
    stage.program.restore(Session(View(NetworkView(str(bundled))), alone=True))
    assert stage.program.settings.recents == before


def test_what_is_remembered(stage: Stage) -> None:
    stage.seed(5)
    stage.program.set_threads(3)
    stage.program.remember()
    assert load_settings().threads == 3
    assert load_session() == stage.program.session
    assert stage.program.session.view == stage.program.view
    stage.program.forget_recent(Path(GOOD))
    assert load_settings().recents == ()


def test_a_first_view_that_cannot_be_rendered_leaves_its_file_open(tmp_path: Path) -> None:
    rendering = StandInRendering()
    rendering.held = True
    program = Program(rendering, view=View(network=NetworkView(GOOD)))
    rendering.answer(FailedFrame(program.view, CheckpointError("no memory"), opened=True))
    program.update(0.1)
    assert told(program) == "no memory."
    assert program.view.network.path == GOOD
    rendering.held = False
    program.commit(replace(program.view, latent=LatentView(x=2.0)))
    program.update(0.1)
    assert not told(program)
    assert program.frame is not None
    program.close()


def test_a_dropped_view_without_a_network_is_seen_through_the_open_one(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(view_to_json(View(latent=LatentView(x=8.0))))
    stage.program.drop([tmp_path / "a.json"])
    stage.run()
    assert stage.program.view == View(NetworkView(GOOD), LatentView(x=8.0))
    assert stage.program.frame is not None
    assert stage.program.frame.view == stage.program.view


def test_drawn_paths_and_bookmarks_are_undone(stage: Stage) -> None:
    program = stage.program
    first, second = WalkPath(((0.0, 0.0), (1.0, 0.0))), WalkPath(((3.0, 0.0), (3.0, 2.0)))
    program.set_walk(Walk(first))
    program.hand = "a drag"
    for points in (1, 2):
        program.set_walk(Walk(WalkPath(second.points[:points])))
    program.hand = None
    program.toggle_walk()
    stage.run(count=3)
    program.toggle_walk()
    program.add_bookmark("here")
    program.rename_bookmark(0, "there")
    program.delete_bookmark(0)

    def explored() -> tuple[object, ...]:
        return program.exploring.path, tuple(one.name for one in program.exploring.bookmarks)

    states = [explored()]
    for _ in range(6):
        program.undo()
        states.append(explored())
    walked = (second, ())
    assert states == [
        walked,
        (second, ("there",)),
        (second, ("here",)),
        walked,
        walked,
        (first, ()),
        (None, ()),
    ]
    for _ in range(6):
        program.redo()
    assert explored() == walked
