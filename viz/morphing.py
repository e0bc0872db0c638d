"""Recorded pose distributions as the pose histogram shows them: on common axes, one turning into the next."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pof3d.training.statistics import BINS_PER_HALF_TURN, SnapshotStatistics
from viz.frame import Pose
from viz.panel import PoseHistogram
from viz.pose_sampling import spans

MORPH_SECONDS = 0.12
"""In which the difference between what is shown and what is to be shown shrinks to a third (1/e)."""
_NEGLIGIBLE = 0.02
"""Sum of the differences of all shares at which a morph has arrived."""

Edges = tuple[NDArray[np.float64], NDArray[np.float64]]


def common_edges(records: Iterable[SnapshotStatistics]) -> Edges:
    """Edges of yaw and pitch bins of 2.5° around the front, wide enough for all of these distributions."""
    step = math.pi / BINS_PER_HALF_TURN
    widest = np.zeros(2)
    for record in records:
        mean = np.array([record.yaw_mean, record.pitch_mean])
        widest = np.maximum(widest, spans(mean, np.array([record.yaw_std, record.pitch_std])))
    bins = np.maximum(np.rint(widest / step).astype(int), 1)
    yaw, pitch = (np.arange(-count, count + 1) * step for count in bins.tolist())
    for one in (yaw, pitch):
        one.setflags(write=False)
    return yaw, pitch


def regrid(counts: NDArray[np.floating], old: Edges, new: Edges) -> NDArray[np.float64]:
    """Counts [yaw bins, pitch bins] on other edges: shared out by overlap, what lies outside to the ends."""
    yaw, pitch = (_overlap(before, after) for before, after in zip(old, new, strict=True))
    return np.asarray(yaw @ counts @ pitch.T, np.float64)


def _overlap(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each old bin in each new one, [new bins, old bins]."""
    reach = new.copy()
    reach[0], reach[-1] = min(new[0], old[0]), max(new[-1], old[-1])
    low = np.maximum(reach[:-1, None], old[None, :-1])
    high = np.minimum(reach[1:, None], old[None, 1:])
    return np.asarray(np.maximum(high - low, 0.0) / np.diff(old)[None, :])


class Morph:
    """What the pose histogram shows of a run: moves on to another snapshot's record by and by."""

    def __init__(self) -> None:
        self._edges: Edges | None = None
        self._shares: NDArray[np.float64] | None = None
        self._aim: NDArray[np.float64] | None = None
        self._record: SnapshotStatistics | None = None
        self._records: tuple[SnapshotStatistics, ...] = ()
        self.histogram: PoseHistogram | None = None
        """To be drawn now; None without a record."""

    @property
    def moving(self) -> bool:
        """Whether it has not arrived yet."""
        return self._shares is not self._aim

    def aim(self, record: SnapshotStatistics | None, records: tuple[SnapshotStatistics, ...]) -> None:
        """Go to this record, at once if there was none before.

        Parameters
        ----------
        record : SnapshotStatistics, optional
            None: there is nothing to show.
        records : tuple of SnapshotStatistics
            All of the run: they decide on the axes, which are the same for all of its snapshots.
        """
        if record is self._record and (record is None or records is self._records):
            return
        if record is None:
            self._record = self._shares = self._aim = self.histogram = None
            return
        if self._edges is None or records is not self._records:
            before, self._edges, self._records = self._edges, common_edges((*records, record)), records
            if before is not None and self._shares is not None:
                self._shares = regrid(self._shares, before, self._edges)
        self._record = record
        joint = np.array(record.joint.counts, np.float64)
        recorded = (np.array(record.yaw.edges), np.array(record.pitch.edges))
        self._aim = regrid(joint / max(1.0, float(joint.sum())), recorded, self._edges)
        if self._shares is None:
            self._shares = self._aim
        self._draw()

    def advance(self, seconds: float) -> None:
        """Move on by the time that has passed."""
        if self._shares is None or self._aim is None or not self.moving:
            return
        self._shares = self._aim + (self._shares - self._aim) * math.exp(-seconds / MORPH_SECONDS)
        if float(np.abs(self._shares - self._aim).sum()) < _NEGLIGIBLE:
            self._shares = self._aim
        self._draw()

    def _draw(self) -> None:
        record = self._record
        assert record is not None and self._shares is not None and self._edges is not None
        counts = np.rint(self._shares * record.samples).astype(np.int64)
        counts.setflags(write=False)
        mean, std = Pose(record.yaw_mean, record.pitch_mean), Pose(record.yaw_std, record.pitch_std)
        note = f"recorded at {record.images:,} images"
        self.histogram = PoseHistogram(counts, *self._edges, record.samples, record.samples, mean, std, note)
