"""Make a procedural data set: `make_toy_set` as a function, `MakeData` and `run` for the command line."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import tyro

from pof3d.data import layout, toy_render
from pof3d.data.processes import ignore_interrupts, interrupts_held, processors
from pof3d.data.toy_sets import TOY_SETS, SetName
from pof3d.data.writer import DatasetWriter
from pof3d.errors import DatasetError

_LARGEST = 1024  # pixels
_RUN = 8  # images that a worker makes per order
_Record = tuple[bytes, bytes, float, float]


@dataclass(frozen=True)
class MakeData:
    """Make a procedural data set with known poses and depth."""

    out: Path
    """Folder or .zip file to write. It must not exist yet."""
    name: tyro.conf.Positional[SetName] = "toy-cats"
    """Which data set."""
    count: int = 10_000
    """Number of images."""
    resolution: int = 64
    """Pixels along each side of an image, 8 to 1024."""
    seed: int = 0
    """Seed. Image i depends on the seed and on i alone: a longer set begins with the shorter one."""
    workers: int = 0
    """Processes to work with; 0: as many as there are processors. The images do not depend on it."""


def _make_one(index: int, name: SetName, seed: int, resolution: int) -> _Record:
    s = TOY_SETS[name].sample(seed, index, resolution)
    return layout.encode_png(s.image), layout.encode_png(layout.depth_to_steps(s.depth)), s.yaw, s.pitch


def _make_run(indices: range, name: SetName, seed: int, resolution: int) -> list[_Record]:
    return [_make_one(index, name, seed, resolution) for index in indices]


def _records(count: int, name: SetName, seed: int, resolution: int, workers: int) -> Generator[_Record]:
    """Yield images 0 to `count` - 1 in order, a few runs per worker being made ahead."""
    if workers == 1:
        yield from (_make_one(index, name, seed, resolution) for index in range(count))
        return
    runs = (range(start, min(start + _RUN, count)) for start in range(0, count, _RUN))
    # "spawn": a fork of a process in which torch has started threads may hang.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), ignore_interrupts)
    try:
        ahead: deque[Future[list[_Record]]] = deque()
        for indices in runs:
            with interrupts_held():  # the first order starts the workers
                ahead.append(pool.submit(_make_run, indices, name, seed, resolution))
            if len(ahead) > 4 * workers:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    except BrokenProcessPool as error:
        raise DatasetError(
            "Making the data set failed",
            "a worker process ended early",
            "Try fewer --workers; 1 needs no other.",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def make_toy_set(
    name: SetName,
    out: Path,
    count: int,
    resolution: int,
    seed: int,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a procedural set with ground truth (the layout of `pof3d.data.layout`).

    Parameters
    ----------
    name : str
        Which one; a key of `pof3d.data.toy_sets.TOY_SETS`.
    out : Path
        Folder or .zip file to make; it appears only when complete.
    count : int, >= 1
    resolution : int, 8 to 1024
    seed : int, >= 0
        Image i is a function of (seed, i, resolution) alone.
    workers : int, >= 0
        Processes; 0: one per processor.
    progress : callable, optional
        Called with (images done, images in all).

    Raises
    ------
    DatasetError
        When a value is out of range, or `out` exists or cannot be written.
    """
    for option, value, low, high in (
        ("count", count, 1, 100_000_000),
        ("resolution", resolution, 8, _LARGEST),
        ("seed", seed, 0, 2**63),
        ("workers", workers, 0, 1024),
    ):
        if not low <= value <= high:
            raise DatasetError(
                f"Cannot make the data set: {option} is {value}", f"it must lie in [{low}, {high}]"
            )
    toys = TOY_SETS[name]
    workers = min(workers or processors(), count)
    intrinsics = toy_render.intrinsics(toys.camera)
    with DatasetWriter(out) as writer:
        writer.describe(dataset=name, version=toys.version, seed=seed, resolution=resolution)
        with closing(_records(count, name, seed, resolution, workers)) as records:
            for done, (image, depth, yaw, pitch) in enumerate(records, 1):
                writer.add(
                    image,
                    cam2world=toy_render.cam2world(yaw, pitch, toys.camera),
                    intrinsics=intrinsics,
                    yaw=yaw,
                    pitch=pitch,
                    depth_png=depth,
                )
                if progress is not None:
                    progress(done, count)


def run(options: MakeData) -> int:
    """Make the set with a progress bar on the terminal; the body of ``python -m pof3d make-data``.

    Parameters
    ----------
    options : MakeData

    Returns
    -------
    int
        Exit status: 0, or 130 after Ctrl-C (nothing is left behind then).

    Raises
    ------
    DatasetError
        As `make_toy_set`.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
    )
    try:
        with bar:
            task = bar.add_task(options.name, total=options.count, rate="")

            def show(done: int, total: int) -> None:
                speed = bar.tasks[0].speed
                bar.update(task, completed=done, rate=f"{speed:.0f} images/s" if speed else "")

            make_toy_set(
                options.name,
                options.out,
                options.count,
                options.resolution,
                options.seed,
                options.workers,
                progress=show,
            )
    except KeyboardInterrupt:
        console.print(f"Interrupted; nothing was written to {options.out}.")
        return 130
    console.print(f"Wrote {options.count} images of {options.resolution}² to {options.out}.")
    return 0
