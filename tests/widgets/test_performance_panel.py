"""The Performance panel: summaries, threads and device."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from tests.widgets.stage import Stage, context, performance
from viz.window.offscreen import OffscreenWindow
from widgets.performance import PerformancePanel, plot_limit, summarise


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, PerformancePanel(), context(), size=(304, 480))


def test_summaries() -> None:
    summary = summarise(np.arange(1, 102, dtype=np.float32))
    assert summary is not None
    assert (summary.median, summary.p99) == (51.0, 100.0)
    assert summarise(np.zeros(0, np.float32)) is None
    assert summarise(np.full(3, np.nan, np.float32)) is None


@pytest.mark.parametrize(
    ("values", "limit"), [([], 5.0), ([3.0], 5.0), ([4.9], 10.0), ([40.0], 50.0), ([170.0], 200.0)]
)
def test_scales_are_round(values: list[float], limit: float) -> None:
    assert plot_limit(np.array(values, np.float32), 5.0) == limit


@pytest.mark.parametrize("values", [[300.0] * 8 + [570.0, 698.0], [20.0] * 200 + [698.0], [500.0, 510.0]])
def test_the_curve_ends_below_the_top(values: list[float]) -> None:
    times = np.array(values, np.float32)
    summary = summarise(times)
    assert summary is not None
    assert summary.p99 <= times.max() < plot_limit(times, 5.0) <= 5 * times.max()


def test_scales_survive_gaps() -> None:
    assert plot_limit(np.array([np.nan, 3.0], np.float32), 5.0) == 5.0
    assert plot_limit(np.array([np.nan], np.float32), 5.0) == 5.0


def test_threads_are_clamped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    stage.frame()
    stage.type_into("Performance/Threads", "100")
    assert stage.calls == [("set_threads", 8)]


def test_one_core_leaves_no_choice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    stage.frame()
    assert not stage.rect("Performance/Threads").enabled


def test_devices(stage: Stage) -> None:
    stage.click("Performance/Device")
    stage.click("Performance/Device: cuda:0")
    assert stage.calls == [("set_device", "cuda:0")]
    stage.context = context(performance=replace(performance(), device="cuda:0"))
    stage.click("Performance/Device")
    stage.click("Performance/Device: cuda:0")
    assert len(stage.calls) == 1


def test_memory_has_a_budget(window: OffscreenWindow) -> None:
    stage = Stage(window, PerformancePanel(), context(), size=(304, 620))
    stage.click("Performance/Budget")
    stage.click("Performance/Budget: 4.0 GiB")
    assert stage.calls == [("set_memory_budget", 4096)]
    stage.context = context(performance=replace(performance(), memory_budget=4096 * 2**20))
    stage.frame(2)
    stage.click("Performance/Budget")
    stage.click("Performance/Budget: 4.0 GiB")
    assert len(stage.calls) == 1
