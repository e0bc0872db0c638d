"""The program behind the window: the View, its history, and what panels, keys and dropped files ask for.

Nothing here draws, and nothing here waits: it is told the time that has passed, takes what the workers have
ready, and hands them what is to be done.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pof3d.errors import Pof3dError
from viz import dropping, navigation, turning
from viz.capturing import Capturing
from viz.frame import FailedFrame, Frame, Pose
from viz.history import History
from viz.notices import Notices
from viz.panel import PanelContext, Performance, RecordingRequest, Turntable
from viz.posing import shown_pose, with_orbit, with_pose
from viz.render_thread import LoadingCancelled
from viz.services import Recording, Rendering
from viz.settings import save_session, save_settings, with_recent, without_recent
from viz.surroundings import Surroundings
from viz.view import NetworkView, View

_log = logging.getLogger(__name__)
_READING_SECONDS = 6.0
"""For how long an error stays whatever the user does."""


class Program:
    """Everything but the drawing. Lives in the window's thread.

    Parameters
    ----------
    rendering : Rendering
        Makes Frames; closed by :meth:`close`.
    recording : Recording, optional
        Makes videos; closed by :meth:`close`.
    view : View, optional
        To begin with.
    surroundings : Surroundings, optional
        Settings and the like.
    wake : callable, optional
        Ends a wait of the window; may be called from any thread.
    """

    def __init__(
        self,
        rendering: Rendering,
        recording: Recording | None = None,
        *,
        view: View | None = None,
        surroundings: Surroundings | None = None,
        wake: Callable[[], None] | None = None,
    ) -> None:
        self.rendering = rendering
        self.surroundings = surroundings or Surroundings()
        self.settings = self.surroundings.settings
        self.view = view or View()
        self.frame: Frame | None = None
        self.turntable = Turntable()
        self.notices = Notices()
        self.help_open = False
        self.layout_reset = False
        """Asks the window to put the panels back."""
        self.quitting = False
        self.now = 0.0
        self._error: Pof3dError | None = None
        self._open_error: Pof3dError | None = None
        self._open_error_until = 0.0
        self._network = ""
        self._history = History(self.view)
        self._motion: turning.Motion | None = None
        self.capturing = Capturing(self.surroundings.capture_folder, recording, self.notify, wake)
        if self.view.network.path:
            rendering.submit(self.view)

    # --------------------------------------------------------------------------------------- every frame
    def update(self, seconds: float) -> bool:
        """Take what is ready and move on; whether there is a new picture."""
        self.now += seconds
        changed = self._take_result()
        self.capturing.update()
        self._turn(seconds)
        return changed

    @property
    def moving(self) -> bool:
        """Whether things change without input."""
        return self.turntable.playing or self.rendering.loading is not None or self.notices.left(self.now) > 0

    @property
    def error(self) -> Pof3dError | None:
        """What the user should know about: why there is no picture, or why a file did not open."""
        return self._error or self._open_error

    def context(self, ui_milliseconds: NDArray[np.float32], scale: float) -> PanelContext:
        """What panels see."""
        settings, rendering = self.settings, self.rendering
        return PanelContext(
            frame=self.frame,
            error=self.error,
            network=rendering.network_info,
            loading=rendering.loading,
            histogram=rendering.histogram,
            recording=self.capturing.state,
            performance=Performance(
                ui_milliseconds,
                rendering.preview_milliseconds,
                rendering.threads,
                rendering.device,
                self.surroundings.devices,
            ),
            turntable=self.turntable,
            recents=tuple(map(Path, settings.recents)),
            bundled=self.surroundings.bundled,
            last_folder=Path(settings.last_folder or os.path.dirname(self._network) or Path.home()),
            capture_folder=self.capturing.folder,
            message=self.notices.message if self.notices.left(self.now) > 0 else "",
            scale=scale,
        )

    def edit(self, view: View, gesture: object = None) -> None:
        """Take a change that the user made; see :meth:`commit`. Touching the pose stops the turntable."""
        if self.now > self._open_error_until:
            self._open_error = None
        old, new = ((one.pose, one.camera.yaw, one.camera.pitch) for one in (self.view, view))
        if old != new:
            self.pause()
        self.commit(view, gesture)

    def commit(self, view: View, gesture: object = None) -> None:
        """Go to another View.

        Parameters
        ----------
        view : View
            Equal to the present one: nothing happens.
        gesture : object, optional
            Changes with the same token are one step of the history.
        """
        if view == self.view:
            return
        self._go(view)
        # A checkpoint on its way counts once it is open: one that does not open is no step to come back to.
        if view.network.path == self._network:
            self._history.record(view, gesture)

    def _go(self, view: View) -> None:
        self.view = view
        if view.network.path:
            self.rendering.submit(view)

    def _take_result(self) -> bool:
        result = self.rendering.poll()
        if isinstance(result, Frame):
            self.frame, self._error = result, None
            if result.view.network.path != self._network:
                self._opened(result.view.network.path)
            self.capturing.offer(result)
            return True
        if isinstance(result, FailedFrame):
            self._failed(result)
        return False

    def _opened(self, path: str) -> None:
        first = not self._network
        self._network, self._open_error = path, None
        if first:
            self._history = History(self.view)
        elif self.view.network.path == path:
            self._history.record(self.view, object())
        self._motion = None
        if Path(path) not in self.surroundings.bundled:
            self.settings = with_recent(self.settings, Path(path))
        self._save()

    def _failed(self, result: FailedFrame) -> None:
        self.capturing.picture_wanted = False
        path = result.view.network.path
        if path != self.view.network.path:
            return
        if result.opened and path != self._network:
            self._opened(path)
        if path == self._network:
            self._error = result.error
            return
        # The file did not open: what was open stays in use.
        if isinstance(result.error, LoadingCancelled):
            self.notify(f"{Path(path).name} was not opened")
        else:
            self._tell_open_error(dropping.naming(result.error, Path(path).name))
        self._go(replace(self._history.present, network=NetworkView(self._network)))

    def _tell_open_error(self, error: Pof3dError) -> None:
        """Show why a file did not open: until another does, or the user has read it and goes on."""
        self._open_error, self._open_error_until = error, self.now + _READING_SECONDS

    def _turn(self, seconds: float) -> None:
        """Move the turntable on, but for the moment that a picture of it is being made."""
        if not self.turntable.playing or self.capturing.picture_wanted:
            return
        orbit = turning.orbit_of(self.rendering.histogram)
        motion = self._motion
        if motion is None:
            start = shown_pose(self.view, self.frame)
            if start is None:
                return
            motion = turning.begin(orbit, start)
        first = self._motion is None
        self._motion, pose = turning.advance(motion, orbit, seconds, self.turntable.degrees_per_second)
        view = with_orbit(self.view, pose)
        if first:
            self.commit(view, object())
        else:
            # Only its beginning is a step to take back: the rest moved by itself.
            self._go(view)
            if view.network.path == self._network:
                self._history.amend(view)

    def close(self) -> None:
        """Save settings and View, and stop the workers."""
        self.remember()
        self.capturing.close()
        self.rendering.close()

    def remember(self) -> None:
        """Save settings and View for the next start."""
        self._save()
        if self.surroundings.remember and self._network:
            with contextlib.suppress(Pof3dError):
                save_session(replace(self.view, network=NetworkView(self._network)))

    def _save(self) -> None:
        if not self.surroundings.remember:
            return
        try:
            save_settings(self.settings)
        except Pof3dError as error:
            _log.warning("%s", error)

    # ---------------------------------------------------------------------------------- what panels ask for
    def open_checkpoint(self, path: Path) -> None:
        """Open a file in the background; the present network stays until the new one is there."""
        path = path.expanduser().absolute()
        self._open_error = None
        self.settings = replace(self.settings, last_folder=str(path.parent))
        view = replace(self.view, network=NetworkView(str(path)))
        # Asked for by the user, a file that failed before is read again.
        self.rendering.reload(view)
        self.commit(view)

    def cancel_loading(self) -> None:
        """Stop opening a file."""
        self.rendering.cancel_loading()

    def forget_recent(self, path: Path) -> None:
        """Take a file off the recent ones."""
        self.settings = without_recent(self.settings, path)
        self._save()

    def go_to_pose(self, pose: Pose) -> None:
        """Send the camera to a pose."""
        self.pause()
        self.commit(with_pose(self.view, pose))

    def reset_to_predicted(self) -> None:
        """Back to the predicted pose, seen as the network's own cameras see it."""
        self.pause()
        self.commit(navigation.home(self.view))

    def set_turntable(self, turntable: Turntable) -> None:
        """Play, pause, change the speed."""
        if turntable.playing and not self.turntable.playing:
            self._motion = None
        self.turntable = turntable

    def pause(self) -> None:
        """Stop the turntable."""
        self.set_turntable(replace(self.turntable, playing=False))

    def save_image(self) -> None:
        """Save the picture, once it is there in full quality."""
        self.capturing.save_picture(self.frame, self.view)

    def save_window(self) -> None:
        """Save a picture of the window."""
        self.capturing.window_wanted = True

    def plan_recording(self, request: RecordingRequest) -> None:
        """Take note of how to record, also by the key."""
        self.capturing.request = request

    def start_recording(self) -> None:
        """Record a video of the present View, as planned."""
        self.capturing.start(replace(self.view, network=NetworkView(self._network)))

    def cancel_recording(self) -> None:
        """Stop the recording; nothing of it remains."""
        self.capturing.cancel()

    def set_threads(self, threads: int) -> None:
        """Let the model use this many threads."""
        self.settings = replace(self.settings, threads=threads)
        self.rendering.set_threads(threads)

    def set_device(self, device: str) -> None:
        """Run the model on another device."""
        self.settings = replace(self.settings, device=device)
        self.rendering.set_device(device)

    def notify(self, message: str) -> None:
        """Show a notice for a while."""
        self.notices.tell(message, self.now)

    # ------------------------------------------------------------------------ what keys and menus ask for
    @property
    def overlays_visible(self) -> bool:
        """Whether the overlays are shown."""
        return self.notices.overlays_visible

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to repeat."""
        return self._history.can_redo

    def toggle_turntable(self) -> None:
        """Play or pause."""
        self.set_turntable(replace(self.turntable, playing=not self.turntable.playing))

    def toggle_overlays(self) -> None:
        """Show or hide the overlays."""
        self.notices.overlays_visible = not self.notices.overlays_visible

    def toggle_recording(self) -> None:
        """Start a recording like the last one, or stop the one under way."""
        if self.capturing.running:
            self.capturing.cancel()
        else:
            self.start_recording()

    def toggle_help(self) -> None:
        """Show or hide the list of keys."""
        self.help_open = not self.help_open

    def undo(self) -> None:
        """Take the last step back."""
        self._travel(self._history.undo())

    def redo(self) -> None:
        """Repeat a step taken back."""
        self._travel(self._history.redo())

    def _travel(self, view: View | None) -> None:
        self.pause()
        if view is not None:
            self._go(view)

    def escape(self) -> None:
        """Close or cancel what is open: the list of keys, a file being opened, an error."""
        if self.help_open:
            self.help_open = False
        elif self.rendering.loading is not None:
            self.cancel_loading()
        else:
            self.dismiss_error()

    def dismiss_error(self) -> None:
        """Take note that the user has read the error."""
        if self._error is None:
            self._open_error = None
        else:
            self.notices.dismissed = str(self._error)

    def reset_layout(self) -> None:
        """Put the panels back where they were at first."""
        self.layout_reset = True

    def quit(self) -> None:
        """End the program."""
        self.quitting = True

    def drop(self, paths: Sequence[Path]) -> None:
        """Take dropped files."""
        dropped = dropping.sort_out(paths)
        if dropped.error is not None:
            self._tell_open_error(dropped.error)
        if dropped.message:
            self.notify(dropped.message)
        if dropped.checkpoint is not None:
            self.open_checkpoint(dropped.checkpoint)
        if dropped.view is not None:
            self.pause()
            view = dropped.view
            if not view.network.path:
                view = replace(view, network=self.view.network)
            self.commit(view, object())
