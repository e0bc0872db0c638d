"""Convolutions of images whose channels come last, compiled by numba.

3×3 ones go by Winograd's algorithm, F(6×6, 3×3) of arXiv 1509.09308: eight by eight numbers of a channel
become as many others, so that 64 products of matrices [tiles, inputs] · [inputs, outputs] take the place of
9 · 36, and give six by six of the result. A few tiles go all the way from image to image in the cache.

A convolution that doubles the size, and the filter behind it, are four of 3×3 to the pixels with even and odd
coordinates: the filter is folded into the matrices that transform the weights.

To import this module is to import numba; the first call compiles, or reads numba's cache on disk.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pof3d.compiling import BLOCK
from pof3d.vectors import ROWS, activate_row, compiled, copy_row, inlined, multiply_tile, part

TILE = 6
"""Pixels of the result in a row of a tile."""
POINTS = (TILE + 2) ** 2
"""Products for a tile of a channel."""

_f = np.float32
_SIDE = TILE + 2
_INPUTS = 8
_AT_ONCE = 4
"""Blocks of outputs whose products are made before they become pixels: so few that they stay in the cache."""
_ROW = _SIDE * BLOCK
_SECOND = POINTS * BLOCK
_G = np.array(
    [
        [1, 0, 0],
        [-2 / 9, -2 / 9, -2 / 9],
        [-2 / 9, 2 / 9, -2 / 9],
        [1 / 90, 1 / 45, 2 / 45],
        [1 / 90, -1 / 45, 2 / 45],
        [32 / 45, 16 / 45, 8 / 45],
        [32 / 45, -16 / 45, 8 / 45],
        [0, 0, 1],
    ]
)
"""Values of a kernel of three taps at 0, ±1, ±2, ±1/2 and infinity, scaled as the inverse wants them."""


def weight_transform(fir: NDArray[np.floating] | None = None) -> NDArray[np.float32]:
    """[phases, 64, 9], products of it and the weights are what :func:`convolve` wants.

    Parameters
    ----------
    fir : array [4], optional
        Of a convolution that doubles the size: the symmetric filter behind it, in one dimension, with gain 2.
        There are four phases then, even and odd rows and columns; otherwise one.
    """
    if fir is None:
        return np.kron(_G, _G)[None].astype(_f)
    # Row y of the result is Σ_k both[k] · input[(y + 2 − k) / 2], where both is the transposed convolution's
    # kernel widened by the filter, and a convolution reads input[y // 2 + t − 1]: of the phase p, that is
    # k = p + 4 − 2 t, and both[k] = Σ_m weight[m] · fir[k − m].
    phases = np.zeros((2, 3, 3))
    for p in range(2):
        for t in range(3):
            for m in range(3):
                if 0 <= p + 4 - 2 * t - m < 4:
                    phases[p, t, m] = fir[p + 4 - 2 * t - m]
    sides = [_G @ phase for phase in phases]
    return np.stack([np.kron(down, right) for down in sides for right in sides]).astype(_f)


@compiled
def transform_weights(weight, style, norm, transform, first, last, start, into):  # type: ignore[no-untyped-def]
    """Fill ``into`` for blocks ``first`` … ``last`` of outputs.

    Parameters
    ----------
    weight : float32 [outputs, inputs, 9]
        Outputs a multiple of 16.
    style, norm : float32 [inputs], [outputs]
        Factors.
    transform : float32 [phases, 64, 9]
        Of :func:`weight_transform`.
    first, last : int
        Blocks of 16 among phases · outputs, outputs counted first.
    start : int
        The block that ``into`` begins with.
    into : float32 [64, blocks · inputs · 16 + 16]
        The last 16 are left: rows at a distance of a power of two would meet in the same lines of the cache.
    """
    outputs, inputs = weight.shape[:2]
    blocks, distance = outputs // BLOCK, into.shape[1]
    taps = np.empty((_INPUTS, 9, BLOCK), _f)
    for block in range(first, last):
        phase, o = block // blocks, block % blocks * BLOCK
        for begin in range(0, inputs, _INPUTS):
            some = min(_INPUTS, inputs - begin)
            for c in range(BLOCK):
                for i in range(some):
                    factor = style[begin + i] * norm[o + c]
                    for t in range(9):
                        taps[i, t, c] = weight[o + c, begin + i, t] * factor
            for i in range(some):
                target = into.ctypes.data + 4 * ((block - start) * inputs + begin + i) * BLOCK
                for p in range(0, POINTS, ROWS):
                    p = min(p, POINTS - ROWS)
                    multiply_tile(
                        transform[phase, p].ctypes.data, 9, taps[i].ctypes.data,
                        target + 4 * p * distance, distance, 9,
                    )  # fmt: skip


@inlined
def _forward(d0, d1, d2, d3, d4, d5, d6, d7):  # type: ignore[no-untyped-def]
    """Bᵀ of the paper."""
    even, odd = d2 + d6 - _f(4.25) * d4, d1 + d5 - _f(4.25) * d3
    even2, odd2 = d6 + _f(0.25) * d2 - _f(1.25) * d4, _f(0.5) * d1 - _f(2.5) * d3 + _f(2.0) * d5
    even3, odd3 = d6 + _f(4.0) * d2 - _f(5.0) * d4, _f(2.0) * d1 - _f(2.5) * d3 + _f(0.5) * d5
    return (
        d0 - d6 + _f(5.25) * (d4 - d2),
        even + odd, even - odd, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3,
        d7 - d1 + _f(5.25) * (d3 - d5),
    )  # fmt: skip


@inlined
def _backward(m0, m1, m2, m3, m4, m5, m6, m7):  # type: ignore[no-untyped-def]
    """Aᵀ of the paper."""
    a, b, c, d, e, f = m1 + m2, m1 - m2, m3 + m4, m3 - m4, m5 + m6, m5 - m6
    return (
        m0 + a + c + e,
        b + _f(2.0) * d + _f(0.5) * f,
        a + _f(4.0) * c + _f(0.25) * e,
        b + _f(8.0) * d + _f(0.125) * f,
        a + _f(16.0) * c + _f(0.0625) * e,
        m7 + b + _f(32.0) * d + _f(0.03125) * f,
    )


@part
def _transform_image(x, begin, count, values, s):  # type: ignore[no-untyped-def]
    """Fill values for ``count`` tiles from ``begin`` on; what is beyond, up to whole rows, is zero."""
    height, width, inputs = x.shape
    columns = (width + TILE - 1) // TILE
    pixels, scratch = x.ctypes.data, s.ctypes.data
    for t in range(count):
        top, left = (begin + t) // columns * TILE - 1, (begin + t) % columns * TILE - 1
        inside = top >= 0 and left >= 0 and top + _SIDE <= height and left + _SIDE <= width
        for c0 in range(0, inputs, BLOCK):
            for i in range(_SIDE):
                for j in range(_SIDE):
                    k = (i * _SIDE + j) * BLOCK
                    if inside or (0 <= top + i < height and 0 <= left + j < width):
                        pixel = (top + i) * width + left + j
                        copy_row(pixels + 4 * (pixel * inputs + c0), scratch + 4 * k)
                    else:
                        for c in range(BLOCK):
                            s[k + c] = _f(0.0)
            for i in range(_SIDE):
                for c in range(BLOCK):
                    k = i * _ROW + c
                    v = _forward(
                        s[k], s[k + BLOCK], s[k + 2 * BLOCK], s[k + 3 * BLOCK],
                        s[k + 4 * BLOCK], s[k + 5 * BLOCK], s[k + 6 * BLOCK], s[k + 7 * BLOCK],
                    )  # fmt: skip
                    k += _SECOND
                    s[k], s[k + BLOCK], s[k + 2 * BLOCK], s[k + 3 * BLOCK] = v[0], v[1], v[2], v[3]
                    k += 4 * BLOCK
                    s[k], s[k + BLOCK], s[k + 2 * BLOCK], s[k + 3 * BLOCK] = v[4], v[5], v[6], v[7]
            for j in range(_SIDE):
                for c in range(BLOCK):
                    k = _SECOND + j * BLOCK + c
                    v = _forward(
                        s[k], s[k + _ROW], s[k + 2 * _ROW], s[k + 3 * _ROW],
                        s[k + 4 * _ROW], s[k + 5 * _ROW], s[k + 6 * _ROW], s[k + 7 * _ROW],
                    )  # fmt: skip
                    k -= _SECOND
                    s[k], s[k + _ROW], s[k + 2 * _ROW], s[k + 3 * _ROW] = v[0], v[1], v[2], v[3]
                    k += 4 * _ROW
                    s[k], s[k + _ROW], s[k + 2 * _ROW], s[k + 3 * _ROW] = v[4], v[5], v[6], v[7]
            into = values.ctypes.data + 4 * (t * inputs + c0)
            for p in range(POINTS):
                copy_row(scratch + 4 * p * BLOCK, into + 4 * p * values.shape[1])
    for p in range(POINTS):
        for k in range(count * inputs, -(-count // ROWS) * ROWS * inputs):
            values[p, k] = _f(0.0)


@part
def _multiply(values, count, inputs, weight, first, blocks, products):  # type: ignore[no-untyped-def]
    """Products of ``count`` tiles and the weights of some blocks of outputs."""
    group = (products.shape[1] - BLOCK) // (blocks * BLOCK)
    for p in range(POINTS):
        image, into = values[p].ctypes.data, products[p].ctypes.data
        matrix = weight[p].ctypes.data + 4 * first * inputs * BLOCK
        for b in range(blocks):
            panel, place = matrix + 4 * b * inputs * BLOCK, into + 4 * b * group * BLOCK
            for t in range(0, count, ROWS):
                multiply_tile(image + 4 * t * inputs, inputs, panel, place + 4 * t * BLOCK, BLOCK, inputs)


@part
def _finish(products, begin, count, first, blocks, bias, noise, clamp, scale, y, s):  # type: ignore[no-untyped-def]
    """Pixels from products of ``count`` tiles, ``begin`` the first of them, and blocks ``first`` …"""
    height, width, outputs = y.shape
    group = (products.shape[1] - BLOCK) // (blocks * BLOCK)
    columns = (width // scale + TILE - 1) // TILE
    scratch = s.ctypes.data
    for t in range(count):
        top, left = (begin + t) // columns * TILE, (begin + t) % columns * TILE
        rows, across = min(TILE, height // scale - top), min(TILE, width // scale - left)
        for b in range(blocks):
            phase, o = (first + b) // (outputs // BLOCK), (first + b) % (outputs // BLOCK) * BLOCK
            down, right = phase // scale, phase % scale
            product = products.ctypes.data + 4 * (b * group + t) * BLOCK
            for p in range(POINTS):
                copy_row(product + 4 * p * products.shape[1], scratch + 4 * p * BLOCK)
            for i in range(_SIDE):
                for c in range(BLOCK):
                    k = i * _ROW + c
                    v = _backward(
                        s[k], s[k + BLOCK], s[k + 2 * BLOCK], s[k + 3 * BLOCK],
                        s[k + 4 * BLOCK], s[k + 5 * BLOCK], s[k + 6 * BLOCK], s[k + 7 * BLOCK],
                    )  # fmt: skip
                    k += _SECOND
                    s[k], s[k + BLOCK], s[k + 2 * BLOCK] = v[0], v[1], v[2]
                    k += 3 * BLOCK
                    s[k], s[k + BLOCK], s[k + 2 * BLOCK] = v[3], v[4], v[5]
            for j in range(TILE):
                for c in range(BLOCK):
                    k = _SECOND + j * BLOCK + c
                    v = _backward(
                        s[k], s[k + _ROW], s[k + 2 * _ROW], s[k + 3 * _ROW],
                        s[k + 4 * _ROW], s[k + 5 * _ROW], s[k + 6 * _ROW], s[k + 7 * _ROW],
                    )  # fmt: skip
                    k -= _SECOND
                    s[k], s[k + _ROW], s[k + 2 * _ROW] = v[0], v[1], v[2]
                    k += 3 * _ROW
                    s[k], s[k + _ROW], s[k + 2 * _ROW] = v[3], v[4], v[5]
            for i in range(rows):
                row = (top + i) * scale + down
                for j in range(across):
                    column = (left + j) * scale + right
                    grain = noise[row, column] if len(noise) else _f(0.0)
                    into = y.ctypes.data + 4 * ((row * width + column) * outputs + o)
                    place = scratch + 4 * (i * _ROW + j * BLOCK)
                    activate_row(place, bias.ctypes.data + 4 * o, grain, clamp, into)


@compiled
def convolve(  # type: ignore[no-untyped-def]
    x, first, last, group, keep, values, weight, block, bias, noise, clamp, scale, y
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
    weight : float32 [64, blocks · inputs · 16 + 16]
        Of :func:`transform_weights`.
    block : int
        The first of its blocks among all.
    bias : float32 [outputs]
    noise : float32 [H · scale, W · scale] or [0, 0]
    clamp : float32
    scale : int
        1, or 2 for weights of four phases.
    y : float32 [H · scale, W · scale, outputs]
        Result.
    """
    inputs = x.shape[2]
    blocks = weight.shape[1] // (inputs * BLOCK)
    some = min(blocks, _AT_ONCE)
    products = np.empty((POINTS, some * group * BLOCK + BLOCK), _f)
    # One array and distances that are known: then nothing can overlap, and loops become vectors.
    s = np.empty(2 * _SECOND, _f)
    for begin in range(first, last, group):
        count = min(group, last - begin)
        if not keep:
            _transform_image(x, begin, count, values, s)
        for b in range(0, blocks, some):
            few = min(some, blocks - b)
            _multiply(values, count, inputs, weight, b, few, products)
            _finish(products, begin, count, block + b, few, bias, noise, clamp, scale, y, s)


