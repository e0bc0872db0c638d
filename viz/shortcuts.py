"""Keys: what was pressed, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imgui_bundle import imgui

from viz import ui
from viz.actions import Action
from viz.keymap import Chord, Keymap

_NAMED = {
    **{
        name: name.lower()
        for name in ("Space", "Tab", "Enter", "Backspace", "Delete", "Insert", "Home", "End")
    },
    **{name: f"{name.lower()}_arrow" for name in ("Left", "Right", "Up", "Down")},
    "PageUp": "page_up",
    "PageDown": "page_down",
    **{f"F{number}": f"f{number}" for number in range(1, 13)},
    **{letter.upper(): letter for letter in "abcdefghijklmnopqrstuvwxyz"},
    **{digit: f"_{digit}" for digit in "0123456789"},
}
KEYS: dict[str, imgui.Key] = {name: getattr(imgui.Key, attribute) for name, attribute in _NAMED.items()}
"""Keys by the names they have in chords."""
_MOVING = frozenset({"Left", "Right", "Up", "Down", "Tab", "Enter", "Space"})


@dataclass(frozen=True)
class Pressed:
    """What came from the keyboard in one frame."""

    chords: tuple[Chord, ...] = ()
    """Keys, and characters as often as they were typed."""
    held: frozenset[Chord] = frozenset()
    """Those that come from a key that is held down."""
    escape: bool = False


_Keys = dict[tuple[bool, bool, bool], list[tuple[Chord, imgui.Key]]]
_by_modifiers: tuple[object, _Keys] = (None, {})
"""The chords that were wanted last, by Ctrl, Shift and Alt."""


def _keys_of(wanted: Iterable[Chord]) -> _Keys:
    global _by_modifiers
    if _by_modifiers[0] is not wanted:
        keys: _Keys = {}
        for chord in wanted:
            if chord.key in KEYS:
                modifiers = (chord.control, chord.shift, chord.alt)
                keys.setdefault(modifiers, []).append((chord, KEYS[chord.key]))
        _by_modifiers = (wanted, keys)
    return _by_modifiers[1]


def pressed(wanted: Iterable[Chord]) -> Pressed:
    """Which of the wanted chords were pressed since the last frame; they must not change.

    None while a text field or a popup has the keyboard.
    """
    io = imgui.get_io()
    if io.want_text_input or imgui.is_popup_open("", int(imgui.PopupFlags_.any_popup)):
        return Pressed()
    # While the user goes from control to control by keyboard, or nudges a slider, these keys are theirs.
    moving = _MOVING if io.nav_visible or ui.keys_claimed() else frozenset[str]()
    control = io.key_ctrl or io.key_super
    modifiers = (control, io.key_shift, io.key_alt)
    chords: list[Chord] = []
    held: set[Chord] = set()
    if not control:
        chords += [Chord(chr(code)) for code in io.input_queue_characters if not chr(code).isalnum()]
    for chord, key in _keys_of(wanted).get(modifiers, ()):
        if imgui.is_key_pressed(key, True) and (control or chord.key not in moving):
            chords.append(chord)
            if not imgui.is_key_pressed(key, False):
                held.add(chord)
    return Pressed(
        tuple(chords), frozenset(held), imgui.is_key_pressed(imgui.Key.escape, False) and not io.nav_visible
    )


def asked(keymap: Keymap) -> tuple[list[Action], bool]:
    """The actions that the keys of this frame ask for, and whether Escape was pressed."""
    table = keymap.table
    keys = pressed(table)
    actions = []
    for chord in keys.chords:
        action = table.get(chord)
        if action is not None and (action.repeats or chord not in keys.held):
            actions.append(action)
    return actions, keys.escape


def captured() -> Chord | None:
    """The chord that was pressed in this frame, if any: for those who choose their own."""
    io = imgui.get_io()
    control = io.key_ctrl or io.key_super
    if not control:
        for code in io.input_queue_characters:
            if not chr(code).isalnum() and not chr(code).isspace():
                return Chord(chr(code))
    for name, key in KEYS.items():
        if imgui.is_key_pressed(key, False):
            return Chord(name, control, io.key_shift, io.key_alt)
    return None
