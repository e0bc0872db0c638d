"""The automatic orbit of the window: the turntable's path, joined without a jump."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from viz.frame import Pose
from viz.panel import PoseHistogram
from viz.paths import Orbit, turntable

JOIN_SECONDS = 0.8
"""How long the camera takes to get onto the path."""
UNKNOWN = Orbit(Pose(0.0, 0.0), math.radians(35.0), 0.0, full=False)
"""Until the learned poses are known: front sides only."""
_PLACES = 180


@dataclass(frozen=True)
class Motion:
    """A turntable under way."""

    phase: float
    """Turns since the path's beginning."""
    offset: Pose
    """From the path to the camera when the motion began."""
    elapsed: float = 0.0


def orbit_of(histogram: PoseHistogram | None) -> Orbit:
    """The path for a network's learned poses; the one that recordings take."""
    return turntable(histogram) if histogram is not None else UNKNOWN


def begin(orbit: Orbit, pose: Pose) -> Motion:
    """Join the path at the place nearest to where the camera is."""

    def distance(phase: float) -> float:
        place = orbit.at(phase)
        return math.hypot(math.remainder(place.yaw - pose.yaw, math.tau), place.pitch - pose.pitch)

    phase = min((i / _PLACES for i in range(_PLACES)), key=distance)
    place = orbit.at(phase)
    return Motion(phase, Pose(math.remainder(pose.yaw - place.yaw, math.tau), pose.pitch - place.pitch))


def advance(motion: Motion, orbit: Orbit, seconds: float, degrees_per_second: float) -> tuple[Motion, Pose]:
    """Move on; the pose to show.

    Parameters
    ----------
    motion, orbit
        Where it is, and on which path.
    seconds : float
        Since the last step.
    degrees_per_second : float
        A whole turn, or swing, takes 360 divided by this.
    """
    moved = replace(
        motion,
        phase=(motion.phase + seconds * degrees_per_second / 360.0) % 1.0,
        elapsed=motion.elapsed + seconds,
    )
    share = min(moved.elapsed / JOIN_SECONDS, 1.0)
    left = 1.0 - share * share * (3.0 - 2.0 * share)
    place = orbit.at(moved.phase)
    return moved, Pose(
        math.remainder(place.yaw + left * moved.offset.yaw, math.tau),
        place.pitch + left * moved.offset.pitch,
    )
