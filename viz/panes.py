"""Pictures beside each other in the viewport: with names, a divider, or as a difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from viz import theme, ui
from viz.colormaps import color_table
from viz.comparing import CompareState
from viz.difference import Difference, colored
from viz.marks import Rect

if TYPE_CHECKING:
    from viz.window.textures import Texture

GAP = 6.0
"""Between panes and around them, design pixels."""
STRIP = 22.0
"""Height of a pane's name above its picture, design pixels."""
HANDLE = 7.0
"""How near the mouse must come to the divider, design pixels."""
_LEGEND = (150.0, 9.0)
"""Size of the colours of a difference, design pixels."""


@dataclass(frozen=True)
class PanesResult:
    """Where the panes are, and what happened to the divider."""

    cells: tuple[tuple[int, Rect], ...]
    """Index of a pane, and where it takes the mouse."""
    picture: Rect | None
    """The active pane's picture."""
    divider: float | None = None
    """Where the user has dragged the divider to."""

    def pane_at(self, x: float, y: float) -> int | None:
        """The pane at a point."""
        for index, cell in self.cells:
            if cell.left <= x < cell.right and cell.top <= y < cell.bottom:
                return index
        return None


def cells(rect: Rect, count: int, gap: float) -> list[Rect]:
    """Places for one to four panes: in one row up to two, else in two rows."""
    columns, rows = (count, 1) if count <= 2 else (2, 2)
    width = (rect.width - (columns + 1) * gap) / columns
    height = (rect.height - (rows + 1) * gap) / rows
    places = []
    for index in range(count):
        left = rect.left + gap + index % columns * (width + gap)
        top = rect.top + gap + index // columns * (height + gap)
        places.append(Rect(left, top, left + width, top + height))
    return places


def fitted(cell: Rect, shape: Sequence[int]) -> Rect | None:
    """The largest place of a picture [H, W, …] within a cell, aspect preserved."""
    height, width = shape[:2]
    factor = min(cell.width / width, cell.height / height)
    if factor <= 0:
        return None
    w, h = width * factor, height * factor
    left = round(cell.left + (cell.width - w) / 2)
    top = round(cell.top + (cell.height - h) / 2)
    return Rect(left, top, left + w, top + h)


@dataclass
class _Shown:
    texture: Texture
    pixels: NDArray[np.uint8] | None = None


