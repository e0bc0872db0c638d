"""Folders of training runs, made up: tiny networks, and records with simple numbers."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from pof3d.training.statistics import STATISTICS_NAME, SnapshotStatistics, append, measure
from tests.viz.nets import save_tiny
from viz.runs import RunListing, Snapshot, SnapshotState


def name_of(kimg: int) -> str:
    return f"network-{kimg:06d}.safetensors"


def record(kimg: int, yaw: float = 0.1, spread: float = 0.2, count: int = 1000) -> SnapshotStatistics:
    random = torch.Generator().manual_seed(kimg)
    poses = torch.randn(count, 2, generator=random) * torch.tensor([spread, 0.1]) + torch.tensor([yaw, 0.0])
    return measure(poses, kimg * 1000, name_of(kimg), 60.0 * kimg)


def snapshot(
    kimg: int,
    state: SnapshotState = "ready",
    modified: float = 0.0,
    recorded: SnapshotStatistics | None = None,
) -> Snapshot:
    return Snapshot(name_of(kimg), kimg * 1000, state, modified or 1000.0 + kimg, recorded)


def listing(*snapshots: Snapshot, folder: Path = Path("/runs/cats")) -> RunListing:
    return RunListing(folder, snapshots)


class RunFolder:
    """A run on the disk."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        (path / "config.json").write_text("{}")
        self.path = path

    def land(self, kimg: int, recorded: SnapshotStatistics | None = None) -> Path:
        """Let a snapshot land as a run does: whole, then its record."""
        provenance = {"images_seen": kimg * 1000, "training_seconds": 60 * kimg}
        part = save_tiny(self.path.parent / "part.safetensors", seed=kimg, provenance=provenance)
        target = self.path / name_of(kimg)
        os.replace(part, target)
        if recorded is not None:
            append(self.path / STATISTICS_NAME, recorded)
        return target


class StandInWatching:
    """Finds what it is told."""

    def __init__(self, *found: RunListing) -> None:
        self.found = list(found)
        self.closed = False

    def poll(self) -> RunListing | None:
        return self.found.pop(0) if self.found else None

    def close(self) -> None:
        self.closed = True
