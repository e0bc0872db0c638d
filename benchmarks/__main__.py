"""``python -m benchmarks``: measure everything, or parts of it, and write figures, tables and plots."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import tyro
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from benchmarks import report, targets
from benchmarks.networks import ASSETS
from benchmarks.parts import PARTS, Part
from benchmarks.record import FILE, Record, Settings, described, machine
from benchmarks.timing import Pace
from pof3d.devices import find_device
from pof3d.errors import ConfigError, Pof3dError
from pof3d.memory import keep_freed_memory

QUICK = Pace(rounds=2, seconds=0.5, least=1, warm_up=1)
PartName = Literal[
    "rendering",
    "quality",
    "resolution",
    "growth",
    "memory",
    "motion",
    "window",
    "cold_start",
    "interaction",
    "training",
    "data",
    "loading",
]
NetworkName = Literal["ffhq", "cars", "toy-cats", "toy-cars"]


@dataclass(frozen=True)
class Benchmarks:
    """Measure the fast renderer against the plain one, the program, training and data. Wants an idle machine.

    All of it takes about twenty minutes on two cores. Ctrl+C stops, and keeps what is done.
    """

    out: Path = Path("out/benchmarks")
    """Folder for benchmarks.json, benchmarks.md and the plots."""
    only: tuple[PartName, ...] = ()
    """Parts to measure. The others stay as they are in the folder, if measured alike on this machine."""
    networks: tuple[NetworkName, ...] = ("ffhq", "cars", "toy-cats", "toy-cars")
    """Networks to render with: ffhq and cars of full size with random weights, and the bundled ones."""
    checkpoint: Path = ASSETS / "toy-cats.safetensors"
    """Network that interaction is measured with."""
    device: str = "cpu"
    """Where networks run: cpu or cuda. On a GPU only the parts about rendering are measured."""
    threads: int = torch.get_num_threads()
    """Torch threads."""
    rounds: int = 30
    """Repetitions, at most; the slowest works get a third of them."""
    seconds: float = 12.0
    """For all repetitions of one work, together; up to three times that for the first three."""
    quick: bool = False
    """Small networks and a few rounds, to see that everything works."""


def chosen_parts(options: Benchmarks, device: torch.device) -> list[Part]:
    """What is to be measured.

    Raises
    ------
    ConfigError
        For a part that needs the CPU, on a GPU.
    """
    parts = [part for part in PARTS if not options.only or part.name in options.only]
    if device.type == "cpu":
        return parts
    if wrong := [part.name for part in parts if options.only and not part.gpu]:
        raise ConfigError(f"--only {' '.join(wrong)} cannot be measured on a GPU", todo="Leave --device out.")
    return [part for part in parts if part.gpu]


def settings_of(options: Benchmarks) -> Settings:
    """How to measure.

    Raises
    ------
    ConfigError, DeviceError
        When an option cannot be used.
    """
    for name, value in (("threads", options.threads), ("rounds", options.rounds)):
        if value < 1:
            raise ConfigError(f"--{name} {value} cannot be used", "it must be at least 1")
    pace = QUICK if options.quick else Pace(options.rounds, options.seconds, min(3, options.rounds))
    return Settings(
        threads=options.threads,
        device=find_device(options.device),
        pace=pace,
        quick=options.quick,
        networks=options.networks,
        checkpoint=options.checkpoint,
    )


def run(options: Benchmarks, console: Console) -> int:
    """Measure and write; the exit status is 1 where a part failed, 130 after Ctrl+C.

    Raises
    ------
    Pof3dError
        When an option cannot be used, or nothing can be written.
    """
    settings = settings_of(options)
    parts = chosen_parts(options, settings.device)
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    facts = machine(settings)
    record = Record.resumed(options.out / FILE, facts) if options.only else Record(facts)
    console.print(described(facts), markup=False, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    status = 0
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=len(parts))
        try:
            for part in parts:
                failure = _measure(part, settings, record, _teller(progress, bar, part), options.out, console)
                console.print(f"{part.title}: {failure or 'done'}", markup=False, highlight=False)
                status = max(status, int(failure is not None))
                progress.advance(bar)
        except KeyboardInterrupt:
            console.print("Interrupted; what was measured before is kept.")
            status = 130
    report.write(record, options.out)
    if console.is_terminal:
        console.print(Markdown(targets.table(record.parts, facts["device"])))
    console.print(f"Written to {options.out}", markup=False, highlight=False)
    return status


def _teller(progress: Progress, bar: TaskID, part: Part) -> Callable[[str], None]:
    def tell(what: str) -> None:
        progress.update(bar, description=f"{part.title}: {what}")

    return tell


def _measure(
    part: Part,
    settings: Settings,
    record: Record,
    tell: Callable[[str], None],
    folder: Path,
    console: Console,
) -> str | None:
    """Measure a part, and keep its results as they come. Gives what went wrong."""
    tell("begins")
    record.begin(part.name)
    try:
        for key, found in part.measure(settings, tell):
            record.parts[part.name][key] = found
            record.write(folder / FILE)
    except Exception as error:  # whatever breaks one part, the others are measured and kept
        if not isinstance(error, Pof3dError):
            console.print_exception()
        record.parts[part.name]["failed"] = f"{type(error).__name__}: {error}"
        return str(record.parts[part.name]["failed"])
    return None


if __name__ == "__main__":
    try:
        sys.exit(run(tyro.cli(Benchmarks, description=Benchmarks.__doc__), Console(stderr=True)))
    except Pof3dError as problem:
        sys.exit(f"Error: {problem}")
