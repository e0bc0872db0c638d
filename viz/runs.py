"""What is in the folder of a training run. Nothing here is trusted: the run may be writing at this moment."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pof3d.checkpoint import native
from pof3d.checkpoint.source import Source
from pof3d.errors import CheckpointError, Pof3dError
from pof3d.training.samples import PoseStatistics
from pof3d.training.statistics import STATISTICS_NAME, SnapshotStatistics, read

SIGNS = ("config.json", "log.jsonl", STATISTICS_NAME)
"""Files that every run has from its beginning, or nearly so."""
_NETWORK = re.compile(r"network-(\d{1,12})\.safetensors")
_OPENING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

SnapshotState = Literal["ready", "unreadable", "gone"]


@dataclass(frozen=True)
class Snapshot:
    """One state of the network in training."""

    network: str
    """Name of the checkpoint file."""
    images: int
    """Training images seen."""
    state: SnapshotState
    """``unreadable``: damaged, or still being written; ``gone``: recorded, but there is no file."""
    modified: float = 0.0
    """When the file landed, seconds since the epoch; 0 without one."""
    record: SnapshotStatistics | None = None
    """What the run has recorded of it."""
    poses: PoseStatistics | None = None
    """Summary of its learned poses: recorded, or stored in the file."""


@dataclass(frozen=True, eq=False)
class PoseCurve:
    """Learned poses over the training. Arrays of equal length, images increasing; angles are degrees."""

    kimg: NDArray[np.float64]
    """Thousands of training images."""
    yaw: NDArray[np.float64]
    """Mean."""
    yaw_spread: NDArray[np.float64]
    """Standard deviation."""
    pitch: NDArray[np.float64]
    pitch_spread: NDArray[np.float64]


@dataclass(frozen=True)
class RunListing:
    """A run as it was when its folder was read."""

    folder: Path
    snapshots: tuple[Snapshot, ...] = ()
    """By images seen."""
    error: Pof3dError | None = field(default=None, compare=False)
    """Why it cannot be followed: the folder is gone, or holds no run."""
    problem: str = ""
    """What is wrong with its record, or with its folder; the rest works."""

    @cached_property
    def curve(self) -> PoseCurve:
        """Of the snapshots whose poses are known."""
        known = [(snapshot.images / 1000, snapshot.poses) for snapshot in self.snapshots if snapshot.poses]
        rows = [(k, p.yaw_mean, p.yaw_std, p.pitch_mean, p.pitch_std) for k, p in known]
        columns = np.array(rows, np.float64).reshape(-1, 5).T.copy()  # the plots want them contiguous
        return PoseCurve(columns[0], *np.degrees(columns[1:]))

    @cached_property
    def records(self) -> tuple[SnapshotStatistics, ...]:
        """What has been recorded of the snapshots."""
        return tuple(snapshot.record for snapshot in self.snapshots if snapshot.record is not None)

    def newest(self) -> Snapshot | None:
        """The newest snapshot that can be opened; the newest of all where none can."""
        ready = [snapshot for snapshot in self.snapshots if snapshot.state == "ready"]
        return ready[-1] if ready else self.snapshots[-1] if self.snapshots else None

    def find(self, network: str) -> int | None:
        """Index of the snapshot of a checkpoint file's name."""
        return next((i for i, one in enumerate(self.snapshots) if one.network == network), None)


def looks_like_run(names: Iterable[str]) -> bool:
    """Whether a folder with these files is a training run's."""
    names = set(names)
    return names >= {"config.json", "log.jsonl"} or any(_NETWORK.fullmatch(name) for name in names)


