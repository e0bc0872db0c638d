"""The Checkpoint panel: which network is open, opening another, and what is inside."""

from __future__ import annotations

from pathlib import Path

from imgui_bundle import imgui

from pof3d.checkpoint.facts import Fact, architecture_facts, provenance_facts
from pof3d.checkpoint.sniff import SUFFIXES
from pof3d.download import is_url
from pof3d.text import elide_middle, legible
from viz import dialogs, theme, ui
from viz.file_browser import FileBrowser
from viz.folders import FileWatch
from viz.panel import Actions, LoadingState, NetworkInfo, PanelContext
from viz.view import View
from widgets import common

ADDRESS_EM = 34.0
"""Width of the address, font heights."""
GROUP_LABEL_EM = 11.0
"""Label column of nested provenance, whose names are long; font heights."""


def loading_text(loading: LoadingState) -> str:
    """What the progress bar says."""
    return f"{loading.stage}  {loading.fraction:.0%}" if loading.stage else f"{loading.fraction:.0%}"


class AddressDialog:
    """A modal dialog that asks for an http(s) address."""

    title = "Open an address"

    def __init__(self) -> None:
        self._pending = False
        self._text = ""

    def open(self) -> None:
        """Show the dialog at the next :meth:`draw`."""
        self._pending = True

    def draw(self) -> str | None:
        """Draw the dialog if it is open; the address, once it is given."""
        appearing = self._pending
        if self._pending:
            imgui.open_popup(self.title)
            self._pending = False
        if not dialogs.begin_modal(self.title):
            return None
        common.paragraph(
            "The http(s) address of a .safetensors or .pkl file. Behind it, #sha256=… says what its checksum "
            "must be."
        )
        imgui.set_next_item_width(ADDRESS_EM * common.em())
        if appearing:
            imgui.set_keyboard_focus_here()
        flags = imgui.InputTextFlags_.enter_returns_true | imgui.InputTextFlags_.auto_select_all
        entered, self._text = imgui.input_text_with_hint("##address", "https://", self._text, int(flags))
        ui.mark("Address/Text")
        text = self._text.strip()
        usable = is_url(text)
        if text and not usable:
            imgui.text_colored(theme.BAD, "An address begins with http:// or https://.")
        fetched = common.button("Address/Fetch", enabled=usable) or (entered and usable)
        imgui.same_line()
        closed = common.button("Address/Cancel") or imgui.is_key_pressed(imgui.Key.escape, False)
        if fetched or closed:
            imgui.close_current_popup()
        imgui.end_popup()
        return text if fetched else None


