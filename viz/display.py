"""From rendered tensors to arrays for the screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pof3d.training.samples import to_uint8
from viz.colormaps import color_depth
from viz.normals import color_normals
from viz.view import DisplayView

Array = TypeVar("Array", bound=np.ndarray)

SOLID_OPACITY = 0.5
"""A ray that collects less than this hits nothing."""
_ROBUST_PERCENTILES = (1.0, 99.0)
_STEPS_PER_RANGE = 10.0


def image_bytes(image: Tensor) -> NDArray[np.uint8]:
    """[1, 3, S, S] in −1…1 → [S, S, 3], read-only."""
    return _frozen(np.ascontiguousarray(to_uint8(image)[0]))


def solid_depth(depth: Tensor, opacity: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Depth and opacity [1, 1, R, R] → read-only maps [R, R], the depth NaN where nothing is hit."""
    seen = opacity[0, 0].float().cpu().numpy().copy()
    far = np.where(seen < SOLID_OPACITY, np.float32(np.nan), depth[0, 0].float().cpu().numpy())
    return _frozen(far.astype(np.float32)), _frozen(np.clip(seen, 0.0, 1.0))


def fitted_range(depth: NDArray[np.float32], fallback: tuple[float, float]) -> tuple[float, float]:
    """Near and far end of the colours for a depth map.

    The first and last percent are cut off, and the ends are moved outwards to round numbers, so that small
    motions of the camera leave the colours as they are.

    Parameters
    ----------
    depth : float32 [R, R]
        NaN where nothing is hit.
    fallback : tuple
        Range of a map without any hit.
    """
    solid = depth[~np.isnan(depth)]
    if solid.size == 0:
        return fallback
    near, far = (float(x) for x in np.percentile(solid, _ROBUST_PERCENTILES))
    step = _round_step(max(far - near, 1e-3 * max(abs(far), 1.0)) / _STEPS_PER_RANGE)
    low, high = math.floor(near / step + 1e-6), math.ceil(far / step - 1e-6)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return round(low * step, digits), round(max(high, low + 1) * step, digits)


def _round_step(value: float) -> float:
    """1, 2 or 5 times a power of ten, not below the value."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= value * (1 - 1e-9))


def compose(
    display: DisplayView,
    image: NDArray[np.uint8],
    raw: NDArray[np.uint8],
    depth: NDArray[np.float32],
    depth_range: tuple[float, float],
    *,
    opacity: NDArray[np.float32] | None = None,
    camera: tuple[Sequence[float], float] | None = None,
) -> NDArray[np.uint8]:
    """The picture [H, W, 4] that a View asks for, read-only.

    Opacity, and the camera's cam2world and focal length, are needed for those modes that show them.
    """
    if display.mode == "rgb":
        picture = image
    elif display.mode == "raw":
        picture = raw
    elif display.mode == "normals" and camera is not None:
        picture = color_normals(depth, *camera, display.normals_space)
    elif display.mode == "opacity" and opacity is not None:
        picture = np.repeat(np.rint(opacity[..., None] * 255.0).astype(np.uint8), 3, axis=2)
    else:
        picture = color_depth(depth, depth_range, display.color_map)
        if display.mode == "side_by_side":
            side = image.shape[0]
            if picture.shape[0] != side:
                grown = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
                picture = np.asarray(grown)
            picture = np.concatenate([image, picture], axis=1)
    rgba = np.full((*picture.shape[:2], 4), 255, np.uint8)
    rgba[..., :3] = picture
    return _frozen(rgba)


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array
