"""Colours of depth, fitted ranges, and pictures for the screen."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from viz.colormaps import BACKGROUND, color_depth, color_table
from viz.display import compose, fitted_range, image_bytes, solid_depth
from viz.view import ColorMap, DisplayView


@pytest.mark.parametrize("name", get_args(ColorMap))
def test_color_tables(name: ColorMap) -> None:
    table = color_table(name)
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    assert not table.flags.writeable
    assert np.abs(np.diff(table.astype(int), axis=0)).max() <= 12, "no steps"
    if name != "turbo":  # near is the bright end
        brightness = table @ np.array([0.2126, 0.7152, 0.0722])
        assert (np.diff(brightness) <= 1.0).all()
        assert brightness[0] > 200


def test_known_colours() -> None:
    """The ends of matplotlib's viridis, and the red end of turbo."""
    assert tuple(color_table("viridis")[-1]) == (0x44, 0x01, 0x54)
    assert tuple(color_table("viridis")[0]) == (0xFD, 0xE7, 0x25)
    assert tuple(color_table("turbo")[0]) == (0x7A, 0x04, 0x03)


def test_depth_colours_run_from_near_to_far_and_stop_at_the_ends() -> None:
    depth = np.array([[1.0, 2.0, 3.0, 9.0, np.nan]], np.float32)
    table = color_table("magma")
    colours = color_depth(depth, (2.0, 3.0), "magma")[0]
    np.testing.assert_array_equal(colours[:4], table[[0, 0, 255, 255]])
    assert tuple(colours[4]) == BACKGROUND


def test_solid_depth() -> None:
    depth = torch.tensor([[2.5, 2.6], [2.7, 2.8]])[None, None]
    opacity = torch.tensor([[1.0, 0.49], [0.5, 0.0]])[None, None]
    solid, seen = solid_depth(depth, opacity)
    np.testing.assert_array_equal(solid, np.array([[2.5, np.nan], [2.7, np.nan]], np.float32))
    np.testing.assert_array_equal(seen, opacity[0, 0].numpy())


def test_fitted_range_of_nothing_is_the_fallback() -> None:
    assert fitted_range(np.full((4, 4), np.nan, np.float32), (2.0, 3.0)) == (2.0, 3.0)


@given(st.floats(0.1, 50.0), st.floats(0.0, 20.0))
def test_fitted_range_holds_the_depths_and_is_not_much_wider(near: float, width: float) -> None:
    depth = np.linspace(near, near + width, 1000, dtype=np.float32).reshape(20, 50)
    low, high = fitted_range(depth, (0.0, 1.0))
    slack = max(width, 1e-3 * max(near, 1.0))
    assert low < high
    assert near - 0.25 * slack <= low <= near + 0.02 * slack
    assert near + width - 0.02 * slack <= high <= near + width + 1.3 * slack


def test_small_motions_leave_the_fitted_range_alone() -> None:
    depth = np.linspace(2.43, 2.87, 900, dtype=np.float32).reshape(30, 30)
    assert {fitted_range(depth + shift, (0, 1)) for shift in (-0.004, 0.0, 0.004)} == {(2.4, 2.9)}


def test_image_bytes() -> None:
    image = torch.tensor([-2.0, -1.0, 0.0, 1.0]).view(1, 1, 2, 2).expand(1, 3, 2, 2)
    np.testing.assert_array_equal(image_bytes(image)[..., 0], [[0, 0], [128, 255]])


def test_pictures() -> None:
    image = np.full((8, 8, 3), 200, np.uint8)
    raw = np.full((4, 4, 3), 100, np.uint8)
    depth = np.full((4, 4), 2.5, np.float32)

    def shown(mode: str) -> np.ndarray:
        return compose(DisplayView(mode=mode), image, raw, depth, (2.0, 3.0))  # type: ignore[arg-type]

    np.testing.assert_array_equal(shown("rgb")[..., :3], image)
    np.testing.assert_array_equal(shown("raw")[..., :3], raw)
    assert shown("depth").shape == (4, 4, 4)
    both = shown("side_by_side")
    assert both.shape == (8, 16, 4)
    np.testing.assert_array_equal(both[:, :8, :3], image)
    np.testing.assert_array_equal(both[0, -1], shown("depth")[0, 0])
    for mode in ("rgb", "raw", "depth", "side_by_side"):
        assert (shown(mode)[..., 3] == 255).all()
