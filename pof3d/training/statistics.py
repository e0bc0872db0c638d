"""What a run records of each snapshot: the learned pose distribution, one line of JSON a snapshot.

The bins lie on one grid of 2.5° for all snapshots, from the first occupied one to the last: distributions of
different snapshots can be compared and blended bin by bin, and lines stay short for cats (narrow) as well as
for cars (all the way round).
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from pof3d.errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor

STATISTICS_NAME = "statistics.jsonl"
"""File of a run directory."""
BINS_PER_HALF_TURN = 72
"""Of the grid; 0 rad is an edge."""
_YAW_REACH, _PITCH_REACH = BINS_PER_HALF_TURN, BINS_PER_HALF_TURN // 2
"""Bins from the front to the ends of the grid, ±π and ±π/2."""
_MOST_BINS = 1440
_LONGEST_LINE = 8 << 20
_LARGEST_FILE = 256 << 20

_Edges = Annotated[tuple[float, ...], Meta(min_length=2, max_length=_MOST_BINS + 1)]
_Counts = Annotated[tuple[Annotated[int, Meta(ge=0, le=1 << 40)], ...], Meta(max_length=_MOST_BINS)]
_Rows = Annotated[tuple[_Counts, ...], Meta(max_length=_MOST_BINS)]


@dataclass(frozen=True)
class AngleHistogram:
    """Counts of one angle."""

    edges: _Edges
    """Radians, increasing; one more than bins."""
    counts: _Counts
    """Samples in each bin. What lay beyond the grid is in the outermost bins."""


@dataclass(frozen=True)
class JointHistogram:
    """Counts of both angles together, in the bins of each."""

    yaw_bins: int
    pitch_bins: int
    counts: _Rows
    """[yaw bins][pitch bins]."""


@dataclass(frozen=True)
class SnapshotStatistics:
    """The learned poses of one snapshot. Radians."""

    images: Annotated[int, Meta(ge=0)]
    """Training images seen."""
    network: Annotated[str, Meta(min_length=1, max_length=255)]
    """Name of the checkpoint file beside the record."""
    seconds: Annotated[float, Meta(ge=0)]
    """Of training, so far."""
    yaw: AngleHistogram
    pitch: AngleHistogram
    joint: JointHistogram
    yaw_mean: float
    yaw_std: Annotated[float, Meta(ge=0)]
    pitch_mean: float
    pitch_std: Annotated[float, Meta(ge=0)]

    @property
    def samples(self) -> int:
        """Latents that were counted."""
        return sum(self.yaw.counts)


def measure(yaw_pitch: Tensor, images: int, network: str, seconds: float) -> SnapshotStatistics:
    """Count the predicted poses of random latents.

    Parameters
    ----------
    yaw_pitch : Tensor [N, 2]
        Radians. Poses that are not finite are left out; what lies beyond ±π, ±π/2 is clipped in the counts.
    images : int
        Training images seen.
    network : str
        Name of the checkpoint file.
    seconds : float
        Of training.
    """
    angles = yaw_pitch.detach().cpu().numpy().astype(np.float64)
    angles = angles[np.isfinite(angles).all(axis=1)]
    yaw_edges, yaws = _occupied(angles[:, 0], _YAW_REACH)
    pitch_edges, pitches = _occupied(angles[:, 1], _PITCH_REACH)
    counts = np.histogram2d(yaws, pitches, bins=[yaw_edges, pitch_edges])[0].astype(np.int64)
    yaw_bins, pitch_bins = counts.shape
    # Here, because who only reads records needs no torch.
    import torch

    from pof3d.training.samples import PoseStatistics, pose_statistics

    found = pose_statistics(torch.from_numpy(angles)) if len(angles) else PoseStatistics(0, 0, 0, 0)
    return SnapshotStatistics(
        images=images,
        network=network,
        seconds=round(seconds, 1),
        yaw=AngleHistogram(_plain(yaw_edges), tuple(counts.sum(axis=1).tolist())),
        pitch=AngleHistogram(_plain(pitch_edges), tuple(counts.sum(axis=0).tolist())),
        joint=JointHistogram(yaw_bins, pitch_bins, tuple(map(tuple, counts.tolist()))),
        yaw_mean=found.yaw_mean,
        yaw_std=found.yaw_std,
        pitch_mean=found.pitch_mean,
        pitch_std=found.pitch_std,
    )


def _plain(edges: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(edges.round(9).tolist())


def _occupied(angles: NDArray[np.float64], reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Edges of the grid's bins that hold these angles [N], the front among them; and the angles, clipped."""
    step = math.pi / BINS_PER_HALF_TURN
    clipped = np.clip(angles, -reach * step, reach * step)
    low = math.floor(clipped.min(initial=0.0) / step)
    high = math.ceil(clipped.max(initial=0.0) / step)
    low, high = max(-reach, min(low, -1)), min(reach, max(high, 1))
    return np.arange(low, high + 1) * step, clipped


