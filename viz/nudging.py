"""Sliders by keyboard: arrows nudge the one under the mouse or with the focus, Enter types its value."""

from __future__ import annotations

import math

from imgui_bundle import imgui

from viz import ui

_to_type = ""
"""Name of the slider that opens its field in the next frame."""


def open_field(name: str) -> None:
    """Let the next slider take a typed value, if it was asked to."""
    global _to_type
    if _to_type == name:
        _to_type = ""
        imgui.set_keyboard_focus_here()


def nudges(name: str) -> int:
    """By how many steps arrow keys move the last slider, which the mouse or the keyboard's focus is on."""
    global _to_type
    if imgui.get_io().want_text_input or imgui.is_item_active() or not imgui.is_item_hovered():
        return 0
    ui.claim_keys()
    if imgui.is_key_pressed(imgui.Key.enter, False):
        _to_type = name
        return 0
    step = 10 if imgui.get_io().key_shift else 1
    right, left = (imgui.is_key_pressed(key) for key in (imgui.Key.right_arrow, imgui.Key.left_arrow))
    return step * (int(right) - int(left))


def fine_step(value: float, low: float, high: float, format: str, logarithmic: bool = False) -> float:
    """How far an arrow key moves a slider: about a hundredth of its way, round, not less than is shown.

    Parameters
    ----------
    value, low, high : float
        In the unit shown.
    format : str
        Of the value, printf.
    logarithmic : bool
        Whether equal ways are equal factors: then it is a hundredth of the value.
    """
    reach = abs(value) if logarithmic else high - low
    power = 10.0 ** math.floor(math.log10(max(reach / 100.0, 1e-9)))
    step = max(part * power for part in (1.0, 2.0, 5.0) if part * power <= reach / 100.0 * (1 + 1e-9))
    decimals = format.partition(".")[2][:1]
    return max(step, 10.0 ** -int(decimals)) if decimals.isdigit() else step
