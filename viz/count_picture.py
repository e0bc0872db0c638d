"""The picture of a pose histogram: counts as colours, and how they add up as bars above and beside them.

Thousands of rectangles, in one that the graphics card keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float, float]


@dataclass(frozen=True)
class Place:
    """Where its parts are, in pixels from its left top corner, which need not be whole ones."""

    left: float
    """Of the counts; nothing is to the left of them."""
    top: float
    """Of the counts; the bars of their columns are above."""
    width: float
    height: float
    room: float
    """To the right of the counts, for the bars of their rows."""
    gap: float
    """Between the counts and the bars."""
    unit: float = 1.0
    """Between one bar and the next."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole."""
        right, bottom = self.left + self.width + self.room, self.top + self.height
        return max(1, int(np.ceil(right))), max(1, int(np.ceil(bottom)))


def paint(
    heat: NDArray[np.float64],
    bars: tuple[NDArray[np.float64], NDArray[np.float64]],
    place: Place,
    stops: Sequence[Colour],
    ink: Colour,
) -> NDArray[np.uint8]:
    """The picture [H, W, 4], as rectangles would be drawn: of each pixel its middle counts.

    Parameters
    ----------
    heat : array [rows, columns]
        0 … 1, the top row first.
    bars : two arrays [columns], [rows]
        Of the columns, and of the rows from the bottom up; 0 … 1.
    place : Place
    stops : sequence of colours
        Equally far apart, for 0 … 1.
    ink : colour
        Of the bars.
    """
    width, height = place.size
    picture = np.zeros((height, width, 4), np.uint8)
    rows, columns = heat.shape
    x, column = _bins(width, place.left, place.width, columns)
    y, row = _bins(height, place.top, place.height, rows)
    at = np.linspace(0.0, 1.0, len(stops))
    colours = np.stack([np.interp(heat, at, channel) for channel in zip(*stops, strict=True)], axis=-1)
    within_x, within_y = _span(column, columns), _span(row, rows)
    picture[within_y, within_x] = _bytes(colours)[row[within_y, None], column[within_x]]

    lit = _bytes(np.array(ink))
    above = slice(0, max(0, int(np.ceil(place.top - place.gap - 0.5))))
    reach = _reach(bars[0], place.top - place.gap)[column[within_x]]
    solid = _solid(x[within_x], place.left, place.width, columns, place.unit)
    picture[above, within_x][(y[above, None] >= place.top - place.gap - reach) & solid] = lit
    first = place.left + place.width + place.gap
    beside = slice(min(width, max(0, int(np.ceil(first - 0.5)))), width)
    reach = _reach(bars[1][::-1], place.room - place.gap)[row[within_y], None]
    solid = _solid(y[within_y], place.top, place.height, rows, place.unit)[:, None]
    picture[within_y, beside][(x[beside] < first + reach) & solid] = lit
    return picture


def _bins(pixels: int, low: float, length: float, count: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Middles of pixels, and in which of so many bins they are."""
    middles: NDArray[np.float64] = np.arange(pixels, dtype=np.float64) + 0.5
    return middles, np.floor((middles - low) / length * count).astype(np.intp)


def _span(bins: NDArray[np.intp], count: int) -> slice:
    """The pixels that are in a bin at all."""
    first, end = np.searchsorted(bins, [0, count])
    return slice(int(first), int(end))


def _reach(shares: NDArray[np.float64], room: float) -> NDArray[np.float64]:
    """Lengths of bars; too short ones are left out."""
    reach = shares * room
    return np.where(reach >= 0.5, reach, 0.0)


def _solid(
    middles: NDArray[np.float64], low: float, length: float, count: int, unit: float
) -> NDArray[np.bool_]:
    """Which pixels belong to a bar, and not to what is free before the next."""
    pitch = length / count
    into = (middles - low) % pitch
    return into < max(unit, pitch - unit)


def _bytes(colours: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.floor(colours * 255.0 + 0.5).astype(np.uint8)
