"""What the window itself costs: the interface's work per frame, rest, the rhythm under load, the start.

The interface's work and the rhythm are measured offscreen, where nothing is painted: painting is the graphics
card's, or on machines without one the software renderer's, work. Rest and start are those of the real program
in a window of GLFW's, on the display that there is or on a virtual one (Xvfb).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.panel import Watching
from viz.view import PoseView, View

if TYPE_CHECKING:
    from viz.app import App
    from viz.layout import Placement
    from viz.panel import Actions, PanelContext

SIZE = (1920, 1080)
LATE_MILLISECONDS = 20.0
"""A frame that comes so long after the one before is late: 60 Hz are 16.7 ms."""
_PATIENCE = 180.0
_SHELL = """
import subprocess, sys, time
script, *rest = sys.argv[1:]
sys.exit(subprocess.call([sys.executable, script, repr(time.time()), *rest]))
"""
_CHILD = Path(__file__).with_name("window_child.py")


@dataclass(frozen=True)
class Spread:
    """Milliseconds."""

    median: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Work:
    """The interface's work per frame in one situation."""

    situation: str
    processor: Spread
    """Time of the window's thread."""
    wall: Spread
    panels: dict[str, Spread]
    """Processor time of each panel, in the frames that drew it."""


@dataclass(frozen=True)
class Rhythm:
    """How regularly frames come while the model works without pause."""

    seconds: float
    frames: int
    late: int
    """More than :data:`LATE_MILLISECONDS` after the one before."""
    interval: Spread
    pictures: float
    """Of the model, per second."""


@dataclass(frozen=True)
class WindowCost:
    """All that is measured in this process."""

    work: tuple[Work, ...]
    rhythm: Rhythm


@dataclass(frozen=True)
class Rest:
    """Share of one processor core that the program takes when nothing happens."""

    window: str
    share: float
    frames: int
    share_after_mouse: float
    """After the mouse has moved over it, and rests on a panel."""
    seconds: float


@dataclass(frozen=True)
class ColdStart:
    """Seconds from the start of the process, medians. Its files may be in the system's memory."""

    runs: int
    stages: dict[str, float]
    """When what was reached, in this order; the last one is the first picture in full quality."""


def spread(values: Sequence[float]) -> Spread:
    """Median, 95th and 99th percentile."""
    return Spread(*(float(value) for value in np.percentile(values, [50, 95, 99])))


# ------------------------------------------------------------------------------------------ in this process
class _Timed:
    """A panel that is timed."""

    def __init__(self, placement: Placement) -> None:
        self.panel = placement.panel
        self.title = self.panel.title
        self.milliseconds: list[float] = []
        if isinstance(self.panel, Watching):
            self.watch = self.panel.watch

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        began = time.thread_time()
        view = self.panel.draw(view, context, actions)
        self.milliseconds.append(1e3 * (time.thread_time() - began))
        return view


