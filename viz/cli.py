"""The commands without a window: ``render`` one picture, ``record`` a video, ``grid`` of pictures.

Engine, Views and pixels are the window's own. Nothing heavy is imported until the options are understood.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from pof3d.errors import ConfigError, Pof3dError
from viz.files import check_target
from viz.grid_options import Grid, build_grid, joined_lists
from viz.options import PictureOptions, Record, Render, build_request, build_view, parse, posed
from viz.session_options import base_view, with_session, with_timeline
from viz.timeline import Timeline
from viz.video_panes import ONLY_IMAGES, asked_size, geometry_left_out, video_size
from viz.view import View

if TYPE_CHECKING:
    from rich.progress import Progress

    from viz.engine import Engine

CANCELLED = 130
"""Exit status after Ctrl-C, as shells have it, and after SIGTERM."""


MOST_THREADS = 1024
Token = Callable[[], bool]
Job = Callable[["Engine", "Progress", Token], None]


def run(command: str, arguments: Sequence[str]) -> int:
    """Run ``render``, ``record`` or ``grid``.

    Returns
    -------
    int
        Exit status: 0; 1 when it failed; 2 when an option has a bad value; 130 after Ctrl-C.
    """
    commands: dict[str, type[PictureOptions]] = {"render": Render, "record": Record, "grid": Grid}
    options = parse(commands[command], joined_lists(arguments) if command == "grid" else arguments)
    try:
        options, session = with_session(options)
        if isinstance(options, Record):
            options = with_timeline(options, session)
        view = build_view(options, base_view(options.view, session))
        job = _job(view, options, session.timeline if session is not None else None)
        check_threads(options.threads)
    except Pof3dError as error:
        return complain(error, 2)
    return carry_out(view, job, options.out, options.device, options.threads)


def check_threads(threads: int | None) -> None:
    """Refuse a number of threads that cannot be."""
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise ConfigError(f"{threads} threads cannot be used", f"it must be 1 to {MOST_THREADS}")


def carry_out(view: View, job: Job, out: Path, device: str, threads: int | None) -> int:
    """Open a View's checkpoint, do the job and print the file that it has written; the exit status."""
    try:
        with _interrupts() as cancelled, _progress() as progress:
            engine = _engine(device, threads)
            try:
                _open(engine, view, progress, cancelled)
                job(engine, progress, cancelled)
            except _cancelled_class():
                raise KeyboardInterrupt from None
    except Pof3dError as error:
        return complain(error, 1)
    except KeyboardInterrupt:
        print("Cancelled; nothing was written.", file=sys.stderr)
        return CANCELLED
    print(out)
    return 0


def _job(view: View, options: PictureOptions, timeline: Timeline | None) -> Job:
    if isinstance(options, Record):
        return _recording(view, options, timeline)
    if isinstance(options, Grid):
        return _grid(view, options)
    assert isinstance(options, Render)
    return _rendering(view, options)


def complain(error: Pof3dError, status: int) -> int:
    """Print an error; the exit status."""
    print(f"Error: {error}", file=sys.stderr)
    return status


@contextmanager
def _interrupts() -> Iterator[Token]:
    """Ctrl-C pulls the cancel token, as does SIGTERM; a second one breaks off at once."""
    pulled = threading.Event()

    def pull(number: int, frame: FrameType | None) -> None:
        pulled.set()
        signal.signal(number, before[signal.Signals(number)])

    if threading.current_thread() is not threading.main_thread():
        yield pulled.is_set
        return
    before = {number: signal.signal(number, pull) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield pulled.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
    )
    console = Console(stderr=True)
    columns = (*columns, TimeRemainingColumn())
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        yield progress


def _engine(device: str, threads: int | None) -> Engine:
    import torch

    from pof3d.memory import keep_freed_memory
    from viz.engine import Engine

    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    return Engine(device)


def _cancelled_class() -> type[Exception]:
    from viz.stages import Cancelled

    return Cancelled


def _open(engine: Engine, view: View, progress: Progress, cancelled: Token) -> None:
    task = progress.add_task("Opening the checkpoint", total=1.0, count="")

    def report(fraction: float, stage: str) -> None:
        progress.update(task, completed=fraction, description=stage)

    engine.load(view.network.path, progress=report, cancelled=cancelled)
    progress.remove_task(task)


def _rendering(view: View, options: Render) -> Job:
    """Check everything that can be checked without the network; the rest is the job."""
    if options.out.suffix.lower() != ".png":
        raise ConfigError(f"{options.out.name} is no name for a picture", "it should end in .png")
    check_target(options.out)
    posed(view, options, lambda _: (0.0, 0.0))
    if view.display.geometry != "image":
        print("This renders the image: the window alone draws the surface and the points.", file=sys.stderr)

    def render(engine: Engine, progress: Progress, cancelled: Token) -> None:
        from viz.captures import save_image

        def predicted(of: View) -> tuple[float, float]:
            pose = engine.predicted_pose(of)
            return pose.yaw, pose.pitch

        progress.add_task("Rendering", total=None, count="")
        save_image(engine.render(posed(view, options, predicted), "full", cancelled), options.out)

    return render


def _recording(view: View, options: Record, timeline: Timeline | None) -> Job:
    from viz.encoders import check_encoder

    request = build_request(options, timeline)
    check_encoder(request.format)
    if geometry_left_out(view, request):
        print(ONLY_IMAGES, file=sys.stderr)
    if asked_size(view, request) != video_size(view, request):
        width, height = video_size(view, request)
        print(f"Rounded up to {width} × {height} pixels: videos want even numbers.", file=sys.stderr)

    def record(engine: Engine, progress: Progress, cancelled: Token) -> None:
        from viz import recorder

        task = progress.add_task("Recording", total=request.frames, count="")

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, count=f"{done} of {total} frames")

        recorder.record(engine, view, request, options.out, progress=report, cancelled=cancelled)

    return record


def _grid(view: View, options: Grid) -> Job:
    request = build_grid(view, options)

    def make(engine: Engine, progress: Progress, cancelled: Token) -> None:
        from viz.captures import save_pixels
        from viz.grid import make_grid

        task = progress.add_task("Rendering", total=len(request.seeds) * len(request.yaws), count="")

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, count=f"{done} of {total} pictures")

        pixels = make_grid(engine, view, request, progress=report, cancelled=cancelled)
        save_pixels(pixels, options.out, view)

    return make
