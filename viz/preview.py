"""How good a preview may be so that it comes in time: cost model and ladder of qualities. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

from pof3d.config import GeneratorConfig

PREVIEW_MILLISECONDS = 28.0
"""What a preview may take, all in all: 30 pictures a second."""
_SWIFT_SHARE = 0.5
"""Of that, for 60 pictures a second. They are aimed at where rays need no lower rung than `_SWIFT_RUNG`."""
_SWIFT_RUNG = 1
SETTLING_MILLISECONDS = 80.0
"""What the picture between a preview and a full frame may take …"""
_LONG_MILLISECONDS = 100.0
"""… and how long a full frame must take for there to be one."""
_STEP_UP = 0.7
"""A better rung is taken only when it needs less than this share of the budget: quality must not flicker."""
_SUPERRES_SHARE = 0.4
_LARGEST_OVERHEAD = 0.5
"""Share of the budget."""
_LEAST_WEIGHT = 0.2
_OUTLIER = 3.0
_ANOTHER_RATE = 1.8
"""Two measurements in a row that are off by this factor, both to one side, are no accident."""
_GUESSED_MULTIPLICATIONS_PER_MS = 1.5e6
_GUESSED_CUDA_FACTOR = 100.0
_SMALLEST_SIDE = 24
_FEWEST_DEPTH_SAMPLES = 8
_FEWEST_IMPORTANCE_SAMPLES = 6

LADDER: tuple[tuple[float, float], ...] = (
    (1.0, 1.0),
    (0.75, 1.0),
    (0.625, 0.8),
    (0.5, 0.8),
    (0.5, 0.6),
    (0.375, 0.6),
    (0.375, 0.4),
    (0.375, 0.25),
    (0.25, 0.4),
    (0.25, 0.25),
)
"""Shares of the full frame's side and of its samples a ray, best first."""


@dataclass(frozen=True)
class Quality:
    """Settings of one volume rendering."""

    resolution: int
    depth_samples: int
    importance_samples: int
    superres: bool = True
    """Whether super-resolution follows."""
    fast: bool = False
    """Whether the few ``depth_samples`` are placed by the latent's density grid."""

    @property
    def points(self) -> int:
        """Queries of the radiance field."""
        return self.resolution**2 * (self.depth_samples + self.importance_samples)


@dataclass(frozen=True)
class Speed:
    """What has been measured of a network on this machine so far."""

    point_milliseconds: float
    """Of one query of the field."""
    superres_milliseconds: float | None = None
    """None: not known yet."""
    rung: int | None = None
    """The ladder's rung that previews stand on; None: not chosen yet."""
    measurements: int = 0
    """Volume renderings that count in ``point_milliseconds``; before the first it is a guess."""
    last: float | None = None
    """The newest measurement of a query, milliseconds."""
    superres_share: float = _SUPERRES_SHARE
    """What super-resolution may take of a preview; less while it is left out."""
    swift: bool | None = None
    """Whether 60 pictures a second are aimed at; None: not chosen yet."""
    whole: bool = False
    """Whether previews are full frames."""
    reprojection_milliseconds: float = 3.0
    """Of carrying detail over from the last full picture; a guess at first."""
    overhead_milliseconds: float = 0.0
    """What a preview takes beside rays and super-resolution."""

    def after_points(self, points: int, milliseconds: float) -> Speed:
        """Take one volume rendering into account. The first ones count most, and an outlier not for much."""
        weight = max(_LEAST_WEIGHT, 1.0 / (self.measurements + 2))
        known, newest = self.point_milliseconds, milliseconds / max(points, 1)
        before = known if self.last is None else self.last
        measured, low, high = newest, min(newest, before), max(newest, before)
        if low > _ANOTHER_RATE * known:
            known = measured = low
        elif high * _ANOTHER_RATE < known:
            known = measured = high
        elif self.measurements > 0:
            measured = min(measured, _OUTLIER * known)
        point = known + weight * (measured - known)
        return replace(self, point_milliseconds=point, measurements=self.measurements + 1, last=newest)

    def after_superres(self, milliseconds: float) -> Speed:
        """Take one super-resolution into account."""
        known = milliseconds if self.superres_milliseconds is None else self.superres_milliseconds
        return replace(self, superres_milliseconds=0.5 * (known + milliseconds))

    def after_picture(self, quality: Quality, milliseconds: float) -> Speed:
        """Take rays and super-resolution into account that were one piece of work, together.

        One without super-resolution tells of the rays; of the others, what those do not explain is its share.
        """
        if not quality.superres:
            return self.after_points(quality.points, milliseconds)
        rays = quality.points * self.point_milliseconds
        if milliseconds < rays:
            return self.after_points(quality.points, milliseconds).after_superres(0.0)
        return self.after_superres(milliseconds - rays)

    def after_reprojection(self, milliseconds: float) -> Speed:
        """Take one reprojection into account."""
        change = min(milliseconds, _OUTLIER * self.reprojection_milliseconds) - self.reprojection_milliseconds
        return replace(
            self, reprojection_milliseconds=self.reprojection_milliseconds + _LEAST_WEIGHT * change
        )

    def after_overhead(self, milliseconds: float) -> Speed:
        """Take what else a preview took into account."""
        change = min(milliseconds, PREVIEW_MILLISECONDS) - self.overhead_milliseconds
        return replace(self, overhead_milliseconds=self.overhead_milliseconds + _LEAST_WEIGHT * change)


