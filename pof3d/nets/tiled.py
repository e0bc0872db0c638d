"""Convolutions of large images by Winograd's algorithm: what is computed when, in which memory, by whom."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d.compiling import BLOCK, ROWS
from pof3d.lanes import share, spread
from pof3d.memory import Workspace
from pof3d.nets.layers import fir_kernel
from pof3d.nets.styled import StyledLayer, kernel_arguments, winograd_shape, winograd_weights
from pof3d.nets.tiles import BLOCKS_AT_ONCE, DOUBLED_TILE, POINTS, TILE

_Floats = NDArray[np.float32]

_LEAST_GROUP = 12
"""Tiles that a lane takes at a time, so few that they stay in the cache …"""
_WEIGHTS_FOR_A_TILE = 1 << 11
"""… but one for so many weights, all of which are read for every group."""
_WEIGHT_BYTES = 16 << 20
"""Of transformed weights, where they are not kept."""
_BAND_BYTES = 6 << 20
"""Of an image that has been doubled and not filtered yet: but all of it where a latent is drawn often."""


@dataclass(frozen=True)
class Plan:
    """How Winograd's algorithm goes through a layer, and the memory that it takes.

    Where all transformed weights are at hand, a few tiles go all the way to the result. Where they are too
    many, they are made some after others, and the image is transformed once for all of them.
    """

    tiles: tuple[int, int]
    """In a column and in a row of the image."""
    group: int
    """Tiles at a time."""
    band: int
    """Rows of tiles, after which what is doubled is filtered; all of them, where the size is kept."""
    at_once: int
    """Blocks of outputs, for which weights are transformed."""
    in_turns: bool
    """Whether there are others after these."""
    lanes: int
    result: tuple[int, int, int]
    doubled: tuple[int, int, int]
    """A band before the filter; nothing, where the size is kept."""
    weights: tuple[int, int]
    values: tuple[int, int]
    """Of the transformed image, of a lane."""
    products: tuple[int, int]

    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of all."""
        return self.result, self.doubled, self.weights, *[self.values, self.products] * self.lanes


