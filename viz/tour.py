"""A short session of the window without a screen: the same interface, made-up input, recorded as a video."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro
from numpy.typing import NDArray

from pof3d.download import download, is_url
from pof3d.errors import Pof3dError
from viz.files import replacing
from viz.start import bundled_checkpoints, first_view, make_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.app import App
    from viz.encoders import Encoder
    from viz.layout import Placement

FPS = 30
LENGTH = 270
"""Frames of the tour, about."""
_PATIENCE = 120.0


@dataclass(frozen=True)
class TourOptions:
    """Render a short session of the window offscreen, as a video and a picture."""

    file: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None
    """Checkpoint to show, or its http(s) address, or what was saved here with its view; the bundled one by
    default."""
    out: Path = Path("out")
    """Folder for tour.mp4 and tour.png."""
    size: tuple[int, int] = (1280, 720)
    """Width and height of the window, pixels."""


def run_tour(options: TourOptions, placements: Callable[[], Sequence[Placement]]) -> int:
    """Record the tour.

    Parameters
    ----------
    options : TourOptions
        From the command line.
    placements : callable
        Gives the panels.

    Returns
    -------
    int
        Exit status: 0, or 1 when it could not be made.
    """
    try:
        paths = record_tour(options, placements, _progress("Recording a tour of the window"))
    except Pof3dError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    for path in paths:
        print(path)
    return 0


def _local(file: str | None) -> Path | None:
    """The file asked for, fetched where it is in the net."""
    if file is None or not is_url(file):
        return None if file is None else Path(file)
    report = _progress(f"Fetching {file}")

    def show(done: int, total: int | None) -> None:
        report(done / total if total else 0.0)

    return download(file, progress=show, allow_large=True)


def record_tour(
    options: TourOptions,
    placements: Callable[[], Sequence[Placement]],
    report: Callable[[float], None],
    pace: float = 1.0,
) -> list[Path]:
    """Record the tour; the paths of video and picture.

    Parameters
    ----------
    options, placements
        See :func:`run_tour`.
    report : callable
        Takes the share that is done.
    pace : float
        How fast the visitor moves; 1 makes a tour of :data:`LENGTH` frames.

    Raises
    ------
    Pof3dError
        When nothing can be drawn, opened or written.
    """
    from viz.window import OffscreenWindow  # isort: skip  (first: it says what the system lacks)
    from viz.app import App
    from viz.encoders import encoding
    from viz.files import save_error
    from viz.marks import Registry
    from viz.surroundings import Surroundings

    bundled = bundled_checkpoints()
    view = first_view(_local(options.file), None, bundled)
    if not view.network.path:
        raise Pof3dError(
            "there is nothing to show", "no checkpoint is bundled", "Name one: visualizer.py tour FILE."
        )
    folder = options.out.expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise save_error(folder, error) from error
    width, height = (side - side % 2 for side in options.size)
    with ExitStack() as stack:
        # Two frames are drawn for one of the video: one takes the input, the next shows what came of it.
        window = OffscreenWindow((width, height), frame_seconds=1 / (2 * FPS))
        stack.callback(window.close)
        program = make_program(view, Surroundings(bundled=bundled, capture_folder=folder), window.wake)
        app = App(window, program, placements(), registry=Registry())
        stack.callback(app.close)
        video, picture = folder / "tour.mp4", folder / "tour.png"
        with replacing(video) as part, encoding(part, "mp4", (width, height), FPS) as encoder:
            last = _play(app, encoder, report, pace)
        _save(last, picture)
    report(1.0)
    return [video, picture]


def _play(app: App, encoder: Encoder, report: Callable[[float], None], pace: float) -> NDArray[np.uint8]:
    from imgui_bundle import imgui

    from viz.testing import Driver, Target

    class Visitor(Driver):
        """A user whose every move is one frame of the video, shown in full quality."""

        recording = False
        last: NDArray[np.uint8]
        frames = 0

        def frame(self, count: int = 1) -> None:
            for _ in range(max(1, round(count / pace))):
                self.app.frame()
                if not self.recording:
                    continue
                self._wait()
                pixels = self.app.frame(capture=True)
                assert pixels is not None
                self.last = pixels
                encoder.add(pixels)
                self.frames += 1
                report(min(self.frames * pace / LENGTH, 0.99))

        def move(self, target: Target, steps: int = 1) -> None:
            super().move(target, max(1, round(steps / pace)))

        def _wait(self) -> None:
            deadline = time.monotonic() + _PATIENCE
            rendering = self.app.program.rendering
            while rendering.busy and time.monotonic() < deadline:
                self.app.window.poll(0.005)

    visitor = Visitor(app)
    visitor.wait_until(lambda: app.program.frame is not None or app.program.error is not None, _PATIENCE)
    if app.program.error is not None:
        raise app.program.error
    rendering = app.program.rendering
    network = rendering.network_info
    if network is None or not network.is_conditioned:
        visitor.wait_until(lambda: _complete(rendering.histogram), _PATIENCE)
    visitor.settle(_PATIENCE)
    imgui.get_io().mouse_draw_cursor = True
    visitor.recording = True
    _itinerary(visitor)
    return visitor.last


def _complete(histogram: object) -> bool:
    from viz.panel import PoseHistogram

    return isinstance(histogram, PoseHistogram) and histogram.samples >= histogram.target


def _itinerary(visitor: object) -> None:
    from imgui_bundle import imgui

    from viz.testing import Driver

    assert isinstance(visitor, Driver)
    go = visitor
    picture = go.rect("Viewport")
    left, right = picture.at(0.43, 0.51), picture.at(0.58, 0.45)
    # The pose that the generator predicts, then around the object by hand.
    go.mouse = picture.at(0.75, 0.85)
    go.frame(8)
    go.move(picture.at(0.5, 0.5), 8)
    go.drag(picture.at(0.5, 0.5), left, steps=14, release=False)
    go.move(right, 24)
    go.button(False)
    go.frame(4)
    # Other latents: by key, and between seeds on the map.
    for _ in range(4):
        go.type("]")
        go.frame(4)
    seeds = go.rect("Latent/Seed map")
    go.move(seeds.at(0.6, 0.5), 8)
    go.drag(seeds.at(0.6, 0.5), seeds.at(0.22, 0.2), steps=26)
    go.frame(3)
    # Depth, while the camera moves.
    go.move(right, 6)
    go.key(imgui.Key.d)
    go.drag(right, left, steps=22)
    go.key(imgui.Key.d)
    # Poses that the generator has learned.
    heat = go.rect("Pose histogram/Map")
    for x, y in ((0.30, 0.42), (0.68, 0.55)):
        go.move(heat.at(x, y), 7)
        go.click(heat.at(x, y))
        go.frame(7)
    # Home again, and the turntable.
    go.move(picture.at(0.6, 0.8), 6)
    go.double_click(picture.at(0.6, 0.8))
    go.frame(3)
    go.key(imgui.Key.space)
    go.frame(56)
    go.key(imgui.Key.space)
    go.frame(6)


def _save(pixels: NDArray[np.uint8], path: Path) -> None:
    from viz.captures import save_pixels

    save_pixels(np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]), path)


def _progress(what: str) -> Callable[[float], None]:
    """A line that moves on a terminal; a few lines elsewhere."""
    terminal, told = sys.stderr.isatty(), [-1.0]

    def report(share: float) -> None:
        if share - told[0] < (0.01 if terminal else 0.25) and share < 1.0:
            return
        told[0] = share
        ending = "\n" if share >= 1.0 or not terminal else ""
        start = "\r" if terminal else ""
        print(f"{start}{what}: {share:4.0%}", end=ending, file=sys.stderr, flush=True)

    return report
