"""Distances against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pof3d.data import sdf


def at(*point: float) -> sdf.Array:
    return np.array(point, np.float64)


def test_sphere() -> None:
    assert sdf.sphere(at(3.0, 4.0, 1.0), (0.0, 0.0, 1.0), 2.0) == pytest.approx(3.0)
    assert sdf.sphere(at(0.0, 0.0, 1.0), (0.0, 0.0, 1.0), 2.0) == pytest.approx(-2.0)


def test_ellipsoid_of_equal_radii_is_a_sphere() -> None:
    p = np.random.default_rng(0).normal(size=(3, 50))
    got = sdf.ellipsoid(p, (0.1, 0.2, 0.3), (0.7, 0.7, 0.7))
    np.testing.assert_allclose(got, sdf.sphere(p, (0.1, 0.2, 0.3), 0.7), atol=1e-9)


def test_ellipsoid() -> None:
    radii = (1.0, 2.0, 4.0)
    t = 0.6
    surface = at(math.cos(t) * 1.0, math.sin(t) * 2.0, 0.0)
    assert sdf.ellipsoid(surface, (0.0, 0.0, 0.0), radii) == pytest.approx(0.0, abs=1e-9)
    # On an axis the formula is exact: k0 = 1.5, k1 = 1.5 / 4.
    assert sdf.ellipsoid(at(0.0, 0.0, 6.0), (0.0, 0.0, 0.0), radii) == pytest.approx(2.0)
    assert sdf.ellipsoid(at(5.0, 6.0, 7.0), (5.0, 6.0, 7.0), radii) == pytest.approx(-1.0, rel=1e-5)


def test_capsule() -> None:
    ends = (0.0, 0.0, 0.0), (2.0, 0.0, 0.0)
    assert sdf.capsule(at(1.0, 3.0, 4.0), *ends, 1.0) == pytest.approx(4.0)
    assert sdf.capsule(at(5.0, 4.0, 0.0), *ends, 1.0) == pytest.approx(4.0)
    assert sdf.capsule(at(1.0, 0.0, 0.0), *ends, 0.5) == pytest.approx(-0.5)


def test_round_cone() -> None:
    def d(x: float, y: float, z: float = 0.0) -> float:
        return float(sdf.round_cone(at(x, y, z), 1.0, 0.0, 2.0))

    assert d(0.0, 2.0) == pytest.approx(0.0)  # the tip
    assert d(0.0, 3.5) == pytest.approx(1.5)
    assert d(0.0, -3.0) == pytest.approx(2.0)  # below the round base
    # The slanted side leaves the base sphere at the angle whose sine is (1 - 0) / 2: 30°.
    normal, along = np.array([math.sqrt(0.75), 0.5]), np.array([-0.5, math.sqrt(0.75)])
    for step in (0.0, 0.8, 1.7):
        x, y = normal * 1.7 + along * step
        assert d(x, y) == pytest.approx(0.7)
        assert d(0.0, y, -x) == pytest.approx(0.7)  # a solid of revolution


def test_round_cone_of_equal_radii_is_a_capsule() -> None:
    p = np.random.default_rng(1).normal(size=(3, 200))
    want = sdf.capsule(p, (0.0, 0.0, 0.0), (0.0, 0.9, 0.0), 0.3)
    np.testing.assert_allclose(sdf.round_cone(p, 0.3, 0.3, 0.9), want, atol=1e-12)


def test_smooth_union() -> None:
    d1, d2 = np.array([0.1, 0.3, 0.5]), np.array([0.2, 0.3, 0.1])
    # |d1 - d2| = 0.1, 0, 0.4 with k = 0.2: the minimum less (0.1)² / 0.8, less k / 4, and unchanged.
    np.testing.assert_allclose(sdf.smooth_union(d1, d2, 0.2), [0.0875, 0.25, 0.1])
    np.testing.assert_allclose(sdf.smooth_union(d1, d2, 0.2), sdf.smooth_union(d2, d1, 0.2))


def test_smooth_subtraction() -> None:
    # Inside both shapes by 0.3, away from the blend: 0.3 outside of what is left.
    assert sdf.smooth_subtraction(np.array(-0.9), np.array(-0.3), 0.2) == pytest.approx(0.3)
    assert sdf.smooth_subtraction(np.array(-0.3), np.array(0.9), 0.2) == pytest.approx(-0.3)


def test_to_frame() -> None:
    axes = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(sdf.to_frame(at(2.0, 3.0, 4.0), (1.0, 1.0, 1.0), axes), [2.0, 3.0, 1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_dtype_are_kept(dtype: type) -> None:
    p: sdf.Array = np.ones((3, 4, 5), dtype)
    results = [
        sdf.sphere(p, (0.0, 0.0, 0.0), 0.5),
        sdf.ellipsoid(p, (0.0, 0.0, 0.0), (0.5, 0.6, 0.7)),
        sdf.capsule(p, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 0.5),
        sdf.round_cone(p, 0.5, 0.2, 1.0),
    ]
    for d in [*results, sdf.smooth_union(results[0], results[1], 0.1)]:
        assert d.shape == (4, 5)
        assert d.dtype == dtype
