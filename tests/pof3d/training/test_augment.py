"""Adaptive augmentation: what it changes, what it leaves, how its probability moves."""

from __future__ import annotations

import pytest
import torch

from pof3d.training.augment import Augmentation
from pof3d.training.random import BatchRandom

CPU = torch.device("cpu")


def always(probability: float = 1.0) -> Augmentation:
    augmentation = Augmentation(0.6, 500.0)
    augmentation.probability = probability
    return augmentation


def pictures(batch: int = 32) -> torch.Tensor:
    x = torch.rand(batch, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return torch.cat([x, x], dim=1)


def test_off_means_untouched() -> None:
    x = pictures()
    assert always(0.0).apply(x, BatchRandom(0, 32, CPU)) is x


def test_both_pictures_of_a_view_are_changed_alike() -> None:
    y = always().apply(pictures(), BatchRandom(0, 32, CPU))
    torch.testing.assert_close(y[:, :3], y[:, 3:])
    assert (y - pictures()).abs().amax(dim=(1, 2, 3)).min() > 0.05


def test_few_are_changed_at_a_small_probability() -> None:
    y = always(0.01).apply(pictures(400), BatchRandom(0, 400, CPU))
    changed = (y - pictures(400)).abs().amax(dim=(1, 2, 3)) > 1e-3
    assert 5 <= int(changed.sum()) <= 70  # of nine changes, each with one in a hundred


def test_a_picture_is_never_turned_or_flipped() -> None:
    # Bright at the upper left: flips and turns would move it to another corner, shifts of an eighth do not.
    x = torch.full((64, 6, 32, 32), -1.0)
    x[:, :, 4:14, 4:14] = 1.0
    augmentation = always()
    y = augmentation._geometry(x, BatchRandom(1, 64, CPU))
    weight = (y + 1).mean(dim=1)
    axis = torch.arange(32.0)
    rows = (weight.sum(dim=2) * axis).sum(dim=1) / weight.sum(dim=(1, 2))
    columns = (weight.sum(dim=1) * axis).sum(dim=1) / weight.sum(dim=(1, 2))
    assert rows.median() < 16
    assert columns.median() < 16


def test_gradients_reach_the_picture() -> None:
    x = pictures(8).requires_grad_(True)
    always().apply(x, BatchRandom(0, 8, CPU)).square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_the_probability_follows_the_overfitting() -> None:
    augmentation = Augmentation(0.6, 1.0)
    augmentation.observe(torch.tensor([[1.0], [1.0], [1.0], [-1.0]]))
    augmentation.observe(torch.ones(4, 1))
    assert augmentation.overfitting().item() == pytest.approx(0.75)
    augmentation.adjust(0.75, 64)
    assert augmentation.probability == pytest.approx(0.064)
    augmentation.adjust(0.1, 32)
    assert augmentation.probability == pytest.approx(0.032)
    for _ in range(3):
        augmentation.adjust(0.1, 64)
    assert augmentation.probability == 0.0
    other = Augmentation(0.6, 1.0)
    other.restore(augmentation.state())
    assert other.probability == augmentation.probability
