"""The sphere of cameras around the subject, as numbers: where poses lie on it, and how it is turned.

World: y up, the subject at the origin, its front towards +z. A pose stands for the place of its camera on the
unit sphere. The sphere is drawn as from far away; z of a turned point is towards who looks at it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from viz.frame import Pose
from viz.panel import PoseHistogram
from viz.view import PITCH_LIMIT

Points = NDArray[np.float64]
"""[..., 3]"""

START = Pose(math.radians(-38.0), math.radians(-20.0))
"""From where the sphere is looked at at first: from the left and above."""
TILT_LIMIT = math.radians(89.0)
STEP = 30
"""Between two lines of latitude or longitude, degrees."""
_SEGMENTS = 72
EYE_REACH, FRAME_REACH = 1.0, 0.66
"""Of a camera's glyph: its eye and its picture, from the subject."""
_FRAME_HALF = 0.19


def direction(yaw: float | Points, pitch: float | Points) -> Points:
    """Unit vectors to the cameras at these angles, radians. Positive pitch is below."""
    yaw, pitch = np.broadcast_arrays(np.asarray(yaw, np.float64), np.asarray(pitch, np.float64))
    across = np.cos(pitch)
    return np.stack([across * np.sin(yaw), -np.sin(pitch), across * np.cos(yaw)], axis=-1)


def basis(eye: Pose) -> Points:
    """[3, 3]: right, up and towards the eye, for a sphere looked at from the eye's pose."""
    towards = direction(eye.yaw, eye.pitch)
    right = np.array([math.cos(eye.yaw), 0.0, -math.sin(eye.yaw)])
    return np.stack([right, _across(towards, right), towards])


def _across(a: Points, b: Points) -> Points:
    """The cross product of two vectors; np.cross takes ten times as long for so few."""
    x, y, z = a
    u, v, w = b
    return np.array([y * w - z * v, z * u - x * w, x * v - y * u])


def turned(points: Points, eye: Pose) -> Points:
    """Points as the eye sees them: x to the right, y up, z towards it."""
    return points @ basis(eye).T


def pose_at(x: float, y: float, eye: Pose) -> Pose | None:
    """The pose on the near side that is seen at a place of the unit disc, y up; None beside it."""
    square = x * x + y * y
    if square > 1.0:
        return None
    point = np.array([x, y, math.sqrt(1.0 - square)]) @ basis(eye)
    pitch = -math.asin(min(max(float(point[1]), -1.0), 1.0))
    pitch = min(max(pitch, -PITCH_LIMIT), PITCH_LIMIT)
    return Pose(math.atan2(float(point[0]), float(point[2])), pitch)


def dragged(eye: Pose, x: float, y: float) -> Pose:
    """The eye after the sphere's near side was dragged to the right and up, in its radii."""
    pitch = min(max(eye.pitch + y, -TILT_LIMIT), TILT_LIMIT)
    return Pose(math.remainder(eye.yaw - x, math.tau), pitch)


@lru_cache(maxsize=1)
def graticule() -> tuple[Points, NDArray[np.bool_]]:
    """Lines of longitude and latitude [L, P, 3], and which of them are the front's and the horizon."""
    lines, main = [], []
    reach = np.linspace(-math.pi / 2, math.pi / 2, _SEGMENTS // 2 + 1)
    for yaw in range(-180, 180, STEP):
        half = direction(math.radians(yaw), reach)
        lines.append(np.repeat(half, 2, axis=0)[: _SEGMENTS + 1])
        main.append(yaw == 0)
    around = np.linspace(-math.pi, math.pi, _SEGMENTS + 1)
    for pitch in range(-90 + STEP, 90, STEP):
        lines.append(direction(around, math.radians(pitch)))
        main.append(pitch == 0)
    return np.stack(lines), np.array(main)


def frustum(pose: Pose, size: float = 1.0) -> Points:
    """A camera at a pose [5, 3]: its eye, then the corners of its picture, around."""
    towards = direction(pose.yaw, pose.pitch)
    right = np.array([math.cos(pose.yaw), 0.0, -math.sin(pose.yaw)])
    up = _across(towards, right)
    half = _FRAME_HALF * size
    centre = towards * (EYE_REACH - (EYE_REACH - FRAME_REACH) * size)
    corners = [centre + half * (a * right + b * up) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return np.stack([towards * EYE_REACH, *corners])


@dataclass(frozen=True, eq=False)
class Density:
    """The learned distribution as patches of the sphere."""

    corners: Points
    """[N, 4, 3]."""
    brightness: NDArray[np.float64]
    """[N], 0…1: the square root of the share in a patch by its area, of the greatest."""


def density(histogram: PoseHistogram, coarse: int = 2) -> Density:
    """Patches of the bins that hold something, ``coarse`` × ``coarse`` bins each."""
    counts = histogram.counts
    columns, rows = (size // coarse * coarse for size in counts.shape)
    grouped = counts[:columns, :rows].reshape(columns // coarse, coarse, rows // coarse, coarse)
    sums = grouped.sum(axis=(1, 3)).astype(np.float64)
    yaws, pitches = histogram.yaw_edges[::coarse], histogram.pitch_edges[::coarse]
    grid = direction(*np.meshgrid(yaws, pitches, indexing="ij"))
    # Patches near the poles are small: the same share is denser there.
    area = np.maximum(np.diff(np.sin(pitches)), 1e-3)
    dense = sums / area[None]
    peak = dense.max(initial=0.0)
    places = np.argwhere(dense > 4e-4 * peak) if peak > 0 else np.empty((0, 2), np.int64)
    i, j = places[:, 0], places[:, 1]
    corners = np.stack([grid[i, j], grid[i + 1, j], grid[i + 1, j + 1], grid[i, j + 1]], axis=1)
    return Density(corners, np.sqrt(dense[i, j] / max(peak, 1e-12)))
