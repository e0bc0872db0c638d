"""How good a preview may be so that it comes in time: cost model and ladder of qualities. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pof3d.config import GeneratorConfig

PREVIEW_MILLISECONDS = 28.0
"""What a preview may take, volume rendering and super-resolution together."""
_STEP_UP = 0.7
"""A better rung is taken only when it needs less than this share of the budget: quality must not flicker."""
_SUPERRES_SHARE = 0.4
_LEAST_WEIGHT = 0.2
_OUTLIER = 3.0
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

    def after_points(self, points: int, milliseconds: float) -> Speed:
        """Take one volume rendering into account. The first ones count most, and an outlier not for much."""
        weight = max(_LEAST_WEIGHT, 1.0 / (self.measurements + 2))
        measured = milliseconds / max(points, 1)
        if self.measurements > 0:
            measured = min(measured, _OUTLIER * self.point_milliseconds)
        point = self.point_milliseconds + weight * (measured - self.point_milliseconds)
        return replace(self, point_milliseconds=point, measurements=self.measurements + 1)

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


def multiplications_per_point(config: GeneratorConfig) -> int:
    """Arithmetic of one query of the field: three bilinear reads and the decoder."""
    channels, hidden = config.plane_channels, config.decoder_hidden
    return 12 * channels + channels * hidden + hidden * (1 + config.feature_channels)


def guessed_speed(config: GeneratorConfig, device_type: str) -> Speed:
    """Before anything has been measured."""
    rate = _GUESSED_MULTIPLICATIONS_PER_MS * (1.0 if device_type == "cpu" else _GUESSED_CUDA_FACTOR)
    return Speed(multiplications_per_point(config) / rate)


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

    Parameters
    ----------
    full : Quality
        What the full frame of the same View uses.
    speed : Speed
        Measurements so far.
    budget : float
        Milliseconds.
    """
    superres = speed.superres_milliseconds
    with_superres = full.superres and superres is not None and superres <= _SUPERRES_SHARE * budget
    if with_superres:
        assert superres is not None
        budget -= superres
    ladder = rungs(full)
    costs = [rung.points * speed.point_milliseconds for rung in ladder]
    last = len(ladder) - 1
    affordable = next((i for i, cost in enumerate(costs) if cost <= budget), last)
    comfortable = next((i for i, cost in enumerate(costs) if cost <= _STEP_UP * budget), last)
    if speed.rung is None:
        index = affordable
    else:
        present = min(speed.rung, last)
        index = affordable if affordable > present else min(present, comfortable)
    return replace(ladder[index], superres=with_superres), replace(speed, rung=index)


def full_milliseconds(full: Quality, speed: Speed) -> float:
    """Expected time of a full frame, from the rays on."""
    superres = (speed.superres_milliseconds or 0.0) if full.superres else 0.0
    return full.points * speed.point_milliseconds + superres
