"""Pictures and videos of what the window shows: asked for at any time, made in the background, announced."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from pof3d.errors import Pof3dError
from viz.frame import Frame
from viz.pacing import Pace
from viz.panel import RecordingFormat, RecordingRequest, RecordingState
from viz.saving import Saver
from viz.services import Recording
from viz.video_panes import ONLY_IMAGES, geometry_left_out
from viz.view import View


class Capturing:
    """Saves pictures and records videos.

    Parameters
    ----------
    folder : Path
        Where they go.
    recording : Recording, optional
        Makes videos.
    notify : callable
        Tells the user something.
    wake : callable, optional
        Called from other threads when there is something to tell.
    """

    def __init__(
        self,
        folder: Path,
        recording: Recording | None,
        notify: Callable[[str], None],
        wake: Callable[[], None] | None = None,
    ) -> None:
        self.folder = folder
        self.picture_wanted = False
        """Whether to save the present View's picture once it is there; what plays by itself waits for it."""
        self.window_wanted = False
        """Whether the window is to give a picture of itself to :meth:`save_window`."""
        self.shape_wanted = False
        """Whether the viewport is to give the geometry that it shows to :meth:`save_shape`."""
        self._saver = Saver(folder, wake)
        self._recording = recording
        self._notify = notify
        self.request = RecordingRequest()
        """How to record."""
        self.pace = Pace()
        """How long recordings take."""
        self.recorded: tuple[View, RecordingRequest] | None = None
        """What the recording under way, or the last one, is of."""
        self._missing: Mapping[RecordingFormat, str] | None = None
        self._told: RecordingState | None = None
        self._cancelling = False

    @property
    def state(self) -> RecordingState | None:
        """The recording under way, or the last one."""
        state = self._recording.state if self._recording is not None else None
        if state is not None and state.status == "running" and self._cancelling:
            return replace(state, cancelling=True)
        return state

    @property
    def running(self) -> bool:
        """Whether a recording is under way."""
        return self.state is not None and self.state.status == "running"

    @property
    def missing_formats(self) -> Mapping[RecordingFormat, str]:
        """Kinds of videos that cannot be made here, and why: looked up in the background, none until then."""
        if self._missing is None:
            self._missing = {}
            # It imports the encoders, which the window does not wait for.
            threading.Thread(target=self._look_up_encoders, name="encoders", daemon=True).start()
        return self._missing

    def _look_up_encoders(self) -> None:
        from viz.encoders import missing_encoder

        found = {kind: missing_encoder(kind) for kind in get_args(RecordingFormat)}
        self._missing = {kind: why for kind, why in found.items() if why}

    def save_picture(self, frame: Frame | None, view: View) -> None:
        """Save the picture of a View, now or once it is there in full quality."""
        if not view.network.path:
            self._notify("There is no picture to save")
        elif frame is not None and frame.level == "full" and frame.view == view:
            self._saver.picture(frame)
        else:
            self.picture_wanted = True

    def offer(self, frame: Frame, view: View) -> None:
        """Take note of a new picture. It may be of an older View than the present one."""
        self.pace.saw(frame)
        if self.picture_wanted and frame.level == "full" and frame.view == view:
            self.picture_wanted = False
            self._saver.picture(frame)

    def save_window(self, pixels: NDArray[np.uint8], view: View) -> None:
        """Save a picture of the window [H, W, 3]."""
        self.window_wanted = False
        self._saver.window(pixels, view)

    def save_comparison(self, rgba: NDArray[np.uint8], view: View) -> None:
        """Save a picture of compared Views [H, W, 4]."""
        self._saver.comparison(rgba, view)

    def save_shape(self, rgba: NDArray[np.uint8], view: View) -> None:
        """Save a picture [H, W, 4] of the geometry that a View shows."""
        self.shape_wanted = False
        self._saver.shape(rgba, view)

    def target(self, view: View, suffix: str) -> Path:
        """A free path for a file about a View; see :meth:`viz.saving.Saver.target`."""
        return self._saver.target(view, suffix)

    def start(self, view: View, request: RecordingRequest | None = None) -> None:
        """Record a View, as requested; or this once in another way."""
        request = request or self.request
        if self._recording is None or not view.network.path:
            self._notify("There is nothing to record yet")
            return
        try:
            target = self._saver.target(view, "" if request.format == "png" else f".{request.format}")
            self._recording.start(view, request, target)
            self.recorded = (view, request)
            self._cancelling = False
            if geometry_left_out(view, request):
                self._notify(ONLY_IMAGES)
        except Pof3dError as error:
            self._notify(str(error))

    def cancel(self) -> None:
        """Stop the recording; nothing of it remains."""
        if self._recording is not None:
            self._recording.cancel()
            self._cancelling = True

    def update(self) -> None:
        """Announce what is done."""
        while (outcome := self._saver.poll()) is not None:
            self._notify(f"Saved {outcome}" if isinstance(outcome, Path) else str(outcome))
        state, told = self.state, self._told
        self._told = state
        if state is not None and state is not told and self.recorded is not None:
            self.pace.recorded(*self.recorded, state)
        if state is None or state is told or state.status == "running":
            return
        if told is not None and told.status == state.status and told.target == state.target:
            return
        if state.status == "finished":
            self._notify(f"Saved {state.target}")
        elif state.status == "cancelled":
            self._notify("The recording was cancelled")
        elif state.error is not None:
            self._notify(str(state.error))

    def close(self) -> None:
        """End everything: pictures are finished, a recording is cancelled."""
        if self._recording is not None:
            self._recording.close()
        self._saver.close()
