"""Every control says what it is for when the mouse rests on it."""

from __future__ import annotations

import pytest
from imgui_bundle import imgui

from tests.widgets.situations import BUSY_VIEW, TITLES, contexts, panel_of
from tests.widgets.stage import Stage
from viz.window.offscreen import OffscreenWindow

SELF_EXPLAINING = {
    "Progress",  # bars that carry their text
    "Message",
    "What is inside",  # headings that unfold
    "Map",  # the panel's own line below it says what a click does
    "Sphere",
    "Ruler",  # what is there to be done is written on an empty timeline
    "Track",
    "Search",  # a bar that carries its text
    "Poses",
    "Training",  # a heading of the provenance
}


def tooltip_shows() -> bool:
    window = imgui.internal.find_window_by_name("##Tooltip_00")
    return window is not None and bool(window.active)


@pytest.mark.parametrize("title", TITLES)
def test_every_control_has_a_tooltip(window: OffscreenWindow, title: str) -> None:
    silent = set()
    for name in ("full", "busy", "run", "conditioned"):
        stage = Stage(window, panel_of(title), contexts()[name], BUSY_VIEW, size=(304, 1400))
        for control, rect in list(stage.registry.rects.items()):
            label = control.partition("/")[2]
            if label in SELF_EXPLAINING or (label.endswith(" reset") and not rect.enabled):
                continue  # what resets nothing does not show
            stage.window.on_mouse_leave()
            stage.frame()
            stage.move(*rect.at(0.5, 0.5))
            usual, window.frame_seconds = window.frame_seconds, 0.3
            stage.frame(3)
            window.frame_seconds = usual
            if not tooltip_shows():
                silent.add(control)
    assert silent == set(), "these controls say nothing about themselves"
