"""Statistics of angles on the circle; everything is in radians.

Sources: S. R. Jammalamadaka and A. SenGupta, *Topics in Circular Statistics* (2001), for the correlation; J.
Rabin, J. Delon and Y. Gousseau, *Transportation distances on the circle* (2011), for the distance.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Angles = NDArray[np.floating]

TURN = 2.0 * math.pi
_LARGEST_GAP = math.pi / 2
_MEDIAN_STEPS = 360
"""Directions from which a median is looked for: one degree apart."""
_TURNS = 1440
"""Rotations tried when two samples are aligned: a quarter of a degree apart."""


def wrap(angles: Angles) -> NDArray[np.float64]:
    """The same directions within [−π, π)."""
    return np.mod(np.asarray(angles, np.float64) + math.pi, TURN) - math.pi


def spans_circle(angles: Angles) -> bool:
    """Whether a sample [N] goes all around: no arc of 90° or more is without one of its angles."""
    ordered = np.sort(wrap(angles))
    if len(ordered) < 2:
        return False
    gaps = np.diff(ordered, append=ordered[0] + TURN)
    return bool(gaps.max() < _LARGEST_GAP)


def circular_correlation(a: Angles, b: Angles) -> float:
    """Correlation of two samples of angles [N], −1…1.

    Jammalamadaka and SenGupta's coefficient in the form for samples without a mean direction, (|Σ e^{i(a−b)}|
    − |Σ e^{i(a+b)}|) / (2 √(Σ sin²(a−ā) · Σ sin²(b−b̄))): 1 where b is a turned by a constant, −1 where it is
    also mirrored. 0 where one of them is constant.
    """
    squares = [_sine_square(x) for x in (a, b)]
    if min(squares) < 1e-12 * len(a):
        return 0.0
    spread = 2.0 * math.sqrt(squares[0] * squares[1])
    minus, plus = (abs(np.exp(1j * x).sum()) for x in (a - b, a + b))
    return float(np.clip((minus - plus) / spread, -1.0, 1.0))


def _sine_square(angles: Angles) -> float:
    middle = np.angle(np.exp(1j * angles).mean())
    return float(np.square(np.sin(angles - middle)).sum())


def circular_median(angles: Angles) -> float:
    """The direction from which a sample [N] is least far, on average along the circle; within [−π, π)."""
    tried = np.arange(_MEDIAN_STEPS) * (TURN / _MEDIAN_STEPS)
    cost = [np.abs(wrap(angles - start)).mean() for start in tried]
    best = tried[int(np.argmin(cost))]
    return float(wrap(best + np.median(wrap(angles - best))))


def circular_histogram(angles: Angles, bins: int) -> NDArray[np.int64]:
    """Counts [bins] over equal arcs from −π to π."""
    places = np.floor((wrap(angles) + math.pi) / TURN * bins).astype(np.int64) % bins
    return np.bincount(places, minlength=bins)


def circular_wasserstein(a: Angles, b: Angles) -> float:
    """Earth mover's distance of two samples [N], [M] on the circle: the mean way along it, radians.

    It is the minimum over c of ∫ |F_a − F_b − c|, which a median of F_a − F_b attains.
    """
    points = np.concatenate([wrap(a), wrap(b)])
    steps = np.concatenate([np.full(len(a), 1.0 / len(a)), np.full(len(b), -1.0 / len(b))])
    order = np.argsort(points, kind="stable")
    difference = np.cumsum(steps[order])
    lengths = np.diff(points[order], append=points[order[0]] + TURN)
    ranked = np.argsort(difference, kind="stable")
    reached = np.cumsum(lengths[ranked])
    middle = difference[ranked[np.searchsorted(reached, 0.5 * reached[-1])]]
    return float((np.abs(difference - middle) * lengths).sum())


def best_rotation(a: Angles, b: Angles) -> float:
    """The turn of a [N], within [−π, π), that brings it nearest to b [M] by `circular_wasserstein`, to
    0.25°.
    """
    fine = [circular_histogram(x, _TURNS) / len(x) for x in (a, b)]
    turned = fine[0][(np.arange(_TURNS)[None] - np.arange(_TURNS)[:, None]) % _TURNS]
    difference = np.cumsum(turned - fine[1], axis=1)
    cost = np.abs(difference - np.median(difference, axis=1, keepdims=True)).sum(axis=1)
    return float(wrap(np.asarray(np.argmin(cost) * TURN / _TURNS)))
