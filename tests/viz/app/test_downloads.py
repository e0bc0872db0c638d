"""Addresses typed in the window, and the question about large files."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from imgui_bundle import imgui

import visualizer
from tests.viz.app.conftest import Desk
from viz.panel import DownloadQuestion

pytestmark = pytest.mark.window
URL = "https://example.org/cats.pkl"


@pytest.fixture
def desk(make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = make_desk((1280, 720), placements=visualizer.placements())
    desk.opened = []  # type: ignore[attr-defined]
    monkeypatch.setattr(desk.program, "open_url", desk.opened.append)  # type: ignore[attr-defined]
    desk.program.panel_wanted = "Checkpoint"
    desk.user.frame(4)
    return desk


def test_an_address_is_fetched(desk: Desk) -> None:
    desk.user.click("Checkpoint/Address…")
    desk.user.frame(3)
    assert not desk.user.registry.rects["Address/Fetch"].enabled
    desk.user.type("cats.pkl")
    desk.user.frame(2)
    assert not desk.user.registry.rects["Address/Fetch"].enabled
    desk.user.click("Address/Cancel")
    desk.user.frame(2)
    assert desk.opened == []  # type: ignore[attr-defined]
    desk.user.click("Checkpoint/Address…")
    desk.user.frame(3)
    desk.user.key(imgui.Key.a, imgui.Key.mod_ctrl)
    desk.user.type(URL)
    desk.user.frame(2)
    desk.user.click("Address/Fetch")
    desk.user.frame(3)
    assert desk.opened == [URL]  # type: ignore[attr-defined]
    assert "Address/Fetch" not in desk.user.registry.rects


@pytest.mark.parametrize(("button", "started"), [("Fetch", [(URL, True)]), ("Leave", [])])
def test_the_question_comes_wherever_one_is(
    desk: Desk, button: str, started: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        desk.program.fetching, "start", lambda url, allow_large=False: calls.append((url, allow_large))
    )
    desk.program.panel_wanted = "Latent"
    desk.program.question = DownloadQuestion(URL, "cats.pkl", 3 * 2**30)
    desk.user.frame(4)
    desk.user.click(f"Question/{button}")
    desk.user.frame(3)
    assert calls == started
    assert f"Question/{button}" not in desk.user.registry.rects