def append(path: Path, statistics: SnapshotStatistics) -> None:
    """Add one line to a run's record; a line that was cut off before, by a crash, is taken away first.

    Parameters
    ----------
    path : Path
        The record; made when missing.
    statistics : SnapshotStatistics
        Of the new snapshot.

    Raises
    ------
    OSError
        When the disk is full or not writable.
    """
    with path.open("a+b") as file:
        _drop_torn_line(file)
        file.write(msgspec.json.encode(statistics) + b"\n")


def _drop_torn_line(file: BinaryIO) -> None:
    end = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, end - _LONGEST_LINE))
    complete = start + file.read().rfind(b"\n") + 1
    if complete < end and (complete > start or start == 0):
        file.truncate(complete)
    file.seek(0, os.SEEK_END)


def read(path: Path) -> list[SnapshotStatistics]:
    """The record of a run, by images seen; empty where there is none.

    A last line that is still being written is left out. Where a network was recorded twice, as after training
    went on from an earlier state, its last line counts.

    Raises
    ------
    TrainingError
        When the file cannot be read, is unreasonably large, or a line is not such a record.
    """
    todo = "Move the file away: the run works without it."
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > _LARGEST_FILE:
                why = f"it is larger than {_LARGEST_FILE >> 20} MiB"
                raise TrainingError(f"cannot read {path}", why, todo)
            records = {}
            number = 0
            while line := file.readline(_LONGEST_LINE + 1):
                number += 1
                if len(line) > _LONGEST_LINE:
                    raise TrainingError(f"cannot read {path}", f"line {number} is too long", todo)
                if not line.endswith(b"\n"):
                    break
                try:
                    record = _decode(line)
                except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                    why = f"line {number} is no record of a snapshot ({error})"
                    raise TrainingError(f"cannot read {path}", why, todo) from error
                records[record.network] = record
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TrainingError(f"cannot read {path}", (error.strerror or str(error)).lower(), todo) from error
    return sorted(records.values(), key=lambda record: (record.images, record.network))


def _decode(line: bytes) -> SnapshotStatistics:
    record = msgspec.json.decode(line, type=SnapshotStatistics)
    if Path(record.network).name != record.network or "\x00" in record.network:
        raise ValueError("the network is not a file name")
    joint = record.joint
    if (len(record.yaw.counts), len(record.pitch.counts)) != (joint.yaw_bins, joint.pitch_bins):
        raise ValueError("the numbers of bins differ")
    if len(joint.counts) != joint.yaw_bins or any(len(row) != joint.pitch_bins for row in joint.counts):
        raise ValueError("the joint counts do not have these bins")
    for angle, axis in ((record.yaw, 1), (record.pitch, 0)):
        edges = np.array(angle.edges)
        if len(edges) != len(angle.counts) + 1 or not (np.diff(edges) > 0).all():
            raise ValueError("edges must increase and enclose the bins")
        if np.abs(edges).max() > 1.001 * math.pi:
            raise ValueError("edges must be angles from -pi to pi")
        if not np.array_equal(np.array(joint.counts, np.int64).sum(axis=axis), angle.counts):
            raise ValueError("the joint counts have other sums")
    return record
