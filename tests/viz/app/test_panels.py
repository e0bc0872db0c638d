"""Panels: where they are, and what happens when one fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import combinations

import pytest
from imgui_bundle import imgui

import visualizer
from tests.viz.app.conftest import Desk
from viz.marks import Rect
from viz.window.base import MINIMUM_SIZE

pytestmark = pytest.mark.window


@pytest.mark.parametrize(
    ("size", "scale"), [((1280, 720), 1.0), ((1920, 1080), 1.0), ((2560, 1440), 2.0), (MINIMUM_SIZE, 1.0)]
)
@pytest.mark.parametrize("mode", ["rgb", "depth"])
def test_nothing_overlaps_and_nothing_is_cut(
    make_desk: Callable[..., Desk], size: tuple[int, int], scale: float, mode: str
) -> None:
    desk = make_desk(size, scale, placements=visualizer.placements())
    if mode == "depth":
        desk.user.key(imgui.Key.d)
    desk.program.notify("Saved /pictures/of/somebody/and/many/cats/toy-cats-seed123.png")
    desk.program.drop([])
    desk.user.frame(4)
    whole = Rect(0, 0, *size)
    windows = desk.user.registry.windows
    assert {"Viewport", "Latent", "Pose", "View", "Pose histogram"} <= set(windows)
    for name, rect in windows.items():
        assert whole.contains(rect), name
    for (a, first), (b, second) in combinations(windows.items(), 2):
        assert not first.overlaps(second), f"{a} and {b}"
    overlays = {name: r for name, r in desk.user.registry.rects.items() if name.startswith("Overlay/")}
    assert len(overlays) >= 4
    for name, rect in overlays.items():
        assert windows["Viewport"].contains(rect), name
    for (a, first), (b, second) in combinations(overlays.items(), 2):
        assert not first.overlaps(second), f"{a} and {b}"


ESSENTIAL = (
    "Latent/Seed",
    "Latent/Seed map",
    "Latent/Truncation ψ",
    "Pose/Source: Predicted",
    "Pose/Source: Free orbit",
    "Pose/Yaw",
    "Pose/Pitch",
    "Pose/Reset to predicted",
    "View/Mode: RGB",
    "View/Mode: Depth",
    "Pose histogram/Map",
)


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_what_is_used_most_shows_without_scrolling(
    make_desk: Callable[..., Desk], size: tuple[int, int]
) -> None:
    desk = make_desk(size, placements=visualizer.placements())
    for name in ESSENTIAL:
        panel = desk.user.registry.windows[name.split("/", 1)[0]]
        assert panel.contains(desk.user.rect(name)), name


def test_every_panel_can_be_brought_to_the_front(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk((1280, 720), placements=visualizer.placements())
    for placement in visualizer.placements():
        desk.program.panels_open.add(placement.panel.title)
        desk.app._host.show(placement.panel.title)
        desk.user.frame(4)
        assert placement.panel.title in desk.user.registry.windows


def test_a_failing_panel_harms_nobody(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.panels[0].fail = True
    with caplog.at_level(logging.ERROR):
        desk.user.frame(5)
    assert len([r for r in caplog.records if "The panel One failed" in r.getMessage()]) == 1
    # The other panel, the picture and the same panel go on.
    desk.user.click("Two/Press")
    assert desk.panels[1].presses == 1
    desk.user.click("One/Press")
    assert desk.panels[0].presses == 1
    desk.user.type("]")
    assert desk.view.latent.seed == 1
    desk.panels[0].fail = False
    desk.user.frame(3)


def test_the_arrangement_is_kept_and_reset(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    edge = desk.user.rect("One").right + 1.5
    desk.user.drag((edge, 300), (edge + 90, 300))
    wide = desk.user.rect("One").width
    assert wide > 370
    layout = desk.app.layout
    desk.app.close()
    desk.window.close()
    again = make_desk(layout=layout)
    assert again.user.rect("One").width == pytest.approx(wide, abs=2)
    again.user.click("Menu/Window")
    again.user.click("Menu/Reset panels")
    again.user.frame(4)
    assert again.user.rect("One").width == pytest.approx(304, abs=2)


def test_columns_keep_their_width_when_the_window_grows(desk: Desk) -> None:
    before = desk.user.rect("One").width
    desk.window.resize((1400, 900))
    desk.user.frame(4)
    assert desk.user.rect("One").width == pytest.approx(before, abs=2)
    assert desk.user.rect("Viewport").width > 700
    pixels = desk.user.screenshot()
    assert pixels.shape == (900, 1400, 3)


def test_another_scale_takes_effect_at_once(desk: Desk) -> None:
    small = desk.user.rect("One/Press").height
    desk.window._scale = 2.0
    desk.user.frame(4)
    assert desk.user.rect("One/Press").height == pytest.approx(2 * small, rel=0.1)
