"""Detail of the last full picture, carried over to a new camera: for previews without super-resolution.

Fresh rays say what the new camera sees and how far away it is. What super-resolution had added to the last
full picture of the same latent is looked up where those points were in it, and added to the fresh colours.
Only detail is carried over: the colours stay those of the new view, and what was not visible before has its
fresh ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d.nets.generator import RawFrame
from viz.optics import Optics

_TOLERANCE = 0.02
"""Of the range of samples: depths that differ by less are of one surface, by more than twice that of two."""
_JUMP = 0.04
"""Of the range of samples: neighbouring pixels whose depths differ by more belong to two surfaces."""
_REACH = 2
"""Pixels about a silhouette, on its far side, that show something of both sides once they are made larger."""
_FOG = 0.05, 0.25
"""Opacity up to which a ray goes to the end of its range, and from which on its depth counts."""
_ANGLES = math.radians(8.0), math.radians(24.0)
"""Between both cameras' views of a point: up to the first its detail counts in full, from the second on not
at all. Foreshortening is another by then, and detail would do more harm than good."""
_BORDER = 2.5
"""Pixels of the raw image: how far inside the border super-resolution no longer notices it."""
_BEHIND = 1e-3
"""What is not this far in front of the last camera, world units, it has not seen."""


@dataclass(frozen=True)
class Reference:
    """A full picture that previews may take their detail from, laid out for raw images of one size."""

    detail: Tensor
    """[1, 3, S, S]: the picture less its raw image made as large, less `mean`."""
    mean: Tensor
    """[1, 3, 1, 1]: of what super-resolution adds; about zero in a trained network."""
    depth: Tensor
    """[1, 1, R, R]: distance along the rays to the nearest surface around each pixel, world units."""
    optics: Optics
    """The camera."""


def enlarged(image: Tensor, side: int) -> Tensor:
    """An image [1, C, R, R] at another size, bicubically; as itself at its own."""
    if image.shape[-1] == side:
        return image
    weights = _weights(image.shape[-1], side, "bicubic", image.device)
    return weights @ image @ weights.t()


def reference(
    picture: Tensor, raw: RawFrame, optics: Optics, side: int, ray_range: tuple[float, float]
) -> Reference:
    """Lay out a full picture.

    Parameters
    ----------
    picture : Tensor [1, 3, S, S]
        After super-resolution.
    raw : RawFrame
        What it was made of, of any size.
    optics : Optics
        Its camera.
    side : int
        Of the raw images that will be given detail.
    ray_range : tuple
        Where the network's rays begin and end, world units.
    """
    coarse = raw.raw
    if coarse.shape[-1] != side:
        coarse = F.interpolate(coarse, (side, side), mode="bilinear", antialias=True)
    detail = picture - enlarged(coarse, picture.shape[-1])
    mean = detail.mean(dim=(2, 3), keepdim=True)
    return Reference(detail - mean, mean, _nearest(raw, optics, ray_range), optics)


def reproject(fresh: RawFrame, optics: Optics, last: Reference, ray_range: tuple[float, float]) -> Tensor:
    """The picture of a new camera.

    Parameters
    ----------
    fresh : RawFrame
        What the new camera sees, R × R.
    optics : Optics
        The new camera.
    last : Reference
        A full picture of the same latent.
    ray_range : tuple
        Where the network's rays begin and end, world units.

    Returns
    -------
    Tensor [1, 3, S, S]
    """
    side, size = fresh.raw.shape[-1], last.detail.shape[-1]
    place, confidence = _found(fresh, optics, last, ray_range)
    device = fresh.raw.device
    # Pixels that are not found have no say in where their neighbours are.
    moved = torch.where(confidence > 0.0, (place - _centres(side, device)) * confidence, 0.0)
    weights = _weights(side, size, "bilinear", device)
    moved, confidence = (weights @ part @ weights.t() for part in (moved, confidence))
    grid = _centres(size, device) + moved / confidence.clamp(min=1e-3)
    detail = F.grid_sample(last.detail, grid.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)
    return (enlarged(fresh.raw, size) + last.mean).addcmul_(detail, confidence)


def _found(
    fresh: RawFrame, optics: Optics, last: Reference, ray_range: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Where each pixel's content was in the last picture, [1, 2, R, R] in −1…1; and whether, [1, 1, R, R]."""
    side, span = fresh.raw.shape[-1], ray_range[1] - ray_range[0]
    distance = _nearest(fresh, optics, ray_range)
    x, y = (0.5 / optics.focal * _centres(side, distance.device)).unbind(dim=1)
    here, there = (camera.matrix()[0].double() for camera in (optics, last.optics))
    turn = there[:3, :3].t()
    relative = torch.cat([turn @ here[:3, :3], turn @ (here[:3, 3:] - there[:3, 3:])], dim=1).to(distance)
    # In the last camera's axes: what this camera looks along, then what it finds there.
    along = torch.stack([x, y, torch.ones_like(x)], dim=1) / torch.sqrt(x * x + y * y + 1.0)[:, None]
    along = (relative[:, :3] @ along.flatten(2)).view_as(along)
    seen = along * distance + relative[None, :, 3:, None]
    ahead, length = seen[:, 2:], (seen * seen).sum(dim=1, keepdim=True).sqrt()
    place = 2.0 * last.optics.focal * seen[:, :2] / ahead.clamp(min=_BEHIND)
    known = F.grid_sample(
        last.depth, place.permute(0, 2, 3, 1), mode="nearest", padding_mode="border", align_corners=False
    )
    apart = (known - length).abs() / (_TOLERANCE * span)
    turned = ((along * seen).sum(dim=1, keepdim=True) / length.clamp(min=_BEHIND)).clamp(-1.0, 1.0).acos()
    like, unlike = _ANGLES
    # Convolutions see beyond the border: what they make of it there is no detail of what lies farther inside.
    own, looked_up = (_inside(at, side) for at in (_centres(side, distance.device), place))
    within = (1.0 + looked_up - own.clamp(max=_BORDER)).clamp(0.0, 1.0) * (looked_up > 0.0)
    confidence = (2.0 - apart).clamp(0.0, 1.0) * within
    confidence = confidence * ((unlike - turned) / (unlike - like)).clamp(0.0, 1.0)
    return place, confidence * (ahead > _BEHIND)


