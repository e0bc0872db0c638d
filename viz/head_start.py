"""What takes a while at the start, beside opening the window: torch, the checkpoint, the first picture.

Most of the time until the first picture is the import of modules. A thread imports them in the order in which
they are needed to make that picture; the render thread begins with it while the panels are still imported.
"""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pof3d.download import is_url
from viz.milestones import reached
from viz.sessions import Session, load_session
from viz.settings import Settings
from viz.surroundings import Surroundings

if TYPE_CHECKING:
    from viz.engine import Engine
    from viz.layout import Placement
    from viz.render_thread import RenderThread
    from viz.start import WindowOptions
    from viz.window import Window

_LOOK_SECONDS = 0.03
"""Between two looks whether everything is there."""


@dataclass(frozen=True, eq=False)
class Workers:
    """The engine, and the thread that it belongs to."""

    engine: Engine
    rendering: RenderThread


def make_workers(
    device: str = "cpu", threads: int | None = None, wake: Callable[[], None] | None = None
) -> Workers:
    """Begin to render.

    Raises
    ------
    DeviceError
        When there is no such device.
    """
    from pof3d.memory import keep_freed_memory
    from viz.engine import Engine
    from viz.render_thread import RenderThread

    reached("renderer imported")
    keep_freed_memory()
    engine = Engine(device)
    return Workers(engine, RenderThread(engine, threads, wake))


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a program begins with."""

    session: Session
    """Its View is what is shown at first."""
    asked: bool
    """Whether that was asked for, as a capture or a saved session is."""
    file: Path | None
    url: str | None
    surroundings: Surroundings
    workers: Workers
    placements: Sequence[Placement]


class HeadStart:
    """Prepares a program in the background.

    Parameters
    ----------
    options : WindowOptions
        From the command line.
    settings : Settings
        From last time.
    placements : callable
        Gives the panels.
    """

    def __init__(
        self, options: WindowOptions, settings: Settings, placements: Callable[[], Sequence[Placement]]
    ) -> None:
        self._options, self._settings, self._placements = options, settings, placements
        self._wake: Callable[[], None] | None = None
        self._workers: Workers | None = None
        self._result: Beginning | BaseException | None = None
        # Not a daemon: a process that ends while libraries are being loaded may crash.
        self._thread = threading.Thread(target=self._run, name="head start")
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether :meth:`result` gives an answer at once."""
        return not self._thread.is_alive()

    def result(self, wake: Callable[[], None]) -> Beginning:
        """What has been prepared, from now on with somebody to wake; raises what went wrong."""
        self._thread.join()
        self._wake = wake
        if isinstance(self._result, BaseException):
            raise self._result
        assert self._result is not None
        return self._result

    def abandon(self) -> None:
        """Stop the workers if nobody has taken them over."""
        self._thread.join()
        if self._wake is None and self._workers is not None:
            self._workers.rendering.close()

    def _run(self) -> None:
        try:
            self._result = self._prepare()
        except BaseException as error:
            self._result = error

    def _prepare(self) -> Beginning:
        from viz.start import asked_for, bundled_checkpoints, first_session, first_view

        options, settings, remember = self._options, self._settings, not self._options.fresh
        bundled = bundled_checkpoints()
        url = options.file if options.file is not None and is_url(options.file) else None
        file = Path(options.file) if options.file is not None and url is None else None
        session = load_session() if remember else None
        saved = asked_for(file, bundled)
        if saved is not None:
            session, view = saved, saved.view
        else:
            view = first_view(file, session.view if session is not None else None, bundled)
        names = _device_names()
        device = options.device or (settings.device if settings.device in names else "auto")
        workers = self._workers = make_workers(device, options.threads or settings.threads, self._notify)
        if view.network.path:
            workers.rendering.submit(view)
        captures = options.out.expanduser().absolute() if options.out else Path("out").absolute()
        surroundings = Surroundings(settings, bundled, names, remember, captures)
        placements = self._placements()
        _import_the_rest()
        reached("everything imported")
        session = first_session(view, session)
        return Beginning(session, saved is not None, file, url, surroundings, workers, placements)

    def _notify(self) -> None:
        if self._wake is not None:
            self._wake()


def _device_names() -> tuple[str, ...]:
    from pof3d.devices import device_names

    return tuple(device_names())


def _import_the_rest() -> None:
    import viz.app
    import viz.jobs
    import viz.program
    import viz.recorder  # noqa: F401


def wait_in(window: Window, head: HeadStart) -> bool:
    """Show that the program is about to start until it can; whether the window is still wanted then."""
    reached("window open")
    began = time.perf_counter()
    while not head.ready and not window.should_close:
        window.show_waiting(time.perf_counter() - began)
        window.poll(_LOOK_SECONDS)
    return not window.should_close


@contextlib.contextmanager
def collecting_later() -> Iterator[None]:
    """Look for no garbage while modules are imported, and never again among what they consist of.

    There is none; but every look goes through all of it, for a tenth of a second once torch is there.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
