"""Procedural cat heads: their random identities, their shape as a signed-distance field, and their colours.

A cat looks along +z, up is +y; the ear at +x is on the right when seen from the front. The head is centred
near the origin and the whole of it lies inside a ball of radius `BOUND`, well within the box [-0.5, 0.5]³ of
the generator. Shape and colours are mirror-symmetric in x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pof3d.data import sdf
from pof3d.data.sdf import Array, Vec3
from pof3d.data.toy_parts import Painter, between, ramp, vary
from pof3d.data.toy_render import Lighting

BOUND = 0.314
"""Radius of a ball around the origin that holds every cat, in world units; what the cats camera just sees."""

_FURS: tuple[Vec3, ...] = (
    (0.92, 0.56, 0.22),
    (0.86, 0.62, 0.36),
    (0.56, 0.58, 0.62),
    (0.42, 0.47, 0.56),
    (0.24, 0.22, 0.25),
    (0.84, 0.72, 0.54),
    (0.55, 0.40, 0.28),
)
"""Fur colours in sRGB, [0, 1]: orange to black; none as white as the background."""
_IRISES: tuple[Vec3, ...] = (
    (0.45, 0.74, 0.30),
    (0.95, 0.76, 0.18),
    (0.88, 0.55, 0.12),
    (0.35, 0.66, 0.86),
    (0.62, 0.78, 0.38),
)
_WHITE: Vec3 = (0.93, 0.91, 0.88)
_DARK: Vec3 = (0.07, 0.06, 0.07)
_INNER_EAR: Vec3 = (0.93, 0.66, 0.64)
_LIGHTING = Lighting(direction=(0.28, 0.72, 0.64), ambient=0.58, diffuse=0.50, cavity=0.03)


@dataclass(frozen=True)
class Cat:
    """One cat: proportions in world units (radii, positions), colours in sRGB [0, 1].

    Positions of paired features are given for the side x > 0 and mirrored.
    """

    head_centre: Vec3
    head_radii: Vec3
    cheek_centre: Vec3
    cheek_radii: Vec3
    ear_base: Vec3
    ear_tilt: float
    """Angle of the ear away from straight up, outwards, in radians."""
    ear_turn: float
    """Angle by which the opening of the ear turns from the front outwards, in radians."""
    ear_height: float
    ear_width: float
    eye_centre: Vec3
    eye_radius: float
    pupil_width: float
    """Half-width of the pupil as a fraction of the eye's radius."""
    muzzle_centre: Vec3
    muzzle_radius: float
    chin_centre: Vec3
    chin_radius: float
    nose_centre: Vec3
    nose_radii: Vec3
    fur: Vec3
    light_fur: Vec3
    """Colour of the muzzle and chin."""
    iris: Vec3
    nose_colour: Vec3

    @cached_property
    def ear_axes(self) -> npt.NDArray[np.float64]:
        """Axes of the ear at x > 0, rows of shape (3, 3): x, y (to the tip), z (out of the opening)."""
        tilt, turn = self.ear_tilt, self.ear_turn
        y = np.array([math.sin(tilt), math.cos(tilt), -0.10])
        y /= np.linalg.norm(y)
        z = np.array([math.sin(turn), 0.0, math.cos(turn)])
        z -= y * (z @ y)
        z /= np.linalg.norm(z)
        return np.stack([np.cross(y, z), y, z])

    @property
    def bound(self) -> float:
        """Radius of a ball around the origin that holds every cat, world units."""
        return BOUND

    @property
    def lighting(self) -> Lighting:
        """From above, in front and a little from the right."""
        return _LIGHTING

    def distance(self, p: Array) -> Array:
        """Signed distance to the surface.

        Parameters
        ----------
        p : array, shape (3, *S)
            World positions.

        Returns
        -------
        array, shape S
        """
        return parts(self, p).all

    def colour(self, p: Array) -> Array:
        """Surface colour (albedo).

        Parameters
        ----------
        p : array, shape (3, *S)
            World positions on, or within a few thousandths of, the surface.

        Returns
        -------
        array, shape (3, *S)
            sRGB in [0, 1], before shading.
        """
        return _paint(self, p)


