"""Figures of geometry: rendered depth against the toy probe's, normals, and consistency of two views."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d.checkpoint import Network
from pof3d.data.folder import ImageFolder
from pof3d.evaluation.generated import Advance, view_pairs
from pof3d.metrics.depth import normal_angle, normalised_error, normals, overlap
from pof3d.metrics.probe import Probe, masked_mean, shrink_depth
from pof3d.metrics.reprojection import Reprojection, View, reproject

_LEAST_PIXELS = 16
EXAMPLES = 4
"""Pairs of views that are kept for the report."""


@dataclass(frozen=True, eq=False)
class DepthComparison:
    """Depth maps against what the toy probe sees in the images; everything at 32²."""

    depth: Tensor
    """[K, 1, 32, 32], of the maps; 0 outside the mask."""
    seen: Tensor
    """[K, 1, 32, 32], the probe's, brought to the maps' mean distance."""
    mask: Tensor
    """bool [K, 1, 32, 32], the object according to the maps."""
    errors: Tensor
    """[K'], normalised error of the images that show an object."""
    angles: Tensor
    """[K'], mean angle between the normals of the two, radians; NaN where no pixel has one."""
    overlaps: Tensor
    """[K'], intersection over union of the mask and the probe's."""

    def summary(self) -> dict[str, Any]:
        """What JSON can hold."""
        return {
            "images": len(self.errors),
            "images_without_object": len(self.depth) - len(self.errors),
            "normalised_error_mean": float(self.errors.mean()),
            "normalised_error_median": float(self.errors.median()),
            "normal_angle_degrees": math.degrees(float(self.angles.nanmean())),
            "mask_intersection_over_union": float(self.overlaps.mean()),
        }


@torch.no_grad()
def compare_depth(probe: Probe, images: Tensor, depth: Tensor, mask: Tensor, focal: float) -> DepthComparison:
    """Compare depth maps with the probe's view of the images.

    Both are brought to mean 0 and variance 1 over each image's mask; the error is their mean squared
    difference. Normals are those of `pof3d.metrics.depth.normals`, the probe's after its relief was put at
    the map's mean distance.

    Parameters
    ----------
    probe : Probe
        From `pof3d.metrics.probe.load_probe`.
    images : uint8 Tensor [K, 3, S, S]
    depth : Tensor [K, 1, R, R]
        Distances along the rays, world units.
    mask : bool Tensor [K, 1, R, R]
        Where the object is.
    focal : float
        Focal length in image widths.
    """
    device = probe.feature_mean.device
    small, solid = shrink_depth(depth, mask)
    outputs = [probe(part.to(device)) for part in images.split(50)]
    relief = torch.cat([o.relief.cpu() for o in outputs])
    opacity = torch.cat([o.opacity.cpu() for o in outputs])
    mean = masked_mean(small, solid)
    relief = torch.where(solid, relief - masked_mean(relief, solid), torch.zeros_like(relief))
    seen = torch.where(solid, mean * (1.0 + relief / focal), torch.zeros_like(relief))
    shown = solid.sum(dim=(1, 2, 3)) >= _LEAST_PIXELS
    a, valid = normals(small[shown], solid[shown], focal)
    b, _ = normals(seen[shown], solid[shown], focal)
    return DepthComparison(
        depth=small,
        seen=seen,
        mask=solid,
        errors=normalised_error(seen[shown], small[shown], solid[shown]),
        angles=normal_angle(a, b, valid),
        overlaps=overlap(opacity[shown] > 0.5, solid[shown]),
    )


def true_depth(folder: ImageFolder, indices: list[int]) -> tuple[list[int], Tensor] | None:
    """True depth [K, 1, R, R] of those of the images that have a square map of the first one's size.

    Returns
    -------
    places, depth
        Positions in ``indices``, and the maps. None where there is none.
    """
    places: list[int] = []
    maps: list[NDArray[np.float32]] = []
    for place, index in enumerate(indices):
        found = folder.depth(index)
        if found is None or found.shape[0] != found.shape[1]:
            continue
        if maps and found.shape != maps[0].shape:
            continue
        places.append(place)
        maps.append(found)
    return (places, torch.from_numpy(np.stack(maps))[:, None]) if maps else None


@dataclass(frozen=True, eq=False)
class Consistency:
    """Two views of each of some identities."""

    results: list[Reprojection]
    """One a pair."""
    examples: list[tuple[View, View, Reprojection]]
    """The first pairs."""

    def summary(self) -> dict[str, Any]:
        """What JSON can hold. Means over pairs; a pair of which nothing can be compared has no error."""

        def mean(name: str) -> float:
            values = np.array([getattr(r, name) for r in self.results])
            known = values[np.isfinite(values)]
            return float(known.mean()) if len(known) else math.nan

        return {
            "pairs": len(self.results),
            "colour_error_of_255": mean("colour_error"),
            "depth_error_percent_of_radius": 100.0 * mean("depth_error"),
            "compared_share": mean("compared"),
            "hidden_share": mean("hidden"),
            "edge_share": mean("edge"),
            "lost_share": mean("lost"),
        }


def measure_consistency(
    net: Network, count: int, turn: float, *, seed: int = 0, advance: Advance = lambda _: None
) -> Consistency:
    """Reproject between two views of each of ``count`` identities, ``turn`` radians apart; see
    `reproject`.
    """
    results: list[Reprojection] = []
    examples: list[tuple[View, View, Reprojection]] = []
    for first, second in view_pairs(net, count, turn, seed=seed):
        result = reproject(first, second)
        results.append(result)
        if len(examples) < EXAMPLES:
            examples.append((first, second, result))
        advance(1)
    return Consistency(results, examples)
