"""The training loop: from snapshot to snapshot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pof3d.training.snapshots import load_snapshot, save_snapshot
from pof3d.training.trainer import StepReport, Trainer


def resume(trainer: Trainer, directory: Path) -> bool:
    """Go on from the directory's snapshot; False where there is none.

    Raises
    ------
    TrainingError
        When the snapshot is damaged, or of another network or data set.
    """
    state = load_snapshot(directory, trainer.device)
    if state is not None:
        trainer.restore(state)
    return state is not None


def train(
    trainer: Trainer,
    directory: Path,
    *,
    on_step: Callable[[StepReport], None],
    on_snapshot: Callable[[Trainer], None],
    stopped: Callable[[], bool],
) -> bool:
    """Run until the configured length, or until ``stopped()``.

    Parameters
    ----------
    trainer : Trainer
        Fresh, or resumed by :func:`resume`.
    directory : Path
        Run directory, which exists.
    on_step, on_snapshot
        Called after every step, and before every snapshot is written; by the leading process alone. What a
        run shows is thus never older than what it goes on from.
    stopped
        Asked between steps; a snapshot is written before returning, when any process says so.

    Returns
    -------
    bool
        Whether the configured length was reached.
    """
    config = trainer.preset.training
    workers = trainer.workers
    total = config.total_kimg * 1000
    every = max(round(config.snapshot_kimg * 1000 / config.batch), 1)

    kept = trainer.step_count if trainer.step_count else -1  # resumed: that is there already

    def keep() -> None:
        nonlocal kept
        state = trainer.state()
        if workers.leads:
            on_snapshot(trainer)
            save_snapshot(directory, state)
        workers.wait()
        kept = trainer.step_count

    while trainer.images_seen < total and not workers.any(stopped()):
        report = trainer.step()
        if workers.leads:
            on_step(report)
        if trainer.step_count % every == 0 and trainer.images_seen < total:
            keep()
    if trainer.step_count != kept:
        keep()
    return trainer.images_seen >= total
