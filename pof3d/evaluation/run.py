"""``python -m pof3d evaluate``: all figures of a network on a set, as JSON and as a page.

What computes and draws is imported when it is needed: other commands start faster without it.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pof3d.checkpoint import load
from pof3d.data.folder import ImageFolder
from pof3d.devices import find_device
from pof3d.errors import ConfigError
from pof3d.files import replacing
from pof3d.memory import keep_freed_memory

if TYPE_CHECKING:
    from pof3d.evaluation.figures import Evaluation, Settings, Stage

FIGURES_FILE, REPORT_FILE = "figures.json", "report.html"


@dataclass(frozen=True)
class Evaluate:
    """Measure a network against a data set: poses, images, depth, multi-view consistency."""

    network: tyro.conf.Positional[Path]
    """Checkpoint: native or released."""
    data: Path
    """Folder or .zip of images, preferably not those trained on. Its true poses and depth, where it has them,
    are compared with."""
    out: Path
    """Folder for figures.json and report.html; those of an earlier evaluation are replaced at the very
    end."""
    count: int = 1000
    """Generated images, and at most as many real ones, for FID and KID. Nearly all the time goes here."""
    depth_count: int = 256
    """Images for depth, normals, and D's poses of generated images."""
    pairs: int = 64
    """Identities rendered twice for the reprojection error."""
    turn: float = 15.0
    """Degrees of yaw between the two views of a pair."""
    latents: int = 20_000
    """Latents for the learned pose distribution."""
    inception: Path | None = None
    """Inception weights of FID (pt_inception-2015-12-05-6726825d.pth, or the same as .safetensors), for
    figures that can be compared with published ones. Without it only the toy probe's features are used."""
    device: str = "auto"
    """cpu, cuda or auto."""
    threads: int = 0
    """Processor threads; 0: as torch chooses."""
    seed: int = 0
    """Of the latents."""

    def settings(self) -> Settings:
        """The part that figures depend on.

        Raises
        ------
        ConfigError
            When a value is out of range.
        """
        for name, value, low, high in (
            ("count", self.count, 4, 1_000_000),
            ("depth-count", self.depth_count, 1, 100_000),
            ("pairs", self.pairs, 1, 100_000),
            ("turn", self.turn, 0.0, 180.0),
            ("latents", self.latents, 2, 10_000_000),
            ("threads", self.threads, 0, 1024),
            ("seed", self.seed, 0, 2**63 - 1),
        ):
            if not low <= value <= high:
                raise ConfigError(f"--{name} {value:g} cannot be used", f"it must lie in {low:g} to {high:g}")
        from pof3d.evaluation.figures import Settings

        return Settings(
            count=self.count,
            depth_count=self.depth_count,
            pairs=self.pairs,
            turn=math.radians(self.turn),
            latents=self.latents,
            inception=self.inception,
            seed=self.seed,
        )


def run(options: Evaluate) -> int:
    """Evaluate as asked; returns the process's exit status (0, or 130 after Ctrl-C).

    Raises
    ------
    CheckpointError, ConfigError, DatasetError, DeviceError
        Each with one clear message.
    """
    console = Console(stderr=True)
    settings = options.settings()
    keep_freed_memory()
    if options.threads > 0:
        torch.set_num_threads(options.threads)
    device = find_device(options.device)
    from pof3d.evaluation import figures, report  # early: it says when matplotlib is missing

    _prepare(options.out)
    try:
        with _stages(console) as stage:
            stage("Opening the network", 1)
            net = load(options.network, device)
            with ImageFolder(options.data) as folder:
                found = figures.evaluate(net, folder, settings, stage)
            stage("Drawing the report", 1)
            page = report.page(found)
        _write(options.out, found, page)
    except KeyboardInterrupt:
        console.print(f"Interrupted; {options.out} is as it was.", markup=False)
        return 130
    for line in found.headlines():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for line in found.skipped_lines():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    print(options.out / REPORT_FILE)
    return 0


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _failure(folder, error) from error


def _write(folder: Path, found: Evaluation, page: str) -> None:
    try:
        with replacing(folder / FIGURES_FILE) as figures, replacing(folder / REPORT_FILE) as html:
            figures.write_text(found.json() + "\n", encoding="utf-8")
            html.write_text(page, encoding="utf-8")
    except OSError as error:
        raise _failure(folder, error) from error


def _failure(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot write to {folder}", error.strerror or str(error), "Give another folder with --out."
    )


@contextmanager
def _stages(console: Console) -> Iterator[Stage]:
    """Progress bars, one a stage; a stage ends when the next begins."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def stage(name: str, total: int) -> Callable[[int], None]:
            for task in progress.tasks:
                progress.update(task.id, completed=task.total)
            current = progress.add_task(name, total=total)
            return lambda done: progress.advance(current, done)

        yield stage