def plan(layer: StyledLayer, height: int, width: int, lanes: int) -> Plan:
    """The quickest for features of that height and width."""
    outputs, inputs = layer.weight.shape[:2]
    scale, tile, beyond = (2, DOUBLED_TILE, 1) if layer.up else (1, TILE, 0)
    down, across = (-(-(side + beyond) // tile) for side in (height, width))
    blocks, kept = outputs // BLOCK, layer.transformed is not None
    at_once = blocks if kept else min(blocks, max(1, _WEIGHT_BYTES // (4 * POINTS * inputs * BLOCK)))
    in_turns = at_once < blocks
    band, doubled = down, (0, 0, 0)
    if in_turns:
        group = -(-down * across // lanes)
    else:
        group = max(_LEAST_GROUP, inputs * outputs * scale**2 // _WEIGHTS_FOR_A_TILE)
    if layer.up:
        rows, wide, channels = 2 * height + 3, 2 * width + 3, at_once * BLOCK
        bands = -(-4 * rows * wide * channels // _BAND_BYTES)
        if bands > 1 and not in_turns and not kept:
            band = _band(down, across, lanes, bands)
            group = _even(-(-band * across // lanes), group)
        doubled = min(rows, 2 * DOUBLED_TILE * band + 3), wide, channels
    group = -(-group // ROWS) * ROWS
    return Plan(
        (down, across),
        group,
        band,
        at_once,
        in_turns,
        lanes,
        result=(scale * height, scale * width, outputs),
        doubled=doubled,
        weights=(0, 0) if kept else winograd_shape(layer, at_once),
        values=(POINTS, group * inputs + BLOCK),
        products=(POINTS, min(at_once, BLOCKS_AT_ONCE) * group * BLOCK + BLOCK),
    )


def _band(down: int, across: int, lanes: int, least: int) -> int:
    """Rows of tiles, in at least so many bands; the last is what is left. A lane multiplies whole rows."""

    def rows(band: int) -> int:
        shares = (-(-(min(begin + band, down) - begin) * across // lanes) for begin in range(0, down, band))
        return sum(-(-share // ROWS) * ROWS for share in shares)

    return min((-(-down // bands) for bands in range(least, least + 3)), key=rows)


def _even(count: int, about: int) -> int:
    """In groups of how many, about as many as asked for, ``count`` things are equally large groups."""
    return -(-count // max(1, round(count / about)))


def convolved(x: Tensor, layer: StyledLayer, lanes: int, memory: Workspace) -> Tensor:
    """Convolution, noise, bias and activation.

    Parameters
    ----------
    x : Tensor [1, inputs, H, W]
        Features.
    layer : StyledLayer
        With kernels.
    lanes : int
        Threads that share the tiles.
    memory : Workspace
        For the result too.

    Returns
    -------
    Tensor [1, outputs, H, W], or [1, outputs, 2 H, 2 W]
        Channels last.
    """
    height, width = x.shape[2:]
    way = plan(layer, height, width, lanes)
    memory.turn()
    result, doubled, room = memory.take(*way.result), memory.take(*way.doubled), memory.take(*way.weights)
    rooms = [(memory.take(*way.values), memory.take(*way.products)) for _ in range(lanes)]
    pixels = x[0].permute(1, 2, 0).contiguous().numpy()
    work = _Work(layer, way, pixels, rooms, (*(layer.prepared or kernel_arguments(layer)), result))
    blocks = len(layer.bias) // BLOCK
    for first in range(0, blocks, way.at_once):
        last, weights = min(first + way.at_once, blocks), layer.transformed
        if weights is None:
            weights = winograd_weights(layer, first, last, lanes, room)
        if layer.up:
            shape = *doubled.shape[:2], (last - first) * BLOCK
            work.double(first, weights, doubled.reshape(-1)[: math.prod(shape)].reshape(shape))
        else:
            work.convolve(first, weights)
    return torch.from_numpy(result).permute(2, 0, 1)[None]


@cache
def _fir() -> _Floats:
    """[4], the filter in one dimension, with gain 2."""
    return (fir_kernel().sum(0) * 2.0).numpy()


class _Work:
    """A layer's work on an image, for some blocks of outputs after others."""

    def __init__(
        self,
        layer: StyledLayer,
        way: Plan,
        pixels: _Floats,
        rooms: list[tuple[_Floats, _Floats]],
        behind: tuple[Any, ...],
    ) -> None:
        assert layer.kernels is not None
        self._kernels = layer.kernels
        self._way = way
        self._pixels = pixels
        self._rooms = rooms
        self._behind = behind
        """What follows the products: bias, noise, clamp and the result."""

    def convolve(self, first: int, weights: _Floats) -> None:
        """Outputs from block ``first`` on, as many as there are weights of."""

        def part(lane: int, a: int, b: int) -> None:
            self._kernels.convolve(*self._image(lane, a, b, first), weights, first, *self._behind)

        down, across = self._way.tiles
        self._share(0, down * across, part)

    def double(self, first: int, weights: _Floats, z: _Floats) -> None:
        """The same, twice as large: one band after the other goes through ``z``, the room for it."""
        (down, across), band, height = self._way.tiles, self._way.band, len(self._pixels)
        z[:, [0, -1]] = z[0] = 0.0
        top = 0
        for begin in range(0, down, band):
            end = min(begin + band, down)
            if begin:  # the filter reads three rows more than it makes
                before, top = top, 2 * DOUBLED_TILE * begin - 2
                z[:3] = z[top - before : top - before + 3]
            bottom = 2 * DOUBLED_TILE * end - 2
            if end == down:
                bottom = 2 * height
                z[bottom + 2 - top] = 0.0

            def part(lane: int, a: int, b: int, top: int = top) -> None:
                self._kernels.double(*self._image(lane, a, b, first), weights, z, top)

            def rows(_lane: int, a: int, b: int, top: int = top) -> None:
                self._kernels.filter_rows(z, top, top + a, top + b, _fir(), first, *self._behind)

            self._share(begin * across, end * across, part)
            spread(bottom - top, self._way.lanes, rows)

    def _image(self, lane: int, a: int, b: int, first: int) -> tuple[Any, ...]:
        return self._pixels, a, b, self._way.group, first > 0, *self._rooms[lane]

    def _share(self, first: int, last: int, work: Callable[[int, int, int], None]) -> None:
        """Lanes share tiles. Where they come back for other outputs, each has its own ones."""
        lanes, group = self._way.lanes, self._way.group
        if not self._way.in_turns:
            spread(last - first, lanes, lambda lane, a, b: work(lane, first + a, first + b), unit=group)
            return
        own = [(lane, first + lane * group, min(first + (lane + 1) * group, last)) for lane in range(lanes)]
        share([partial(work, *part) for part in own])
