"""Make `docs/results.md`: evaluate the runs of `scripts.experiments`, then write the document and its plots.

    python -m scripts.make_results collect --runs runs/results --test-data data/toy-cats-64-test.zip
    python -m scripts.make_results write

``collect`` keeps one small file of figures and one strip of samples of each run in ``docs/results``;
``write`` needs nothing else. Texts by hand, by section, stand in ``docs/results/commentary.toml``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pof3d.errors import CheckpointError, ConfigError, DatasetError, Pof3dError
from pof3d.evaluation.figures import Stage
from pof3d.memory import keep_freed_memory
from scripts.experiments import EXPERIMENTS
from scripts.results import collect as collecting
from scripts.results import document
from scripts.results.records import BUNDLES, Places, Protocol


@dataclass(frozen=True)
class Collect:
    """Evaluate finished runs and the bundled networks; unchanged ones are skipped."""

    test_data: Path
    """Toy cats that were not trained on, with true poses and depth."""
    runs: Path = Path("runs/results")
    """Folder of run directories ``NAME-seedS``."""
    cats: Path = Path("assets/toy-cats.safetensors")
    """The toy-cats network, or its run directory; need not exist."""
    cars: Path = Path("assets/toy-cars.safetensors")
    """The toy-cars network, or its run directory; need not exist."""
    cars_test_data: Path | None = None
    """Toy cars that were not trained on. Without it the cars are left out."""
    only: tuple[str, ...] = ()
    """Names of experiments, with or without seed, and of bundled networks; none: all."""
    docs: Path = Path("docs")
    """Where the document is to stand."""
    unfinished: bool = False
    """Evaluate runs that have not reached their length, too. The document marks them."""
    again: bool = False
    """Evaluate unchanged ones again."""
    images: int = 1000
    """Test images whose poses D predicts."""
    generated: int = 500
    """Generated and test images for the FID: nearly all the time."""
    depths: int = 256
    """Generated and test images for depth."""
    latents: int = 20_000
    """For the learned pose distribution."""
    threads: int = 1
    """Processor threads."""


@dataclass(frozen=True)
class Write:
    """Write the document and its plots from what was collected."""

    docs: Path = Path("docs")
    """Where the document is to stand."""


def sources(options: Collect, say: Callable[[str], None]) -> Iterator[tuple[collecting.Source, Path]]:
    """What there is to evaluate, each with its test set; says what is left out, and why."""
    for name, path, data in zip(
        BUNDLES, (options.cats, options.cars), (options.test_data, options.cars_test_data), strict=True
    ):
        if options.only and name not in options.only:
            continue
        if not path.exists():
            say(f"{name}: left out, there is no {path}")
        elif data is None:
            say(f"{name}: left out, --cars-test-data was not given")
        else:
            try:
                yield collecting.bundle_source(path, name), data
            except CheckpointError as error:
                say(f"{name}: left out, {error}")
    if not options.runs.is_dir():
        say(f"There is no folder {options.runs}: no experiment was evaluated.")
        return
    for run in sorted(options.runs.iterdir()):
        match = re.fullmatch(r"(.+)-seed(\d+)", run.name)
        if options.only and not {run.name, match[1] if match else run.name} & set(options.only):
            continue
        if match is None or match[1] not in EXPERIMENTS:
            say(f"{run.name}: left out, it is not named like a run of scripts.experiments")
            continue
        try:
            yield collecting.run_source(run, match[1], int(match[2])), options.test_data
        except CheckpointError as error:
            say(f"{run.name}: left out, {error}")


def _checked(options: Collect) -> None:
    known = {*EXPERIMENTS, *BUNDLES}
    for name in options.only:
        if re.sub(r"-seed\d+$", "", name) not in known:
            raise ConfigError(f"--only {name} is unknown", f"there are {', '.join(sorted(known))}")
    for option, value, least in (
        ("images", options.images, 16),
        ("generated", options.generated, 4),
        ("depths", options.depths, 1),
        ("latents", options.latents, 2),
        ("threads", options.threads, 1),
    ):
        if value < least:
            raise ConfigError(f"--{option} {value} cannot be used", f"it must be at least {least}")
    for data in (options.test_data, options.cars_test_data):
        if data is not None and not data.exists():
            todo = "Make one with `python -m pof3d make-data` and a seed of its own."
            raise DatasetError(f"there is no data set {data}", todo=todo)


def collect(options: Collect) -> int:
    """Evaluate what is new; the exit status is 1 where something failed, 130 after Ctrl-C.

    Raises
    ------
    ConfigError, DatasetError
        When an option cannot be used.
    """
    _checked(options)
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    console = Console(stderr=True)
    places = Places(options.docs)
    failed = 0

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    protocols = {
        data: Protocol(
            test_set=collecting.describe_set(data),
            test_sha256=collecting.digest(data),
            images=options.images,
            generated=options.generated,
            depths=options.depths,
            latents=options.latents,
        )
        for data in (options.test_data, options.cars_test_data)
        if data is not None
    }
    try:
        for source, data in sources(options, say):
            protocol = protocols[data]
            try:
                seen, planned = collecting.progress(source)
                if planned is not None and seen < planned and not options.unfinished:
                    say(f"{source.label}: left out, it has seen {seen:,} of {planned:,} images")
                    continue
                if not options.again and collecting.is_current(source, protocol, places):
                    say(f"{source.label}: unchanged")
                    continue
                with _stages(console, source.label) as stage:
                    record = collecting.collect(source, data, protocol, places, stage)
            except Pof3dError as error:
                say(f"{source.label}: failed. {error}")
                failed += 1
            else:
                correlation = record.figure("pose", "yaw", "predicted_against_true", "correlation")
                words = "no prediction" if correlation is None else f"yaw correlation {correlation:.3f}"
                say(f"{source.label}: {words}")
    except KeyboardInterrupt:
        say("Interrupted; what was collected before is kept.")
        return 130
    return int(failed > 0)


@contextmanager
def _stages(console: Console, label: str) -> Iterator[Stage]:
    """A progress bar for one network; a stage ends when the next begins."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        current = progress.add_task(label)

        def stage(name: str, total: int) -> Callable[[int], None]:
            progress.reset(current, description=f"{label}: {name.lower()}", total=total)
            return lambda done: progress.advance(current, done)

        yield stage


def main(options: Collect | Write) -> int:
    """Do what was asked for."""
    if isinstance(options, Collect):
        return collect(options)
    print(document.write(Places(options.docs)))
    return 0


if __name__ == "__main__":
    Command = (
        Annotated[Collect, tyro.conf.subcommand("collect")] | Annotated[Write, tyro.conf.subcommand("write")]
    )
    try:
        sys.exit(main(tyro.cli(Command, description=__doc__)))
    except Pof3dError as problem:
        sys.exit(f"Error: {problem}")
