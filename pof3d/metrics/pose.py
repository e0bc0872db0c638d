"""How well predicted poses agree with the truth, and learned distributions with the true one.

Where "front" lies is not observable without poses, so errors are given after removing one constant offset;
no scale is removed. An angle is either taken on the line, or on the circle (``circular=True``), where 179°
and −179° are neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance
from torch import Tensor

from pof3d.metrics.circle import (
    best_rotation,
    circular_correlation,
    circular_histogram,
    circular_median,
    circular_wasserstein,
    wrap,
)
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import RenderedFrame

JS_BINS = 60
"""Bins of the histograms that divergences compare: over `JS_RANGE`, or over the whole circle."""
JS_RANGE = (-1.6, 1.6)
"""Radians; on the line."""


@dataclass(frozen=True)
class PoseAgreement:
    """Agreement of one angle with the truth."""

    correlation: float
    """−1…1: Pearson's, on the circle Jammalamadaka and SenGupta's; 0 where either is constant."""
    offset: float
    """Median of prediction − truth, radians; on the circle the circular median."""
    mean_absolute_error: float
    """After removing the offset, radians."""
    beyond_90_degrees: float
    """Share of the errors, after removing the offset, above 90°, 0…1: front taken for rear."""
    circular: bool
    """Whether the angle was taken on the circle."""


@dataclass(frozen=True)
class DistributionDistance:
    """How far a learned distribution of one angle lies from the true one."""

    divergence: float
    """Jensen–Shannon, bits, 0…1; see `angle_divergence`."""
    divergence_aligned: float
    """After the best constant offset was removed."""
    wasserstein: float
    """Earth mover's distance, radians; see `angle_distance`."""
    wasserstein_aligned: float
    """After the best constant offset was removed."""
    circular: bool
    """Whether the angle was taken on the circle."""


def pose_agreement(
    predicted: NDArray[np.floating], true: NDArray[np.floating], *, circular: bool = False
) -> PoseAgreement:
    """Compare predictions [N] with the truth [N], radians.

    Raises
    ------
    ValueError
        When the shapes differ or there are fewer than two values.
    """
    if predicted.shape != true.shape or predicted.ndim != 1 or len(true) < 2:
        raise ValueError(f"shapes {predicted.shape} and {true.shape} cannot be compared")
    difference = predicted - true
    if circular:
        correlation, offset = circular_correlation(predicted, true), circular_median(difference)
        error = np.abs(wrap(difference - offset))
    else:
        correlation, offset = _pearson(predicted, true), float(np.median(difference))
        error = np.abs(difference - offset)
    return PoseAgreement(
        correlation=correlation,
        offset=offset,
        mean_absolute_error=float(error.mean()),
        beyond_90_degrees=float((error > math.pi / 2).mean()),
        circular=circular,
    )


def _pearson(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return 0.0 if min(a.std(), b.std()) < 1e-12 else float(np.corrcoef(a, b)[0, 1])


def angle_divergence(
    learned: NDArray[np.floating], true: NDArray[np.floating], *, aligned: bool, circular: bool = False
) -> float:
    """Jensen–Shannon divergence, in bits (0…1), of two samples of an angle, radians.

    Parameters
    ----------
    learned, true : float [N], [M]
        Samples. Histograms of 60 bins over ±1.6 rad (3.1° wide); what lies beyond is clipped to the ends. On
        the circle: of 60 arcs of 6°.
    aligned : bool
        Whether both are first moved to median zero; on the circle, whether ``learned`` is first turned by
        `best_rotation`.
    circular : bool
        Whether the angle is taken on the circle.
    """
    learned, true = _align(learned, true, circular) if aligned else (learned, true)
    if circular:
        counts = [circular_histogram(x, JS_BINS) for x in (learned, true)]
    else:
        counts = [np.histogram(np.clip(x, *JS_RANGE), JS_BINS, JS_RANGE)[0] for x in (learned, true)]
    return float(jensenshannon(counts[0], counts[1], base=2) ** 2)


def angle_distance(
    learned: NDArray[np.floating], true: NDArray[np.floating], *, aligned: bool, circular: bool = False
) -> float:
    """Wasserstein-1 (earth mover's) distance, radians, of two samples of an angle; see `angle_divergence`."""
    learned, true = _align(learned, true, circular) if aligned else (learned, true)
    return circular_wasserstein(learned, true) if circular else float(wasserstein_distance(learned, true))


def _align(
    learned: NDArray[np.floating], true: NDArray[np.floating], circular: bool
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    if circular:
        return learned + best_rotation(learned, true), true
    return learned - np.median(learned), true - np.median(true)


def distribution_distance(
    learned: NDArray[np.floating], true: NDArray[np.floating], *, circular: bool = False
) -> DistributionDistance:
    """Compare samples [N] and [M] of an angle, radians, as they are and up to a constant offset."""
    return DistributionDistance(
        divergence=angle_divergence(learned, true, aligned=False, circular=circular),
        divergence_aligned=angle_divergence(learned, true, aligned=True, circular=circular),
        wasserstein=angle_distance(learned, true, aligned=False, circular=circular),
        wasserstein_aligned=angle_distance(learned, true, aligned=True, circular=circular),
        circular=circular,
    )


def predict_image_poses(discriminator: Discriminator, images: Tensor) -> NDArray[np.float64]:
    """D's yaw and pitch [N, 2], radians, of real images uint8 [N, 3, S, S]."""
    device = next(discriminator.parameters()).device
    poses = []
    for batch in images.split(64):
        x = batch.to(device).float() / 127.5 - 1.0
        nothing = torch.empty(0, device=device)
        poses.append(discriminator.predict_pose(RenderedFrame(x, x, nothing, nothing)))
    return torch.cat(poses).double().cpu().numpy()
