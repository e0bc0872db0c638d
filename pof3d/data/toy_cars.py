"""Procedural cars: their random proportions, their shape as a signed-distance field, and their colours.

A car's front faces +x, up is +y. The whole of it lies inside a ball of radius `BOUND` around the origin, well
within the box [-0.75, 0.75]³. Shape, colours and light are mirror-symmetric in z. There are no thin parts:
what a coarse volume cannot hold, such as aerials and mirrors, is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pof3d.data import sdf
from pof3d.data.sdf import Array, Vec3
from pof3d.data.toy_parts import Painter, between, ramp, vary
from pof3d.data.toy_render import Lighting

BOUND = 0.66
"""Radius of a ball around the origin that holds every car, in world units."""

_PAINTS: tuple[Vec3, ...] = (
    (0.76, 0.13, 0.14),
    (0.93, 0.52, 0.14),
    (0.93, 0.80, 0.20),
    (0.24, 0.60, 0.28),
    (0.16, 0.66, 0.68),
    (0.18, 0.36, 0.80),
    (0.54, 0.28, 0.68),
    (0.66, 0.69, 0.72),
)
"""Body colours in sRGB, [0, 1]; none as dark as the windows or as light as the background."""
_GLASS: Vec3 = (0.11, 0.14, 0.19)
_DARK: Vec3 = (0.10, 0.10, 0.11)
_TYRE: Vec3 = (0.12, 0.12, 0.13)
_HUB: Vec3 = (0.80, 0.81, 0.83)
_HEADLIGHT: Vec3 = (1.00, 0.98, 0.80)
_TAIL_LIGHT: Vec3 = (1.00, 0.04, 0.08)
_PLATE: Vec3 = (0.92, 0.92, 0.90)
_LIGHTING = Lighting(direction=(0.42, 0.80, 0.42), ambient=0.66, diffuse=0.40, cavity=0.05, mirrored_axis=2)

_GROUND = -0.255  # the wheels stand on it, world units


@dataclass(frozen=True)
class Car:
    """One car: proportions in world units, colours in sRGB [0, 1].

    Along x, the cabin runs from `screen_foot` over `screen_top` and `rear_top` to `rear_foot`.
    """

    half_length: float
    half_width: float
    floor: float
    """y of the body's underside."""
    belt: float
    """y where the windows begin: the height of the boot, and of the bonnet at the windscreen."""
    nose: float
    """y of the bonnet at the front."""
    roof: float
    """y of the roof."""
    screen_foot: float
    """x where the windscreen meets the bonnet."""
    screen_top: float
    """x where it meets the roof."""
    rear_top: float
    """x where the roof ends."""
    rear_foot: float
    """x where the rear window meets the boot, the tailgate or the bed."""
    bed_depth: float
    """How deep the open bed behind the cabin is; 0: there is none."""
    windows_end: float
    """x behind which the cabin has no side windows; -1: they reach the rear."""
    wheel_radius: float
    front_wheel: float
    """x of the front axle."""
    rear_wheel: float
    """x of the rear axle."""
    light_height: float
    """y of the head lights and tail lights."""
    light_width: float
    """Half the width of a head light."""
    paint: Vec3

    @property
    def bound(self) -> float:
        """Radius of a ball around the origin that holds every car, world units."""
        return BOUND

    @property
    def lighting(self) -> Lighting:
        """From above, in front and both sides alike."""
        return _LIGHTING

    def distance(self, p: Array) -> Array:
        """Signed distance to the surface, or a little less.

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


def random_car(rng: np.random.Generator) -> Car:
    """Draw a car: a saloon, a hatchback, a pick-up or a van, of random proportions.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of randomness; equal states give equal cars.

    Returns
    -------
    Car
    """
    kind = int(rng.integers(4))
    # Per kind: half the length; windscreen foot and top, rear top and foot as fractions of it; roof's height.
    length, foot, top, rear_top, rear_foot, height = (
        (0.590, 0.42, 0.10, -0.42, -0.70, 0.520),  # saloon
        (0.535, 0.50, 0.16, -0.66, -0.93, 0.555),  # hatchback
        (0.590, 0.46, 0.20, -0.16, -0.24, 0.560),  # pick-up
        (0.560, 0.76, 0.46, -0.88, -0.95, 0.635),  # van
    )[kind]
    half = length * between(rng, 0.95, 1.01)
    foot, top, rear_top, rear_foot = (
        half * (x + between(rng, -0.05, 0.05) * (x > -0.8)) for x in (foot, top, rear_top, rear_foot)
    )
    radius = between(rng, 0.122, 0.142)
    belt = _GROUND + between(rng, 0.312, 0.342) + (0.02 if kind >= 2 else 0.0)
    floor = _GROUND + radius * between(rng, 0.60, 0.75)
    nose = belt - between(rng, 0.02, 0.065)
    return Car(
        half_length=half,
        half_width=between(rng, 0.285, 0.315),
        floor=floor,
        belt=belt,
        nose=nose,
        roof=_GROUND + height * between(rng, 0.97, 1.04),
        screen_foot=foot,
        screen_top=top,
        rear_top=rear_top,
        rear_foot=rear_foot,
        bed_depth=between(rng, 0.08, 0.10) if kind == 2 else 0.0,
        windows_end=between(rng, 0.10, 0.20) if kind == 3 and rng.random() < 0.5 else -1.0,
        wheel_radius=radius,
        front_wheel=half * between(rng, 0.58, 0.63),
        rear_wheel=-half * between(rng, 0.56, 0.62),
        light_height=nose - between(rng, 0.05, 0.07),
        light_width=between(rng, 0.044, 0.058),
        paint=vary(rng, _PAINTS[int(rng.integers(len(_PAINTS)))], 0.05),
    )


def _plane(x: Array, y: Array, a: tuple[float, float], b: tuple[float, float]) -> Array:
    """Signed distance to the line through `a` and `b` in a plane; positive on the left, going from a to b."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy)
    nx, ny = -dy / length, dx / length
    return nx * x + (ny * y - (nx * a[0] + ny * a[1]))


