"""Paths of the camera: where a turntable and a sweep go, and the Views along them.

A network that has learned all sides (cars) turns through the full circle. One that has learned fronts (faces,
cats) has nothing sensible behind them: there the turntable is a closed swing, right, left and back, with the
height going up and down once, about 2.2 standard deviations of the learned yaws to either side — at least
35°, at most 60°.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from viz.frame import Pose
from viz.panel import PoseHistogram, RecordingPath
from viz.pose_sampling import LearnedPoses
from viz.view import PITCH_LIMIT, View

FULL_CIRCLE_STD = math.radians(70.0)
"""Yaws that spread more than this cover the circle; uniform ones have 104°."""
_SWING_DEVIATIONS = 2.2
_SWING_LEAST, _SWING_MOST = math.radians(35.0), math.radians(60.0)
_PITCH_MOST = math.radians(10.0)
_EIGHT_PITCH = math.radians(6.0)
"""An eight is at least as high, to either side: otherwise it is none."""


@dataclass(frozen=True)
class Orbit:
    """A closed path of the camera: radians."""

    centre: Pose
    yaw_amplitude: float
    """Of the swing, to either side."""
    pitch_amplitude: float
    full: bool
    """The full circle at constant height, instead of a swing."""

    def at(self, turn: float) -> Pose:
        """The pose after so many turns; the path is back where it was after each whole one."""
        angle = 2.0 * math.pi * turn
        if self.full:
            return Pose(math.remainder(self.centre.yaw + angle, 2.0 * math.pi), _tame(self.centre.pitch))
        pitch = self.centre.pitch + self.pitch_amplitude * math.cos(angle)
        return Pose(self.centre.yaw + self.yaw_amplitude * math.sin(angle), _tame(pitch))


def turntable(
    learned: LearnedPoses | PoseHistogram, amplitude: float | None = None, full: bool | None = None
) -> Orbit:
    """The turntable of a network.

    Parameters
    ----------
    learned : LearnedPoses or PoseHistogram
        The poses that its generator predicts.
    amplitude : float, optional
        Of the swing, radians; chosen from the learned yaws by default. Given: a swing.
    full : bool, optional
        Whether to go all the way round; if the learned yaws cover the circle by default.
    """
    if full is None:
        full = amplitude is None and learned.std.yaw >= FULL_CIRCLE_STD
    swing = swing_amplitude(learned) if amplitude is None else amplitude
    height = min(learned.std.pitch, _PITCH_MOST, 0.5 * swing)
    return Orbit(learned.mean, swing, height, full)


def swing_amplitude(learned: LearnedPoses | PoseHistogram) -> float:
    """How far from the centre a network still shows what it has learned, radians."""
    return min(max(_SWING_DEVIATIONS * learned.std.yaw, _SWING_LEAST), _SWING_MOST)


def seen_from(view: View, pose: Pose) -> View:
    """The View from the orbit camera at a pose."""
    camera = replace(view.camera, yaw=pose.yaw, pitch=pose.pitch)
    return replace(view, pose=replace(view.pose, source="free"), camera=camera)


def path_views(
    path: RecordingPath,
    base: View,
    frames: int,
    learned: LearnedPoses | PoseHistogram,
    *,
    amplitude: float | None = None,
    full: bool | None = None,
) -> Iterator[View]:
    """The Views of a recording.

    Parameters
    ----------
    path : "turntable" or "sweep"
        A turntable closes: the frame after the last would be the first. A sweep goes once from one end to the
        other, both shown.
    base : View
        Everything but yaw and pitch.
    frames : int
        How many.
    learned, amplitude, full
        See :func:`turntable`.
    """
    if path == "turntable":
        orbit = turntable(learned, amplitude, full)
        for i in range(frames):
            yield seen_from(base, orbit.at(i / frames))
        return
    reach = math.pi if full else swing_amplitude(learned) if amplitude is None else amplitude
    for i in range(frames):
        place = i / (frames - 1) if frames > 1 else 0.5
        yield seen_from(base, sweep_pose(learned.mean, reach, place))


def sweep_pose(centre: Pose, reach: float, place: float) -> Pose:
    """A pose of the sweep: from one side (place 0) over the front to the other (1)."""
    return Pose(centre.yaw + reach * (2.0 * place - 1.0), _tame(centre.pitch))


def figure_eight(orbit: Orbit, turn: float) -> Pose:
    """A lying eight as wide as the swing: through the centre twice a turn; closed, like a turntable."""
    angle = 2.0 * math.pi * turn
    height = max(orbit.pitch_amplitude, _EIGHT_PITCH)
    yaw = orbit.centre.yaw + orbit.yaw_amplitude * math.sin(angle)
    return Pose(yaw, _tame(orbit.centre.pitch + height * math.sin(2.0 * angle)))


def _tame(pitch: float) -> float:
    return min(max(pitch, -PITCH_LIMIT), PITCH_LIMIT)
