"""Winograd's algorithm for 3×3 convolutions, F(6×6, 3×3) of arXiv 1509.09308: sizes, and what weights become.

Eight by eight numbers of a channel become as many others, so that 64 products of matrices [tiles, inputs] ·
[inputs, outputs] take the place of 9 · 36, and give six by six of the result.

A transposed convolution of stride 2 is four convolutions, to the pixels with even and odd coordinates, with
two taps for even ones and one for odd ones: F(7×7, 2×2) and its like, which read the same eight by eight
numbers. One tap is the same factor for all of them, so that fewer matrices are needed than products.

:mod:`pof3d.nets.winograd` computes it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TILE = 6
"""Pixels of the result in a row of a tile."""
DOUBLED_TILE = 7
"""Pixels of each of four results in a row of a tile, where the size doubles."""
POINTS = (TILE + 2) ** 2
"""Products for a tile of a channel."""
PHASES = 4
"""Results where the size doubles: of even and odd rows, and in these of even and odd columns."""

SIDE = TILE + 2
"""Numbers that a row of a tile takes."""
BLOCKS_AT_ONCE = 4
"""Blocks of outputs whose products are made before they become pixels: so few that they stay in the cache."""

_TAPS = np.array([[1, a, a * a] for a in (0, 1, -1, 2, -2, 0.5, -0.5)] + [[0, 0, 1]])
"""Values of a kernel of three taps at 0, ±1, ±2, ±1/2 and infinity."""
S1, S2, S3 = -2 / 9, 1 / 90, 32 / 45
_SCALE = np.array([1, S1, S1, S2, S2, S3, S3, 1])
"""What the inverse wants them multiplied by."""


def weight_transform() -> NDArray[np.float32]:
    """[64, 9], products of it and the weights are what :func:`~pof3d.nets.kernels.convolve` wants."""
    sides = _SCALE[:, None] * _TAPS
    return np.kron(sides, sides).astype(np.float32)


def doubling_weight_transform() -> NDArray[np.float32]:
    """[81, 9], the same for :func:`~pof3d.nets.kernels.double`.

    64 matrices of weights for even rows and columns; 8, 8 and one where rows, columns or both are odd.
    """
    # Row 2 i of the result is w[2] · input[i − 1] + w[0] · input[i], row 2 i + 1 is w[1] · input[i].
    even, odd = np.zeros((SIDE, 3)), np.array([[0.0, 1.0, 0.0]])
    even[:, 0], even[:, 2] = _TAPS[:, 1], _TAPS[:, 0]
    even[-1] = 1.0, 0.0, 0.0
    return np.concatenate([np.kron(down, right) for down in (even, odd) for right in (even, odd)]).astype(
        np.float32
    )


def _matrices() -> NDArray[np.int64]:
    points = np.arange(POINTS)
    odd = POINTS + points // SIDE, POINTS + SIDE + points % SIDE
    return np.stack([points, *odd, np.full(POINTS, POINTS + 2 * SIDE)])


MATRIX = _matrices()
"""[4, 64], which of the matrices of weights belongs to a phase's point; those of :func:`weight_transform` are
in order, as those of the first phase."""
