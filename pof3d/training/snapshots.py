"""Resumable training state on disk, written atomically."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from pof3d.errors import TrainingError

SNAPSHOT_NAME = "resume.pt"


def save_snapshot(directory: Path, state: dict[str, Any]) -> Path:
    """Replace the run's snapshot; on failure the previous one stays.

    Parameters
    ----------
    directory : Path
        Run directory.
    state : dict
        Tensors and plain values only.

    Raises
    ------
    TrainingError
        When the disk is full or not writable.
    """
    target = directory / SNAPSHOT_NAME
    handle, name = tempfile.mkstemp(dir=directory, prefix=".resume-", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except (OSError, RuntimeError) as error:
        Path(name).unlink(missing_ok=True)
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        raise TrainingError(
            f"cannot save the snapshot {target}",
            "the disk is full" if full else str(error),
            "The last good snapshot is intact; free some space and start the same command again to go on.",
        ) from error
    return target


def load_snapshot(directory: Path, device: torch.device) -> dict[str, Any] | None:
    """The run's snapshot, or None when there is none yet.

    Raises
    ------
    TrainingError
        When the file is damaged.
    """
    path = directory / SNAPSHOT_NAME
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise TrainingError(
            f"cannot read the snapshot {path}",
            str(error),
            "Remove the file to start over, or choose another --out.",
        ) from error
    return state
