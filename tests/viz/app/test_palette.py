"""The command palette, by keyboard and by mouse."""

from __future__ import annotations

import pytest
from imgui_bundle import imgui

from tests.viz.app.conftest import Desk
from viz.actions import ACTIONS
from viz.keymap import Keymap
from viz.palette import entries_of
from viz.settings import Settings

pytestmark = pytest.mark.window


def open_palette(desk: Desk) -> None:
    desk.user.key(imgui.Key.p, imgui.Key.left_ctrl)
    assert "Palette" in desk.user.registry.windows


def closed(desk: Desk) -> bool:
    return "Palette" not in desk.user.registry.windows and not desk.program.palette_open


def listed(desk: Desk) -> list[str]:
    rows = [
        (rect.top, name) for name, rect in desk.user.registry.rects.items() if name.startswith("Palette/")
    ]
    return [name.partition("/")[2] for _, name in sorted(rows)][1:]


def test_typing_and_enter(desk: Desk) -> None:
    open_palette(desk)
    desk.user.type("dep")
    assert listed(desk)[0] == "Depth"
    desk.user.key(imgui.Key.enter)
    assert closed(desk)
    assert desk.mode() == "depth"
    assert desk.program.settings.palette == ("depth",)
    open_palette(desk)
    assert listed(desk)[0] == "Depth", "what was used last comes first, and the words are gone"


def test_letters_are_no_shortcuts_meanwhile(desk: Desk) -> None:
    open_palette(desk)
    desk.user.key(imgui.Key.d)
    desk.user.key(imgui.Key.space)
    assert desk.mode() == "rgb"
    assert not desk.playing()


def test_arrows_choose_and_wrap_around(desk: Desk) -> None:
    open_palette(desk)
    desk.user.type("seed")
    desk.user.key(imgui.Key.down_arrow)
    assert desk.app._extras._palette._chosen == 1
    desk.user.type(" next")
    desk.user.key(imgui.Key.enter)
    assert desk.view.latent.seed == 1, "with other words the best one is chosen again"
    desk.program.settings = Settings()
    open_palette(desk)
    last = len(entries_of(desk.program, Keymap(), ["One", "Two"])) - 1
    desk.user.key(imgui.Key.up_arrow)
    assert desk.app._extras._palette._chosen == last
    desk.user.key(imgui.Key.down_arrow)
    assert desk.app._extras._palette._chosen == 0


def test_a_click_and_a_click_outside(desk: Desk) -> None:
    open_palette(desk)
    desk.user.type("overl")
    desk.user.click("Palette/Overlays")
    assert closed(desk)
    assert not desk.program.overlays_visible
    open_palette(desk)
    desk.user.click((500, 590))
    desk.user.frame(2)
    assert closed(desk)


def test_escape_closes_it_and_nothing_else_happens(desk: Desk) -> None:
    open_palette(desk)
    desk.user.type("quit")
    desk.user.key(imgui.Key.escape)
    assert closed(desk)
    assert not desk.window.should_close
    assert desk.program.settings.palette == ()


def test_what_is_not_enabled_is_not_done(desk: Desk) -> None:
    assert not desk.program.can_undo
    open_palette(desk)
    desk.user.type("undo")
    assert listed(desk)[0] == "Undo"
    desk.user.key(imgui.Key.enter)
    assert not closed(desk), "it stays, as nothing was done"
    desk.user.click("Palette/Undo")
    assert not closed(desk)


def test_panels_come_to_the_front_by_name(desk: Desk) -> None:
    open_palette(desk)
    desk.user.type("two")
    assert listed(desk)[0] == "Two"
    desk.user.key(imgui.Key.enter)
    assert desk.program.settings.palette == ("panel Two",)


def test_nothing_of_this_name(desk: Desk) -> None:
    open_palette(desk)
    desk.user.type("qqqq")
    assert listed(desk) == []
    desk.user.key(imgui.Key.enter)
    assert not closed(desk)


def test_every_action_is_there_with_its_key(desk: Desk) -> None:
    entries = {entry.name: entry for entry in entries_of(desk.program, Keymap(), ["One"])}
    assert set(entries) == {action.name for action in ACTIONS} - {"palette"} | {"panel One"}
    assert entries["redo"].keys == "Ctrl+Y, Ctrl+Shift+Z"
    assert entries["turntable"].enabled == (desk.program.frame is not None)
