"""Paths made into keyframes, to be edited. Pure functions."""

from __future__ import annotations

from dataclasses import replace

from viz.keyframes import Easing, Keyframe, keyframe_view
from viz.paths import Orbit, figure_eight, seen_from, sweep_pose
from viz.playback import GeneratedPath
from viz.seed_map import step_seed
from viz.timeline import Timeline
from viz.view import View

_PLACES = 8
"""Keyframes of a closed path of the camera: smooth ways between them keep close to it."""
_WALK_SEEDS = 4


def generated(path: GeneratedPath, view: View, orbit: Orbit, fps: int = 30) -> Timeline:
    """A timeline along a path.

    Parameters
    ----------
    path : GeneratedPath
        ``turntable``: the one that is recorded and played. ``sweep``: once from side to side, over the front.
        ``figure-eight``: a lying eight in front. ``latent walk``: from the present latent through the next
        seeds and back; the camera stays, or follows the predicted pose.
    view : View
        Everything else.
    orbit : Orbit
        The network's turntable, see :func:`viz.paths.turntable`.
    fps : int
        Of the timeline.
    """
    if path == "latent walk":
        walked = [view.latent, *(step_seed(view.latent, i) for i in range(1, _WALK_SEEDS))]
        return _spread([replace(view, latent=one) for one in walked], 8.0, fps, loop=True)
    if path == "sweep":
        centre, reach = orbit.centre, orbit.yaw_amplitude
        stops = [seen_from(view, sweep_pose(centre, reach, i / 2)) for i in range(3)]
        return _spread(stops, 4.0, fps, loop=False)
    places = [i / _PLACES for i in range(_PLACES)]
    if path == "figure-eight":
        return _spread([seen_from(view, figure_eight(orbit, at)) for at in places], 8.0, fps, loop=True)
    easing: Easing = "linear" if orbit.full else "smooth"
    return _spread([seen_from(view, orbit.at(at)) for at in places], 8.0, fps, loop=True, easing=easing)


def _spread(
    stops: list[View], duration: float, fps: int, *, loop: bool, easing: Easing = "smooth"
) -> Timeline:
    """These Views evenly over the duration."""
    parts = len(stops) if loop else len(stops) - 1
    keys = (Keyframe(duration * i / parts, keyframe_view(one), easing) for i, one in enumerate(stops))
    return Timeline(tuple(keys), duration, fps, loop)
