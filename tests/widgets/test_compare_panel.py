"""The Compare panel: panes, layouts, and grids."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from imgui_bundle import imgui

from tests.widgets.situations import LONG, _comparison
from tests.widgets.stage import Stage, context
from viz.comparing import CompareState, Comparison, GridPlan, pinned, shown_views, synced
from viz.jobs import JobState
from viz.pane_names import names
from viz.panel import PanelContext
from viz.view import DisplayView, LatentView, View
from viz.window.offscreen import OffscreenWindow
from widgets.compare import ComparePanel, describe_grid

FIRST, SECOND = View(), View(latent=LatentView(5))


def state(comparison: Comparison | None = None, **changes: Any) -> CompareState:
    if comparison is None:
        comparison = synced(pinned(Comparison(), FIRST), SECOND)
    return replace(
        CompareState(comparison, (FIRST, SECOND), names(comparison, shown_views(comparison, SECOND))),
        **changes,
    )


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    stage = Stage(window, ComparePanel(), context(comparison=state()), size=(304, 560))
    stage.view = SECOND
    return stage


def show(stage: Stage, comparison: CompareState) -> None:
    stage.context = context(comparison=comparison)
    stage.forget()
    stage.frame(2)
    stage.calls.clear()


def test_layouts(stage: Stage) -> None:
    comparison = stage.context.comparison.comparison
    stage.click("Compare/Layout: Wipe")
    stage.click("Compare/Layout: Off")
    stage.click("Compare/Layout: Panes")
    assert stage.calls == [
        ("change_comparison", replace(comparison, layout="wipe")),
        ("change_comparison", replace(comparison, shown=False)),
    ]


def test_without_panes_a_layout_asks_for_one(stage: Stage) -> None:
    show(stage, CompareState())
    stage.click("Compare/Layout: Difference")
    assert stage.calls == [("change_comparison", Comparison(shown=True, layout="difference"))]
    assert not stage.has("Compare/Pane 1")


def test_panes(stage: Stage) -> None:
    stage.click("Compare/Pin this view")
    stage.click("Compare/Pane 1")
    stage.click("Compare/Pane 2")  # it is active already
    stage.click("Compare/Pane 2 remove")
    stage.click("Compare/Save comparison")
    asked = [("pin_view",), ("activate_pane", 0), ("remove_pane", 1), ("save_comparison",)]
    assert stage.calls == asked


def test_four_panes_are_all(stage: Stage) -> None:
    show(stage, _comparison())
    assert not stage.rect("Compare/Pin this view").enabled
    assert stage.has("Compare/Pane 4")


def test_settings(stage: Stage) -> None:
    comparison = stage.context.comparison.comparison
    stage.click("Compare/Link cameras")
    assert stage.calls == [("change_comparison", replace(comparison, linked=False))]
    assert not stage.has("Compare/Scale")
    difference = _comparison()
    show(stage, difference)
    stage.type_into("Compare/Scale", "12")
    assert stage.calls == [("change_comparison", replace(difference.comparison, gain=12.0))]
    show(stage, difference)
    stage.click("Compare/Colours: gray")
    assert stage.calls == [("change_comparison", replace(difference.comparison, color_map="gray"))]


def test_what_the_active_pane_is_set_against(stage: Stage) -> None:
    three = pinned(replace(stage.context.comparison.comparison, layout="wipe"), SECOND)
    panes = state(three, views=(FIRST, SECOND, SECOND), names=("cats", "dogs", "birds"))
    show(stage, panes)
    stage.click("Compare/Against")
    assert not stage.has("Compare/Against: birds"), "the active one"
    stage.click("Compare/Against: dogs")
    assert stage.calls[-1] == ("change_comparison", replace(three, partner_key=three.panes[1].key))


def test_a_grid(stage: Stage) -> None:
    stage.type_into("Compare/Seeds", "3")
    assert stage.calls == [("plan_grid", GridPlan(seeds=3))]
    show(stage, state(grid=GridPlan(seeds=3)))
    stage.type_into("Compare/Yaws", "99")
    assert stage.calls == [("plan_grid", GridPlan(seeds=3, yaws=15))]
    show(stage, state())
    stage.click("Compare/Cell")
    stage.click("Compare/Cell: 64²")
    stage.click("Compare/Save grid")
    assert stage.calls == [("plan_grid", GridPlan(cell=64)), ("save_grid",)]
    show(stage, state())
    low = stage.rect("Compare/Range").at(0.25, 0.5)
    stage.move(*low)
    stage.window.on_key(imgui.Key.left_ctrl, True)
    stage.press(True)
    stage.press(False)
    stage.window.on_key(imgui.Key.left_ctrl, False)
    stage.key(imgui.Key.a, imgui.Key.left_ctrl)
    stage.type("-90")
    stage.key(imgui.Key.enter)
    stage.frame(2)
    assert stage.calls[-1][1].first_yaw == pytest.approx(math.radians(-90))


def test_a_grid_under_way_can_only_be_cancelled(stage: Stage) -> None:
    show(stage, state(job=JobState("Grid", 0.4, "12 / 30")))
    assert not stage.has("Compare/Save grid")
    stage.click("Compare/Seeds")
    stage.click("Compare/Cancel")
    assert stage.calls == [("cancel_grid",)]
    show(stage, state(job=JobState("Grid", 1.0, status="finished"), saved=Path(LONG)))
    assert stage.has("Compare/Save grid")


def test_nothing_can_be_compared_without_a_picture(stage: Stage) -> None:
    stage.context = PanelContext()
    stage.forget()
    stage.frame(2)
    stage.click("Compare/Pin this view")
    stage.click("Compare/Layout: Wipe")
    stage.click("Compare/Save grid")
    assert stage.calls == []


def test_sizes() -> None:
    assert describe_grid(GridPlan(), View()) == "6 × 5, about 960 × 1152 pixels"
    wide = View(display=DisplayView("side_by_side"))
    assert describe_grid(GridPlan(2, 3, cell=64), wide) == "2 × 3, about 384 × 128 pixels"
