"""A file browser inside the window: it needs no desktop and looks the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from imgui_bundle import imgui

from pof3d.text import format_bytes, format_time
from viz import theme, ui
from viz.folders import Entry, FolderReader, Listing
from viz.runs import looks_like_run

SIZE_EM = (46.0, 30.0)
"""Of the dialog, font heights, where the window is large enough."""
FOLDER_COLOUR: theme.Colour = (0.60, 0.80, 0.98, 1.0)
TITLE = "Open a checkpoint"


def visible_entries(listing: Listing, suffixes: Sequence[str], everything: bool) -> list[Entry]:
    """Folders, and files whose names end as asked."""
    if everything:
        return list(listing.entries)
    endings = tuple(suffix.lower() for suffix in suffixes)
    return [entry for entry in listing.entries if entry.is_folder or entry.name.lower().endswith(endings)]


def existing_folder(path: Path) -> Path:
    """The folder itself, the folder of a file, or the nearest folder above that exists."""
    path = Path(path).expanduser().absolute()
    for candidate in (path, *path.parents):
        try:
            if candidate.is_dir():
                return candidate
        except OSError:
            continue
    return Path.home()


class FileBrowser:
    """A modal dialog that asks for one file, or for the folder of a training run.

    Parameters
    ----------
    suffixes : sequence of str
        Endings of the files shown at first.
    reader : FolderReader, optional
        What lists folders.
    """

    def __init__(self, suffixes: Sequence[str], reader: FolderReader | None = None) -> None:
        self.suffixes = tuple(suffixes)
        self.folder = Path.home()
        self.selected = 0
        self.everything = False
        self._reader = reader or FolderReader()
        self._shown: tuple[Listing, bool] | None = None
        self._entries: list[Entry] = []
        self._typed = ""
        self._pending = False
        self._select_name = ""
        self._scroll = False
        self._focus_list = False
        self._message = ""

    # ------------------------------------------------------------------------------------------- navigation
    def open(self, folder: Path) -> None:
        """Show the dialog at the next :meth:`draw`, starting in a folder (or in a file's folder)."""
        self._pending = True
        self.go(existing_folder(folder))

    def go(self, folder: Path, select: str = "") -> None:
        """Show another folder, with the entry of that name selected."""
        self.folder = folder
        self.selected = 0
        self._typed = str(folder)
        self._select_name = select
        self._message = ""
        self._entries = []
        self._shown = None
        self._focus_list = True
        self._reader.request(folder)

    def up(self) -> None:
        """Show the folder above, with this one selected."""
        if self.folder.parent != self.folder:
            self.go(self.folder.parent, self.folder.name)

    def activate(self, entry: Entry) -> Path | None:
        """Enter a folder, or choose a file."""
        path = self.folder / entry.name
        if entry.is_folder:
            self.go(path)
            return None
        return path

    def enter_text(self, text: str) -> Path | None:
        """Go where a typed path leads, or choose the file that it names."""
        if not text.strip():
            return None
        path = (self.folder / Path(text.strip()).expanduser()).absolute()
        try:
            if path.is_dir():
                self.go(path)
            elif path.is_file():
                return path
            else:
                self._message = f"There is no {path.name or path}."
        except (OSError, ValueError) as error:
            self._message = str(error)
        return None

    def _refresh(self) -> Listing | None:
        listing = self._reader.result()
        if listing is None:
            return None
        if self._shown is None or self._shown[0] is not listing or self._shown[1] != self.everything:
            keep = self._select_name or (self._entries[self.selected].name if self._entries else "")
            self._entries = visible_entries(listing, self.suffixes, self.everything)
            names = [entry.name for entry in self._entries]
            self.selected = names.index(keep) if keep in names else 0
            self._select_name = ""
            self._scroll = True
            self._shown = (listing, self.everything)
        return listing

    # --------------------------------------------------------------------------------------------- drawing
    def draw(self) -> Path | None:
        """Draw the dialog if it is open; the file, or the run's folder, once it is chosen."""
        if self._pending:
            imgui.open_popup(TITLE)
            self._pending = False
        em = imgui.get_font_size()
        screen = imgui.get_main_viewport().work_size
        size = (min(SIZE_EM[0] * em, screen.x - 2 * em), min(SIZE_EM[1] * em, screen.y - 2 * em))
        imgui.set_next_window_size(size, int(imgui.Cond_.appearing))
        centre = imgui.get_main_viewport().get_center()
        imgui.set_next_window_pos(centre, int(imgui.Cond_.appearing), (0.5, 0.5))
        imgui.push_style_color(imgui.Col_.popup_bg, theme.PANEL)
        opened, still = imgui.begin_popup_modal(TITLE, True, int(imgui.WindowFlags_.no_saved_settings))
        imgui.pop_style_color()
        if not opened:
            return None
        ui.mark_window(TITLE)
        chosen = self._draw_path()
        listing = self._refresh()
        chosen = self._draw_entries(listing) or chosen
        chosen = self._draw_buttons() or chosen
        if chosen is not None or not still or imgui.is_key_pressed(imgui.Key.escape, False):
            imgui.close_current_popup()
        imgui.end_popup()
        return chosen

    def _draw_path(self) -> Path | None:
        if imgui.button("Up"):
            self.up()
        ui.mark("Browser/Up")
        imgui.same_line()
        if imgui.button("Home"):
            self.go(existing_folder(Path.home()))
        ui.mark("Browser/Home")
        imgui.same_line()
        imgui.set_next_item_width(imgui.get_content_region_avail().x)
        flags = imgui.InputTextFlags_.enter_returns_true | imgui.InputTextFlags_.auto_select_all
        entered, self._typed = imgui.input_text_with_hint("##path", "Path", self._typed, int(flags))
        ui.mark("Browser/Path")
        return self.enter_text(self._typed) if entered else None

    def _draw_entries(self, listing: Listing | None) -> Path | None:
        height = imgui.get_content_region_avail().y - imgui.get_frame_height_with_spacing()
        if self._focus_list:
            imgui.set_next_window_focus()
            self._focus_list = False
        flags = (
            imgui.TableFlags_.scroll_y
            | imgui.TableFlags_.row_bg
            | imgui.TableFlags_.borders_outer
            | imgui.TableFlags_.no_saved_settings
        )
        em = imgui.get_font_size()
        if not imgui.begin_table("entries", 3, int(flags), (0.0, height)):
            return None
        fixed = int(imgui.TableColumnFlags_.width_fixed)
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("Name", int(imgui.TableColumnFlags_.width_stretch))
        imgui.table_setup_column("Size", fixed, 5.0 * em)
        imgui.table_setup_column("Modified", fixed, 6.0 * em)
        imgui.table_headers_row()
        chosen = None
        if listing is None:
            self._line("Reading …", theme.TEXT_DIM)
        elif listing.error:
            self._line(f"This folder cannot be read: {listing.error}", theme.BAD)
        elif not self._entries:
            what = "This folder is empty." if not listing.entries else "No checkpoints here."
            self._line(what, theme.TEXT_DIM)
        else:
            chosen = self._draw_rows()
        imgui.end_table()
        return chosen

    def _line(self, text: str, colour: theme.Colour) -> None:
        imgui.table_next_row()
        imgui.table_next_column()
        imgui.text_colored(colour, text)

    def _draw_rows(self) -> Path | None:
        chosen = self._keys() if not imgui.get_io().want_text_input else None
        if chosen is not None or not self._entries:
            return chosen
        now = datetime.now()
        clipper = imgui.ListClipper()
        clipper.begin(len(self._entries))
        clipper.include_item_by_index(self.selected)
        entered: Entry | None = None
        while clipper.step():
            for i in range(clipper.display_start, clipper.display_end):
                entry = self._entries[i]
                if self._draw_row(i, entry, now):
                    entered = entry
        return self.activate(entered) if entered is not None else None

    def _draw_row(self, i: int, entry: Entry, now: datetime) -> bool:
        imgui.table_next_row()
        imgui.table_next_column()
        flags = imgui.SelectableFlags_.span_all_columns | imgui.SelectableFlags_.allow_double_click
        name = f"{entry.name}/" if entry.is_folder else entry.name
        imgui.push_style_color(imgui.Col_.text, FOLDER_COLOUR if entry.is_folder else theme.TEXT)
        imgui.push_style_color(imgui.Col_.header, theme.ACCENT_DIM)
        clicked, _ = imgui.selectable(f"{name}##{i}", i == self.selected, int(flags))
        imgui.pop_style_color(2)
        ui.mark(f"Browser/{entry.name}")
        if clicked:
            self.selected = i
        quiet = theme.TEXT if i == self.selected else theme.TEXT_DIM
        if i == self.selected and self._scroll:
            imgui.set_scroll_here_y(0.5)
            self._scroll = False
        imgui.table_next_column()
        if not entry.is_folder:
            text = format_bytes(entry.size)
            room = imgui.get_content_region_avail().x - imgui.calc_text_size(text).x
            imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + max(0.0, room))
            imgui.text_colored(quiet, text)
        imgui.table_next_column()
        imgui.text_colored(quiet, format_time(entry.modified, now))
        return clicked and imgui.is_mouse_double_clicked(imgui.MouseButton_.left)

    def _keys(self) -> Path | None:
        last = len(self._entries) - 1
        steps = (
            (imgui.Key.down_arrow, 1),
            (imgui.Key.up_arrow, -1),
            (imgui.Key.page_down, 15),
            (imgui.Key.page_up, -15),
            (imgui.Key.home, -last),
            (imgui.Key.end, last),
        )
        for key, step in steps:
            if imgui.is_key_pressed(key):
                self.selected = min(max(self.selected + step, 0), last)
                self._scroll = True
        if imgui.is_key_pressed(imgui.Key.backspace, False):
            self.up()
        elif imgui.is_key_pressed(imgui.Key.enter, False) or imgui.is_key_pressed(
            imgui.Key.keypad_enter, False
        ):
            return self.activate(self._entries[self.selected])
        return None

    def _draw_buttons(self) -> Path | None:
        run = self._shown is not None and looks_like_run(entry.name for entry in self._shown[0].entries)
        endings = " and ".join(f"*{suffix}" for suffix in self.suffixes)
        _, self.everything = imgui.checkbox("All files", self.everything)
        ui.mark("Browser/All files")
        if imgui.is_item_hovered(int(imgui.HoveredFlags_.for_tooltip)):
            imgui.set_tooltip(f"Otherwise folders and {endings} alone.")
        if self._message:
            imgui.same_line()
            imgui.text_colored(theme.BAD, self._message)
        style = imgui.get_style()
        labels = ("Follow this run", "Open", "Cancel") if run else ("Open", "Cancel")
        widths = [imgui.calc_text_size(text).x + 2 * style.frame_padding.x for text in labels]
        gaps = style.item_spacing.x * (len(labels) - 1)
        imgui.same_line(imgui.get_window_width() - style.window_padding.x - sum(widths) - gaps)
        followed = run and self._draw_follow()
        entry = self._entries[self.selected] if self._entries else None
        imgui.begin_disabled(entry is None)
        pressed = imgui.button("Open")
        ui.mark("Browser/Open")
        imgui.end_disabled()
        imgui.same_line()
        if imgui.button("Cancel"):
            imgui.close_current_popup()
        ui.mark("Browser/Cancel")
        if followed:
            return self.folder
        return self.activate(entry) if pressed and entry is not None else None

    def _draw_follow(self) -> bool:
        followed = imgui.button("Follow this run")
        ui.mark("Browser/Follow this run")
        if imgui.is_item_hovered(int(imgui.HoveredFlags_.for_tooltip)):
            imgui.set_tooltip("This folder is a training run: show each new snapshot as it lands.")
        imgui.same_line()
        return bool(followed)
