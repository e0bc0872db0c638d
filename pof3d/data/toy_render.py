"""Rendering of procedural objects: camera, sphere tracing, shading. NumPy only, one image at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pof3d.config import CameraConfig
from pof3d.data.sdf import Array, Vec3

_MAX_STEPS = 200
_APPROACH_STEPS = 16
_HIT = 2e-4  # a ray this close to the surface has arrived
_LEAST_STEPS = (8e-4, 2e-3)
"""Least advance of a ray in its first 20 steps, and later: rays that graze the forehead on their way to an
ear would else take hundreds. What a step goes too deep, the next one takes back."""


@dataclass(frozen=True)
class Lighting:
    """Light that is fixed to the object, so that a surface point has one colour in all images."""

    direction: Vec3
    """Towards the light; of any length."""
    ambient: float
    """Brightness of a surface that faces away from the light."""
    diffuse: float
    """What is added where it faces the light."""
    cavity: float
    """Reach of the darkening in cavities, world units."""
    mirrored_axis: int | None = None
    """Axis (0 to 2) across which the light is mirrored, so that both sides of an object are lit alike."""

    def lambert(self, normals: Array) -> Array:
        """Cosine between normals (3, N) and the light, at least 0; shape (N,)."""
        light = np.array(self.direction)
        light = light / np.linalg.norm(light)
        n = normals
        if self.mirrored_axis is not None:
            n = n.copy()
            np.abs(n[self.mirrored_axis], out=n[self.mirrored_axis])
        return np.maximum((n * light.astype(n.dtype)[:, None]).sum(0), 0)


class Toy(Protocol):
    """An object that can be rendered."""

    @property
    def bound(self) -> float:
        """Radius of a ball around the origin that holds the object, world units."""

    @property
    def lighting(self) -> Lighting:
        """The light that it is seen in."""

    def distance(self, p: Array) -> Array:
        """Signed distance to the surface (or less), shape S, of world positions p (3, *S)."""

    def colour(self, p: Array) -> Array:
        """Albedo, sRGB in [0, 1], shape (3, *S), of world positions p (3, *S) on the surface."""


def cam2world(yaw: float, pitch: float, camera: CameraConfig) -> npt.NDArray[np.float64]:
    """Camera pose on the sphere around the origin; OpenCV axes (x right, y down, z forward), no roll.

    Parameters
    ----------
    yaw : float
        Radians, h - h_mean; positive moves the camera to its right.
    pitch : float
        Radians, φ - π/2 with φ the polar angle; positive moves the camera below the object.
    camera : CameraConfig
        Its radius and h_mean; the camera looks at the origin.

    Returns
    -------
    array, shape (4, 4)
        Columns: right, down, forward, origin. With h_mean = π/2, (0, 0) sits at (0, 0, radius) and looks
        along -z; with h_mean = π it sits at (radius, 0, 0) and looks along -x.
    """
    h, phi = camera.h_mean + yaw, math.pi / 2 + pitch
    origin = camera.radius * np.array(
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


def intrinsics(camera: CameraConfig) -> npt.NDArray[np.float64]:
    """Camera matrix normalised by the image size, shape (3, 3)."""
    return np.array([[camera.focal, 0.0, 0.5], [0.0, camera.focal, 0.5], [0.0, 0.0, 1.0]])


def camera_rays(matrix: npt.NDArray[np.floating], focal: float, resolution: int) -> Array:
    """Unit directions of the rays through the centres of the pixels.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        cam2world.
    focal : float
        Focal length in image widths.
    resolution : int
        R, pixels along each side.

    Returns
    -------
    array, shape (3, R, R), float32
        World directions; axis 1 runs down the image, axis 2 to the right.
    """
    s = ((np.arange(resolution) + 0.5) / resolution - 0.5) / focal
    u, v = np.meshgrid(s, s, indexing="xy")
    local = np.stack([u, v, np.ones_like(u)])
    local /= np.sqrt((local * local).sum(0))
    return np.einsum("ij,jhw->ihw", matrix[:3, :3], local).astype(np.float32)


def trace(toy: Toy, origin: npt.NDArray[np.floating], directions: Array, start: Array | None = None) -> Array:
    """Sphere-trace rays against an object.

    Parameters
    ----------
    toy : Toy
    origin : array, shape (3,)
        Where all rays start, outside the ball that holds the object.
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
    near, far = _ball(toy.bound, origin, directions)
    if start is not None:
        near = np.maximum(near, start)
    found = np.zeros(near.shape, np.float32)
    active = np.flatnonzero(near < far)
    t, end, d = near[active], far[active], directions[:, active]
    for i in range(_MAX_STEPS):
        if not active.size:
            break
        step = toy.distance(o + d * t)
        hit = step < _HIT
        found[active[hit]] = t[hit] + step[hit]
        t = t + np.maximum(step, np.float32(_LEAST_STEPS[i >= 20]))
        keep = np.flatnonzero(~hit & (t < end))
        if keep.size < active.size:
            active, t, end, d = active[keep], t[keep], end[keep], d[:, keep]
    return found


