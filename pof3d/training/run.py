"""A training run: its directory, progress, pictures, scalars and checkpoints."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from imageio.v3 import imwrite
from rich.console import Console
from rich.live import Live
from rich.table import Table

from pof3d.checkpoint import load, native
from pof3d.data.folder import ImageFolder
from pof3d.devices import find_device
from pof3d.errors import TrainingError
from pof3d.memory import keep_freed_memory
from pof3d.training import workers
from pof3d.training.config import PRESETS, Preset, PresetName, TrainingConfig
from pof3d.training.loop import StepReport, Trainer, resume, train
from pof3d.training.samples import PoseStatistics, learned_poses, pose_statistics, yaw_grid

_POSE_SAMPLES = 10_000
_GRID_SEEDS = 6
_SCALAR_EVERY = 8


@dataclass(frozen=True)
class Train:
    """Train a network on a folder or zip of unposed images."""

    data: Path
    """Folder or .zip of images. Poses in its dataset.json are not read."""
    out: Path
    """Run directory. Where it holds a snapshot, training goes on from it."""
    training: TrainingConfig
    """How to train; the preset's settings by default."""
    preset: PresetName = "toy-cats"
    """Network and training settings to start from."""
    initial: Path | None = None
    """Checkpoint to start a new run from, instead of random weights."""
    device: str = "auto"
    """cpu, cuda or auto. Under torchrun each process takes a GPU of its own."""
    threads: int = 0
    """Processor threads; 0: as torch chooses."""


class RunDirectory:
    """Files of one run: settings, log, resumable snapshot, pictures, checkpoints, TensorBoard events.

    Parameters
    ----------
    path : Path
        Made when missing.
    preset : Preset
        Resolved settings, stored beside the results.
    provenance : dict
        Stored in every checkpoint.
    """

    def __init__(self, path: Path, preset: Preset, provenance: dict[str, Any]) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / "config.json").write_text(json.dumps(asdict(preset), indent=1) + "\n")
            self._log = (path / "log.jsonl").open("a")
        except OSError as error:
            raise TrainingError(f"cannot write to the run directory {path}", str(error)) from error
        self.path = path
        self.preset = preset
        self.provenance = provenance
        self._events = _tensorboard_writer(path)

    def close(self) -> None:
        """Flush and close the logs."""
        self._log.close()
        if self._events is not None:
            self._events.close()

    def log(self, report: StepReport) -> None:
        """Append scalars of one step."""
        line = {"kimg": round(report.kimg, 3), "seconds": round(report.seconds, 1)}
        try:
            self._log.write(json.dumps(line | {k: round(v, 5) for k, v in report.stats.items()}) + "\n")
            self._log.flush()
        except OSError as error:
            raise self._failure(error) from error
        if self._events is not None:
            for name, value in report.stats.items():
                self._events.add_scalar(name, value, int(report.kimg * 1000))

    def publish(self, trainer: Trainer) -> PoseStatistics:
        """Write the moving average as a checkpoint, with a sample grid and its learned poses."""
        try:
            return self._publish(trainer)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> TrainingError:
        return TrainingError(
            f"cannot write to the run directory {self.path}",
            error.strerror or str(error),
            "The last snapshot is intact; free some space and start the same command again.",
        )

    def _publish(self, trainer: Trainer) -> PoseStatistics:
        tag = f"{trainer.images_seen // 1000:06d}"
        poses = learned_poses(trainer.ema, _POSE_SAMPLES)
        statistics = pose_statistics(poses)
        grid = yaw_grid(trainer.ema, _GRID_SEEDS)
        imwrite(self.path / f"samples-{tag}.png", grid)
        if self._events is not None:
            self._events.add_image("samples", grid, trainer.images_seen, dataformats="HWC")
            self._events.add_histogram("poses/yaw", poses[:, 0], trainer.images_seen)
            self._events.add_histogram("poses/pitch", poses[:, 1], trainer.images_seen)
        native.save(
            self.path / f"network-{tag}.safetensors",
            trainer.network_config(),
            trainer.ema,
            trainer.discriminator,
            provenance=self.provenance
            | {
                "images_seen": trainer.images_seen,
                "training_seconds": round(trainer.seconds),
                "learned_poses": asdict(statistics),
            },
        )
        return statistics


