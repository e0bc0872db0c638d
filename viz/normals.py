"""Normals of depth maps, and their colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viz.colormaps import BACKGROUND
from viz.view import NormalsSpace

LARGEST_JUMP = 8.0
"""Neighbours whose depths differ by more are not on one surface, in widths of a pixel at that depth."""


def ray_directions(cam2world: Sequence[float], focal: float, side: int) -> NDArray[np.float64]:
    """Unit vectors [side, side, 3] through the pixels' centres, in world axes.

    Parameters
    ----------
    cam2world : sequence of 16 numbers
        The matrix row by row.
    focal : float
        Image widths.
    side : int
        Of the image, pixels.
    """
    centres = ((np.arange(side) + 0.5) / side - 0.5) / focal
    local = np.stack([*np.meshgrid(centres, centres), np.ones((side, side))], axis=-1)
    local /= np.linalg.norm(local, axis=-1, keepdims=True)
    rotation = np.asarray(cam2world, np.float64).reshape(4, 4)[:3, :3]
    return local @ rotation.T


def world_points(depth: NDArray[np.float32], cam2world: Sequence[float], focal: float) -> NDArray[np.float64]:
    """World positions [R, R, 3] of what a depth map sees: distances along the rays, NaN for nothing."""
    eye = np.asarray(cam2world, np.float64).reshape(4, 4)[:3, 3]
    return eye + ray_directions(cam2world, focal, len(depth)) * depth[..., None]


def normal_map(depth: NDArray[np.float32], cam2world: Sequence[float], focal: float) -> NDArray[np.float32]:
    """Normals [R, R, 3] of a depth map in world axes, of length one, towards the camera; NaN where unknown.

    From the differences of neighbouring points; across edges of the object only the nearer side counts.
    """
    points = world_points(depth, cam2world, focal)
    largest = LARGEST_JUMP / (focal * len(depth))
    right = _slope(points, depth, largest, axis=1)
    down = _slope(points, depth, largest, axis=0)
    normals = np.cross(down, right)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        normals = normals / length
    normals[~(length[..., 0] > 0.0)] = np.nan
    return normals.astype(np.float32)


def _slope(
    points: NDArray[np.float64], depth: NDArray[np.float32], largest: float, axis: int
) -> NDArray[np.float64]:
    """Differences along an axis: mean of both neighbours', or of the one that belongs to the same surface."""
    step = np.diff(points, axis=axis)
    with np.errstate(invalid="ignore"):
        jump = abs(np.diff(depth, axis=axis)) / np.take(depth, range(1, depth.shape[axis]), axis=axis)
        usable = (jump < largest)[..., None] & np.isfinite(step)
    step = np.where(usable, step, 0.0)
    gap = [(0, 0), (0, 0), (0, 0)]
    gap[axis] = (1, 0)
    before = np.pad(step, gap), np.pad(usable, gap)
    gap[axis] = (0, 1)
    after = np.pad(step, gap), np.pad(usable, gap)
    count = before[1].astype(int) + after[1]
    return np.where(count > 0, (before[0] + after[0]) / np.maximum(count, 1), np.nan)


def encode_normals(normals: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Vectors [..., 3] of length one → colours: −1 … 1 of x, y, z becomes 0 … 255 of red, green, blue."""
    return np.rint((np.nan_to_num(normals) + 1.0) * 127.5).astype(np.uint8)


def color_normals(
    depth: NDArray[np.float32], cam2world: Sequence[float], focal: float, space: NormalsSpace
) -> NDArray[np.uint8]:
    """Colours [R, R, 3] of a depth map's normals.

    Red, green and blue are the x, y and z of the normal, −1 … 1. ``camera``: x to the right, y up, z towards
    the camera, as normal maps have it, so that what faces the camera is light blue. ``world``: the world's
    axes, y up, so that colours stay with the object.
    """
    normals = normal_map(depth, cam2world, focal)
    known = ~np.isnan(normals[..., 0])
    if space == "camera":
        rotation = np.asarray(cam2world, np.float64).reshape(4, 4)[:3, :3]
        normals = (normals @ (rotation * np.array([1.0, -1.0, -1.0]))).astype(np.float32)
    colours = encode_normals(normals)
    colours[~known] = BACKGROUND
    return colours
