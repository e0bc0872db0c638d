"""From one keyframe to the next: every field of a View in between. Pure functions.

* Angles go the short way round, plus the full turns that the keyframe asks for.
* Distance and field of view change by factors: equal times, equal zoom. Other numbers go straight.
* Latents that lie next to each other on the seed map go along it, as a hand does. Others go directly: z is
  blended along the great circle between them. Seeds' z are taken to be orthogonal and of one length, as
  random vectors of many dimensions nearly are, so that the weights of a blend follow without looking at z.
* Choices (mode, colours, counts of samples …) are those of the keyframe on the left.
* Where the pose comes from is such a choice, too. Between two different sources the orbit camera goes from
  one pose to the other; the predicted one is that of the keyframe's shot.

A smooth way is a monotone cubic (Fritsch and Carlson 1980): it never overshoots, so everything between two
usable Views is usable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from viz.keyframes import Keyframe
from viz.view import MOST_BLENDED, LatentView, View

_ANGLES = {"yaw", "roll", "override_yaw", "conditioning_yaw"}
_FACTORS = {"radius"}
_LEAST_WEIGHT = 1e-5
_QUARTER = math.pi / 2

Point = tuple[float, float]


@dataclass(frozen=True)
class Passage:
    """The way between two keyframes, with what it joins smoothly."""

    left: Keyframe
    right: Keyframe
    seconds: float
    before: Keyframe | None = None
    """The keyframe before the left one, if a smooth way comes from there."""
    seconds_before: float = 1.0
    after: Keyframe | None = None
    """The keyframe that a smooth way leads to from the right one."""
    seconds_after: float = 1.0


def between(passage: Passage, share: float) -> View:
    """The View on the way.

    Parameters
    ----------
    passage : Passage
        From where to where.
    share : float
        Of the time, 0 … 1; at 0 it is the left keyframe's View.
    """
    left = passage.left.view
    if share <= 0.0 or passage.left.easing == "hold":
        return left
    turns = _turns(passage)
    passage = _comparable(passage)
    pace = _Pace(passage, share)
    parts: dict[str, Any] = {}
    for part in fields(View):
        name = part.name
        ends = [_part(one, name) for one in pace.keyframes]
        changed = {}
        for field in fields(ends[1]):
            if "float" not in str(field.type) or field.name == "blend":
                continue
            extra = turns if (name, field.name) in _turning(passage.left.view) else (0, 0, 0)
            values = [None if end is None else getattr(end, field.name) for end in ends]
            value = _value(field.name, values, extra, pace)
            if value != values[1]:
                changed[field.name] = value
        parts[name] = replace(ends[1], **changed) if changed else ends[1]
    parts["latent"] = _latent([_part(one, "latent") for one in pace.keyframes], parts["latent"], pace)
    return View(**parts)


def _part(keyframe: Keyframe | None, name: str) -> Any:
    return None if keyframe is None else getattr(keyframe.view, name)


# ------------------------------------------------------------------------------------------------- numbers
class _Pace:
    """How far one is, for a quantity that has so far to go."""

    def __init__(self, passage: Passage, share: float) -> None:
        self.keyframes = (passage.before, passage.left, passage.right, passage.after)
        self._passage, self._share = passage, share

    def gone(self, way_before: float | None, way: float, way_after: float | None) -> float:
        """How much of a way is behind one, where one came such a way and will go on such another."""
        passage, share = self._passage, self._share
        if passage.left.easing == "linear":
            return way * share
        speed = way / passage.seconds
        begin = end = 0.0
        if passage.before is not None and way_before is not None:
            begin = _common(way_before / passage.seconds_before, speed) * passage.seconds
        if passage.after is not None and way_after is not None:
            end = _common(speed, way_after / passage.seconds_after) * passage.seconds
        square, cube = share * share, share**3
        straight = way * (3.0 * square - 2.0 * cube)
        return straight + begin * (cube - 2.0 * square + share) + end * (cube - square)


def _common(a: float, b: float) -> float:
    """The speed where two ways meet: the harmonic mean of theirs, none where they go against each other."""
    return 2.0 * a * b / (a + b) if a * b > 0.0 else 0.0


def _value(name: str, values: list[Any], turns: tuple[int, int, int], pace: _Pace) -> Any:
    """A field's value on the way; values are those of the four keyframes."""
    left, right = values[1], values[2]
    if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
        columns = [
            [end[i] if isinstance(end, tuple) and i < len(end) else None for end in values]
            for i in range(len(left))
        ]
        return tuple(_value(name, column, turns, pace) for column in columns)
    way = _way(name, left, right, turns[1])
    if way is None or way == 0.0:
        return left
    way_before, way_after = _way(name, values[0], left, turns[0]), _way(name, right, values[3], turns[2])
    return _along(name, float(left), pace.gone(way_before, way, way_after))


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool)


def _way(name: str, start: Any, end: Any, turns: int) -> float | None:
    """From one value to the other, in a quantity that moves evenly; None where there is no way."""
    if not (_is_number(start) and _is_number(end)):
        return None
    if name in _ANGLES:
        return math.remainder(end - start, math.tau) + math.tau * turns
    if name in _FACTORS:
        return math.log(end / start)
    if name == "fov":
        return math.log(math.tan(end / 2) / math.tan(start / 2))
    return float(end - start)


