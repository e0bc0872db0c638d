"""The Run panel: what it says of a run, and what it asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pof3d.training.samples import PoseStatistics
from tests.viz.run_folders import listing, record, snapshot
from tests.widgets.stage import Stage, context
from viz.panel import LoadingState, RunState
from viz.runs import PoseCurve, RunListing
from viz.window.offscreen import OffscreenWindow
from widgets import run as panel
from widgets.run import RunPanel

FOLDER = Path("/runs/cats")


def found() -> RunListing:
    poses = PoseStatistics(0.0, 0.4, 0.0, 0.2)
    return listing(
        *(replace(snapshot(kimg, recorded=record(kimg)), poses=poses) for kimg in (4, 8, 12, 16, 20))
    )


def state(**changes: object) -> RunState:
    return replace(RunState(FOLDER, True, found(), 4, 75.0), **changes)  # type: ignore[arg-type]


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, RunPanel(), context(run=state()), size=(304, 360))


# -------------------------------------------------------------------------------------- without a window
@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "just now"),
        (59.0, "59 s ago"),
        (60.0, "1 min ago"),
        (3599.0, "59 min ago"),
        (7300.0, "2 h ago"),
        (3 * 86400.0, "3 days ago"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert panel.age_text(seconds) == text


def test_counts() -> None:
    assert panel.count_text(listing(snapshot(4), snapshot(8))) == "2"
    assert panel.count_text(listing(snapshot(4, "gone"), snapshot(8))) == "2, 1 without network"
    assert panel.count_text(listing(snapshot(4, "gone"))) == "1, none with a network"


def test_facts() -> None:
    facts = {what: value for what, value, _ in panel.run_facts(state(), found(), found().snapshots[1])}
    assert facts == {"Snapshots": "5", "Newest": "1 min ago", "Shown": "8,000 images, 8:00 min"}
    bare = panel.run_facts(state(age=None), found(), snapshot(80))
    assert [value for _, value, _ in bare] == ["5", "80,000 images"]


def test_the_axis_holds_all_spreads() -> None:
    numbers = [
        np.array(values) for values in ([1.0, 2.0], [0.0, -5.0], [20.0, 31.0], [4.0, 2.0], [10.0, 9.0])
    ]
    assert panel.limits(PoseCurve(*numbers)) == (-40.0, 30.0)
    still = PoseCurve(numbers[0], *(np.zeros(2) for _ in range(4)))
    assert panel.limits(still) == (-10.0, 10.0)


def test_ticks_are_round_few_and_readable() -> None:
    assert panel.kimg_ticks(2.0, 80.0) == [20.0, 40.0, 60.0]
    assert panel.kimg_ticks(4.0, 8.0) == [4.0, 5.0, 6.0, 7.0]
    assert panel.kimg_ticks(0.0, 25_000.0) == [0.0, 10_000.0, 20_000.0]
    assert panel.kimg_ticks(4.0, 4.0) == [4.0]


def test_the_nearest_snapshot() -> None:
    assert [panel.nearest(found(), kimg) for kimg in (-5.0, 9.9, 10.1, 99.0)] == [0, 1, 2, 4]


# ----------------------------------------------------------------------------------------- with a window
def test_the_slider_chooses_a_snapshot(stage: Stage) -> None:
    stage.click("Run/Snapshot", (0.5, 0.5))
    assert stage.calls == [("choose_snapshot", 2)]


def test_following_is_switched(stage: Stage) -> None:
    box = stage.rect("Run/Follow")
    stage.click("Run/Follow", (0.1, 0.5))
    assert stage.calls == [("follow_run", False)]
    stage.calls.clear()
    stage.context = context(run=state(following=False))
    stage.frame(2)
    stage.click("Run/Follow", (0.1, 0.5))
    assert stage.calls == [("follow_run", True)]
    assert box.enabled


def test_a_click_in_the_plot_chooses_the_nearest_snapshot(stage: Stage) -> None:
    """From 4 k at the left to 20 k at the right: the middle is 12 k, a tenth is 5.6 k."""
    for at, index in ((0.5, 2), (0.1, 0), (0.97, 4)):
        stage.calls.clear()
        stage.click("Run/Poses", (at, 0.5))
        assert stage.calls == [("choose_snapshot", index)]


def test_the_run_is_closed(stage: Stage) -> None:
    stage.click("Run/Close")
    assert stage.calls == [("close_run",)]


def test_a_message_is_shown(stage: Stage) -> None:
    assert not stage.has("Run/Message")
    stage.context = context(run=state(message="Its network is gone."))
    stage.frame(2)
    assert stage.has("Run/Message")


def test_without_snapshots_there_is_nothing_to_choose(stage: Stage) -> None:
    stage.forget()
    for listed in (None, listing()):
        stage.context = context(run=RunState(FOLDER, True, listed, message="Waiting for the first snapshot."))
        stage.frame(2)
        assert stage.has("Run/Message")
        assert not stage.has("Run/Snapshot")
        assert not stage.has("Run/Poses")


def test_one_snapshot_and_one_on_its_way(stage: Stage) -> None:
    stage.forget()
    loading = LoadingState(FOLDER / "network-000004.safetensors", 0.3, "reading")
    stage.context = context(run=RunState(FOLDER, True, listing(snapshot(4)), 0, 3.0, loading))
    stage.frame(2)
    assert stage.has("Run/Snapshot")
    assert not stage.has("Run/Poses"), "one point is no curve"


def test_a_folder_is_chosen_in_the_browser(stage: Stage, tmp_path: Path) -> None:
    run = tmp_path / "cats"
    run.mkdir()
    stage.context = replace(context(run=None), last_folder=tmp_path)
    stage.frame(2)
    stage.click("Run/Browse…")
    stage.wait_until(lambda: stage.has("Browser/cats"))
    assert not stage.has("Browser/Follow this run")
    for name in ("config.json", "log.jsonl"):
        (run / name).touch()
    stage.click("Browser/cats", count=2)
    stage.wait_until(lambda: stage.has("Browser/Follow this run"))
    stage.click("Browser/Follow this run")
    assert stage.calls == [("open_checkpoint", run)]