def tiled(layout: str, titles: Sequence[str]) -> str:
    """An arrangement in which every panel shows in its full size, as a window of its own over the picture."""
    across, width, height = 6, 320, 352
    places = {}
    for i, title in enumerate(title for title in titles if title != "Timeline"):
        places[title] = (i % across * width, 24 + i // across * height, width - 4, height - 4)
    rest = len(places)
    left = rest % across * width
    places["Timeline"] = (left, 24 + rest // across * height, SIZE[0] - left, height - 4)

    def place(block: str) -> str:
        found = re.match(r"\[Window\]\[(.*)\]", block)
        if found is None or found[1] not in places:
            return block
        x, y, wide, high = places[found[1]]
        return f"[Window][{found[1]}]\nPos={x},{y}\nSize={wide},{high}\nCollapsed=0\n\n"

    return "".join(map(place, re.split(r"(?m)^(?=\[)", layout)))


def _open(checkpoint: Path, threads: int | None) -> tuple[App, list[_Timed]]:
    """The whole program offscreen; nothing is remembered."""
    import visualizer
    from viz.window import OffscreenWindow  # isort: skip  (first: PyOpenGL chooses its platform)
    from viz.app import App
    from viz.start import bundled_checkpoints, first_view, make_program
    from viz.surroundings import Surroundings
    from viz.threads import take_short_turns

    take_short_turns()
    bundled = bundled_checkpoints()
    window = OffscreenWindow(SIZE, frame_seconds=None)
    view = first_view(checkpoint, None, bundled)
    program = make_program(view, Surroundings(bundled=bundled), window.wake, threads=threads)
    placements = visualizer.placements()
    timed = [_Timed(placement) for placement in placements]
    app = App(window, program, [replace(p, panel=t) for p, t in zip(placements, timed, strict=True)])
    _until(app, lambda: program.frame is not None)
    known = program.rendering
    _until(app, lambda: known.histogram is None or known.histogram.samples >= known.histogram.target)
    return app, timed


def _until(app: App, condition: Callable[[], object]) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if app.program.error is not None:
            raise app.program.error
        if time.monotonic() > end:
            raise TimeoutError(f"it did not come to that within {_PATIENCE:g} s")
        app.window.poll(0.005)
        app.frame()


def _show_everything(app: App, titles: Sequence[str]) -> None:
    """All panels beside each other, a timeline with keyframes, and three pictures compared."""
    from imgui_bundle import imgui

    from viz.layout import VIEWPORT

    program = app.program
    program.panels_open.add("Timeline")
    _frames(app, 4)
    program.layout_wanted = tiled(app.layout, titles)
    for x in (1.0, 2.0, 3.0):
        program.edit(replace(program.view, latent=replace(program.view.latent, x=x)))
        _until(app, lambda: not program.rendering.busy)
        program.add_keyframe()
    for x in (5.0, 7.0):
        program.pin_view()
        program.edit(replace(program.view, latent=replace(program.view.latent, x=x)))
        _until(app, lambda: not program.rendering.busy)
    _until(app, lambda: not program.panes_waiting and program.inspector.state.internals is not None)
    _until(app, lambda: not program.moving)
    imgui.set_window_focus(VIEWPORT)  # as the press that begins a drag does
    _frames(app, 30)


def _frames(app: App, count: int) -> None:
    for _ in range(count):
        app.window.poll(0.0)
        app.frame()


def _orbit(app: App, i: int) -> None:
    program = app.program
    camera = replace(program.view.camera, yaw=0.3 * float(np.sin(0.1 * i)), pitch=1e-4 * i)
    pose = PoseView("free") if program.view.pose.source != "free" else program.view.pose
    program.edit(replace(program.view, pose=pose, camera=camera), "orbit")
    app.window.events += 1  # the mouse that does so


def _hover(app: App, i: int) -> None:
    width, height = SIZE
    app.window.on_mouse_move(20.0 + 37 * i % (width - 40), 40.0 + 53 * i % (height - 80))


def _work(app: App, timed: list[_Timed], situation: str, step: Callable[[int], None], frames: int) -> Work:
    processor, wall = [], []
    for panel in timed:
        panel.milliseconds.clear()
    for i in range(frames):
        step(i)
        app.window.poll(0.0)
        began, began_wall = time.thread_time(), time.perf_counter()
        app.frame()
        processor.append(1e3 * (time.thread_time() - began))
        wall.append(1e3 * (time.perf_counter() - began_wall))
        time.sleep(0.002)  # as a window that waits for the screen: others get their turn
    panels = {panel.title: spread(panel.milliseconds) for panel in timed if panel.milliseconds}
    return Work(situation, spread(processor), spread(wall), panels)


def _rhythm(app: App, seconds: float) -> Rhythm:
    """The program's own loop, as it runs in a window, while every frame brings another View."""
    window, times, pictures = app.window, [], [0]
    draw, end, seen = app.frame, time.perf_counter() + seconds, [app.program.frame]

    def frame(*, capture: bool = False) -> Any:
        now = time.perf_counter()
        times.append(now)
        _orbit(app, len(times))
        if app.program.frame is not seen[0]:
            seen[0] = app.program.frame
            pictures[0] += 1
        if now > end:
            window.request_close()
        return draw(capture=capture)

    app.frame = frame  # type: ignore[method-assign]
    app.run()
    intervals = [1e3 * float(step) for step in np.diff(times)]
    late = sum(interval > LATE_MILLISECONDS for interval in intervals)
    return Rhythm(seconds, len(times), late, spread(intervals), pictures[0] / seconds)


def measure_window(
    checkpoint: Path, *, frames: int = 300, seconds: float = 10.0, threads: int | None = None
) -> WindowCost:
    """The interface's work with every panel open, and the rhythm in the default arrangement; offscreen.

    Parameters
    ----------
    checkpoint : Path
        What to show.
    frames : int
        Measured, in each situation.
    seconds : float
        For how long the model is kept at work.
    threads : int, optional
        Of the model; as many as the window takes by default.
    """
    from viz.head_start import collecting_later

    with collecting_later():  # as the program starts
        app, timed = _open(checkpoint, threads)
    work = []
    try:
        work.append(_work(app, timed, "default arrangement, orbit", lambda i: _orbit(app, i), frames))
        _show_everything(app, [panel.title for panel in timed])
        work += [
            _work(app, timed, "every panel, mouse over them", lambda i: _hover(app, i), frames),
        ]
        app.window.on_mouse_leave()
        work.append(_work(app, timed, "every panel, orbit", lambda i: _orbit(app, i), frames))
        app.program.toggle_comparison()
        rhythm = _rhythm(app, seconds)
    finally:
        app.close()
        app.window.close()
    return WindowCost(tuple(work), rhythm)


# ------------------------------------------------------------------------------------- processes of their own
def display() -> list[str] | None:
    """What to put before a command so that it has a display; None: there is none."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or not sys.platform.startswith("linux"):
        return []
    runner = shutil.which("xvfb-run")
    return [runner, "-a", "-s", "-screen 0 1920x1080x24"] if runner else None


def _run(mode: str, seconds: float, *arguments: str) -> dict[str, Any]:
    before = display()
    if before is None:
        raise RuntimeError("there is no display, and no xvfb-run")
    # The display comes first: its start is no part of the program's.
    command = [*before, sys.executable, "-c", _SHELL, str(_CHILD), mode, f"{seconds:g}", *arguments]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=_PATIENCE + 3 * seconds
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def measure_rest(checkpoint: Path, *, seconds: float = 20.0, window: str = "glfw") -> Rest:
    """What the program takes at rest, after its first picture; raises RuntimeError without a display."""
    found = _run("idle", seconds, str(checkpoint), "--window", window)
    mouse = found["idle after the mouse"]
    return Rest(window, found["idle"], found["idle, frames"], mouse, seconds)


def cold_start(checkpoint: Path, *, runs: int = 5) -> ColdStart:
    """Start the program several times; raises RuntimeError where there is no display."""
    found = [_run("start", 0.0, str(checkpoint))["stages"] for _ in range(runs)]
    names = sorted(
        {name for one in found for name in one if all(name in other for other in found)}, key=found[0].get
    )
    return ColdStart(runs, {name: statistics.median(one[name] for one in found) for name in names})


# -------------------------------------------------------------------------------------------------- tables
def window_table(cost: WindowCost, rests: Sequence[Rest] = (), start: ColdStart | None = None) -> str:
    """Markdown of all of it."""
    parts = [cost_table(cost), *map(rest_line, rests), *([] if start is None else [start_table(start)])]
    return "\n\n".join(parts)


def cost_table(cost: WindowCost) -> str:
    """Markdown."""
    lines = [
        f"Interface's work per frame, {SIZE[0]} × {SIZE[1]}, offscreen, processor ms (wall ms):",
        "",
        "| situation | median | 95 % | 99 % |",
        "|---|---:|---:|---:|",
    ]
    for work in cost.work:
        own, wall = work.processor, work.wall
        lines.append(
            f"| {work.situation} | {own.median:.1f} ({wall.median:.1f}) | {own.p95:.1f} ({wall.p95:.1f}) "
            f"| {own.p99:.1f} ({wall.p99:.1f}) |"
        )
    panels = sorted(cost.work[-1].panels.items(), key=lambda entry: -entry[1].median)
    lines += ["", "Of these, each panel where it is drawn anew, ms:", "", "| panel | median | 99 % |"]
    lines += ["|---|---:|---:|", *(f"| {name} | {one.median:.2f} | {one.p99:.2f} |" for name, one in panels)]
    rhythm = cost.rhythm
    lines += [
        "",
        f"While the model works without pause ({rhythm.pictures:.0f} pictures a second): {rhythm.frames} "
        f"frames in {rhythm.seconds:.0f} s, {rhythm.interval.median:.1f} ms apart "
        f"(99 %: {rhythm.interval.p99:.1f}), {rhythm.late} more than {LATE_MILLISECONDS:.0f} ms.",
    ]
    return "\n".join(lines)


def rest_line(rest: Rest) -> str:
    """A sentence."""
    return (
        f"At rest ({rest.window}): {rest.share:.1%} of a core, {rest.frames} frames in "
        f"{rest.seconds:.0f} s; {rest.share_after_mouse:.1%} after the mouse has moved over panels."
    )


def start_table(start: ColdStart) -> str:
    """Markdown."""
    lines = [f"Start, seconds from that of the process, medians of {start.runs}:", ""]
    lines += ["| reached | s |", "|---|---:|"]
    return "\n".join([*lines, *(f"| {name} | {seconds:.2f} |" for name, seconds in start.stages.items())])