def _smooth_max(d1: Array, d2: Array, k: float) -> Array:
    return -sdf.smooth_union(-d1, -d2, k)


@dataclass(frozen=True)
class Parts:
    """Distances of points to the parts of a car, each of shape S for points of shape (3, *S)."""

    body: Array
    screen: Array
    """Distance to the plane of the windscreen, positive in front of it."""
    rear: Array
    """Distance to the plane of the rear window, positive behind it."""
    side: Array
    """Distance to the planes of the side windows, positive outside."""
    wheels: Array
    wheel_axis: Array
    """Distance from the axle of the nearer wheels."""

    @property
    def all(self) -> Array:
        """Distance to the whole car."""
        return np.minimum(self.body, self.wheels)


_TUMBLEHOME = 0.30  # how far the cabin's sides lean inwards, per unit of height
_TYRE_WIDTH = 0.09


def parts(car: Car, p: Array) -> Parts:
    """Signed distances to the parts of a car.

    Parameters
    ----------
    car : Car
    p : array, shape (3, *S)
        World positions.

    Returns
    -------
    Parts
    """
    x, y, z = p[0], p[1], np.abs(p[2])
    length, width = car.half_length, car.half_width
    # Lower body: flanks, nose and tail lean a little, the bonnet slopes.
    flank = _plane(z, y, (width - 0.014, car.belt), (width, car.floor))
    nose = _plane(x, y, (length - 0.03, car.nose), (length, car.floor))
    tail = _plane(-x, y, (length - 0.02, car.belt), (length, car.floor))
    bonnet = _plane(x, y, (car.screen_foot, car.belt), (length, car.nose))
    top = _smooth_max(y - car.belt, bonnet, 0.04)
    body = _smooth_max(np.maximum(nose, tail), flank, 0.14)
    body = _smooth_max(body, np.maximum(top, car.floor - y), 0.05)
    if car.bed_depth:
        middle, reach = (car.rear_foot - 0.02 - length + 0.05) / 2, (car.rear_foot - 0.02 + length - 0.05) / 2
        bed = np.maximum(np.abs(x - middle) - reach, z - (width - 0.055))
        body = np.maximum(body, -np.maximum(bed, car.belt - car.bed_depth - y))
    # Cabin.
    screen = _plane(x, y, (car.screen_top, car.roof), (car.screen_foot, car.belt))
    rear = _plane(-x, y, (-car.rear_top, car.roof), (-car.rear_foot, car.belt))
    rise = car.roof - car.belt
    side = _plane(z, y, (width - 0.018 - _TUMBLEHOME * rise, car.roof), (width - 0.018, car.belt))
    cabin = _smooth_max(np.maximum(screen, rear), side, 0.06)
    cabin = _smooth_max(cabin, np.maximum(y - car.roof, car.belt - 0.05 - y), 0.05)
    body = sdf.smooth_union(body, cabin, 0.02)
    # Wheels: both axles at once.
    middle, reach = (car.front_wheel + car.rear_wheel) / 2, (car.front_wheel - car.rear_wheel) / 2
    u, v = np.abs(x - middle) - reach, y - (_GROUND + car.wheel_radius)
    axis = np.sqrt(u * u + v * v)
    wheels = _smooth_max(
        axis - car.wheel_radius, np.abs(z - (width + 0.012 - _TYRE_WIDTH / 2)) - _TYRE_WIDTH / 2, 0.03
    )
    return Parts(body=body, screen=screen, rear=rear, side=side, wheels=wheels, wheel_axis=axis)


