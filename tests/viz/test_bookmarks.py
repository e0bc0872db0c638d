"""Named Views and their file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from pof3d.errors import ConfigError
from viz import bookmarks
from viz.bookmarks import added, clean_name, load_bookmarks, renamed, save_bookmarks, without
from viz.explore_state import Bookmark
from viz.view import CameraView, LatentView, NetworkView, View

VIEW = View(
    NetworkView("/nets/toy-cats.safetensors"),
    LatentView(x=3.0, directions=(1.0, -2.0), mix_seed=7, mix_first=2),
    camera=CameraView(pan=(0.1, 0.0, 0.0)),
)


def test_they_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "config" / "bookmarks.json"
    kept = (Bookmark("the odd cat", VIEW), Bookmark("ψ → 0", replace(VIEW, latent=LatentView())))
    save_bookmarks(kept, path)
    assert load_bookmarks(path) == kept


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert load_bookmarks(tmp_path / "none.json") == ()
    assert list(tmp_path.iterdir()) == []


def test_names() -> None:
    assert clean_name("  a\tb\n\x00 c ") == "a b c"
    assert len(clean_name("x" * 500)) == bookmarks.LONGEST_NAME
    one = added((), " \n", VIEW)
    assert one[0].name == "toy-cats, seed 3"
    two = added(one, "mine", VIEW)
    assert [mark.name for mark in renamed(two, 0, "other ")] == ["other", "mine"]
    assert renamed(two, 1, "  ") == two
    assert renamed(two, 7, "x") == two
    assert [mark.name for mark in without(two, 0)] == ["mine"]


def test_there_is_a_most() -> None:
    full = (Bookmark("x", VIEW),) * bookmarks.MOST
    with pytest.raises(ConfigError, match="200 already"):
        added(full, "one more", VIEW)


def _document(**changes: object) -> bytes:
    version = changes.pop("schema_version", 1)
    mark = {"name": "a", "view": {}, **changes}
    return msgspec.json.encode({"schema_version": version, "bookmarks": [mark]})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"schema_version": 1, "bookmarks": 3}',
        _document(schema_version=2),
        _document(name=""),
        _document(name="two\nlines"),
        _document(name="x" * 100),
        _document(view={"latent": {"x": "three"}}),
        _document(view={"latent": {"directions": [99.0]}}),
        _document(view={"latent": {"mix_seed": -4}}),
        _document(view={"camera": {"radius": 0.0}}),
        _document().replace(b"[", b"[" + b'{"name": "a", "view": {}},' * bookmarks.MOST),
        b'{"schema_version": 1, "bookmarks": []}' + b" " * (1 << 20),
    ],
    ids=range(14),
)
def test_a_strangers_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bookmarks.json"
    path.write_bytes(content)
    assert load_bookmarks(path) == ()
    assert [file.name for file in tmp_path.iterdir()] == ["bookmarks.json.damaged"]
    assert (tmp_path / "bookmarks.json.damaged").read_bytes() == content


def test_the_strangers_file_of_the_test_above_would_be_read() -> None:
    assert bookmarks._parse(_document()) == (Bookmark("a", View()),)
