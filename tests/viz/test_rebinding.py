"""Other keys: no two actions share one, and only what differs is remembered."""

from __future__ import annotations

import random

from viz.actions import ACTIONS, Action
from viz.keymap import Chord, Keymap, parse_chord
from viz.rebinding import owner, with_chord, with_default, without_chord
from viz.shortcuts import KEYS

BY_NAME = {action.name: action for action in ACTIONS}
DEPTH, RECORD, REDO = BY_NAME["depth"], BY_NAME["record"], BY_NAME["redo"]


def test_a_chord_is_taken_from_whoever_had_it() -> None:
    chosen = with_chord(Keymap(), DEPTH, Chord("R"), Chord("D"))
    assert chosen == {"depth": ("R",), "record": ()}
    table = Keymap(ACTIONS, chosen).table
    assert table[Chord("R")] is DEPTH
    assert Chord("D") not in table


def test_a_chord_beside_others_or_in_place_of_one() -> None:
    redo = Chord("Z", control=True, shift=True)
    assert with_chord(Keymap(), REDO, Chord("F12")) == {"redo": ("Ctrl+Y", "Ctrl+Shift+Z", "F12")}
    assert with_chord(Keymap(), REDO, Chord("F12"), redo) == {"redo": ("Ctrl+Y", "F12")}
    assert without_chord(Keymap(), REDO, redo) == {"redo": ("Ctrl+Y",)}


def test_the_same_key_again_changes_nothing() -> None:
    assert with_chord(Keymap(), DEPTH, Chord("D"), Chord("D")) == {}


def test_the_default_comes_back_from_whoever_has_it() -> None:
    chosen = with_chord(Keymap(), DEPTH, Chord("R"), Chord("D"))
    chosen = with_default(Keymap(ACTIONS, chosen), RECORD)
    assert chosen == {"depth": ()}
    assert with_default(Keymap(ACTIONS, chosen), DEPTH) == {}


def test_what_another_version_knows_is_kept() -> None:
    keymap = Keymap(ACTIONS, {"fly": ("F9",)})
    assert with_chord(keymap, DEPTH, Chord("F11"))["fly"] == ("F9",)


def test_after_any_changes_every_chord_has_one_action_and_what_is_kept_can_be_read() -> None:
    rng = random.Random(0)
    chosen: dict[str, tuple[str, ...]] = {}
    for _ in range(200):
        keymap = Keymap(ACTIONS, chosen)
        action: Action = rng.choice(ACTIONS)
        chord = Chord(rng.choice([*KEYS, "[", "+"]), shift=rng.random() < 0.3)
        before = keymap.chords(action)
        kind = rng.randrange(3)
        if kind == 0:
            chosen = with_chord(keymap, action, chord, rng.choice(before) if before else None)
            assert owner(Keymap(ACTIONS, chosen), chord) is action
        elif kind == 1 and before:
            chosen = without_chord(keymap, action, before[0])
        else:
            chosen = with_default(keymap, action)
            assert action.name not in chosen
        after = Keymap(ACTIONS, chosen)
        chords = [one for other in ACTIONS for one in after.chords(other)]
        assert len(set(chords)) == len(chords)
        assert all(str(parse_chord(text)) == text for texts in chosen.values() for text in texts)
