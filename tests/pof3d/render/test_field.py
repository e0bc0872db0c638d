"""Tri-plane lookups against hand-computed values."""

from __future__ import annotations

import pytest
import torch

from pof3d.config import PlaneAxes
from pof3d.render.field import sample_planes


def ramps(resolution: int) -> torch.Tensor:
    """Planes [1, 3, 2, R, R] whose two channels are the two plane coordinates, −1…1."""
    centres = (torch.arange(resolution) + 0.5) / resolution * 2 - 1
    v, u = torch.meshgrid(centres, centres, indexing="ij")
    return torch.stack([u, v]).expand(1, 3, 2, resolution, resolution)


@pytest.mark.parametrize(
    ("axes", "pairs"),
    [("xy_xz_zx", ((0, 1), (0, 2), (2, 0))), ("xy_xz_zy", ((0, 1), (0, 2), (2, 1)))],
)
def test_each_plane_is_read_with_its_own_axes(axes: PlaneAxes, pairs: tuple[tuple[int, int], ...]) -> None:
    point = torch.tensor([[[0.1, -0.3, 0.5]]])
    for plane in range(3):
        planes = torch.zeros(1, 3, 2, 16, 16)
        planes[:, plane] = ramps(16)[:, plane]
        expected = point[0, 0, list(pairs[plane])] / 3
        torch.testing.assert_close(sample_planes(planes, point, axes)[0, 0], expected, atol=1e-6, rtol=0)


def test_outside_the_planes_features_are_zero() -> None:
    planes = torch.ones(1, 3, 2, 8, 8)
    assert sample_planes(planes, torch.tensor([[[1.5, 1.5, 1.5]]]), "xy_xz_zy").abs().max() == 0
