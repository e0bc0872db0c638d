"""The program behind the window: the View, its history, and what panels, keys and dropped files ask for.

Nothing here draws, and nothing here waits: it is told the time that has passed, takes what the workers have
ready, and hands them what is to be done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pof3d.checkpoint.sniff import SUFFIXES
from pof3d.download import forget
from pof3d.errors import CheckpointError, Pof3dError, naming
from viz import dropping
from viz.animating import Animating
from viz.capturing import Capturing
from viz.comfort import Comforts
from viz.commands import Commands
from viz.comparer import PINNED, Comparisons
from viz.comparing import Comparison
from viz.contexts import panel_context
from viz.explorations import Explorations, Exploring
from viz.fetching import Fetching
from viz.following import FollowedRun, RunWatcher, Watching
from viz.frame import FailedFrame, Frame
from viz.geometry import Geometry
from viz.geometry_commands import GeometryCommands
from viz.history import History, Moment
from viz.internals import Inspector
from viz.jobs import Working
from viz.notices import Notices
from viz.panel import DownloadQuestion, PanelContext
from viz.pose_tools import PoseCommands, PoseTools
from viz.seed_map import settled
from viz.services import Recording, Rendering
from viz.settings import with_recent, without_recent
from viz.stages import LoadingCancelled
from viz.surroundings import Surroundings
from viz.timeline import Timeline
from viz.turntable import Turning
from viz.view import NetworkView, View

_READING_SECONDS = 6.0
"""For how long an error stays whatever the user does."""
_CALM_SECONDS = 0.5
"""Without a change by the user, before a snapshot that has landed replaces the picture."""


class Program(
    GeometryCommands, Commands, PoseCommands, Explorations, Comforts, Comparisons, Animating, Turning
):
    """Everything but the drawing. Lives in the window's thread.

    Parameters
    ----------
    rendering : Rendering
        Makes Frames; closed by :meth:`close`.
    recording : Recording, optional
        Makes videos; closed by :meth:`close`.
    view : View, optional
        To begin with.
    timeline : Timeline, optional
        To begin with.
    surroundings : Surroundings, optional
        Settings and the like.
    wake : callable, optional
        Ends a wait of the window; may be called from any thread.
    watch : callable, optional
        Gives what looks into the folder of a training run; a thread by default.
    workshop : Working, optional
        Runs other work in the background; closed by :meth:`close`.
    """

    def __init__(
        self,
        rendering: Rendering,
        recording: Recording | None = None,
        *,
        view: View | None = None,
        timeline: Timeline | None = None,
        comparison: Comparison | None = None,
        surroundings: Surroundings | None = None,
        wake: Callable[[], None] | None = None,
        watch: Callable[[Path], Watching] | None = None,
        workshop: Working | None = None,
    ) -> None:
        self.rendering = rendering
        self.workshop = workshop
        self.surroundings = surroundings or Surroundings()
        self.settings = self.surroundings.settings
        self.view = view or View()
        self.frame: Frame | None = None
        self._begin_turning()
        self.poses = PoseTools(workshop)
        self.notices = Notices()
        self.run: FollowedRun | None = None
        self.help_open = False
        self.layout_reset = False
        """Asks the window to put the panels back."""
        self.panel_wanted = ""
        """Asks the window to bring a panel to the front."""
        self.quitting = False
        self.now = 0.0
        self._error: Pof3dError | None = None
        self._open_error: Pof3dError | None = None
        self._open_error_until = 0.0
        self._network = ""
        self._edited = -_CALM_SECONDS
        self._watch = watch or (lambda folder: RunWatcher(folder, wake))
        self.panels_open = set(self.settings.panels_open)
        """Titles of the panels that are open, of those that need not be."""
        self._begin_animating(timeline)
        self._begin_comparing(comparison)
        self.exploring = Exploring(workshop, self.surroundings.remember)
        self._begin_history()
        self._opening: tuple[str, object] = ("", None)
        """A checkpoint that was asked for, and the gesture that did so."""
        self.hand: object = None
        """A token of what the mouse does while a button is held: the same one is the same step."""
        self._wake = wake
        self._looking: dropping.Looking | None = None
        self._dropped = ""
        self.fetching = Fetching(wake)
        self.question: DownloadQuestion | None = None
        self.capturing = Capturing(self.surroundings.capture_folder, recording, self.notify, wake)
        self.inspector = Inspector(workshop, rendering)
        self.geometry = Geometry(workshop, self.capturing.target, self.notify)
        rendering.set_memory_budget(self.settings.memory_mib * 2**20)
        if self.view.network.path:
            rendering.submit(self.view)
            self._accompany()

    # --------------------------------------------------------------------------------------- every frame
    def update(self, seconds: float) -> bool:
        """Take what is ready and move on; whether there is a new picture."""
        self.now += seconds
        changed = self._take_result()
        changed = self._update_comparison() or changed
        self._take_download()
        self._take_poses()
        self._take_dropped()
        self._follow(seconds)
        self.capturing.update()
        self.inspector.update(self.view, self.now)
        self._turn(seconds)
        self._explore(seconds)
        self.geometry.update(self.seen_view, self.rendering.network_info, seconds)
        self._animate(seconds)
        return changed

    @property
    def moving(self) -> bool:
        """Whether things change without input."""
        loading = self.rendering.loading is not None or self.fetching.loading is not None
        loading = loading or self.inspector.moving
        waiting = loading or (self.run is not None and self.run.moving)
        waiting = waiting or self.panes_waiting or self.geometry.pending
        moved = self.turntable.playing or self.playing or self.exploring.moving
        return moved or waiting or self.notices.left(self.now) > 0

    @property
    def error(self) -> Pof3dError | None:
        """What the user should know about: why there is no picture, or why a file did not open."""
        return self._error or self._open_error

    def context(self, ui_milliseconds: NDArray[np.float32], scale: float) -> PanelContext:
        """What panels see."""
        return panel_context(self, ui_milliseconds, scale)

    def edit(self, view: View, gesture: object = None) -> None:
        """Take a change that the user made; see :meth:`commit`. Touching the pose stops the turntable."""
        self._edited = self.now
        if self.now > self._open_error_until:
            self._open_error = None
        self.playing = self.playing and view == self.view
        view = replace(view, latent=settled(self.view.latent, view.latent))
        old, new = ((one.pose, one.camera.yaw, one.camera.pitch) for one in (self.view, view))
        if old != new:
            self.pause()
        self._leave_path(view)
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
        if self._counts():
            self._note(gesture, view=view)
        else:
            self._opening = (view.network.path, gesture)

    def _begin_history(self) -> None:
        explored = self.exploring.path, self.exploring.bookmarks
        self._history = History(Moment(self.view, self.timeline, 0.0, self.comparison, *explored))

    def _note(self, gesture: object, **changed: Any) -> None:
        """Put a step into the history: the present moment, with what has changed in it."""
        moment = replace(self._history.present, playhead=self.time, comparison=self.comparison, **changed)
        self._history.record(moment, gesture)

    def _go(self, view: View) -> None:
        if self.run is not None and view.network != self.view.network:
            self.run.went_to(view.network.path)
        self.view = view
        self._accompany()
        if view.network.path:
            self.rendering.submit(view)

    def _take_result(self) -> bool:
        result = self.rendering.poll()
        if result is not None and self._is_of_another_pane(result):
            return False
        if isinstance(result, Frame):
            self.frame, self._error = result, None
            if result.view.network.path != self._network:
                self._opened(result.view.network.path)
            self.capturing.offer(result, self.view)
            return True
        if isinstance(result, FailedFrame):
            self._failed(result)
        return False

    def _counts(self) -> bool:
        """Whether the checkpoint of the present View is open."""
        path = self.view.network.path
        return path == self._network or self._in_run(path, self._network)

    def _in_run(self, *paths: str) -> bool:
        """Whether all of these are snapshots of the open run."""
        return self.run is not None and all(map(self.run.holds, paths))

    def _follow(self, seconds: float) -> None:
        """Go to the snapshot of the run that is to be shown: not a step of the history."""
        if self.run is None:
            return
        known = self.run.listing is not None
        path = self.run.update(seconds, calm=self.now - self._edited > _CALM_SECONDS)
        if not known and self.run.listing is not None:
            self.panel_wanted = "Run"
        if self.run.refusal is not None:
            self._tell_open_error(self.run.refusal)
            self.close_run()
        elif path is not None:
            self.view = replace(self.view, network=NetworkView(str(path)))
            self.rendering.reload(self.view)

    def _opened(self, path: str) -> None:
        before, self._network = self._network, path
        if self._in_run(path, before):
            if self.view.network.path == path:
                self._history.amend(self.view)
            return
        self._open_error = None
        self.notices.withdraw(PINNED)
        if not before:
            self._begin_history()
        elif self.view.network.path == path:
            asked, gesture = self._opening
            self._note((gesture if asked == path else None) or object(), view=self.view)
        self._motion = None
        recent = self.run.folder if self.run is not None and self._in_run(path) else Path(path)
        if not self.surroundings.is_bundled(recent):
            self.settings = with_recent(self.settings, recent)
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
        if isinstance(result.error, CheckpointError):
            forget(Path(path))  # if it was downloaded, another try may bring a better one
            if os.path.exists(path):  # not on a disk that is missing just now
                self.settings = without_recent(self.settings, Path(path))
        if self.run is not None and self.run.holds(path):
            self.run.failed(path, result.error)
            self.view = replace(self.view, network=NetworkView(self._network))
            self._history.amend(self.view)
            if self._network:
                self.rendering.submit(self.view)
            return
        if isinstance(result.error, LoadingCancelled):
            self.notify(f"{Path(path).name} was not opened")
        else:
            self._tell_open_error(naming(result.error, Path(path).name))
        present = self._history.present
        self._return_to(present.comparison)
        self._go(replace(present.view, network=NetworkView(self._network)))

    def _tell_open_error(self, error: Pof3dError) -> None:
        """Show why a file did not open: until another does, or the user has read it and goes on."""
        self._open_error, self._open_error_until = error, self.now + _READING_SECONDS

    def close(self) -> None:
        """Save settings and View, and stop the workers."""
        self.remember()
        self._stop_animating()
        self.close_run()
        self.fetching.cancel()
        self.capturing.close()
        if self.workshop is not None:
            self.workshop.close()
        self.rendering.close()

    def remember(self) -> None:
        """Save settings and View for the next start."""
        run = self.run is not None and self.run.listing is not None
        self.settings = replace(
            self.settings,
            run=str(self.run.folder) if self.run and run else "",
            panels_open=tuple(sorted(self.panels_open)),
        )
        self._save()
        self.save_own_session()

    # ---------------------------------------------------------------------------------- what panels ask for
    def open_checkpoint(self, path: Path) -> None:
        """Open a file, or follow a run's folder; the present network stays until the new one is there."""
        path = path.expanduser().absolute()
        if path.suffix.lower() not in SUFFIXES and os.path.isdir(path):
            self.open_run(path)
            return
        self._open_error = None
        self.settings = replace(self.settings, last_folder=str(path.parent))
        view = replace(self.view, network=NetworkView(str(path)))
        # Asked for by the user, a file that failed before is read again.
        self.rendering.reload(view)
        self.commit(view)

    def cancel_loading(self) -> None:
        """Stop opening, or fetching, a file."""
        self.fetching.cancel()
        self.rendering.cancel_loading()

    # ------------------------------------------------------------------------ what keys and menus ask for
    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to repeat."""
        return self._history.can_redo

    def undo(self) -> None:
        """Take the last step back."""
        if self._network and not self._counts():
            # What is still being opened is no step yet: it is taken back by not going there.
            self._travel(self._history.present)
            self.cancel_loading()
        else:
            self._travel(self._history.undo())

    def redo(self) -> None:
        """Repeat a step taken back."""
        self._travel(self._history.redo())

    def _travel(self, moment: Moment | None) -> None:
        self.pause()
        self.playing = False
        if moment is None:
            return
        view, self.timeline, self._shots_of = moment.view, moment.timeline, moment.view.network.path
        self.time = min(moment.playhead, self.timeline.duration)
        self._return_to_explored(moment)
        exchanged = self._return_to(moment.comparison)
        if not exchanged and self._in_run(view.network.path, self.view.network.path):
            # Which snapshot of a run is shown is not what a step changed.
            view = replace(view, network=self.view.network)
            self._history.amend(view)
        self._go(view)

    def escape(self) -> None:
        """Close or cancel what is open: the list of keys, a file being opened, an error."""
        if self.tour_step is not None:
            self.end_tour()
        elif self.help_open:
            self.help_open = False
        elif (self.fetching.loading or self.rendering.loading) is not None:
            self.cancel_loading()
        else:
            self.dismiss_error()

    def dismiss_error(self) -> None:
        """Take note that the user has read the error."""
        if self._error is None:
            self._open_error = None
        else:
            self.notices.dismissed = str(self._error)

    def drop(self, paths: Sequence[Path]) -> None:
        """Take dropped files."""
        dropped = dropping.sort_out(paths)
        if dropped.error is not None:
            self._tell_open_error(dropped.error)
        if dropped.message:
            self.notify(dropped.message)
        if dropped.others:
            self._looking, self._dropped = dropping.Looking(dropped.others, self._wake), dropped.message
        if dropped.checkpoint is not None:
            self.open_checkpoint(dropped.checkpoint)
        if dropped.folder is not None:
            self.open_run(dropped.folder)
        if dropped.saved is not None:
            self.open_session(dropped.saved)
