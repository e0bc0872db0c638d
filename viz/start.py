"""Starting and ending the program in a real window."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from pof3d.errors import ConfigError, Pof3dError
from viz.sessions import Session, is_saved, read_saved
from viz.settings import Settings, load_settings, settings_path
from viz.surroundings import Surroundings
from viz.view import NetworkView, View

if TYPE_CHECKING:
    from viz.app import App
    from viz.comparing import Comparison
    from viz.head_start import Beginning, HeadStart, Workers
    from viz.layout import Placement
    from viz.program import Program
    from viz.timeline import Timeline
    from viz.window import Window

ASSETS = Path(__file__).resolve().parent.parent / "assets"
FIRST_SHOWN = "toy-cats"
"""Name of the bundled checkpoint that opens at the first start."""
_QUIET = tyro.conf.arg(help_behavior_hint="")
"""The texts say what the defaults are."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WindowOptions:
    """Open the window."""

    file: Annotated[str | None, tyro.conf.Positional, _QUIET] = None
    """Checkpoint: .safetensors, or a release snapshot, or its http(s) address; or the folder of a training
    run, to follow it; or a saved session, .json; or a picture or video saved here, to start with its view.
    By default what was open last time, at first the bundled one."""
    device: Annotated[str | None, _QUIET] = None
    """Where the network runs: cpu, cuda, cuda:1 … By default as last chosen in the
    Performance panel, at first a GPU if there is one."""
    threads: Annotated[int | None, _QUIET] = None
    """Threads on the CPU. By default as last chosen in the Performance panel, at first all cores but one."""
    window: Literal["glfw", "tk"] = "glfw"
    """What opens the window. Tk is for machines where GLFW does not work; files cannot be dropped on it."""
    scale: Annotated[float | None, _QUIET] = None
    """Size of the interface; 1 is normal. By default what the screen asks for."""
    out: Annotated[Path | None, _QUIET] = None
    """Folder for pictures and videos. By default out/ in the present folder."""
    fresh: Annotated[bool, _QUIET] = False
    """Start with the bundled checkpoint and the default arrangement, and remember nothing."""


def bundled_checkpoints() -> list[Path]:
    """The checkpoints that come with the program; the one to show at first leads."""
    return sorted(ASSETS.glob("*.safetensors"), key=lambda path: (path.stem != FIRST_SHOWN, path.name))


def display_missing() -> bool:
    """Whether this is a system with display servers, and none is named."""
    return sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def first_view(file: Path | None, session: View | None, bundled: Sequence[Path]) -> View:
    """What to show at first: the file asked for, else what was open last time, else the bundled one.

    Nothing for a folder: its run brings what there is to show.

    Raises
    ------
    ConfigError
        See :func:`asked_for`.
    """
    if (saved := asked_for(file, bundled)) is not None:
        return saved.view
    if file is not None and os.path.isdir(file.expanduser()):
        return View()
    if file is not None:
        return View(network=NetworkView(str(file.expanduser().absolute())))
    if session is not None and os.path.isfile(session.network.path):
        return session
    return View(network=NetworkView(str(bundled[0]) if bundled else ""))


def asked_for(file: Path | None, bundled: Sequence[Path]) -> Session | None:
    """The session that was asked for, or the View alone of a capture; None if it is something else.

    One that names no checkpoint is shown with the bundled one.

    Raises
    ------
    ConfigError
        When it cannot be read or shown, or its checkpoint is not there.
    """
    if file is None or not is_saved(file.expanduser()):
        return None
    session = read_saved(file.expanduser())
    if session.view.network.path or not bundled:
        return session
    return replace(session, view=replace(session.view, network=NetworkView(str(bundled[0]))))


def first_session(view: View, session: Session | None) -> Session:
    """What to begin with: the session, if its View is what is shown; else the View alone."""
    return session if session is not None and session.view == view else Session(view)


def make_program(
    view: View,
    surroundings: Surroundings,
    wake: Callable[[], None] | None = None,
    *,
    device: str = "cpu",
    threads: int | None = None,
    timeline: Timeline | None = None,
    comparison: Comparison | None = None,
    workers: Workers | None = None,
) -> Program:
    """The program with its workers: those given, or new ones.

    Raises
    ------
    DeviceError
        When there is no such device.
    """
    from viz.head_start import make_workers
    from viz.jobs import Workshop
    from viz.program import Program
    from viz.recorder import Recorder

    workers = workers or make_workers(device, threads, wake)
    engine, rendering = workers.engine, workers.rendering
    recording = Recorder(engine, wake)
    workshop = Workshop(engine, wake)
    return Program(
        rendering,
        recording,
        view=view,
        timeline=timeline,
        comparison=comparison,
        surroundings=surroundings,
        wake=wake,
        workshop=workshop,
    )


def run_window(options: WindowOptions, placements: Callable[[], Sequence[Placement]]) -> int:
    """Run the program until its window is closed.

    Parameters
    ----------
    options : WindowOptions
        From the command line.
    placements : callable
        Gives the panels.

    Returns
    -------
    int
        Exit status: 0; 1 when no window can be opened; 2 for an option that cannot be used; 3 when the
        display went away.
    """
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    try:
        _check(options)
    except ConfigError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    settings = Settings() if options.fresh else load_settings()
    with _end_on_signals() as ending:
        return _run_window(options, settings, placements, ending)


