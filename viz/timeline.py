"""The timeline: keyframes of Views, what is seen at any time, and how edits change it. Pure functions.

What is previewed is what is recorded: both ask :func:`view_at`.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pof3d.errors import ConfigError
from viz.interpolation import Passage, between
from viz.keyframes import Keyframe, Shot, keyframe_view
from viz.view import View, part_from

TIMELINE_VERSION = 1
SECONDS = (0.1, 600.0)
"""Shortest and longest duration."""
FPS = (1, 120)
MOST_KEYFRAMES = 500
STEP_SECONDS = 1.0
"""Between keyframes that are added one after the other."""


@dataclass(frozen=True)
class Timeline:
    """An animation.

    In a loop the last keyframe leads back to the first one, and the end is the beginning: a keyframe at the
    very end does not count.
    """

    keyframes: tuple[Keyframe, ...] = ()
    """By time; no two at the same time."""
    duration: float = 4.0
    """Seconds."""
    fps: int = 30
    """Frames a second of a recording."""
    loop: bool = False

    @property
    def frames(self) -> int:
        """Pictures in a recording."""
        return self.frames_at(self.fps)

    def frames_at(self, fps: int) -> int:
        """Pictures in a recording of so many a second: a loop's last one is the one before its first."""
        return max(1, round(self.duration * fps) + (0 if self.loop else 1))

    @property
    def played(self) -> tuple[Keyframe, ...]:
        """The keyframes that count."""
        if not self.loop:
            return self.keyframes
        return tuple(one for one in self.keyframes if one.time < self.duration - 1e-9) or self.keyframes[:1]


def view_at(timeline: Timeline, time: float) -> View | None:
    """What is to be seen at a time; None without keyframes. Its network is left open.

    Parameters
    ----------
    timeline : Timeline
    time : float
        Seconds. In a loop it goes round; otherwise it stops at both ends.
    """
    keys = timeline.played
    if not keys:
        return None
    count, length = len(keys), timeline.duration
    time = time % length if timeline.loop else min(max(time, 0.0), length)
    index = bisect.bisect_right([one.time for one in keys], time) - 1
    if not timeline.loop and (index < 0 or index == count - 1):
        return keys[max(index, 0)].view
    index %= count

    def key(number: int) -> Keyframe | None:
        return keys[number % count] if timeline.loop or 0 <= number < count else None

    def seconds(number: int) -> float:
        """From this keyframe to the next one."""
        gap = keys[(number + 1) % count].time - keys[number % count].time
        return gap if gap > 0.0 else gap + length

    left, right, before, after = key(index), key(index + 1), key(index - 1), key(index + 2)
    assert left is not None and right is not None
    if before is not None and before.easing != "smooth":
        before = None
    if right.easing != "smooth":
        after = None
    passage = Passage(
        left,
        right,
        seconds(index),
        before,
        seconds(index - 1) if before is not None else 1.0,
        after,
        seconds(index + 1) if after is not None else 1.0,
    )
    return between(passage, (time - left.time) % length / passage.seconds)


def views(timeline: Timeline, frames: int | None = None) -> Iterator[View]:
    """The Views of a recording, evenly in time: of a loop without its end, else with both ends."""
    count = timeline.frames if frames is None else frames
    last = count if timeline.loop else max(1, count - 1)
    for i in range(count):
        view = view_at(timeline, timeline.duration * i / last)
        if view is not None:
            yield view


# --------------------------------------------------------------------------------------------------- edits
def _sorted(keyframes: list[Keyframe]) -> tuple[Keyframe, ...]:
    return tuple(sorted(keyframes, key=lambda one: one.time))


def snapped(timeline: Timeline, time: float) -> float:
    """The nearest time of a frame that is on the timeline."""
    return min(max(round(time * timeline.fps) / timeline.fps, 0.0), timeline.duration)


def key_at(timeline: Timeline, time: float) -> int | None:
    """The keyframe at a time, give or take half a frame."""
    nearest = min(
        range(len(timeline.keyframes)), key=lambda i: abs(timeline.keyframes[i].time - time), default=None
    )
    if nearest is None or abs(timeline.keyframes[nearest].time - time) > 0.5 / timeline.fps + 1e-9:
        return None
    return nearest


def place_for(timeline: Timeline, time: float) -> float:
    """Where a new keyframe goes: here; or, where there is one, a second later, or half way to the next."""
    here = key_at(timeline, time)
    if here is None:
        return time if timeline.keyframes else 0.0
    here_time = timeline.keyframes[here].time
    later = [one.time for one in timeline.keyframes if one.time > here_time]
    if later and later[0] <= here_time + STEP_SECONDS:
        return (here_time + later[0]) / 2
    return here_time + STEP_SECONDS


def with_keyframe(timeline: Timeline, time: float, view: View, shot: Shot | None = None) -> Timeline:
    """With a keyframe at a time, in place of one that is there; the timeline grows where it has to."""
    new = Keyframe(time, keyframe_view(view), shot=shot)
    others = list(timeline.keyframes)
    here = key_at(timeline, time)
    if here is not None:
        old = others.pop(here)
        new = replace(old, view=new.view, shot=shot)
    # A loop needs time to come back in. With its second keyframe a timeline has found its length.
    needed = time + (STEP_SECONDS if timeline.loop and time >= timeline.duration else 0.0)
    found = len(others) == 1 and not timeline.loop and time > others[0].time
    duration = min(needed if found else max(timeline.duration, needed), SECONDS[1])
    return replace(timeline, keyframes=_sorted([*others, new]), duration=duration)


