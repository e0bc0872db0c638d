"""Small helpers of everything that draws: marks for tests to find, sizes, text that fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from imgui_bundle import imgui

from pof3d.text import printable
from viz.marks import Rect, Registry

Marks = dict[str, Rect]


@dataclass
class _State:
    registry: Registry | None = None
    scale: float = 1.0
    redraw: float = math.inf
    claimed: bool = False
    claimed_before: bool = False
    asked: int = 0
    parts: dict[str, tuple[Marks, ...]] = field(default_factory=dict)


_state = _State()


def begin_frame(scale: float, registry: Registry | None = None) -> None:
    """Start a frame: forget old marks. Called by the application.

    Parameters
    ----------
    scale : float
        Interface units per design pixel.
    registry : Registry, optional
        Where marks go; None: nobody is looking.
    """
    _state.scale = scale
    _state.redraw = math.inf
    _state.claimed_before, _state.claimed = _state.claimed, False
    _state.registry = registry
    if registry is not None:
        registry.rects.clear()
        registry.clips.clear()
        registry.windows.clear()


def redraw_within(seconds: float) -> None:
    """Ask for another frame even if no event comes: what is drawn waits for something of its own."""
    _state.redraw = min(_state.redraw, seconds)
    _state.asked += 1


def redraw_wanted() -> float:
    """Seconds after which the last frame wanted another one; infinite: it waits for an event."""
    return _state.redraw


@contextmanager
def part(title: str) -> Iterator[Callable[[], bool]]:
    """Draw a part of the window that may be left as it is in later frames; see :func:`same_part`.

    Yields
    ------
    callable
        Tells whether the part has asked for another frame so far.
    """
    asked, registry = _state.asked, _state.registry
    counts = [len(marks) for marks in _kinds(registry)] if registry is not None else []
    try:
        yield lambda: _state.asked > asked
    finally:
        if registry is not None:
            kinds = zip(_kinds(registry), counts, strict=True)
            _state.parts[title] = tuple(dict(islice(marks.items(), count, None)) for marks, count in kinds)


def same_part(title: str) -> None:
    """Note that a part is where it was drawn last."""
    if _state.registry is not None and title in _state.parts:
        for marks, kept in zip(_kinds(_state.registry), _state.parts[title], strict=True):
            marks.update(kept)


def _kinds(registry: Registry) -> tuple[Marks, ...]:
    return registry.rects, registry.clips, registry.windows


def claim_keys() -> None:
    """Keep arrows and Enter for the last item, which the mouse is on: nothing else takes them."""
    _state.claimed = True
    for key in (imgui.Key.left_arrow, imgui.Key.right_arrow, imgui.Key.enter):
        imgui.set_item_key_owner(key)


def keys_claimed() -> bool:
    """Whether something had them for itself in the last frame."""
    return _state.claimed_before or _state.claimed


def mark(name: str) -> None:
    """Note where the last item is, under a name such as "Latent/Seed". Costs next to nothing otherwise."""
    if _state.registry is None:
        return
    low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
    disabled = imgui.get_item_flags() & int(imgui.ItemFlags_.disabled)
    _state.registry.rects[name] = Rect(low.x, low.y, high.x, high.y, not disabled)
    clip = imgui.internal.get_current_window().clip_rect
    _state.registry.clips[name] = Rect(clip.min.x, clip.min.y, clip.max.x, clip.max.y)


def mark_rect(name: str, low: tuple[float, float], high: tuple[float, float]) -> None:
    """Note where something is that is not an item: its left top and right bottom corners."""
    if _state.registry is not None:
        _state.registry.rects[name] = Rect(*low, *high)


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


def selectable(
    text: str, name: str, selected: bool, *, flags: int = 0, size: tuple[float, float] = (0.0, 0.0)
) -> bool:
    """A line to choose, of a text that may be anything, such as the name of a file.

    Parameters
    ----------
    text : str
        What to show, in the middle of the height, in the present colour of text.
    name : str
        Tells it apart from others in the window.
    selected : bool
        Whether it is the chosen one.
    flags, size
        As in ``imgui.selectable``.
    """
    corner, text = imgui.get_cursor_screen_pos(), printable(text)
    # Labels are not for this: in them "##" ends what is shown.
    clicked = bool(imgui.selectable(f"##{name}", selected, flags, size)[0])
    height = size[1] or imgui.get_text_line_height()
    y = corner.y + (height - imgui.get_text_line_height()) / 2
    ink = imgui.get_color_u32(imgui.Col_.text)
    imgui.get_window_draw_list().add_text(imgui.ImVec2(corner.x, round(y)), ink, text)
    return clicked


def fit_text(text: str, width: float, *, keep_end: bool = False) -> str:
    """Shorten a text with … so that it is at most `width` wide; ``keep_end`` keeps its end, as paths like."""
    text = printable(text)
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
