"""The dialogs of the File menu: open a session, a checkpoint or a capture, save the session under a name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imgui_bundle import imgui

from pof3d.checkpoint.sniff import SUFFIXES
from viz import theme, ui
from viz.captures import CAPTURES
from viz.file_browser import FileBrowser
from viz.folders import Entry
from viz.panel import PanelContext
from viz.sessions import SUFFIX

if TYPE_CHECKING:
    from viz.program import Program

NAME_EM = 20.0
"""Width of the name of a new file, font heights."""


class SaveBrowser(FileBrowser):
    """A modal dialog that asks where to save a file, and under which name."""

    def __init__(self) -> None:
        super().__init__((SUFFIX,), title="Save the session")
        self.nothing = "No sessions here yet."
        self.name = ""

    def activate(self, entry: Entry) -> Path | None:
        """Enter a folder; of a file, take its name."""
        if entry.is_folder:
            return super().activate(entry)
        self.name = entry.name
        return None

    def enter_text(self, text: str) -> Path | None:
        """Go where a typed path leads; of a file, take its name."""
        path = super().enter_text(text)
        if path is not None:
            self.go(path.parent, path.name)
            self.name = path.name
        return None

    def target(self) -> Path | None:
        """Where it would be saved; None without a usable name."""
        name = self.name.strip()
        if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
            return None
        return self.folder / (name if name.lower().endswith(SUFFIX) else f"{name}{SUFFIX}")

    def _draw_buttons(self) -> Path | None:
        imgui.align_text_to_frame_padding()
        imgui.text_unformatted("Name")
        imgui.same_line()
        imgui.set_next_item_width(NAME_EM * imgui.get_font_size())
        flags = imgui.InputTextFlags_.enter_returns_true | imgui.InputTextFlags_.auto_select_all
        entered, self.name = imgui.input_text("##name", self.name, int(flags))
        ui.mark("Browser/Name")
        target = self.target()
        exists = target is not None and any(entry.name == target.name for entry in self._entries)
        label = "Replace" if exists else "Save"
        style = imgui.get_style()
        widths = [imgui.calc_text_size(text).x + 2 * style.frame_padding.x for text in (label, "Cancel")]
        if self._message:
            imgui.same_line()
            imgui.text_colored(imgui.ImVec4(*theme.BAD), self._message)
        left = imgui.get_window_width() - style.window_padding.x - sum(widths) - style.item_spacing.x
        imgui.same_line(left)
        imgui.begin_disabled(target is None)
        pressed = imgui.button(label)
        ui.mark("Browser/Save")
        imgui.end_disabled()
        imgui.same_line()
        if imgui.button("Cancel"):
            imgui.close_current_popup()
        ui.mark("Browser/Cancel")
        # A file that exists is replaced by the button that says so, not by Enter.
        return target if pressed or (entered and not exists) else None


class FileDialogs:
    """Draws the dialog that the program asks for."""

    def __init__(self) -> None:
        self.opening = FileBrowser((SUFFIX, *SUFFIXES, *CAPTURES), title="Open")
        self.opening.nothing = "No sessions, checkpoints or captures here."
        self.saving = SaveBrowser()

    def draw(self, context: PanelContext, program: Program) -> None:
        """Draw a dialog if one is open, and do what it was asked for."""
        wanted, program.file_dialog = program.file_dialog, ""
        if wanted == "open":
            self.opening.open(context.last_folder)
        elif wanted == "save":
            known = program.session_path
            self.saving.name = known.name if known is not None else f"session{SUFFIX}"
            self.saving.open(known.parent if known is not None else context.capture_folder)
        chosen = self.opening.draw(context.favourites, program.set_favourite)
        if chosen is not None:
            program.open_file(chosen)
        target = self.saving.draw(context.favourites, program.set_favourite)
        if target is not None:
            program.save_session_as(target)
