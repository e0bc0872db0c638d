"""The list of keys that ? shows: what the mouse does, and every action's keys, to be changed by a click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgui_bundle import imgui

from viz import rebinding, theme, ui
from viz.actions import Action
from viz.finding import match
from viz.icons import draw_icon
from viz.keymap import Chord, Keymap
from viz.shortcuts import KEYS, captured

if TYPE_CHECKING:
    from viz.program import Program

TITLE = "Keys and mouse"
SIZE = (930.0, 600.0)
"""Design pixels, where the window is large enough."""
MOUSE_WIDTH = 390.0
WHAT_WIDTH = 172.0
"""Of what the hand does, beside what that does."""
CHIPS_FROM = 0.56
"""Where an action's keys begin, as a share of the list."""
MOUSE: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Mouse, in the picture",
        (
            ("Left drag", "orbit"),
            ("Right drag, Shift + drag", "pan"),
            ("Wheel", "zoom"),
            ("Double click", "back to the predicted pose"),
        ),
    ),
    (
        "Touchpad, in the picture",
        (
            ("Two fingers up, down", "zoom"),
            ("Pinch", "zoom"),
            ("Two fingers sideways", "pan"),
            ("Shift + two fingers", "pan in both directions"),
        ),
    ),
    (
        "In panels",
        (
            ("Ctrl + click, Enter", "type a slider's value"),
            ("Left, Right", "nudge the slider under the mouse; with Shift ten steps"),
            ("Right click, double click", "reset a slider"),
            ("Drag a tab", "move a panel"),
            ("Shift + drag", "on the seed map: draw a path to walk along"),
            ("Tab, arrows", "go from control to control; Space presses it"),
            ("Esc", "close, cancel"),
        ),
    ),
)

DROPS = (
    ("Drop a file", "open a checkpoint, or the view of a saved picture"),
    ("Drop a folder", "follow a training run"),
)
"""In the picture, in windows that files can be dropped on."""


def mouse_lines(drops: bool) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """What the hand does: sections with a heading; with or without files that are dropped."""
    (title, lines), *others = MOUSE
    return ((title, (*lines, *DROPS) if drops else lines), *others)


def lines_of(keymap: Keymap, drops: bool = True) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Sections of the list of keys: a heading, and what does what."""
    keys = tuple(
        (", ".join(map(str, chords)), action.title)
        for action in keymap.actions
        if (chords := keymap.chords(action))
    )
    return (("Keys", keys), *mouse_lines(drops))


@dataclass(frozen=True)
class _Question:
    """A place for a chord: waits for one, or for a word on one that is another action's."""

    action: Action
    replaced: Chord | None
    chord: Chord | None = None
    """What was pressed, where another action has it."""


