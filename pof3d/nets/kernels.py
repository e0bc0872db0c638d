"""Convolutions of images whose channels come last, compiled by numba.

3×3 ones go by Winograd's algorithm (:mod:`pof3d.nets.winograd`). A few tiles go all the way from image to
image in the cache.

To import this module is to import numba.
"""

from __future__ import annotations

import numpy as np

from pof3d.compiling import BLOCK, ROWS
from pof3d.jit import compiled, part
from pof3d.nets.tiles import BLOCKS_AT_ONCE, DOUBLED_TILE, MATRIX, PHASES, SIDE, TILE
from pof3d.nets.winograd import (
    ROW,
    SCRATCH,
    backward_rows,
    backward_rows_even,
    backward_rows_odd,
    multiply,
    transform_image,
    transform_weights,
)
from pof3d.scratch import floats, release
from pof3d.vectors import activate_row, copy_row, filter_row, multiply_tile

__all__ = ["add_image", "convolve", "double", "filter_rows", "transform_weights"]

_f = np.float32
_COLUMNS = 32
"""Pixels of a row that are filtered together."""


@part
def _finish(products, begin, count, first, blocks, bias, noise, clamp, y, s):  # type: ignore[no-untyped-def]
    """Pixels from products of ``count`` tiles, ``begin`` the first of them, and blocks ``first`` …"""
    height, width, outputs = y.shape
    group = (products.shape[1] - BLOCK) // (blocks * BLOCK)
    columns = (width + TILE - 1) // TILE
    distance, scratch = products.shape[1], s.ctypes.data
    for t in range(count):
        top, left = (begin + t) // columns * TILE, (begin + t) % columns * TILE
        rows, across = min(TILE, height - top), min(TILE, width - left)
        for b in range(blocks):
            o = (first + b) * BLOCK
            product = products.ctypes.data + 4 * (b * group + t) * BLOCK
            for i in range(SIDE):
                backward_rows(product + 4 * i * SIDE * distance, distance, scratch + 4 * i * ROW, BLOCK)
            for j in range(TILE):
                place = scratch + 4 * j * BLOCK
                backward_rows(place, ROW, place, ROW)
            for i in range(rows):
                row = top + i
                for j in range(across):
                    column = left + j
                    grain = noise[row, column] if len(noise) else _f(0.0)
                    into = y.ctypes.data + 4 * ((row * width + column) * outputs + o)
                    place = scratch + 4 * (i * ROW + j * BLOCK)
                    activate_row(place, bias.ctypes.data + 4 * o, grain, clamp, into)


@compiled("f3 i i i b f2 f2 f2 i f1 f2 f f3")
def convolve(  # type: ignore[no-untyped-def]
    x, first, last, group, keep, values, products, weight, block, bias, noise, clamp, y
):
    """Convolution, noise, bias, leaky ReLU (slope 0.2) and clamping of some tiles, for some outputs.

    Parameters
    ----------
    x : float32 [H, W, inputs]
        Zero around it. Inputs a multiple of 16.
    first, last : int
        Tiles, counted along rows of ceil(W / 6).
    group : int
        Tiles at a time; a multiple of 6.
    keep : bool
        ``values`` are there from a call for other outputs of the same tiles, of one group.
    values : float32 [64, group · inputs + 16]
        Of the transformed image.
    products : float32 [64, min(blocks, 4) · group · 16 + 16]
        Room for them.
    weight : float32 [64, blocks · inputs · 16 + 16]
        Of :func:`transform_weights`.
    block : int
        The first of its blocks among all.
    bias : float32 [outputs]
    noise : float32 [H, W] or [0, 0]
    clamp : float32
    y : float32 [H, W, outputs]
        Result.
    """
    width, inputs = x.shape[1:]
    blocks, columns = weight.shape[1] // (inputs * BLOCK), (width + TILE - 1) // TILE
    some = min(blocks, BLOCKS_AT_ONCE)
    s = floats(SCRATCH)
    for begin in range(first, last, group):
        count = min(group, last - begin)
        if not keep:
            transform_image(x, TILE, columns, begin, count, values, s)
        for b in range(0, blocks, some):
            few = min(some, blocks - b)
            multiply(values, count, inputs, weight, MATRIX[0], b, few, products)
            _finish(products, begin, count, block + b, few, bias, noise, clamp, y, s)
    release(s)


