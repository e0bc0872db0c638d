"""Which keys ask for which actions: the defaults, and what the user chose instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from viz.actions import ACTIONS, Action


@dataclass(frozen=True)
class Chord:
    """A key with its modifiers, or a typed character."""

    key: str
    """"A", "F1", "Space" … as in :data:`viz.shortcuts.KEYS`; or one character that is no letter or digit."""
    control: bool = False
    """Ctrl, or Command on a Mac."""
    shift: bool = False
    alt: bool = False

    @property
    def is_character(self) -> bool:
        """Whether it is matched by what was typed: such keys lie elsewhere on every keyboard."""
        return len(self.key) == 1 and not self.key.isalnum()

    def __str__(self) -> str:
        modifiers = {"Ctrl": self.control, "Shift": self.shift, "Alt": self.alt}
        return "+".join([*(name for name, held in modifiers.items() if held), self.key])


def parse_chord(text: str) -> Chord:
    """The chord of a text such as "Ctrl+Shift+Z".

    Raises
    ------
    ValueError
        When there is no key, or a modifier is not known.
    """
    modifiers, _, key = text.rpartition("+")
    if not key and text:  # the key itself is +
        modifiers, key = modifiers.removesuffix("+"), "+"
    held = {name.strip().lower() for name in modifiers.split("+") if name.strip()}
    key = key.strip()
    if not key or not held <= {"ctrl", "shift", "alt"}:
        raise ValueError(f"{text!r} is no key")
    return Chord(key.upper() if len(key) == 1 else key, "ctrl" in held, "shift" in held, "alt" in held)


@dataclass(frozen=True)
class Keymap:
    """Which chord asks for what.

    Parameters
    ----------
    actions : sequence of Action
        All there are.
    changed : mapping
        Chords that the user chose, by the action's name; an empty tuple takes its keys away.
    """

    actions: Sequence[Action] = ACTIONS
    changed: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def chords(self, action: Action) -> tuple[Chord, ...]:
        """The keys of an action; what cannot be read is left out."""
        chords = []
        for text in self.changed.get(action.name, action.keys):
            try:
                chords.append(parse_chord(text))
            except ValueError:
                continue
        return tuple(chords)

    @cached_property
    def table(self) -> dict[Chord, Action]:
        """The action of each chord. What the user chose counts before a default."""
        ordered = sorted(self.actions, key=lambda action: action.name in self.changed)
        return {chord: action for action in ordered for chord in self.chords(action)}

    def text(self, action: Action) -> str:
        """Its first key, for menus."""
        chords = self.chords(action)
        return str(chords[0]) if chords else ""
