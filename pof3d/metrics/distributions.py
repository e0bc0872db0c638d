"""How far a learned distribution of an angle lies from the true one.

Where "front" lies is not observable without poses, so each figure is given as it is and *aligned*: after one
constant offset was removed from the learned angles, the one on a grid of 0.25° that makes this very figure
least. Zero is on the grid: aligned is never worse. An angle is either taken on the line, or on the circle
(``circular=True``), where 179° and −179° are neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from pof3d.metrics.circle import TURN, Angles, best_rotation, circular_wasserstein, wrap

JS_BINS = 60
"""Bins of the histograms that Jensen–Shannon compares: over `JS_REACH`, or over the whole circle."""
JS_REACH = 1.6
"""Radians to both sides of the median of the true angles; on the line."""
OFFSET_STEP = math.radians(0.25)
"""Between the offsets that are tried, radians."""


@dataclass(frozen=True)
class DistributionDistance:
    """How far a learned distribution of one angle lies from the true one."""

    divergence: float
    """Jensen–Shannon divergence, bits, 0…1; see `angle_divergence`."""
    divergence_aligned: float
    """After the offset was removed that makes it least."""
    divergence_offset: float
    """That offset, learned − true, radians."""
    divergence_floor: float
    """Divergence to be expected of samples this large from one and the same distribution; see
    `divergence_floor`."""
    wasserstein: float
    """Earth mover's distance, radians; see `angle_wasserstein`."""
    wasserstein_aligned: float
    """After the offset was removed that makes it least."""
    wasserstein_offset: float
    """That offset, learned − true, radians."""
    circular: bool
    """Whether the angle was taken on the circle."""

    @property
    def js_distance(self) -> float:
        """Jensen–Shannon distance, 0…1: the root of the divergence in bits."""
        return math.sqrt(self.divergence)

    @property
    def js_distance_aligned(self) -> float:
        """The root of `divergence_aligned`."""
        return math.sqrt(self.divergence_aligned)

    @property
    def js_distance_floor(self) -> float:
        """The root of `divergence_floor`."""
        return math.sqrt(self.divergence_floor)


def _offsets(learned: Angles, true: Angles, circular: bool) -> NDArray[np.float64]:
    """The grid of offsets, those nearest to zero first: of equally good ones the smallest counts.

    Half a turn to both sides; on the line beyond that by as much as the medians differ.
    """
    apart = 0.0 if circular else abs(float(np.median(learned) - np.median(true)))
    most = math.ceil((math.pi + apart) / OFFSET_STEP)
    steps = np.arange(-most, most if circular else most + 1)
    nearest: NDArray[np.int64] = steps[np.argsort(np.abs(steps), kind="stable")]
    return OFFSET_STEP * nearest.astype(np.float64)


def _counts(angles: Angles, offsets: NDArray[np.float64], middle: float, circular: bool) -> NDArray[np.int64]:
    """Histograms [K, `JS_BINS`] of a sample [N] from which each of K offsets was removed."""
    if circular:
        turn = np.sort(wrap(angles))
        ordered = np.concatenate([turn - TURN, turn, turn + TURN])
        edges = np.linspace(-math.pi, math.pi, JS_BINS + 1)
    else:
        ordered = np.sort(angles)
        edges = middle + np.linspace(-JS_REACH, JS_REACH, JS_BINS + 1)
        edges[[0, -1]] = -math.inf, math.inf
    return np.diff(np.searchsorted(ordered, edges[None] + offsets[:, None]), axis=1)


def _divergences(
    learned: Angles, true: Angles, offsets: NDArray[np.float64], circular: bool
) -> NDArray[np.float64]:
    """Jensen–Shannon divergences [K], bits, for K offsets."""
    middle = float(np.median(true))
    ours = _counts(learned, offsets, middle, circular)
    theirs = _counts(true, np.zeros(1), middle, circular)
    distance = jensenshannon(ours, np.repeat(theirs, len(ours), axis=0), base=2, axis=1)
    # Of histograms that are alike but for rounding it may be the root of −1e−17.
    return np.clip(np.nan_to_num(distance) ** 2, 0.0, 1.0)