def _inside(place: Tensor, side: int) -> Tensor:
    """[1, 1, R, R]: how far places are inside the border, pixels."""
    return (1.0 - torch.maximum(place[:, :1].abs(), place[:, 1:].abs())) * (0.5 * side)


def _nearest(raw: RawFrame, optics: Optics, ray_range: tuple[float, float]) -> Tensor:
    """[1, 1, R, R]: distance of what a pixel shows; right behind a silhouette, of what lies in front.

    So the pixels along a silhouette, which show some of both sides, move with the nearer one.
    """
    end, jump = ray_range[1] + optics.depth_shift, _JUMP * (ray_range[1] - ray_range[0])
    low, high = _FOG
    depth = end + (raw.depth - end) * ((raw.opacity - low) / (high - low)).clamp(0.0, 1.0)
    window = 2 * _REACH + 1
    around = F.unfold(F.pad(depth, 4 * (_REACH,), mode="replicate"), window)
    around = around.view(1, window**2, *depth.shape[2:])
    in_front = around < depth - jump
    # A surface that turns away is steep as well, but has something behind it.
    last = (around <= depth + jump).all(dim=1, keepdim=True) & in_front.any(dim=1, keepdim=True)
    edge = torch.where(in_front, around, -torch.inf).amax(dim=1, keepdim=True)
    return torch.where(last, edge, depth)


@lru_cache(maxsize=16)
def _centres(side: int, device: torch.device) -> Tensor:
    """[1, 2, side, side]: x and y of the pixels' centres, −1…1."""
    centres = (torch.arange(side, device=device) + 0.5) * (2.0 / side) - 1.0
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    return torch.stack([x, y])[None]


@lru_cache(maxsize=16)
def _weights(side: int, size: int, mode: str, device: torch.device) -> Tensor:
    """[size, side]: interpolation along one axis. Products with it are faster than `F.interpolate`."""
    rows = torch.eye(side, device=device)[None, None]
    return F.interpolate(rows, (size, side), mode=mode, align_corners=False)[0, 0]
