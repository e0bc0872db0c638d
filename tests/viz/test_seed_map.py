"""The seed map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from viz.seed_map import (
    SEED_COUNT,
    blend_latent,
    lattice_seed,
    map_latent,
    point_of_seed,
    settled,
    with_seed,
)
from viz.view import LatentView


def of_seed(seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(seed).randn(1, 8)).float()


@given(st.integers(0, SEED_COUNT - 1))
def test_points_of_seeds(seed: int) -> None:
    x, y = point_of_seed(seed)
    assert 0 <= x < 100
    assert lattice_seed(int(x), int(y)) == seed
    assert LatentView(x=x, y=y).seed == seed
    torch.testing.assert_close(map_latent(x, y, 8), of_seed(seed), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("x", "y", "seed"), [(3, 0, 3), (5, 2, 205), (100, 0, 100), (-1, 1, 99), (-1, 0, 2**32 - 1)]
)
def test_lattice_points_are_seeds(x: float, y: float, seed: int) -> None:
    torch.testing.assert_close(map_latent(x, y, 8), of_seed(seed), rtol=0, atol=0)


def test_points_between_mix_their_four_neighbours() -> None:
    mixed = (
        0.75 * 0.6 * of_seed(7)
        + 0.25 * 0.6 * of_seed(8)
        + 0.75 * 0.4 * of_seed(107)
        + 0.25 * 0.4 * of_seed(108)
    )
    torch.testing.assert_close(map_latent(7.25, 0.4, 8), mixed)


def test_along_an_edge_only_two_count() -> None:
    torch.testing.assert_close(map_latent(7.5, 1.0, 8), 0.5 * of_seed(107) + 0.5 * of_seed(108))


def test_a_blend_is_the_weighted_sum() -> None:
    latent = LatentView(x=7.0, blend=((80.0, 0.0, 0.6), (3.0, 1.0, 0.48)))
    expected = 0.64 * of_seed(7) + 0.6 * of_seed(80) + 0.48 * of_seed(103)
    torch.testing.assert_close(blend_latent(latent, 8), expected)
    torch.testing.assert_close(blend_latent(LatentView(x=7.0), 8), of_seed(7), rtol=0, atol=0)


def test_choosing_a_seed_ends_a_blend() -> None:
    latent = LatentView(x=7.0, blend=((80.0, 0.0, 0.6),))
    assert with_seed(latent, 7) == LatentView(x=7.0)
    assert settled(latent, replace(latent, x=7.5)) == LatentView(x=7.5)
    dimmed = replace(latent, truncation_psi=0.5)
    assert settled(latent, dimmed) == dimmed
    other = replace(latent, x=80.0, blend=((7.0, 0.0, 0.6),))
    assert settled(latent, other) == other, "a View that is set as a whole stays"
