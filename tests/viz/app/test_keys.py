"""Keys, menus and text fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from imgui_bundle import imgui

from tests.viz.app.conftest import Desk
from tests.viz.stand_ins import picture
from viz.key_window import lines_of
from viz.keymap import Keymap

pytestmark = pytest.mark.window


def test_brackets_step_through_seeds(desk: Desk) -> None:
    desk.user.type("]]")
    assert desk.view.latent.seed == 2
    desk.user.type("[")
    assert desk.view.latent.seed == 1
    desk.user.type("[[")
    assert desk.view.latent.seed == 2**32 - 1


def test_d_shows_depth_and_its_legend(desk: Desk) -> None:
    assert "Overlay/Depth legend" not in desk.user.registry.rects
    desk.user.key(imgui.Key.d)
    assert desk.mode() == "depth"
    assert "Overlay/Depth legend" in desk.user.registry.rects
    desk.user.key(imgui.Key.d)
    assert desk.mode() == "rgb"


def test_h_hides_the_overlays(desk: Desk) -> None:
    assert "Overlay/Poses" in desk.user.registry.rects
    desk.user.key(imgui.Key.h)
    assert not [name for name in desk.user.registry.rects if name.startswith("Overlay/")]
    desk.user.key(imgui.Key.h)
    assert "Overlay/Poses" in desk.user.registry.rects


def test_p_goes_through_the_poses(desk: Desk) -> None:
    seen = []
    for _ in range(3):
        desk.user.key(imgui.Key.p)
        seen.append(desk.view.pose.source)
    assert seen == ["override", "free", "predicted"]


def test_space_turns(desk: Desk) -> None:
    desk.user.key(imgui.Key.space)
    first = desk.view
    desk.user.frame(6)
    assert desk.view.pose.source == "free"
    assert desk.view.camera.yaw != first.camera.yaw
    desk.user.key(imgui.Key.space)
    assert not desk.playing()


def test_r_records_and_stops(desk: Desk) -> None:
    desk.user.key(imgui.Key.r)
    assert len(desk.recording.started) == 1
    desk.user.frame()
    assert "Overlay/Recording" in desk.user.registry.rects
    desk.user.key(imgui.Key.r)
    assert desk.recording.state is not None
    assert desk.recording.state.status == "cancelled"


def test_the_badge_of_a_recording_covers_nothing(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(size=(760, 420))
    desk.user.key(imgui.Key.r)
    desk.user.frame()
    badge, poses = (desk.user.rect(f"Overlay/{name}") for name in ("Recording", "Poses"))
    assert badge.left > poses.right or badge.top > poses.bottom


def saved(desk: Desk, folder: Path) -> list[str]:
    desk.user.wait_until(lambda: "Saved" in desk.program.notices.message, 20.0)
    return sorted(path.name for path in folder.iterdir())


def test_s_saves_the_picture(desk: Desk, tmp_path: Path) -> None:
    desk.user.key(imgui.Key.s)
    assert saved(desk, tmp_path / "out") == ["good-seed0.png"]


def test_s_is_remembered_until_there_is_a_picture(desk: Desk, tmp_path: Path) -> None:
    desk.program.frame = None
    desk.user.key(imgui.Key.s)
    desk.rendering.answer(picture(desk.view))
    assert saved(desk, tmp_path / "out") == ["good-seed0.png"]


def test_shift_s_saves_the_window(desk: Desk, tmp_path: Path) -> None:
    from PIL import Image

    desk.user.key(imgui.Key.s, imgui.Key.left_shift)
    assert saved(desk, tmp_path / "out") == ["good-seed0-window.png"]
    assert Image.open(tmp_path / "out" / "good-seed0-window.png").size == (1000, 600)


def test_modifiers_count_when_they_are_let_go_early(desk: Desk) -> None:
    desk.user.type("]")
    desk.window.on_key(imgui.Key.left_ctrl, True)
    desk.user.frame()
    for key, down in ((imgui.Key.z, True), (imgui.Key.left_ctrl, False), (imgui.Key.z, False)):
        desk.window.on_key(key, down)
    desk.user.frame(4)
    assert desk.view.latent.seed == 0
    assert not imgui.get_io().key_ctrl


def test_a_picture_of_the_window_shows_no_menu(desk: Desk, tmp_path: Path) -> None:
    from PIL import Image

    desk.user.click("Menu/File")
    desk.user.click("Menu/Save window")
    saved(desk, tmp_path / "out")
    desk.program.notices.message = ""
    desk.user.move((500, 590))
    plain = desk.user.screenshot()
    kept = np.asarray(Image.open(tmp_path / "out" / "good-seed0-window.png"))
    assert (kept[:150, :300] == plain[:150, :300]).all()


def test_question_mark_lists_the_keys(desk: Desk) -> None:
    desk.user.type("?")
    assert "Help" in desk.user.registry.windows
    desk.user.key(imgui.Key.escape)
    assert "Help" not in desk.user.registry.windows
    desk.user.type("?")
    desk.user.click((10, 590))
    assert "Help" not in desk.user.registry.windows
    listed = [what for _, lines in lines_of(Keymap()) for what, _ in lines]
    for key in ("Space", "[", "]", "D", "H", "P", "S", "R", "Ctrl+Z", "Ctrl+Y, Ctrl+Shift+Z", "?", "Esc"):
        assert key in listed


def test_only_what_the_window_takes_can_be_dropped(desk: Desk) -> None:
    listed = []
    for drops in (True, False):
        desk.program.surroundings.drops = drops
        desk.user.type("?")
        desk.user.frame(2)
        listed.append("Keys/Drop a file" in desk.user.registry.rects)
        assert "Keys/Wheel" in desk.user.registry.rects
        assert desk.program.context(np.zeros(0, np.float32), 1.0).drops == drops
        desk.user.key(imgui.Key.escape)
        desk.user.frame(2)
    assert listed == [True, False]


def test_keys_typed_into_a_field_are_text(desk: Desk) -> None:
    before = desk.view
    desk.user.click("One/Text")
    desk.user.key(imgui.Key.d)
    desk.user.key(imgui.Key.space)
    desk.user.type("dhp[]? rs")
    assert desk.panels[0].text == "dhp[]? rs"
    assert desk.view == before
    assert not desk.playing()
    assert not desk.program.help_open
    desk.user.click((500, 300))
    desk.user.key(imgui.Key.d)
    assert desk.mode() == "depth"


def test_copy_and_paste(desk: Desk) -> None:
    desk.user.click("One/Text")
    desk.user.type("ψ = 0.7")
    desk.user.key(imgui.Key.a, imgui.Key.left_ctrl)
    desk.user.key(imgui.Key.c, imgui.Key.left_ctrl)
    assert desk.window.clipboard == "ψ = 0.7"
    desk.user.click("Two/Text")
    desk.user.key(imgui.Key.v, imgui.Key.left_ctrl)
    assert desk.panels[1].text == "ψ = 0.7"


def test_menus(desk: Desk) -> None:
    desk.user.click("Menu/Window")
    desk.user.click("Menu/Overlays")
    assert not desk.program.overlays_visible
    desk.user.click("Menu/Help")
    desk.user.click("Menu/Keys and mouse")
    assert "Help" in desk.user.registry.windows
    desk.user.key(imgui.Key.escape)
    desk.user.click("Menu/File")
    desk.user.click("Menu/Quit")
    assert desk.window.should_close
