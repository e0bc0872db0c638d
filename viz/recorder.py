"""Recordings: a path of Views at final quality, streamed to a video file."""

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
from PIL import Image

from pof3d.errors import ConfigError, Pof3dError
from viz.encoders import encoding
from viz.engine import Cancelled, Engine
from viz.files import replacing
from viz.frame import Frame
from viz.limits import check_recording
from viz.panel import RecordingRequest, RecordingState
from viz.paths import path_views
from viz.pose_sampling import learned_poses
from viz.render_thread import lower_priority
from viz.stages import StageError, never
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
        Path and length. With ``with_depth``, the depth map is beside the image.
    cancelled : callable
        Asked while the path and its depth range are prepared.

    Raises
    ------
    Cancelled
        When the cancel token was pulled.
    """
    if request.with_depth and view.display.mode != "side_by_side":
        view = replace(view, display=replace(view.display, mode="side_by_side"))
    network = engine.load(view.network.path, cancelled=cancelled).network
    learned = learned_poses(network.generator, cancelled=cancelled)

    def along(frames: int) -> Iterator[View]:
        return path_views(
            request.path, view, frames, learned, amplitude=request.amplitude, full=request.full_turn
        )

    if view.display.mode in ("depth", "side_by_side") and view.display.depth_range is None:
        # One range for all frames: colours that jump with every frame's own range say nothing.
        ranges = [engine.fitted_depth_range(one, cancelled) for one in along(min(request.frames, _SURVEYED))]
        fixed = (min(near for near, _ in ranges), max(far for _, far in ranges))
        view = replace(view, display=replace(view.display, depth_range=fixed))
    return along(request.frames)


def recorded_picture(frame: Frame, side: int) -> NDArray[np.uint8]:
    """A frame's picture in the recording's size: [side, side, 3], or twice as wide with depth beside it."""
    picture, mode = frame.rgba[..., :3], frame.view.display.mode
    height = picture.shape[0]
    panes = [picture[:, :height], picture[:, height:]] if mode == "side_by_side" else [picture]
    sized = []
    for i, pane in enumerate(panes):
        if pane.shape[:2] != (side, side):
            # Lanczos rings at the hard edges of a depth map's colours.
            is_depth = mode == "depth" or i == 1
            kernel = Image.Resampling.BILINEAR if is_depth else Image.Resampling.LANCZOS
            pane = np.asarray(Image.fromarray(np.ascontiguousarray(pane)).resize((side, side), kernel))
        sized.append(pane)
    return np.concatenate(sized, axis=1)


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
        Path, length and size; the side is rounded up to an even number, as H.264 wants it.
    target : Path
        The file; its suffix must fit the format.
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
    side = request.size + request.size % 2
    report = progress if progress is not None else lambda done, total: None
    report(0, request.frames)
    views = recorded_views(engine, view, request, cancelled)
    first = next(views)
    wide = first.display.mode == "side_by_side"
    size = (2 * side if wide else side, side)
    with (
        replacing(target) as part,
        encoding(part, request.format, size, request.fps, view_to_json(view)) as encoder,
    ):
        for i, one in enumerate(chain([first], views)):
            frame = engine.render(one, "full", cancelled, discriminator=False)
            encoder.add(recorded_picture(frame, side))
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
            if self._thread is not None and self._thread.is_alive():
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
