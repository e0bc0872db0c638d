"""Small dialogs in the middle of the window."""

from __future__ import annotations

from imgui_bundle import imgui

from pof3d.text import format_bytes
from viz import theme, ui
from viz.panel import Actions, DownloadQuestion

_QUESTION = "A large download"


def begin_modal(title: str) -> bool:
    """Begin a small dialog in the middle of the window, if it is open; end it with ``imgui.end_popup``."""
    if not imgui.is_popup_open(title):
        return False
    centre = imgui.get_main_viewport().get_center()
    imgui.set_next_window_pos(centre, int(imgui.Cond_.always), (0.5, 0.5))
    imgui.push_style_color(imgui.Col_.popup_bg, theme.PANEL)
    flags = imgui.WindowFlags_.no_saved_settings | imgui.WindowFlags_.always_auto_resize
    opened = bool(imgui.begin_popup_modal(title, None, int(flags))[0])
    imgui.pop_style_color()
    if opened:
        ui.mark_window(title)
    return opened


def draw_question(question: DownloadQuestion, actions: Actions) -> None:
    """Ask whether to fetch a large file."""
    if not imgui.is_popup_open(_QUESTION):
        imgui.open_popup(_QUESTION)
    if not begin_modal(_QUESTION):
        return
    least = "at least " if question.at_least else ""
    imgui.text_unformatted(f"{question.name} has {least}{format_bytes(question.size)}.")
    imgui.text_colored(theme.TEXT_DIM, "It would be kept in the cache. Fetch it?")
    imgui.spacing()
    yes = _button("Fetch")
    imgui.same_line()
    no = _button("Leave") or imgui.is_key_pressed(imgui.Key.escape, False)
    if yes or no:
        actions.answer_question(yes)
        imgui.close_current_popup()
    imgui.end_popup()


def _button(label: str) -> bool:
    clicked = bool(imgui.button(label))
    ui.mark(f"Question/{label}")
    return clicked
