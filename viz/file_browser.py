"""A file browser inside the window: it needs no desktop and looks the same everywhere."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from imgui_bundle import imgui

from pof3d.text import format_bytes, format_time, legible, printable
from viz import theme, ui
from viz.folders import Entry, FolderReader, Listing, existing_folder, visible_entries
from viz.icons import draw_icon
from viz.runs import looks_like_run
from viz.thumbnails import Thumbnails

if TYPE_CHECKING:
    from viz.window.textures import Texture  # the window chooses the OpenGL that it needs

SIZE_EM = (56.0, 34.0)
"""Of the dialog, font heights, where the window is large enough."""
TITLE = "Open a checkpoint"
PLACES_EM = 10.0
"""Width of the column of places, font heights."""
FILTER_EM = 11.0
"""Width of the filter, font heights."""
THUMBNAIL_EM = 2.6
"""Side of the pictures in the list, font heights."""
_TEXTURES = 96
_LOOK_SECONDS = 0.1
"""Between two looks whether a folder or a picture is ready, in a window where nothing else happens."""


class FileBrowser:
    """A modal dialog that asks for one file, or for the folder of a training run.

    Parameters
    ----------
    suffixes : sequence of str
        Endings of the files shown at first.
    reader : FolderReader, optional
        What lists folders.
    thumbnails : Thumbnails, optional
        Gives the files' pictures.
    title : str
        Of the dialog.
    folder_button : str
        Where folders themselves can be chosen: what the button for that says.
    """

    def __init__(
        self,
        suffixes: Sequence[str],
        reader: FolderReader | None = None,
        thumbnails: Thumbnails | None = None,
        *,
        title: str = TITLE,
        folder_button: str = "",
    ) -> None:
        self.title = title
        self.folder_button = folder_button
        self.suffixes = tuple(suffixes)
        self.nothing = "No files of the kinds asked for here." if folder_button else "No checkpoints here."
        self.words = ""
        self.folder = self._home = Path.home()
        self.selected = 0
        self.everything = False
        self._reader = reader or FolderReader()
        self._thumbnails = thumbnails or Thumbnails()
        self._textures: OrderedDict[tuple[str, float, int], Texture] = OrderedDict()
        self._shown: tuple[Listing, bool, str] | None = None
        self._entries: list[Entry] = []
        self._typed = ""
        self._pending = False
        self._showing = False
        self._select_name = ""
        self._scroll = False
        self._focus_list = False
        self._message = ""

    # ------------------------------------------------------------------------------------------- navigation
    def open(self, folder: Path) -> None:
        """Show the dialog at the next :meth:`draw`, starting in a folder (or in a file's folder)."""
        self._pending = True
        self._home = existing_folder(Path.home())
        self.go(existing_folder(folder))

    def go(self, folder: Path, select: str = "") -> None:
        """Show another folder, with the entry of that name selected."""
        self.folder = folder
        self.selected = 0
        self.words = ""
        self._thumbnails.forget_wishes()
        self._typed = legible(str(folder))
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
        shown, own = legible(str(self.folder)), str(self.folder)
        if shown != own and text.startswith(shown):  # its name is no text: what can be typed is not its path
            text = own + text[len(shown) :]
        path = (self.folder / Path(text.strip()).expanduser()).absolute()
        try:
            if path.is_dir():
                self.go(path)
            elif path.is_file():
                return path
            else:
                self._message = f"There is no {printable(path.name or str(path))}."
        except (OSError, ValueError) as error:
            self._message = str(error)
        return None

    def _refresh(self) -> Listing | None:
        listing = self._reader.result()
        if listing is None:
            return None
        if self._shown is None or self._shown[0] is not listing or self._shown[1:] != self._choice:
            keep = self._select_name or (self._entries[self.selected].name if self._entries else "")
            self._entries = visible_entries(listing, self.suffixes, self.everything, self.words)
            names = [entry.name for entry in self._entries]
            self.selected = names.index(keep) if keep in names else 0
            self._select_name = ""
            self._scroll = True
            self._shown = (listing, *self._choice)
        return listing

    @property
    def _choice(self) -> tuple[bool, str]:
        return self.everything, self.words

    # --------------------------------------------------------------------------------------------- drawing
    def draw(
        self,
        favourites: Sequence[Path] = (),
        on_favourite: Callable[[Path, bool], None] | None = None,
    ) -> Path | None:
        """Draw the dialog if it is open; the file, or the run's folder, once it is chosen.

        Parameters
        ----------
        favourites : sequence of Path
            Folders offered beside the list.
        on_favourite : callable, optional
            Takes a folder and whether it is to be a favourite.
        """
        if self._pending:
            imgui.open_popup(self.title)
            self._pending = False
        if not (self._showing or imgui.is_popup_open(self.title)):
            return None
        em = imgui.get_font_size()
        screen = imgui.get_main_viewport().work_size
        size = (min(SIZE_EM[0] * em, screen.x - 2 * em), min(SIZE_EM[1] * em, screen.y - 2 * em))
        imgui.set_next_window_size(size, int(imgui.Cond_.appearing))
        centre = imgui.get_main_viewport().get_center()
        imgui.set_next_window_pos(centre, int(imgui.Cond_.appearing), (0.5, 0.5))
        imgui.push_style_color(imgui.Col_.popup_bg, theme.PANEL)
        opened, still = imgui.begin_popup_modal(self.title, True, int(imgui.WindowFlags_.no_saved_settings))
        imgui.pop_style_color()
        if not opened:
            if self._showing:  # closed in the frame before, or another dialog took its place
                self._leave()
            return None
        self._showing = True
        ui.mark_window(self.title)
        chosen = self._draw_path(favourites, on_favourite)
        listing = self._refresh()
        self._draw_places(favourites)
        imgui.same_line()
        chosen = self._draw_entries(listing) or chosen
        chosen = self._draw_buttons() or chosen
        if chosen is not None or not still or imgui.is_key_pressed(imgui.Key.escape, False):
            imgui.close_current_popup()
        imgui.end_popup()
        return chosen

    def _leave(self) -> None:
        """Let go of what is needed only while the dialog is open; nothing drawn uses it any more."""
        self._showing = False
        self._thumbnails.forget_wishes()
        for texture in self._textures.values():
            texture.release()
        self._textures.clear()

    def _draw_places(self, favourites: Sequence[Path]) -> None:
        height = imgui.get_content_region_avail().y - imgui.get_frame_height_with_spacing()
        size = (PLACES_EM * imgui.get_font_size(), height)
        if imgui.begin_child("places", size, int(imgui.ChildFlags_.borders)):
            places = [("Home", self._home), *((p.name or str(p), p) for p in favourites)]
            for i, (name, folder) in enumerate(places):
                if ui.selectable(name, str(i), folder == self.folder):
                    self.go(folder)
                ui.mark(f"Browser/{'Place ' * (i > 0)}{legible(name)}")
                if imgui.is_item_hovered(int(imgui.HoveredFlags_.for_tooltip)):
                    imgui.set_tooltip(legible(str(folder)))
            if not favourites:
                imgui.push_text_wrap_pos(0.0)
                imgui.text_colored(theme.TEXT_DIM, "The star keeps a folder here.")
                imgui.pop_text_wrap_pos()
        imgui.end_child()

    def _draw_path(
        self, favourites: Sequence[Path], on_favourite: Callable[[Path, bool], None] | None
    ) -> Path | None:
        if imgui.button("Up"):
            self.up()
        ui.mark("Browser/Up")
        imgui.same_line()
        if on_favourite is not None:
            starred = self.folder in favourites
            if self._draw_star(starred):
                on_favourite(self.folder, not starred)
            imgui.same_line()
        em, spacing = imgui.get_font_size(), imgui.get_style().item_spacing.x
        imgui.set_next_item_width(imgui.get_content_region_avail().x - FILTER_EM * em - spacing)
        flags = imgui.InputTextFlags_.enter_returns_true | imgui.InputTextFlags_.auto_select_all
        entered, self._typed = imgui.input_text_with_hint("##path", "Path", self._typed, int(flags))
        ui.mark("Browser/Path")
        imgui.same_line()
        imgui.set_next_item_width(imgui.get_content_region_avail().x)
        _, self.words = imgui.input_text_with_hint("##filter", "Filter", self.words)
        ui.mark("Browser/Filter")
        return self.enter_text(self._typed) if entered else None

    def _draw_star(self, starred: bool) -> bool:
        side = imgui.get_frame_height()
        corner = imgui.get_cursor_screen_pos()
        clicked = bool(imgui.button("##star", (side, side)))
        ui.mark("Browser/Favourite")
        centre = (corner.x + side / 2, corner.y + side / 2)
        draw_icon("star" if starred else "star outline", centre, 0.28 * side)
        if imgui.is_item_hovered(int(imgui.HoveredFlags_.for_tooltip)):
            imgui.set_tooltip("Offer this folder no longer." if starred else "Offer this folder at the left.")
        return clicked

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
        if not imgui.begin_table("entries", 4, int(flags), (0.0, height)):
            return None
        fixed = int(imgui.TableColumnFlags_.width_fixed)
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("", fixed, THUMBNAIL_EM * em)
        imgui.table_setup_column("Name", int(imgui.TableColumnFlags_.width_stretch))
        imgui.table_setup_column("Size", fixed, 5.0 * em)
        imgui.table_setup_column("Modified", fixed, 6.0 * em)
        imgui.table_headers_row()
        chosen = None
        if listing is None:
            self._line("Reading …", theme.TEXT_DIM)
            ui.redraw_within(_LOOK_SECONDS)
        elif listing.error:
            self._line(f"This folder cannot be read: {listing.error}", theme.BAD)
        elif not self._entries:
            what = "This folder is empty." if not listing.entries else self.nothing
            if self.words:
                what = f"Nothing here has “{self.words}” in its name."
            self._line(what, theme.TEXT_DIM)
        else:
            chosen = self._draw_rows()
        imgui.end_table()
        return chosen

    def _line(self, text: str, colour: theme.Colour) -> None:
        imgui.table_next_row()
        imgui.table_set_column_index(1)
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
        side = THUMBNAIL_EM * imgui.get_font_size()
        pictured = not (entry.is_folder or self.folder_button)
        drop = max(0.0, (side - imgui.get_text_line_height()) / 2) if pictured else 0.0
        imgui.table_next_row()
        imgui.table_next_column()
        if pictured:
            self._draw_picture(entry, side)
        imgui.table_next_column()
        flags = imgui.SelectableFlags_.span_all_columns | imgui.SelectableFlags_.allow_double_click
        name = f"{entry.name}/" if entry.is_folder else entry.name
        imgui.push_style_color(imgui.Col_.text, theme.FOLDER if entry.is_folder else theme.TEXT)
        imgui.push_style_color(imgui.Col_.header, theme.ACCENT_DIM)
        size = (0.0, side if pictured else 0.0)
        clicked = ui.selectable(name, str(i), i == self.selected, flags=int(flags), size=size)
        imgui.pop_style_color(2)
        ui.mark(f"Browser/{legible(entry.name)}")
        if clicked:
            self.selected = i
        quiet = theme.TEXT if i == self.selected else theme.TEXT_DIM
        if i == self.selected and self._scroll:
            imgui.set_scroll_here_y(0.5)
            self._scroll = False
        imgui.table_next_column()
        if not entry.is_folder:
            text = format_bytes(entry.size)
            imgui.set_cursor_pos_y(imgui.get_cursor_pos_y() + drop)
            room = imgui.get_content_region_avail().x - imgui.calc_text_size(text).x
            imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + max(0.0, room))
            imgui.text_colored(quiet, text)
        imgui.table_next_column()
        imgui.set_cursor_pos_y(imgui.get_cursor_pos_y() + drop)
        imgui.text_colored(quiet, format_time(entry.modified, now))
        return clicked and imgui.is_mouse_double_clicked(imgui.MouseButton_.left)

    def _draw_picture(self, entry: Entry, side: float) -> None:
        """The file's picture, once it has been made."""
        path = self.folder / entry.name
        if not entry.name.lower().endswith(self.suffixes):
            return
        key = (str(path), entry.modified, entry.size)
        texture = self._textures.get(key)
        if texture is None:
            picture = self._thumbnails.get(path, entry)
            if picture is None:
                if self._thumbnails.busy:
                    ui.redraw_within(_LOOK_SECONDS)
                return
            from viz.window.textures import Texture

            texture = self._textures[key] = Texture()
            texture.upload(picture)
            while len(self._textures) > _TEXTURES:
                self._textures.popitem(last=False)[1].release()
        self._textures.move_to_end(key)
        imgui.image(texture.reference, (side, side))

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
        for key in (*(key for key, _ in steps), imgui.Key.enter, imgui.Key.keypad_enter, imgui.Key.backspace):
            imgui.internal.set_key_owner(key, imgui.get_id("entries"))  # the focus stays where it is
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
        folder_button = self.folder_button or "Follow this run" * run
        endings = " and ".join(f"*{suffix}" for suffix in self.suffixes)
        _, self.everything = imgui.checkbox("All files", self.everything)
        ui.mark("Browser/All files")
        if imgui.is_item_hovered(int(imgui.HoveredFlags_.for_tooltip)):
            imgui.set_tooltip(f"Otherwise folders and {endings} alone.")
        if self._message:
            imgui.same_line()
            imgui.text_colored(theme.BAD, self._message)
        style = imgui.get_style()
        labels = (folder_button, "Open", "Cancel") if folder_button else ("Open", "Cancel")
        widths = [imgui.calc_text_size(text).x + 2 * style.frame_padding.x for text in labels]
        gaps = style.item_spacing.x * (len(labels) - 1)
        imgui.same_line(imgui.get_window_width() - style.window_padding.x - sum(widths) - gaps)
        whole = bool(folder_button) and self._draw_whole(folder_button)
        entry = self._entries[self.selected] if self._entries else None
        imgui.begin_disabled(entry is None)
        pressed = imgui.button("Open")
        ui.mark("Browser/Open")
        imgui.end_disabled()
        imgui.same_line()
        if imgui.button("Cancel"):
            imgui.close_current_popup()
        ui.mark("Browser/Cancel")
        if whole:
            return self.folder
        return self.activate(entry) if pressed and entry is not None else None

    def _draw_whole(self, label: str) -> bool:
        chosen = imgui.button(label)
        ui.mark(f"Browser/{label}")
        if not self.folder_button and imgui.is_item_hovered(int(imgui.HoveredFlags_.for_tooltip)):
            imgui.set_tooltip("This folder is a training run: show each new snapshot as it lands.")
        imgui.same_line()
        return bool(chosen)
