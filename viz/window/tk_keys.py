"""Tk's names of keys in ImGui's names."""

from __future__ import annotations

from imgui_bundle import imgui

_NAMED = {
    "Tab": "tab",
    "ISO_Left_Tab": "tab",
    "BackSpace": "backspace",
    "Return": "enter",
    "Escape": "escape",
    "Insert": "insert",
    "Delete": "delete",
    "space": "space",
    "Left": "left_arrow",
    "Right": "right_arrow",
    "Up": "up_arrow",
    "Down": "down_arrow",
    "Prior": "page_up",
    "Next": "page_down",
    "Home": "home",
    "End": "end",
    "KP_Enter": "keypad_enter",
    "KP_Decimal": "keypad_decimal",
    "KP_Divide": "keypad_divide",
    "KP_Multiply": "keypad_multiply",
    "KP_Subtract": "keypad_subtract",
    "KP_Add": "keypad_add",
    "Control_L": "left_ctrl",
    "Control_R": "right_ctrl",
    "Shift_L": "left_shift",
    "Shift_R": "right_shift",
    "Alt_L": "left_alt",
    "Alt_R": "right_alt",
    "Super_L": "left_super",
    "Super_R": "right_super",
    "Meta_L": "left_super",
    "Meta_R": "right_super",
    "apostrophe": "apostrophe",
    "comma": "comma",
    "minus": "minus",
    "period": "period",
    "slash": "slash",
    "semicolon": "semicolon",
    "equal": "equal",
    "bracketleft": "left_bracket",
    "backslash": "backslash",
    "bracketright": "right_bracket",
    "grave": "grave_accent",
    "Caps_Lock": "caps_lock",
}


def _key_map() -> dict[str, imgui.Key]:
    keys = {name: getattr(imgui.Key, ours) for name, ours in _NAMED.items()}
    keys |= {f"F{n}": getattr(imgui.Key, f"f{n}") for n in range(1, 13)}
    keys |= {str(n): getattr(imgui.Key, f"_{n}") for n in range(10)}
    keys |= {f"KP_{n}": getattr(imgui.Key, f"keypad{n}") for n in range(10)}
    for letter in "abcdefghijklmnopqrstuvwxyz":
        keys[letter] = keys[letter.upper()] = getattr(imgui.Key, letter)
    return keys


KEY_MAP = _key_map()
"""Tk's keysym → ImGui key. Letters are those on the keys, as the keyboard is labelled."""