def moved(timeline: Timeline, index: int, time: float) -> Timeline:
    """With a keyframe at another time; unchanged if another one is there."""
    time = snapped(timeline, time)
    if timeline.loop:
        time = min(time, snapped(timeline, timeline.duration - 1 / timeline.fps))
    others = [one for i, one in enumerate(timeline.keyframes) if i != index]
    if key_at(replace(timeline, keyframes=tuple(others)), time) is not None:
        return timeline
    return replace(timeline, keyframes=_sorted([*others, replace(timeline.keyframes[index], time=time)]))


def closed(timeline: Timeline) -> Timeline:
    """With time for a loop to come back in, where a keyframe lies at its very end and would not count."""
    if not timeline.loop or timeline.played == timeline.keyframes:
        return timeline
    if timeline.duration + STEP_SECONDS > SECONDS[1]:
        timeline = stretched(timeline, SECONDS[1] - STEP_SECONDS)
    return replace(timeline, duration=timeline.duration + STEP_SECONDS)


def without(timeline: Timeline, index: int) -> Timeline:
    """Without a keyframe."""
    return replace(timeline, keyframes=timeline.keyframes[:index] + timeline.keyframes[index + 1 :])


def changed(timeline: Timeline, index: int, **values: Any) -> Timeline:
    """With a keyframe changed, but for its time."""
    keys = list(timeline.keyframes)
    keys[index] = replace(keys[index], **values)
    return replace(timeline, keyframes=tuple(keys))


def stretched(timeline: Timeline, duration: float, *, keep_times: bool = False) -> Timeline:
    """With another duration: keyframes move along, or stay where they are and bound it."""
    duration = min(max(duration, SECONDS[0]), SECONDS[1])
    if keep_times:
        last = timeline.keyframes[-1].time if timeline.keyframes else 0.0
        if timeline.loop:  # one at the very end would not count
            last = min(last + 1 / timeline.fps, timeline.duration)
        return replace(timeline, duration=max(duration, last))
    factor = duration / timeline.duration
    keys = tuple(replace(one, time=min(one.time * factor, duration)) for one in timeline.keyframes)
    return replace(timeline, keyframes=keys, duration=duration)


def with_shots(timeline: Timeline, shots: dict[View, Shot]) -> Timeline:
    """With the shots that have become known since."""
    if not any(one.shot is None and one.view in shots for one in timeline.keyframes):
        return timeline
    keys = (replace(one, shot=shots.get(one.view)) if one.shot is None else one for one in timeline.keyframes)
    return replace(timeline, keyframes=tuple(keys))


def without_shots(timeline: Timeline) -> Timeline:
    """Without what is known of another network."""
    if all(one.shot is None for one in timeline.keyframes):
        return timeline
    return replace(timeline, keyframes=tuple(replace(one, shot=None) for one in timeline.keyframes))


# ---------------------------------------------------------------------------------------------------- JSON
def check_timeline(timeline: Timeline) -> None:
    """Refuse a timeline that cannot be played.

    Raises
    ------
    ConfigError
        Naming what is wrong.
    """
    from viz.limits import check_view

    what = "The timeline cannot be used"
    if len(timeline.keyframes) > MOST_KEYFRAMES:
        raise ConfigError(what, f"it has more than {MOST_KEYFRAMES} keyframes")
    if not SECONDS[0] <= timeline.duration <= SECONDS[1]:
        raise ConfigError(what, f"it must take {SECONDS[0]:g} to {SECONDS[1]:g} seconds")
    if not FPS[0] <= timeline.fps <= FPS[1]:
        raise ConfigError(what, f"it must have {FPS[0]} to {FPS[1]} frames a second")
    before = -1.0
    for one in timeline.keyframes:
        if not before < one.time <= timeline.duration or one.time < 0.0:  # NaN fails, too
            raise ConfigError(what, f"a keyframe at {one.time:g} s is out of order")
        before = one.time
        if abs(one.turns) > 100:
            raise ConfigError(what, f"a keyframe asks for {one.turns} turns")
        check_view(one.view)
        if one.shot is not None:
            pose = replace(one.view.pose, source="free")
            shot = one.shot
            camera = replace(
                one.view.camera, yaw=shot.yaw, pitch=shot.pitch, radius=shot.radius, fov=shot.fov
            )
            check_view(replace(one.view, pose=pose, camera=camera))


def timeline_from(document: Any) -> Timeline:
    """The timeline in a decoded JSON object with ``timeline_version`` and ``timeline``; empty without them.

    Raises
    ------
    ConfigError
        When it is of a newer version, holds values of a wrong type, or cannot be played.
    """
    timeline = part_from(document, "timeline", TIMELINE_VERSION, Timeline)
    if timeline is None:
        return Timeline()
    check_timeline(timeline)
    keyframes = tuple(replace(one, view=keyframe_view(one.view)) for one in timeline.keyframes)
    return closed(replace(timeline, keyframes=keyframes))
