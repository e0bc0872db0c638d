"""Curves over training, from a run's log and its record of snapshots."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pof3d.errors import TrainingError
from pof3d.training import statistics
from scripts.results.records import Curves

MOST_POINTS = 200


def read_curves(log: Path, snapshots: Path | None = None) -> Curves:
    """What a run recorded, thinned to at most 200 points a curve.

    Neighbouring lines of the log are pooled: as if their batches were one.

    Parameters
    ----------
    log : Path
        ``log.jsonl``; need not exist. Keys that older runs lack give empty curves; a torn last line is left
        out.
    snapshots : Path, optional
        ``statistics.jsonl``, likewise.

    Raises
    ------
    TrainingError
        When a file is damaged.
    """
    lines = _read_log(log)
    yaw = _columns(lines, ("kimg", "G/yaw_mean", "G/yaw_std"))
    error = _columns(lines, ("kimg", "D/pose_error"))
    kimg, mean, std = pool(*yaw)
    error_kimg, square = (_means(column) for column in error)
    found = statistics.read(snapshots) if snapshots is not None else []
    found = [found[i] for i in np.linspace(0, len(found) - 1, min(len(found), MOST_POINTS)).astype(int)]
    return Curves(
        kimg=_plain(kimg, 3),
        yaw_mean=_plain(mean),
        yaw_std=_plain(std),
        error_kimg=_plain(error_kimg, 3),
        pose_error=_plain(np.sqrt(square)),
        snapshot_kimg=tuple(round(s.images / 1000, 3) for s in found),
        snapshot_yaw_std=tuple(round(s.yaw_std, 4) for s in found),
    )


def _plain(values: NDArray[np.float64], digits: int = 4) -> tuple[float, ...]:
    return tuple(values.round(digits).tolist())


def _read_log(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TrainingError(f"cannot read {path}", (error.strerror or str(error)).lower()) from error
    lines = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            break
        try:
            value = json.loads(line)
        except ValueError as error:
            raise TrainingError(f"cannot read {path}", f"line {number} is no JSON ({error})") from error
        if isinstance(value, dict):
            lines.append(value)
    return lines


def _columns(lines: list[dict[str, Any]], keys: tuple[str, ...]) -> list[NDArray[np.float64]]:
    """Values [N] of each key, of the lines that have a finite number for all."""
    rows = []
    for line in lines:
        values = [line.get(key) for key in keys]
        if all(isinstance(value, int | float) and math.isfinite(value) for value in values):
            rows.append(values)
    return list(np.array(rows, np.float64).reshape(-1, len(keys)).T)


def _groups(values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return np.array_split(values, min(len(values), MOST_POINTS)) if len(values) else []


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([group.mean() for group in _groups(values)])


def pool(
    kimg: NDArray[np.float64], mean: NDArray[np.float64], std: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation [N] of batches of one size → those of at most 200 larger ones."""
    means = _means(mean)
    squares = _means(std**2 + mean**2)
    return _means(kimg), means, np.sqrt(np.maximum(squares - means**2, 0.0))


def smooth_spread(mean: NDArray[np.float64], std: NDArray[np.float64], reach: int = 4) -> NDArray[np.float64]:
    """Standard deviation [N] of each point's batch together with ``reach`` neighbours on either side."""
    found = []
    for i in range(len(mean)):
        near = slice(max(0, i - reach), i + reach + 1)
        found.append(math.sqrt(float((std[near] ** 2).mean() + mean[near].var())))
    return np.array(found)
