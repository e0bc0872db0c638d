"""Rendering of toy cats: poses, the camera, sphere tracing and shading. NumPy only, one image at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pof3d.data import toy_cats
from pof3d.data.sdf import Array
from pof3d.data.toy_cats import BOUND, Cat

RADIUS = 2.7
"""Distance of the camera from the origin, in world units (the cats camera)."""
FOCAL = 1 / (math.tan(math.radians(18.837) / 2) * 1.414)
"""Focal length in units of the image's width (field of view 18.837°, in the convention of EG3D's users)."""
VERSION = 1
"""Changes whenever the same seed would give other images."""
YAW_STD, YAW_LIMIT = 0.45, 1.2
PITCH_STD, PITCH_LIMIT = 0.18, 0.5

_LIGHT = np.array([0.28, 0.72, 0.64])
_LIGHT = _LIGHT / np.linalg.norm(_LIGHT)
_AMBIENT, _DIFFUSE = 0.58, 0.50
_MAX_STEPS = 200
_APPROACH_STEPS = 16
_HIT = 2e-4  # a ray this close to the surface has arrived
_LEAST_STEPS = (8e-4, 2e-3)
"""Least advance of a ray in its first 20 steps, and later: rays that graze the forehead on their way to an
ear would else take hundreds. What a step goes too deep, the next one takes back."""


@dataclass(frozen=True)
class Sample:
    """A cat, where it is seen from, and what is seen."""

    cat: Cat
    yaw: float
    pitch: float
    image: npt.NDArray[np.uint8]
    """sRGB, shape (R, R, 3), white background."""
    depth: npt.NDArray[np.float32]
    """Distance along the ray through the pixel's centre, world units, shape (R, R); 0: background."""


def cam2world(yaw: float, pitch: float) -> npt.NDArray[np.float64]:
    """Camera pose on the sphere around the origin; OpenCV axes (x right, y down, z forward), no roll.

    Parameters
    ----------
    yaw : float
        Radians, h - π/2; positive moves the camera towards +x.
    pitch : float
        Radians, φ - π/2 with φ the polar angle; positive moves the camera below the object.

    Returns
    -------
    array, shape (4, 4)
        Columns: right, down, forward, origin. (0, 0) sits at (0, 0, `RADIUS`) and looks along -z.
    """
    h, phi = math.pi / 2 + yaw, math.pi / 2 + pitch
    origin = RADIUS * np.array(
        [math.sin(phi) * math.cos(math.pi - h), math.cos(phi), math.sin(phi) * math.sin(math.pi - h)]
    )
    forward = -origin / np.linalg.norm(origin)
    right = -np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    down /= np.linalg.norm(down)
    matrix = np.eye(4)
    matrix[:3] = np.stack([right, down, forward, origin], axis=1)
    return matrix


def intrinsics() -> npt.NDArray[np.float64]:
    """Camera matrix normalised by the image size, shape (3, 3)."""
    return np.array([[FOCAL, 0.0, 0.5], [0.0, FOCAL, 0.5], [0.0, 0.0, 1.0]])


def camera_rays(matrix: npt.NDArray[np.floating], resolution: int) -> Array:
    """Unit directions of the rays through the centres of the pixels.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        cam2world.
    resolution : int
        R, pixels along each side.

    Returns
    -------
    array, shape (3, R, R), float32
        World directions; axis 1 runs down the image, axis 2 to the right.
    """
    s = ((np.arange(resolution) + 0.5) / resolution - 0.5) / FOCAL
    u, v = np.meshgrid(s, s, indexing="xy")
    local = np.stack([u, v, np.ones_like(u)])
    local /= np.sqrt((local * local).sum(0))
    return np.einsum("ij,jhw->ihw", matrix[:3, :3], local).astype(np.float32)


def trace(cat: Cat, origin: npt.NDArray[np.floating], directions: Array, start: Array | None = None) -> Array:
    """Sphere-trace rays against a cat.

    Parameters
    ----------
    cat : Cat
    origin : array, shape (3,)
        Where all rays start, outside the ball of radius `BOUND`.
    directions : array, shape (3, N), float32
        Unit vectors.
    start : array, shape (N,), float32, optional
        Distances up to which the rays are known to be free, from `approach`; inf: known to miss.

    Returns
    -------
    array, shape (N,), float32
        Distance along the ray to the surface, 0 where it misses.
    """
    o = origin.astype(np.float32)[:, None]
    near, far = _ball(origin, directions)
    if start is not None:
        near = np.maximum(near, start)
    found = np.zeros(near.shape, np.float32)
    active = np.flatnonzero(near < far)
    t, end, d = near[active], far[active], directions[:, active]
    for i in range(_MAX_STEPS):
        if not active.size:
            break
        step = toy_cats.distance(cat, o + d * t)
        hit = step < _HIT
        found[active[hit]] = t[hit] + step[hit]
        t = t + np.maximum(step, np.float32(_LEAST_STEPS[i >= 20]))
        keep = np.flatnonzero(~hit & (t < end))
        if keep.size < active.size:
            active, t, end, d = active[keep], t[keep], end[keep], d[:, keep]
    return found


