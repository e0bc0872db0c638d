"""How pictures are laid out in a video."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz.panel import RecordingRequest
from viz.video_panes import GROUND, PANES, asked_size, assemble, boxes, pane_of, shown_modes, video_size
from viz.view import DisplayMode, DisplayView, View

RGB, BESIDE = View(), View(display=DisplayView("side_by_side"))


@pytest.mark.parametrize(
    ("view", "changes", "asked", "made"),
    [
        (RGB, {"size": 512}, (512, 512), (512, 512)),
        (RGB, {"size": 511}, (511, 511), (512, 512)),
        (RGB, {"size": 511, "format": "webm"}, (511, 511), (512, 512)),
        (RGB, {"size": 511, "format": "gif"}, (511, 511), (511, 511)),
        (RGB, {"size": 511, "format": "png"}, (511, 511), (511, 511)),
        (BESIDE, {"size": 33}, (66, 33), (68, 34)),
        (RGB, {"size": 64, "contents": ("rgb", "raw", "depth")}, (192, 64), (192, 64)),
        (BESIDE, {"contents": ("depth",), "size": 64}, (64, 64), (64, 64)),
        (BESIDE, {"canvas": (1921, 1079)}, (1921, 1079), (1922, 1080)),
    ],
)
def test_sizes(view: View, changes: dict, asked: tuple[int, int], made: tuple[int, int]) -> None:
    request = replace(RecordingRequest(), **changes)
    assert asked_size(view, request) == asked
    assert video_size(view, request) == made


def test_every_display_mode_can_be_recorded() -> None:
    assert set(PANES) == set(get_args(DisplayMode)) - {"side_by_side"}


def test_contents() -> None:
    assert shown_modes(RGB, RecordingRequest()) == ("rgb",)
    assert shown_modes(BESIDE, RecordingRequest()) == ("rgb", "depth")
    assert shown_modes(BESIDE, RecordingRequest(contents=("raw",))) == ("raw",)
    assert pane_of("depth").ranged
    assert all(pane.title and pane.help for pane in PANES.values())


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (1, (1920, 1080), [(420, 0, 1080)]),
        (2, (1920, 1080), [(0, 60, 960), (960, 60, 960)]),
        (2, (1080, 1920), [(60, 0, 960), (60, 960, 960)]),
        (3, (100, 100), [(0, 0, 50), (50, 0, 50), (0, 50, 50)]),
    ],
)
def test_layout(count: int, size: tuple[int, int], expected: list[tuple[int, int, int]]) -> None:
    assert boxes(count, size) == expected


@given(st.integers(1, 5), st.integers(16, 300), st.integers(16, 300))
def test_pictures_fit_and_do_not_overlap(count: int, width: int, height: int) -> None:
    placed = boxes(count, (width, height))
    assert len(placed) == count
    for left, top, side in placed:
        assert side >= min(width, height) // count
        assert 0 <= left <= left + side <= width
        assert 0 <= top <= top + side <= height
    for (x, y, side), (u, v, _) in combinations(placed, 2):
        assert abs(x - u) >= side or abs(y - v) >= side


def test_edges_of_maps_do_not_ring() -> None:
    steps = np.zeros((8, 8, 3), np.uint8)
    steps[:, 4:] = 200
    for mode, rings in (("rgb", True), ("depth", False)):
        grown = assemble([(PANES[mode], steps)], (64, 64))  # type: ignore[index]
        assert (int(grown.max()) > 200) == rings
    beside = assemble([(PANES["rgb"], steps)], (12, 8))
    np.testing.assert_array_equal(beside[:, 2:10], steps)
    assert (beside[:, :2] == GROUND).all()
