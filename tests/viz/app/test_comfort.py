"""Other keys, the light theme, layouts and the tour, in the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from imgui_bundle import imgui

from tests.viz.app.conftest import Desk
from viz import theme
from viz.callouts import STEPS
from viz.comfort import TOUR_LENGTH
from viz.settings import Settings, load_settings

pytestmark = pytest.mark.window


@pytest.fixture(autouse=True)
def dark_again() -> Iterator[None]:
    yield
    theme.choose("dark")


# ------------------------------------------------------------------------------------------------- keys
def test_another_key_by_pressing_it(desk: Desk) -> None:
    desk.user.type("?")
    desk.user.click("Keys/depth D")
    assert "Keys/depth press a key …" in desk.user.registry.rects
    desk.user.key(imgui.Key.f12, imgui.Key.left_shift)
    assert desk.program.settings.keys == {"depth": ("Shift+F12",)}
    assert desk.mode() == "rgb", "the key was taken, not obeyed"
    desk.user.key(imgui.Key.escape)
    assert "Help" not in desk.user.registry.windows
    desk.user.key(imgui.Key.d)
    assert desk.mode() == "rgb"
    desk.user.key(imgui.Key.f12, imgui.Key.left_shift)
    assert desk.mode() == "depth"


def test_a_key_that_is_taken_asks_first(desk: Desk) -> None:
    desk.user.type("?")
    desk.user.click("Keys/depth D")
    desk.user.key(imgui.Key.r)
    assert desk.program.settings.keys == {}
    desk.user.click("Keys/Leave it")
    assert desk.program.settings.keys == {}
    desk.user.click("Keys/depth D")
    desk.user.key(imgui.Key.r)
    desk.user.click("Keys/Use it here")
    assert desk.program.settings.keys == {"depth": ("R",), "record": ()}
    desk.user.click("Keys/record reset")
    assert desk.program.settings.keys == {"depth": ()}
    desk.user.click("Keys/Reset all")
    assert desk.program.settings.keys == {}


def test_escape_leaves_the_key_and_then_the_window(desk: Desk) -> None:
    desk.user.type("?")
    desk.user.click("Keys/turntable add")
    desk.user.key(imgui.Key.escape)
    assert "Help" in desk.user.registry.windows
    desk.user.key(imgui.Key.escape)
    assert "Help" not in desk.user.registry.windows
    assert desk.program.settings.keys == {}


def test_another_key_beside_the_first_and_away_again(desk: Desk) -> None:
    desk.user.type("?")
    desk.user.click("Keys/turntable add")
    desk.user.type("~")
    assert desk.program.settings.keys == {"turntable": ("Space", "~")}
    desk.user.click("Keys/turntable ~", button=1)
    assert desk.program.settings.keys == {}


def test_keys_are_found_by_name(desk: Desk) -> None:
    desk.user.type("?")
    desk.user.click("Keys/Filter")
    desk.user.type("turnt")
    chips = [name for name in desk.user.registry.rects if name.startswith("Keys/") and name.endswith(" add")]
    assert "Keys/turntable add" in chips
    assert not {"Keys/depth add", "Keys/quit add"} & set(chips)


# ------------------------------------------------------------------------------------------------ theme
def test_light_and_dark_at_run_time(desk: Desk) -> None:
    def ground() -> float:
        pixels = desk.user.screenshot()
        x, y = map(int, desk.user.rect("One").at(0.5, 0.9))
        return float(np.mean(pixels[y, x]))

    assert ground() < 60
    desk.user.click("Menu/Window")
    desk.user.click("Menu/Light theme")
    desk.user.frame(3)
    assert desk.program.settings.theme == "light"
    assert ground() > 200
    assert theme.TEXT[0] < 0.3
    desk.program.toggle_theme()
    desk.user.frame(2)
    assert ground() < 60


# ------------------------------------------------------------------------------------ keys after windows
@pytest.mark.parametrize("visit", ["palette", "keys", "menu", "dialog", "tour"])
def test_space_turns_again_after_a_window_was_used_by_keyboard(desk: Desk, visit: str) -> None:
    user = desk.user
    if visit == "palette":
        user.key(imgui.Key.p, imgui.Key.left_ctrl)
        user.type("over")
        user.key(imgui.Key.down_arrow)
        user.key(imgui.Key.up_arrow)
        user.key(imgui.Key.enter)
        assert not desk.program.overlays_visible
    elif visit == "keys":
        user.type("?")
        user.key(imgui.Key.down_arrow)
        user.key(imgui.Key.escape)
        assert not desk.program.help_open
    elif visit == "menu":
        user.click("Menu/Edit")
        user.key(imgui.Key.escape)
    elif visit == "dialog":
        desk.program.name_layout()
        user.frame(2)
        user.type("mine")
        user.key(imgui.Key.enter)
        assert desk.program.layouts.names == ["mine"]
    else:
        user.key(imgui.Key.f1)
        user.frame(3)
        user.key(imgui.Key.enter)
        assert desk.program.tour_step == 1
        user.key(imgui.Key.escape)
        assert desk.program.tour_step is None
    user.frame(2)
    user.key(imgui.Key.space)
    assert desk.playing()


# ---------------------------------------------------------------------------------------------- layouts
def split(desk: Desk) -> float:
    return desk.user.rect("One").width


def test_a_layout_is_saved_restored_and_deleted(desk: Desk) -> None:
    before = split(desk)
    desk.user.click("Menu/Window")
    desk.user.click("Menu/Save layout as …")
    desk.user.type("narrow")
    desk.user.click("Layout/Save")
    assert desk.program.layouts.names == ["narrow"]
    edge = desk.user.rect("One").right + 1.0
    desk.user.drag((edge, 300), (edge + 120, 300))
    assert split(desk) > before + 80
    desk.user.click("Menu/Window")
    desk.user.click("Menu/Restore layout")
    desk.user.click("Menu/Restore layout/narrow")
    desk.user.frame(4)
    assert split(desk) == pytest.approx(before, abs=2)
    assert desk.user.registry.windows.keys() >= {"One", "Two", "Viewport"}
    desk.user.click("Menu/Window")
    desk.user.click("Menu/Delete layout")
    desk.user.click("Menu/Delete layout/narrow")
    assert desk.program.layouts.names == []


def test_a_layout_needs_a_name_and_escape_leaves(desk: Desk) -> None:
    desk.program.name_layout()
    desk.user.frame(3)
    assert not desk.user.rect("Layout/Save").enabled
    desk.user.key(imgui.Key.enter)
    desk.user.key(imgui.Key.escape)
    assert "Save layout as" not in desk.user.registry.windows
    assert desk.program.layouts.names == []


# ------------------------------------------------------------------------------------------------- tour
def test_the_tour_goes_through_five_places_and_is_over(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()

    def step() -> int | None:
        return desk.program.tour_step

    assert len(STEPS) == TOUR_LENGTH
    assert "Tour" not in desk.user.registry.windows, "nobody asked for it"
    desk.user.key(imgui.Key.f1)
    desk.user.frame(3)
    window = desk.user.rect("Tour")
    picture = desk.user.rect("Viewport")
    assert picture.contains(window)
    assert not desk.user.rect("Tour/Back").enabled
    for _ in range(2):
        desk.user.click("Tour/Next")
    desk.user.click("Tour/Back")
    assert step() == 1
    for _ in range(3):
        desk.user.click("Tour/Next")
    desk.user.click("Tour/Done")
    assert step() is None
    assert "Tour" not in desk.user.registry.windows
    assert desk.program.settings.tour_seen


def test_the_tour_is_skipped_by_button_and_by_escape(desk: Desk) -> None:
    for leave in (lambda: desk.user.click("Tour/Skip"), lambda: desk.user.key(imgui.Key.escape)):
        desk.program.start_tour()
        desk.user.frame(3)
        assert "Tour" in desk.user.registry.windows
        leave()
        desk.user.frame()
        assert "Tour" not in desk.user.registry.windows


def test_the_picture_takes_the_mouse_during_the_tour(desk: Desk) -> None:
    desk.program.start_tour()
    desk.user.frame(3)
    picture = desk.user.rect("Viewport/Picture")
    desk.user.drag(picture.at(0.5, 0.3), picture.at(0.6, 0.3))
    assert desk.view.pose.source == "free"
    desk.user.key(imgui.Key.d)
    assert desk.mode() == "depth"


def test_choices_are_remembered() -> None:
    from tests.viz.stand_ins import StandInRendering
    from viz.program import Program
    from viz.surroundings import Surroundings

    program = Program(StandInRendering(), surroundings=Surroundings(remember=True))
    program.toggle_theme()
    program.set_keys({"depth": ("F2",)})
    program.end_tour()
    program.close()
    loaded = load_settings()
    assert (loaded.theme, loaded.keys, loaded.tour_seen) == ("light", {"depth": ("F2",)}, True)
    assert Settings().tour_seen is False
