"""Poses in training: how they start, and mirrored cameras (PoF3D §3.2, symmetry)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pof3d.nets.mapping import Mapping


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


@torch.no_grad()
def standardize_poses(
    mapping: Mapping,
    spread: tuple[float, float],
    mean: tuple[float, float] = (0.0, 0.0),
    samples: int = 4096,
) -> None:
    """Rescale the last layer of a pose learner so that h and v spread by ``spread`` around ``mean``.

    Poses that start far apart or off-centre stay so for long: the pose learner is slow on purpose.

    Parameters
    ----------
    mapping : Mapping
        Changed in place.
    spread : tuple of float
        Standard deviations of h and v, radians.
    mean : tuple of float
        Offsets of h and v from the front view, radians.
    samples : int
        Random latents to measure with, from torch's global generator.
    """
    if mapping.source != "learned":
        return
    layer = mapping.pose_output
    w = mapping.map_w(torch.randn(samples, mapping.z_dim))
    out = layer(mapping.pose_hidden(w) if mapping.has_pose_hidden else w)
    factor = torch.tensor(spread) / out.std(dim=0)
    layer.weight.mul_(factor[:, None])
    middle = (layer.bias * layer.bias_gain - out.mean(dim=0)) * factor + torch.tensor(mean)
    layer.bias.copy_(middle / layer.bias_gain)
