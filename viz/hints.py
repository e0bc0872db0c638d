"""Tooltips: what a thing is, and how to use it."""

from __future__ import annotations

from imgui_bundle import imgui

from pof3d.text import legible
from viz import theme

TOOLTIP_EM = 22.0
"""Where tooltips wrap, font heights."""
SLIDER_HINT = "Ctrl+click or Enter: type a value.  ← →: nudge it."
_MOUSE_ON_IT = int(imgui.HoveredFlags_.for_tooltip | imgui.HoveredFlags_.allow_when_disabled)
_MOUSE_RESTS_ON_IT = int(
    imgui.HoveredFlags_.for_tooltip
    | imgui.HoveredFlags_.delay_normal
    | imgui.HoveredFlags_.allow_when_disabled
)


def tooltip(text: str) -> None:
    """Explain the last item when the mouse rests on it, also while it is disabled."""
    if text and imgui.is_item_hovered(_MOUSE_ON_IT) and imgui.begin_tooltip():
        imgui.push_text_wrap_pos(TOOLTIP_EM * imgui.get_font_size())
        imgui.text_unformatted(legible(text))
        imgui.pop_text_wrap_pos()
        imgui.end_tooltip()


def control_tooltip(text: str, hint: str = "") -> None:
    """Explain the last item when the mouse rests on it for a while, but not while it is in use.

    Parameters
    ----------
    text : str
        One or two sentences.
    hint : str
        How to use it, in small letters.
    """
    if not text or imgui.is_item_active() or not imgui.is_item_hovered(_MOUSE_RESTS_ON_IT):
        return
    if imgui.begin_tooltip():
        imgui.push_text_wrap_pos(TOOLTIP_EM * imgui.get_font_size())
        imgui.text_unformatted(legible(text))
        if hint:
            imgui.push_font(None, theme.SMALL_FONT_SIZE)
            imgui.text_colored(theme.TEXT_DIM, hint)
            imgui.pop_font()
        imgui.pop_text_wrap_pos()
        imgui.end_tooltip()


def slider_tooltip(text: str) -> None:
    """Explain the last slider, and how else than by dragging it is set."""
    control_tooltip(text, SLIDER_HINT)