def random_cat(rng: np.random.Generator) -> Cat:
    """Draw a cat.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of randomness; equal states give equal cats.

    Returns
    -------
    Cat
    """
    a, b, c = between(rng, 0.195, 0.222), between(rng, 0.168, 0.195), between(rng, 0.180, 0.205)
    cy = -0.052
    reach = between(rng, -0.008, 0.012)  # how far the muzzle stands out
    eye_x, eye_y = a * between(rng, 0.39, 0.45), cy + b * between(rng, 0.10, 0.24)
    eye_r = between(rng, 0.048, 0.056)
    front = c * math.sqrt(max(1 - (eye_x / a) ** 2 - ((eye_y - cy) / b) ** 2, 0.0))
    muzzle_y = cy - b * between(rng, 0.40, 0.48)
    muzzle_r = between(rng, 0.054, 0.064)
    muzzle_z = c * 0.80 + reach
    nose_y = muzzle_y + muzzle_r * 0.62
    ear_tilt, ear_turn = between(rng, 0.22, 0.46), between(rng, 0.15, 0.45)
    ear_base = (a * between(rng, 0.56, 0.62), cy + b * 0.70, -0.005)
    ear_width = between(rng, 0.072, 0.086)

    fur = vary(rng, _FURS[int(rng.integers(len(_FURS)))], 0.06)
    light = tuple(0.5 * f + 0.5 * w for f, w in zip(fur, vary(rng, _WHITE), strict=True))
    iris = _IRISES[int(rng.integers(len(_IRISES)))]
    dark_nose = max(fur) < 0.45 or rng.random() < 0.2
    # The tip must stay inside the ball of radius BOUND whatever the other proportions.
    height = between(rng, 0.125, 0.165)
    side, up = math.sin(ear_tilt), math.cos(ear_tilt)
    while math.hypot(ear_base[0] + height * side, ear_base[1] + height * up) > 0.294:
        height -= 0.002
    return Cat(
        head_centre=(0.0, cy, 0.0),
        head_radii=(a, b, c),
        cheek_centre=(a * 0.62, cy - b * between(rng, 0.34, 0.44), c * 0.25),
        cheek_radii=(a * between(rng, 0.36, 0.44), b * 0.40, c * 0.50),
        ear_base=ear_base,
        ear_tilt=ear_tilt,
        ear_turn=ear_turn,
        ear_height=height,
        ear_width=ear_width,
        eye_centre=(eye_x, eye_y, front - eye_r * 0.60),
        eye_radius=eye_r,
        pupil_width=between(rng, 0.20, 0.42),
        muzzle_centre=(muzzle_r * 0.66, muzzle_y, muzzle_z),
        muzzle_radius=muzzle_r,
        chin_centre=(0.0, muzzle_y - muzzle_r * 0.80, muzzle_z - 0.012),
        chin_radius=muzzle_r * 0.72,
        nose_centre=(0.0, nose_y, muzzle_z + muzzle_r * 0.80),
        nose_radii=(between(rng, 0.025, 0.031), 0.019, 0.020),
        fur=fur,
        light_fur=(light[0], light[1], light[2]),
        iris=vary(rng, iris),
        nose_colour=(0.20, 0.14, 0.14) if dark_nose else vary(rng, (0.90, 0.52, 0.52)),
    )


@dataclass(frozen=True)
class Parts:
    """Distances of points to the parts of a cat, each of shape S for points of shape (3, *S)."""

    fur: Array
    """Head with cheeks, muzzle, chin and ears, smoothly joined."""
    ear: Array
    inner_ear: Array
    muzzle: Array
    eye: Array
    nose: Array

    @cached_property
    def all(self) -> Array:
        """Distance to the whole cat."""
        return np.minimum(np.minimum(self.fur, self.eye), self.nose)


_EAR_FLAT = 0.50  # thickness of an ear relative to its width
_INNER_FLAT = 0.42