@part
def _scatter(  # type: ignore[no-untyped-def]
    products, rows, columns, begin, count, phase, first, blocks, z, top, s
):
    """Pixels of a phase from products of ``count`` tiles, ``begin`` the first, and blocks ``first`` …"""
    width, outputs = z.shape[1:]
    group = (products.shape[1] - BLOCK) // (blocks * BLOCK)
    distance, scratch = products.shape[1], s.ctypes.data
    down, right = phase // 2, phase % 2
    for t in range(count):
        above, left = (begin + t) // columns * DOUBLED_TILE, (begin + t) % columns * DOUBLED_TILE
        for b in range(blocks):
            product = products.ctypes.data + 4 * (b * group + t) * BLOCK
            for i in range(SIDE):
                place, made = product + 4 * i * SIDE * distance, scratch + 4 * i * ROW
                if right:
                    backward_rows_odd(place, distance, made, BLOCK)
                else:
                    backward_rows_even(place, distance, made, BLOCK)
            for j in range(DOUBLED_TILE):
                place = scratch + 4 * j * BLOCK
                if down:
                    backward_rows_odd(place, ROW, place, ROW)
                else:
                    backward_rows_even(place, ROW, place, ROW)
            for i in range(DOUBLED_TILE):
                row = 1 + 2 * (above + i) + down
                for j in range(DOUBLED_TILE):
                    column = 1 + 2 * (left + j) + right
                    if row < rows - 1 and column < width - 1:
                        pixel = (row - top) * width + column
                        into = z.ctypes.data + 4 * (pixel * outputs + (first + b) * BLOCK)
                        copy_row(scratch + 4 * (i * ROW + j * BLOCK), into)


@compiled("f3 i i i b f2 f2 f2 f3 i")
def double(x, first, last, group, keep, values, products, weight, z, top):  # type: ignore[no-untyped-def]
    """Transposed convolution of stride 2 of some tiles, for some outputs.

    Parameters
    ----------
    x, group, keep, values, products
        As of :func:`convolve`.
    first, last : int
        Tiles, counted along rows of ceil((W + 1) / 7).
    weight : float32 [81, blocks · inputs · 16 + 16]
        Of :func:`transform_weights`.
    z : float32 [rows, 2 W + 3, blocks · 16]
        Some rows of the result, which has 2 H + 3; what is around it is left.
    top : int
        The first of them.
    """
    height, width, inputs = x.shape
    blocks, columns = weight.shape[1] // (inputs * BLOCK), width // DOUBLED_TILE + 1
    some = min(blocks, BLOCKS_AT_ONCE)
    s = floats(SCRATCH)
    for begin in range(first, last, group):
        count = min(group, last - begin)
        if not keep:
            transform_image(x, DOUBLED_TILE, columns, begin, count, values, s)
        for b in range(0, blocks, some):
            few = min(some, blocks - b)
            for phase in range(PHASES):
                multiply(values, count, inputs, weight, MATRIX[phase], b, few, products)
                _scatter(products, 2 * height + 3, columns, begin, count, phase, b, few, z, top, s)
    release(s)