def _least_divergence(learned: Angles, true: Angles, circular: bool) -> tuple[float, float]:
    """The least divergence over the grid, and the offset there."""
    offsets = _offsets(learned, true, circular)
    found = _divergences(learned, true, offsets, circular)
    best = int(np.argmin(found))
    return float(found[best]), float(offsets[best])


def angle_divergence(learned: Angles, true: Angles, *, aligned: bool, circular: bool = False) -> float:
    """Jensen–Shannon divergence, in bits (0…1), of two samples of an angle, radians.

    Its root is the Jensen–Shannon *distance*, a metric.

    Parameters
    ----------
    learned, true : float [N], [M]
        Samples. Histograms of 60 bins over ±1.6 rad about the true median (3.1° wide); what lies beyond is
        clipped to the ends. On the circle: of 60 arcs of 6°.
    aligned : bool
        Whether the offset is first removed from ``learned`` that makes the divergence least, on a grid of
        0.25°.
    circular : bool
        Whether the angle is taken on the circle.
    """
    if aligned:
        return _least_divergence(learned, true, circular)[0]
    return float(_divergences(learned, true, np.zeros(1), circular)[0])


def divergence_floor(learned: Angles, true: Angles, *, circular: bool = False) -> float:
    """Divergence, bits, to be expected of samples [N] and [M] were they drawn from one distribution.

    About (k − 1) (1/N + 1/M) / (8 ln 2) for k bins that hold something: to second order, 8 times the
    divergence in nats over (1/N + 1/M) is χ² with k − 1 degrees of freedom.
    """
    middle = float(np.median(true))
    held = sum(_counts(x, np.zeros(1), middle, circular)[0] for x in (learned, true))
    bins = int(np.count_nonzero(held))
    return min((bins - 1) * (1.0 / len(learned) + 1.0 / len(true)) / (8.0 * math.log(2.0)), 1.0)


def _least_wasserstein(learned: Angles, true: Angles, circular: bool) -> tuple[float, float]:
    """The least Wasserstein distance over the grid, and the offset there."""
    if circular:
        offsets = [0.0, -best_rotation(learned, true)]
    else:
        # As a function of the offset it is convex, and least at a median of the quantiles' differences.
        count = max(len(learned), len(true))
        levels = (np.arange(count) + 0.5) / count
        ours, theirs = (np.quantile(x, levels, method="inverted_cdf") for x in (learned, true))
        step = float(np.median(ours - theirs)) / OFFSET_STEP
        offsets = [0.0, *(OFFSET_STEP * n for n in (math.floor(step), math.ceil(step)))]
    found = [_wasserstein(learned - offset, true, circular) for offset in offsets]
    best = int(np.argmin(found))
    return found[best], offsets[best]


def _wasserstein(learned: Angles, true: Angles, circular: bool) -> float:
    return circular_wasserstein(learned, true) if circular else float(wasserstein_distance(learned, true))


def angle_wasserstein(learned: Angles, true: Angles, *, aligned: bool, circular: bool = False) -> float:
    """Wasserstein-1 (earth mover's) distance, radians, of two samples of an angle; see `angle_divergence`."""
    if aligned:
        return _least_wasserstein(learned, true, circular)[0]
    return _wasserstein(learned, true, circular)


def distribution_distance(learned: Angles, true: Angles, *, circular: bool = False) -> DistributionDistance:
    """Compare samples [N] and [M] of an angle, radians, as they are and up to a constant offset."""
    divergence, divergence_offset = _least_divergence(learned, true, circular)
    wasserstein, wasserstein_offset = _least_wasserstein(learned, true, circular)
    return DistributionDistance(
        divergence=angle_divergence(learned, true, aligned=False, circular=circular),
        divergence_aligned=divergence,
        divergence_offset=divergence_offset,
        divergence_floor=divergence_floor(learned, true, circular=circular),
        wasserstein=angle_wasserstein(learned, true, aligned=False, circular=circular),
        wasserstein_aligned=wasserstein,
        wasserstein_offset=wasserstein_offset,
        circular=circular,
    )
