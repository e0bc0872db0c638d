"""Timing: medians of rounds, and several ways of the same work in turn, so that what else the machine does
meets all of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

_WARM_UP = 5
_SLOW_MS = 500.0
"""What takes longer is warm after one time."""
_WARM_UP_NUMBER = 10_000
"""Rounds before those that count go by other numbers."""
TOTAL = "total"


@dataclass(frozen=True)
class Timing:
    """One measured action, milliseconds."""

    name: str
    median: float
    p95: float
    """95th percentile."""
    p05: float = 0.0
    """5th percentile."""
    rounds: int = 0
    """How often it was measured."""


@dataclass(frozen=True)
class Pace:
    """How often something is measured: ``rounds`` times; fewer when the seconds are over, yet ``least``;
    fewer still when they are over three times.
    """

    rounds: int = 30
    seconds: float = 12.0
    least: int = 3
    warm_up: int = 3

    def goes_on(self, done: int, elapsed: float) -> bool:
        """Whether there is another round after so many, so many seconds after the first began."""
        least = self.least if elapsed < 3.0 * self.seconds else 1
        return done < least or (done < self.rounds and elapsed < self.seconds)


class Laps:
    """A stop-watch: each call ends a stage that began when the last one ended."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.milliseconds: dict[str, float] = {}
        self._began = self._last = self._now()

    def __call__(self, stage: str) -> None:
        """End a stage."""
        now = self._now()
        self.milliseconds[stage] = self.milliseconds.get(stage, 0.0) + (now - self._last) * 1e3
        self._last = now

    def stop(self) -> dict[str, float]:
        """Milliseconds by stage, and of everything."""
        return self.milliseconds | {TOTAL: (self._now() - self._began) * 1e3}

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


Action = Callable[[int], object]
StagedAction = Callable[[int, Laps], object]
_CPU = torch.device("cpu")


def summary(name: str, milliseconds: list[float]) -> Timing:
    """Median and percentiles."""
    p05, median, p95 = np.percentile(milliseconds, [5, 50, 95]).tolist()
    return Timing(name, median, p95, p05, len(milliseconds))


def measure(name: str, action: Action, rounds: int, warm_up: int = _WARM_UP) -> Timing:
    """Time ``action(i)`` for distinct i, the first ``warm_up`` of which do not count."""
    times = []
    for i in range(warm_up + rounds):
        began = time.perf_counter()
        action(i)
        times.append((time.perf_counter() - began) * 1e3)
    return summary(name, times[warm_up:])


def power_law(numbers: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """(p, f) of values ≈ f · numberᵖ, by least squares on the logarithms; NaN of fewer than two points."""
    if len(numbers) < 2:
        return math.nan, math.nan
    power, offset = np.polyfit(np.log(numbers), np.log(values), 1).tolist()
    return power, math.exp(offset)


def staged_in_turn(
    actions: Mapping[str, StagedAction], pace: Pace, device: torch.device = _CPU
) -> dict[str, dict[str, Timing]]:
    """Time actions in turn: first, second, first, second, …

    Parameters
    ----------
    actions : mapping
        By name; each gets the number of the round, the same for all, and laps to end its stages with.
    pace : Pace
        How often.
    device : torch.device
        Whose queue is waited for.

    Returns
    -------
    dict
        By action, then by stage; :data:`TOTAL` is the whole action.
    """
    found: dict[str, dict[str, list[float]]] = {name: {} for name in actions}

    def run(i: int, name: str) -> dict[str, float]:
        laps = Laps(device)
        actions[name](i, laps)
        return laps.stop()

    for name in actions:
        for i in range(pace.warm_up):
            if run(_WARM_UP_NUMBER + i, name)[TOTAL] > _SLOW_MS:
                break
    began, done = time.perf_counter(), 0
    while pace.goes_on(done, time.perf_counter() - began):
        for name, times in found.items():
            for stage, milliseconds in run(done, name).items():
                times.setdefault(stage, []).append(milliseconds)
        done += 1
    return {
        name: {stage: summary(stage, values) for stage, values in times.items()}
        for name, times in found.items()
    }


def in_turn(actions: Mapping[str, Action], pace: Pace, device: torch.device = _CPU) -> dict[str, Timing]:
    """The same for actions without stages."""

    def staged(action: Action) -> StagedAction:
        return lambda i, _: action(i)

    measured = staged_in_turn({name: staged(action) for name, action in actions.items()}, pace, device)
    return {name: stages[TOTAL] for name, stages in measured.items()}
