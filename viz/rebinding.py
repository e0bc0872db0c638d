"""Choosing other keys: each change gives the chords to remember, of which no two actions share one."""

from __future__ import annotations

from collections.abc import Mapping

from viz.actions import Action
from viz.keymap import Chord, Keymap, parse_chord

Chosen = dict[str, tuple[str, ...]]
"""Chords by the name of an action, as settings keep them; only what differs from the defaults."""


def owner(keymap: Keymap, chord: Chord) -> Action | None:
    """The action that a chord asks for."""
    return keymap.table.get(chord)


def is_changed(keymap: Keymap, action: Action) -> bool:
    """Whether an action has other keys than at first."""
    return action.name in keymap.changed


def with_chord(keymap: Keymap, action: Action, chord: Chord, replaced: Chord | None = None) -> Chosen:
    """Give an action a chord, in place of another of its chords or beside them; whoever had it loses it."""
    own = [one for one in keymap.chords(action) if one != chord]
    if replaced in own:
        own[own.index(replaced)] = chord
    else:
        own.append(chord)
    return _settled(keymap, {action.name: own})


def without_chord(keymap: Keymap, action: Action, chord: Chord) -> Chosen:
    """Take a chord away from an action."""
    return _settled(keymap, {action.name: [one for one in keymap.chords(action) if one != chord]})


def with_default(keymap: Keymap, action: Action) -> Chosen:
    """Give an action its first keys back; whoever had them loses them."""
    return _settled(keymap, {action.name: list(map(parse_chord, action.keys))})


def _settled(keymap: Keymap, new: Mapping[str, list[Chord]]) -> Chosen:
    taken = {chord for chords in new.values() for chord in chords}
    chosen: Chosen = {}
    known = {action.name for action in keymap.actions}
    for action in keymap.actions:
        chords = new.get(action.name)
        if chords is None:
            chords = [chord for chord in keymap.chords(action) if chord not in taken]
        texts = tuple(map(str, chords))
        if texts != tuple(str(parse_chord(text)) for text in action.keys):
            chosen[action.name] = texts
    # What another version of the program knows is kept.
    others = {name: tuple(keys) for name, keys in keymap.changed.items() if name not in known}
    return {**others, **chosen}
