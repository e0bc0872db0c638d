"""The automatic orbit, and what sends the camera somewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from viz import navigation, turning
from viz.capturing import Capturing
from viz.frame import Frame, Pose
from viz.history import History
from viz.panel import Turntable
from viz.posing import shown_pose, with_orbit, with_pose
from viz.services import Rendering
from viz.view import View


class Turning:
    """The half of :class:`viz.program.Program` that turns the camera; Program has all that is used here."""

    rendering: Rendering
    capturing: Capturing
    view: View
    frame: Frame | None
    playing: bool
    commit: Callable[..., None]
    _go: Callable[[View], None]
    _network: str
    _history: History

    def _begin_turning(self) -> None:
        self.turntable = Turntable()
        self._motion: turning.Motion | None = None

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
            self._motion, self.playing = None, False
        self.turntable = turntable

    def pause(self) -> None:
        """Stop the turntable."""
        self.set_turntable(replace(self.turntable, playing=False))

    def toggle_turntable(self) -> None:
        """Play or pause."""
        self.set_turntable(replace(self.turntable, playing=not self.turntable.playing))
