"""How well predicted poses agree with the truth.

Where "front" lies is not observable without poses, so errors are given after removing one constant offset;
no scale is removed. An angle is either taken on the line, or on the circle (``circular=True``), where 179°
and −179° are neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pof3d.metrics.circle import circular_correlation, circular_median, wrap
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import RenderedFrame


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


def predict_image_poses(
    discriminator: Discriminator, images: Tensor, raw_resolution: int | None = None
) -> NDArray[np.float64]:
    """D's yaw and pitch of real images, radians.

    Parameters
    ----------
    discriminator : Discriminator
        One that predicts poses.
    images : uint8 Tensor [N, 3, S, S]
        At the generator's final resolution.
    raw_resolution : int, optional
        R, at which the generator renders before super-resolution. D learned from each real image beside the
        same at [R, R]. None, for generators without super-resolution: the image itself stands there.

    Returns
    -------
    float array [N, 2]
    """
    device = next(discriminator.parameters()).device
    poses = []
    for batch in images.split(64):
        x = batch.to(device).float() / 127.5 - 1.0
        raw = x
        if raw_resolution is not None:
            raw = F.interpolate(x, (raw_resolution,) * 2, mode="bilinear", antialias=True)
        nothing = torch.empty(0, device=device)
        poses.append(discriminator.predict_pose(RenderedFrame(x, raw, nothing, nothing)))
    return torch.cat(poses).double().cpu().numpy()
