"""The bar at the top: a few menus, and what is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgui_bundle import imgui

from pof3d.text import printable
from viz import layout_menu, theme, ui
from viz.actions import GROUPS, Group
from viz.keymap import Keymap
from viz.panel import PanelContext

if TYPE_CHECKING:
    from viz.program import Program

_LONGEST_NAME = 60
"""Characters of a preset's name."""


def draw(context: PanelContext, program: Program, keymap: Keymap) -> None:
    """Draw the bar; call before anything that fills the window."""
    imgui.push_style_var(imgui.StyleVar_.frame_padding, imgui.ImVec2(ui.px(8), ui.px(5)))
    shown = imgui.begin_main_menu_bar()
    imgui.pop_style_var()
    if not shown:
        return
    for group in GROUPS:
        _menu(group, program, keymap)
    _title(context)
    imgui.end_main_menu_bar()


def _menu(group: Group, program: Program, keymap: Keymap) -> None:
    opened = bool(imgui.begin_menu(group))
    if not opened:
        ui.mark(f"Menu/{group}")
        return
    if imgui.is_key_pressed(imgui.Key.escape, False):
        imgui.close_current_popup()
    for action in keymap.actions:
        if action.group != group or not action.in_menu:
            continue
        if action.separated:
            imgui.separator()
        title = action.title_in(program)
        ticked, enabled = action.checked(program), action.enabled(program)
        if imgui.menu_item(f"{title}##{action.name}", keymap.text(action), ticked, enabled)[0]:
            action.run(program)
        ui.mark(f"Menu/{title}")
    if group == "Window":
        layout_menu.draw_submenu(program)
    imgui.end_menu()


def _title(context: PanelContext) -> None:
    """At the right: the open network and its device."""
    if context.network is None:
        return
    name = printable(context.network.path.name)
    device = context.performance.device if context.performance else ""
    note = printable(context.network.config.name[:_LONGEST_NAME]) + (f", {device}" if device else "")
    gap = ui.px(12)
    room = imgui.get_content_region_avail().x - 2 * gap
    width = imgui.calc_text_size(name).x + gap + imgui.calc_text_size(note).x
    if width > room:
        return
    imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + room - width + gap)
    imgui.text_unformatted(name)
    imgui.same_line(0, gap)
    imgui.text_colored(imgui.ImVec4(*theme.TEXT_DIM), note)
