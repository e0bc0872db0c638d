"""Named arrangements on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from viz.files import SaveError
from viz.saved_layouts import LONGEST_NAME, SavedLayouts, clean_name, layouts_path


def test_they_are_there_at_the_next_start() -> None:
    assert layouts_path().is_relative_to(os.environ["XDG_CONFIG_HOME"])
    layouts = SavedLayouts(1, layouts_path())
    layouts.keep("wide", "[a]")
    layouts.keep("Almost empty", "[b]")
    layouts.keep("wide", "[c]")
    again = SavedLayouts(1, layouts_path())
    assert again.names == ["Almost empty", "wide"]
    assert again.get("wide") == "[c]"
    again.delete("wide")
    again.delete("never there")
    assert SavedLayouts(1, layouts_path()).names == ["Almost empty"]
    assert SavedLayouts(2, layouts_path()).names == [], "of other panels"


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 1, "layouts": [1]}', b"\xff"])
def test_a_damaged_file_is_no_layouts(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "layouts.json"
    path.write_bytes(content)
    layouts = SavedLayouts(1, path)
    assert layouts.names == []
    layouts.keep("new", "[x]")
    assert SavedLayouts(1, path).names == ["new"]


def test_without_a_file_they_last_until_the_end(tmp_path: Path) -> None:
    layouts = SavedLayouts(1)
    layouts.keep("wide", "[a]")
    assert layouts.get("wide") == "[a]"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    layouts = SavedLayouts(1, tmp_path / "file" / "layouts.json")
    with pytest.raises(SaveError):
        layouts.keep("wide", "[a]")
    assert layouts.names == ["wide"], "it is there until the end"


def test_names_are_short_and_of_one_line() -> None:
    assert clean_name("  my\n wide\tone ") == "my wide one"
    assert clean_name("\x00") == ""
    assert len(clean_name("x" * 500)) == LONGEST_NAME
