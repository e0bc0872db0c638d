"""The seed map: a plane whose lattice points (i, j) are seeds i + 100·j, and latents in between."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from viz.view import SEED_STRIDE, LatentView

if TYPE_CHECKING:
    from torch import Tensor

SEED_COUNT = 2**32
"""Seeds run from 0 to this, excluded, and wrap around."""


def lattice_seed(i: int, j: int) -> int:
    """Seed of a lattice point."""
    return (i + SEED_STRIDE * j) % SEED_COUNT


def point_of_seed(seed: int) -> tuple[float, float]:
    """The lattice point (x, y) of a seed with 0 ≤ x < 100."""
    row, column = divmod(seed % SEED_COUNT, SEED_STRIDE)
    return float(column), float(row)


def with_seed(latent: LatentView, seed: int) -> LatentView:
    """The latent of exactly this seed, clamped to 0 … 2³² − 1."""
    x, y = point_of_seed(min(max(seed, 0), SEED_COUNT - 1))
    return replace(latent, x=x, y=y, blend=())


def step_seed(latent: LatentView, step: int) -> LatentView:
    """The seed ``step`` further, around the end of the range."""
    return with_seed(latent, (latent.seed + step) % SEED_COUNT)


def settled(before: LatentView, after: LatentView) -> LatentView:
    """A latent that the user has moved on the seed map: it is no longer blended with other points."""
    moved = (before.x, before.y) != (after.x, after.y)
    return replace(after, blend=()) if moved and after.blend and after.blend == before.blend else after


def blend_latent(latent: LatentView, z_dim: int) -> Tensor:
    """The z of a LatentView [1, z_dim], float32: that of its point, blended with others if there are any."""
    z = map_latent(latent.x, latent.y, z_dim)
    if not latent.blend:
        return z
    z = z * math.sqrt(max(0.0, 1.0 - sum(weight**2 for _, _, weight in latent.blend)))
    for x, y, weight in latent.blend:
        z = z + weight * map_latent(x, y, z_dim)
    return z


def map_latent(x: float, y: float, z_dim: int) -> Tensor:
    """The latent [1, z_dim] of a point of the seed map, float32.

    Bilinear between the four seeds around it; a lattice point gives exactly its seed's latent. (The mapping
    network normalises z, so the shorter vectors in between are no dimmer.)
    """
    import torch  # not above: a command line with seeds should not wait for it

    from pof3d.training.samples import latent

    left, top = math.floor(x), math.floor(y)
    right_part, lower_part = x - left, y - top
    z = torch.zeros(1, z_dim)
    for j, row_weight in ((0, 1.0 - lower_part), (1, lower_part)):
        for i, column_weight in ((0, 1.0 - right_part), (1, right_part)):
            weight = row_weight * column_weight
            if weight == 1.0:
                return latent(lattice_seed(left + i, top + j), z_dim)
            if weight > 0.0:
                z += weight * latent(lattice_seed(left + i, top + j), z_dim)
    return z
