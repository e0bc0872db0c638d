"""Ray sampling and compositing against hand-computed values."""

from __future__ import annotations

import math

import pytest
import torch

from pof3d.render.volume import Sampler, composite, importance_depths, interval_weights, stratified_depths


def test_constant_draws_sit_half_a_step_in() -> None:
    depths = stratified_depths(1, 1, 3, 2.0, 4.0, Sampler("constant"), torch.zeros(1))
    torch.testing.assert_close(depths, torch.tensor([[[2.5, 3.5, 4.5]]]))


def test_random_draws_are_seeded_and_stay_in_their_stratum() -> None:
    def draw(seed: int) -> torch.Tensor:
        sampler = Sampler("random", torch.Generator().manual_seed(seed))
        return stratified_depths(2, 5, 8, 0.0, 7.0, sampler, torch.zeros(1))

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    offsets = draw(1) - torch.arange(8.0)
    assert offsets.min() >= 0
    assert offsets.max() <= 1


def test_one_interval_follows_beer_lambert() -> None:
    raw = torch.tensor([[[3.0, 5.0]]])
    weights = interval_weights(raw, torch.tensor([[[1.0, 1.5]]]))
    density = math.log1p(math.exp(4.0 - 1.0))
    assert weights.item() == pytest.approx(1 - math.exp(-density * 0.5), rel=1e-6)


def test_a_wall_hides_what_is_behind_it() -> None:
    depths = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    raw = torch.tensor([[[200.0, 200.0, 200.0, 200.0]]])
    colours = torch.tensor([[[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]]])
    seen = composite(raw, colours, depths, white_background=True)
    torch.testing.assert_close(seen.colour, torch.tensor([[[1.0, -1.0]]]))
    torch.testing.assert_close(seen.depth, torch.tensor([[[1.5]]]))
    torch.testing.assert_close(seen.opacity, torch.ones(1, 1, 1))


@pytest.mark.parametrize(("white", "expected"), [(True, 1.0), (False, -1.0)])
def test_empty_space_shows_the_background_and_a_finite_depth(white: bool, expected: float) -> None:
    depths = torch.tensor([[[1.0, 2.0, 3.0]]])
    seen = composite(torch.full((1, 1, 3), -1e3), torch.rand(1, 1, 3, 3), depths, white_background=white)
    torch.testing.assert_close(seen.colour, torch.full((1, 1, 3), expected))
    assert seen.opacity.item() == 0
    assert 1.0 <= seen.depth.item() <= 3.0


def test_importance_samples_crowd_where_the_weight_is() -> None:
    depths = torch.linspace(0, 10, 11).view(1, 1, 11)
    weights = torch.zeros(1, 1, 10)
    weights[..., 6] = 1.0
    fine = importance_depths(depths, weights, 100, Sampler())
    inside = ((fine > 4.5) & (fine < 8.5)).float().mean()
    assert inside > 0.9
    assert fine.min() >= 0.5
    assert fine.max() <= 9.5
    assert torch.equal(fine, importance_depths(depths, weights, 100, Sampler()))
