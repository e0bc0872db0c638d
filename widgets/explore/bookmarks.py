"""The list of bookmarks: go, rename, delete."""

from __future__ import annotations

from imgui_bundle import imgui

from viz import ui
from viz.explore_state import Bookmark
from viz.panel import Actions, PanelContext
from widgets import common


class BookmarkList:
    """Bookmarks by name; a click goes there."""

    def __init__(self) -> None:
        self._renaming: Bookmark | None = None
        self._text = ""
        self._focus = False

    def draw(self, context: PanelContext, actions: Actions) -> None:
        """Draw the list and ask for what the user wants."""
        if common.button(
            "Explore/Bookmark this view", "Keep it, with everything that it shows.  [ B ]", width=-1
        ):
            actions.add_bookmark()
        for index, bookmark in enumerate(context.explore.bookmarks):
            imgui.push_id(index)
            if bookmark is self._renaming:
                self._draw_field(index, bookmark, actions)
            else:
                self._draw_row(index, bookmark, actions)
            imgui.pop_id()

    def _draw_row(self, index: int, bookmark: Bookmark, actions: Actions) -> None:
        gap, side = imgui.get_style().item_inner_spacing.x, imgui.get_frame_height()
        room = max(1.0, imgui.get_content_region_avail().x - 2 * (side + gap))
        imgui.push_style_var(imgui.StyleVar_.selectable_text_align, (0.0, 0.5))
        name = ui.fit_text(bookmark.name, room)
        if imgui.selectable(f"{name}##go", False, 0, (room, side))[0]:
            actions.go_to_bookmark(index)
        imgui.pop_style_var()
        ui.mark(f"Explore/Bookmark {index}")
        common.tooltip(f"{bookmark.name}\n{bookmark.subtitle}\n{bookmark.view.network.path}")
        imgui.same_line(0.0, gap)
        if common.icon_button(f"Explore/Rename {index}", "pencil", "Rename", quiet=True):
            self._renaming, self._text, self._focus = bookmark, bookmark.name, True
        imgui.same_line(0.0, gap)
        if common.icon_button(f"Explore/Delete {index}", "close", "Delete this bookmark", quiet=True):
            actions.delete_bookmark(index)

    def _draw_field(self, index: int, bookmark: Bookmark, actions: Actions) -> None:
        if self._focus:
            imgui.set_keyboard_focus_here()
        imgui.set_next_item_width(-1)
        flags = imgui.InputTextFlags_.enter_returns_true | imgui.InputTextFlags_.auto_select_all
        entered, self._text = imgui.input_text("##name", self._text, int(flags))
        ui.mark(f"Explore/Name {index}")
        cancelled = imgui.is_key_pressed(imgui.Key.escape, False)
        left = not self._focus and not imgui.is_item_active()
        self._focus = False
        if entered or cancelled or left:
            if not cancelled and self._text.strip() not in ("", bookmark.name):
                actions.rename_bookmark(index, self._text)
            self._renaming = None
