"""Colours, spacing and fonts of the interface. One accent colour; everything else is a shade of grey."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgui_bundle import imgui, implot

FONT_FOLDER = Path(__file__).resolve().parent.parent / "assets" / "fonts"
FONT_SIZE = 15.0
"""Of ordinary text, design pixels."""
SMALL_FONT_SIZE = 13.0
"""Of units and notes."""

Colour = tuple[float, float, float, float]


def _rgb(code: int, alpha: float = 1.0) -> Colour:
    return ((code >> 16 & 255) / 255, (code >> 8 & 255) / 255, (code & 255) / 255, alpha)


ACCENT = _rgb(0x4C9FE8)
"""What is active, selected or moving."""
ACCENT_DIM = _rgb(0x2F6292)
GRAB = _rgb(0x2F6292, 0.65)
"""A slider's handle: its value is written across it."""
TEXT = _rgb(0xE3E6EA)
TEXT_DIM = _rgb(0x9AA3AE)
"""Units, notes and what is not available; 6:1 against the panels."""
PANEL = _rgb(0x1B1E23)
PANEL_LOW = _rgb(0x121418)
"""Behind the panels and the picture."""
FIELD = _rgb(0x2A2F37)
FIELD_HOVER = _rgb(0x353B45)
FIELD_ACTIVE = _rgb(0x3F4753)
BORDER = _rgb(0x343A43)
WARNING = _rgb(0xE8B64C)
BAD = _rgb(0xEF6B62)
POSE_COLOURS = {
    "generator": ACCENT,
    "discriminator": _rgb(0xFFA84D),
    "override": _rgb(0x94DB78),
    "camera": _rgb(0xF5F5FA),
}
"""The four named poses, wherever they are drawn."""
OVERLAY = _rgb(0x0C0E11, 0.8)
"""Behind text that lies on the picture."""


@dataclass
class Fonts:
    """The fonts of one ImGui context."""

    text: Any = None
    bold: Any = None


fonts = Fonts()
"""Set by :func:`load_fonts`."""


def load_fonts() -> Fonts:
    """Load the fonts into the current ImGui context.

    Roboto carries the text; Inconsolata lends it arrows.
    Sizes are chosen when drawing: glyphs are made on demand, at the pixels of the screen.
    """
    atlas = imgui.get_io().fonts
    atlas.clear()

    def add(name: str, *, merge: bool = False) -> Any:
        config = imgui.ImFontConfig()
        config.merge_mode = merge
        return atlas.add_font_from_file_ttf(str(FONT_FOLDER / name), FONT_SIZE, config)

    fonts.text = add("Roboto-Regular.ttf")
    add("Inconsolata-Medium.ttf", merge=True)
    fonts.bold = add("Roboto-Bold.ttf")
    add("Inconsolata-Medium.ttf", merge=True)
    imgui.get_io().font_default = fonts.text
    return fonts


def apply_style(scale: float = 1.0) -> None:
    """Set sizes and colours of the current ImGui context.

    Parameters
    ----------
    scale : float
        Interface units per design pixel.
    """
    fresh = imgui.Style()
    style = imgui.get_style()
    fresh.window_padding = imgui.ImVec2(10, 8)
    fresh.frame_padding = imgui.ImVec2(7, 4)
    fresh.item_spacing = imgui.ImVec2(8, 6)
    fresh.item_inner_spacing = imgui.ImVec2(6, 4)
    fresh.cell_padding = imgui.ImVec2(6, 3)
    fresh.indent_spacing = 14
    fresh.scrollbar_size = 11
    fresh.grab_min_size = 10
    fresh.window_border_size = 0
    fresh.child_border_size = 0
    fresh.popup_border_size = 1
    fresh.frame_border_size = 0
    fresh.window_rounding = 6
    fresh.child_rounding = 5
    fresh.frame_rounding = 5
    fresh.popup_rounding = 6
    fresh.grab_rounding = 4
    fresh.scrollbar_rounding = 6
    fresh.tab_rounding = 5
    fresh.tab_bar_border_size = 1
    fresh.tab_bar_overline_size = 2
    fresh.docking_separator_size = 3
    fresh.window_title_align = imgui.ImVec2(0.0, 0.5)
    fresh.window_menu_button_position = imgui.Dir.none
    fresh.separator_text_border_size = 1
    fresh.separator_text_padding = imgui.ImVec2(0, 4)
    fresh.disabled_alpha = 0.5
    fresh.font_size_base = FONT_SIZE
    for colour, value in _colours().items():
        fresh.set_color_(colour, imgui.ImVec4(*value))
    fresh.scale_all_sizes(scale)
    fresh.font_scale_dpi = scale
    _copy_style(fresh, style)
    _apply_plot_style(scale)


