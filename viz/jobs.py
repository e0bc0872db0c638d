"""Work in the background that is none of a picture's stages: with progress, and a way to stop it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, Literal, Protocol, TypeVar

from pof3d.errors import Pof3dError
from viz.engine import Cancelled, Engine
from viz.stages import StageError
from viz.threads import lower_priority

T = TypeVar("T")
JobStatus = Literal["running", "finished", "cancelled", "failed"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobState:
    """How far a job is."""

    title: str
    """What it does, for people."""
    fraction: float = 0.0
    """0 … 1."""
    note: str = ""
    """What it does just now."""
    status: JobStatus = "running"
    seconds_left: float | None = None
    error: Pof3dError | None = None
    """Why it failed."""


class Control:
    """What a job is given to report to, and to ask whether it is still wanted."""

    def __init__(self, job: Job[T]) -> None:
        self._job = job

    def report(self, fraction: float, note: str = "") -> None:
        """Say how far it is, 0 … 1; raises :class:`Cancelled` when it is no longer wanted."""
        self.check()
        self._job._advance(fraction, note)

    def check(self) -> None:
        """Raise :class:`Cancelled` when it is no longer wanted."""
        if self.cancelled():
            raise Cancelled

    def cancelled(self) -> bool:
        """Whether it is no longer wanted."""
        return self._job._stop.is_set()


class Job(Generic[T]):
    """One piece of work in a thread of its own.

    Every method may be called from any thread and returns at once, but for :meth:`wait`.

    Parameters
    ----------
    title : str
        What it does, for people.
    work : callable
        Does it, in the thread. What it raises ends the job: :class:`Cancelled` quietly, an error as failure.
    wake : callable, optional
        Called from the thread whenever :attr:`state` changes; must return at once.
    """

    def __init__(
        self, title: str, work: Callable[[Control], T], wake: Callable[[], None] | None = None
    ) -> None:
        self._work = work
        self._wake = wake or (lambda: None)
        self._lock = threading.Lock()
        self._state = JobState(title)
        self._result: T | None = None
        self._stop = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"job: {title}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> JobState:
        """How far it is."""
        with self._lock:
            return self._state

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.state.status == "running"

    @property
    def result(self) -> T | None:
        """What came of it; None unless it has finished."""
        with self._lock:
            return self._result

    def cancel(self) -> None:
        """Let it stop at its next look."""
        self._stop.set()

    def wait(self, timeout: float = 10.0) -> bool:
        """Wait for the thread; whether it ended in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _advance(self, fraction: float, note: str) -> None:
        seconds = time.monotonic() - self._began
        left = seconds * (1 - fraction) / fraction if fraction > 0.02 and seconds > 0.5 else None
        with self._lock:
            self._state = replace(self._state, fraction=fraction, note=note, seconds_left=left)
        self._wake()

    def _run(self) -> None:
        lower_priority()
        try:
            result = self._work(Control(self))
        except Cancelled:
            self._end("cancelled")
        except Pof3dError as error:
            self._end("failed", error.detached())
        except Exception as error:
            _log.exception("unexpected error in “%s”", self._state.title)
            self._end(
                "failed", StageError(f"{self._state.title}: it failed", f"{type(error).__name__}: {error}")
            )
        else:
            with self._lock:
                self._result = result
            self._end("finished")

    def _end(self, status: JobStatus, error: Pof3dError | None = None) -> None:
        fraction = 1.0 if status == "finished" else self._state.fraction
        with self._lock:
            self._state = replace(
                self._state, status=status, fraction=fraction, seconds_left=None, note="", error=error
            )
        self._wake()


class Working(Protocol):
    """Starts jobs that need a network; :class:`Workshop` is one."""

    def start(self, title: str, path: str, work: Callable[[Engine, Control], T]) -> Job[T]:
        """Begin a job with an engine of its own for the open network of a file."""

    def close(self) -> object:
        """Stop all of them, and wait for their threads."""


class Workshop:
    """Runs jobs on forks of an engine, so that they share its open networks and nothing else.

    Parameters
    ----------
    engine : Engine
        Its networks are shared, its memory is not.
    wake : callable, optional
        Called from jobs' threads whenever there is something to tell.
    """

    def __init__(self, engine: Engine, wake: Callable[[], None] | None = None) -> None:
        self._engine = engine
        self._wake = wake
        self._jobs: list[Job[object]] = []

    def start(self, title: str, path: str, work: Callable[[Engine, Control], T]) -> Job[T]:
        """Begin a job; see :class:`Job`. Returns at once: the network is looked up in the thread."""
        engine = self._engine

        def run(control: Control) -> T:
            return work(engine.fork(path), control)

        job = Job(title, run, self._wake)
        self._jobs = [*(one for one in self._jobs if one.running), job]  # type: ignore[list-item]
        return job

    def close(self, timeout: float = 10.0) -> bool:
        """Stop all jobs, and wait for their threads; whether they ended in time."""
        for job in self._jobs:
            job.cancel()
        return all([job.wait(timeout) for job in self._jobs])
