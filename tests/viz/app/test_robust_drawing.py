"""Names that are not text are shown all the same, and nothing that fails to draw ends the program."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from imgui_bundle import imgui

from pof3d.errors import CheckpointError
from tests.viz.app.conftest import Desk
from viz import dialogs, menu, overlays, shortcuts
from viz.extras import Extras
from viz.frame import FailedFrame
from viz.layout import Placement
from viz.panel import DownloadQuestion, LoadingState
from viz.view import NetworkView, View
from widgets.checkpoint import CheckpointPanel

LATIN = os.fsdecode(b"/nets/caf\xe9\n##.safetensors")


@pytest.fixture
def strange(make_desk: Callable[..., Desk]) -> Desk:
    desk = make_desk(path=LATIN, placements=[Placement(CheckpointPanel(), "left")])
    desk.user.frame(4)
    return desk


def test_a_name_that_is_no_text_is_shown_everywhere(
    strange: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    monkeypatch.setattr(strange.window, "set_title", titles.append)
    desk, program = strange, strange.program
    desk.app._title = ""
    program.settings = program.settings.__class__(recents=(LATIN, LATIN + "2"), favourites=(LATIN,))
    desk.user.frame(3)
    assert titles == ["caf��##.safetensors – PoF3D"]
    rows = [name for name in desk.user.registry.rects if name.startswith("Checkpoint/caf")]
    assert len(rows) == 2
    desk.rendering.loading = LoadingState(Path(LATIN), 0.5, "Reading")
    desk.user.frame(3)
    desk.rendering.loading = None
    program.notify(f"Opening {Path(LATIN).name}")
    error = CheckpointError(f"{Path(LATIN).name} cannot be opened", LATIN, "Choose another.")
    desk.rendering.answer(FailedFrame(View(NetworkView(LATIN)), error))
    desk.user.frame(3)
    assert program.error is not None
    desk.user.move("Checkpoint/Path")
    desk.user.frame(40)
    assert not caplog.records


def test_the_browser_shows_and_finds_them(strange: Desk, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"d\xff")
    folder.mkdir()
    (folder / os.fsdecode(b"n\xfe##.pkl")).write_bytes(b"x")
    desk, panel = strange, strange.app._host.placements[0].panel
    assert isinstance(panel, CheckpointPanel)
    panel.browser.open(folder)
    desk.user.wait_until(lambda: "Browser/n\N{REPLACEMENT CHARACTER}##.pkl" in desk.user.registry.rects)
    shown = f"{tmp_path}/d\N{REPLACEMENT CHARACTER}"
    assert panel.browser.enter_text(f"{shown}/nothing.pkl") is None
    assert panel.browser._message == "There is no nothing.pkl."
    (folder / "y.pkl").write_bytes(b"x")
    assert panel.browser.enter_text(f"{shown}/y.pkl") == folder / "y.pkl"


PARTS = {
    "menu": (menu, "_title"),
    "overlays": (overlays, "draw"),
    "windows above": (Extras, "draw"),
    "question": (dialogs, "draw_question"),
    "keyboard": (shortcuts, "asked"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_fails_harms_nothing_else(
    part: str, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        imgui.push_style_color(imgui.Col_.text, (1.0, 0.0, 0.0, 1.0))
        imgui.begin_group()
        raise TypeError("broken on purpose")

    desk.program.question = DownloadQuestion("http://x/y", "y", 1 << 31, False)
    monkeypatch.setattr(*PARTS[part], broken)
    with caplog.at_level(logging.ERROR):
        desk.user.frame(5)
    assert len(caplog.records) == 1, "told once, not in every frame"
    if part != "overlays":  # whose place is in the viewport, where panels' errors are shown
        assert f"The {part} failed: TypeError: broken on purpose" in desk.program.notices.message
    monkeypatch.undo()
    desk.program.question = None
    desk.user.frame(3)
    desk.user.click("One/Press")
    assert desk.panels[0].presses == 1
