"""Colours, spacing and fonts of the interface."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from imgui_bundle import imgui, implot

from viz.schemes import SCHEMES, Colour, Scheme, SchemeName, rgb

FONT_FOLDER = Path(__file__).resolve().parent.parent / "assets" / "fonts"
FONT_SIZE = 15.0
"""Of ordinary text, design pixels."""
SMALL_FONT_SIZE = 13.0
"""Of units and notes."""

ACCENT: Colour
ACCENT_DIM: Colour
ACCENT_BRIGHT: Colour
ON_ACCENT: Colour
GRAB: Colour
TEXT: Colour
TEXT_DIM: Colour
PANEL: Colour
PANEL_LOW: Colour
FIELD: Colour
FIELD_HOVER: Colour
FIELD_ACTIVE: Colour
BORDER: Colour
SHADE: Colour
OVERLAY: Colour
WARNING: Colour
BAD: Colour
FOLDER: Colour
POSE_COLOURS: dict[str, Colour]
HEAT_STOPS: tuple[Colour, ...]
# The colours of the scheme in use, set by `choose`: neither a default argument nor a value that another
# module keeps can be one, or it would stay what it was when another scheme is chosen.

_in_use: SchemeName = "dark"


def choose(name: SchemeName) -> None:
    """Use another scheme; :func:`apply_style` hands it to ImGui."""
    global _in_use
    _in_use = name if name in SCHEMES else "dark"
    scheme = SCHEMES[_in_use]
    globals().update({field.name.upper(): getattr(scheme, field.name) for field in fields(Scheme)})


choose(_in_use)


def chosen() -> SchemeName:
    """The scheme in use."""
    return _in_use


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
    c, s = imgui.Col_, SCHEMES[_in_use]
    transparent = rgb(0, 0.0)
    return {
        c.text: s.text,
        c.text_disabled: s.text_dim,
        c.text_link: s.accent,
        c.text_selected_bg: (*s.accent[:3], 0.40),
        c.window_bg: s.panel,
        c.child_bg: transparent,
        c.popup_bg: s.popup,
        c.border: s.border,
        c.border_shadow: transparent,
        c.frame_bg: s.field,
        c.frame_bg_hovered: s.field_hover,
        c.frame_bg_active: s.field_active,
        c.title_bg: s.panel_low,
        c.title_bg_active: s.panel_low,
        c.title_bg_collapsed: s.panel_low,
        c.menu_bar_bg: s.menu_bar,
        c.scrollbar_bg: transparent,
        c.scrollbar_grab: s.scrollbar,
        c.scrollbar_grab_hovered: s.scrollbar_hover,
        c.scrollbar_grab_active: s.accent_dim,
        c.check_mark: s.accent,
        c.checkbox_selected_bg: s.field,
        c.input_text_cursor: s.text,
        c.slider_grab: s.accent,
        c.slider_grab_active: s.accent_bright,
        c.button: s.button,
        c.button_hovered: s.button_hover,
        c.button_active: s.accent_dim,
        c.header: s.header,
        c.header_hovered: s.header_hover,
        c.header_active: s.accent_dim,
        c.separator: s.border,
        c.separator_hovered: s.accent_dim,
        c.separator_active: s.accent,
        c.resize_grip: transparent,
        c.resize_grip_hovered: s.accent_dim,
        c.resize_grip_active: s.accent,
        c.tab: s.panel_low,
        c.tab_hovered: s.header_hover,
        c.tab_selected: s.panel,
        c.tab_selected_overline: s.accent,
        c.tab_dimmed: s.panel_low,
        c.tab_dimmed_selected: s.panel,
        c.tab_dimmed_selected_overline: s.scrollbar_hover,
        c.docking_preview: (*s.accent[:3], 0.45),
        c.docking_empty_bg: s.panel_low,
        c.plot_lines: s.accent,
        c.plot_lines_hovered: s.accent_bright,
        c.plot_histogram: s.accent,
        c.plot_histogram_hovered: s.accent_bright,
        c.table_header_bg: s.field,
        c.table_border_strong: s.border,
        c.table_border_light: s.line,
        c.table_row_bg: transparent,
        c.table_row_bg_alt: s.stripe,
        c.drag_drop_target: s.accent,
        c.drag_drop_target_bg: transparent,
        c.nav_cursor: s.accent,
        c.nav_windowing_highlight: s.accent,
        c.nav_windowing_dim_bg: transparent,
        c.tree_lines: s.border,
        c.unsaved_marker: s.text,
        c.modal_window_dim_bg: s.veil,
    }


def _apply_plot_style(scale: float) -> None:
    style = implot.get_style()
    style.plot_padding = imgui.ImVec2(6 * scale, 6 * scale)
    style.label_padding = imgui.ImVec2(4 * scale, 3 * scale)
    style.plot_border_size = 0
    style.minor_alpha = 0.15
    plot, s = implot.Col_, SCHEMES[_in_use]
    for colour, value in {
        plot.frame_bg: rgb(0, 0.0),
        plot.plot_bg: s.panel_low,
        plot.plot_border: s.border,
        plot.axis_text: s.text_dim,
        plot.axis_grid: s.grid,
        plot.legend_bg: s.overlay,
        plot.legend_text: s.text,
        plot.title_text: s.text,
        plot.inlay_text: s.text_dim,
        plot.crosshairs: s.text,
        plot.selection: s.accent,
    }.items():
        style.set_color_(colour, imgui.ImVec4(*value))
