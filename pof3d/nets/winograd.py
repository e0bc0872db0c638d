"""Transforms and products of Winograd's algorithm (:mod:`pof3d.nets.tiles`), for compiled functions.

To import this module is to import numba.
"""

from __future__ import annotations

import numpy as np

from pof3d.compiling import BLOCK, ROWS
from pof3d.jit import compiled, part
from pof3d.nets.tiles import DOUBLED_TILE, POINTS, S1, S2, S3, SIDE, TILE
from pof3d.scratch import floats, release
from pof3d.vectors import copy_row, multiply_tile, rows_by

ROW = SIDE * BLOCK
"""Numbers of 16 channels in a row of a tile."""
SCRATCH = (POINTS + SIDE, BLOCK)
"""Shape of the memory in which tiles are transformed."""

_f = np.float32
_INPUTS = 8


@compiled("f3 f1 f1 f2 i i i f2")
def transform_weights(weight, style, norm, transform, first, last, start, into):  # type: ignore[no-untyped-def]
    """Fill ``into`` for blocks ``first`` … ``last`` of 16 outputs.

    Parameters
    ----------
    weight : float32 [outputs, inputs, 9]
        Outputs a multiple of 16.
    style, norm : float32 [inputs], [outputs]
        Factors.
    transform : float32 [matrices, 9]
        Of :func:`weight_transform` or :func:`doubling_weight_transform`.
    first, last : int
        Blocks.
    start : int
        The block that ``into`` begins with.
    into : float32 [matrices, blocks · inputs · 16 + 16]
        The last 16 are left: rows at a distance of a power of two would meet in the same lines of the cache.
    """
    inputs, matrices, distance = weight.shape[1], len(transform), into.shape[1]
    taps = floats((_INPUTS, 9, BLOCK))
    for block in range(first, last):
        o = block * BLOCK
        for begin in range(0, inputs, _INPUTS):
            some = min(_INPUTS, inputs - begin)
            for c in range(BLOCK):
                for i in range(some):
                    factor = style[begin + i] * norm[o + c]
                    for t in range(9):
                        taps[i, t, c] = weight[o + c, begin + i, t] * factor
            for i in range(some):
                target = into.ctypes.data + 4 * ((block - start) * inputs + begin + i) * BLOCK
                for p in range(0, matrices, ROWS):
                    p = min(p, matrices - ROWS)
                    multiply_tile(
                        transform[p].ctypes.data, 9, taps[i].ctypes.data,
                        target + 4 * p * distance, distance, 9,
                    )  # fmt: skip
    release(taps)


@rows_by
def _forward_rows(d0, d1, d2, d3, d4, d5, d6, d7):  # type: ignore[no-untyped-def]
    """Bᵀ of the paper."""
    even, odd = d2 + d6 - 4.25 * d4, d1 + d5 - 4.25 * d3
    even2, odd2 = d6 + 0.25 * d2 - 1.25 * d4, 0.5 * d1 - 2.5 * d3 + 2.0 * d5
    even3, odd3 = d6 + 4.0 * d2 - 5.0 * d4, 2.0 * d1 - 2.5 * d3 + 0.5 * d5
    return (
        d0 - d6 + 5.25 * (d4 - d2),
        even + odd, even - odd, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3,
        d7 - d1 + 5.25 * (d3 - d5),
    )  # fmt: skip


def _combined(m, powers):  # type: ignore[no-untyped-def]
    """Rows k of Aᵀ, of products at ±1, ±2 and ±1/2: sums of them times these, to the power of k."""
    ones, twos, halves = ((a + b, a - b) for a, b in zip(m[::2], m[1::2], strict=True))
    return [ones[k % 2] + 2.0**k * twos[k % 2] + 0.5**k * halves[k % 2] for k in powers]


@rows_by
def backward_rows(m0, m1, m2, m3, m4, m5, m6, m7):  # type: ignore[no-untyped-def]
    """Aᵀ of the paper."""
    first, *between, last = _combined((m1, m2, m3, m4, m5, m6), range(TILE))
    return m0 + first, *between, m7 + last


def _scaled(m1, m2, m3, m4, m5, m6):  # type: ignore[no-untyped-def]
    return S1 * m1, S1 * m2, S2 * m3, S2 * m4, S3 * m5, S3 * m6


@rows_by
def backward_rows_even(m0, m1, m2, m3, m4, m5, m6, m7):  # type: ignore[no-untyped-def]
    """The same of F(7, 2), for values that are not scaled."""
    first, *between, last = _combined(_scaled(m1, m2, m3, m4, m5, m6), range(DOUBLED_TILE))
    return m0 + first, *between, m7 + last


@rows_by
def backward_rows_odd(m0, m1, m2, m3, m4, m5, m6, m7):  # type: ignore[no-untyped-def]
    """The same of F(8, 1), but for the first of its results."""
    del m0
    *between, last = _combined(_scaled(m1, m2, m3, m4, m5, m6), range(1, DOUBLED_TILE + 1))
    return *between, m7 + last


@part
def transform_image(x, tile, columns, begin, count, values, s):  # type: ignore[no-untyped-def]
    """Fill values for ``count`` tiles from ``begin`` on; what is beyond, up to whole rows, is zero."""
    height, width, inputs = x.shape
    distance, pixels, scratch, line = values.shape[1], x.ctypes.data, s.ctypes.data, s[POINTS:].ctypes.data
    for t in range(count):
        top, left = (begin + t) // columns * tile - 1, (begin + t) % columns * tile - 1
        inside = top >= 0 and left >= 0 and top + SIDE <= height and left + SIDE <= width
        for c in range(0, inputs, BLOCK):
            for i in range(SIDE):
                place = pixels + 4 * (((top + i) * width + left) * inputs + c)
                if inside:
                    _forward_rows(place, inputs, scratch + 4 * i * ROW, BLOCK)
                else:
                    for j in range(SIDE):
                        if 0 <= top + i < height and 0 <= left + j < width:
                            copy_row(place + 4 * j * inputs, line + 4 * j * BLOCK)
                        else:
                            s[POINTS + j] = _f(0.0)
                    _forward_rows(line, BLOCK, scratch + 4 * i * ROW, BLOCK)
            into = values.ctypes.data + 4 * (t * inputs + c)
            for j in range(SIDE):
                _forward_rows(scratch + 4 * j * BLOCK, ROW, into + 4 * j * distance, SIDE * distance)
    for p in range(POINTS):
        for k in range(count * inputs, -(-count // ROWS) * ROWS * inputs):
            values[p, k] = _f(0.0)


@part
def multiply(values, count, inputs, weight, matrix, first, blocks, products):  # type: ignore[no-untyped-def]
    """Products of ``count`` tiles and the weights of some blocks of outputs, for one matrix at each point."""
    group = (products.shape[1] - BLOCK) // (blocks * BLOCK)
    for p in range(POINTS):
        image, into = values[p].ctypes.data, products[p].ctypes.data
        panels = weight[matrix[p]].ctypes.data + 4 * first * inputs * BLOCK
        for b in range(blocks):
            panel, place = panels + 4 * b * inputs * BLOCK, into + 4 * b * group * BLOCK
            for t in range(0, count, ROWS):
                multiply_tile(image + 4 * t * inputs, inputs, panel, place + 4 * t * BLOCK, BLOCK, inputs)
