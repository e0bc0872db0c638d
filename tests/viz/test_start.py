"""Beginnings: what is shown at first, and options that cannot be used."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pof3d.errors import ConfigError
from viz import start
from viz.captures import save_pixels
from viz.sessions import Session
from viz.settings import Settings
from viz.start import WindowOptions, display_missing, first_view, run_window
from viz.view import LatentView, NetworkView, View, view_to_json

BUNDLED = [Path("/program/assets/cats.safetensors")]


def test_the_file_asked_for_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = View(NetworkView("/old"), LatentView(x=3))
    assert first_view(Path("a.pkl"), session, BUNDLED) == View(NetworkView(str(tmp_path / "a.pkl")))


def test_a_run_is_followed_if_asked_for_or_open_last_time(tmp_path: Path) -> None:
    session = View(NetworkView("/old"), LatentView(x=3))
    assert first_view(tmp_path, session, BUNDLED) == View()
    last = Settings(run="/runs/cats")
    assert start._run_folder(tmp_path, last) == tmp_path
    assert start._run_folder(tmp_path / "a.pkl", last) is None
    assert start._run_folder(None, last) == Path("/runs/cats")
    assert start._run_folder(None, Settings()) is None


def test_then_the_last_session_if_its_file_is_still_there(tmp_path: Path) -> None:
    session = View(NetworkView(str(tmp_path / "old.pkl")), LatentView(x=3))
    assert first_view(None, session, BUNDLED) == View(NetworkView(str(BUNDLED[0])))
    (tmp_path / "old.pkl").touch()
    assert first_view(None, session, BUNDLED) == session
    assert first_view(None, replace(session, network=NetworkView()), BUNDLED).latent.x == 0


def test_a_capture_asked_for_is_begun_with(tmp_path: Path) -> None:
    checkpoint, picture = tmp_path / "a.pkl", tmp_path / "a.png"
    view = View(NetworkView(str(checkpoint)), LatentView(x=3))
    save_pixels(np.zeros((4, 4, 4), np.uint8), picture, view)
    with pytest.raises(ConfigError, match=r"a\.png cannot be opened"):
        start.asked_for(picture, BUNDLED)
    checkpoint.touch()
    assert start.asked_for(picture, BUNDLED) == Session(view)
    assert first_view(picture, View(NetworkView("/old")), BUNDLED) == view
    (tmp_path / "view.json").write_text(view_to_json(replace(view, network=NetworkView())))
    for nameless in (tmp_path, tmp_path / "view.json"):  # the folder of a PNG sequence
        assert first_view(nameless, None, BUNDLED) == replace(view, network=NetworkView(str(BUNDLED[0])))
    save_pixels(np.zeros((4, 4, 4), np.uint8), picture)
    with pytest.raises(ConfigError, match=r"no view in a\.png"):
        start.asked_for(picture, BUNDLED)
    assert start.asked_for(checkpoint, BUNDLED) is None


@pytest.mark.parametrize(
    "path", ["/" + "a" * 100_000, "/tmp/a\0b.pkl", "/dev/zero", "/", "~nobody/x", "\ud800"]
)
def test_sessions_of_impossible_files_are_passed_over(path: str) -> None:
    assert first_view(None, View(NetworkView(path)), BUNDLED).network.path == str(BUNDLED[0])
    if not path.startswith("~"):
        assert first_view(Path(path), None, BUNDLED).network.path in ("", path, os.path.abspath(path))


def test_then_the_bundled_one() -> None:
    assert first_view(None, None, BUNDLED).network.path == str(BUNDLED[0])
    assert first_view(None, None, []).network.path == ""


def test_a_display_is_missing_only_if_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    missing = [display_missing()]
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    missing.append(display_missing())
    assert missing == [True, False]


@pytest.mark.parametrize(
    ("options", "named"), [(WindowOptions(threads=0), "0 threads"), (WindowOptions(scale=9.0), "scale of 9")]
)
def test_bad_options_are_refused(
    options: WindowOptions, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_window(options, list) == 2
    assert named in capsys.readouterr().err


def test_the_arrangement_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "settings_path", lambda: tmp_path / "new folder" / "settings.json")
    assert start._read_layout() == ""
    start._save_layout("[Window][ψ]\n")
    assert start._read_layout() == "[Window][ψ]\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_there_is_a_window_closes_it(number: signal.Signals) -> None:
    calls: list[str] = []
    before = signal.getsignal(number)
    with start._end_on_signals() as ending:
        os.kill(os.getpid(), number)
        ending.call(lambda: calls.append("end"))
        assert calls == ["end"]
        os.kill(os.getpid(), number)
        assert calls == ["end", "end"]
    assert signal.getsignal(number) is before