class RunReader:
    """Reads a run's folder again and again; what has not changed is not read twice.

    Parameters
    ----------
    folder : Path
        Of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._headers: dict[tuple[str, int, int], _Header | None] = {}
        self._records: dict[str, SnapshotStatistics] = {}
        self._records_of: tuple[int, int] | None = None
        self._problem = ""

    def read(self) -> RunListing:
        """The run as it is now. Never raises OSError."""
        try:
            files = _files(self.folder)
        except OSError as error:
            return RunListing(self.folder, error=_unreadable(self.folder, error))
        networks = {name: status for name, status in files.items() if _NETWORK.fullmatch(name)}
        if not networks and not any(sign in files for sign in SIGNS):
            return RunListing(self.folder, error=_no_run(self.folder))
        self._read_records(files.get(STATISTICS_NAME))
        headers = {name: self._header(name, status) for name, status in networks.items()}
        self._headers = {_key(name, status): headers[name] for name, status in networks.items()}
        gone = [_gone(record) for name, record in self._records.items() if name not in networks]
        there = [self._snapshot(name, status, headers[name]) for name, status in networks.items()]
        snapshots = sorted([*gone, *there], key=lambda snapshot: (snapshot.images, snapshot.network))
        return RunListing(self.folder, tuple(snapshots), problem=self._problem)

    def _snapshot(self, name: str, status: os.stat_result, header: _Header | None) -> Snapshot:
        record = self._records.get(name)
        poses = _poses(record) if record is not None else header.poses if header is not None else None
        images = record.images if record is not None else header.images if header is not None else None
        if images is None:
            found = _NETWORK.fullmatch(name)
            images = 1000 * int(found[1]) if found else 0
        state: SnapshotState = "ready" if header is not None else "unreadable"
        return Snapshot(name, images, state, status.st_mtime, record, poses)

    def _header(self, name: str, status: os.stat_result) -> _Header | None:
        key = _key(name, status)
        return self._headers[key] if key in self._headers else _read_header(self.folder / name)

    def _read_records(self, status: os.stat_result | None) -> None:
        identity = (status.st_mtime_ns, status.st_size) if status is not None else None
        if identity == self._records_of:
            return
        try:
            found = read(self.folder / STATISTICS_NAME)
            self._records, self._problem = {record.network: record for record in found}, ""
        except Pof3dError as error:
            self._records, self._problem = {}, str(error)
        self._records_of = identity


@dataclass(frozen=True)
class _Header:
    """What a complete checkpoint says about itself."""

    images: int | None
    poses: PoseStatistics | None


def _read_header(path: Path) -> _Header | None:
    """None for a file that is not complete (yet), or is no checkpoint."""
    try:
        descriptor = os.open(path, _OPENING)
    except OSError:
        return None
    try:
        stored = native.read(Source(descriptor))
    except (Pof3dError, OSError):
        return None
    finally:
        os.close(descriptor)
    images, poses = stored.provenance.get("images_seen"), stored.provenance.get("learned_poses")
    return _Header(
        images if type(images) is int and 0 <= images < 1 << 53 else None,
        _stored_poses(poses) if isinstance(poses, dict) else None,
    )


def _stored_poses(values: dict[str, object]) -> PoseStatistics | None:
    names = ("yaw_mean", "yaw_std", "pitch_mean", "pitch_std")
    numbers = [value for name in names if isinstance(value := values.get(name), int | float)]
    if len(numbers) != len(names) or not all(abs(number) < 100 for number in numbers):
        return None
    return PoseStatistics(*map(float, numbers))


def _poses(record: SnapshotStatistics) -> PoseStatistics:
    return PoseStatistics(record.yaw_mean, record.yaw_std, record.pitch_mean, record.pitch_std)


def _gone(record: SnapshotStatistics) -> Snapshot:
    return Snapshot(record.network, record.images, "gone", record=record, poses=_poses(record))


def _key(name: str, status: os.stat_result) -> tuple[str, int, int]:
    return name, status.st_mtime_ns, status.st_size


def _files(folder: Path) -> dict[str, os.stat_result]:
    """The regular files that tell about a run; what vanishes meanwhile is left out."""
    files = {}
    with os.scandir(folder) as items:
        for item in items:
            if item.name not in SIGNS and not _NETWORK.fullmatch(item.name):
                continue
            try:
                status = item.stat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                files[item.name] = status
    return files


def _unreadable(folder: Path, error: OSError) -> Pof3dError:
    name = folder.name or str(folder)
    why = error.strerror or str(error)
    if isinstance(error, FileNotFoundError):
        why = f"there is no folder {folder}"
    todo = "Choose the folder that `python -m pof3d train` was given as --out."
    return CheckpointError(f"cannot follow {name}", why[:1].lower() + why[1:], todo)


def _no_run(folder: Path) -> Pof3dError:
    return CheckpointError(
        f"cannot follow {folder.name or folder}",
        "it is not a training run, whose folder holds config.json, and network-….safetensors in time",
        "Choose the folder that `python -m pof3d train` was given as --out, or a checkpoint file.",
    )
