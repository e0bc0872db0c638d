"""What the program does for who explores latents: thumbnails, directions, walks, history, bookmarks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pof3d.errors import Pof3dError
from viz import bookmarks, locking
from viz.bookmarks import load_bookmarks, save_bookmarks
from viz.capturing import Capturing
from viz.explore_state import Bookmark, ExploreState, Picture, Visited
from viz.frame import Frame
from viz.history import History, Moment
from viz.jobs import Working
from viz.latent_edits import num_ws, with_mixing
from viz.latent_thumbnails import SIDE, DirectionsSearch, LatentThumbnails, Network, network_of
from viz.services import Rendering
from viz.view import LatentView, NetworkView, View
from viz.walks import Walk, WalkPath

MOST_VISITED = 60
STAY_SECONDS = 0.8
"""A latent that is looked at for so long counts as visited."""

_log = logging.getLogger(__name__)


class Exploring:
    """What it remembers, beside the View.

    Parameters
    ----------
    workshop : Working, optional
        For what is made in the background.
    remember : bool
        Whether bookmarks are kept for the next start.
    """

    def __init__(self, workshop: Working | None, remember: bool) -> None:
        self.thumbnails = LatentThumbnails(workshop)
        self.search = DirectionsSearch(workshop)
        self._visited: tuple[Visited, ...] = ()
        self.bookmarks: tuple[Bookmark, ...] = load_bookmarks() if remember else ()
        self.walk: Walk | None = None
        self.motion: object = None
        """Of a walk that plays: its steps are one of the history."""
        self._remember = remember
        self._looked_at: tuple[str, LatentView | None] = ("", None)
        self._since = 0.0
        self._noted = True
        self._opened: tuple[str, object] = ("", None)
        self._network: Network = ("", None)

    @property
    def visited(self) -> tuple[Visited, ...]:
        """Latents of the open network that were looked at, newest first."""
        return tuple(one for one in self._visited if one.path == self._opened[0])

    @property
    def moving(self) -> bool:
        """Whether things change without input. (What is looked at is noted whenever a frame is drawn.)"""
        return self.walk is not None and self.walk.playing

    def state(self) -> ExploreState:
        """What panels see."""
        return ExploreState(self.thumbnails.get, self.search.get, self.visited, self.bookmarks, self.walk)

    def update(self, view: View, frame: Frame | None, path: str, rendering: Rendering, now: float) -> None:
        """Once a frame: let the workers work, and note what is being looked at."""
        if self._opened[0] != path or self._opened[1] is not rendering.network_info:
            self._opened, self._network = (path, rendering.network_info), network_of(path)
        hold = rendering.busy or rendering.loading is not None or self.moving
        self.thumbnails.update(self._network, view.pose, hold)
        self.search.update(self._network, rendering.loading is not None)
        if (path, view.latent) != self._looked_at or not path:
            self._looked_at, self._since, self._noted = (path, view.latent), now, not path
            return
        settled = now - self._since >= STAY_SECONDS and not self.moving
        if not settled or self._noted or frame is None or frame.level != "full":
            return
        if frame.view.latent == view.latent:
            self._noted = True
            self._visit(view.latent, frame, path)

    def _visit(self, latent: LatentView, frame: Frame, path: str) -> None:
        others = (one for one in self._visited if (one.path, one.latent) != (path, latent))
        self._visited = (Visited(latent, _thumbnail(frame), path), *others)[:MOST_VISITED]

    @property
    def path(self) -> WalkPath | None:
        """The one drawn on the seed map."""
        return self.walk.path if self.walk is not None else None

    def keep(self, changed: tuple[Bookmark, ...]) -> None:
        """Take a change of the bookmarks, and save them."""
        self.bookmarks = changed
        if not self._remember:
            return
        try:
            save_bookmarks(changed)
        except Pof3dError as error:
            _log.warning("%s", error)


def _thumbnail(frame: Frame) -> Picture:
    from PIL import Image

    small = Image.fromarray(frame.image).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.dstack([np.asarray(small), np.full((SIDE, SIDE), 255, np.uint8)])


class Explorations:
    """A part of :class:`viz.program.Program`, which has all that is used here."""

    rendering: Rendering
    capturing: Capturing
    exploring: Exploring
    view: View
    frame: Frame | None
    now: float
    _network: str
    _history: History
    _note: Callable[..., None]
    hand: object
    commit: Callable[..., None]
    edit: Callable[..., None]
    notify: Callable[[str], None]
    pause: Callable[[], None]
    _go: Callable[[View], None]

    def _explore(self, seconds: float) -> None:
        """Move a walk on, and what else there is to do in every frame."""
        exploring = self.exploring
        walk = exploring.walk
        if walk is not None and walk.playing and not self.capturing.picture_wanted:
            first = exploring.motion is None
            if first:
                exploring.motion = object()
            exploring.walk = walk = walk.advanced(seconds)
            view = replace(self.view, latent=_at(self.view.latent, walk))
            if first:
                self.commit(view, exploring.motion)
            elif view != self.view:
                # Only its beginning is a step to take back: the rest moved by itself.
                self._go(view)
                if view.network.path == self._network:
                    self._history.amend(view)
        else:
            exploring.motion = None
        exploring.update(self.view, self.frame, self._network, self.rendering, self.now)

    # ------------------------------------------------------------------------------------------ walks
    def set_walk(self, walk: Walk | None) -> None:
        """Draw another path, play, pause, or forget it."""
        before, self.exploring.walk = self.exploring.path, walk
        if self.exploring.path != before:
            self._note(self.hand or object(), path=self.exploring.path)

    def toggle_walk(self) -> None:
        """Play or pause the walk along the path that was drawn."""
        walk = self.exploring.walk
        if walk is not None:
            self.set_walk(replace(walk, playing=not walk.playing))

    def _leave_path(self, view: View) -> None:
        """Stop the walk when the user goes elsewhere on the map."""
        walk, latent = self.exploring.walk, view.latent
        here = (self.view.latent.x, self.view.latent.y)
        if walk is not None and walk.playing and here != (latent.x, latent.y):
            self.set_walk(replace(walk, playing=False))

    # -------------------------------------------------------------------------------------- the camera
    @property
    def camera_locked(self) -> bool:
        """Whether the camera stays where it is when the latent changes."""
        return locking.is_locked(self.view)

    def lock_camera(self, lock: bool) -> None:
        """Hold the camera still while the latent changes, or let it follow the predicted pose."""
        info = self.rendering.network_info
        extra = info.config.generator.pose_extra if info is not None else "none"
        if lock:
            self.edit(locking.locked(self.view, self.frame, extra), object())
        else:
            self.edit(locking.unlocked(self.view, extra), object())

    # -------------------------------------------------------------------------------------- the latent
    @property
    def last_latent(self) -> LatentView | None:
        """The one looked at last, but for the present one."""
        others = (one.latent for one in self.exploring.visited if one.latent != self.view.latent)
        return next(others, None)

    def go_to_last_latent(self) -> None:
        """Back to that; again, and there and back."""
        latent = self.last_latent
        if latent is not None:
            self.edit(replace(self.view, latent=latent), object())

    def reset_directions(self) -> None:
        """Put all directions back to 0."""
        self.edit(replace(self.view, latent=replace(self.view.latent, directions=())), object())

    def toggle_mixing(self) -> None:
        """Begin or end style mixing."""
        info = self.rendering.network_info
        if info is not None:
            latent, layers = self.view.latent, num_ws(info.config.generator.plane_resolution)
            mixed = with_mixing(latent, latent.mix_seed is None, layers)
            self.edit(replace(self.view, latent=mixed), object())

    # -------------------------------------------------------------------------------------- bookmarks
    def add_bookmark(self, name: str = "") -> None:
        """Keep the present View, under a name of its own if none is given."""
        view = replace(self.view, network=NetworkView(self._network))
        try:
            changed = bookmarks.added(self.exploring.bookmarks, name, view)
        except Pof3dError as error:
            self.notify(str(error))
            return
        self._keep_bookmarks(changed)
        self.notify(f"Bookmarked as “{changed[-1].name}”")

    def rename_bookmark(self, index: int, name: str) -> None:
        """Give a bookmark another name."""
        self._keep_bookmarks(bookmarks.renamed(self.exploring.bookmarks, index, name))

    def delete_bookmark(self, index: int) -> None:
        """Forget a bookmark."""
        self._keep_bookmarks(bookmarks.without(self.exploring.bookmarks, index))

    def _keep_bookmarks(self, changed: tuple[Bookmark, ...]) -> None:
        self.exploring.keep(changed)
        self._note(object(), bookmarks=changed)

    def _return_to_explored(self, moment: Moment) -> None:
        """Take path and bookmarks of the history."""
        if moment.path != self.exploring.path:
            self.exploring.walk = Walk(moment.path) if moment.path is not None else None
        if moment.bookmarks != self.exploring.bookmarks:
            self.exploring.keep(moment.bookmarks)

    def go_to_bookmark(self, index: int) -> None:
        """Go to a bookmark's View; its network is opened if need be."""
        if 0 <= index < len(self.exploring.bookmarks):
            self.pause()
            view = self.exploring.bookmarks[index].view
            self._leave_path(view)
            self.commit(view, object())


def _at(latent: LatentView, walk: Walk) -> LatentView:
    x, y = walk.point
    return replace(latent, x=x, y=y)
