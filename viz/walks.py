"""Walking along a path that was drawn on the seed map. Pure functions and values."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

Point = tuple[float, float]

NEAREST = 0.04
"""Points of a path are at least this far apart, seeds."""
MOST_POINTS = 2000
SPEEDS = (0.1, 4.0)
"""Slowest and fastest, seeds a second."""


@dataclass(frozen=True)
class WalkPath:
    """A line on the seed map."""

    points: tuple[Point, ...]
    """Columns and rows; at least one."""

    @cached_property
    def _ways(self) -> list[float]:
        ways = [0.0]
        for a, b in pairwise(self.points):
            ways.append(ways[-1] + math.dist(a, b))
        return ways

    @property
    def length(self) -> float:
        """Seeds."""
        return self._ways[-1]

    def at(self, position: float) -> Point:
        """The point after this share of the way, 0 … 1."""
        way = min(max(position, 0.0), 1.0) * self.length
        ways = self._ways
        i = min(bisect_right(ways, way), len(ways) - 1)
        if i == 0:
            return self.points[0]
        (x0, y0), (x1, y1) = self.points[i - 1], self.points[i]
        step = ways[i] - ways[i - 1]
        share = min((way - ways[i - 1]) / step, 1.0) if step > 0.0 else 0.0
        return (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)


@dataclass(frozen=True)
class Walk:
    """Where on its path a walk is, and whether it goes on: there, back, and there again."""

    path: WalkPath
    position: float = 0.0
    """0 … 1."""
    playing: bool = False
    backwards: bool = False
    speed: float = 0.5
    """Seeds a second."""

    @property
    def point(self) -> Point:
        """Where it is, as exactly as the seed map says it."""
        x, y = self.path.at(self.position)
        return round(x, 4), round(y, 4)

    def advanced(self, seconds: float) -> Walk:
        """The walk after some time, turned round at the ends."""
        length = self.path.length
        if length <= 0.0:
            return replace(self, playing=False)
        # Unfolded, there and back is a circle of twice the length.
        unfolded = (2.0 - self.position if self.backwards else self.position) + seconds * self.speed / length
        unfolded %= 2.0
        backwards = unfolded > 1.0
        return replace(self, position=2.0 - unfolded if backwards else unfolded, backwards=backwards)


def with_point(points: tuple[Point, ...], point: Point) -> tuple[Point, ...]:
    """The line drawn so far, on to the pen; a pen that has hardly moved adds nothing."""
    if len(points) >= MOST_POINTS or (points and math.dist(points[-1], point) < NEAREST):
        return points
    return (*points, point)


def smoothed(points: Iterable[Point], rounds: int = 2) -> WalkPath:
    """A path along a line drawn by hand, with its corners cut (Chaikin); both ends stay."""
    line = list(points)
    for _ in range(rounds):
        if len(line) < 3:
            break
        cut = [line[0]]
        for (x0, y0), (x1, y1) in pairwise(line):
            cut.append((0.75 * x0 + 0.25 * x1, 0.75 * y0 + 0.25 * y1))
            cut.append((0.25 * x0 + 0.75 * x1, 0.25 * y0 + 0.75 * y1))
        line = [*cut, line[-1]]
    return WalkPath(tuple(line))
