"""Which distribution learned poses are compared with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pof3d
from pof3d.data.folder import ImageFolder
from pof3d.evaluation.poses import evaluate_pose
from pof3d.evaluation.truth import OWN, defined_poses, toy_set_of, true_distribution
from pof3d.metrics.distributions import angle_divergence
from tests.pof3d.evaluation.sets import make_network, make_set, true_poses

CATS = {"dataset": "toy-cats", "version": 1, "seed": 7}


def test_poses_by_definition() -> None:
    cats, cars = defined_poses("toy-cats"), defined_poses("toy-cars")
    assert cats.shape == cars.shape == (20_000, 2)
    assert defined_poses("toy-cats") is cats and not cats.flags.writeable
    # N(0, 0.45) clipped to ±1.2: 0.77 % lie at the ends.
    assert cats[:, 0].std() == pytest.approx(0.446, abs=0.008)
    assert (np.abs(cats[:, 0]) == 1.2).mean() == pytest.approx(0.0077, abs=0.002)
    assert cats[:, 1].std() == pytest.approx(0.18, abs=0.003)
    assert np.abs(np.exp(1j * cars[:, 0]).mean()) < 0.02
    height = np.sin(-cars[:, 1])  # uniform between the sines of 5° and of 40°
    assert height.mean() == pytest.approx(
        (math.sin(math.radians(5)) + math.sin(math.radians(40))) / 2, abs=0.005
    )


def test_its_noise_lies_far_below_the_target() -> None:
    other = np.clip(np.random.default_rng(5).normal(0, 0.45, 20_000), -1.2, 1.2)
    distance = math.sqrt(angle_divergence(other, defined_poses("toy-cats")[:, 0], aligned=True))
    few = math.sqrt(angle_divergence(other, other[:1000], aligned=False))
    assert distance < 0.04 < 0.08 < few


@pytest.mark.parametrize(
    ("name", "about", "expected"),
    [
        ("set.zip", CATS, "toy-cats"),
        ("set.zip", CATS | {"dataset": "toy-cars"}, "toy-cars"),
        ("toy-cars-64.zip", CATS, "toy-cats"),
        ("set.zip", CATS | {"version": 0}, None),
        ("toy-cats.zip", {"dataset": "photographs"}, None),
        ("toy-cats.zip", {}, None),
        ("toy-cats-64-test.zip", None, "toy-cats"),
        ("toy-cats.zip", None, "toy-cats"),
        ("toy-catsuits.zip", None, None),
        ("my-toy-cats.zip", None, None),
        ("set.zip", None, None),
    ],
)
def test_sets_are_known_by_what_they_say_then_by_name(
    tmp_path: Path, name: str, about: dict[str, Any] | None, expected: str | None
) -> None:
    own = true_poses(24)
    with ImageFolder(make_set(tmp_path / name, 2, about=about)) as folder:
        assert toy_set_of(folder) == expected
        found = true_distribution(folder, own)
    assert found.source == (expected or OWN)
    assert len(found.poses) == (20_000 if expected else 24)


def test_the_distribution_is_the_definitions_the_agreement_the_images(tmp_path: Path) -> None:
    net = pof3d.load(make_network(tmp_path / "net.safetensors"))
    with ImageFolder(make_set(tmp_path / "set.zip", about=CATS)) as folder:
        found = evaluate_pose(net, folder, latents=100)
        own = folder.true_poses()
    assert found.distribution is not None and found.distribution.poses is defined_poses("toy-cats")
    assert found.truth_of_predicted is not None and own is not None
    np.testing.assert_array_equal(found.truth_of_predicted, own)
    summary = found.summary()
    assert summary["true_distribution"] == {"source": "toy-cats", "poses": 20_000}
    assert summary["true_poses"] == 24
    assert summary["yaw"]["true_std_degrees"] == pytest.approx(np.degrees(own[:, 0].std()))
    assert "20,000 drawn as toy-cats are" in found.distribution.description
