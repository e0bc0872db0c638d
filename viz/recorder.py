"""Recordings: a path of Views at final quality, streamed to a file."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pof3d.errors import ConfigError, Pof3dError
from pof3d.memory import return_freed_memory
from viz.animation import animated_views
from viz.encoders import check_encoder, encoding
from viz.engine import Cancelled, Engine
from viz.files import replacing, replacing_folder
from viz.insets import Insets
from viz.limits import check_recording
from viz.panel import RecordingRequest, RecordingState
from viz.paths import path_views
from viz.pose_sampling import learned_histogram, learned_poses
from viz.stages import StageError, never
from viz.threads import lower_priority
from viz.video_panes import assemble, boxes, pane_of, shown_modes, video_size
from viz.view import View, view_to_json

_End = Literal["finished", "cancelled", "failed"]
_SURVEYED = 9
"""Frames of a path that a fitted depth range is fitted to."""

_log = logging.getLogger(__name__)


def recorded_views(
    engine: Engine, view: View, request: RecordingRequest, cancelled: Callable[[], bool] = never
) -> Iterator[View]:
    """The Views of a recording: what :func:`record` renders, one after the other.

    Parameters
    ----------
    engine : Engine
        With the View's network.
    view : View
        Everything but yaw and pitch.
    request : RecordingRequest
        Path and length, and what is shown of them.
    cancelled : callable
        Asked while the path and its depth range are prepared.

    Raises
    ------
    Cancelled
        When the cancel token was pulled.
    """
    if request.path == "timeline":
        return animated_views(engine, view, request, cancelled)
    network = engine.load(view.network.path, cancelled=cancelled).network
    learned = learned_poses(network.generator, cancelled=cancelled)

    def along(frames: int) -> Iterator[View]:
        return path_views(
            request.path, view, frames, learned, amplitude=request.amplitude, full=request.full_turn
        )

    ranged = any(pane_of(mode).ranged for mode in shown_modes(view, request))
    if ranged and view.display.depth_range is None:
        # One range for all frames: colours that jump with every frame's own range say nothing.
        ranges = [engine.fitted_depth_range(one, cancelled) for one in along(min(request.frames, _SURVEYED))]
        fixed = (min(near for near, _ in ranges), max(far for _, far in ranges))
        view = replace(view, display=replace(view.display, depth_range=fixed))
    return along(request.frames)


class Film:
    """The pictures of one recording, as its file gets them.

    Parameters
    ----------
    engine : Engine
        Renders them.
    view : View
        The first of the recording: it decides the size.
    request : RecordingRequest
        What they show.
    cancelled : callable
        Asked between stages and slices of rays.
    """

    def __init__(
        self, engine: Engine, view: View, request: RecordingRequest, cancelled: Callable[[], bool] = never
    ) -> None:
        self._engine, self._request, self._cancelled = engine, request, cancelled
        self.size = video_size(view, request)
        """Width and height, pixels."""
        self._insets: Insets | None = None
        if request.with_poses or request.with_histogram:
            network = engine.load(view.network.path, cancelled=cancelled).network
            conditioned = network.generator.mapping.is_conditioned
            histogram = None
            if request.with_histogram and not conditioned:
                histogram = learned_histogram(network.generator, cancelled=cancelled)
            left, top, _ = boxes(len(shown_modes(view, request)), self.size)[0]
            self._insets = Insets(
                self.size,
                poses=request.with_poses,
                histogram=histogram,
                conditioned=conditioned,
                margins=(left, top),
            )

    def picture(self, view: View) -> NDArray[np.uint8]:
        """The picture [height, width, 3] of one of the recording's Views."""
        pictures, first = [], None
        for mode in shown_modes(view, self._request):
            shown = replace(view, display=replace(view.display, mode=mode))
            judged = first is None and self._insets is not None
            frame = self._engine.render(shown, "full", self._cancelled, discriminator=judged)
            first = first or frame
            pictures.append((pane_of(mode), frame.rgba[..., :3]))
        canvas = assemble(pictures, self.size)
        if self._insets is not None and first is not None:
            self._insets.draw(canvas, first)
        return canvas


