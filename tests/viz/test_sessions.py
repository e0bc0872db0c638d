"""Sessions on disk, at the next start and on the command line."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

import visualizer
from pof3d.errors import ConfigError
from viz import sessions
from viz.captures import read_view
from viz.comparing import Comparison, Pane, pinned
from viz.dropping import sort_out
from viz.engine import Engine
from viz.files import SaveError
from viz.keyframes import Keyframe, Shot
from viz.options import Record, build_request
from viz.panel import RecordingRequest
from viz.recorder import Film, recorded_views
from viz.session_options import with_session, with_timeline
from viz.sessions import (
    Session,
    load_session,
    read_session,
    save_session,
    session_from_json,
    session_to_json,
)
from viz.settings import session_path
from viz.start import ASSETS, first_session
from viz.timeline import Timeline, view_at, views
from viz.view import (
    CameraView,
    DisplayView,
    LatentView,
    NetworkView,
    PoseView,
    SamplingView,
    View,
    view_from_json,
    view_to_json,
)


def free(yaw: float, **parts: Any) -> View:
    return View(pose=PoseView("free"), camera=CameraView(yaw=yaw), **parts)


TIMELINE = Timeline((Keyframe(0.0, free(0.0), "linear"), Keyframe(0.4, free(0.4))), 0.4, 10)
VIEW = View(NetworkView("/nets/a.safetensors"), LatentView(x=5.5))
BOTH = pinned(Comparison(), VIEW)
SESSION = Session(VIEW, TIMELINE, replace(BOTH, linked=False, partner_key=0))


def test_the_next_start_goes_on() -> None:
    assert load_session() is None
    save_session(SESSION)
    assert load_session() == SESSION
    assert first_session(VIEW, SESSION) == SESSION
    assert first_session(View(), SESSION) == Session(), "another checkpoint was asked for"
    session_path().write_text("gone wrong")
    assert load_session() is None
    assert session_path().with_name("session.json.damaged").exists()


def test_a_session_that_cannot_be_shown_is_set_aside() -> None:
    for session in (
        Session(View(sampling=SamplingView(resolution=5000))),
        Session(VIEW, replace(TIMELINE, duration=0.2)),
        Session(VIEW, comparison=replace(BOTH, active=2)),
        Session(VIEW, comparison=replace(BOTH, active=-1)),
        Session(VIEW, comparison=replace(BOTH, gain=1e9)),
        Session(VIEW, comparison=replace(BOTH, divider=-0.1)),
        Session(VIEW, comparison=replace(BOTH, panes=BOTH.panes[:1], active=0)),
        Session(VIEW, comparison=replace(BOTH, panes=(*BOTH.panes, *BOTH.panes))),
        Session(VIEW, comparison=replace(BOTH, panes=tuple(Pane(key, VIEW) for key in range(5)))),
        Session(VIEW, comparison=pinned(Comparison(), View(sampling=SamplingView(resolution=5000)))),
    ):
        save_session(session)
        assert load_session() is None
        assert not session_path().exists()


def test_older_sessions_hold_a_view_alone_and_older_programs_read_newer_ones() -> None:
    assert session_from_json(view_to_json(VIEW)) == Session(VIEW)
    assert view_from_json(session_to_json(SESSION)) == VIEW


def test_a_checkpoint_that_has_moved_is_found(tmp_path: Path) -> None:
    path = tmp_path / "work.json"
    save_session(Session(View(NetworkView("C:\\nets\\mine.pkl"))), path)
    assert read_session(path).view.network.path == "C:\\nets\\mine.pkl"
    (tmp_path / "mine.pkl").touch()
    assert read_session(path).view.network.path == str(tmp_path / "mine.pkl")
    save_session(Session(View(NetworkView("/elsewhere/toy-cats.safetensors"))), path)
    assert read_session(path).view.network.path == str(ASSETS / "toy-cats.safetensors")


def test_what_cannot_be_read_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"gone\.json"):
        read_session(tmp_path / "gone.json")
    path = tmp_path / "a.json"
    path.write_text("[]")
    with pytest.raises(ConfigError, match=r"a\.json"):
        read_session(path)
    save_session(SESSION, path)
    monkeypatch.setattr(sessions, "_LARGEST", 50)
    with pytest.raises(ConfigError):
        read_session(path)
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(SaveError):
        save_session(SESSION, tmp_path / "folder.json")
    assert not [name for name in os.listdir(tmp_path) if name not in ("a.json", "folder.json")]


@pytest.mark.parametrize(
    "text",
    [
        b"[1, 2]",
        b"{}",
        b"{",
        b"\xff",
        b'{"schema_version": 1, "view": {"latent": {"x": "left"}}}',
        b'{"schema_version": 1, "view": {}, "timeline_version": 1, "timeline": {"keyframes": 1e999}}',
        b'{"schema_version": 1, "view": {}, "comparison_version": 1, "comparison": {"panes": [7]}}',
        b"[1e999]",
    ],
)
def test_foreign_files_are_refused_in_words(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        read_session(path)
    assert str(caught.value) == "bad.json cannot be opened: it is no session of this program."


def test_a_session_of_a_newer_program_says_so(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    path.write_text('{"schema_version": 99, "view": {}}')
    with pytest.raises(ConfigError, match=r"version is 99.*program version that wrote it"):
        read_session(path)


def test_a_dropped_session(tmp_path: Path) -> None:
    assert sort_out([tmp_path / "a.json"]).saved == tmp_path / "a.json"


# ---------------------------------------------------------------------------------------------- recordings
def test_what_is_recorded_is_what_the_timeline_shows(tiny: Path) -> None:
    view = View(NetworkView(str(tiny)))
    request = RecordingRequest("timeline", frames=5, timeline=TIMELINE)
    recorded = list(recorded_views(Engine(), view, request))
    assert recorded == [
        replace(one, network=view.network) if one else None
        for one in (view_at(TIMELINE, 0.1 * i) for i in range(5))
    ]


def test_a_video_has_one_size_and_one_depth_range(tiny: Path) -> None:
    keys = (
        Keyframe(0.0, free(0.0), "hold"),
        Keyframe(1.0, free(0.2, display=DisplayView("depth")), "hold"),
        Keyframe(2.0, free(0.9, display=DisplayView("side_by_side"))),
    )
    request = RecordingRequest("timeline", frames=5, timeline=Timeline(keys, 2.0))
    engine, view = Engine(), View(NetworkView(str(tiny)))
    shown = list(recorded_views(engine, view, request))
    assert {one.display.mode for one in shown} == {"side_by_side"}
    assert len({one.display.depth_range for one in shown}) == 1
    assert shown[0].display.depth_range is not None
    plain = list(recorded_views(engine, view, replace(request, timeline=Timeline(keys[:2], 1.0))))
    assert [one.display.mode for one in plain] == ["rgb"] * 4 + ["depth"]
    assert plain[0].display.depth_range is None
    assert plain[-1].display.depth_range is not None


def run(*arguments: object) -> int:
    return visualizer.main([str(argument) for argument in arguments])


@pytest.fixture
def saved(tiny: Path, tmp_path: Path) -> Path:
    path = tmp_path / "work.json"
    save_session(Session(View(NetworkView(str(tiny)), LatentView(x=3.0)), TIMELINE), path)
    return path


def test_record_plays_a_sessions_timeline(saved: Path, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.mp4"
    assert run("record", saved, "--out", out, "--size", 32) == 0
    frames = iio.imread(out, plugin="pyav")
    assert len(frames) == 5
    assert iio.immeta(out, plugin="pyav")["fps"] == 10
    engine = Engine()
    for shown, view in zip(frames, views(TIMELINE), strict=True):
        shot = replace(view, network=NetworkView(str(tiny)))
        expected = Film(engine, shot, RecordingRequest(size=32)).picture(shot).astype(int)
        assert np.abs(shown.astype(int) - expected).mean() < 6
    assert run("record", saved, "--out", out, "--size", 32, "--fps", 20) == 0
    assert len(iio.imread(out, plugin="pyav")) == 9, "as long, with more frames"


def test_record_without_a_timeline_and_render(saved: Path, tiny: Path, tmp_path: Path) -> None:
    save_session(Session(View(NetworkView(str(tiny)), LatentView(x=3.0))), saved)
    assert run("record", saved, "--out", tmp_path / "a.mp4", "--size", 32, "--frames", 3) == 0
    assert len(iio.imread(tmp_path / "a.mp4", plugin="pyav")) == 3
    assert read_view(tmp_path / "a.mp4").latent.x == 3.0
    assert run("render", saved, "--out", tmp_path / "a.png") == 0
    assert read_view(tmp_path / "a.png").latent.x == 3.0


def test_options_of_sessions(saved: Path, tiny_2x: Path, tmp_path: Path) -> None:
    options, session = with_session(Record(saved, tmp_path / "a.mp4", checkpoint=tiny_2x))
    assert options.file == tiny_2x
    assert session is not None
    played = with_timeline(options, session)
    assert build_request(played, session.timeline).timeline == TIMELINE
    turned = with_timeline(replace(options, path="turntable", psi=0.5), session)
    assert build_request(turned, session.timeline).path == "turntable"
    assert build_request(turned, session.timeline).timeline is None


def test_another_checkpoint_has_its_own_shots(saved: Path, tiny: Path, tiny_2x: Path) -> None:
    keys = tuple(replace(one, shot=Shot(0.1, 0.2, 2.7, 0.3)) for one in TIMELINE.keyframes)
    save_session(Session(View(NetworkView(str(tiny))), replace(TIMELINE, keyframes=keys)), saved)
    for checkpoint, known in ((None, True), (tiny, True), (tiny_2x, False)):
        session = with_session(Record(saved, saved, checkpoint=checkpoint))[1]
        assert session is not None
        assert [one.shot is not None for one in session.timeline.keyframes] == [known] * 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["work.json", "--psi", "0.5"],
        ["work.json", "--view", "work.json"],
        ["plain.json", "--path", "timeline"],
        ["nameless.json"],
        ["a.safetensors", "--checkpoint", "b.safetensors"],
        ["a.safetensors", "--path", "timeline"],
        ["gone.json"],
    ],
)
def test_options_that_do_not_go_together(
    saved: Path, tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    save_session(Session(VIEW), tmp_path / "plain.json")
    save_session(Session(), tmp_path / "nameless.json")
    arguments = [str(tmp_path / one) if "." in one and one[0].isalpha() else one for one in arguments]
    assert run("record", *arguments, "--out", tmp_path / "a.mp4") == 2
    assert capsys.readouterr().err.startswith("Error: ")
    assert not (tmp_path / "a.mp4").exists()
