"""Which panels a frame draws anew, and that what nobody draws anew stays as it is and stays usable."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from imgui_bundle import imgui
from numpy.typing import NDArray

from tests.viz.app.conftest import Desk
from tests.viz.stand_ins import DummyPanel
from viz import ui
from viz.layout import Placement
from viz.panel import Actions, PanelContext
from viz.refreshing import DRAWS, PANELS_A_FRAME
from viz.view import View
from viz.viewport import Viewport

pytestmark = pytest.mark.window
COUNT = 8
MakeDesk = Callable[..., Desk]


class Counted(DummyPanel):
    """Shows how often it has been drawn: a picture of it tells."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.draws = 0
        self.told = ""
        self.waits = False
        self.seconds = 0.0

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        self.draws += 1
        time.sleep(self.seconds)
        imgui.text(self.told)
        if self.waits:
            ui.redraw_within(0.05)
        return super().draw(view, context, actions)


@pytest.fixture
def panels() -> list[Counted]:
    return [Counted(f"Panel {i}") for i in range(COUNT)]


@pytest.fixture
def busy(make_desk: MakeDesk, panels: list[Counted], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A window with all of them beside each other, docked, the mouse off it, and nothing left to draw."""
    monkeypatch.setattr("viz.refreshing._BUDGET", 1e9)  # however slow the machine is
    sides = ["left"] * (COUNT // 2) + ["right"] * (COUNT - COUNT // 2)
    places = [Placement(p, side, (i, i)) for i, (p, side) in enumerate(zip(panels, sides, strict=True))]  # type: ignore[arg-type]
    desk = make_desk(size=(1000, 1000), placements=places)
    desk.window.on_mouse_leave()
    _settle(desk)
    return desk


def _settle(desk: Desk) -> None:
    for _ in range(60):
        desk.user.frame()
        if not desk.app.animating:
            return
    raise AssertionError("it does not come to rest")


def _something_happens(desk: Desk) -> None:
    desk.window.events += 1
    desk.user.frame()


def test_a_few_panels_are_drawn_in_a_frame_and_all_of_them_in_a_few(
    busy: Desk, panels: list[Counted]
) -> None:
    before = [panel.draws for panel in panels]
    _something_happens(busy)
    drawn = [panel.draws - count for panel, count in zip(panels, before, strict=True)]
    assert sum(drawn) == PANELS_A_FRAME
    for _ in range(COUNT // PANELS_A_FRAME - 1):
        _something_happens(busy)
    drawn = [panel.draws - count for panel, count in zip(panels, before, strict=True)]
    assert drawn == [1] * COUNT, "those that have waited longest come first"


def test_costly_panels_are_drawn_one_at_a_time(
    busy: Desk, panels: list[Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz.refreshing._BUDGET", 0.0)
    before = [panel.draws for panel in panels]
    for i in range(COUNT):
        _something_happens(busy)
        drawn = [panel.draws - count for panel, count in zip(panels, before, strict=True)]
        assert sum(drawn) == i + 1
    assert [panel.draws - count for panel, count in zip(panels, before, strict=True)] == [1] * COUNT


def test_after_the_last_event_all_are_brought_up_to_date(busy: Desk, panels: list[Counted]) -> None:
    _something_happens(busy)
    before = [panel.draws for panel in panels]
    _settle(busy)
    assert all(panel.draws - count >= DRAWS - 1 for panel, count in zip(panels, before, strict=True))
    assert not busy.app.animating


def test_what_is_not_drawn_anew_stays_on_the_screen(
    busy: Desk, panels: list[Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    busy.user.wheel(busy.user.registry.windows["Panel 5"], -1.0)
    busy.window.on_mouse_leave()
    _settle(busy)
    whole = busy.user.screenshot()
    _settle(busy)
    monkeypatch.setattr(busy.app._host.refresher, "everything", lambda: None)
    for panel in panels:
        panel.told = "something else"
    before = sum(panel.draws for panel in panels)
    busy.window.events += 1
    kept = busy.app.frame(capture=True)
    assert kept is not None
    assert sum(panel.draws for panel in panels) - before == PANELS_A_FRAME

    changed = []
    for panel in panels:
        rect = busy.user.registry.windows[panel.title]
        part = np.s_[int(rect.top) : int(rect.bottom), int(rect.left) : int(rect.right)]
        changed.append(bool((kept[part] != whole[part]).any()))
        assert whole[part].std() > 3, "there is something to see"
    assert sum(changed) == PANELS_A_FRAME


def test_a_picture_of_the_window_shows_all_as_they_are(busy: Desk, panels: list[Counted]) -> None:
    _something_happens(busy)
    before = [panel.draws for panel in panels]
    busy.window.events += 1
    busy.app.frame(capture=True)
    assert [panel.draws for panel in panels] == [count + 1 for count in before]


def test_the_panel_under_the_mouse_is_drawn_in_every_frame(busy: Desk, panels: list[Counted]) -> None:
    busy.user.move(busy.user.registry.windows["Panel 4"])
    before = panels[4].draws
    for _ in range(5):
        _something_happens(busy)
    assert panels[4].draws == before + 5


def test_a_costly_panel_in_hand_leaves_little_time_for_others(
    busy: Desk, panels: list[Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz.refreshing._BUDGET", 20.0)
    busy.user.move(busy.user.registry.windows["Panel 4"])
    _settle(busy)
    for seconds, others in ((0.0, PANELS_A_FRAME), (0.04, 1)):
        panels[4].seconds = seconds
        for _ in range(4 * COUNT):  # until its cost is known
            _something_happens(busy)
        before = [panel.draws for panel in panels]
        _something_happens(busy)
        drawn = [panel.draws - count for panel, count in zip(panels, before, strict=True)]
        assert drawn[4] == 1
        assert sum(drawn) == 1 + others


def test_a_panel_that_waits_for_something_is_drawn_in_every_frame(busy: Desk, panels: list[Counted]) -> None:
    panels[6].waits = True
    for _ in range(COUNT):
        _something_happens(busy)
    before = panels[6].draws
    for _ in range(4):
        _something_happens(busy)
    assert panels[6].draws == before + 4
    panels[6].waits = False
    _settle(busy)


def test_a_control_of_a_panel_left_as_it_was_can_be_found_and_clicked(
    busy: Desk, panels: list[Counted]
) -> None:
    for panel in panels:
        _something_happens(busy)
        busy.user.click(f"{panel.title}/Press")
        assert panel.presses == 1


def test_panels_move_with_the_border_between_them(busy: Desk, panels: list[Counted]) -> None:
    before = busy.user.registry.windows["Panel 5"]
    left = busy.user.registry.windows["Panel 0"]
    border = (left.right + 1.5, (left.top + left.bottom) / 2)
    busy.user.drag(border, (border[0] + 60, border[1]))
    _settle(busy)
    wider = busy.user.registry.windows["Panel 0"]
    assert wider.right == pytest.approx(left.right + 60, abs=4)
    assert all(
        busy.user.registry.windows[f"Panel {i}"].right == pytest.approx(wider.right)
        for i in range(COUNT // 2)
    )
    assert busy.user.registry.windows["Panel 5"] == before


def test_what_a_worker_brings_reaches_every_panel(busy: Desk, panels: list[Counted]) -> None:
    before = [panel.draws for panel in panels]
    busy.window.wake()
    assert busy.app.animating
    _settle(busy)
    assert all(panel.draws > count for panel, count in zip(panels, before, strict=True))


def test_an_idle_program_draws_no_frames(busy: Desk) -> None:
    busy.user.settle()
    _settle(busy)
    before = busy.app.frames
    timer = threading.Timer(0.6, busy.window.request_close)
    timer.start()
    began, spent = time.monotonic(), time.thread_time()
    busy.app.run()
    timer.join()
    assert time.monotonic() - began >= 0.5
    assert busy.app.frames - before <= 1, "but the one that the end itself brings"
    assert time.thread_time() - spent < 0.3


def test_a_picture_is_uploaded_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from viz.window.textures import Texture  # not before there is a window

    uploads: list[object] = []
    upload = Texture.upload

    def counted(self: Texture, rgba: NDArray[np.uint8]) -> None:
        uploads.append(self)
        upload(self, rgba)

    monkeypatch.setattr(Texture, "upload", counted)
    desk.user.settle()
    viewport = desk.app._viewport
    assert isinstance(viewport, Viewport)
    uploads.clear()
    desk.user.move((500.0, 300.0), 6)
    desk.user.frame(10)
    assert not uploads
    desk.user.type("]")
    desk.user.settle()
    shown = [texture for texture in uploads if texture is viewport._texture]
    assert 1 <= len(shown) <= 2, "a preview and the full picture"


def test_the_bytes_of_a_picture_go_to_the_card_as_they_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from OpenGL import GL

    from viz.window.textures import Texture

    given: list[object] = []
    sub_image = GL.glTexSubImage2D

    def noted(*arguments: Any) -> None:
        given.append(arguments[-1])
        sub_image(*arguments)

    monkeypatch.setattr(GL, "glTexSubImage2D", noted)
    texture, picture = Texture(), np.full((8, 6, 4), 7, np.uint8)
    texture.upload(picture)
    texture.upload(picture)
    texture.release()
    assert len(given) == 1
    assert given[0] is picture
