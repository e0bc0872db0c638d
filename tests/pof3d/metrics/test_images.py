"""FID and KID of features whose distance is known, and what the libraries' absence says."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from pof3d.errors import ConfigError
from pof3d.metrics.images import extract, image_distance


def sample(count: int = 400, features: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, features, generator=torch.Generator().manual_seed(seed))


def test_a_shift_costs_its_squared_length() -> None:
    real = sample()
    found = image_distance(real, real + torch.tensor([3.0, 0.0, 4.0, 0.0, 0.0, 0.0]))
    assert found.fid == pytest.approx(25.0, rel=1e-4)
    assert image_distance(real, real).fid == pytest.approx(0.0, abs=1e-3)


def test_a_scale_costs_the_squared_differences_of_the_deviations() -> None:
    real = sample()
    spread = np.linalg.svd(np.cov(real.numpy().T), compute_uv=False).sum()
    # Covariances C and 4 C: tr(C + 4 C − 2·2 C) = tr C; the means differ by one mean.
    expected = spread + real.double().mean(dim=0).square().sum().item()
    assert image_distance(real, 2.0 * real).fid == pytest.approx(expected, rel=1e-4)


def test_kid_of_two_points_is_exact() -> None:
    # k(x, y) = (x·y / d + 1)³: 1 at zero, 8 at (1, …, 1), 1 between: 1 + 8 − 2.
    found = image_distance(torch.zeros(20, 5), torch.ones(30, 5))
    assert found.kid_mean == pytest.approx(7.0)
    assert found.kid_std == pytest.approx(0.0, abs=1e-6)
    assert found.kid_subset == 10
    assert (found.real, found.generated, found.num_features) == (20, 30, 5)


def test_kid_has_no_bias_and_depends_on_the_seed_alone() -> None:
    a, b = sample(seed=1), sample(seed=2)
    found = image_distance(a, b, seed=5)
    assert abs(found.kid_mean) < 3 * found.kid_std
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    assert image_distance(a, b, seed=5) == found
    assert torch.equal(before, torch.random.get_rng_state())


def test_few_images_are_flagged() -> None:
    assert image_distance(sample(6), sample(50)).few
    assert not image_distance(sample(7), sample(50)).few
    with pytest.raises(ConfigError, match="at least 4"):
        image_distance(sample(3), sample(50))


def test_features_come_in_order_and_report_progress() -> None:
    images = torch.arange(7, dtype=torch.uint8)[:, None, None, None].expand(7, 3, 2, 2)
    done: list[int] = []
    found = extract(lambda x: x.float().mean(dim=(2, 3)), images, batch=3, done=done.append)
    assert found[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert done == [3, 3, 1]


def test_a_missing_library_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(ConfigError, match="torchmetrics"):
        image_distance(sample(), sample())
