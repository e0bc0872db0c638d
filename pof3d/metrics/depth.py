"""Depth maps against depth maps: the paper's error, masks, and normals.

Depth of a single image is known up to shift and scale, so both maps are first brought to mean 0 and variance
1 over the object (PoF3D, arXiv 2301.07702 §4).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d.metrics.probe import masked_mean


def standardise(depth: Tensor, mask: Tensor) -> Tensor:
    """Bring each map to mean 0 and variance 1 over its mask.

    Parameters
    ----------
    depth : Tensor [B, 1, R, R]
    mask : bool Tensor [B, 1, R, R]

    Returns
    -------
    Tensor [B, 1, R, R]
        0 outside the mask; all 0 where the depth is constant.
    """
    centred = torch.where(mask, depth - masked_mean(depth, mask), torch.zeros_like(depth))
    deviation = masked_mean(centred.square(), mask).sqrt()
    return torch.where(deviation > 1e-9, centred / deviation.clamp(min=1e-9), torch.zeros_like(centred))


def normalised_error(found: Tensor, expected: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference [B] of two maps, each standardised over the mask.

    It is 2 · (1 − r) with r the correlation of the two over the mask: 0 for maps that differ by shift and
    (positive) scale alone, 2 for unrelated ones.

    Parameters
    ----------
    found, expected : Tensor [B, 1, R, R]
        Depth in any units.
    mask : bool Tensor [B, 1, R, R]
        Pixels compared.
    """
    difference = standardise(found, mask) - standardise(expected, mask)
    return masked_mean(difference.square(), mask).flatten()


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union [B] of masks [B, 1, R, R]; 1 where both are empty."""
    both, either = (a & b).sum(dim=(1, 2, 3)), (a | b).sum(dim=(1, 2, 3))
    return torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(both, dtype=torch.float32))


def normals(depth: Tensor, mask: Tensor, focal: float) -> tuple[Tensor, Tensor]:
    """Normals of depth maps, in camera axes, facing the camera.

    Each pixel is lifted to the point p = d · ray; the normal is ∂p/∂v × ∂p/∂u with differences of the two
    neighbours, normalised. On a plane this is exact.

    Parameters
    ----------
    depth : Tensor [B, 1, R, R]
        Distances along the rays.
    mask : bool Tensor [B, 1, R, R]
        Where the object is.
    focal : float
        Focal length in image widths.

    Returns
    -------
    normals : Tensor [B, 3, R, R]
        x right, y down, z forward (negative: towards the camera); 0 outside the second value.
    valid : bool Tensor [B, 1, R, R]
        Pixels that lie in the mask together with their four neighbours.
    """
    points = depth * ray_directions(depth.shape[-1], focal, depth)
    du = torch.zeros_like(points)
    dv = torch.zeros_like(points)
    du[..., :, 1:-1] = points[..., :, 2:] - points[..., :, :-2]
    dv[..., 1:-1, :] = points[..., 2:, :] - points[..., :-2, :]
    valid = torch.zeros_like(mask)
    valid[..., 1:-1, 1:-1] = (
        mask[..., 1:-1, 1:-1]
        & mask[..., 1:-1, 2:]
        & mask[..., 1:-1, :-2]
        & mask[..., 2:, 1:-1]
        & mask[..., :-2, 1:-1]
    )
    normal = F.normalize(torch.linalg.cross(dv, du, dim=1), dim=1)
    return normal * valid, valid


def ray_directions(resolution: int, focal: float, like: Tensor) -> Tensor:
    """Unit rays [1, 3, R, R] through the pixel centres, in camera axes."""
    centres = (
        (torch.arange(resolution, device=like.device, dtype=like.dtype) + 0.5) / resolution - 0.5
    ) / focal
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    return F.normalize(torch.stack([x, y, torch.ones_like(x)]), dim=0)[None]


def normal_angle(a: Tensor, b: Tensor, valid: Tensor) -> Tensor:
    """Mean angle [B], radians, between unit normals [B, 3, R, R] over the valid pixels; NaN without any."""
    cosine = (a * b).sum(dim=1, keepdim=True)
    sine = torch.linalg.cross(a, b, dim=1).norm(dim=1, keepdim=True)
    mean = masked_mean(torch.atan2(sine, cosine), valid).flatten()
    return torch.where(valid.flatten(1).any(dim=1), mean, torch.full_like(mean, float("nan")))