def _tensorboard_writer(path: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(path / "tensorboard"))


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C (or SIGTERM) into a polite request; a second one ends at once.

    Not so under ``torchrun``, which repeats Ctrl-C as SIGTERM, and in the end kills who does not listen.
    """
    asked = False

    def ask(number: int, _frame: object) -> None:
        nonlocal asked
        if asked and not workers.started_by_torchrun():
            raise KeyboardInterrupt
        asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Progress:
    """A live table in the terminal; one line a snapshot where output is not a terminal."""

    def __init__(self, total_kimg: float, console: Console) -> None:
        self.total = total_kimg
        self.console = console
        self.live = Live(console=console, auto_refresh=False, transient=True)
        self.averages: dict[str, float] = {}
        self.started: tuple[float, float] | None = None
        self.rate = 0.0
        self.note = ""

    def update(self, report: StepReport) -> None:
        """Show one more step."""
        for name, value in report.stats.items():
            self.averages[name] = 0.95 * self.averages.get(name, value) + 0.05 * value
        now = time.monotonic()
        if self.started is None:
            self.started = (now, report.kimg)
        elapsed = now - self.started[0]
        self.rate = (report.kimg - self.started[1]) * 1000 / elapsed if elapsed > 0 else 0.0
        if self.console.is_terminal:
            self.live.update(self.table(report.kimg), refresh=True)

    def table(self, kimg: float) -> Table:
        """The current figures."""
        table = Table(title=f"{kimg:.2f} of {self.total:g} kimg", caption="Ctrl-C stops and keeps a snapshot")
        table.add_column("figure")
        table.add_column("value", justify="right")
        left = (self.total - kimg) * 1000 / self.rate if self.rate > 0 else 0.0
        table.add_row("images per second", f"{self.rate:.1f}")
        table.add_row("time left", f"{int(left // 3600)} h {int(left % 3600 // 60):02d} min")
        for name, value in sorted(self.averages.items()):
            table.add_row(name, f"{value:.4f}")
        if self.note:
            table.add_row("learned poses", self.note)
        return table


def _commit() -> str:
    try:
        result = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return result.stdout.strip()


def run(options: Train) -> int:
    """Train as asked; returns the process's exit status (0, or 130 after Ctrl-C).

    Raises
    ------
    DatasetError, DeviceError, TrainingError
        Each with one clear message.
    """
    preset = replace(PRESETS[options.preset], training=options.training)
    keep_freed_memory()
    if options.threads > 0:
        torch.set_num_threads(options.threads)
    device = find_device(options.device)
    group = workers.join(device)
    try:
        return _run(options, preset, device, group)
    finally:
        workers.leave()


def _run(options: Train, preset: Preset, device: torch.device, group: workers.Workers) -> int:
    console = Console(quiet=not group.leads)
    resolution = preset.network.generator.image_resolution
    with ImageFolder(options.data) as folder:
        console.print(f"Reading {len(folder)} images from {options.data} …", markup=False)
        images = torch.as_tensor(folder.load_images(resolution))
        if folder.skipped_message():
            console.print(folder.skipped_message(), markup=False)
    trainer = Trainer(preset, images, device, group)
    if resume(trainer, options.out):
        console.print(f"Going on from {trainer.images_seen / 1000:.1f} kimg.", highlight=False)
    elif options.initial is not None:
        start = load(options.initial, device)
        trainer.start_from(start.generator, start.discriminator)
    provenance = {
        "dataset": options.data.name,
        "dataset_images": len(images),
        "preset": options.preset,
        "initial": options.initial.name if options.initial is not None else "",
        "training": asdict(preset.training),
        "commit": _commit(),
    }
    directory = RunDirectory(options.out, preset, provenance) if group.leads else None
    progress = Progress(preset.training.total_kimg, console)

    def on_step(report: StepReport) -> None:
        progress.update(report)
        if directory is not None and trainer.step_count % _SCALAR_EVERY == 1:
            directory.log(report)

    def on_snapshot(trainer: Trainer) -> None:
        assert directory is not None
        statistics = directory.publish(trainer)
        progress.note = statistics.degrees()
        console.print(
            f"{trainer.images_seen / 1000:.1f} kimg, {progress.rate:.1f} images/s: {statistics.degrees()}",
            highlight=False,
        )

    try:
        with stop_on_interrupt() as stopped, progress.live:
            finished = train(trainer, options.out, on_step=on_step, on_snapshot=on_snapshot, stopped=stopped)
    finally:
        if directory is not None:
            directory.close()
    if not finished:
        console.print(
            f"Stopped at {trainer.images_seen / 1000:.1f} kimg; the same command goes on from there."
        )
        return 130
    console.print(f"Done: {options.out}", markup=False)
    return 0
