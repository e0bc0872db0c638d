"""The generator's learned pose distribution, sampled bit by bit."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pof3d.cameras import yaw_pitch_from_hv
from pof3d.nets.generator import Generator
from viz.frame import Pose
from viz.panel import PoseHistogram
from viz.stages import Cancelled, never

TARGET = 20_000
CHUNK = 512
_CHUNKS = 4
"""Between two published histograms."""
YAW_BINS, PITCH_BINS = 72, 48
_SPAN_DEVIATIONS = 4.0
_SPAN_STEP = math.radians(10.0)
_NARROWEST = math.radians(30.0)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LearnedPoses:
    """Summary of the distribution, radians."""

    mean: Pose
    std: Pose


class PoseSampler:
    """Draws latents, maps them, and counts their predicted poses. The same seed gives the same counts.

    Parameters
    ----------
    generator : Generator
        Whose pose learner to ask; only its mapping network runs, and is held.
    target : int
        Latents in all.
    seed : int
        Of the latents.
    """

    def __init__(self, generator: Generator, target: int = TARGET, seed: int = 0) -> None:
        self._mapping, self._h_mean = generator.mapping, generator.config.camera.h_mean
        self.target = target
        self.samples = 0
        self._random = torch.Generator().manual_seed(seed)
        self._sum = np.zeros(2)
        self._squares = np.zeros(2)
        self._edges: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._counts = np.zeros((YAW_BINS, PITCH_BINS), np.int64)

    @property
    def done(self) -> bool:
        """Whether all latents have been drawn."""
        return self.samples >= self.target

    @torch.inference_mode()
    def step(self) -> None:
        """Draw one chunk: a few milliseconds."""
        if self.done:
            return
        mapping = self._mapping
        device = mapping.get_buffer("w_avg").device
        z = torch.randn(CHUNK, mapping.z_dim, generator=self._random)
        z = z[: self.target - self.samples].to(device)
        draw = mapping.draw_for_poses(len(z), self._random)
        draw = None if draw is None else draw.to(device)
        hv = mapping.predict_pose(mapping.map_w(z), draw).double()
        angles = yaw_pitch_from_hv(hv, self._h_mean).cpu().numpy()
        self.samples += len(angles)
        self._sum += angles.sum(axis=0)
        self._squares += np.square(angles).sum(axis=0)
        if self._edges is None:
            self._edges = _edges(angles)
        yaws, pitches = (np.clip(angles[:, i], e[0], e[-1]) for i, e in enumerate(self._edges))
        counts, _, _ = np.histogram2d(yaws, pitches, bins=self._edges)
        self._counts += counts.astype(np.int64)

    def summary(self) -> LearnedPoses:
        """Mean and standard deviation of what has been drawn so far; zero before."""
        count = max(self.samples, 1)
        mean = self._sum / count
        std = np.sqrt(np.maximum(self._squares / count - np.square(mean), 0.0))
        return LearnedPoses(Pose(*mean.tolist()), Pose(*std.tolist()))

    def histogram(self) -> PoseHistogram | None:
        """What has been drawn so far; None before the first chunk. Later steps do not change it."""
        if self._edges is None:
            return None
        counts = self._counts.copy()
        counts.setflags(write=False)
        learned = self.summary()
        return PoseHistogram(counts, *self._edges, self.samples, self.target, learned.mean, learned.std)


class PoseSurvey:
    """The distributions of the networks in view, sampled while there is nothing else to do.

    Parameters
    ----------
    target : int
        Latents of each; 0: none.
    """

    def __init__(self, target: int = TARGET) -> None:
        self._target = target
        self._sampler: PoseSampler | None = None
        self._kept: dict[int, PoseSampler] = {}

    def turn_to(self, serial: int, generator: Generator) -> None:
        """Sample this network from now on, or go on with it; the one before it stays known."""
        self._sampler = None
        if self._target > 0 and not generator.mapping.is_conditioned:
            self._sampler = self._kept.get(serial) or PoseSampler(generator, self._target)
            self._kept = {**dict(list(self._kept.items())[-1:]), serial: self._sampler}

    @property
    def pending(self) -> bool:
        """Whether there is something left to draw."""
        return self._sampler is not None and not self._sampler.done

    def advance(self, stale: Callable[[], bool]) -> bool:
        """Draw a few chunks, until others need the time; whether that succeeded: if not, it is given up."""
        assert self._sampler is not None
        try:
            for _ in range(_CHUNKS):
                if stale():
                    break
                self._sampler.step()
        except Exception:
            self._sampler = None
            _log.exception("sampling the learned poses failed")
            return False
        return True

    def histogram(self) -> PoseHistogram | None:
        """The present network's, as far as it is known."""
        return self._sampler.histogram() if self._sampler else None


def learned_poses(
    generator: Generator, count: int = 4096, seed: int = 0, cancelled: Callable[[], bool] = never
) -> LearnedPoses:
    """Mean and standard deviation of the distribution from this many latents.

    Raises
    ------
    Cancelled
        When the cancel token was pulled.
    """
    return _sampled(generator, count, seed, cancelled).summary()


def learned_histogram(
    generator: Generator, count: int = TARGET, seed: int = 0, cancelled: Callable[[], bool] = never
) -> PoseHistogram:
    """The distribution from this many latents, at least one.

    Raises
    ------
    Cancelled
        When the cancel token was pulled.
    """
    histogram = _sampled(generator, count, seed, cancelled).histogram()
    assert histogram is not None
    return histogram


def _sampled(generator: Generator, count: int, seed: int, cancelled: Callable[[], bool]) -> PoseSampler:
    sampler = PoseSampler(generator, count, seed)
    while not sampler.done:
        if cancelled():
            raise Cancelled
        sampler.step()
    return sampler


def spans(mean: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far to either side of the front a histogram reaches [yaw, pitch]: tens of degrees, in radians."""
    reach = np.abs(mean) + _SPAN_DEVIATIONS * std
    return np.clip(np.ceil(reach / _SPAN_STEP) * _SPAN_STEP, _NARROWEST, [math.pi, math.pi / 2])


def _edges(angles: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bin edges around the front, wide enough for the distribution that a first chunk [N, 2] shows."""
    reach = spans(angles.mean(axis=0), angles.std(axis=0))
    edges = [np.linspace(-s, s, bins + 1) for s, bins in zip(reach, (YAW_BINS, PITCH_BINS), strict=True)]
    for one in edges:
        one.setflags(write=False)
    return edges[0], edges[1]
