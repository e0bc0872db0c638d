"""The render thread: Views in, Frames out, newest wins; the window never waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray

from pof3d.cores import cores
from pof3d.errors import Pof3dError
from viz.companions import Companions, render_companion
from viz.engine import Cancelled, Engine
from viz.frame import FailedFrame, Frame, FrameLevel
from viz.networks import Resident
from viz.panel import LoadingState, MemoryUse, NetworkInfo, PoseHistogram
from viz.pose_sampling import TARGET, PoseSurvey
from viz.schedule import Answer, Motion, Situation, Step, next_step
from viz.stages import LoadingCancelled, StageError
from viz.threads import default_threads, lower_priority
from viz.view import View

_CLOSE_SECONDS = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Request:
    view: View
    submitted: float


class RenderThread(AbstractContextManager["RenderThread"]):
    """Renders the newest View in the background.

    Every method may be called from any thread and returns at once; only :meth:`close` waits. Each View first
    gets a preview — never abandoned, so that a drag always answers —, then, unless a newer View has come, its
    full frame, and that again with the discriminator's pose prediction. Checkpoints are opened here, too;
    the networks open so far stay usable until a new one is complete. Views beside it get their previews after
    its own, and their full frames after its full frame. At rest, the generator's pose
    distribution is sampled.

    Parameters
    ----------
    engine : Engine
        Belongs to this thread from now on.
    threads : int, optional
        Torch threads; all cores but one by default. The fast renderer then shares its work among all: its
        threads go without the core of the window when that needs it.
    on_ready : callable, optional
        Called from the render thread whenever there is something new to show; must return at once.
    pose_samples : int
        Latents for the pose histogram; 0: none.
    """

    def __init__(
        self,
        engine: Engine,
        threads: int | None = None,
        on_ready: Callable[[], None] | None = None,
        *,
        pose_samples: int = TARGET,
    ) -> None:
        self._engine = engine
        self._on_ready = on_ready
        self._changed = threading.Condition()
        # Guarded by the condition.
        self._newest: _Request | None = None
        self._motion = Motion()
        self._failed: _Request | None = None
        self._ready: Frame | FailedFrame | None = None
        self._loading: LoadingState | None = None
        self._info: NetworkInfo | None = None
        self._histogram: PoseHistogram | None = None
        self._orders: deque[Callable[[], None]] = deque()
        self._device = engine.device
        self._threads = threads or default_threads()
        engine.lanes = threads or cores()
        self._memory = engine.memory_use()
        self._milliseconds: deque[float] = deque(maxlen=240)
        self._closing = False
        self._cancelled_path: str | None = None
        self._companions = Companions()
        # The render thread's own.
        self._current: _Request | None = None
        self._answer: Answer = "done"
        self._survey = PoseSurvey(pose_samples)
        self._serial: int | None = None
        self._thread = threading.Thread(target=self._run, name="render", daemon=True)
        self._thread.start()

    # ---------------------------------------------------------------------------------------- any thread
    def submit(self, view: View) -> None:
        """Ask for a View; what was asked for before is forgotten.

        The View asked for last is not repeated, unless it failed.
        """
        with self._changed:
            newest = self._newest
            if newest is not None and newest.view == view and newest is not self._failed:
                return
            if view.network.path != self._cancelled_path:
                self._cancelled_path = None
            self._ask(view)
            self._changed.notify_all()

    def reload(self, view: View) -> None:
        """Ask for a View whatever was asked for last, and try its checkpoint again if it failed to open."""
        with self._changed:
            self._cancelled_path = None
            self._orders.append(lambda: self._engine.networks.forget_failure(view.network.path))
            self._ask(view)
            self._changed.notify_all()

    def _ask(self, view: View) -> None:
        self._newest = _Request(view, time.monotonic())
        self._motion = self._motion.followed(self._newest.submitted)

    def accompany(self, views: Mapping[int, View]) -> None:
        """Render these beside the newest View, too; what was asked for so before is forgotten.

        Parameters
        ----------
        views : mapping
            By a key that stays with a picture while its View changes.
        """
        with self._changed:
            if self._companions.want(views):
                self._changed.notify_all()

    def poll_companions(self) -> dict[int, Frame | FailedFrame]:
        """The newest results beside the newest View, by their keys, once; without a discriminator's pose."""
        with self._changed:
            return self._companions.poll()

    def poll(self) -> Frame | FailedFrame | None:
        """The newest result, once; None if there is none that has not been seen."""
        with self._changed:
            ready, self._ready = self._ready, None
            return ready

    @property
    def busy(self) -> bool:
        """Whether the newest View still waits for its full frame, or for the pose prediction on it.

        Also true while one beside it waits, and until a change of device, threads or memory has taken place.
        """
        with self._changed:
            waiting = bool(self._orders) or self._newest is not self._current
            return waiting or self._answer != "done" or not self._companions.complete

    @property
    def loading(self) -> LoadingState | None:
        """The checkpoint being opened."""
        with self._changed:
            return self._loading

    @property
    def network_info(self) -> NetworkInfo | None:
        """The network of the newest View that has one."""
        with self._changed:
            return self._info

    @property
    def histogram(self) -> PoseHistogram | None:
        """That network's pose distribution as far as it is known."""
        with self._changed:
            return self._histogram

    @property
    def preview_milliseconds(self) -> NDArray[np.float32]:
        """From :meth:`submit` to the preview, newest last."""
        with self._changed:
            return np.array(self._milliseconds, np.float32)

    @property
    def threads(self) -> int:
        """Torch threads."""
        with self._changed:
            return self._threads

    @property
    def device(self) -> str:
        """Where the network runs."""
        with self._changed:
            return self._device

    def set_threads(self, threads: int) -> None:
        """Use this many torch threads from the next frame on."""
        with self._changed:
            self._threads = max(1, threads)
            count = self._threads
            self._orders.append(lambda: torch.set_num_threads(count))
            self._engine.lanes = count
            self._changed.notify_all()

    def set_device(self, name: str) -> None:
        """Run on another device from the next frame on; if there is none, the View fails."""
        with self._changed:
            self._orders.append(lambda: self._move(name))
            self._changed.notify_all()

    @property
    def memory(self) -> MemoryUse:
        """What networks and results took after the last picture."""
        with self._changed:
            return self._memory

    def set_memory_budget(self, total_bytes: int) -> None:
        """Keep networks and results within this bound from the next frame on."""
        with self._changed:
            self._orders.append(lambda: self._bound(total_bytes))
            self._changed.notify_all()

    def cancel_loading(self) -> None:
        """Stop opening a checkpoint: its View fails.

        It is tried again after a View of another checkpoint, or by :meth:`reload`.
        """
        with self._changed:
            if self._loading is not None:
                self._cancelled_path = str(self._newest.view.network.path) if self._newest else None
                self._changed.notify_all()

    def close(self, timeout: float = _CLOSE_SECONDS) -> bool:
        """Stop, and wait for the thread; whether it ended in time."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------- render thread
    def _run(self) -> None:
        lower_priority()
        torch.set_num_threads(self._threads)
        while True:
            with self._changed:
                if self._closing:
                    return
                order = self._orders[0] if self._orders else None
            try:
                if order is not None:
                    order()
                else:
                    self._advance()
            except Cancelled:
                pass
            except Exception as error:
                self._fail(error)
            if order is not None:
                with self._changed:
                    self._orders.popleft()  # only now: until its effect is there, the thread is busy

    def _advance(self) -> None:
        """Take one step."""
        with self._changed:
            if self._orders or self._closing:
                return
            newest = self._newest
            situation = Situation(
                newer=newest is not None and newest is not self._current,
                answer=self._answer,
                since_submit=time.monotonic() - newest.submitted if newest else 0.0,
                full_milliseconds=self._expected(),
                idle_work=self._survey.pending,
                interval=self._motion.interval,
                settling=self._answer == "preview" and self._engine.settles(self._view),
            )
            situation, beside = self._companions.joined(situation, self._engine)
            step = next_step(situation)
            if step.kind == "wait":
                if not self._orders and not self._closing:
                    self._changed.wait(step.seconds)
                return
            if step.kind == "take":
                self._current, self._answer = newest, "nothing"
                self._companions.begin_round()
                step = Step("preview")  # whatever comes in meanwhile: a View once taken is shown
        if step.kind == "idle":
            self._sample_poses()
        elif self._current is not None and step.kind == "preview":
            self._preview(self._current)
        elif self._current is not None and step.kind == "settle":
            self._settle(self._current)
        elif self._current is not None and step.kind in ("full", "judge"):
            self._full(self._current, judged=step.kind == "judge")
        elif beside is not None and step.kind in ("beside", "beside full"):
            self._beside(*beside, "preview" if step.kind == "beside" else "full")

    @property
    def _view(self) -> View:
        """The present one; an empty one before the first."""
        return View() if self._current is None else self._current.view

    def _expected(self) -> float:
        known = self._answer in ("preview", "settled", "full")
        return self._engine.expected_milliseconds(self._view) if known else 0.0

    def _preview(self, request: _Request) -> None:
        self._open(request)
        # A preview is short and always finished: otherwise a fast drag would never show anything.
        frame = self._engine.render(request.view, "preview", lambda: self._closing)
        with self._changed:
            self._milliseconds.append(1e3 * (time.monotonic() - request.submitted))
        self._publish(frame)
        self._answer = "preview"

    def _settle(self, request: _Request) -> None:
        """Something better than the preview, before a full frame that takes long."""
        self._publish(self._engine.render(request.view, "settling", self._is_stale))
        self._answer = "settled"

    def _full(self, request: _Request, *, judged: bool) -> None:
        """The full frame; ``judged``: with the discriminator's pose, which may take longer than all else."""
        self._open(request)
        frame = self._engine.render(request.view, "full", self._is_stale, discriminator=judged)
        final = judged or self._info is None or not self._info.has_pose_prediction
        self._publish(frame)
        self._answer = "done" if final else "full"  # who sees that nothing is busy finds the frame

    def _beside(self, key: int, view: View, level: FrameLevel) -> None:
        """A picture beside the newest one's."""
        with self._changed:
            self._companions.take_turn()
            kept = self._companions.paths
        if self._current is not None:
            kept.add(self._current.view.network.path)

        def unwanted() -> bool:
            if level == "preview" and self._engine.is_loaded(view.network.path):
                return self._closing
            return self._is_stale() or not self._companions.wants(key, view)

        result = render_companion(self._engine, view, level, unwanted, kept)
        with self._changed:
            self._companions.give(key, view, result)
            self._memory = self._engine.memory_use()
        self._notify()

    def _fail(self, error: Exception) -> None:
        """An error is an answer like any other."""
        if not isinstance(error, Pof3dError):
            _log.exception("unexpected error in the render thread")
            error = StageError("Rendering failed", f"{type(error).__name__}: {error}".rstrip(": \n"))
        with self._changed:
            self._loading = None
            self._failed = self._current
        opened = self._engine.is_loaded(self._view.network.path)
        self._publish(FailedFrame(self._view, error.detached(), opened=opened))
        self._answer = "done"

    def _bound(self, total_bytes: int) -> None:
        self._engine.set_memory_budget(total_bytes)
        with self._changed:
            self._memory = self._engine.memory_use()
            self._companions.start_again()  # one that did not fit may do so now
        self._notify()

    def _publish(self, result: Frame | FailedFrame) -> None:
        with self._changed:
            self._ready = result
            self._memory = self._engine.memory_use()
        self._notify()

    def _notify(self) -> None:
        if self._on_ready is None:
            return
        try:
            self._on_ready()
        except Exception:
            _log.exception("the callback of the render thread failed")

    def _is_stale(self) -> bool:
        return self._closing or self._newest is not self._current

    # ------------------------------------------------------------------------------------------ networks
    def _open(self, request: _Request) -> None:
        """Make sure that the View's network is open, and that panels know it."""
        path = request.view.network.path
        if self._engine.is_loaded(path) or not path:
            if path:
                self._adopt(self._engine.load(path))
            return

        def unwanted() -> bool:
            newest = self._newest
            moved_on = newest is not None and newest.view.network.path != path
            return self._closing or moved_on or self._cancelled_path == path

        def report(fraction: float, stage: str) -> None:
            with self._changed:
                self._loading = LoadingState(Path(path), fraction, stage)
            self._notify()

        try:
            if self._cancelled_path == path:
                raise Cancelled
            report(0.0, "Opening the checkpoint")
            resident = self._engine.load(path, progress=report, cancelled=unwanted)
        except Cancelled:
            if self._cancelled_path == path and not self._closing:
                raise LoadingCancelled("Opening the checkpoint was cancelled") from None
            raise
        finally:
            with self._changed:
                self._loading = None
            self._notify()
        self._adopt(resident)
        if self._is_stale():
            raise Cancelled

    def _adopt(self, resident: Resident) -> None:
        if resident.serial == self._serial:
            return
        self._serial = resident.serial
        self._survey.turn_to(resident.serial, resident.network.generator)
        with self._changed:
            self._info = resident.info()
            self._histogram = self._survey.histogram()

    def _move(self, name: str) -> None:
        try:
            self._engine.set_device(name)
        finally:
            self._device = self._engine.device
        with self._changed:
            self._answer = "done" if self._current is None else "nothing"
            self._companions.start_again()

    def _sample_poses(self) -> None:
        if self._survey.advance(self._is_stale):
            with self._changed:
                self._histogram = self._survey.histogram()
            self._notify()
