"""Named arrangements of the panels: their menu, and the question for a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgui_bundle import imgui

from viz import dialogs, ui
from viz.layout_scale import with_scale
from viz.saved_layouts import LONGEST_NAME, clean_name

if TYPE_CHECKING:
    from viz.program import Program

TITLE = "Save layout as"


def draw_submenu(program: Program) -> None:
    """Draw the list of layouts into an open menu."""
    names = program.layouts.names
    for label, act in (
        ("Restore layout", program.restore_layout),
        ("Delete layout", program.delete_layout),
    ):
        # A menu within a menu takes the border of inner windows, which have none.
        imgui.push_style_var(imgui.StyleVar_.child_border_size, 1.0)
        opened = bool(imgui.begin_menu(label, bool(names)))
        imgui.pop_style_var()
        if not opened:
            ui.mark(f"Menu/{label}")
            continue
        for name in names:
            if imgui.menu_item(f"{name}##{label}", "", False, True)[0]:
                act(name)
            ui.mark(f"Menu/{label}/{name}")
        imgui.end_menu()


class NameDialog:
    """Asks for the name of a layout."""

    def __init__(self) -> None:
        self._text = ""

    def draw(self, program: Program) -> None:
        """Draw the dialog where it was asked for, or is open."""
        appearing = program.naming_layout
        if appearing:
            program.naming_layout = False
            self._text = ""
            imgui.open_popup(TITLE)
        if not dialogs.begin_modal(TITLE):
            return
        imgui.set_next_item_width(ui.px(300))
        if appearing:
            imgui.set_keyboard_focus_here()
        entered, self._text = imgui.input_text_with_hint(
            "##name", "Its name", self._text, int(imgui.InputTextFlags_.enter_returns_true)
        )
        ui.mark("Layout/Name")
        self._text = self._text[:LONGEST_NAME]
        name = clean_name(self._text)
        there = bool(name) and name in program.layouts.names
        imgui.text_disabled(
            "Replaces the layout of this name." if there else "Which panels are where, and how large."
        )
        imgui.spacing()
        imgui.begin_disabled(not name)
        saved = bool(imgui.button("Replace" if there else "Save"))
        ui.mark("Layout/Save")
        imgui.end_disabled()
        imgui.same_line()
        left = bool(imgui.button("Cancel")) or imgui.is_key_pressed(imgui.Key.escape, False)
        ui.mark("Layout/Cancel")
        if (saved or entered) and name:
            program.keep_layout(name, with_scale(str(imgui.save_ini_settings_to_memory()), ui.px(1)))
            left = True
        if left:
            imgui.close_current_popup()
        imgui.end_popup()
