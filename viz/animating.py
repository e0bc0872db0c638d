"""The timeline in the program: playing, scrubbing, editing, and the small pictures of its keyframes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pof3d.errors import ConfigError, Pof3dError
from viz import turning
from viz.capturing import Capturing
from viz.comparing import Comparison, synced
from viz.frame import Frame
from viz.generated import generated
from viz.history import History
from viz.jobs import Control, Job, Working
from viz.keyframes import Shot, keyframe_view, shot_of
from viz.panel import Turntable
from viz.playback import GeneratedPath, Playback
from viz.services import Rendering
from viz.sessions import SUFFIX, Session, is_saved, read_saved, save_session
from viz.settings import Settings, with_recent
from viz.surroundings import Surroundings
from viz.timeline import (
    Timeline,
    changed,
    check_timeline,
    closed,
    key_at,
    place_for,
    snapped,
    view_at,
    with_keyframe,
    with_shots,
    without,
    without_shots,
)
from viz.view import NetworkView, View

_log = logging.getLogger(__name__)

AUTOSAVE_SECONDS = 30.0
PICTURE_SIDE = 64
"""Of keyframes' pictures, pixels."""
TITLE = "Timeline"
"""Of the panel."""
MOST_PICTURES = 500
"""Of keyframes, kept for undo: a timeline may have more, and then has those of its own."""


