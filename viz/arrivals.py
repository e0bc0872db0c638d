"""Files that arrive from elsewhere: downloads, and what was dropped on the window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pof3d.errors import Pof3dError
from viz import dropping
from viz.fetching import Fetching
from viz.panel import DownloadQuestion
from viz.settings import Settings, with_recent
from viz.surroundings import Surroundings


class Arrivals:
    """The part of :class:`viz.program.Program` that takes them."""

    surroundings: Surroundings
    settings: Settings
    fetching: Fetching
    question: DownloadQuestion | None
    _looking: dropping.Looking | None
    """What looks at further files that were dropped."""
    _dropped: str
    """What was said when they were."""

    def open_checkpoint(self, path: Path) -> None:
        """See :class:`viz.panel.Actions`."""
        raise NotImplementedError

    def notify(self, message: str) -> None:
        """See :class:`viz.panel.Actions`."""
        raise NotImplementedError

    def _tell_open_error(self, error: Pof3dError) -> None:
        raise NotImplementedError

    def _take_download(self) -> None:
        """Open a file that has been fetched."""
        ended = self.fetching.poll()
        if ended is None:
            return
        self.question = ended.question
        if ended.error is not None:
            self._tell_open_error(ended.error)
        elif ended.path is not None:
            folder = self.settings.last_folder  # nobody looks for files in the cache
            self.open_checkpoint(ended.path)
            self.settings = replace(self.settings, last_folder=folder)

    def _take_dropped(self) -> None:
        """List the other checkpoints that were dropped, if they are any."""
        found = self._looking.poll() if self._looking is not None else None
        if found is None:
            return
        self._looking = None
        for path in reversed(found[0]):
            if not self.surroundings.is_bundled(path):
                self.settings = with_recent(self.settings, path)
        self.notify(dropping.told(self._dropped, *found))
