"""What holds for every panel: it draws whatever is known, and is locked while nothing is."""

from __future__ import annotations

import math

import pytest

from tests.widgets.situations import BUSY_VIEW, TITLES, contexts, panel_of
from tests.widgets.stage import Asked, Stage
from viz.frame import Pose
from viz.panel import PanelContext
from viz.view import View
from viz.window.offscreen import OffscreenWindow
from widgets import default_panels


@pytest.mark.parametrize("title", TITLES)
def test_draws_whatever_is_known_and_changes_nothing(window: OffscreenWindow, title: str) -> None:
    stage = Stage(window, panel_of(title), PanelContext(), size=(304, 300))
    for name, facts in contexts().items():
        for view in (View(), BUSY_VIEW):
            stage.context, stage.view = facts, view
            stage.frame(2)
            assert stage.view is view, f"{title} changed the view by drawing it, {name}"
            assert stage.calls == [], f"{title} asked for something by being drawn, {name}"


@pytest.mark.parametrize("title", TITLES)
def test_controls_are_locked_without_a_network(window: OffscreenWindow, title: str) -> None:
    stage = Stage(window, panel_of(title), PanelContext())
    free = {name for name, rect in stage.registry.rects.items() if rect.enabled}
    allowed = {"Checkpoint/Browse…", "Checkpoint/Address…", "Run/Browse…", "Capture/Save window"}
    assert free <= allowed, f"usable without a network: {free - allowed}"


def test_marks_carry_the_panel_and_a_label(window: OffscreenWindow) -> None:
    for panel in default_panels():
        stage = Stage(window, panel, contexts()["busy"], BUSY_VIEW)
        assert all(name.startswith(f"{panel.title}/") for name in stage.registry.rects), panel.title


def test_titles_are_distinct() -> None:
    assert len(set(TITLES)) == len(TITLES) == 10


def test_the_stand_in_remembers() -> None:
    asked = Asked()
    asked.go_to_pose(Pose(math.pi, 0.0))
    assert asked.calls == [("go_to_pose", Pose(math.pi, 0.0))]