def record(
    engine: Engine,
    view: View,
    request: RecordingRequest,
    target: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = never,
) -> None:
    """Make a recording, in the calling thread. The target is complete at the end, or as it was.

    Parameters
    ----------
    engine : Engine
        Renders the frames.
    view : View
        Everything but yaw and pitch. It is stored in the file.
    request : RecordingRequest
        Path, length and size; MP4 and WebM want even sides, which are rounded up.
    target : Path
        The file; its suffix must fit the format. For PNGs a folder, which is not there yet.
    progress : callable, optional
        Takes the frames done and their total.
    cancelled : callable
        Asked between stages and slices of rays.

    Raises
    ------
    Pof3dError
        When a frame cannot be rendered or the file cannot be written.
    Cancelled
        When the cancel token was pulled.
    """
    check_recording(request, target)
    check_encoder(request.format)
    report = progress if progress is not None else lambda done, total: None
    report(0, request.frames)
    views = recorded_views(engine, view, request, cancelled)
    first = next(views)
    film = Film(engine, first, request, cancelled)
    complete = replacing_folder if request.format == "png" else replacing
    with (
        complete(target) as part,
        encoding(part, request.format, film.size, request.fps, view_to_json(view)) as encoder,
    ):
        for i, one in enumerate(chain([first], views)):
            encoder.add(film.picture(one), view_to_json(one))
            report(i + 1, request.frames)


class TimeLeft:
    """How long a recording still takes, from the frames after the first: that one has preparations."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None

    def after(self, done: int, total: int) -> float | None:
        """Seconds, or None as long as nothing is known."""
        if done < 1:
            return None
        if self._first is None:
            self._first = self._clock()
        if done < 2:
            return None
        return (self._clock() - self._first) / (done - 1) * (total - done)


class Recorder:
    """Makes recordings in the background, one at a time, without touching what is on the screen.

    Every method may be called from any thread and returns at once, but for :meth:`close`.

    Parameters
    ----------
    engine : Engine
        Its networks are shared, its memory is not.
    on_change : callable, optional
        Called from the recording thread whenever :attr:`state` changes; must return at once.
    """

    def __init__(self, engine: Engine, on_change: Callable[[], None] | None = None) -> None:
        self._engine = engine
        self._on_change = on_change
        self._lock = threading.Lock()
        self._state: RecordingState | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> RecordingState | None:
        """The recording under way, or the last one."""
        with self._lock:
            return self._state

    def start(self, view: View, request: RecordingRequest, target: Path) -> None:
        """Begin a recording of a View; see :func:`record`. What is wrong with it shows in :attr:`state`.

        Raises
        ------
        ConfigError
            While another recording is under way.
        """
        with self._lock:
            # Not whether its thread lives: that one may still be telling of the end.
            if self._state is not None and self._state.status == "running":
                raise ConfigError("A recording is under way already", todo="Wait for it, or cancel it.")
            self._stop = threading.Event()
            self._state = RecordingState(target, 0, request.frames, "running")
            self._thread = threading.Thread(
                target=self._run, args=(view, request, target, self._stop), name="recorder", daemon=True
            )
            self._thread.start()

    def cancel(self) -> None:
        """Stop; nothing of the recording remains."""
        self._stop.set()

    def close(self, timeout: float = 10.0) -> bool:
        """Stop, and wait for the thread; whether it ended in time."""
        self._stop.set()
        thread = self._thread
        if thread is None:
            return True
        if thread is threading.current_thread():  # it ends by itself, later
            return False
        thread.join(timeout)
        return not thread.is_alive()

    def _run(self, view: View, request: RecordingRequest, target: Path, stop: threading.Event) -> None:
        lower_priority()
        left = TimeLeft()

        def report(done: int, total: int) -> None:
            self._change(RecordingState(target, done, total, "running", left.after(done, total)))

        try:
            engine = self._engine.fork(view.network.path)
            record(engine, view, request, target, progress=report, cancelled=stop.is_set)
            self._end("finished")
        except Cancelled:
            self._end("cancelled")
        except Pof3dError as error:
            self._end("failed", error.detached())
        except Exception as error:
            _log.exception("unexpected error while recording")
            self._end("failed", StageError("Recording failed", f"{type(error).__name__}: {error}"))
        return_freed_memory()

    def _end(self, status: _End, error: Pof3dError | None = None) -> None:
        with self._lock:
            state = self._state
        assert state is not None
        self._change(replace(state, status=status, seconds_left=None, error=error))

    def _change(self, state: RecordingState) -> None:
        with self._lock:
            self._state = state
        if self._on_change is not None:
            try:
                self._on_change()
            except Exception:
                _log.exception("the callback of the recorder failed")
