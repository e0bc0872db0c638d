"""Following a training run: which snapshot is shown, and what the pose histogram shows of it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pof3d.errors import Pof3dError
from viz.morphing import Morph
from viz.panel import LoadingState, PoseHistogram, RunState
from viz.runs import RunListing, RunReader, Snapshot

LOOK_SECONDS = 1.5
"""Between two looks into the folder."""
REST_SECONDS = 0.25
"""For how long the slider rests before the snapshot's network is opened."""
RECORD_SECONDS = 5.0
"""For how long the last histogram stays when a network has landed before its record."""
_CLOSE_SECONDS = 2.0


class Watching(Protocol):
    """Looks into a run's folder; :class:`RunWatcher` does."""

    def poll(self) -> RunListing | None:
        """The newest state of the folder, once; None if nothing has changed."""

    def close(self) -> None:
        """Look no more."""


class RunWatcher:
    """Looks into a run's folder now and then, in a thread of its own: folders may be slow, or gone.

    Parameters
    ----------
    folder : Path
        Of the run.
    wake : callable, optional
        Called from the thread when something has changed.
    seconds : float
        Between two looks.
    """

    def __init__(
        self, folder: Path, wake: Callable[[], None] | None = None, seconds: float = LOOK_SECONDS
    ) -> None:
        self._reader = RunReader(folder)
        self._wake = wake
        self._seconds = seconds
        self._lock = threading.Lock()
        self._ready: RunListing | None = None
        self._closing = threading.Event()
        # A daemon: a folder on a dead network share must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, name="run", daemon=True)
        self._thread.start()

    def poll(self) -> RunListing | None:
        """The newest state of the folder, once; None if nothing has changed."""
        with self._lock:
            ready, self._ready = self._ready, None
            return ready

    def close(self) -> None:
        """End the thread; it is not waited for if it hangs."""
        self._closing.set()
        self._thread.join(_CLOSE_SECONDS)

    def _work(self) -> None:
        last: RunListing | None = None
        while not self._closing.is_set():
            listing = self._reader.read()
            if last is None or listing != last or str(listing.error) != str(last.error):
                last = listing
                with self._lock:
                    self._ready = listing
                if self._wake is not None and not self._closing.is_set():
                    self._wake()
            self._closing.wait(self._seconds)


