"""The bar at the top: a few menus, and what is open."""

from __future__ import annotations

from typing import Protocol

from imgui_bundle import imgui

from viz import theme, ui
from viz.panel import PanelContext
from viz.shortcuts import Commands


class MenuCommands(Commands, Protocol):
    """What menus may ask for."""

    @property
    def overlays_visible(self) -> bool:
        """Whether the overlays are shown."""

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back."""

    def reset_to_predicted(self) -> None:
        """Go back to the predicted pose and the network's own camera."""

    def reset_layout(self) -> None:
        """Put the panels back where they were at first."""

    def quit(self) -> None:
        """End the program."""


def draw(context: PanelContext, commands: MenuCommands) -> None:
    """Draw the bar; call before anything that fills the window."""
    imgui.push_style_var(imgui.StyleVar_.frame_padding, imgui.ImVec2(ui.px(8), ui.px(5)))
    shown = imgui.begin_main_menu_bar()
    imgui.pop_style_var()
    if not shown:
        return
    _menus(context, commands)
    _title(context)
    imgui.end_main_menu_bar()


def _item(label: str, keys: str = "", *, checked: bool = False, enabled: bool = True) -> bool:
    chosen = bool(imgui.menu_item(label, keys, checked, enabled)[0])
    ui.mark(f"Menu/{label}")
    return chosen


def _menus(context: PanelContext, commands: MenuCommands) -> None:
    recording = context.recording is not None and context.recording.status == "running"
    has_frame = context.frame is not None
    if _begin("File"):
        if _item("Save picture", "S", enabled=has_frame):
            commands.save_image()
        if _item("Save window", "Shift+S"):
            commands.save_window()
        if _item("Cancel recording" if recording else "Record", "R", enabled=has_frame):
            commands.toggle_recording()
        imgui.separator()
        if _item("Quit"):
            commands.quit()
        imgui.end_menu()
    if _begin("Edit"):
        if _item("Undo", "Ctrl+Z", enabled=commands.can_undo):
            commands.undo()
        if _item("Redo", "Ctrl+Y", enabled=commands.can_redo):
            commands.redo()
        imgui.separator()
        if _item("Back to predicted pose", "Double click"):
            commands.reset_to_predicted()
        imgui.end_menu()
    if _begin("Window"):
        if _item("Turntable", "Space", checked=context.turntable.playing, enabled=has_frame):
            commands.toggle_turntable()
        if _item("Overlays", "H", checked=commands.overlays_visible):
            commands.toggle_overlays()
        if _item("Reset panels"):
            commands.reset_layout()
        imgui.end_menu()
    if _begin("Help"):
        if _item("Keys and mouse", "?"):
            commands.toggle_help()
        imgui.end_menu()


def _begin(label: str) -> bool:
    opened = bool(imgui.begin_menu(label))
    if not opened:
        ui.mark(f"Menu/{label}")
    elif imgui.is_key_pressed(imgui.Key.escape, False):
        imgui.close_current_popup()
    return opened


def _title(context: PanelContext) -> None:
    """At the right: the open network and its device."""
    if context.network is None:
        return
    name = context.network.path.name
    device = context.performance.device if context.performance else ""
    note = f"{context.network.config.name}, {device}" if device else context.network.config.name
    gap = ui.px(12)
    room = imgui.get_content_region_avail().x - 2 * gap
    width = imgui.calc_text_size(name).x + gap + imgui.calc_text_size(note).x
    if width > room:
        return
    imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + room - width + gap)
    imgui.text_unformatted(name)
    imgui.same_line(0, gap)
    imgui.text_colored(imgui.ImVec4(*theme.TEXT_DIM), note)
