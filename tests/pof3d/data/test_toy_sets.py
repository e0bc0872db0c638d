"""What both procedural sets have in common, and that their pictures stay what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pof3d.data.toy_parts import Painter, ramp
from pof3d.data.toy_render import Lighting
from pof3d.data.toy_sets import TOY_SETS, SetName

PICTURES = Path(__file__).parent / "pictures"


@pytest.mark.parametrize("name", TOY_SETS)
def test_pictures_are_those_of_their_version(name: SetName) -> None:
    """Images 0 to 5 of seed 0. Where they must change, so must the set's version."""
    toys = TOY_SETS[name]
    assert toys.version == 1
    want = np.asarray(Image.open(PICTURES / f"{name}.png")).astype(int)
    got = np.concatenate([toys.sample(0, i, 32).image for i in range(6)], axis=1).astype(int)
    # Another processor may round otherwise, and at an edge decide otherwise.
    assert (abs(got - want) > 1).any(axis=2).mean() < 2e-3


@pytest.mark.parametrize("name", TOY_SETS)
def test_samples_are_reproducible_and_differ(name: SetName) -> None:
    toys = TOY_SETS[name]
    one, again, other = (toys.sample(2, i, 24) for i in (7, 7, 8))
    assert one.toy == again.toy
    assert (one.yaw, one.pitch) == (again.yaw, again.pitch)
    np.testing.assert_array_equal(one.image, again.image)
    np.testing.assert_array_equal(one.depth, again.depth)
    assert one.toy != other.toy
    assert toys.sample(3, 7, 24).toy != one.toy


def test_ramp() -> None:
    x = np.array([-1.0, 0.0, 1.0, 2.0, 3.0])
    np.testing.assert_allclose(ramp(x, 0.0, 2.0), [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(ramp(x, 2.0, 0.0), [1, 1, 0.5, 0, 0])


def test_layers_of_paint() -> None:
    canvas = Painter(np.zeros((3, 3)), (1.0, 0.0, 0.5))
    canvas.paint(np.array([0.0, 1.0, 0.25]), (0.0, 1.0, 0.5))
    np.testing.assert_allclose(canvas.colours, [[1, 0, 0.75], [0, 1, 0.25], [0.5, 0.5, 0.5]])


def test_light() -> None:
    normals = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]).T
    light = Lighting(direction=(0.0, 3.0, 4.0), ambient=0.5, diffuse=0.5, cavity=0.1)
    np.testing.assert_allclose(light.lambert(normals), [0.8, 0, 0.6, 0])
    both = Lighting(direction=(0.0, 3.0, 4.0), ambient=0.5, diffuse=0.5, cavity=0.1, mirrored_axis=2)
    np.testing.assert_allclose(both.lambert(normals), [0.8, 0.8, 0.6, 0])
    assert normals[2, 1] == -1  # left as they were