@compiled
def add_image(x, first, last, weight, bias, clamp, below, y):  # type: ignore[no-untyped-def]
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
    y : float32 [H, W · outputs]
        Result.
    """
    width, inputs = x.shape[1:]
    outputs, blocks = len(bias), len(weight)
    own, wide = blocks * BLOCK, width * outputs
    scale = len(y) // max(len(below), 1)
    products, under = np.empty((width, own), _f), np.zeros(wide + 2 * outputs, _f)
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
            seen[:] = below[row]
        elif len(below):
            above, beside = below[row // 2], row // 2 + (1 if row % 2 else -1)
            for k in range(len(seen)):
                seen[k] = _f(0.75) * above[k]
            if 0 <= beside < len(below):
                other = below[beside]
                for k in range(len(seen)):
                    seen[k] += _f(0.25) * other[k]
        line = y[row]
        for column in range(width):
            target, product = line[column * outputs : (column + 1) * outputs], products[column]
            for c in range(outputs):
                value = product[c] + bias[c]
                value = clamp if value > clamp else value
                target[c] = -clamp if value < -clamp else value
            if len(below) == 0:
                continue
            at = (column // scale + 1) * outputs
            near = under[at : at + outputs]
            if scale == 1:
                for c in range(outputs):
                    target[c] += near[c]
            else:
                at += outputs if column % 2 else -outputs
                far = under[at : at + outputs]
                for c in range(outputs):
                    target[c] += _f(0.75) * near[c] + _f(0.25) * far[c]


def compile_kernels() -> None:
    """Make them ready for the types that they will meet, by one tile."""
    image, weight, norm = np.zeros((1, 1, BLOCK), _f), np.zeros((BLOCK, BLOCK, 9), _f), np.zeros(BLOCK, _f)
    room = np.empty((POINTS, BLOCK * BLOCK + BLOCK), _f)
    transform_weights(weight, norm, norm, weight_transform(), 0, 1, 0, room)
    values = np.empty((POINTS, ROWS * BLOCK + BLOCK), _f)
    convolve(image, 0, 1, ROWS, False, values, room, 0, norm, np.zeros((0, 0), _f), _f(1.0), 1, image.copy())
    pixels, row = np.zeros((1, ROWS, BLOCK), _f), np.zeros((1, ROWS * BLOCK), _f)
    add_image(pixels, 0, 1, np.zeros((1, BLOCK, BLOCK), _f), norm, _f(1.0), row, row.copy())