class CheckpointPanel:
    """The open file, recents, bundled checkpoints, and the network's facts."""

    title = "Checkpoint"

    def __init__(self) -> None:
        self.browser = FileBrowser(SUFFIXES)
        self._files = FileWatch()
        self._address = AddressDialog()
        self._inside: tuple[NetworkInfo, list[Fact], list[Fact], dict[str, list[Fact]]] | None = None

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is: opening goes through the actions."""
        _draw_current(context)
        if context.loading is not None:
            _draw_loading(context.loading, actions)
        if common.button(
            "Checkpoint/Browse…",
            "Choose a checkpoint file: *.safetensors, or the *.pkl\N{NO-BREAK SPACE}file of a release; "
            "or the folder of a training run, to follow it.",
            width=common.buttons_width(2),
        ):
            self.browser.open(context.last_folder)
        imgui.same_line()
        if common.button(
            "Checkpoint/Address…",
            "Open a checkpoint from the net. It is fetched in the background, and kept in a cache.",
            width=common.buttons_width(1),
        ):
            self._address.open()
        chosen = self.browser.draw(context.favourites, actions.set_favourite)
        if chosen is not None:
            actions.open_checkpoint(chosen)
        url = self._address.draw()
        if url is not None:
            actions.open_url(url)
        if context.drops:
            common.paragraph("or drop a file, or a run's folder, on the window")
        self._draw_lists(context, actions)
        if context.network is not None:
            self._draw_inside(context.network)
        return view

    def _draw_inside(self, info: NetworkInfo) -> None:
        imgui.spacing()
        if not _foldable("What is inside", opened=True):
            return
        if self._inside is None or self._inside[0] is not info:
            rows = architecture_facts(info.config, info.kind, info.size_bytes, info.parameters)
            self._inside = (info, list(rows), *provenance_facts(info.provenance))
        _, architecture, provenance, groups = self._inside
        common.facts("architecture", architecture)
        if provenance or groups:
            common.section("Provenance")
        if provenance:
            common.facts("provenance", provenance)
        for title, inner in groups.items():
            if _foldable(title, opened=False):
                common.facts(title, inner, label_em=GROUP_LABEL_EM)

    def _draw_lists(self, context: PanelContext, actions: Actions) -> None:
        current = context.network.path if context.network else None
        if context.run is not None and current is not None and current.parent == context.run.folder:
            current = context.run.folder
        self._files.look([*context.bundled, *context.recents])
        if context.bundled:
            common.section("Bundled")
            for path in context.bundled:
                self._draw_file(path, current, actions, removable=False)
        recents = [path for path in context.recents if path not in set(context.bundled)]
        if recents:
            common.section("Recent")
            for path in recents:
                self._draw_file(path, current, actions, removable=True)

    def _draw_file(self, path: Path, current: Path | None, actions: Actions, *, removable: bool) -> None:
        exists = self._files.exists(path)
        style = imgui.get_style()
        room = imgui.get_content_region_avail().x
        side = imgui.get_frame_height()
        imgui.push_style_var(imgui.StyleVar_.item_spacing, (style.item_spacing.x, 2.0))
        width = room - side - style.item_inner_spacing.x if removable else room
        imgui.push_id(ascii(path))
        with common.disabled(not exists):
            is_file = path.suffix.lower() in SUFFIXES
            text = elide_middle(path.name if is_file else f"{path.name}/", width, _measure)
            size = (width, side)
            if ui.selectable(text, "file", path == current, size=size) and path != current:
                actions.open_checkpoint(path)
            ui.mark(f"Checkpoint/{legible(path.name)}")
            gone = "This file is gone." if is_file else "This folder is gone."
            common.tooltip(str(path) if exists else f"{path}\n{gone}")
        if removable:
            imgui.same_line(0.0, imgui.get_style().item_inner_spacing.x)
            help_text = "Remove from this list; the file stays."
            if common.icon_button(f"Checkpoint/Forget {legible(path.name)}", "close", help_text, quiet=True):
                actions.forget_recent(path)
        imgui.pop_id()
        imgui.pop_style_var()


def _measure(text: str) -> float:
    return float(imgui.calc_text_size(text).x)


def _draw_current(context: PanelContext) -> None:
    info = context.network
    if info is None:
        imgui.text_unformatted("No checkpoint is open" if context.loading is None else "Opening …")
        if context.error is not None and context.loading is None:
            common.paragraph(str(context.error), theme.BAD)
        return
    room = imgui.get_content_region_avail().x
    imgui.push_font(theme.fonts.bold, 0.0)
    imgui.text_unformatted(elide_middle(info.path.name, room, _measure))
    imgui.pop_font()
    common.tooltip(str(info.path))
    imgui.text_disabled(elide_middle(str(info.path.parent), room, _measure))
    ui.mark("Checkpoint/Path")
    common.tooltip(str(info.path))


def _draw_loading(loading: LoadingState, actions: Actions) -> None:
    imgui.text_disabled(elide_middle(loading.path.name, imgui.get_content_region_avail().x, _measure))
    common.tooltip(str(loading.path))
    width = _measure("Cancel") + 2 * imgui.get_style().frame_padding.x
    room = imgui.get_content_region_avail().x - width - imgui.get_style().item_spacing.x
    common.progress("Checkpoint/Progress", loading.fraction, loading_text(loading), width=room)
    imgui.same_line()
    if common.button("Checkpoint/Cancel", "Stop loading; the present network stays."):
        actions.cancel_loading()


def _foldable(title: str, *, opened: bool) -> bool:
    flags = imgui.TreeNodeFlags_.span_avail_width | imgui.TreeNodeFlags_.no_tree_push_on_open
    if opened:
        flags |= imgui.TreeNodeFlags_.default_open
    result = imgui.tree_node_ex(f"{title}##foldable", int(flags))
    ui.mark(f"Checkpoint/{title}")
    return bool(result)
