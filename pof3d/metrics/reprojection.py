"""Multi-view consistency: do two views of one object show the same surface, given the predicted depth?

Each pixel of the first view is lifted to its surface point with the predicted depth and looked up in the
second view. Points that the second view's own depth hides are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d.cameras import camera_rays, intrinsics_from_focal

SOLID = 0.9
"""Opacity from which a pixel shows a surface."""
TOLERANCE = 0.02
"""Depth, in shares of the camera's radius, that a point must lie behind the second view's surface to count as
hidden."""

JUMP = 0.08
"""Difference of depth between neighbouring surface pixels, likewise, from which they show two surfaces."""


@dataclass(frozen=True, eq=False)
class View:
    """One picture of an object with its geometry."""

    image: Tensor
    """[3, R, R], 0…255."""
    depth: Tensor
    """[1, R, R], distance along the rays, world units."""
    opacity: Tensor
    """[1, R, R], 0…1."""
    cam2world: Tensor
    """[4, 4]."""
    focal: float
    """Image widths."""


@dataclass(frozen=True, eq=False)
class Reprojection:
    """The second view as seen through the first one's geometry."""

    colour_error: float
    """Mean absolute difference over the compared pixels and the three channels, 0…255; NaN where none is
    compared."""
    depth_error: float
    """Mean absolute difference of the distance to the second camera, in shares of its radius; NaN
    likewise."""
    compared: float
    """Share of the first view's surface that is compared."""
    hidden: float
    """Share that the second view's surface hides."""
    edge: float
    """Share that falls beside a jump of the second view's depth, where either surface may be meant."""
    lost: float
    """Share that falls on the second view's empty background, or outside the picture."""
    warped: Tensor
    """[3, R, R], 0…255: the second view's colours at the first view's pixels; NaN where not compared."""
    error_map: Tensor
    """[R, R], 0…255: absolute difference, mean of the channels; NaN where not compared."""


def reproject(first: View, second: View) -> Reprojection:
    """Compare the second view with the first through the first one's depth.

    Colours and depth of the second view are read bilinearly. Pixels are compared where the first view is
    solid, the point falls on a solid place of the second view that is not beside a jump of its depth
    (`JUMP`), and it is not hidden there: not more than `TOLERANCE` of the radius behind the second view's
    surface. A point *in front* of that surface is compared: it is a contradiction.

    Parameters
    ----------
    first, second : View
        Of one resolution R.
    """
    resolution = first.image.shape[-1]
    intrinsics = intrinsics_from_focal(first.focal, dtype=first.depth.dtype).to(first.depth.device)
    origins, directions = camera_rays(first.cam2world[None], intrinsics, resolution)
    points = (origins + directions * first.depth.reshape(1, -1, 1))[0]
    local = (points - second.cam2world[:3, 3]) @ second.cam2world[:3, :3]
    distance = local.norm(dim=-1).reshape(resolution, resolution)
    ahead = (local[:, 2] > 1e-6).reshape(resolution, resolution)
    place = second.focal * local[:, :2] / local[:, 2:].clamp(min=1e-6)
    grid = (2.0 * place).reshape(1, resolution, resolution, 2)
    inside = ahead & (grid[0].abs() <= 1.0 + 1e-5).all(dim=-1)

    def look_up(values: Tensor) -> Tensor:
        found = F.grid_sample(values[None], grid, mode="bilinear", padding_mode="border", align_corners=False)
        return found[0]

    radius = second.cam2world[:3, 3].norm()
    surface = first.opacity[0] >= SOLID
    # Exact arithmetic would give just SOLID where both views are at the threshold.
    there = inside & (look_up(second.opacity)[0] >= SOLID - 1e-4)
    difference = (distance - look_up(second.depth)[0]) / radius
    jumps = F.grid_sample(_depth_range(second)[None], grid, mode="nearest", align_corners=False)[0, 0]
    edge = surface & there & (jumps > JUMP * radius)
    hidden = surface & there & ~edge & (difference > TOLERANCE)
    kept = surface & there & ~edge & ~hidden
    colours = look_up(second.image)
    error_map = (colours - first.image).abs().mean(dim=0)
    count = surface.sum().clamp(min=1)
    nothing = torch.tensor(float("nan"), device=colours.device)
    return Reprojection(
        colour_error=float(error_map[kept].mean()),
        depth_error=float(difference[kept].abs().mean()),
        compared=float(kept.sum() / count),
        hidden=float(hidden.sum() / count),
        edge=float(edge.sum() / count),
        lost=float((surface & ~there).sum() / count),
        warped=torch.where(kept[None], colours, nothing),
        error_map=torch.where(kept, error_map, nothing),
    )


def _depth_range(view: View) -> Tensor:
    """Largest difference of depth [1, R, R] among the surface pixels of each 3 × 3 neighbourhood."""
    solid = view.opacity >= SOLID
    low, high = (torch.where(solid, sign * view.depth, float("-inf")) for sign in (-1.0, 1.0))
    return F.max_pool2d(high[None], 3, 1, 1)[0] + F.max_pool2d(low[None], 3, 1, 1)[0]
