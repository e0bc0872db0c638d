"""Small pieces that panels are made of: labelled rows, sliders in degrees, notes, and marks for tests.

A row has its label at the left, in a column of fixed width, and its control fills the rest. Every control marks
itself under its label, so that a test, or the tour, can press it; :func:`mark` does the same for anything else.
Labels that occur twice in a panel are told apart as in ImGui: ``Reset##camera``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from imgui_bundle import imgui

from viz import theme
from viz.marks import Rect, Registry

LABEL_WIDTH = 92.0
"""Of the label column, design pixels."""
T = TypeVar("T")


# ------------------------------------------------------------------------------------------ marks for tests
@dataclass
class _State:
    registry: Registry | None = None
    scopes: list[str] = field(default_factory=list)
    scale: float = 1.0


_state = _State()


def begin_frame(scale: float, registry: Registry | None = None) -> None:
    """Start a frame: forget old marks. Called by the application."""
    _state.scale = scale
    _state.registry = registry
    _state.scopes.clear()
    if registry is not None:
        registry.rects.clear()
        registry.windows.clear()


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Put a name before the marks made inside, as in "Panel/Label"."""
    depth = len(_state.scopes)
    _state.scopes.append(name)
    try:
        yield
    finally:
        del _state.scopes[depth:]


def mark(label: str) -> None:
    """Note where the last item is. Costs next to nothing unless a test is looking."""
    if _state.registry is None:
        return
    low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
    disabled = imgui.get_item_flags() & imgui.ItemFlags_.disabled
    name = "/".join([*_state.scopes, label])
    _state.registry.rects[name] = Rect(low.x, low.y, high.x, high.y, not disabled)


def mark_window(title: str) -> None:
    """Note where the current ImGui window is."""
    if _state.registry is not None:
        position, size = imgui.get_window_pos(), imgui.get_window_size()
        _state.registry.windows[title] = Rect(
            position.x, position.y, position.x + size.x, position.y + size.y
        )


def px(design: float) -> float:
    """Design pixels in the units of ImGui."""
    return design * _state.scale


# ----------------------------------------------------------------------------------------------------- text
def note(text: str, colour: theme.Colour = theme.TEXT_DIM) -> None:
    """Small text, wrapped at the panel's edge."""
    imgui.push_font(None, theme.SMALL_FONT_SIZE)
    imgui.push_style_color(imgui.Col_.text, imgui.ImVec4(*colour))
    imgui.push_text_wrap_pos(0.0)
    imgui.text_unformatted(text)
    imgui.pop_text_wrap_pos()
    imgui.pop_style_color()
    imgui.pop_font()


def section(title: str) -> None:
    """A thin line with a title."""
    imgui.push_style_color(imgui.Col_.text, imgui.ImVec4(*theme.TEXT_DIM))
    imgui.push_font(None, theme.SMALL_FONT_SIZE)
    imgui.separator_text(title)
    imgui.pop_font()
    imgui.pop_style_color()


def tooltip(text: str) -> None:
    """Explain the last item when the mouse rests on it, even when it is disabled."""
    if text and imgui.is_item_hovered(
        imgui.HoveredFlags_.for_tooltip | imgui.HoveredFlags_.allow_when_disabled
    ):
        imgui.begin_tooltip()
        imgui.push_text_wrap_pos(px(320))
        imgui.text_unformatted(text)
        imgui.pop_text_wrap_pos()
        imgui.end_tooltip()


def help_marker(text: str) -> None:
    """A small (?) behind the last item that explains it."""
    imgui.same_line()
    imgui.text_disabled("(?)")
    tooltip(text)


def fit_text(text: str, width: float, *, keep_end: bool = False) -> str:
    """Shorten a text with … so that it is at most `width` wide; ``keep_end`` keeps its end, as paths like."""
    if imgui.calc_text_size(text).x <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        short = "…" + text[-middle:] if keep_end else text[:middle] + "…"
        low, high = (middle, high) if imgui.calc_text_size(short).x <= width else (low, middle - 1)
    if not low:
        return "…"
    return "…" + text[-low:] if keep_end else text[:low] + "…"


# ----------------------------------------------------------------------------------------------------- rows
def visible(label: str) -> str:
    """A label without the part after ``##``."""
    return label.split("##", 1)[0]


def row(label: str, *, help: str = "", reserve: float = 0.0) -> None:
    """Start a row: the label at the left; the next control fills what remains.

    Parameters
    ----------
    label : str
        Of the row.
    help : str
        Shown when the mouse rests on the label.
    reserve : float
        Width to leave free at the right, for a button in the same row, design pixels.
    """
    imgui.align_text_to_frame_padding()
    imgui.text_unformatted(fit_text(visible(label), px(LABEL_WIDTH) - px(6)))
    tooltip(help)
    imgui.same_line(px(LABEL_WIDTH) + imgui.get_style().window_padding.x)
    imgui.set_next_item_width(-px(reserve) if reserve else -1e-3)


