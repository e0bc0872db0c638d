"""How two pictures differ, pixel by pixel, and the difference as colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from viz.colormaps import color_table
from viz.view import ColorMap

_LEVELS = 3 * 255
"""Largest sum of three channels' differences."""


@dataclass(frozen=True, eq=False)
class Difference:
    """The absolute difference of two pictures."""

    sums: NDArray[np.uint16]
    """[H, W], of the three channels' absolute differences, 0 … 765."""
    mean: float
    """Over all pixels and channels, 0 … 1."""
    max: float
    """Largest difference of one channel, 0 … 1."""


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Difference | None:
    """The absolute difference of two pictures [H, W, 3 or 4]; alpha does not count.

    The smaller one is enlarged to the other's size, bilinearly. None where their shapes differ, as those of
    an image and of an image with depth beside it do.
    """
    (h1, w1), (h2, w2) = first.shape[:2], second.shape[:2]
    if h1 * w2 != h2 * w1:
        return None
    first, second = first[..., :3], second[..., :3]
    if h1 < h2:
        first = _enlarged(first, (w2, h2))
    elif h2 < h1:
        second = _enlarged(second, (w1, h1))
    apart = np.maximum(first, second) - np.minimum(first, second)
    sums = apart[..., 0].astype(np.uint16)
    sums += apart[..., 1]
    sums += apart[..., 2]
    return Difference(sums, float(sums.mean(dtype=np.float64)) / _LEVELS, float(apart.max()) / 255.0)


def colored(apart: Difference, gain: float, color_map: ColorMap) -> NDArray[np.uint8]:
    """A difference as colours [H, W, 4].

    Parameters
    ----------
    apart : Difference
    gain : float
        The end of the colours stands for a ``gain``-th of the full range, and for all above.
    color_map : ColorMap
        The colour that stands for the far end of depth is that of no difference.
    """
    places = np.clip(np.arange(_LEVELS + 1) / _LEVELS * gain, 0.0, 1.0)
    table = np.full((_LEVELS + 1, 4), 255, np.uint8)
    table[:, :3] = color_table(color_map)[::-1][np.rint(places * 255.0).astype(np.intp)]
    # One look-up of four bytes a pixel, not four of one.
    return table.view(np.uint32)[:, 0][apart.sums].view(np.uint8).reshape(*apart.sums.shape, 4)


def _enlarged(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    grown = Image.fromarray(np.ascontiguousarray(picture)).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(grown)
