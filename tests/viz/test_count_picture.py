"""The picture of a histogram: bins where rectangles would be, bars as long as their shares."""

from __future__ import annotations

import numpy as np
import pytest

from viz.count_picture import Place, paint

STOPS = ((0.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0))
INK = (0.0, 0.0, 1.0, 0.5)
NO_BARS = (np.zeros(2), np.zeros(2))
CLEAR, BAR = (0, 0, 0, 0), (0, 0, 255, 128)


def place(**changes: float) -> Place:
    """Four by two pixels, two bins each way, with room for bars of eight pixels."""
    return Place(**{"left": 0, "top": 10, "width": 8, "height": 4, "room": 10, "gap": 2, **changes})


def test_bins_have_their_colours_at_their_places() -> None:
    picture = paint(np.array([[0.0, 0.25], [0.5, 1.0]]), NO_BARS, place(), STOPS, INK)
    assert picture.shape == (14, 18, 4)
    expected = {(0, 0): (0, 0, 0), (0, 1): (128, 0, 0), (1, 0): (255, 0, 0), (1, 1): (255, 255, 255)}
    for (row, column), colour in expected.items():
        part = picture[10 + 2 * row : 12 + 2 * row, 4 * column : 4 * column + 4]
        assert (part == (*colour, 255)).all()
    assert not picture[:10].any()
    assert not picture[:, 8:].any()


def test_a_pixel_belongs_to_the_bin_that_its_middle_is_in() -> None:
    heat = np.array([[0.0, 1.0]])
    for left, first in ((0.4, 4), (0.6, 5)):
        picture = paint(heat, (np.zeros(2), np.zeros(1)), place(left=left), STOPS, INK)
        row = picture[11]
        assert row[first - 1].tolist() == [0, 0, 0, 255]
        assert row[first].tolist() == [255, 255, 255, 255]
        assert row[0, 3] == (255 if left < 0.5 else 0), "outside there is nothing"
        assert (row[:, 3] > 0).sum() == 8


def test_bars_are_as_long_as_their_shares() -> None:
    bars = (np.array([1.0, 0.5]), np.array([0.25, 0.01]))
    picture = paint(np.zeros((2, 2)), bars, place(), STOPS, INK)
    columns = (picture[:10] == BAR).all(axis=2).sum(axis=0)
    assert columns[:8].tolist() == [8, 8, 8, 0, 4, 4, 4, 0], "with a free pixel between them"
    assert (picture[8:10] == CLEAR).all(), "the gap"
    assert (picture[4:8, 4] == BAR).all(), "they stand on the gap"
    rows = (picture[:, 8:] == BAR).all(axis=2)
    assert rows.sum(axis=1)[10:].tolist() == [0, 0, 2, 0], "from the bottom up; too short ones are left out"
    assert rows[12].nonzero()[0].tolist() == [2, 3], "they begin behind the gap"


def test_bars_keep_a_pixel_where_bins_are_narrow() -> None:
    picture = paint(np.zeros((1, 8)), (np.ones(8), np.zeros(1)), place(), STOPS, INK)
    assert (picture[:8, :8] == BAR).all()


@pytest.mark.parametrize(("width", "room"), [(1.0, 0.3), (3.7, 2.0), (900.3, 41.0)])
def test_any_size_will_do(width: float, room: float) -> None:
    where = place(width=width, room=room, top=room, gap=3.4, left=0.9)
    picture = paint(np.ones((48, 72)), (np.ones(72), np.ones(48)), where, STOPS, INK)
    assert picture.shape[1::-1] == where.size