class KeyWindow:
    """The list, and what is under way in it."""

    def __init__(self) -> None:
        self._showing = False
        self._asking: _Question | None = None
        self._words = ""

    def draw(self, program: Program, keymap: Keymap) -> None:
        """Draw the list if it is open; changed keys go to the program."""
        if program.help_open and not self._showing:
            imgui.open_popup(TITLE)
            self._asking, self._words = None, ""
        if not imgui.is_popup_open(TITLE):
            self._showing = program.help_open = False
            return
        screen = imgui.get_main_viewport()
        size = [min(ui.px(side), room - ui.px(24)) for side, room in zip(SIZE, screen.size, strict=True)]
        imgui.set_next_window_pos(screen.get_center(), int(imgui.Cond_.always), (0.5, 0.5))
        imgui.set_next_window_size((size[0], size[1]), int(imgui.Cond_.always))
        imgui.push_style_var(imgui.StyleVar_.window_padding, (ui.px(16), ui.px(14)))
        flags = (
            imgui.WindowFlags_.no_saved_settings
            | imgui.WindowFlags_.no_scrollbar
            | imgui.WindowFlags_.no_scroll_with_mouse
        )
        opened = imgui.begin_popup(TITLE, int(flags))
        imgui.pop_style_var()
        if opened and self._showing and not program.help_open:
            imgui.close_current_popup()
        self._showing = bool(opened)
        if not opened:
            program.help_open = False
            return
        ui.mark_window("Help")
        self._take(program, keymap)
        self._draw_content(program, keymap)
        imgui.end_popup()

    def _draw_content(self, program: Program, keymap: Keymap) -> None:
        foot = imgui.get_frame_height_with_spacing() + imgui.get_style().item_spacing.y
        height = imgui.get_content_region_avail().y - foot
        width = imgui.get_content_region_avail().x
        beside = width > ui.px(2.2 * MOUSE_WIDTH)
        start = imgui.get_cursor_pos_x()
        imgui.begin_group()
        _heading("Keys")
        room = width - ui.px(MOUSE_WIDTH + 22) if beside else width
        imgui.same_line()
        imgui.set_next_item_width(room + start - imgui.get_cursor_pos_x())
        _, self._words = imgui.input_text_with_hint("##filter", "Filter", self._words)
        ui.mark("Keys/Filter")
        if imgui.begin_child("keys", (room, height - imgui.get_frame_height_with_spacing())):
            self._draw_actions(program, keymap)
            if not beside:
                imgui.spacing()
                _draw_mouse(program.surroundings.drops)
        imgui.end_child()
        imgui.end_group()
        if beside:
            imgui.same_line(0.0, ui.px(22))
            if imgui.begin_child("mouse", (0.0, height)):
                _draw_mouse(program.surroundings.drops)
            imgui.end_child()
        imgui.separator()
        self._draw_foot(program, keymap)

    # ------------------------------------------------------------------------------------------ the list
    def _draw_actions(self, program: Program, keymap: Keymap) -> None:
        imgui.push_style_var(imgui.StyleVar_.item_spacing, (ui.px(5), ui.px(3)))
        group = ""
        for action in keymap.actions:
            words = self._words.split()
            text = f"{action.title} {action.group} " + " ".join(map(str, keymap.chords(action)))
            if any(match(word, text) is None for word in words):
                continue
            if action.group != group:
                group = action.group
                imgui.push_style_color(imgui.Col_.text, theme.TEXT_DIM)
                imgui.separator_text(group)
                imgui.pop_style_color()
            self._draw_action(program, keymap, action)
        imgui.pop_style_var()

    def _draw_action(self, program: Program, keymap: Keymap, action: Action) -> None:
        room = imgui.get_content_region_avail().x
        start = imgui.get_cursor_pos_x()
        imgui.align_text_to_frame_padding()
        imgui.text_unformatted(ui.fit_text(action.title, room * CHIPS_FROM - ui.px(8)))
        imgui.same_line(start + room * CHIPS_FROM)
        for chord in keymap.chords(action):
            if self._draw_chip(str(chord), action, chord):
                self._asking = _Question(action, chord)
            if imgui.is_item_clicked(imgui.MouseButton_.right):
                program.set_keys(rebinding.without_chord(keymap, action, chord))
            imgui.same_line()
        asks = self._asking
        if asks is not None and asks.action is action and asks.replaced is None:
            self._draw_chip("", action, None)
        elif _icon_button(f"Keys/{action.name} add", "plus", "Press another key for this."):
            self._asking = _Question(action, None)
        if rebinding.is_changed(keymap, action):
            imgui.same_line(start + room - imgui.get_frame_height())
            first = ", ".join(action.keys) or "no key"
            if _icon_button(f"Keys/{action.name} reset", "reset", f"Back to {first}."):
                self._asking = None
                program.set_keys(rebinding.with_default(keymap, action))

    def _draw_chip(self, text: str, action: Action, chord: Chord | None) -> bool:
        asks = self._asking
        waiting = asks is not None and asks.action is action and asks.replaced == chord
        if waiting and asks is not None:
            text = str(asks.chord) if asks.chord is not None else "press a key …"
            imgui.push_style_color(imgui.Col_.button, theme.ACCENT)
            imgui.push_style_color(imgui.Col_.button_hovered, theme.ACCENT)
            imgui.push_style_color(imgui.Col_.text, theme.ON_ACCENT)
        clicked = imgui.button(f"{text}##{action.name} {chord}")
        ui.mark(f"Keys/{action.name} {text}")
        if waiting:
            imgui.pop_style_color(3)
        elif imgui.is_item_hovered(int(imgui.HoveredFlags_.for_tooltip)):
            imgui.set_tooltip("Click and press another key; right click takes it away.")
        return bool(clicked)

    # ------------------------------------------------------------------------------------------- changes
    def _take(self, program: Program, keymap: Keymap) -> None:
        """Take the chord that was pressed, if one is waited for."""
        asks = self._asking
        if asks is None:
            # With its field in use, Escape ends that first.
            if imgui.is_key_pressed(imgui.Key.escape, False) and not imgui.get_io().want_text_input:
                imgui.close_current_popup()
            return
        for key in (*KEYS.values(), imgui.Key.escape):
            # Neither moves the focus nor presses a control meanwhile.
            imgui.internal.set_key_owner(key, imgui.get_id("waiting"))
        if imgui.is_key_pressed(imgui.Key.escape, False):
            self._asking = None
            return
        chord = captured() if asks.chord is None else None
        if chord is None:
            return
        other = rebinding.owner(keymap, chord)
        if other is None or other is asks.action:
            self._assign(program, keymap, asks, chord)
        else:
            self._asking = _Question(asks.action, asks.replaced, chord)

    def _assign(self, program: Program, keymap: Keymap, asks: _Question, chord: Chord) -> None:
        self._asking = None
        program.set_keys(rebinding.with_chord(keymap, asks.action, chord, asks.replaced))

    def _draw_foot(self, program: Program, keymap: Keymap) -> None:
        asks = self._asking
        imgui.align_text_to_frame_padding()
        if asks is None:
            label = "Reset all keys"
            width = imgui.calc_text_size(label).x + 2 * imgui.get_style().frame_padding.x
            imgui.text_colored(theme.TEXT_DIM, "Click a key to change it, + for another one.")
            imgui.same_line(imgui.get_window_width() - imgui.get_style().window_padding.x - ui.px(6) - width)
            imgui.begin_disabled(not keymap.changed)
            if imgui.button(label):
                program.set_keys({})
            ui.mark("Keys/Reset all")
            imgui.end_disabled()
            return
        other = rebinding.owner(keymap, asks.chord) if asks.chord is not None else None
        if asks.chord is None or other is None:
            imgui.text_unformatted(f"{asks.action.title}: press a key, with Ctrl, Shift or Alt if you like.")
            imgui.same_line()
            imgui.text_colored(theme.TEXT_DIM, "Esc leaves it.")
            return
        imgui.text_colored(theme.WARNING, f"{asks.chord} is the key of “{other.title}”.")
        imgui.same_line()
        if imgui.button("Use it here"):
            self._assign(program, keymap, asks, asks.chord)
        ui.mark("Keys/Use it here")
        imgui.same_line()
        if imgui.button("Leave it"):
            self._asking = None
        ui.mark("Keys/Leave it")