def _run_window(
    options: WindowOptions, settings: Settings, placements: Callable[[], Sequence[Placement]], ending: _Ending
) -> int:
    from viz.head_start import HeadStart, collecting_later
    from viz.threads import take_short_turns

    take_short_turns()
    with contextlib.ExitStack() as starting:
        starting.enter_context(collecting_later())
        head = HeadStart(options, settings, placements)

        def start(window: Window) -> App:
            app = _start(window, options, settings, head.result(window.wake))
            starting.close()
            return app

        run = _run_in_tk if options.window == "tk" else _run_in_glfw
        try:
            return run(settings, options.scale, start, ending, not options.fresh, head)
        except Pof3dError as error:
            print(f"Error: {error}", file=sys.stderr)
            from viz.window.errors import WindowError  # not above: --help does without windows

            return 1 if isinstance(error, WindowError) else 2
        finally:
            head.abandon()


def _run_in_glfw(
    settings: Settings,
    scale: float | None,
    start: Callable[[Window], App],
    ending: _Ending,
    remember: bool,
    head: HeadStart,
) -> int:
    from viz.head_start import wait_in
    from viz.window import DesktopWindow

    window = DesktopWindow("PoF3D", settings.window_size, scale)
    try:
        ending.call(window.request_close)
        if wait_in(window, head):
            _run(start(window), remember)
    finally:
        ending.call(None)
        window.close()
    return 0


def _run_in_tk(
    settings: Settings,
    scale: float | None,
    start: Callable[[Window], App],
    ending: _Ending,
    remember: bool,
    _head: HeadStart,
) -> int:
    from viz.window.tk_host import TkHost

    host = TkHost("PoF3D", settings.window_size, start, scale)
    try:
        ending.call(host.request_close)
        host.run()
        if host.frame.app is not None:
            _finish(host.frame.app, remember)
    finally:
        ending.call(None)
        host.close()
    return 0


def _start(window: Window, options: WindowOptions, settings: Settings, beginning: Beginning) -> App:
    """The program in a window."""
    from viz.app import App

    remember, session = not options.fresh, beginning.session
    program = make_program(
        session.view,
        beginning.surroundings,
        window.wake,
        timeline=session.timeline,
        comparison=session.comparison,
        workers=beginning.workers,
    )
    folder = _run_folder(beginning.file, settings) if not beginning.asked else None
    if beginning.url is not None:
        program.open_url(beginning.url)
    elif folder is not None:
        program.open_run(folder)
    layout = _read_layout() if remember else ""
    if remember and not settings.tour_seen:
        program.start_tour()
    app = App(window, program, beginning.placements, layout=layout, ui_scale=options.scale)
    _save_when_display_is_lost(app, remember)
    return app


def _run_folder(file: Path | None, settings: Settings) -> Path | None:
    """The training run to follow: the one asked for, else the one that was open last time."""
    if file is not None:
        return file if os.path.isdir(file.expanduser()) else None
    return Path(settings.run) if settings.run else None


def _run(app: App, remember: bool) -> None:
    """Run the program in a window with a loop of its own."""
    try:
        app.run()
        _finish(app, remember)
    finally:
        app.close()


def _save_when_display_is_lost(app: App, remember: bool) -> None:
    from viz.window.x11 import when_display_is_lost

    program = app.program

    def save() -> None:
        """Without the display: it may be gone."""
        if remember:
            _save_layout(app.layout)
        program.remember()
        program.capturing.close()

    when_display_is_lost(save)


def _finish(app: App, remember: bool) -> None:
    """Save the window's size and arrangement."""
    if remember:
        app.program.settings = replace(app.program.settings, window_size=_design_size(app))
        _save_layout(app.layout)


def _design_size(app: App) -> tuple[int, int]:
    width, height = app.window.size
    return round(width / app.scale), round(height / app.scale)


def _check(options: WindowOptions) -> None:
    if options.threads is not None and not 1 <= options.threads <= 1024:
        raise ConfigError(f"{options.threads} threads cannot be used", "it must be 1 to 1024")
    if options.scale is not None and not 0.5 <= options.scale <= 4.0:
        raise ConfigError(f"a scale of {options.scale:g} cannot be used", "it must be 0.5 to 4")


class _Ending:
    """A request to end, kept until there is something that can."""

    def __init__(self) -> None:
        self._asked = False
        self._end: Callable[[], None] | None = None

    def ask(self) -> None:
        self._asked = True
        if self._end is not None:
            self._end()

    def call(self, end: Callable[[], None] | None) -> None:
        """Have this called by every request from now on, and at once if there was one."""
        self._end = end
        if self._asked and end is not None:
            end()


@contextlib.contextmanager
def _end_on_signals() -> Iterator[_Ending]:
    """Ctrl-C in the terminal, and a polite request of the system, close the window as its button does."""
    ending = _Ending()
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: ending.ask()) for number in numbers}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _layout_path() -> Path:
    from viz.layout import LAYOUT_VERSION

    return settings_path().with_name(f"layout-{LAYOUT_VERSION}.ini")


def _read_layout() -> str:
    try:
        return _layout_path().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _save_layout(layout: str) -> None:
    try:
        _layout_path().parent.mkdir(parents=True, exist_ok=True)
        _layout_path().write_text(layout, encoding="utf-8")
    except OSError as error:
        _log.warning("the arrangement of the panels was not saved: %s", error)
