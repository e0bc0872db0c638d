"""Keys: what was pressed, what it asks for, and the list of keys that ? shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imgui_bundle import imgui

from viz import theme, ui
from viz.actions import Action, Chord, Keymap

MOUSE: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Mouse, in the picture",
        (
            ("Left drag", "orbit"),
            ("Right drag, Shift + drag", "pan"),
            ("Wheel", "zoom"),
            ("Double click", "back to the predicted pose"),
            ("Drop a file", "open a checkpoint, or the view of a saved picture"),
            ("Drop a folder", "follow a training run"),
        ),
    ),
    (
        "In panels",
        (
            ("Ctrl + click", "type a slider's value"),
            ("Right click", "reset a slider"),
            ("Drag a tab", "move a panel"),
            ("Shift, Alt + drag on the seed map", "draw a path to walk along"),
        ),
    ),
)
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


@dataclass(frozen=True)
class Pressed:
    """What came from the keyboard in one frame."""

    chords: tuple[Chord, ...] = ()
    """Keys, and characters as often as they were typed."""
    held: frozenset[Chord] = frozenset()
    """Those that come from a key that is held down."""
    escape: bool = False


def pressed(wanted: Iterable[Chord]) -> Pressed:
    """Which of the wanted chords were pressed since the last frame.

    None while a text field or a popup has the keyboard.
    """
    io = imgui.get_io()
    if io.want_text_input or imgui.is_popup_open("", int(imgui.PopupFlags_.any_popup)):
        return Pressed()
    control = io.key_ctrl or io.key_super
    modifiers = (control, io.key_shift, io.key_alt)
    chords: list[Chord] = []
    held: set[Chord] = set()
    if not control:
        chords += [Chord(chr(code)) for code in io.input_queue_characters if not chr(code).isalnum()]
    for chord in wanted:
        key = KEYS.get(chord.key)
        if key is None or (chord.control, chord.shift, chord.alt) != modifiers:
            continue
        if imgui.is_key_pressed(key, True):
            chords.append(chord)
            if not imgui.is_key_pressed(key, False):
                held.add(chord)
    return Pressed(tuple(chords), frozenset(held), imgui.is_key_pressed(imgui.Key.escape, False))


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


def lines_of(keymap: Keymap) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Sections of the list of keys: a heading, and what does what."""
    keys = []
    for action in keymap.actions:
        chords = ", ".join(map(str, keymap.chords(action)))
        if chords:
            keys.append((chords, action.title))
    keys.append(("Esc", "Close, cancel"))
    return (MOUSE[0], ("Keys", tuple(keys)), *MOUSE[1:])


def draw_help(open_: bool, keymap: Keymap) -> bool:
    """Draw the list of keys over the window; whether it stays open."""
    if not open_:
        return False
    viewport = imgui.get_main_viewport()
    centre = viewport.get_center()
    imgui.set_next_window_pos(centre, imgui.Cond_.always, imgui.ImVec2(0.5, 0.5))
    flags = (
        imgui.WindowFlags_.no_decoration
        | imgui.WindowFlags_.always_auto_resize
        | imgui.WindowFlags_.no_saved_settings
        | imgui.WindowFlags_.no_docking
        | imgui.WindowFlags_.no_move
    )
    imgui.push_style_color(imgui.Col_.window_bg, imgui.get_style_color_vec4(imgui.Col_.popup_bg))
    imgui.push_style_var(imgui.StyleVar_.window_padding, imgui.ImVec2(ui.px(22), ui.px(18)))
    imgui.push_style_var(imgui.StyleVar_.window_border_size, 1.0)
    imgui.set_next_window_focus()
    imgui.begin("Keys and mouse", None, int(flags))
    ui.mark_window("Help")
    for title, lines in lines_of(keymap):
        imgui.push_font(theme.fonts.bold, 0.0)
        imgui.text_unformatted(title)
        imgui.pop_font()
        for what, does in lines:
            imgui.text_colored(imgui.ImVec4(*theme.ACCENT), what)
            imgui.same_line(ui.px(230))
            imgui.text_unformatted(does)
        imgui.spacing()
    imgui.text_disabled("Click or press esc to close")
    clicked = imgui.is_mouse_clicked(imgui.MouseButton_.left) and not imgui.is_window_appearing()
    imgui.end()
    imgui.pop_style_var(2)
    imgui.pop_style_color()
    return not clicked