def _heading(text: str) -> None:
    imgui.align_text_to_frame_padding()
    imgui.push_font(theme.fonts.bold, 0.0)
    imgui.text_unformatted(text)
    imgui.pop_font()


def _draw_mouse(drops: bool) -> None:
    for title, lines in mouse_lines(drops):
        _heading(title)
        for what, does in lines:
            imgui.text_colored(theme.ACCENT, what)
            ui.mark(f"Keys/{what}")
            imgui.same_line(ui.px(WHAT_WIDTH))
            imgui.push_text_wrap_pos(0.0)
            imgui.text_unformatted(does)
            imgui.pop_text_wrap_pos()
        imgui.spacing()


def _icon_button(name: str, icon: str, help_text: str) -> bool:
    side = imgui.get_frame_height()
    imgui.push_style_color(imgui.Col_.button, (0.0, 0.0, 0.0, 0.0))
    clicked = imgui.button(f"##{name}", (side, side))
    imgui.pop_style_color()
    ui.mark(name)
    low = imgui.get_item_rect_min()
    draw_icon("plus" if icon == "plus" else "reset", (low.x + side / 2, low.y + side / 2), side * 0.2)
    if imgui.is_item_hovered(int(imgui.HoveredFlags_.for_tooltip)):
        imgui.set_tooltip(help_text)
    return bool(clicked)
