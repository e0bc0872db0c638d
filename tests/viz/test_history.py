"""Undo and redo."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from viz.comparing import Comparison, pinned, synced
from viz.history import COALESCE_SECONDS, History, Moment
from viz.timeline import Timeline
from viz.view import CameraView, LatentView, View


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def view(x: float) -> View:
    return View(latent=LatentView(x=x))


def seed(x: float) -> Moment:
    return Moment(view(x))


def begin() -> tuple[History, Clock]:
    clock = Clock()
    return History(seed(0), clock=clock), clock


def test_steps_back_and_forth() -> None:
    history, clock = begin()
    assert not history.can_undo
    assert history.undo() is None
    for x in (1, 2, 3):
        clock.now += 10
        history.record(seed(x))
    assert [history.undo(), history.undo()] == [seed(2), seed(1)]
    assert history.can_redo
    assert history.redo() == seed(2)
    history.record(seed(9))
    assert history.redo() is None
    assert [history.undo(), history.undo(), history.undo()] == [seed(2), seed(1), seed(0)]
    assert history.undo() is None


def test_recording_the_same_view_is_no_step() -> None:
    history, _ = begin()
    for _ in range(5):
        history.record(seed(0))
    assert not history.can_undo


def test_a_drag_is_one_step_however_long() -> None:
    history, clock = begin()
    for i in range(100):
        clock.now += 1.0
        history.record(seed(i / 10 + 0.1), gesture="drag 1")
    for i in range(100):
        history.record(seed(20 + i), gesture="drag 2")
    assert history.undo() == seed(10.0)
    assert history.undo() == seed(0)


def test_quick_changes_of_the_same_slice_are_one_step() -> None:
    history, clock = begin()
    for x in (1, 2, 3):
        clock.now += COALESCE_SECONDS / 2
        history.record(seed(x))
    turned = Moment(replace(view(3), camera=CameraView(yaw=1.0)))
    history.record(turned)  # at once, but something else
    clock.now += 2 * COALESCE_SECONDS
    history.record(Moment(replace(view(3), camera=CameraView(yaw=2.0))))
    assert [history.undo(), history.undo(), history.undo()] == [turned, seed(3), seed(0)]


def test_nothing_joins_a_step_that_was_undone() -> None:
    history, _ = begin()
    history.record(seed(1), gesture="a")
    history.undo()
    history.record(seed(2), gesture="a")
    assert history.undo() == seed(0)


def test_amending_is_no_step() -> None:
    history, _ = begin()
    history.record(seed(1), gesture="a")
    history.amend(view(1.5))
    assert history.undo() == seed(0)
    assert history.redo() == seed(1.5)


def test_timelines_are_part_of_it() -> None:
    history, clock = begin()
    one, two = Timeline(fps=24), Timeline(fps=60)
    history.record(Moment(view(0), one))
    history.record(Moment(view(1), one))  # at once, but something else
    clock.now += 10
    for fps in (30, 40, 60):
        history.record(Moment(view(1), Timeline(fps=fps)), "drag")
    assert history.present == Moment(view(1), two)
    assert history.undo() == Moment(view(1), one)
    assert history.undo() == Moment(view(0), one)
    assert history.undo() == Moment(view(0), Timeline())
    for _ in range(3):
        history.redo()
    assert history.present == Moment(view(1), two)
    history.amend(view(7))
    assert history.present == Moment(view(7), two)


def test_comparisons_are_part_of_it() -> None:
    history, _ = begin()
    both = pinned(Comparison(), view(0))
    history.record(Moment(view(0), comparison=both), "pin")
    history.record(Moment(view(3), comparison=both), "drag")
    assert history.present.comparison == synced(both, view(3)), "the active pane is the View"
    history.record(Moment(view(3), comparison=replace(both, linked=False)))
    history.record(Moment(view(3), comparison=replace(both, linked=False, gain=8.0)))  # at once, but another
    assert history.undo() == Moment(view(3), comparison=replace(synced(both, view(3)), linked=False))
    history.undo()
    assert history.undo() == Moment(view(0), comparison=both)
    assert history.undo() == seed(0)
    assert not history.can_undo


def test_the_oldest_steps_are_forgotten() -> None:
    history = History(seed(0), limit=3)
    for x in range(1, 10):
        history.record(seed(x), gesture=x)
    undone = [history.undo() for _ in range(5)]
    assert undone == [seed(8), seed(7), seed(6), None, None]


@given(st.lists(st.integers(0, 4) | st.sampled_from(("undo", "redo")), max_size=40))
def test_redo_undoes_undo(actions: list[int | str]) -> None:
    history, _ = begin()
    for number, action in enumerate(actions):
        if action == "undo":
            before, possible = history.present, history.can_undo
            history.undo()
            if possible:
                assert history.redo() == before
                history.undo()
        elif action == "redo":
            history.redo()
        else:
            history.record(seed(float(action)), gesture=number)
        assert history.present is not None
