"""Keys: what they do, and the list of them that ? shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from imgui_bundle import imgui

from viz import theme, ui
from viz.panel import PanelContext
from viz.posing import with_source
from viz.seed_map import step_seed
from viz.view import DisplayMode, PoseSource, View

HELP: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Mouse, in the picture",
        (
            ("left drag", "orbit"),
            ("right drag, shift + drag", "pan"),
            ("wheel", "zoom"),
            ("double click", "back to the predicted pose"),
            ("drop a file", "open a checkpoint, or the view of a saved picture"),
            ("drop a folder", "follow a training run"),
        ),
    ),
    (
        "Keys",
        (
            ("space", "turntable: play, pause"),
            ("[   ]", "previous, next seed"),
            ("d", "depth on, off"),
            ("h", "overlays on, off"),
            ("p", "pose: predicted, override, free orbit"),
            ("s", "save the picture"),
            ("shift + s", "save the window"),
            ("r", "record, cancel the recording"),
            ("ctrl + z", "undo"),
            ("ctrl + y", "redo"),
            ("?", "this list"),
            ("esc", "close, cancel"),
        ),
    ),
    (
        "In panels",
        (
            ("ctrl + click", "type a slider's value"),
            ("right click", "reset a slider"),
            ("drag a tab", "move a panel"),
        ),
    ),
)
_CYCLE: dict[PoseSource, PoseSource] = {"predicted": "override", "override": "free", "free": "predicted"}


class Commands(Protocol):
    """What keys may ask for beside changing the View."""

    def toggle_turntable(self) -> None:
        """Start or stop the turntable."""

    def toggle_overlays(self) -> None:
        """Show or hide the overlays."""

    def toggle_recording(self) -> None:
        """Start a recording, or stop the one under way."""

    def toggle_help(self) -> None:
        """Show or hide the list of keys."""

    def save_image(self) -> None:
        """Save the picture."""

    def save_window(self) -> None:
        """Save the whole window as a picture."""

    def undo(self) -> None:
        """Take the last change back."""

    def redo(self) -> None:
        """Make the change again that was taken back."""

    def escape(self) -> None:
        """Close or cancel what is open."""


@dataclass(frozen=True)
class Pressed:
    """Keys of one frame, as the keyboard's layout names them."""

    keys: frozenset[imgui.Key] = frozenset()
    characters: str = ""
    control: bool = False
    shift: bool = False


_WATCHED = tuple(getattr(imgui.Key, name) for name in ("space", "d", "h", "p", "s", "r", "y", "z", "escape"))


def pressed() -> Pressed:
    """What was pressed since the last frame; nothing while a text field or a popup has the keyboard."""
    io = imgui.get_io()
    if io.want_text_input or imgui.is_popup_open("", int(imgui.PopupFlags_.any_popup)):
        return Pressed()
    keys = frozenset(key for key in _WATCHED if imgui.is_key_pressed(key, key in _REPEATING))
    characters = "".join(chr(code) for code in io.input_queue_characters)
    return Pressed(keys, characters, io.key_ctrl or io.key_super, io.key_shift)


_REPEATING = frozenset({imgui.Key.z, imgui.Key.y})


def apply(keys: Pressed, view: View, context: PanelContext, commands: Commands) -> View:
    """Do what the pressed keys say; the changed View."""
    key = imgui.Key
    if keys.control:
        if key.z in keys.keys:
            (commands.redo if keys.shift else commands.undo)()
        elif key.y in keys.keys:
            commands.redo()
        return view
    simple: dict[imgui.Key, Callable[[], None]] = {
        key.space: commands.toggle_turntable,
        key.h: commands.toggle_overlays,
        key.r: commands.toggle_recording,
        key.s: commands.save_window if keys.shift else commands.save_image,
        key.escape: commands.escape,
    }
    for code, command in simple.items():
        if code in keys.keys:
            command()
    # By character: on many keyboards brackets and ? have no key of their own.
    if "?" in keys.characters:
        commands.toggle_help()
    steps = keys.characters.count("]") - keys.characters.count("[")
    if steps:
        view = replace(view, latent=step_seed(view.latent, steps))
    if key.d in keys.keys:
        view = toggle_depth(view)
    if key.p in keys.keys:
        view = with_source(view, _CYCLE[view.pose.source], context.frame)
    return view


def toggle_depth(view: View) -> View:
    """Between the image and the depth map."""
    mode: DisplayMode = "rgb" if view.display.mode == "depth" else "depth"
    return replace(view, display=replace(view.display, mode=mode))


def draw_help(open_: bool) -> bool:
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
    for title, lines in HELP:
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
