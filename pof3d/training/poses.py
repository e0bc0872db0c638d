"""Mirrored cameras (PoF3D §3.2, symmetry)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def mirror_poses(pose: Tensor, h_mean: float, choice: Tensor, *, up_down: bool = True) -> Tensor:
    """Mirror each pose left-right (h → 2·h_mean − h) or up-down (v → π − v), with probability ½ each.

    Parameters
    ----------
    pose : Tensor [B, 2]
        (h, v).
    h_mean : float
        Azimuth of the front view, radians.
    choice : Tensor [B]
        Uniform in 0…1: below ½ left-right.
    up_down : bool
        Otherwise all are mirrored left-right.
    """
    left_right = choice < (0.5 if up_down else 1.0)
    h, v = pose.unbind(dim=1)
    return torch.stack(
        [torch.where(left_right, 2 * h_mean - h, h), torch.where(left_right, v, math.pi - v)],
        dim=1,
    )