def _along(name: str, start: float, way: float) -> float:
    if name in _ANGLES:
        return math.remainder(start + way, math.tau)
    if name in _FACTORS:
        return start * math.exp(way)
    if name == "fov":
        return 2.0 * math.atan(math.tan(start / 2) * math.exp(way))
    return start + way


# --------------------------------------------------------------------------------------------------- poses
def _turning(view: View) -> tuple[tuple[str, str], ...]:
    """The yaw that full turns are made with."""
    source = view.pose.source
    return {"free": (("camera", "yaw"),), "override": (("pose", "override_yaw"),)}.get(source, ())


def _turns(passage: Passage) -> tuple[int, int, int]:
    before = passage.before.turns if passage.before is not None else 0
    return before, passage.left.turns, passage.right.turns


def _comparable(passage: Passage) -> Passage:
    """With the two ends, and their neighbours, told in the same terms."""
    left, right = passage.left, passage.right
    ends = [passage.before, left, right, passage.after]
    for name in ("radius", "fov"):
        values = [getattr(one.view.camera, name) for one in (left, right)]
        if (values[0] is None) != (values[1] is None):
            ends = [_with_own(one, name) for one in ends]
    if left.view.pose.source != right.view.pose.source:
        ends = [_on_orbit(one) for one in ends]
    before, new_left, new_right, after = ends
    assert new_left is not None and new_right is not None
    return replace(passage, before=before, left=new_left, right=new_right, after=after)


def _with_own(keyframe: Keyframe | None, name: str) -> Keyframe | None:
    """With the network's own distance or field of view as a number."""
    if keyframe is None or keyframe.shot is None or getattr(keyframe.view.camera, name) is not None:
        return keyframe
    camera = replace(keyframe.view.camera, **{name: getattr(keyframe.shot, name)})
    return replace(keyframe, view=replace(keyframe.view, camera=camera))


def _on_orbit(keyframe: Keyframe | None) -> Keyframe | None:
    """With the orbit camera where its pose is, if that is known."""
    if keyframe is None or keyframe.view.pose.source == "free":
        return keyframe
    view = keyframe.view
    if view.pose.source == "override":
        yaw, pitch = view.pose.override_yaw, view.pose.override_pitch
    elif keyframe.shot is not None:
        yaw, pitch = keyframe.shot.yaw, keyframe.shot.pitch
    else:
        return keyframe
    pose, camera = replace(view.pose, source="free"), replace(view.camera, yaw=yaw, pitch=pitch)
    return replace(keyframe, view=replace(view, pose=pose, camera=camera))


# ------------------------------------------------------------------------------------------------- latents
def weights_of(latent: LatentView) -> dict[Point, float]:
    """The points of the seed map that a latent is made of; the squares of their weights sum up to 1."""
    rest = max(0.0, 1.0 - sum(weight**2 for _, _, weight in latent.blend))
    weights = {(latent.x, latent.y): math.sqrt(rest)}
    for x, y, weight in latent.blend:
        weights[x, y] = weights.get((x, y), 0.0) + weight
    return weights


def blended(latent: LatentView, weights: Mapping[Point, float]) -> LatentView:
    """The latent of these points; the heaviest leads. Beyond a bound the lightest are left out."""
    ordered = sorted(weights.items(), key=lambda item: -item[1])
    kept = [item for item in ordered if item[1] > _LEAST_WEIGHT][: 1 + MOST_BLENDED]
    size = math.sqrt(sum(weight**2 for _, weight in kept))
    (x, y), _ = kept[0]
    others = tuple((*point, weight / size) for point, weight in kept[1:])
    return replace(latent, x=x, y=y, blend=others)


def _angle(a: Mapping[Point, float], b: Mapping[Point, float]) -> float:
    """Between two latents of weighted points, radians."""
    chord = math.sqrt(sum((a.get(point, 0.0) - b.get(point, 0.0)) ** 2 for point in {*a, *b}))
    return 2.0 * math.asin(min(1.0, chord / 2.0))


def _neighbours(a: LatentView, b: LatentView) -> bool:
    """Whether a hand would go from one to the other on the seed map."""
    return not (a.blend or b.blend) and max(abs(a.x - b.x), abs(a.y - b.y)) <= 1.0


def _length(a: LatentView | None, b: LatentView | None) -> float | None:
    """Of the way between latents; radians, a step on the seed map being a quarter turn."""
    if a is None or b is None:
        return None
    if _neighbours(a, b):
        return math.hypot(a.x - b.x, a.y - b.y) * _QUARTER
    return _angle(weights_of(a), weights_of(b))


def _latent(ends: list[Any], latent: LatentView, pace: _Pace) -> LatentView:
    """Where the latent is; ``latent`` has its other fields."""
    before, left, right, after = ends
    length = _length(left, right)
    if not length:
        return replace(latent, x=left.x, y=left.y, blend=left.blend)
    share = pace.gone(_length(before, left), length, _length(right, after)) / length
    if _neighbours(left, right):
        x, y = left.x + share * (right.x - left.x), left.y + share * (right.y - left.y)
        return replace(latent, x=x, y=y, blend=())
    a, b = weights_of(left), weights_of(right)
    mixed = {
        point: math.sin((1.0 - share) * length) * a.get(point, 0.0)
        + math.sin(share * length) * b.get(point, 0.0)
        for point in {**a, **b}
    }
    size = math.sqrt(sum(weight**2 for weight in mixed.values()))
    return blended(latent, {point: weight / size for point, weight in mixed.items()})
