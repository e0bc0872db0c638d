"""The file browser and what it reads: without a window first, then by mouse and keys."""

from __future__ import annotations

import math
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imgui_bundle import imgui

from tests.widgets.stage import Stage, context, make_window
from viz import ui
from viz.file_browser import TITLE, FileBrowser
from viz.folders import FileWatch, FolderReader, Listing, existing_folder, read_folder, visible_entries
from viz.panel import Actions, PanelContext
from viz.thumbnails import SIDE, Picture, Thumbnails
from viz.view import View
from viz.window.offscreen import OffscreenWindow


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.pkl", "a.safetensors", "notes.txt", ".hidden.pkl", "Z.PKL"):
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / "models" / "inner").mkdir(parents=True)
    (tmp_path / "models" / "inner.pkl").write_bytes(b"x" * 2048)
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    return tmp_path


class Synchronous(FolderReader):
    """Reads at once: tests do not wait."""

    def request(self, folder: Path) -> None:
        self._result = self._read(folder)


class BrowserPanel:
    """Holds a browser, and what came of it."""

    title = "Browser"

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.painted: list[str] = []
        self.browser = FileBrowser(
            (".pkl", ".safetensors"), Synchronous(), Thumbnails(render=self._paint, folder=folder)
        )
        self.chosen: list[Path] = []
        self.favourites: list[Path] = []

    def _paint(self, path: Path, cancelled: Callable[[], bool]) -> Picture:
        self.painted.append(path.name)
        return np.full((SIDE, SIDE, 4), 200, np.uint8)

    def _keep(self, folder: Path, favourite: bool) -> None:
        self.favourites = [folder] if favourite else []

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        chosen = self.browser.draw(self.favourites, self._keep)
        if chosen is not None:
            self.chosen.append(chosen)
        return view


@pytest.fixture(scope="module")
def window() -> Iterator[OffscreenWindow]:
    window = make_window((800, 520))
    yield window
    window.close()


@pytest.fixture
def stage(window: OffscreenWindow, tree: Path) -> Any:
    panel = BrowserPanel()
    stage = Stage(window, panel, context(), size=(200, 100))
    panel.browser.open(tree)
    stage.frame(4)
    return stage


def names(browser: FileBrowser) -> list[str]:
    return [entry.name for entry in browser._entries]


# -------------------------------------------------------------------------------------- without a window
def test_folders_come_first_and_hidden_ones_not_at_all(tree: Path) -> None:
    listing = read_folder(tree)
    assert [entry.name for entry in listing.entries] == [
        "models",
        "a.safetensors",
        "b.pkl",
        "notes.txt",
        "Z.PKL",
    ]
    assert [entry.size for entry in listing.entries] == [0, 5, 5, 5, 5]
    assert not listing.error


def test_what_cannot_be_read_says_why(tree: Path) -> None:
    assert read_folder(tree / "gone").error == "No such file or directory"
    assert read_folder(tree / "b.pkl").error == "Not a directory"


def test_filter(tree: Path) -> None:
    listing = read_folder(tree)
    shown = [entry.name for entry in visible_entries(listing, (".pkl", ".safetensors"), False)]
    assert shown == ["models", "a.safetensors", "b.pkl", "Z.PKL"]
    assert len(visible_entries(listing, (".pkl",), True)) == 5


def test_nearest_folder_that_exists(tree: Path) -> None:
    assert existing_folder(tree / "models") == tree / "models"
    assert existing_folder(tree / "b.pkl") == tree
    assert existing_folder(tree / "x" / "y" / "z.pkl") == tree


def test_only_the_newest_request_counts(tree: Path) -> None:
    go, done = threading.Event(), threading.Event()

    def slow_first(folder: Path) -> Listing:
        if folder.name == "slow":
            go.wait(5)
            done.set()
        return Listing(folder)

    reader = FolderReader(slow_first)
    reader.request(tree / "slow")
    assert reader.result() is None
    reader.request(tree / "fast")
    for _ in range(500):
        if reader.result() is not None:
            break
        threading.Event().wait(0.01)
    go.set()
    assert done.wait(5)
    threading.Event().wait(0.02)
    result = reader.result()
    assert result is not None
    assert result.folder == tree / "fast"


def test_watch_learns_what_is_there(tree: Path) -> None:
    watch, gone = FileWatch(seconds=0.0), tree / "gone.pkl"
    assert watch.exists(gone), "not known yet"

    def seen(path: Path, expected: bool) -> bool:
        for _ in range(500):
            watch.look([gone, tree / "b.pkl", tree])
            if watch.exists(path) == expected:
                return True
            threading.Event().wait(0.01)
        return False

    assert seen(gone, False)
    assert seen(tree / "b.pkl", True)
    assert seen(tree, True), "folders, of runs, count as well"
    gone.touch()
    assert seen(gone, True)


# ----------------------------------------------------------------------------------------- with a window
def test_keys_walk_enter_and_leave(stage: Any, tree: Path) -> None:
    browser = stage.panel.browser
    assert names(browser) == ["models", "a.safetensors", "b.pkl", "Z.PKL"]
    stage.key(imgui.Key.enter)
    assert browser.folder == tree / "models"
    stage.frame(2)
    stage.key(imgui.Key.backspace)
    stage.frame(2)
    assert browser.folder == tree
    assert names(browser)[browser.selected] == "models"
    stage.key(imgui.Key.down_arrow)
    stage.key(imgui.Key.down_arrow)
    stage.key(imgui.Key.enter)
    assert stage.panel.chosen == [tree / "b.pkl"]


