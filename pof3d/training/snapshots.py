"""Resumable training state on disk, written atomically."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import torch

from pof3d.errors import TrainingError
from pof3d.files import replacing
from pof3d.training.config import Preset, differences, plain_settings

SNAPSHOT_NAME = "resume.pt"
_FIXED = ("seed", "flip")
"""Settings that a run keeps for life, with those of its network."""


def save_snapshot(directory: Path, state: dict[str, Any]) -> None:
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
    try:
        with replacing(target) as part, part.open("wb") as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:
        # Torch's writer hides the file's own error behind one of its own.
        cause = error if isinstance(error, OSError) else error.__context__
        why = (cause.strerror if isinstance(cause, OSError) else None) or str(error)
        full = isinstance(cause, OSError) and cause.errno == errno.ENOSPC
        raise TrainingError(
            f"cannot save the snapshot {target}",
            "the disk is full" if full else why.lower(),
            "The last good snapshot is intact; free some space and start the same command again to go on.",
        ) from error


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
            "Choose another --out; the checkpoints in this directory still open.",
        ) from error
    return state


def changed_settings(state: dict[str, Any], preset: Preset) -> list[dict[str, Any]]:
    """What a run's settings change to from now on: at how many images, which, before and after.

    Raises
    ------
    TrainingError
        When that would be another run: with another network, seed or x-flips.
    """
    changes = list(differences(state["settings"], plain_settings(preset)))
    fixed = [
        f"{name} was {before}, now {after}"
        for name, before, after in changes
        if name.startswith("network.") or name.removeprefix("training.") in _FIXED
    ]
    if fixed:
        more = f" and {len(fixed) - 3} more" if len(fixed) > 3 else ""
        raise TrainingError(
            "cannot resume",
            f"the run in this directory is another one ({'; '.join(fixed[:3])}{more})",
            "Choose another --out, or give the settings it began with.",
        )
    seen = int(state["images_seen"])
    return [{"images": seen, "setting": n, "before": b, "after": a} for n, b, a in changes]
