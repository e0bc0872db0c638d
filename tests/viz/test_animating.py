"""The timeline in the program, without a window: playing, scrubbing, editing, undo, sessions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.viz.stand_ins import StandInRecording, StandInRendering, picture
from viz.animating import AUTOSAVE_SECONDS, TITLE
from viz.keyframes import Shot
from viz.panel import RecordingRequest, Turntable
from viz.program import Program
from viz.sessions import Session, load_session, read_session, save_session
from viz.settings import load_settings
from viz.start import make_program
from viz.surroundings import Surroundings
from viz.timeline import Timeline, changed, stretched, view_at
from viz.view import LatentView, NetworkView, View, view_to_json

GOOD = "/nets/good.safetensors"


class Stage:
    def __init__(self, folder: Path) -> None:
        self.rendering, self.recording = StandInRendering(), StandInRecording()
        self.program = Program(
            self.rendering,
            self.recording,
            view=View(network=NetworkView(GOOD)),
            surroundings=Surroundings(remember=True, capture_folder=folder / "out"),
        )
        self.run()

    def run(self, seconds: float = 1 / 60, count: int = 1) -> None:
        for _ in range(count):
            self.program.update(seconds)

    def go(self, x: float) -> None:
        view = self.program.view
        self.program.commit(replace(view, latent=LatentView(x=x)), object())
        self.run()

    @property
    def times(self) -> list[float]:
        return [one.time for one in self.program.timeline.keyframes]

    def edited(self) -> bool:
        """Whether the View differs from the keyframe at the playhead."""
        return self.program.playback.edited

    @property
    def x(self) -> float:
        return self.program.view.latent.x


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.program.close()


@pytest.fixture
def keyed(stage: Stage) -> Stage:
    """With keyframes of seeds 0, 1 and 2 at as many seconds."""
    for x in (0, 1, 2):
        stage.go(x)
        stage.program.add_keyframe()
    return stage


def test_keyframes_one_after_the_other(keyed: Stage) -> None:
    program = keyed.program
    assert keyed.times == [0.0, 1.0, 2.0]
    assert [one.view.latent.x for one in program.timeline.keyframes] == [0, 1, 2]
    assert all(one.view.network == NetworkView() for one in program.timeline.keyframes)
    assert (program.time, program.timeline.duration) == (2.0, 2.0)
    assert TITLE in program.panels_open


def test_playing_shows_what_would_be_recorded_in_real_time(keyed: Stage) -> None:
    program = keyed.program
    program.play_timeline(True)
    assert program.time == 0.0, "it was at the end"
    assert program.moving
    keyed.run(0.1, 5)
    expected = view_at(program.timeline, 0.5)
    assert expected is not None
    assert program.time == pytest.approx(0.5)
    assert program.view.latent.x == pytest.approx(expected.latent.x)
    assert program.view.network.path == GOOD
    assert keyed.rendering.submitted[-1] == program.view
    keyed.run(0.1, 20)
    assert not program.playing
    assert (program.time, keyed.x) == (2.0, 2.0)
    program.undo()
    assert keyed.x == 2.0, "playing is one step"


def test_a_loop_goes_on(keyed: Stage) -> None:
    program = keyed.program
    program.edit_timeline(replace(program.timeline, loop=True, duration=3.0))
    program.seek(0.0)
    program.play_timeline(True)
    keyed.run(0.5, 7)
    assert program.playing
    assert program.time == pytest.approx(0.5)


def test_a_loop_shows_its_last_keyframe(keyed: Stage) -> None:
    program = keyed.program
    program.edit_timeline(replace(program.timeline, loop=True))
    program.seek(0.0)
    program.seek(2.0)
    assert (program.time, keyed.x) == (2.0, 2.0)
    assert not keyed.edited()
    assert program.timeline.duration == 3.0


def test_scrubbing_is_one_step_and_keeps_to_frames(keyed: Stage) -> None:
    program, gesture = keyed.program, object()
    for place in (1.71, 1.2, 0.99, 0.5123):
        program.seek(place, gesture)
    assert program.time == pytest.approx(15 / 30)
    assert 0.0 < keyed.x < 1.0
    program.undo()
    assert keyed.x == 2.0
    program.seek(99.0)
    assert program.time == 2.0


def test_a_keyframe_off_the_frames_is_found(keyed: Stage) -> None:
    program = keyed.program
    program.edit_timeline(stretched(program.timeline, 1.77))
    assert program.timeline.keyframes[1].time == pytest.approx(0.885)
    program.seek(0.88)
    assert keyed.x == 1.0
    assert not keyed.edited()
    program.add_keyframe()
    assert len(keyed.times) == 4, "behind the one that is here"
    program.play_timeline(True)
    keyed.run(0.0101, 3)
    program.play_timeline(False)
    assert round(program.time * 30) == pytest.approx(program.time * 30), "it stops on a frame"
    shown = view_at(program.timeline, program.time)
    assert shown is not None
    assert program.view.latent == shown.latent


def test_undo_covers_the_timeline_and_a_drag_is_one_step(keyed: Stage) -> None:
    program, gesture = keyed.program, object()
    before = program.timeline
    for fps in (20, 30, 60):
        program.edit_timeline(replace(before, fps=fps), gesture)
    assert program.timeline.fps == 60
    program.undo()
    assert program.timeline == before
    program.redo()
    assert program.timeline.fps == 60
    for _ in range(2):
        program.undo()
    assert keyed.times == [0.0, 1.0]
    assert keyed.x == 2.0
    program.undo()
    assert keyed.x == 1.0, "Views and timelines are steps of one history"
    program.undo()
    assert keyed.times == [0.0]
    assert program.time <= program.timeline.duration


def test_the_playhead_goes_back_with_the_picture(keyed: Stage) -> None:
    program = keyed.program
    program.seek(0.0)
    program.seek(1.0)
    for act, at in ((program.undo, 0.0), (program.undo, 2.0), (program.redo, 0.0), (program.redo, 1.0)):
        act()
        assert (program.time, keyed.x, keyed.edited()) == (at, at, False)
    program.remove_keyframe()
    program.seek(2.0)
    program.undo()
    program.undo()
    assert (program.time, keyed.x, keyed.edited()) == (1.0, 1.0, False)


def test_playing_waits_for_a_picture_that_is_to_be_saved(keyed: Stage) -> None:
    program = keyed.program
    program.play_timeline(True)
    keyed.run(0.25)
    keyed.rendering.held = True
    keyed.run(0.25)
    program.save_image()
    x = keyed.x
    keyed.run(0.25, count=3)
    assert keyed.x == x
    assert program.playing
    keyed.rendering.answer(picture(program.view))
    keyed.run(0.25, count=2)
    assert keyed.x > x


def test_what_the_user_does_stops_playing(keyed: Stage) -> None:
    program = keyed.program
    for act in (
        lambda: program.edit(replace(program.view, latent=LatentView(x=9.0))),
        program.undo,
        program.add_keyframe,
        lambda: program.seek(0.5),
        lambda: program.set_turntable(Turntable(playing=True)),
    ):
        program.play_timeline(True)
        keyed.run()
        act()
        assert not program.playing
    program.play_timeline(True)
    assert not program.turntable.playing
    program.edit(program.view)
    assert program.playing, "panels that change nothing are no reason to stop"


def test_updating_and_removing_the_keyframe_at_the_playhead(keyed: Stage) -> None:
    program = keyed.program
    assert not keyed.edited()
    program.seek(1.0)
    keyed.go(42)
    assert keyed.edited()
    program.update_keyframe()
    assert not keyed.edited()
    assert program.timeline.keyframes[1].view.latent.x == 42
    program.remove_keyframe()
    assert keyed.times == [0.0, 2.0]
    program.seek(1.5)
    program.remove_keyframe()
    program.update_keyframe()
    assert keyed.times == [0.0, 2.0], "there is none"


def test_a_seed_chosen_between_two_others_is_that_seed(keyed: Stage) -> None:
    program = keyed.program
    far = replace(program.timeline.keyframes[2].view, latent=LatentView(x=60.0))
    program.edit_timeline(changed(program.timeline, 2, view=far))
    program.seek(1.5)
    blend = program.view.latent.blend
    assert blend
    program.edit(replace(program.view, latent=replace(program.view.latent, truncation_psi=0.5)))
    assert program.view.latent.blend == blend
    program.edit(replace(program.view, latent=replace(program.view.latent, x=7.0)))
    assert program.view.latent.blend == ()


def test_an_unplayable_timeline_is_refused(keyed: Stage) -> None:
    before = keyed.program.timeline
    keyed.program.edit_timeline(replace(before, duration=1.0))
    assert keyed.program.timeline == before
    assert "timeline" in keyed.program.notices.message


def test_generating_and_recording(stage: Stage) -> None:
    program = stage.program
    program.play_timeline(True)
    assert not program.playing
    program.plan_recording(RecordingRequest("sweep", "gif", size=64))
    program.generate_path("figure-eight")
    assert len(stage.times) == 8
    assert program.view.pose.source == "predicted", "it is there to be looked at, when one wants to"
    program.record_timeline()
    view, request, target = stage.recording.started[-1]
    assert (request.path, request.format, request.size) == ("timeline", "gif", 64)
    assert (request.frames, request.fps, request.timeline) == (240, 30, program.timeline)
    assert view.network.path == GOOD
    assert target.suffix == ".gif"
    assert program.capturing.request.path == "sweep", "the plan stays"
    program.cancel_recording()
    program.plan_recording(RecordingRequest("timeline"))
    program.toggle_recording()
    assert stage.recording.started[-1][1].timeline == program.timeline, "by the key, too"


def test_shots_are_of_the_network_that_is_open(keyed: Stage, tmp_path: Path) -> None:
    program, shot = keyed.program, Shot(0.1, 0.2, 2.7, 0.3)

    def shots() -> list[Shot | None]:
        return [one.shot for one in program.timeline.keyframes]

    keys = tuple(replace(one, shot=shot) for one in program.timeline.keyframes)
    program.edit_timeline(replace(program.timeline, keyframes=keys))
    program.save_session_as(tmp_path / "a.json")
    keyed.run()
    assert shots() == [shot] * 3
    program.open_checkpoint(Path("/nets/other.safetensors"))
    keyed.run(count=2)
    assert program.view.network.path == "/nets/other.safetensors"
    assert shots() == [None] * 3
    program.undo()
    keyed.run(count=2)
    assert (program.view.network.path, shots()) == (GOOD, [shot] * 3)
    program.open_checkpoint(Path("/nets/other.safetensors"))
    keyed.run(count=2)
    program.restore(read_session(tmp_path / "a.json"))
    keyed.run(count=2)
    assert shots() == [shot] * 3, "as they were saved"


# ------------------------------------------------------------------------------------------------ sessions
def test_it_saves_itself_when_something_has_changed(keyed: Stage) -> None:
    keyed.run(AUTOSAVE_SECONDS + 0.1)
    saved = load_session()
    assert saved == keyed.program.session
    assert saved is not None
    assert saved.timeline == keyed.program.timeline
    save_session(Session())
    keyed.run(AUTOSAVE_SECONDS + 0.1)
    assert load_session() == Session(), "nothing had changed"
    keyed.go(8)
    keyed.run(AUTOSAVE_SECONDS / 2)
    assert load_session() == Session(), "not yet"
    keyed.program.remember()
    assert load_session() == keyed.program.session
    assert load_settings().panels_open == (TITLE,)


def test_a_session_saved_and_opened(keyed: Stage, tmp_path: Path) -> None:
    program, path = keyed.program, tmp_path / "a session.json"
    program.save_session_as(path)
    assert read_session(path) == program.session
    kept = program.timeline
    program.edit_timeline(replace(kept, keyframes=()))
    keyed.go(50)
    program.panels_open.clear()
    program.open_file(path)
    assert (program.timeline, keyed.x) == (kept, 2.0)
    assert TITLE in program.panels_open
    assert "a session.json" in program.notices.message
    program.undo()
    assert (program.timeline.keyframes, keyed.x) == ((), 50.0), "opening it is one step"
    program.save_session_as(path / "below a file.json")
    assert "Cannot save" in program.notices.message


def test_a_view_alone_leaves_the_timeline(keyed: Stage, tmp_path: Path) -> None:
    kept = keyed.program.timeline
    (tmp_path / "view.json").write_text(view_to_json(View(latent=LatentView(x=77.0))))
    keyed.program.drop([tmp_path / "view.json"])
    assert (keyed.x, keyed.program.timeline) == (77.0, kept)
    assert keyed.program.view.network.path == GOOD


def test_a_session_without_keyframes_has_none(keyed: Stage, tmp_path: Path) -> None:
    save_session(Session(View(latent=LatentView(x=77.0))), tmp_path / "a.json")
    keyed.program.open_session(tmp_path / "a.json")
    assert (keyed.x, keyed.times) == (77.0, [])
    keyed.program.undo()
    assert (keyed.x, keyed.times) == (2.0, [0.0, 1.0, 2.0])


def test_a_dropped_session_is_the_one_that_is_saved_next(keyed: Stage, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    keyed.program.save_session_as(second)
    keyed.program.save_session_as(first)
    keyed.program.drop([second])
    assert keyed.program.session_path == second
    assert keyed.program.notices.message == "Opened second.json"
    keyed.program.save_image()
    deadline = time.monotonic() + 30
    while not (pictures := list((tmp_path / "out").glob("*.png"))):
        assert time.monotonic() < deadline
        keyed.run()
        time.sleep(0.01)
    keyed.program.drop(pictures)
    assert keyed.program.session_path == second, "a picture is no session"


def test_a_session_whose_checkpoint_is_missing_changes_nothing(keyed: Stage, tmp_path: Path) -> None:
    program, path = keyed.program, tmp_path / "a.json"
    save_session(Session(View(NetworkView("/gone/a.pkl"), LatentView(x=77.0)), Timeline()), path)
    for act in (program.open_session, lambda path: program.drop([path])):
        before = (program.view, program.timeline, program.session_path, program.settings)
        program.notices.message = ""
        act(path)
        keyed.run()
        assert (program.view, program.timeline, program.session_path, program.settings) == before
        assert program.notices.message == ""
        assert "/gone/a.pkl" in str(program.error)
        program.dismiss_error()


def test_a_damaged_session_is_told(keyed: Stage, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    keyed.program.open_file(tmp_path / "bad.json")
    assert "bad.json" in str(keyed.program.error)


# -------------------------------------------------------------------------------- with a network, in threads
def test_pictures_and_shots_are_made_in_the_background(tiny: Path) -> None:
    program = make_program(View(network=NetworkView(str(tiny))), Surroundings())
    try:
        deadline = time.monotonic() + 30

        def until(done: Callable[[], bool]) -> None:
            while not done():
                assert time.monotonic() < deadline
                time.sleep(0.01)
                program.update(0.01)

        until(lambda: program.frame is not None)
        program.generate_path("latent walk")
        assert all(one.shot is None for one in program.timeline.keyframes)
        until(lambda: len(program.playback.pictures) == 4)
        until(lambda: all(one.shot is not None for one in program.timeline.keyframes))
        assert {picture.shape for picture in program.playback.pictures.values()} == {(64, 64, 4)}
        assert program.frame is not None
        shot = program.timeline.keyframes[0].shot
        assert shot is not None
        assert shot.yaw == pytest.approx(program.frame.generator_pose.yaw)
        program.undo()
        assert program.timeline.keyframes == (), "what became known by itself is no step"
    finally:
        program.close()
