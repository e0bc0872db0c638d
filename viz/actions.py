"""Everything that can be asked for by name: menus, keys and the list of keys are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

from viz.playback import GeneratedPath
from viz.posing import with_source
from viz.seed_map import step_seed
from viz.timeline import key_at
from viz.view import DisplayMode, PoseSource, View

if TYPE_CHECKING:
    from viz.program import Program

Group = Literal["File", "Edit", "View", "Window", "Help"]
GROUPS: tuple[Group, ...] = ("File", "Edit", "View", "Window", "Help")
"""Menus, from left to right."""

_CYCLE: dict[PoseSource, PoseSource] = {"predicted": "override", "override": "free", "free": "predicted"}


def _always(program: Program) -> bool:
    return True


def _never(program: Program) -> bool:
    return False


@dataclass(frozen=True)
class Action:
    """One thing that the user can ask for."""

    name: str
    """For settings; stays the same for ever."""
    group: Group
    title: str
    """For people, in the imperative: "Save picture"."""
    run: Callable[[Program], None]
    keys: tuple[str, ...] = ()
    """Default chords, such as "Ctrl+Z", "Shift+S", "Space" or a character: "["."""
    enabled: Callable[[Program], bool] = _always
    checked: Callable[[Program], bool] = _never
    """Whether a menu shows a tick."""
    present: Callable[[Program], str] | None = None
    """Its title at present, where that changes."""
    in_menu: bool = True
    separated: bool = False
    """Whether a line precedes it in the menu."""
    repeats: bool = False
    """Whether a key that is held repeats it."""

    def title_in(self, program: Program) -> str:
        """What to write now."""
        return self.present(program) if self.present is not None else self.title


def _has_frame(program: Program) -> bool:
    return program.frame is not None


def _at_keyframe(program: Program) -> bool:
    return key_at(program.timeline, program.time) is not None


def _generate(path: GeneratedPath) -> Callable[[Program], None]:
    return lambda program: program.generate_path(path)


def toggle_depth(view: View) -> View:
    """Between the image and the depth map."""
    mode: DisplayMode = "rgb" if view.display.mode == "depth" else "depth"
    return replace(view, display=replace(view.display, mode=mode))


def _step(steps: int) -> Callable[[Program], None]:
    def run(program: Program) -> None:
        program.edit(replace(program.view, latent=step_seed(program.view.latent, steps)))

    return run


def _next_source(program: Program) -> None:
    view = program.view
    program.edit(with_source(view, _CYCLE[view.pose.source], program.frame))


ACTIONS: tuple[Action, ...] = (
    Action("save_picture", "File", "Save picture", lambda p: p.save_image(), ("S",), _has_frame),
    Action("save_window", "File", "Save window", lambda p: p.save_window(), ("Shift+S",)),
    Action(
        "record",
        "File",
        "Record",
        lambda p: p.toggle_recording(),
        ("R",),
        _has_frame,
        present=lambda p: "Cancel recording" if p.capturing.running else "Record",
    ),
    Action(
        "record_timeline",
        "File",
        "Record timeline",
        lambda p: p.record_timeline(),
        (),
        lambda p: bool(p.timeline.keyframes) and not p.capturing.running,
    ),
    Action("open", "File", "Open…", lambda p: p.ask_for_file("open"), ("Ctrl+O",), separated=True),
    Action(
        "save_session", "File", "Save session…", lambda p: p.ask_for_file("save"), ("Ctrl+S",), _has_frame
    ),
    Action("quit", "File", "Quit", lambda p: p.quit(), ("Ctrl+Q",), separated=True),
    Action("undo", "Edit", "Undo", lambda p: p.undo(), ("Ctrl+Z",), lambda p: p.can_undo, repeats=True),
    Action(
        "redo",
        "Edit",
        "Redo",
        lambda p: p.redo(),
        ("Ctrl+Y", "Ctrl+Shift+Z"),
        lambda p: p.can_redo,
        repeats=True,
    ),
    Action(
        "add_keyframe", "Edit", "Add keyframe", lambda p: p.add_keyframe(), ("K",), _has_frame, separated=True
    ),
    Action("update_keyframe", "Edit", "Update keyframe", lambda p: p.update_keyframe(), (), _at_keyframe),
    Action("remove_keyframe", "Edit", "Remove keyframe", lambda p: p.remove_keyframe(), (), _at_keyframe),
    Action("previous_seed", "View", "Previous seed", _step(-1), ("[",), repeats=True),
    Action("next_seed", "View", "Next seed", _step(1), ("]",), repeats=True),
    Action(
        "predicted_pose", "View", "Back to predicted pose", lambda p: p.reset_to_predicted(), separated=True
    ),
    Action("pose_source", "View", "Pose: predicted, override, free orbit", _next_source, ("P",)),
    Action(
        "turntable",
        "View",
        "Turntable",
        lambda p: p.toggle_turntable(),
        ("Space",),
        _has_frame,
        checked=lambda p: p.turntable.playing,
    ),
    Action(
        "play_timeline",
        "View",
        "Play timeline",
        lambda p: p.play_timeline(not p.playing),
        (),
        lambda p: bool(p.timeline.keyframes),
        checked=lambda p: p.playing,
    ),
    Action(
        "depth",
        "View",
        "Depth",
        lambda p: p.edit(toggle_depth(p.view)),
        ("D",),
        checked=lambda p: p.view.display.mode == "depth",
        separated=True,
    ),
    Action(
        "timeline",
        "Window",
        "Timeline",
        lambda p: p.toggle_timeline(),
        ("T",),
        checked=lambda p: "Timeline" in p.panels_open,
    ),
    *(
        Action(
            f"generate_{path.replace('-', '_').replace(' ', '_')}",
            "View",
            f"Timeline: {path}",
            _generate(path),
            (),
            _has_frame,
            in_menu=False,
        )
        for path in get_args(GeneratedPath)
    ),
    Action(
        "overlays",
        "Window",
        "Overlays",
        lambda p: p.toggle_overlays(),
        ("H",),
        checked=lambda p: p.overlays_visible,
    ),
    Action("reset_panels", "Window", "Reset panels", lambda p: p.reset_layout()),
    Action("keys", "Help", "Keys and mouse", lambda p: p.toggle_help(), ("?",)),
)


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