def test_a_typed_path_leads_there(stage: Any, tree: Path) -> None:
    stage.type_into("Browser/Path", str(tree / "models"), slider=False)
    assert stage.panel.browser.folder == tree / "models"
    stage.type_into("Browser/Path", "nothing-here", slider=False)
    assert stage.panel.browser.folder == tree / "models"
    assert stage.panel.chosen == []
    stage.type_into("Browser/Path", "../b.pkl", slider=False)
    assert [path.resolve() for path in stage.panel.chosen] == [(tree / "b.pkl").resolve()]


def test_mouse(stage: Any, tree: Path) -> None:
    stage.click("Browser/All files")
    assert "notes.txt" in names(stage.panel.browser)
    stage.click("Browser/models", (0.1, 0.5), count=2)
    assert stage.panel.browser.folder == tree / "models"
    stage.click("Browser/Up")
    assert stage.panel.browser.folder == tree
    stage.click("Browser/b.pkl", (0.1, 0.5))
    stage.click("Browser/Open")
    assert stage.panel.chosen == [tree / "b.pkl"]


def test_cancel_and_escape_close_it(stage: Any, tree: Path) -> None:
    stage.click("Browser/Cancel")
    stage.forget()
    stage.frame()
    assert TITLE not in stage.registry.windows
    stage.panel.browser.open(tree)
    stage.frame(3)
    assert TITLE in stage.registry.windows
    stage.key(imgui.Key.escape)
    stage.forget()
    stage.frame()
    assert TITLE not in stage.registry.windows
    assert stage.panel.chosen == []


@pytest.mark.skipif(os.name != "posix", reason="permissions are different there")
def test_a_folder_that_cannot_be_read_is_no_trap(stage: Any, tree: Path) -> None:
    stage.panel.browser.go(tree / "gone")
    stage.frame(3)
    assert names(stage.panel.browser) == []
    stage.click("Browser/Up")
    stage.frame(2)
    assert "b.pkl" in names(stage.panel.browser)


def test_ten_thousand_files_are_drawn_a_screenful_at_a_time(stage: Any, tree: Path) -> None:
    many = tree / "many"
    many.mkdir()
    for i in range(3000):
        (many / f"net-{i:05d}.pkl").touch()
    stage.panel.browser.go(many)
    stage.forget()
    stage.frame(3)
    assert len(names(stage.panel.browser)) == 3000
    assert sum(name.startswith("Browser/net-") for name in stage.registry.rects) < 60
    stage.key(imgui.Key.end)
    stage.frame(2)
    assert stage.has("Browser/net-02999.pkl")


def test_a_filter_by_words(stage: Any, tree: Path) -> None:
    browser = stage.panel.browser
    stage.type_into("Browser/Filter", "PK b", slider=False)
    assert names(browser) == ["b.pkl"]
    assert stage.panel.chosen == []
    stage.type_into("Browser/Filter", "nothing like it", slider=False)
    assert names(browser) == []
    browser.go(tree / "models")
    stage.frame(3)
    assert names(browser) == ["inner", "inner.pkl"], "another folder starts without a filter"


def test_favourites(stage: Any, tree: Path) -> None:
    panel = stage.panel
    stage.click("Browser/Favourite")
    assert panel.favourites == [tree]
    panel.browser.go(tree / "models")
    stage.frame(3)
    assert panel.browser.folder != tree
    stage.click(f"Browser/Place {tree.name}", (0.2, 0.5))
    assert panel.browser.folder == tree
    stage.frame(3)
    stage.click("Browser/Favourite")
    assert panel.favourites == []
    stage.frame(3)
    assert panel.favourites == []


def test_pictures_of_the_files_that_are_seen(stage: Any, tree: Path) -> None:
    panel = stage.panel
    stage.wait_until(lambda: len(panel.painted) == 3)
    assert sorted(panel.painted) == ["Z.PKL", "a.safetensors", "b.pkl"], "no folders, no other files"
    stage.wait_until(lambda: len(panel.browser._textures) == 3)
    stage.click("Browser/All files")
    stage.frame(3)
    assert len(panel.painted) == 3
    stage.click("Browser/Cancel")
    stage.frame(2)
    assert not panel.browser._textures, "what is not seen takes no memory of the screen"


def test_what_is_not_ready_is_looked_for_again(stage: Any, tree: Path) -> None:
    """Otherwise a window at rest would show nothing until the mouse moves."""
    stage.wait_until(lambda: not stage.panel.browser._thumbnails.busy)
    stage.frame(3)
    assert ui.redraw_wanted() == math.inf
    gate = threading.Event()

    def late(folder: Path) -> Listing:
        assert gate.wait(10)
        return read_folder(folder)

    stage.panel.browser._reader = FolderReader(late)
    stage.panel.browser.go(tree)
    stage.frame(2)
    assert ui.redraw_wanted() < 1.0
    gate.set()
    stage.wait_until(lambda: ui.redraw_wanted() == math.inf and names(stage.panel.browser))
