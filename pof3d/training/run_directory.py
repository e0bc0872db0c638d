"""The directory of a training run: settings, log, pictures, checkpoints, statistics, TensorBoard events."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from imageio.v3 import imwrite

from pof3d.checkpoint import native
from pof3d.errors import CheckpointError, TrainingError
from pof3d.files import replacing
from pof3d.training import statistics
from pof3d.training.config import Preset
from pof3d.training.samples import (
    PoseStatistics,
    columns_for,
    learned_poses,
    pose_statistics,
    turntable,
    yaw_grid,
)
from pof3d.training.trainer import StepReport, Trainer

POSE_SAMPLES = 10_000
"""Latents whose poses are counted at each snapshot."""
_GRID_SEEDS = 6
_TURNTABLE_SEEDS = 2
LOG_NAME, CONFIG_NAME = "log.jsonl", "config.json"


class RunDirectory:
    """Files of one run. What a broken-off session wrote beyond its last snapshot is taken back.

    Parameters
    ----------
    path : Path
        Made when missing.
    preset : Preset
        Resolved settings, stored beside the results.
    provenance : dict
        Stored in every checkpoint.
    images_seen : int
        Where the run goes on from.

    Raises
    ------
    TrainingError
        When it cannot be written to.
    """

    def __init__(self, path: Path, preset: Preset, provenance: dict[str, Any], images_seen: int = 0) -> None:
        self.path = path
        self._events: Any = None
        try:
            path.mkdir(parents=True, exist_ok=True)
            for part in path.glob(".*.part*"):  # of a session that was killed
                part.unlink()
            with replacing(path / CONFIG_NAME) as part:
                part.write_text(json.dumps(asdict(preset), indent=1) + "\n")
            _forget(path / LOG_NAME, lambda line: round(line["kimg"] * 1000) <= images_seen)
            _forget(path / statistics.STATISTICS_NAME, lambda line: line["images"] <= images_seen)
            self._log = (path / LOG_NAME).open("a")
            self._events = _tensorboard_writer(path, images_seen)
        except OSError as error:
            raise self._failure(error) from error
        self.preset = preset
        self.provenance = provenance

    def close(self) -> None:
        """Flush and close the logs; what a full disk cannot take is lost."""
        for file in (self._log, self._events):
            if file is not None:
                with suppress(OSError):
                    file.close()

    def log(self, report: StepReport) -> None:
        """Append scalars of one step."""
        line = {"kimg": round(report.kimg, 3), "seconds": round(report.seconds, 1)}
        try:
            self._log.write(json.dumps(line | {k: round(v, 5) for k, v in report.stats.items()}) + "\n")
            self._log.flush()
            if self._events is not None:
                for name, value in report.stats.items():
                    self._events.add_scalar(name, value, round(report.kimg * 1000))
        except OSError as error:
            raise self._failure(error) from error

    def publish(self, trainer: Trainer) -> PoseStatistics:
        """Write the moving average as a checkpoint, with sample pictures and its learned poses."""
        try:
            return self._publish(trainer)
        except (OSError, CheckpointError) as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError | CheckpointError) -> TrainingError:
        why = error.why if isinstance(error, CheckpointError) else (error.strerror or str(error)).lower()
        return TrainingError(
            f"cannot write to the run directory {self.path}",
            why,
            "The last snapshot is intact; free some space and start the same command again.",
        )

    def _publish(self, trainer: Trainer) -> PoseStatistics:
        seen = trainer.images_seen
        tag = f"{seen // 1000:06d}"
        poses = learned_poses(trainer.ema, POSE_SAMPLES)
        found = pose_statistics(poses)
        yaws = columns_for(found)
        grid = yaw_grid(trainer.ema, _GRID_SEEDS, yaws=yaws, pitch=found.pitch_mean)
        with replacing(self.path / f"samples-{tag}.png", durable=False) as part:
            imwrite(part, grid)
        name = f"network-{tag}.safetensors"
        native.save(
            self.path / name,
            trainer.network_config(),
            trainer.ema,
            trainer.discriminator,
            provenance=self.provenance
            | {
                "images_seen": seen,
                "training_seconds": round(trainer.seconds),
                "learned_poses": asdict(found),
                "changed_settings": trainer.history,
            },
        )
        # After the network: who reads of a snapshot finds it.
        statistics.append(
            self.path / statistics.STATISTICS_NAME, statistics.measure(poses, seen, name, trainer.seconds)
        )
        if self._events is not None:
            half = grid.shape[1] // 2
            pictures = {
                "samples": grid[:, :half],
                "depth": grid[:, half:],
                "turntable": np.concatenate(
                    [turntable(trainer.ema, seed, found) for seed in range(_TURNTABLE_SEEDS)]
                ),
            }
            for title, picture in pictures.items():
                self._events.add_image(title, picture, seen, dataformats="HWC")
            self._events.add_histogram("poses/yaw", poses[:, 0], seen)
            self._events.add_histogram("poses/pitch", poses[:, 1], seen)
            self._events.flush()
        return found


def _forget(path: Path, keeps: Callable[[dict[str, Any]], bool]) -> None:
    """Drop the lines that were written after the snapshot, and a torn last one."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(errors="replace").splitlines():
        try:
            if not keeps(json.loads(line)):
                break
        except (ValueError, KeyError, TypeError):
            break
        kept.append(line + "\n")
    with replacing(path) as part:
        part.write_text("".join(kept))


def _tensorboard_writer(path: Path, images_seen: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(path / "tensorboard"), purge_step=images_seen + 1 if images_seen else None)