@dataclass
class Panes:
    """Draws compared Views. Lives in the window's thread."""

    _textures: dict[int, _Shown] = field(default_factory=dict)
    _apart: tuple[Difference, float, str] | None = None

    def release(self) -> None:
        """Give the memory of the graphics card back."""
        for shown in self._textures.values():
            shown.texture.release()
        self._textures.clear()
        self._apart = None

    def draw(self, rect: Rect, state: CompareState, seconds: float) -> PanesResult:
        """Draw all panes into a part of the current window.

        Parameters
        ----------
        rect : Rect
            The viewport.
        state : CompareState
            Which panes, and how.
        seconds : float
            For what moves.
        """
        keep = {pane.key for pane in state.comparison.panes} | {-1}
        for key in self._textures.keys() - keep:
            self._textures.pop(key).texture.release()
        layout = state.comparison.layout
        if layout == "wipe":
            return self._wipe(rect, state, seconds)
        if layout == "difference":
            return self._difference(rect, state, seconds)
        return self._side_by_side(rect, state, seconds)

    # ------------------------------------------------------------------------------------------- layouts
    def _side_by_side(self, rect: Rect, state: CompareState, seconds: float) -> PanesResult:
        comparison = state.comparison
        places = cells(rect, len(comparison.panes), ui.px(GAP))
        own = None
        for index, place in enumerate(places):
            inner = Rect(place.left, place.top + ui.px(STRIP), place.right, place.bottom)
            picture = self._picture(inner, state, index)
            active = index == comparison.active
            top = (picture or inner).top - ui.px(STRIP)
            self._name((picture or inner).left - ui.px(GAP), place.right, top, state, index)
            if picture is None:
                _note(inner, state, index, seconds)
            elif active:
                own = picture
                _frame(picture)
            ui.mark_rect(f"Viewport/Pane {index + 1}", *(picture or inner).corners)
        return PanesResult(tuple(enumerate(places)), own)

    def _wipe(self, rect: Rect, state: CompareState, seconds: float) -> PanesResult:
        gap, (first, second) = ui.px(GAP), state.comparison.pair
        inner = Rect(rect.left + gap, rect.top + gap + ui.px(STRIP), rect.right - gap, rect.bottom - gap)
        frames = [state.frames.get(state.comparison.panes[i].key) for i in (first, second)]
        shapes = [frame.rgba.shape for frame in frames if frame is not None]
        whole = (fitted(inner, shapes[0]) if shapes else None) or inner
        at, moved = self._divider(whole, state.comparison.divider)
        x = round(whole.left + at * whole.width)
        parts = (
            (first, Rect(rect.left, rect.top, x, rect.bottom)),
            (second, Rect(x, rect.top, rect.right, rect.bottom)),
        )
        lines, own = imgui.get_window_draw_list(), None
        for index, part in parts:
            lines.push_clip_rect((part.left, part.top), (part.right, part.bottom), True)
            picture = self._picture(inner, state, index)
            lines.pop_clip_rect()
            if picture is None:
                _note(part, state, index, seconds)
            if index == state.comparison.active:
                own = picture
        middle = (whole.left + whole.right) / 2
        top = whole.top - ui.px(STRIP)
        self._name(whole.left - gap, middle - gap, top, state, first)
        self._name(middle + gap, whole.right, top, state, second, right_end=True)
        _draw_divider(x, whole)
        for name, (_, part) in zip(("left", "right"), parts, strict=True):
            ui.mark_rect(f"Viewport/Wipe {name}", *part.corners)
        return PanesResult(parts, own, moved)

    def _divider(self, picture: Rect, divider: float) -> tuple[float, float | None]:
        """Where it is now, and where the user has moved it to."""
        x, reach = picture.left + divider * picture.width, ui.px(HANDLE)
        imgui.set_cursor_screen_pos((x - reach, picture.top))
        imgui.invisible_button("divider", (2 * reach, max(picture.height, 1.0)))
        ui.mark("Viewport/Divider")
        if imgui.is_item_hovered() or imgui.is_item_active():
            imgui.set_mouse_cursor(imgui.MouseCursor_.resize_ew)
        if not imgui.is_item_active() or not imgui.is_mouse_dragging(0, 0.0):
            return divider, None
        moved = (imgui.get_mouse_pos().x - picture.left) / max(picture.width, 1.0)
        moved = min(max(moved, 0.0), 1.0)
        return moved, moved

    def _difference(self, rect: Rect, state: CompareState, seconds: float) -> PanesResult:
        comparison, gap = state.comparison, ui.px(GAP)
        inner = Rect(rect.left + gap, rect.top + gap + 2 * ui.px(STRIP), rect.right - gap, rect.bottom - gap)
        whole = ((comparison.active, rect),)
        apart = state.difference
        picture = fitted(inner, apart.sums.shape) if apart is not None else None
        left, top = (picture or inner).left - gap, (picture or inner).top
        for line, index in enumerate(comparison.pair):
            self._name(left, inner.right, top - (2 - line) * ui.px(STRIP), state, index)
        if apart is None:
            missing = [i for i in comparison.pair if comparison.panes[i].key not in state.frames]
            if missing:
                _note(inner, state, missing[0], seconds)
            else:
                text = "These pictures have different shapes: there is no difference to show."
                _centred(inner, text, theme.TEXT_DIM)
            return PanesResult(whole, None)
        shown = (apart, comparison.gain, comparison.color_map)
        if shown != self._apart:
            self._upload(-1, colored(*shown))
            self._apart = shown
        if picture is not None:
            self._image(-1, picture)
            _legend(picture, state, apart)
            ui.mark_rect("Viewport/Difference", *picture.corners)
        return PanesResult(whole, picture)

    # --------------------------------------------------------------------------------------------- parts
    def _picture(self, inner: Rect, state: CompareState, index: int) -> Rect | None:
        key = state.comparison.panes[index].key
        frame = state.frames.get(key)
        if frame is None or key in state.errors:
            return None
        place = fitted(inner, frame.rgba.shape)
        if place is not None:
            self._upload(key, frame.rgba)
            self._image(key, place)
        return place

    def _upload(self, key: int, pixels: NDArray[np.uint8]) -> None:
        from viz.window.textures import Texture  # with the window there

        shown = self._textures.get(key)
        if shown is None:
            shown = self._textures[key] = _Shown(Texture())
        if shown.pixels is not pixels:
            shown.texture.upload(pixels)
            shown.pixels = pixels

    def _image(self, key: int, place: Rect) -> None:
        imgui.get_window_draw_list().add_image(
            self._textures[key].texture.reference, (place.left, place.top), (place.right, place.bottom)
        )

    def _name(
        self,
        left: float,
        right: float,
        top: float,
        state: CompareState,
        index: int,
        *,
        right_end: bool = False,
    ) -> None:
        """What a pane is, with a dot in the active one's."""
        active = index == state.comparison.active
        imgui.push_font(None, theme.SMALL_FONT_SIZE)
        dot = ui.px(13)
        text = ui.fit_text(state.names[index], max(right - left - dot, 1.0))
        y = round(top + (ui.px(STRIP) - imgui.get_font_size()) / 2)
        x = right - imgui.calc_text_size(text).x if right_end else left + dot
        ink = imgui.get_color_u32(imgui.ImVec4(*(theme.TEXT if active else theme.TEXT_DIM)))
        lines, accent = imgui.get_window_draw_list(), imgui.get_color_u32(imgui.ImVec4(*theme.ACCENT))
        centre = imgui.ImVec2(x - ui.px(8), y + imgui.get_font_size() * 0.52)
        if active:
            lines.add_circle_filled(centre, ui.px(3.5), accent)
        else:
            lines.add_circle(centre, ui.px(3.5), ink, 0, ui.px(1.0))
        lines.add_text((round(x), y), ink, text)
        imgui.pop_font()


