"""Opening and dropping files, and what the window says meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from imgui_bundle import imgui

from tests.viz.app.conftest import Desk
from viz.panel import LoadingState

pytestmark = pytest.mark.window


def test_a_dropped_checkpoint_opens(desk: Desk) -> None:
    desk.user.drop("/nets/my other cats.pkl", "/nets/more.pkl")
    assert desk.view.network.path == "/nets/my other cats.pkl"
    assert desk.program.frame is not None
    assert desk.program.frame.view.network.path == "/nets/my other cats.pkl"
    assert "my other cats.pkl" in desk.program.notices.message
    desk.user.wait_until(lambda: "more.pkl cannot be opened" in desk.program.notices.message)
    assert "my other cats.pkl" in desk.program.notices.message
    assert "Overlay/Toast" in desk.user.registry.rects


def test_a_dropped_text_file_leaves_the_picture(desk: Desk, tmp_path: Path) -> None:
    before = desk.user.screenshot()
    (tmp_path / "notes.txt").write_text("hello")
    desk.user.drop(tmp_path / "notes.txt")
    assert "Overlay/Error" in desk.user.registry.rects
    after = desk.user.screenshot()
    x, y = map(int, desk.user.rect("Viewport/Picture").at(0.5, 0.85))
    assert (before[y, x] == after[y, x]).all()
    desk.user.click("Overlay/Dismiss error")
    assert "Overlay/Error" not in desk.user.registry.rects


def test_a_notice_does_not_cover_an_error(desk: Desk) -> None:
    desk.user.drop("/nets/bad.pkl")
    desk.program.notify("What you have done goes on for more than one line. " * 6)
    desk.user.frame(2)
    error, toast = (desk.user.rect(f"Overlay/{name}") for name in ("Error", "Toast"))
    assert toast.bottom < error.top or toast.top > error.bottom


def test_a_damaged_checkpoint_leaves_the_picture(desk: Desk) -> None:
    desk.user.drop("/nets/bad.pkl")
    assert "Overlay/Error" in desk.user.registry.rects
    assert desk.view.network.path == "/nets/good.safetensors"
    desk.user.key(imgui.Key.escape)
    assert "Overlay/Error" not in desk.user.registry.rects
    desk.user.type("]")
    assert desk.program.frame is not None
    assert desk.program.frame.view.latent.seed == 1


def test_the_window_lives_while_a_file_loads(desk: Desk) -> None:
    desk.rendering.held = True
    desk.user.drop("/nets/slow.pkl")
    desk.rendering.loading = LoadingState(Path("/nets/slow.pkl"), 0.4, "Reading tensors")
    desk.user.frame(3)
    assert "Overlay/Loading" in desk.user.registry.rects
    assert desk.app.animating
    desk.user.click("One/Press")
    assert desk.panels[0].presses == 1
    desk.user.key(imgui.Key.escape)
    assert desk.rendering.cancelled == 1
    desk.rendering.loading = None


def test_a_saved_picture_leads_back(desk: Desk, tmp_path: Path) -> None:
    desk.user.type("]]]")
    desk.user.key(imgui.Key.s)
    desk.user.wait_until(lambda: "Saved" in desk.program.notices.message, 20.0)
    there = desk.view
    desk.user.type("]")
    desk.user.drag("Viewport/Picture", (480, 330))
    desk.user.drop(tmp_path / "out" / "good-seed3.png")
    assert desk.view == there


def test_without_a_network_the_window_says_what_to_do(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(path="")
    assert not desk.rendering.submitted
    desk.user.drag("Viewport", (520, 330))
    desk.user.key(imgui.Key.space)
    desk.user.key(imgui.Key.s)
    desk.user.key(imgui.Key.d)
    desk.user.screenshot()
    desk.user.drop("/nets/good.safetensors")
    assert desk.program.frame is not None


def test_at_rest_the_window_sleeps(desk: Desk) -> None:
    desk.user.frame(10)
    states = [desk.app.animating]
    desk.window.on_mouse_move(100, 100)
    states.append(desk.app.animating)
    desk.user.frame(6)
    states.append(desk.app.animating)
    desk.user.key(imgui.Key.space)
    desk.user.frame(6)
    states.append(desk.app.animating)
    assert states == [False, True, False, True]