@compiled("f3 i i i f1 i f1 f2 f f3")
def filter_rows(z, top, first, last, fir, block, bias, noise, clamp, y):  # type: ignore[no-untyped-def]
    """What follows :func:`double`: the filter, and noise, bias, leaky ReLU and clamping, of some rows.

    Parameters
    ----------
    z : float32 [rows, W + 3, blocks · 16]
        Some rows of [H + 3, W + 3, blocks · 16] with zeros around it: the result's rows and three below.
    top : int
        The first of them.
    first, last : int
        Rows of the result.
    fir : float32 [4]
        In one dimension, with gain 2.
    block, bias, noise, clamp, y
        As of :func:`convolve`.
    """
    width, outputs = y.shape[1:]
    wide, channels = z.shape[1:]
    line, pixel = floats(((_COLUMNS + 3) * channels,)), floats((BLOCK,))
    f0, f1, f2, f3 = fir[0], fir[1], fir[2], fir[3]
    for row in range(first, last):
        for begin in range(0, width, _COLUMNS):
            some = min(_COLUMNS, width - begin)
            here = z.ctypes.data + 4 * ((row - top) * wide + begin) * channels
            for k in range(0, (some + 3) * channels, BLOCK):
                filter_row(here + 4 * k, wide * channels, f0, f1, f2, f3, line.ctypes.data + 4 * k)
            for column in range(some):
                grain = noise[row, begin + column] if len(noise) else _f(0.0)
                pixel_at = (row * width + begin + column) * outputs + block * BLOCK
                for k in range(0, channels, BLOCK):
                    place, result = line.ctypes.data + 4 * (column * channels + k), pixel.ctypes.data
                    filter_row(place, channels, f0, f1, f2, f3, result)
                    at = bias.ctypes.data + 4 * (block * BLOCK + k)
                    activate_row(result, at, grain, clamp, y.ctypes.data + 4 * (pixel_at + k))
    release(line)
    release(pixel)


@compiled("f3 i i f3 f1 f f2 f1 i i i i")
def add_image(  # type: ignore[no-untyped-def]
    x, first, last, weight, bias, clamp, below, y, groups, apart, down, across
):
    """Some rows of a block's image, its 1×1 convolution, on top of the image so far.

    Where that is half as large it is doubled as :func:`~pof3d.nets.layers.fir_upsample` does: bilinear, zero
    around it.

    Parameters
    ----------
    x : float32 [H, W, inputs]
        W at least 6.
    first, last : int
        Rows.
    weight : float32 [blocks, inputs, 16]
        Outputs in blocks, filled up with anything.
    bias : float32 [outputs]
    clamp : float32
        Of the block's own image.
    below : float32 [h, w · outputs]
        Of the same size, half the size, or nothing ([0, 0]).
    y : float32 [numbers]
        Result.
    groups, apart, down, across : int
        In how many groups the outputs lie in it, with equally many each, and the numbers from one group, row
        and pixel to the next.
    """
    height, width, inputs = x.shape
    outputs, blocks = len(bias), len(weight)
    own, wide, some = blocks * BLOCK, width * outputs, outputs // groups
    scale = height // max(len(below), 1)
    products, under = floats((width, own)), floats((wide + 2 * outputs,))
    under[:] = _f(0.0)
    for row in range(first, last):
        for b in range(blocks):
            panel, place = weight[b].ctypes.data, products.ctypes.data + 4 * b * BLOCK
            for begin in range(0, width, ROWS):
                t = min(begin, width - ROWS)
                pixel = x.ctypes.data + 4 * (row * width + t) * inputs
                multiply_tile(pixel, inputs, panel, place + 4 * t * own, own, inputs)
        # The image so far in this row's height, with a pixel of zeros at either end.
        seen = under[outputs : outputs + below.shape[1]]
        if scale == 1:
            for k in range(len(seen)):
                seen[k] = below[row, k]
        elif len(below):
            above, beside = below[row // 2], row // 2 + (1 if row % 2 else -1)
            for k in range(len(seen)):
                seen[k] = _f(0.75) * above[k]
            if 0 <= beside < len(below):
                other = below[beside]
                for k in range(len(seen)):
                    seen[k] += _f(0.25) * other[k]
        for column in range(width):
            at = (column // scale + 1) * outputs
            beyond = at + (outputs if column % 2 else -outputs)
            for group in range(groups):
                begin, place = group * some, group * apart + row * down + column * across
                target, product = y[place : place + some], products[column, begin : begin + some]
                for c in range(some):
                    value = product[c] + bias[begin + c]
                    value = clamp if value > clamp else value
                    target[c] = -clamp if value < -clamp else value
                if len(below) == 0:
                    continue
                near = under[at + begin : at + begin + some]
                if scale == 1:
                    for c in range(some):
                        target[c] += near[c]
                else:
                    far = under[beyond + begin : beyond + begin + some]
                    for c in range(some):
                        target[c] += _f(0.75) * near[c] + _f(0.25) * far[c]
    release(products)
    release(under)