def multiplications_per_point(config: GeneratorConfig) -> int:
    """Arithmetic of one query of the field: three bilinear reads and the decoder."""
    channels, hidden = config.plane_channels, config.decoder_hidden
    return 12 * channels + channels * hidden + hidden * (1 + config.feature_channels)


def guessed_speed(config: GeneratorConfig, device_type: str) -> Speed:
    """Before anything has been measured."""
    rate = _GUESSED_MULTIPLICATIONS_PER_MS * (1.0 if device_type == "cpu" else _GUESSED_CUDA_FACTOR)
    return Speed(multiplications_per_point(config) / rate)


@lru_cache(maxsize=64)
def rungs(full: Quality) -> tuple[Quality, ...]:
    """The ladder for a full frame, without super-resolution; every rung costs less than the one before.

    Where few samples are placed, their number stays: it is the image's side that makes the difference.
    """
    result: list[Quality] = []
    for side_share, sample_share in LADDER:
        side = max(8 * round(full.resolution * side_share / 8), _SMALLEST_SIDE)
        if full.fast:
            sample_share = 1.0
        samples = max(math.ceil(full.depth_samples * sample_share), _FEWEST_DEPTH_SAMPLES)
        extra = full.importance_samples
        if extra:
            extra = max(math.ceil(extra * sample_share), _FEWEST_IMPORTANCE_SAMPLES)
        if side_share == 1.0:
            side = full.resolution
        rung = Quality(
            min(side, full.resolution),
            min(samples, full.depth_samples),
            min(extra, full.importance_samples),
            superres=False,
            fast=full.fast,
        )
        if not result or rung.points < result[-1].points:
            result.append(rung)
    return tuple(result)


def choose(full: Quality, speed: Speed, budget: float = PREVIEW_MILLISECONDS) -> tuple[Quality, Speed]:
    """Quality of the next preview, and the speed with the rung it stands on.

    The full frame itself where it is in time. Otherwise the best rung for 60 pictures a second, or for 30
    where that would cost too much quality. To change for the better takes more than to stay: measurements are
    noisy.

    Parameters
    ----------
    full : Quality
        What the full frame of the same View uses.
    speed : Speed
        Measurements so far.
    budget : float
        Milliseconds.
    """
    budget -= min(speed.overhead_milliseconds, _LARGEST_OVERHEAD * budget)
    whole = full_milliseconds(full, speed)
    known = not full.superres or speed.superres_milliseconds is not None
    stays = speed.whole or speed.rung is None
    if known and whole <= (budget if stays else _STEP_UP * budget):
        return full, replace(speed, rung=0, whole=True, superres_share=_SUPERRES_SHARE)
    ladder = rungs(full)
    costs = [rung.points * speed.point_milliseconds for rung in ladder]
    superres, last = speed.superres_milliseconds, len(ladder) - 1
    if full.superres:
        # Rays alone can be swift where the whole frame is not.
        decent = costs[min(_SWIFT_RUNG, last)] + speed.reprojection_milliseconds
        ease = _STEP_UP if speed.swift is False else 1.0
        swift = decent <= ease * _SWIFT_SHARE * budget
        speed = replace(speed, swift=swift)
        budget *= _SWIFT_SHARE if swift else 1.0
    with_superres = full.superres and superres is not None and superres <= speed.superres_share * budget
    share = _SUPERRES_SHARE if with_superres or superres is None else _STEP_UP * _SUPERRES_SHARE
    if with_superres:
        assert superres is not None
        budget -= superres
    elif full.superres:
        budget -= min(speed.reprojection_milliseconds, _LARGEST_OVERHEAD * budget)
    affordable = next((i for i, cost in enumerate(costs) if cost <= budget), last)
    comfortable = next((i for i, cost in enumerate(costs) if cost <= _STEP_UP * budget), last)
    if speed.rung is None:
        index = affordable
    else:
        present = min(speed.rung, last)
        index = affordable if affordable > present else min(present, comfortable)
    chosen = replace(ladder[index], superres=with_superres)
    return chosen, replace(speed, rung=index, whole=False, superres_share=share)


def settled(full: Quality, speed: Speed) -> Quality | None:
    """Quality of a picture between the preview and a full frame that takes long.

    None where the full frame does not take long, or where nothing better than the preview comes sooner.
    """
    if full_milliseconds(full, speed) <= _LONG_MILLISECONDS:
        return None
    shown, superres = speed.rung or 0, speed.superres_milliseconds or 0.0
    with_superres = full.superres and speed.superres_share == _SUPERRES_SHARE and superres > 0.0
    budget = SETTLING_MILLISECONDS - (superres if with_superres else 0.0)
    for rung in rungs(full)[:shown]:
        if rung.points * speed.point_milliseconds <= budget:
            return replace(rung, superres=with_superres)
    return None


def settled_milliseconds(full: Quality, speed: Speed) -> float:
    """Expected time of that picture; 0 where there is none."""
    quality = settled(full, speed)
    return 0.0 if quality is None else full_milliseconds(quality, speed)


def full_milliseconds(full: Quality, speed: Speed) -> float:
    """Expected time of a full frame, from the rays on."""
    superres = (speed.superres_milliseconds or 0.0) if full.superres else 0.0
    return full.points * speed.point_milliseconds + superres
