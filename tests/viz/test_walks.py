"""Paths on the seed map and walking along them."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz.walks import MOST_POINTS, Walk, WalkPath, smoothed, with_point

CORNER = WalkPath(((0.0, 0.0), (3.0, 0.0), (3.0, 1.0)))
POINTS = st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=1, max_size=20)


def test_the_way_is_measured_along_the_path() -> None:
    assert CORNER.length == 4.0
    assert [CORNER.at(share) for share in (0.0, 0.25, 0.75, 0.875, 1.0)] == [
        (0.0, 0.0),
        (1.0, 0.0),
        (3.0, 0.0),
        (3.0, 0.5),
        (3.0, 1.0),
    ]
    assert CORNER.at(-1.0) == CORNER.at(0.0)
    assert CORNER.at(2.0) == CORNER.at(1.0)


@given(POINTS, st.floats(0, 1), st.floats(0, 1))
def test_steps_are_no_longer_than_their_share_of_the_way(points, a, b) -> None:  # type: ignore[no-untyped-def]
    path = WalkPath(tuple(points))
    assert math.dist(path.at(a), path.at(b)) <= abs(a - b) * path.length + 1e-6


def test_a_walk_goes_there_and_back() -> None:
    walk = Walk(CORNER, playing=True, speed=1.0)
    places = []
    for _ in range(9):
        places.append(walk.point)
        walk = walk.advanced(1.0)
    assert places[:5] == [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (3.0, 1.0)]
    assert places[5:] == places[3::-1]
    assert walk.advanced(0.0) == walk


def test_the_speed_does_not_depend_on_the_frame_rate() -> None:
    coarse = Walk(CORNER, 0.3, True).advanced(7.0)
    fine = Walk(CORNER, 0.3, True)
    for _ in range(700):
        fine = fine.advanced(0.01)
    assert fine.backwards == coarse.backwards
    assert fine.position == pytest.approx(coarse.position)
    twice = replace(Walk(CORNER, 0.3, True), speed=1.0).advanced(3.5)
    assert twice.position == pytest.approx(coarse.position)


def test_a_path_that_leads_nowhere_is_not_walked() -> None:
    walk = Walk(WalkPath(((2.0, 3.0),)), playing=True).advanced(1.0)
    assert not walk.playing
    assert walk.point == (2.0, 3.0)


def test_the_pen_leaves_points_apart_and_not_too_many() -> None:
    points = with_point((), (0.0, 0.0))
    assert with_point(points, (0.01, 0.01)) == points
    assert with_point(points, (0.1, 0.0)) == ((0.0, 0.0), (0.1, 0.0))
    many = tuple((0.1 * i, 0.0) for i in range(MOST_POINTS))
    assert with_point(many, (-5.0, 0.0)) == many


def test_smoothing_keeps_the_ends_and_dulls_corners() -> None:
    zigzag = [(float(i), float(i % 2)) for i in range(6)]
    path = smoothed(zigzag)
    assert (path.points[0], path.points[-1]) == (zigzag[0], zigzag[-1])

    def turns(points: tuple[tuple[float, float], ...]) -> float:
        ways = [math.atan2(b[1] - a[1], b[0] - a[0]) for a, b in pairwise(points) if a != b]
        return max(abs(b - a) for a, b in pairwise(ways))

    assert turns(path.points) < 0.6 * turns(tuple(zigzag))
    assert smoothed([(0.0, 0.0), (1.0, 0.0)]).points == ((0.0, 0.0), (1.0, 0.0))
