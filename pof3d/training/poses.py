"""Mirrored cameras (PoF3D §3.2, symmetry)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def mirror_poses(pose: Tensor, h_mean: float, generator: torch.Generator | None = None) -> Tensor:
    """Mirror each pose left-right (h → 2·h_mean − h) or up-down (v → π − v), with probability ½ each.

    Parameters
    ----------
    pose : Tensor [B, 2]
        (h, v).
    h_mean : float
        Azimuth of the front view, radians.
    generator : torch.Generator, optional
        Source of the choice.
    """
    left_right = torch.rand(len(pose), generator=generator, device=pose.device) < 0.5
    h, v = pose.unbind(dim=1)
    return torch.stack(
        [torch.where(left_right, 2 * h_mean - h, h), torch.where(left_right, v, math.pi - v)],
        dim=1,
    )