def approach(toy: Toy, origin: npt.NDArray[np.floating], directions: Array, gap: float) -> Array:
    """How far a bundle of rays around each given ray gets for certain before it meets the object.

    Parameters
    ----------
    toy, origin, directions
        As for `trace`.
    gap : float
        Radius of the bundle, world units.

    Returns
    -------
    array, shape (N,), float32
        A distance along the ray short of which the bundle touches nothing; inf where it misses altogether.
    """
    o = origin.astype(np.float32)[:, None]
    near, far = _ball(toy.bound, origin, directions, gap)
    free = np.full(near.shape, np.inf, np.float32)
    active = np.flatnonzero(near < far)
    t = near[active]
    for _ in range(_APPROACH_STEPS):
        step = toy.distance(o + directions[:, active] * t) - np.float32(gap)
        going = step > gap
        free[active[~going]] = t[~going]
        t = (t + step)[going]
        active = active[going]
        inside = t < far[active]
        active, t = active[inside], t[inside]
    free[active] = t
    return free


def _ball(
    bound: float, origin: npt.NDArray[np.floating], directions: Array, gap: float = 0.0
) -> tuple[Array, Array]:
    """Where rays enter and leave the bounding ball, grown by `gap`; (inf, -inf) where they miss it."""
    o = origin.astype(np.float32)[:, None]
    b = (o * directions).sum(0)
    disc = b * b - (np.float32((o * o).sum()) - np.float32((bound + gap) ** 2))
    root = np.sqrt(np.maximum(disc, 0))
    inf = np.float32(np.inf)
    return np.where(disc > 0, -b - root, inf), np.where(disc > 0, -b + root, -inf)


def normals(toy: Toy, p: Array) -> Array:
    """Outward unit normals by central differences on a tetrahedron.

    Parameters
    ----------
    toy : Toy
    p : array, shape (3, N)

    Returns
    -------
    array, shape (3, N)
    """
    eps = 1.5e-3
    total = np.zeros_like(p)
    for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        k = np.asarray(corner, p.dtype)[:, None]
        total += k * toy.distance(p + k * p.dtype.type(eps))
    return total / np.maximum(np.sqrt((total * total).sum(0)), 1e-9)


def shade(toy: Toy, p: Array) -> Array:
    """Colours of surface points: Lambert with a light fixed to the object, ambient light, soft cavities.

    Nothing depends on the viewing direction, so one surface point has one colour in all images.

    Parameters
    ----------
    toy : Toy
    p : array, shape (3, N)

    Returns
    -------
    array, shape (3, N)
        sRGB in [0, 1].
    """
    n = normals(toy, p)
    lighting = toy.lighting
    reach = p.dtype.type(lighting.cavity)
    open_sky = np.clip(toy.distance(p + n * reach) / reach, 0, 1)
    light = (lighting.ambient + lighting.diffuse * lighting.lambert(n)) * (0.72 + 0.28 * open_sky)
    return np.clip(toy.colour(p) * light, 0, 1)


def render(
    toy: Toy, yaw: float, pitch: float, resolution: int, camera: CameraConfig
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Image (2 × 2 rays per pixel, white background) and depth (one ray per pixel) of an object.

    Parameters
    ----------
    toy : Toy
    yaw, pitch : float
        Radians; see `cam2world`.
    resolution : int
        R, pixels along each side.
    camera : CameraConfig
        Where (0, 0) is, the camera's distance and its focal length.

    Returns
    -------
    image : uint8 array, shape (R, R, 3)
    depth : float32 array, shape (R, R)
        Distance from the camera along each ray, world units; 0 where there is nothing.
    """
    matrix = cam2world(yaw, pitch, camera)
    origin = matrix[:3, 3]
    fine, centre = (camera_rays(matrix, camera.focal, side) for side in (2 * resolution, resolution))
    # One cautious ray per pixel first: where its pixel is empty, or up to what distance.
    pixel = (camera.radius + toy.bound) / camera.focal / resolution
    free = approach(toy, origin, centre.reshape(3, -1), 0.5 * pixel)
    start = np.concatenate([free.reshape(resolution, resolution).repeat(2, 0).repeat(2, 1).ravel(), free])
    count = 4 * resolution * resolution
    rays = np.concatenate([fine.reshape(3, -1), centre.reshape(3, -1)], axis=1)
    found = trace(toy, origin, rays, start)
    hit = np.flatnonzero(found[:count])
    rgb = np.ones((3, count), np.float32)
    if hit.size:
        rgb[:, hit] = shade(toy, origin.astype(np.float32)[:, None] + rays[:, hit] * found[hit])
    rgb = rgb.reshape(3, resolution, 2, resolution, 2).mean((2, 4))
    image = np.rint(rgb * 255).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(image), found[count:].reshape(resolution, resolution)
