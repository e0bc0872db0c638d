"""Differences of pictures against values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from viz.colormaps import color_table
from viz.difference import colored, difference


def flat(side: int, *rgb: int) -> np.ndarray:
    return np.full((side, side, 4), (*rgb, 255), np.uint8)


def test_by_hand() -> None:
    first, second = flat(2, 10, 200, 0), flat(2, 10, 200, 0)
    second[0, 0] = (40, 140, 0, 0)
    apart = difference(first, second)
    assert apart is not None
    assert apart.sums.tolist() == [[90, 0], [0, 0]], "neither sign nor alpha counts"
    assert apart.mean == pytest.approx(90 / (4 * 3 * 255))
    assert apart.max == pytest.approx(60 / 255)
    swapped = difference(second, first)
    assert swapped is not None
    assert np.array_equal(swapped.sums, apart.sums)


def test_a_small_picture_is_enlarged() -> None:
    apart = difference(flat(8, 0, 0, 0), flat(32, 51, 51, 51))
    assert apart is not None
    assert apart.sums.shape == (32, 32)
    assert apart.mean == apart.max == pytest.approx(0.2)


def test_other_shapes_have_no_difference() -> None:
    assert difference(flat(8, 0, 0, 0), np.concatenate([flat(8, 0, 0, 0)] * 2, axis=1)) is None


def test_colours() -> None:
    apart = difference(
        np.repeat(flat(1, 0, 0, 0), 3, axis=1), np.array([[[0] * 3, [51] * 3, [255] * 3]], np.uint8)
    )
    assert apart is not None
    table = color_table("magma")
    picture = colored(apart, 1.0, "magma")
    assert picture.shape == (1, 3, 4)
    assert picture[0, 0].tolist() == [*table[255], 255], "no difference is dark"
    assert picture[0, 1].tolist() == [*table[255 - 51], 255]
    assert picture[0, 2].tolist() == [*table[0], 255]
    assert colored(apart, 5.0, "magma")[0, 1].tolist() == [*table[0], 255], "five times as much is the end"
