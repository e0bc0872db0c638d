"""The command ``train``: from options to a finished run."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import tyro
from filelock import FileLock, Timeout
from rich.console import Console
from torch import Tensor

from pof3d.checkpoint import load
from pof3d.config import NetworkConfig
from pof3d.data.batches import ImageBatches
from pof3d.data.folder import ImageFolder
from pof3d.devices import find_device
from pof3d.errors import ConfigError, TrainingError
from pof3d.memory import keep_freed_memory
from pof3d.training import workers
from pof3d.training.config import Preset, PresetName, TrainingConfig
from pof3d.training.live import LivePage
from pof3d.training.loop import resume, train
from pof3d.training.random import share_of_batch
from pof3d.training.run_directory import RunDirectory
from pof3d.training.trainer import StepReport, Trainer

_SCALAR_EVERY = 8


@dataclass(frozen=True)
class Train:
    """Train a network on a folder or zip of unposed images."""

    data: Path
    """Folder or .zip of images. Poses in its dataset.json are only read for the pose source ``labels``."""
    out: Path
    """Run directory. Where it holds a snapshot, training goes on from it."""
    training: TrainingConfig
    """How to train; the preset's settings by default."""
    network: tyro.conf.AvoidSubcommands[NetworkConfig]
    """What to train; the preset's network by default."""
    preset: PresetName = "toy-cats"
    """Network and training settings to start from."""
    initial: Path | None = None
    """Checkpoint to start a new run from, instead of random weights."""
    device: str = "auto"
    """cpu, cuda or auto. Under torchrun each process takes a GPU of its own."""
    threads: int = 0
    """Processor threads; 0: as torch chooses."""
    loaders: int | None = None
    """Processes that read images, where the set does not fit into memory; chosen by default."""


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
    preset = Preset(options.network, options.training)
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
    if options.threads < 0 or (options.loaders or 0) < 0:
        raise ConfigError(
            "--threads and --loaders cannot be negative", todo="Leave them out to let them be chosen."
        )
    console = Console(quiet=not group.leads)
    with _alone_in(options.out) if group.leads else nullcontext():
        return _run_alone(options, preset, device, group, console)


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Hold the run directory; it is made, and thus found writable, before anything takes long."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with FileLock(directory / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise TrainingError(
            f"cannot train into {directory}", "another training runs there", "Choose another --out."
        ) from error
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise TrainingError(
            f"cannot write to the run directory {directory}", why, "Choose another --out."
        ) from error


def _run_alone(
    options: Train, preset: Preset, device: torch.device, group: workers.Workers, console: Console
) -> int:
    config, network = preset.training, preset.network.generator
    with ImageFolder(options.data) as folder, LivePage(config.total_kimg, console) as page:
        batches = ImageBatches(
            folder,
            network.image_resolution,
            batch=config.batch,
            seed=config.seed,
            flip=config.flip,
            poses=network.pose_source == "labels",
            h_mean=network.camera.h_mean,
            rows=tuple(share_of_batch(config.batch, group.rank, group.count).tolist()),
            workers=options.loaders,
            progress=page.reading,
        )
        with closing(batches):
            page.say(f"{batches.size} images from {options.data}.")
            if batches.skipped_message():
                page.say(batches.skipped_message())
            return _train(options, Trainer(preset, batches, device, group), batches.labels, page)


def _train(options: Train, trainer: Trainer, labels: Tensor | None, page: LivePage) -> int:
    if resume(trainer, options.out):
        page.say(f"Going on from {trainer.images_seen / 1000:.1f} kimg.")
        for change in trainer.history:
            if change["images"] == trainer.images_seen:
                page.say(
                    f"  {change['setting']} is {change['after']} from now on, it was {change['before']}."
                )
        if options.initial is not None:
            page.say("  --initial is not used: the run has a snapshot of its own.")
    elif options.initial is not None:
        start = load(options.initial, trainer.device)
        if anew := trainer.start_from(start.generator, start.discriminator):
            page.say(f"The discriminator's {', '.join(anew)} start anew: they have another form.")
    if labels is not None:
        trainer.take_labels(labels)
    provenance = {
        "dataset": options.data.name,
        "dataset_images": trainer.data.size,
        "preset": options.preset,
        "initial": options.initial.name if options.initial is not None else "",
        "training": asdict(trainer.preset.training),
        "processes": trainer.workers.count,
        "commit": _commit(),
    }
    directory = (
        RunDirectory(options.out, trainer.preset, provenance, trainer.images_seen)
        if trainer.workers.leads
        else None
    )

    def on_step(report: StepReport) -> None:
        page.update(report)
        if directory is not None and trainer.step_count % _SCALAR_EVERY == 1:
            directory.log(report)

    def on_snapshot(trainer: Trainer) -> None:
        assert directory is not None
        page.snapshot(trainer.images_seen, directory.publish(trainer))

    try:
        with stop_on_interrupt() as stopped:
            finished = train(trainer, options.out, on_step=on_step, on_snapshot=on_snapshot, stopped=stopped)
    finally:
        if directory is not None:
            directory.close()
    if not finished:
        page.say(f"Stopped at {trainer.images_seen / 1000:.1f} kimg; the same command goes on from there.")
        return 130
    page.say(f"Done: {options.out}")
    return 0