def parts(cat: Cat, p: Array) -> Parts:
    """Signed distances to the parts of a cat.

    Parameters
    ----------
    cat : Cat
    p : array, shape (3, *S)
        World positions.

    Returns
    -------
    Parts
    """
    q = p.copy()
    np.abs(p[0], out=q[0])
    head = sdf.ellipsoid(q, cat.head_centre, cat.head_radii)
    head = sdf.smooth_union(head, sdf.ellipsoid(q, cat.cheek_centre, cat.cheek_radii), 0.05)
    e = sdf.to_frame(q, cat.ear_base, cat.ear_axes)
    e[2] *= 1 / _EAR_FLAT
    ear = sdf.round_cone(e, cat.ear_width, 0.012, cat.ear_height) * _EAR_FLAT
    e[1] -= 0.012
    e[2] = (e[2] * _EAR_FLAT - cat.ear_width * 0.42) * (1 / _INNER_FLAT)
    inner = sdf.round_cone(e, cat.ear_width * 0.66, 0.005, cat.ear_height * 0.86) * _INNER_FLAT
    ear = sdf.smooth_subtraction(ear, inner, 0.012)
    muzzle = sdf.sphere(q, cat.muzzle_centre, cat.muzzle_radius)
    chin = sdf.sphere(q, cat.chin_centre, cat.chin_radius)
    muzzle = sdf.smooth_union(muzzle, chin, 0.015)
    fur = sdf.smooth_union(sdf.smooth_union(head, ear, 0.03), muzzle, 0.03)
    eye = sdf.sphere(q, cat.eye_centre, cat.eye_radius)
    nose = sdf.ellipsoid(q, cat.nose_centre, cat.nose_radii)
    return Parts(fur=fur, ear=ear, inner_ear=inner, muzzle=muzzle, eye=eye, nose=nose)


def _paint(cat: Cat, p: Array) -> Array:
    """Albedo of points on a cat; see `Cat.colour`."""
    d = parts(cat, p)
    x, y, z = np.abs(p[0]), p[1], p[2]
    canvas = Painter(p, cat.fur)
    paint = canvas.paint
    paint(ramp(d.muzzle, 0.012, 0.002), cat.light_fur)
    # The mouth: a line down from the nose, then along the lower edge of the muzzle's two halves.
    ny = cat.nose_centre[1]
    mx, my, mz = cat.muzzle_centre
    below = ramp(y, ny, ny - 0.01) * ramp(y, my - 0.55 * cat.muzzle_radius, my - 0.40 * cat.muzzle_radius)
    line = ramp(x, 0.008, 0.003) * below
    ring = np.abs(np.hypot(x - mx * 0.9, y - my) - cat.muzzle_radius * 0.66)
    smile = ramp(ring, 0.008, 0.003) * ramp(y, my - 0.1 * cat.muzzle_radius, my - 0.3 * cat.muzzle_radius)
    paint(np.maximum(line, smile) * ramp(z, mz, mz + 0.015) * 0.85, _DARK)
    paint(ramp(d.inner_ear, 0.006, 0.0) * ramp(d.eye, 0.01, 0.02), _INNER_EAR)
    # Eyes: dark rim in the fur, iris with a rim, a slit pupil, a small glint.
    ex, ey, ez = cat.eye_centre
    r = cat.eye_radius
    paint(ramp(d.eye, 0.008, 0.004), _DARK)
    on_eye = ramp(d.eye, 0.0025, 0.001) * (d.eye <= d.fur)
    # The slit is set a little outwards, where the eyeball stands out furthest from the fur.
    u, w = (x - ex) / r - 0.14, (y - ey) / r
    paint(on_eye, cat.iris)
    slit = np.hypot(u / cat.pupil_width, w / 0.80)
    paint(on_eye * ramp(slit, 1.12, 0.88) * (z > ez), (0.03, 0.03, 0.04))
    glint = np.hypot(u + 0.16, w - 0.34)
    paint(on_eye * ramp(glint, 0.24, 0.14) * (z > ez), (1.0, 1.0, 1.0))
    paint(ramp(d.nose, 0.003, 0.001) * (d.nose <= d.fur), cat.nose_colour)
    return canvas.colours