class Animating:
    """The part of :class:`viz.program.Program` that has to do with time, and with sessions.

    What it uses of the rest is named here.
    """

    rendering: Rendering
    workshop: Working | None
    surroundings: Surroundings
    settings: Settings
    view: View
    frame: Frame | None
    turntable: Turntable
    capturing: Capturing
    now: float
    panels_open: set[str]
    timeline: Timeline
    time: float
    """Of the playhead, seconds."""
    playing: bool
    panel_wanted: str
    _network: str
    _history: History
    comparison: Comparison
    _note: Callable[..., None]
    _replace_comparison: Callable[[Comparison, object], None]
    notify: Callable[[str], None]
    commit: Callable[..., None]
    open_checkpoint: Callable[[Path], None]
    pause: Callable[[], None]
    _tell_open_error: Callable[[Pof3dError], None]
    _go: Callable[[View], None]

    def _begin_animating(self, timeline: Timeline | None = None) -> None:
        self.timeline = timeline or Timeline()
        self.time = 0.0
        self.playing = False
        self.file_dialog = ""
        """Asks the window for a dialog: "open" or "save"."""
        self.session_path: Path | None = None
        """Where the session was saved or opened last."""
        self._gesture: object = None
        self._kept: tuple[View, View] | None = None
        """A View, and what a keyframe would keep of it."""
        self._pictures: dict[View, NDArray[np.uint8]] = {}
        self._shots: dict[View, Shot] = {}
        self._shots_of = self.view.network.path
        """The network that the shots of the timeline's keyframes are of."""
        self._failed_pictures: set[View] = set()
        self._pictured_timeline: Timeline | None = None
        """One whose keyframes all have their pictures."""
        self._pictured = ""
        self._picturing: Job[None] | None = None
        self._saved: Session | None = None
        self._saved_at = 0.0

    @property
    def playback(self) -> Playback:
        """What panels see."""
        index = key_at(self.timeline, self.time)
        edited = False
        if index is not None:
            if self._kept is None or self._kept[0] is not self.view:
                self._kept = (self.view, keyframe_view(self.view))
            edited = self.timeline.keyframes[index].view != self._kept[1]
        return Playback(self.timeline, self.time, self.playing, self._pictures, edited)

    # ----------------------------------------------------------------------------------------- every frame
    def _animate(self, seconds: float) -> None:
        """Move the playhead on, look after the pictures of keyframes, and save by itself."""
        if self.playing and not self.capturing.picture_wanted:
            self._advance(seconds)
        self._look_after_pictures()
        if self.now - self._saved_at >= AUTOSAVE_SECONDS:
            self._saved_at = self.now
            self.save_own_session()

    def _advance(self, seconds: float) -> None:
        time, length = self.time + seconds, self.timeline.duration
        if time >= length and not self.timeline.loop:
            time, self.playing = length, False
        elif self.timeline.loop:
            time %= length
        self._show_at(time, self._gesture)

    def _show_at(self, time: float, gesture: object) -> None:
        self.time = time
        view = view_at(self.timeline, time)
        if view is not None:
            self.commit(replace(view, network=self.view.network), gesture)

    # --------------------------------------------------------------------------------- what panels ask for
    def play_timeline(self, playing: bool) -> None:
        """Play from the playhead, from the beginning where that is at the end; or stop."""
        if playing and len(self.timeline.keyframes) == 0:
            self.notify("The timeline has no keyframes yet: K adds one")
            return
        if playing and not self.playing:
            self.pause()
            self._gesture = object()
            if not self.timeline.loop and self.time >= self.timeline.duration - 1e-6:
                self.time = 0.0
        elif not playing and self.playing:
            self._show_at(self._on_frame(self.time), self._gesture)
        self.playing = playing

    def seek(self, time: float, gesture: object = None) -> None:
        """Put the playhead somewhere, and go to the View there."""
        self.playing = False
        self.pause()
        self._show_at(self._on_frame(time), gesture or object())

    def _on_frame(self, time: float) -> float:
        """The nearest time of a frame, or of a keyframe that is as near: after stretching they lie apart."""
        index = key_at(self.timeline, time)
        return snapped(self.timeline, time) if index is None else self.timeline.keyframes[index].time

    def edit_timeline(self, timeline: Timeline, gesture: object = None, time: float | None = None) -> None:
        """Take a timeline that the user has changed, and put the playhead somewhere."""
        try:
            check_timeline(timeline)
        except ConfigError as error:
            self.notify(str(error))
            return
        self.timeline = timeline = closed(timeline)
        self.time = min(self.time if time is None else time, timeline.duration)
        self._note(gesture or object(), timeline=timeline)

    def add_keyframe(self) -> None:
        """Keep the present View at the playhead, or behind the keyframe that is there."""
        if not self._network:
            return
        self.playing = False
        time = place_for(self.timeline, self._on_frame(self.time))
        shot = shot_of(self.frame, self.view)
        self.edit_timeline(with_keyframe(self.timeline, time, self.view, shot), None, time)
        self.panels_open.add(TITLE)

    def update_keyframe(self) -> None:
        """Put the present View into the keyframe at the playhead."""
        index = key_at(self.timeline, self.time)
        if index is not None:
            shot = shot_of(self.frame, self.view)
            view = keyframe_view(self.view)
            self.edit_timeline(changed(self.timeline, index, view=view, shot=shot))

    def remove_keyframe(self) -> None:
        """Remove the keyframe at the playhead."""
        index = key_at(self.timeline, self.time)
        if index is not None:
            self.edit_timeline(without(self.timeline, index))

    def generate_path(self, path: GeneratedPath) -> None:
        """Replace the timeline with keyframes along a path, from the present View."""
        if not self._network:
            return
        self.playing = False
        self.pause()
        orbit = turning.orbit_of(self.rendering.histogram)
        self.edit_timeline(generated(path, self.view, orbit, self.timeline.fps), None, 0.0)
        self.panels_open.add(TITLE)

    def record_timeline(self) -> None:
        """Record the timeline in the planned format and size."""
        timeline = self.timeline
        request = replace(
            self.capturing.request,
            path="timeline",
            timeline=timeline,
            frames=timeline.frames,
            fps=timeline.fps,
        )
        self.capturing.start(replace(self.view, network=NetworkView(self._network)), request)

    def toggle_timeline(self) -> None:
        """Show the panel, or put it away."""
        if TITLE in self.panels_open:
            self.panels_open.discard(TITLE)
            self.playing = False
        else:
            self.panels_open.add(TITLE)
            self.panel_wanted = TITLE

    # -------------------------------------------------------------------------------------------- sessions
    @property
    def session(self) -> Session:
        """What would be saved now."""
        view = replace(self.view, network=NetworkView(self._network))
        return Session(view, self.timeline, synced(self.comparison, view))

    def ask_for_file(self, dialog: str) -> None:
        """Open a dialog of the window: "open" or "save"."""
        self.file_dialog = dialog

    def save_session_as(self, path: Path) -> None:
        """Save the session under this name."""
        try:
            save_session(self.session, path)
        except Pof3dError as error:
            self.notify(str(error))
            return
        self.session_path = path
        self.settings = replace(self.settings, last_folder=str(path.parent))
        self.notify(f"Saved {path}")

    def open_session(self, path: Path) -> None:
        """Go on with a saved session, or go to the View of a picture or video that was saved here."""
        try:
            session = read_saved(path, self._network)
        except ConfigError as error:
            self._tell_open_error(error)
            return
        self.settings = replace(self.settings, last_folder=str(path.absolute().parent))
        self.restore(session)
        if path.suffix.lower() == SUFFIX:
            self.session_path = path
            self.notify(f"Opened {path.name}")
        else:
            self.notify(f"Went to the view of {path.name}")

    def open_file(self, path: Path) -> None:
        """Open whatever was chosen: a session or a capture, or else a checkpoint or a training run."""
        if is_saved(path):
            self.open_session(path)
        else:
            self.open_checkpoint(path)

    def restore(self, session: Session) -> None:
        """Go on with a session, or with its View where that is alone. One step."""
        self.playing = False
        self.pause()
        gesture, view = object(), session.view
        if not session.alone:
            self.edit_timeline(session.timeline, gesture, 0.0)
            self._shots_of = view.network.path
            self._replace_comparison(session.comparison, gesture)
        if session.timeline.keyframes:
            self.panels_open.add(TITLE)
        if not view.network.path:
            view = replace(view, network=self.view.network)
        elif view.network.path != self._network and not self.surroundings.is_bundled(Path(view.network.path)):
            # As a checkpoint that is opened: what is asked for anew is read again.
            self.settings = with_recent(self.settings, Path(view.network.path))
        self.commit(view, gesture)

    def save_own_session(self) -> None:
        """Save the session for the next start, if it has changed."""
        if not (self.surroundings.remember and self._network):
            return
        session = self.session
        if session == self._saved:
            return
        self._saved = session  # even where that fails: to be told once is enough
        try:
            save_session(session)
        except Pof3dError as error:
            _log.warning("%s", error)

    # -------------------------------------------------------------------------------- pictures of keyframes
    def _look_after_pictures(self) -> None:
        """Take note of what is known of keyframes; let the rest be rendered in the background."""
        if self._pictured != self._network:
            self._pictured = self._network
            for known in (self._pictures, self._shots, self._failed_pictures):
                known.clear()
            self._pictured_timeline = None
            if self._picturing is not None:
                self._picturing.cancel()
        if self._shots_of != self._network and self.view.network.path == self._network:
            self._shots_of = self._network
            self._complete(without_shots(self.timeline))
        if self._shots_of == self._network:
            self._complete(with_shots(self.timeline, self._shots))
        busy = self._picturing is not None and self._picturing.running
        if busy or self.workshop is None or not self._network or TITLE not in self.panels_open:
            return
        if len(self._pictures) > MOST_PICTURES:  # those of keyframes that are gone
            present = {one.view for one in self.timeline.keyframes}
            for view in self._pictures.keys() - present:
                del self._pictures[view]
                self._shots.pop(view, None)
        if self._pictured_timeline is self.timeline:
            return
        missing = [
            one.view
            for one in self.timeline.keyframes
            if one.view not in self._pictures and one.view not in self._failed_pictures
        ]
        if missing:
            self._picturing = self._render_pictures(self.workshop, self._network, missing)
        else:
            self._pictured_timeline = self.timeline

    def _complete(self, timeline: Timeline) -> None:
        """Take another timeline, but for what the user does: no step."""
        if timeline is self.timeline:
            return
        if self._history.present.timeline == self.timeline:
            self._history.amend(timeline=timeline)
        self.timeline = timeline

    def _render_pictures(self, workshop: Working, network: str, wanted: list[View]) -> Job[None]:
        pictures, shots, failed = self._pictures, self._shots, self._failed_pictures

        def work(engine: object, control: Control) -> None:
            from viz.engine import Engine

            assert isinstance(engine, Engine)
            for i, view in enumerate(wanted):
                control.report(i / len(wanted), f"keyframe {i + 1}")
                asked = replace(view, network=NetworkView(network))
                side = min(view.sampling.resolution or PICTURE_SIDE, PICTURE_SIDE)
                small = replace(asked, sampling=replace(view.sampling, resolution=side))
                try:
                    frame = engine.render(small, "preview", control.cancelled)
                except Pof3dError:
                    failed.add(view)
                    continue
                shot = shot_of(frame, small)
                control.check()  # the network may have changed: what is known is then forgotten
                if shot is not None:
                    shots[view] = shot
                pictures[view] = _small(frame.rgba)

        return workshop.start("Pictures of keyframes", network, work)

    def _stop_animating(self) -> None:
        if self._picturing is not None:
            self._picturing.cancel()


def _small(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A square picture of bounded size; of two side by side, the left one."""
    from PIL import Image

    side = min(rgba.shape[:2])
    square = Image.fromarray(np.ascontiguousarray(rgba[:side, :side]))
    return np.asarray(square.resize((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.BILINEAR))