def _frame(picture: Rect) -> None:
    """Around the active pane."""
    ink, thick = imgui.get_color_u32(imgui.ImVec4(*theme.ACCENT)), ui.px(2)
    low = (picture.left - thick / 2, picture.top - thick / 2)
    high = (picture.right + thick / 2, picture.bottom + thick / 2)
    imgui.get_window_draw_list().add_rect(low, high, ink, thickness=thick)


def _draw_divider(x: float, picture: Rect) -> None:
    lines = imgui.get_window_draw_list()
    ink = imgui.get_color_u32(imgui.ImVec4(*theme.TEXT))
    shade = imgui.get_color_u32(imgui.ImVec4(*theme.OVERLAY))
    lines.add_line((x, picture.top), (x, picture.bottom), shade, ui.px(4))
    lines.add_line((x, picture.top), (x, picture.bottom), ink, ui.px(1.5))
    middle, radius, arm = (picture.top + picture.bottom) / 2, ui.px(11), ui.px(4)
    lines.add_circle_filled((x, middle), radius, shade)
    lines.add_circle((x, middle), radius, ink, 0, ui.px(1.5))
    for side in (-1, 1):
        tip, back = x + side * ui.px(7), x + side * ui.px(3)
        lines.add_triangle_filled((tip, middle), (back, middle - arm), (back, middle + arm), ink)


def _note(cell: Rect, state: CompareState, index: int, seconds: float) -> None:
    """In place of a picture: why there is none, or that it is on its way."""
    from viz.overlays import spinner

    error = state.errors.get(state.comparison.panes[index].key)
    if error is not None:
        _centred(cell, str(error), theme.WARNING)
        return
    x, y = cell.centre
    spinner(x, y, ui.px(11), seconds)


def _centred(cell: Rect, text: str, colour: theme.Colour) -> None:
    width = max(cell.width - 2 * ui.px(16), 1.0)
    size = imgui.calc_text_size(text, wrap_width=width)
    place = (round(cell.centre[0] - size.x / 2), round(cell.centre[1] - size.y / 2))
    imgui.set_cursor_screen_pos(place)
    imgui.push_text_wrap_pos(imgui.get_cursor_pos_x() + width)
    imgui.push_style_color(imgui.Col_.text, colour)
    imgui.text_unformatted(text)
    imgui.pop_style_color()
    imgui.pop_text_wrap_pos()


def _legend(picture: Rect, state: CompareState, apart: Difference) -> None:
    """Left bottom of a difference: its colours, its mean and its largest value."""
    imgui.push_font(None, theme.SMALL_FONT_SIZE)
    comparison, pad, line = state.comparison, ui.px(9), imgui.get_font_size() * 1.3
    width, bar = ui.px(_LEGEND[0]), ui.px(_LEGEND[1])
    frames = [state.frames[comparison.panes[i].key] for i in comparison.pair]
    texts = [f"mean {apart.mean:.4f}   max {apart.max:.3f}"]
    if any(frame.level == "preview" for frame in frames):
        texts.append("of previews")
    width = max(width, *(imgui.calc_text_size(text).x for text in texts))
    height = 2 * pad + bar + line * (len(texts) + 1)
    left, top = picture.left + ui.px(12), picture.bottom - ui.px(12) - height
    lines = imgui.get_window_draw_list()
    shade = imgui.get_color_u32(imgui.ImVec4(*theme.OVERLAY))
    lines.add_rect_filled((left, top), (left + width + 2 * pad, top + height), shade, ui.px(6))
    ui.mark_rect("Viewport/Legend", (left, top), (left + width + 2 * pad, top + height))
    x, y = left + pad, top + pad
    ink = imgui.get_color_u32(imgui.ImVec4(*theme.TEXT))
    dim = imgui.get_color_u32(imgui.ImVec4(*theme.TEXT_DIM))
    for text in texts:
        lines.add_text((round(x), round(y)), ink if text is texts[0] else dim, text)
        y += line
    table = color_table(comparison.color_map)[::-15].astype(float) / 255.0
    inks = [imgui.get_color_u32(imgui.ImVec4(r, g, b, 1.0)) for r, g, b in table.tolist()]
    step = width / (len(inks) - 1)
    for i, (one, two) in enumerate(pairwise(inks)):
        low, high = (x + i * step, y), (x + (i + 1) * step, y + bar)
        lines.add_rect_filled_multi_color(low, high, one, two, two, one)
    end = f"{1.0 / comparison.gain:.2g} and above"
    lines.add_text((round(x), round(y + bar + ui.px(2))), dim, "0")
    lines.add_text((round(x + width - imgui.calc_text_size(end).x), round(y + bar + ui.px(2))), dim, end)
    imgui.pop_font()
