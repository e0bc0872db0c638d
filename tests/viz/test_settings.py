"""Settings on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from viz.files import SaveError
from viz.settings import (
    MAX_RECENTS,
    Settings,
    load_settings,
    save_settings,
    settings_path,
    with_recent,
    without_recent,
)

FULL = Settings(
    ("/a", "/b"),
    ("/nets",),
    "/folder",
    3,
    "cuda:0",
    (1920, 1080),
    512,
    "/runs/cats",
    {"depth": ("F2", "Ctrl+D"), "record": ()},
    "light",
    ("depth", "panel Latent"),
    True,
)


def test_round_trip_in_the_users_folder() -> None:
    assert load_settings() == Settings()
    save_settings(FULL)
    assert load_settings() == FULL
    assert settings_path().is_relative_to(os.environ["XDG_CONFIG_HOME"])
    assert [path.name for path in settings_path().parent.iterdir()] == ["settings.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1, 2]",
        b"\xff\xfe\x00",
        b'{"threads": "many"}',
        b'{"window_size": [0, 0]}',
        b'{"window_size": [1280]}',
    ],
)
def test_a_damaged_file_gives_defaults_and_is_kept(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    assert load_settings(path) == Settings()
    assert path.with_name("settings.json.damaged").read_bytes() == content
    save_settings(FULL, path)
    assert load_settings(path) == FULL


def test_unknown_and_missing_entries(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"threads": 2, "from_the_future": true}')
    assert load_settings(path) == Settings(threads=2)


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == Settings()


def test_saving_into_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError):
        save_settings(FULL, tmp_path / "file" / "settings.json")


def test_recents() -> None:
    settings = Settings()
    for name in ("a", "b", "a", "c"):
        settings = with_recent(settings, Path("/nets") / name)
    assert settings.recents == ("/nets/c", "/nets/a", "/nets/b")
    assert without_recent(settings, Path("/nets/a")).recents == ("/nets/c", "/nets/b")
    for i in range(50):
        settings = with_recent(settings, Path(f"/nets/{i}"))
    assert len(settings.recents) == MAX_RECENTS
    assert settings.recents[0] == "/nets/49"


def test_lists_that_somebody_else_wrote_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    many = tuple(f"/x{i}" for i in range(5000))
    save_settings(Settings(recents=("", "relative", *many), favourites=("", *many)), path)
    loaded = load_settings(path)
    assert loaded.recents == many[:MAX_RECENTS]
    assert 0 < len(loaded.favourites) <= 100 and "" not in loaded.favourites
    path.write_text('{"threads": 50000}')
    assert load_settings(path) == Settings()