def _copy_style(source: Any, target: Any) -> None:
    for name in dir(source):
        if name.startswith("_") or callable(getattr(source, name)):
            continue
        setattr(target, name, getattr(source, name))
    for index in range(int(imgui.Col_.count)):
        target.set_color_(index, source.color_(index))


def _colours() -> dict[Any, Colour]:
    c = imgui.Col_
    transparent = _rgb(0, 0.0)
    return {
        c.text: TEXT,
        c.text_disabled: TEXT_DIM,
        c.text_link: ACCENT,
        c.text_selected_bg: _rgb(0x4C9FE8, 0.40),
        c.window_bg: PANEL,
        c.child_bg: transparent,
        c.popup_bg: _rgb(0x22262C, 0.98),
        c.border: BORDER,
        c.border_shadow: transparent,
        c.frame_bg: FIELD,
        c.frame_bg_hovered: FIELD_HOVER,
        c.frame_bg_active: FIELD_ACTIVE,
        c.title_bg: PANEL_LOW,
        c.title_bg_active: PANEL_LOW,
        c.title_bg_collapsed: PANEL_LOW,
        c.menu_bar_bg: _rgb(0x16191D),
        c.scrollbar_bg: transparent,
        c.scrollbar_grab: _rgb(0x3A414B),
        c.scrollbar_grab_hovered: _rgb(0x4A535F),
        c.scrollbar_grab_active: ACCENT_DIM,
        c.check_mark: ACCENT,
        c.slider_grab: ACCENT,
        c.slider_grab_active: _rgb(0x7DBBF0),
        c.button: _rgb(0x333A44),
        c.button_hovered: _rgb(0x3F4855),
        c.button_active: ACCENT_DIM,
        c.header: _rgb(0x2C323B),
        c.header_hovered: _rgb(0x38404B),
        c.header_active: ACCENT_DIM,
        c.separator: BORDER,
        c.separator_hovered: ACCENT_DIM,
        c.separator_active: ACCENT,
        c.resize_grip: transparent,
        c.resize_grip_hovered: ACCENT_DIM,
        c.resize_grip_active: ACCENT,
        c.tab: PANEL_LOW,
        c.tab_hovered: _rgb(0x38404B),
        c.tab_selected: PANEL,
        c.tab_selected_overline: ACCENT,
        c.tab_dimmed: PANEL_LOW,
        c.tab_dimmed_selected: PANEL,
        c.tab_dimmed_selected_overline: _rgb(0x454D58),
        c.docking_preview: _rgb(0x4C9FE8, 0.45),
        c.docking_empty_bg: PANEL_LOW,
        c.plot_lines: ACCENT,
        c.plot_lines_hovered: _rgb(0x7DBBF0),
        c.plot_histogram: ACCENT,
        c.plot_histogram_hovered: _rgb(0x7DBBF0),
        c.table_header_bg: FIELD,
        c.table_border_strong: BORDER,
        c.table_border_light: _rgb(0x2A2F36),
        c.table_row_bg: transparent,
        c.table_row_bg_alt: _rgb(0xFFFFFF, 0.025),
        c.drag_drop_target: ACCENT,
        c.nav_cursor: ACCENT,
        c.modal_window_dim_bg: _rgb(0x000000, 0.5),
    }


def _apply_plot_style(scale: float) -> None:
    style = implot.get_style()
    style.plot_padding = imgui.ImVec2(6 * scale, 6 * scale)
    style.label_padding = imgui.ImVec2(4 * scale, 3 * scale)
    style.plot_border_size = 0
    style.minor_alpha = 0.15
    plot = implot.Col_
    for colour, value in {
        plot.frame_bg: _rgb(0, 0.0),
        plot.plot_bg: PANEL_LOW,
        plot.plot_border: BORDER,
        plot.axis_text: TEXT_DIM,
        plot.axis_grid: _rgb(0xFFFFFF, 0.12),
        plot.legend_bg: OVERLAY,
        plot.legend_text: TEXT,
        plot.title_text: TEXT,
        plot.inlay_text: TEXT_DIM,
    }.items():
        style.set_color_(colour, imgui.ImVec4(*value))