def value(label: str, text: str, *, help: str = "", colour: theme.Colour = theme.TEXT) -> None:
    """A row that only tells something; the text is cut at the panel's edge and complete in the tooltip."""
    row(label, help=help)
    available = imgui.get_content_region_avail().x
    shown = fit_text(text, available)
    imgui.text_colored(imgui.ImVec4(*colour), shown)
    mark(label)
    if shown != text:
        tooltip(text)


def slider(
    label: str,
    current: float,
    low: float,
    high: float,
    *,
    format: str = "%.2f",
    help: str = "",
    logarithmic: bool = False,
    reserve: float = 0.0,
) -> tuple[bool, float]:
    """A labelled slider. Ctrl+click types a value, which is kept within the range.

    Returns
    -------
    changed, value
    """
    row(label, help=help, reserve=reserve)
    flags = imgui.SliderFlags_.always_clamp
    if logarithmic:
        flags |= imgui.SliderFlags_.logarithmic
    changed, new = imgui.slider_float(f"##{label}", current, low, high, format, flags)
    mark(label)
    return changed, new


def slider_degrees(
    label: str,
    radians: float,
    low: float,
    high: float,
    *,
    format: str = "%.1f°",
    help: str = "",
    reserve: float = 0.0,
) -> tuple[bool, float]:
    """A labelled slider that shows degrees; value and limits are radians."""
    changed, degrees = slider(
        label,
        math.degrees(radians),
        math.degrees(low),
        math.degrees(high),
        format=format,
        help=help,
        reserve=reserve,
    )
    return changed, math.radians(degrees) if changed else radians


def slider_int(
    label: str, current: int, low: int, high: int, *, format: str = "%d", help: str = "", reserve: float = 0.0
) -> tuple[bool, int]:
    """A labelled slider of whole numbers."""
    row(label, help=help, reserve=reserve)
    flags = imgui.SliderFlags_.always_clamp
    changed, new = imgui.slider_int(f"##{label}", current, low, high, format, flags)
    mark(label)
    return changed, new


def input_int(
    label: str, current: int, *, step: int = 1, help: str = "", reserve: float = 0.0
) -> tuple[bool, int]:
    """A labelled field for a whole number with − and + buttons."""
    row(label, help=help, reserve=reserve)
    changed, new = imgui.input_int(f"##{label}", current, step, 0)
    mark(label)
    return changed, new


def checkbox(label: str, current: bool, *, help: str = "") -> tuple[bool, bool]:
    """A check box with its label at the right."""
    changed, new = imgui.checkbox(label, current)
    mark(label)
    tooltip(help)
    return changed, new


def combo(
    label: str, current: T, options: Sequence[tuple[T, str]], *, help: str = "", reserve: float = 0.0
) -> tuple[bool, T]:
    """A labelled list to choose from; options are (value, name)."""
    row(label, help=help, reserve=reserve)
    names = [name for _, name in options]
    index = next((i for i, (option, _) in enumerate(options) if option == current), -1)
    changed, new = imgui.combo(f"##{label}", index, names)
    mark(label)
    return (True, options[new][0]) if changed else (False, current)


def segmented(label: str, current: T, options: Sequence[tuple[T, str]], *, help: str = "") -> tuple[bool, T]:
    """Buttons side by side of which one is on, as wide as the panel; options are (value, name)."""
    spacing = px(2)
    width = (imgui.get_content_region_avail().x - spacing * (len(options) - 1)) / len(options)
    chosen, changed = current, False
    for index, (option, name) in enumerate(options):
        if index:
            imgui.same_line(0, spacing)
        on = option == current
        imgui.push_style_color(imgui.Col_.button, imgui.ImVec4(*(theme.ACCENT_DIM if on else theme.FIELD)))
        if imgui.button(f"{name}##{label}", imgui.ImVec2(width, 0)) and not on:
            chosen, changed = option, True
        imgui.pop_style_color()
        mark(f"{label}/{name}")
        tooltip(help)
    return changed, chosen


def button(
    label: str, *, width: float = 0.0, enabled: bool = True, help: str = "", accent: bool = False
) -> bool:
    """A button; `width` in ImGui's units (−1: what is left)."""
    if not enabled:
        imgui.begin_disabled()
    if accent:
        imgui.push_style_color(imgui.Col_.button, imgui.ImVec4(*theme.ACCENT_DIM))
    pressed = imgui.button(label, imgui.ImVec2(width, 0))
    if accent:
        imgui.pop_style_color()
    mark(label)
    tooltip(help)
    if not enabled:
        imgui.end_disabled()
    return bool(pressed)


def buttons_width(count: int) -> float:
    """Width of each of `count` buttons that fill the panel side by side, in ImGui's units."""
    spacing = imgui.get_style().item_spacing.x
    return float((imgui.get_content_region_avail().x - spacing * (count - 1)) / count)
