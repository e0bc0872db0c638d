"""How well predicted poses agree with the truth, and learned distributions with the true one.

Where "front" lies is not observable without poses, so errors are given after removing one constant offset; no
scale is removed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from torch import Tensor

from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import RenderedFrame

_JS_BINS = 60
_JS_RANGE = (-1.6, 1.6)


@dataclass(frozen=True)
class PoseAgreement:
    """Agreement of one angle with the truth."""

    correlation: float
    """Pearson's, −1…1."""
    offset: float
    """Median of prediction − truth, radians."""
    mean_absolute_error: float
    """After removing the offset, radians."""


def pose_agreement(predicted: NDArray[np.floating], true: NDArray[np.floating]) -> PoseAgreement:
    """Compare predictions [N] with the truth [N], radians.

    Raises
    ------
    ValueError
        When the shapes differ or there are fewer than two values.
    """
    if predicted.shape != true.shape or predicted.ndim != 1 or len(true) < 2:
        raise ValueError(f"shapes {predicted.shape} and {true.shape} cannot be compared")
    difference = predicted - true
    offset = float(np.median(difference))
    return PoseAgreement(
        correlation=float(np.corrcoef(predicted, true)[0, 1]),
        offset=offset,
        mean_absolute_error=float(np.abs(difference - offset).mean()),
    )


def angle_divergence(learned: NDArray[np.floating], true: NDArray[np.floating], *, aligned: bool) -> float:
    """Jensen–Shannon divergence, in bits (0…1), of two samples of an angle, radians.

    Parameters
    ----------
    learned, true : float [N], [M]
        Samples. Histograms of 60 bins over ±1.6 rad; what lies beyond is clipped to the ends.
    aligned : bool
        Whether both are first moved to median zero.
    """
    if aligned:
        learned, true = learned - np.median(learned), true - np.median(true)
    counts = [np.histogram(np.clip(x, *_JS_RANGE), _JS_BINS, _JS_RANGE)[0] for x in (learned, true)]
    return float(jensenshannon(counts[0], counts[1], base=2) ** 2)


def predict_image_poses(discriminator: Discriminator, images: Tensor) -> NDArray[np.float64]:
    """D's yaw and pitch [N, 2], radians, of real images uint8 [N, 3, S, S]."""
    device = next(discriminator.parameters()).device
    poses = []
    for batch in images.split(64):
        x = batch.to(device).float() / 127.5 - 1.0
        nothing = torch.empty(0, device=device)
        poses.append(discriminator.predict_pose(RenderedFrame(x, x, nothing, nothing)))
    return torch.cat(poses).double().cpu().numpy()
