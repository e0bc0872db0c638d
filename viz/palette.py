"""The command palette: every action by name, with its key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from imgui_bundle import imgui

from viz import theme, ui
from viz.finding import Entry, Found, find
from viz.keymap import Keymap

if TYPE_CHECKING:
    from viz.program import Program

TITLE = "Palette"
WIDTH = 520.0
"""Design pixels."""
ROWS = 11
"""That show at once."""
_PAGE = 10


def entries_of(program: Program, keymap: Keymap, panels: Sequence[str]) -> list[Entry]:
    """Everything to choose from: actions, panels to bring to the front, layouts to restore."""
    entries = [
        Entry(
            action.name,
            action.title_in(program),
            action.group,
            partial(action.run, program),
            ", ".join(map(str, keymap.chords(action))),
            action.enabled(program),
            action.checked(program),
        )
        for action in keymap.actions
        if action.name != "palette"
    ]
    entries += [Entry(f"panel {title}", title, "Panel", partial(_show, program, title)) for title in panels]
    for name in program.layouts.names:
        run = partial(program.restore_layout, name)
        entries.append(Entry(f"layout {name}", name, "Restore layout", run))
    return entries


def _show(program: Program, title: str) -> None:
    program.panel_wanted = title


class Palette:
    """A field to type into and the list of what fits."""

    def __init__(self) -> None:
        self._text = ""
        self._chosen = 0
        self._scroll = False
        self._showing = False

    def draw(self, program: Program, keymap: Keymap, panels: Sequence[str]) -> None:
        """Draw the palette if it is open, and do what is chosen in it."""
        appearing = program.palette_open and not self._showing
        if appearing:
            self._text, self._chosen, self._scroll = "", 0, True
            imgui.open_popup(TITLE)
        if not imgui.is_popup_open(TITLE):
            self._showing = program.palette_open = False
            return
        screen = imgui.get_main_viewport()
        width = min(ui.px(WIDTH), screen.size.x - ui.px(24))
        place = (screen.get_center().x, screen.pos.y + 0.14 * screen.size.y)
        imgui.set_next_window_pos(place, int(imgui.Cond_.always), (0.5, 0.0))
        imgui.set_next_window_size((width, 0.0), int(imgui.Cond_.always))
        imgui.push_style_var(imgui.StyleVar_.window_padding, (ui.px(8), ui.px(8)))
        opened = imgui.begin_popup(
            TITLE, int(imgui.WindowFlags_.no_saved_settings | imgui.WindowFlags_.no_nav)
        )
        imgui.pop_style_var()
        if not opened:
            self._showing = program.palette_open = False
            return
        self._showing = True
        ui.mark_window(TITLE)
        found = self._draw_field(program, keymap, panels, appearing)
        entry = self._keys(found, appearing)
        entry = self._draw_list(found) or entry
        if entry is not None or imgui.is_key_pressed(imgui.Key.escape, False):
            imgui.close_current_popup()
            self._showing = program.palette_open = False
        imgui.end_popup()
        if entry is not None:
            program.use_entry(entry)

    def _draw_field(
        self, program: Program, keymap: Keymap, panels: Sequence[str], appearing: bool
    ) -> list[Found]:
        if appearing:
            imgui.set_keyboard_focus_here()
        imgui.set_next_item_width(-1.0)
        imgui.push_style_var(imgui.StyleVar_.frame_padding, (ui.px(9), ui.px(6)))
        changed, self._text = imgui.input_text_with_hint("##query", "What do you want to do?", self._text)
        imgui.pop_style_var()
        ui.mark("Palette/Text")
        if changed:
            self._chosen, self._scroll = 0, True
        found = find(entries_of(program, keymap, panels), self._text, program.settings.palette)
        self._chosen = min(self._chosen, max(len(found) - 1, 0))
        return found

    def _keys(self, found: list[Found], appearing: bool) -> Entry | None:
        steps = (
            (imgui.Key.down_arrow, 1),
            (imgui.Key.up_arrow, -1),
            (imgui.Key.page_down, _PAGE),
            (imgui.Key.page_up, -_PAGE),
        )
        last = len(found) - 1
        for key, step in steps:
            if imgui.is_key_pressed(key) and found:
                # One step beyond an end comes in at the other.
                around = abs(step) == 1 and not 0 <= self._chosen + step <= last
                self._chosen = (self._chosen + step) % len(found) if around else self._chosen + step
                self._chosen, self._scroll = min(max(self._chosen, 0), last), True
        entered = any(imgui.is_key_pressed(key, False) for key in (imgui.Key.enter, imgui.Key.keypad_enter))
        if entered and found and not appearing and found[self._chosen].entry.enabled:
            return found[self._chosen].entry
        return None

    def _draw_list(self, found: list[Found]) -> Entry | None:
        if not found:
            imgui.dummy((0.0, ui.px(2)))
            imgui.text_colored(theme.TEXT_DIM, "Nothing of this name. A few letters of it are enough.")
            return None
        high = imgui.get_font_size() * 1.75
        clicked = None
        imgui.push_style_var(imgui.StyleVar_.item_spacing, (0.0, 0.0))
        if imgui.begin_child("list", (0.0, high * min(len(found), ROWS)), 0, int(imgui.WindowFlags_.no_nav)):
            delta = imgui.get_io().mouse_delta
            moved = bool(delta.x or delta.y)
            for index, one in enumerate(found):
                if self._draw_row(index, one, high) and one.entry.enabled:
                    clicked = one.entry
                if moved and imgui.is_item_hovered():
                    self._chosen = index
                if index == self._chosen and self._scroll:
                    imgui.set_scroll_here_y(0.5)
                    self._scroll = False
        imgui.end_child()
        imgui.pop_style_var()
        return clicked

    def _draw_row(self, index: int, one: Found, high: float) -> bool:
        """One line: title, group, key; whether it was clicked."""
        entry = one.entry
        corner = imgui.get_cursor_screen_pos()
        width = imgui.get_content_region_avail().x
        clicked = imgui.invisible_button(f"##{entry.name}", (width, high))
        ui.mark(f"Palette/{entry.title}")
        lines, pad = imgui.get_window_draw_list(), ui.px(9)
        if index == self._chosen:
            far = (corner.x + width, corner.y + high)
            lines.add_rect_filled((corner.x, corner.y), far, _ink(theme.ACCENT_DIM), ui.px(5))
        fade = 1.0 if entry.enabled else 0.45
        quiet = theme.TEXT if index == self._chosen else theme.TEXT_DIM
        y = round(corner.y + (high - imgui.get_font_size()) / 2)
        keys = imgui.calc_text_size(entry.keys).x
        right = corner.x + width - pad - ui.px(4)
        lines.add_text((right - keys, y), _ink(quiet, fade), entry.keys)
        x = corner.x + pad
        if entry.checked:
            _tick(x, y, _ink(theme.TEXT, fade))
        x += ui.px(18)
        title = ui.fit_text(entry.title, right - keys - ui.px(100) - x)
        x = _draw_title(x, y, title, one.places, fade, lit=index == self._chosen)
        imgui.push_font(None, theme.SMALL_FONT_SIZE)
        lines.add_text((x + ui.px(9), y + ui.px(1.5)), _ink(quiet, fade), entry.group)
        imgui.pop_font()
        return bool(clicked)


def _draw_title(x: float, y: float, title: str, places: frozenset[int], fade: float, *, lit: bool) -> float:
    """A title with the letters that were typed in bold; where it ends."""
    lines = imgui.get_window_draw_list()
    start = 0
    while start < len(title):
        end = start + 1
        while end < len(title) and (end in places) == (start in places):
            end += 1
        piece, typed = title[start:end], start in places
        if typed:
            imgui.push_font(theme.fonts.bold, 0.0)
        colour = theme.ACCENT_BRIGHT if typed and not lit else theme.TEXT
        lines.add_text((x, y), _ink(colour, fade), piece)
        x += imgui.calc_text_size(piece).x
        if typed:
            imgui.pop_font()
        start = end
    return x


def _tick(x: float, y: float, ink: int) -> None:
    side = imgui.get_font_size()
    points = [(x, y + 0.5 * side), (x + 0.25 * side, y + 0.75 * side), (x + 0.7 * side, y + 0.22 * side)]
    imgui.get_window_draw_list().add_polyline([imgui.ImVec2(*p) for p in points], ink, ui.px(1.6), 0)


def _ink(colour: theme.Colour, alpha: float = 1.0) -> int:
    return int(imgui.get_color_u32((*colour[:3], colour[3] * alpha)))
