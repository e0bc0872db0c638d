"""Actions, their chords, and how users change them."""

from __future__ import annotations

import pytest

from viz.actions import ACTIONS
from viz.keymap import Chord, Keymap, parse_chord
from viz.shortcuts import KEYS


@pytest.mark.parametrize(
    ("text", "chord"),
    [
        ("D", Chord("D")),
        ("d", Chord("D")),
        ("Shift+S", Chord("S", shift=True)),
        ("Ctrl+Shift+Z", Chord("Z", control=True, shift=True)),
        ("ctrl + alt + F5", Chord("F5", control=True, alt=True)),
        ("[", Chord("[")),
        ("+", Chord("+")),
        ("Ctrl++", Chord("+", control=True)),
    ],
)
def test_chords_are_read(text: str, chord: Chord) -> None:
    assert parse_chord(text) == chord
    assert parse_chord(str(chord)) == chord


@pytest.mark.parametrize("text", ["", "Hyper+A", "A+B"])
def test_what_is_no_chord(text: str) -> None:
    with pytest.raises(ValueError, match="is no key"):
        parse_chord(text)


def test_names_and_default_keys_are_unique_and_known() -> None:
    names = [action.name for action in ACTIONS]
    assert len(set(names)) == len(names)
    chords = [chord for action in ACTIONS for chord in Keymap().chords(action)]
    assert len(set(chords)) == len(chords)
    assert all(chord.is_character or chord.key in KEYS for chord in chords)


def test_users_choose_other_keys() -> None:
    keymap = Keymap(changed={"depth": ("R", "F2"), "undo": (), "record": ("nonsense+X",)})
    table = keymap.table
    assert table[Chord("R")].name == "depth", "what was chosen counts before a default"
    assert table[Chord("F2")].name == "depth"
    assert Chord("D") not in table
    assert Chord("Z", control=True) not in table
    by_name = {action.name: action for action in ACTIONS}
    assert keymap.text(by_name["undo"]) == ""
    assert keymap.text(by_name["record"]) == ""
