"""What panels, keys and menus ask for that does not move the View: a word to the part that does it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pof3d.errors import Pof3dError
from viz.arrivals import Arrivals
from viz.capturing import Capturing
from viz.copying import Copying
from viz.fetching import Fetching
from viz.following import FollowedRun, Watching
from viz.frame import Frame
from viz.internals import Inspector
from viz.notices import Notices
from viz.panel import DownloadQuestion, RecordingRequest
from viz.services import Rendering
from viz.settings import Settings, save_settings, without_recent
from viz.surroundings import Surroundings
from viz.view import NetworkView, View

_log = logging.getLogger(__name__)


class Commands(Copying, Arrivals):
    """The simple half of :class:`viz.program.Program`, which has all that is used here."""

    rendering: Rendering
    surroundings: Surroundings
    settings: Settings
    view: View
    frame: Frame | None
    run: FollowedRun | None
    capturing: Capturing
    fetching: Fetching
    inspector: Inspector
    question: DownloadQuestion | None
    notices: Notices
    now: float
    help_open: bool
    layout_reset: bool
    quitting: bool
    record_timeline: Callable[[], None]
    _network: str
    _open_error: Pof3dError | None
    _watch: Callable[[Path], Watching]

    # ------------------------------------------------------------------------------------- downloads
    def open_url(self, url: str) -> None:
        """Fetch a file and open it; the present network stays until it is there."""
        self._open_error = self.question = None
        self.fetching.start(url)

    def answer_question(self, yes: bool) -> None:
        """Fetch the large file that was asked about, or leave it."""
        question, self.question = self.question, None
        if yes and question is not None:
            self.fetching.start(question.url, allow_large=True)

    # ------------------------------------------------------------------------------- pictures, videos
    def save_window(self) -> None:
        """Save a picture of the window."""
        self.capturing.window_wanted = True

    def plan_recording(self, request: RecordingRequest) -> None:
        """Take note of how to record, also by the key."""
        self.capturing.request = request

    def start_recording(self) -> None:
        """Record a video of the present View, or the timeline, as planned."""
        if self.capturing.request.path == "timeline":
            self.record_timeline()
            return
        self.capturing.start(replace(self.view, network=NetworkView(self._network)))

    def cancel_recording(self) -> None:
        """Stop the recording; nothing of it remains."""
        self.capturing.cancel()

    def toggle_recording(self) -> None:
        """Start a recording like the last one, or stop the one under way."""
        if self.capturing.running:
            self.capturing.cancel()
        else:
            self.start_recording()

    # ---------------------------------------------------------------------------------- training runs
    def open_run(self, folder: Path) -> None:
        """Follow a training run; the present network stays until a snapshot is there."""
        self.close_run()
        folder = folder.expanduser().absolute()
        self.run = FollowedRun(folder, self._watch(folder))
        self.settings = replace(self.settings, last_folder=str(folder.parent))

    def close_run(self) -> None:
        """Let go of the run; its network stays open."""
        if self.run is not None:
            self.run.close()
            self.run = None

    def follow_run(self, following: bool) -> None:
        """Show each new snapshot as it lands, or stay with the present one."""
        if self.run is not None:
            self.run.follow(following)

    def choose_snapshot(self, index: int) -> None:
        """Show a snapshot of the run, and follow no longer."""
        if self.run is not None:
            self.run.choose(index)

    # --------------------------------------------------------------------------------------- settings
    def forget_recent(self, path: Path) -> None:
        """Take a file off the recent ones."""
        self.settings = without_recent(self.settings, path)
        self._save()

    def set_favourite(self, folder: Path, favourite: bool) -> None:
        """Let the file browser offer a folder, or no longer."""
        others = tuple(name for name in self.settings.favourites if name != str(folder))
        self.settings = replace(self.settings, favourites=(*others, str(folder)) if favourite else others)
        self._save()

    def set_threads(self, threads: int) -> None:
        """Let the model use this many threads."""
        self.settings = replace(self.settings, threads=threads)
        self.rendering.set_threads(threads)

    def set_device(self, device: str) -> None:
        """Run the model on another device."""
        self.settings = replace(self.settings, device=device)
        self.rendering.set_device(device)

    def set_memory_budget(self, mebibytes: int) -> None:
        """Keep networks and results within this bound."""
        self.settings = replace(self.settings, memory_mib=mebibytes)
        self.rendering.set_memory_budget(mebibytes * 2**20)

    def _save(self) -> None:
        if not self.surroundings.remember:
            return
        try:
            save_settings(self.settings)
        except Pof3dError as error:
            _log.warning("%s", error)

    # ----------------------------------------------------------------------------------------- window
    def look_inside(self) -> None:
        """Take the network's layers for the panel that shows them."""
        self.inspector.want()

    def notify(self, message: str) -> None:
        """Show a notice for a while."""
        self.notices.tell(message, self.now)

    @property
    def overlays_visible(self) -> bool:
        """Whether the overlays are shown."""
        return self.notices.overlays_visible

    def toggle_overlays(self) -> None:
        """Show or hide the overlays."""
        self.notices.overlays_visible = not self.notices.overlays_visible

    def toggle_help(self) -> None:
        """Show or hide the list of keys."""
        self.help_open = not self.help_open

    def reset_layout(self) -> None:
        """Put the panels back where they were at first."""
        self.layout_reset = True

    def quit(self) -> None:
        """End the program."""
        self.quitting = True
