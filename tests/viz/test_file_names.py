"""Names of files that are not text, in Views, settings and messages."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pof3d.errors import CheckpointError
from tests.viz.nets import save_tiny
from viz.captures import capture_stem, read_view, save_image
from viz.engine import Engine
from viz.file_names import path_from_text, path_to_text
from viz.sessions import Session, load_session, save_session
from viz.settings import Settings, load_settings, save_settings
from viz.view import NetworkView, View, view_from_json, view_to_json

LATIN = os.fsdecode(b"/nets/caf\xe9 #1%.safetensors")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="names are text there")


def test_paths_that_are_text_stay_as_they_are() -> None:
    for path in ("", "/nets/ünï %41.pkl", "relative.pkl", "C:\\nets\\a.pkl"):
        assert path_to_text(path) == path == path_from_text(path)


def test_others_become_uris() -> None:
    assert path_to_text(LATIN) == "file:///nets/caf%E9%20%231%25.safetensors"
    assert path_from_text(path_to_text(LATIN)) == LATIN
    assert path_to_text("/nets/\ud800.pkl") == "/nets/\N{REPLACEMENT CHARACTER}.pkl"


@given(st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name))
def test_every_name_comes_back(name: bytes) -> None:
    path = os.path.abspath(os.fsdecode(b"/nets/" + name))
    text = path_to_text(path)
    text.encode()
    assert path_from_text(text) == path


def test_views_sessions_and_settings_bring_them_back(tmp_path: Path) -> None:
    view = View(NetworkView(LATIN))
    assert view_from_json(view_to_json(view)) == view
    json.loads(view_to_json(view))
    save_session(Session(view), tmp_path / "session.json")
    assert load_session(tmp_path / "session.json") == Session(view)
    settings = Settings(recents=(LATIN, "/a"), favourites=(LATIN,), last_folder=LATIN, run=LATIN)
    save_settings(settings, tmp_path / "settings.json")
    assert load_settings(tmp_path / "settings.json") == settings


def test_such_a_file_opens_and_its_pictures_lead_back(tmp_path: Path) -> None:
    path = tmp_path / os.path.basename(LATIN)
    save_tiny(path)
    view = View(NetworkView(str(path)))
    save_image(Engine().render(view), tmp_path / "picture.png")
    assert read_view(tmp_path / "picture.png") == view
    assert capture_stem(view) == "caf\N{REPLACEMENT CHARACTER} #1%-seed0"


def test_errors_are_text() -> None:
    error = CheckpointError(f"{LATIN} cannot be opened", LATIN, LATIN)
    for text in (str(error), error.what, error.why, error.todo, *error.args):
        text.encode()
    assert str(error.detached()) == str(error)
