"""Signed-distance primitives, vectorised with NumPy.

Conventions
-----------
Points are coordinate-first arrays ``p`` of shape ``(3, *S)`` (x, y, z along the first axis), which keeps each
coordinate contiguous. Every function returns the signed distance, shape ``S``: negative inside, zero on the
surface, positive outside. The dtype of the points is kept. Distances are in the units of the points.

Formulas follow the well-known catalogue of distance functions by I. Quilez
(https://iquilezles.org/articles/distfunctions) and the smooth minimum described there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Vec3 = tuple[float, float, float]


def sphere(p: Array, centre: Vec3, radius: float) -> Array:
    """Exact distance to a sphere.

    Parameters
    ----------
    p : array, shape (3, *S)
    centre : three floats
    radius : float, > 0

    Returns
    -------
    array, shape S
    """
    x, y, z = p[0] - centre[0], p[1] - centre[1], p[2] - centre[2]
    return np.sqrt(x * x + y * y + z * z) - radius


def ellipsoid(p: Array, centre: Vec3, radii: Vec3) -> Array:
    """Approximate distance to an axis-aligned ellipsoid.

    Uses k0 (k0 - 1) / k1 with k0 = |q / r| and k1 = |q / r²|: exact for spheres, zero exactly on the surface,
    and first-order correct near it. At the very centre it is minus the smallest radius.

    Parameters
    ----------
    p : array, shape (3, *S)
    centre : three floats
    radii : three floats, > 0
        Semi-axes along x, y and z.

    Returns
    -------
    array, shape S
    """
    ix, iy, iz = 1 / radii[0], 1 / radii[1], 1 / radii[2]
    x, y, z = (p[0] - centre[0]) * ix, (p[1] - centre[1]) * iy, (p[2] - centre[2]) * iz
    # The tiny terms decide the value at the centre, where the formula is 0 / 0.
    k0 = np.sqrt(x * x + y * y + z * z + 1e-12)
    x, y, z = x * ix, y * iy, z * iz
    k1 = np.sqrt(x * x + y * y + z * z + 1e-12 * max(ix, iy, iz) ** 2)
    return k0 * (k0 - 1) / k1


def capsule(p: Array, start: Vec3, end: Vec3, radius: float) -> Array:
    """Exact distance to a capsule: all points within `radius` of the segment from `start` to `end`.

    Parameters
    ----------
    p : array, shape (3, *S)
    start, end : three floats
    radius : float, >= 0

    Returns
    -------
    array, shape S
    """
    bx, by, bz = end[0] - start[0], end[1] - start[1], end[2] - start[2]
    x, y, z = p[0] - start[0], p[1] - start[1], p[2] - start[2]
    t = np.clip((x * bx + y * by + z * bz) / max(bx * bx + by * by + bz * bz, 1e-12), 0.0, 1.0)
    x, y, z = x - t * bx, y - t * by, z - t * bz
    return np.sqrt(x * x + y * y + z * z) - radius


def round_cone(p: Array, radius_base: float, radius_tip: float, height: float) -> Array:
    """Exact distance to a cone with two round ends, standing on the origin along +y.

    The convex hull of a sphere of `radius_base` at the origin and one of `radius_tip` at (0, height, 0).

    Parameters
    ----------
    p : array, shape (3, *S)
    radius_base, radius_tip : float, >= 0
    height : float, > abs(radius_base - radius_tip)

    Returns
    -------
    array, shape S
    """
    b = (radius_base - radius_tip) / height
    slope = b / float(np.sqrt(1.0 - b * b))
    r2 = p[0] * p[0] + p[2] * p[2]
    # The hull is a union of spheres with centres (0, s, 0) and radii radius_base - b s. The nearest of them
    # is the minimum of a convex function of s, so clipping the free minimum is exact.
    s = np.clip(p[1] - np.sqrt(r2) * slope, 0.0, height)
    y = p[1] - s
    return np.sqrt(r2 + y * y) + (b * s - radius_base)


def smooth_union(d1: Array, d2: Array, k: float) -> Array:
    """Union of two distances, the seam rounded by a quadratic polynomial.

    ``min(d1, d2) - h² k / 4`` with ``h = max(k - |d1 - d2|, 0) / k``: equals the plain minimum wherever the
    distances differ by `k` or more, and lies at most k / 4 below it.

    Parameters
    ----------
    d1, d2 : array, shape S
    k : float, > 0
        Width of the blend, in distance units.

    Returns
    -------
    array, shape S
    """
    h = np.maximum(k - np.abs(d1 - d2), 0.0)
    return np.minimum(d1, d2) - h * h * (0.25 / k)


def smooth_subtraction(d1: Array, d2: Array, k: float) -> Array:
    """`d1` with `d2` carved out of it, the edge rounded over the width `k` (see `smooth_union`).

    Parameters
    ----------
    d1, d2 : array, shape S
    k : float, > 0

    Returns
    -------
    array, shape S
    """
    return -smooth_union(-d1, d2, k)


def to_frame(p: Array, origin: Vec3, axes: npt.NDArray[np.floating]) -> Array:
    """Coordinates of points in a local, orthonormal frame (distances are unchanged).

    Parameters
    ----------
    p : array, shape (3, *S)
    origin : three floats
    axes : array, shape (3, 3)
        Rows are the frame's x, y and z axis in world coordinates.

    Returns
    -------
    array, shape (3, *S)
    """
    q = [p[i] - origin[i] for i in range(3)]
    rows = [float(a[0]) * q[0] + float(a[1]) * q[1] + float(a[2]) * q[2] for a in axes]
    return np.stack(rows)