def approach(cat: Cat, origin: npt.NDArray[np.floating], directions: Array, gap: float) -> Array:
    """How far a bundle of rays around each given ray gets for certain before it meets the cat.

    Parameters
    ----------
    cat, origin, directions
        As for `trace`.
    gap : float
        Radius of the bundle, world units.

    Returns
    -------
    array, shape (N,), float32
        A distance along the ray short of which the bundle touches nothing; inf where it misses altogether.
    """
    o = origin.astype(np.float32)[:, None]
    near, far = _ball(origin, directions, gap)
    free = np.full(near.shape, np.inf, np.float32)
    active = np.flatnonzero(near < far)
    t = near[active]
    for _ in range(_APPROACH_STEPS):
        step = toy_cats.distance(cat, o + directions[:, active] * t) - np.float32(gap)
        going = step > gap
        free[active[~going]] = t[~going]
        t = (t + step)[going]
        active = active[going]
        inside = t < far[active]
        active, t = active[inside], t[inside]
    free[active] = t
    return free


def _ball(origin: npt.NDArray[np.floating], directions: Array, gap: float = 0.0) -> tuple[Array, Array]:
    """Where rays enter and leave the bounding ball, grown by `gap`; (inf, -inf) where they miss it."""
    o = origin.astype(np.float32)[:, None]
    b = (o * directions).sum(0)
    disc = b * b - (np.float32((o * o).sum()) - np.float32((BOUND + gap) ** 2))
    root = np.sqrt(np.maximum(disc, 0))
    inf = np.float32(np.inf)
    return np.where(disc > 0, -b - root, inf), np.where(disc > 0, -b + root, -inf)


def normals(cat: Cat, p: Array) -> Array:
    """Outward unit normals by central differences on a tetrahedron.

    Parameters
    ----------
    cat : Cat
    p : array, shape (3, N)

    Returns
    -------
    array, shape (3, N)
    """
    eps = 1.5e-3
    total = np.zeros_like(p)
    for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        k = np.asarray(corner, p.dtype)[:, None]
        total += k * toy_cats.distance(cat, p + k * p.dtype.type(eps))
    return total / np.maximum(np.sqrt((total * total).sum(0)), 1e-9)


def shade(cat: Cat, p: Array) -> Array:
    """Colours of surface points: Lambert with a light fixed to the head, ambient light, soft cavities.

    Nothing depends on the viewing direction, so one surface point has one colour in all images.

    Parameters
    ----------
    cat : Cat
    p : array, shape (3, N)

    Returns
    -------
    array, shape (3, N)
        sRGB in [0, 1].
    """
    n = normals(cat, p)
    lambert = np.maximum((n * _LIGHT.astype(p.dtype)[:, None]).sum(0), 0)
    reach = p.dtype.type(0.03)
    open_sky = np.clip(toy_cats.distance(cat, p + n * reach) / reach, 0, 1)
    light = (_AMBIENT + _DIFFUSE * lambert) * (0.72 + 0.28 * open_sky)
    return np.clip(toy_cats.colour(cat, p) * light, 0, 1)


def render(
    cat: Cat, yaw: float, pitch: float, resolution: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Image (2 × 2 rays per pixel, white background) and depth (one ray per pixel) of a cat.

    Parameters
    ----------
    cat : Cat
    yaw, pitch : float
        Radians; see `cam2world`.
    resolution : int
        R, pixels along each side.

    Returns
    -------
    image : uint8 array, shape (R, R, 3)
    depth : float32 array, shape (R, R)
        Distance from the camera along each ray, world units; 0 where there is no cat.
    """
    matrix = cam2world(yaw, pitch)
    origin = matrix[:3, 3]
    fine, centre = camera_rays(matrix, 2 * resolution), camera_rays(matrix, resolution)
    # One cautious ray per pixel first: where its pixel is empty, or up to what distance.
    pixel = (RADIUS + BOUND) / FOCAL / resolution
    free = approach(cat, origin, centre.reshape(3, -1), 0.5 * pixel)
    start = np.concatenate([free.reshape(resolution, resolution).repeat(2, 0).repeat(2, 1).ravel(), free])
    count = 4 * resolution * resolution
    rays = np.concatenate([fine.reshape(3, -1), centre.reshape(3, -1)], axis=1)
    found = trace(cat, origin, rays, start)
    hit = np.flatnonzero(found[:count])
    rgb = np.ones((3, count), np.float32)
    if hit.size:
        rgb[:, hit] = shade(cat, origin.astype(np.float32)[:, None] + rays[:, hit] * found[hit])
    rgb = rgb.reshape(3, resolution, 2, resolution, 2).mean((2, 4))
    image = np.rint(rgb * 255).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(image), found[count:].reshape(resolution, resolution)


def random_pose(rng: np.random.Generator) -> tuple[float, float]:
    """Yaw ~ N(0, 0.45) clipped to ±1.2 and pitch ~ N(0, 0.18) clipped to ±0.5, radians."""
    yaw = float(np.clip(rng.normal(0.0, YAW_STD), -YAW_LIMIT, YAW_LIMIT))
    pitch = float(np.clip(rng.normal(0.0, PITCH_STD), -PITCH_LIMIT, PITCH_LIMIT))
    return yaw, pitch


def sample(seed: int, index: int, resolution: int) -> Sample:
    """Image `index` of the set with this seed; independent of all other images.

    Parameters
    ----------
    seed, index : int, >= 0
    resolution : int, >= 1

    Returns
    -------
    Sample
    """
    rng = np.random.default_rng([seed, index])
    yaw, pitch = random_pose(rng)
    cat = toy_cats.random_cat(rng)
    image, depth = render(cat, yaw, pitch, resolution)
    return Sample(cat=cat, yaw=yaw, pitch=pitch, image=image, depth=depth)