def _paint(car: Car, p: Array) -> Array:
    """Albedo of points on a car; see `Car.colour`."""
    d = parts(car, p)
    x, y, z = p[0], p[1], np.abs(p[2])
    length, width = car.half_length, car.half_width
    canvas = Painter(p, car.paint)
    paint = canvas.paint

    def inside(value: Array, low: float, high: float) -> Array:
        return ramp(value, low - 0.005, low + 0.005) * ramp(value, high + 0.005, high - 0.005)

    # Glass: in the side, framed by pillars; windscreen and rear window, framed by the roof's edges.
    height = inside(y, car.belt + 0.018, car.roof - 0.036)
    pillar = (car.screen_top * 0.45 + car.rear_top * 0.55) if car.rear_foot < -0.3 else -1.0
    panes = ramp(np.abs(x - pillar), 0.012, 0.022) * ramp(x, car.windows_end - 0.005, car.windows_end + 0.005)
    beside = ramp(np.maximum(d.screen, d.rear), -0.024, -0.034) * ramp(d.side, -0.022, -0.014)
    paint(height * beside * panes, _GLASS)
    within = ramp(d.side, -0.018, -0.028)
    paint(height * within * ramp(d.screen, -0.022, -0.014), _GLASS)
    paint(height * within * ramp(d.rear, -0.022, -0.014), _GLASS)
    # Sills and bumpers, wheel arches.
    paint(ramp(y, car.floor + 0.042, car.floor + 0.032), (0.20, 0.20, 0.21))
    arch = ramp(d.wheel_axis, car.wheel_radius + 0.026, car.wheel_radius + 0.016)
    paint(arch * ramp(z, width - 0.08, width - 0.07), _DARK)
    # Face: grille between two lights. Back: red lights, a number plate.
    front, back = ramp(x, length - 0.10, length - 0.08), ramp(-x, length - 0.10, length - 0.08)
    lights = inside(z, width - 0.035 - 2 * car.light_width, width + 0.1)
    row = inside(y, car.light_height - 0.030, car.light_height + 0.026)
    grille = inside(y, car.light_height - 0.060, car.light_height + 0.012)
    paint(front * grille * ramp(z, width - 0.135, width - 0.145), _DARK)
    paint(front * row * lights, _HEADLIGHT)
    tall = inside(y, car.light_height - 0.045, car.light_height + 0.040)
    rim = inside(y, car.light_height - 0.063, car.light_height + 0.058)
    paint(back * rim * inside(z, width - 0.105, width + 0.1), _DARK)
    paint(back * tall * inside(z, width - 0.087, width + 0.1), _TAIL_LIGHT)
    plate = inside(y, car.light_height - 0.045, car.light_height - 0.005)
    paint(back * plate * ramp(z, 0.075, 0.065), _PLATE)
    if car.bed_depth:
        within_bed = ramp(z, width - 0.045, width - 0.052) * inside(x, -length + 0.045, car.rear_foot - 0.015)
        paint(within_bed * ramp(y, car.belt - 0.015, car.belt - 0.025), _DARK)
    # Wheels.
    on_wheel = (d.wheels <= d.body).astype(p.dtype)
    paint(on_wheel, _TYRE)
    paint(on_wheel * ramp(d.wheel_axis, car.wheel_radius * 0.62, car.wheel_radius * 0.54), _HUB)
    return canvas.colours