class FollowedRun:
    """One open run. Lives in the window's thread, and never waits.

    Parameters
    ----------
    folder : Path
        Of the run, absolute.
    watching : Watching
        Looks into it; closed by :meth:`close`.
    clock : callable
        Seconds since the epoch; for tests.
    """

    def __init__(self, folder: Path, watching: Watching, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.following = True
        self.listing: RunListing | None = None
        self.refusal: Pof3dError | None = None
        """Why there is no run in the folder; None if there is, or was."""
        self.gone: Pof3dError | None = None
        """Why the folder cannot be read any more."""
        self._watching = watching
        self._clock = clock
        self._morph = Morph()
        self._landed: dict[str, float] = {}
        """Networks that could be opened at the last look, and when each had landed."""
        self._latest = ""
        self._target = ("", 0.0)
        """The chosen network, and when it had landed: one that is written anew is followed again."""
        self._due: float | None = None
        self._failures: dict[tuple[str, float], Pof3dError] = {}

    # ------------------------------------------------------------------------------------------ every frame
    def update(self, seconds: float, *, calm: bool = True) -> Path | None:
        """Take what the watcher has found and move on; the network to open now, if it is time for one.

        Parameters
        ----------
        seconds : float
            Since the last call.
        calm : bool
            Whether this is a good moment to replace the picture.
        """
        listing = self._watching.poll()
        if listing is not None:
            self._take(listing)
        latest = (self._latest, self._landed.get(self._latest, 0.0))
        if self.following and self._latest and latest != self._target:
            self._target, self._due = latest, 0.0
        chosen = self.chosen
        if not (chosen is not None and self._awaits_record(chosen)):
            self._morph.aim(chosen.record if chosen else None, self.listing.records if self.listing else ())
        self._morph.advance(seconds)
        if self._due is None or chosen is None:
            return None
        self._due = max(0.0, self._due - seconds)
        if self._due > 0.0 or (self.following and not calm):
            return None
        self._due = None
        if chosen.state != "ready" or (chosen.network, chosen.modified) in self._failures:
            return None
        return self.folder / chosen.network

    def _awaits_record(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot's record is about to follow, as a run writes it after the network."""
        if snapshot.record is not None or self.listing is None or not self.listing.records:
            return False
        return 0.0 <= self._clock() - snapshot.modified < RECORD_SECONDS

    def _take(self, listing: RunListing) -> None:
        if listing.error is not None:
            if self.listing is None:
                self.refusal = listing.error
            self.gone = listing.error
            return
        first, before, chosen = self.listing is None, self._landed, self.chosen
        self.listing, self.gone = listing, None
        ready = {one.network: one for one in listing.snapshots if one.state == "ready"}
        self._landed = {name: one.modified for name, one in ready.items()}
        fresh = [one for name, one in ready.items() if before.get(name) != one.modified]
        if chosen is not None and chosen.state != "ready" and chosen.network in ready:
            self._due = 0.0
        newest = listing.newest()
        if fresh and not first:
            # What landed last counts, though an earlier training may have left a snapshot of more images.
            newest = max(fresh, key=lambda one: (one.modified, one.images))
        elif self._latest in ready:
            return
        self._latest = newest.network if newest is not None else ""

    # ----------------------------------------------------------------------------------------- what is asked
    def choose(self, index: int) -> None:
        """Show a snapshot: its record at once, its network when the slider rests."""
        if self.listing is None or not 0 <= index < len(self.listing.snapshots):
            return
        self.following = False
        snapshot = self.listing.snapshots[index]
        if snapshot.network != self._target[0]:
            self._target, self._due = (snapshot.network, snapshot.modified), REST_SECONDS

    def follow(self, following: bool) -> None:
        """Go to the newest snapshot and on from there, or stay."""
        self.following = following
        if following:
            self._target = ("", 0.0)  # the newest is opened, whatever the View shows

    def went_to(self, path: str) -> None:
        """Take note that the View has gone to a network for other reasons."""
        name = os.path.basename(path) if self.holds(path) else ""
        if name != self._target[0]:
            self.following, self._due = False, None
            self._target = (name, self._landed.get(name, 0.0))

    def failed(self, path: str, error: Pof3dError) -> None:
        """Take note that a snapshot did not open; it is tried again when its file changes."""
        name = os.path.basename(path)
        self._failures[name, self._landed.get(name, 0.0)] = error

    def holds(self, path: str) -> bool:
        """Whether a file is one of the run's."""
        return os.path.dirname(path) == str(self.folder)

    def close(self) -> None:
        """Look into the folder no more."""
        self._watching.close()

    # -------------------------------------------------------------------------------------------- what it is
    @property
    def chosen(self) -> Snapshot | None:
        """The snapshot that is shown, or is about to be."""
        index = self._index
        return self.listing.snapshots[index] if self.listing is not None and index is not None else None

    @property
    def _index(self) -> int | None:
        return self.listing.find(self._target[0]) if self.listing is not None else None

    @property
    def moving(self) -> bool:
        """Whether something changes without input."""
        return self._morph.moving or self._due is not None

    @property
    def histogram(self) -> PoseHistogram | None:
        """What was recorded of the chosen snapshot, or on the way to it; None if nothing was."""
        return self._morph.histogram

    def state(self, loading: LoadingState | None) -> RunState:
        """What panels see.

        Parameters
        ----------
        loading : LoadingState, optional
            The checkpoint being opened, whichever.
        """
        listing = self.listing
        message, alarming = self._message()
        return RunState(
            folder=self.folder,
            following=self.following,
            listing=listing,
            chosen=self._index,
            age=max(0.0, self._clock() - max(self._landed.values())) if self._landed else None,
            loading=loading if loading is not None and self.holds(str(loading.path)) else None,
            message=message,
            alarming=alarming,
        )

    def _message(self) -> tuple[str, bool]:
        listing, chosen = self.listing, self.chosen
        if self.gone is not None:
            what = self.gone.what[:1].upper() + self.gone.what[1:]
            return f"{what}: {self.gone.why}. The last picture stays.", True
        if listing is None:
            return "Reading the folder …", False
        if not listing.snapshots:
            return "Waiting for the first snapshot.", False
        if chosen is not None:
            failure = self._failures.get((chosen.network, chosen.modified))
            if chosen.state == "gone":
                return "Its network is gone: the histogram shows what was recorded, the picture stays.", False
            if chosen.state == "unreadable":
                return f"{chosen.network} cannot be read: it is damaged, or still being written.", True
            if failure is not None:
                return str(failure), True
        return listing.problem, bool(listing.problem)
