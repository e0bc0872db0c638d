"""GLFW's key codes in ImGui's names."""

from __future__ import annotations

from imgui_bundle import imgui  # isort: skip  (before glfw: it points pyGLFW at its own library)

import glfw

_NAMED = {
    "TAB": "tab",
    "BACKSPACE": "backspace",
    "ENTER": "enter",
    "ESCAPE": "escape",
    "INSERT": "insert",
    "DELETE": "delete",
    "SPACE": "space",
    "LEFT": "left_arrow",
    "RIGHT": "right_arrow",
    "UP": "up_arrow",
    "DOWN": "down_arrow",
    "PAGE_UP": "page_up",
    "PAGE_DOWN": "page_down",
    "HOME": "home",
    "END": "end",
    "KP_ENTER": "keypad_enter",
    "KP_DECIMAL": "keypad_decimal",
    "KP_DIVIDE": "keypad_divide",
    "KP_MULTIPLY": "keypad_multiply",
    "KP_SUBTRACT": "keypad_subtract",
    "KP_ADD": "keypad_add",
    "KP_EQUAL": "keypad_equal",
    "LEFT_CONTROL": "left_ctrl",
    "RIGHT_CONTROL": "right_ctrl",
    "LEFT_SHIFT": "left_shift",
    "RIGHT_SHIFT": "right_shift",
    "LEFT_ALT": "left_alt",
    "RIGHT_ALT": "right_alt",
    "LEFT_SUPER": "left_super",
    "RIGHT_SUPER": "right_super",
    "APOSTROPHE": "apostrophe",
    "COMMA": "comma",
    "MINUS": "minus",
    "PERIOD": "period",
    "SLASH": "slash",
    "SEMICOLON": "semicolon",
    "EQUAL": "equal",
    "LEFT_BRACKET": "left_bracket",
    "BACKSLASH": "backslash",
    "RIGHT_BRACKET": "right_bracket",
    "GRAVE_ACCENT": "grave_accent",
    "CAPS_LOCK": "caps_lock",
    "SCROLL_LOCK": "scroll_lock",
    "NUM_LOCK": "num_lock",
    "PRINT_SCREEN": "print_screen",
    "PAUSE": "pause",
    "MENU": "menu",
}


def _key_map() -> dict[int, imgui.Key]:
    keys = {getattr(glfw, f"KEY_{name}"): getattr(imgui.Key, ours) for name, ours in _NAMED.items()}
    keys |= {getattr(glfw, f"KEY_F{n}"): getattr(imgui.Key, f"f{n}") for n in range(1, 13)}
    keys |= {getattr(glfw, f"KEY_{n}"): getattr(imgui.Key, f"_{n}") for n in range(10)}
    keys |= {getattr(glfw, f"KEY_KP_{n}"): getattr(imgui.Key, f"keypad{n}") for n in range(10)}
    keys |= {getattr(glfw, f"KEY_{c}"): getattr(imgui.Key, c.lower()) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    return keys


KEY_MAP = _key_map()
"""GLFW key code → ImGui key."""
