"""Small pictures of latents and a network's directions, made in the background for who looks at them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pof3d.errors import Pof3dError
from viz.engine import Cancelled, Engine
from viz.explore_state import DirectionsState, Picture
from viz.jobs import Control, Job, Working
from viz.latent_edits import is_between
from viz.networks import FileIdentity, identify
from viz.principal import principal_directions
from viz.view import LatentView, NetworkView, PoseView, View

SIDE = 64
"""Pixels."""
_KEPT = 1024
"""Thumbnails in memory: 16 KiB each."""
_WISHES = 64
"""That are not made anew for each frame."""
_ENGINE_BYTES = 1 << 20
"""What the engine of a job remembers: hardly two thumbnails have anything in common."""

_KNOWN_NETWORKS = 16
"""Whose directions are remembered."""

Network = tuple[str, FileIdentity | None]


@dataclass(frozen=True)
class _Wish:
    network: Network
    latent: LatentView
    pose: PoseView

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Worked out once: it takes longer than all else that is asked of a wish in a frame."""
        return hash((self.network, self.latent, self.pose))


class LatentThumbnails:
    """Thumbnails by network and latent. To be used in the window's thread.

    Parameters
    ----------
    workshop : Working, optional
        Where they are made; None: there are none.
    """

    def __init__(self, workshop: Working | None) -> None:
        self._workshop = workshop
        self._job: Job[None] | None = None
        self._network: Network = ("", None)
        self._given: PoseView | None = None
        self._pose = PoseView()
        self._wishes: OrderedDict[int, tuple[LatentView, _Wish]] = OrderedDict()
        """By the identity of the latent, which is held, too."""
        self._asked: list[_Wish] = []
        self._lock = threading.Lock()
        # Guarded by the lock.
        self._wanted: tuple[_Wish, ...] = ()
        self._known: OrderedDict[_Wish, Picture | None] = OrderedDict()
        self._hold = False

    def get(self, latent: LatentView) -> Picture | None:
        """The picture of a latent from its own pose; otherwise a wish, which lasts until the next update."""
        wish = self._wish(latent)
        with self._lock:
            if wish in self._known:
                self._known.move_to_end(wish)
                return self._known[wish]
        self._asked.append(wish)
        return None

    def _wish(self, latent: LatentView) -> _Wish:
        """The same one for the same latent: who looks at it asks in every frame."""
        known = self._wishes.get(id(latent))
        if known is None or known[0] is not latent:
            same = latent if is_between(latent) else replace(latent, space="z")
            known = self._wishes[id(latent)] = (latent, _Wish(self._network, same, self._pose))
            while len(self._wishes) > _WISHES:
                self._wishes.popitem(last=False)
        return known[1]

    @property
    def busy(self) -> bool:
        """Whether some that are looked at are missing."""
        with self._lock:
            return bool(self._wanted)

    def update(self, network: Network, pose: PoseView, hold: bool) -> None:
        """Once a frame: what has been asked for since is made.

        Parameters
        ----------
        network : tuple
            The open one.
        pose : PoseView
            The View's; only what the content is conditioned on counts.
        hold : bool
            Whether to make none now: the machine has better to do.
        """
        if pose is not self._given or network != self._network:
            self._network, self._given = network, pose
            self._pose = replace(pose, source="predicted", override_yaw=0.0, override_pitch=0.0)
            self._wishes.clear()
        with self._lock:
            self._wanted = tuple(wish for wish in self._asked if wish not in self._known)
            self._hold = hold
            needed = any(wish.network == network for wish in self._wanted) and not hold
        self._asked = []
        if needed and network[0] and self._workshop is not None and not (self._job and self._job.running):
            self._job = self._workshop.start("Thumbnails of latents", network[0], self._make)

    def _make(self, engine: Engine, control: Control) -> None:
        engine.memory.set_budget(_ENGINE_BYTES)
        mine: Network | None = None
        while (wish := self._next(mine)) is not None:
            mine = wish.network
            try:
                view = View(NetworkView(mine[0]), wish.latent, wish.pose)
                rgb = engine.thumbnail(view, SIDE, lambda: control.cancelled() or self._hold)
                picture = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
            except Cancelled:
                control.check()
                return
            except Pof3dError:
                picture = None
            with self._lock:
                self._known[wish] = picture
                while len(self._known) > _KEPT:
                    self._known.popitem(last=False)
            control.report(0.0)

    def _next(self, network: Network | None) -> _Wish | None:
        with self._lock:
            if self._hold:
                return None
            wanted = (wish for wish in self._wanted if network in (None, wish.network))
            return next((wish for wish in wanted if wish not in self._known), None)


class DirectionsSearch:
    """Finds the principal directions of the open network once somebody looks. In the window's thread.

    Parameters
    ----------
    workshop : Working, optional
        Where they are found; None: they are not.
    """

    def __init__(self, workshop: Working | None) -> None:
        self._workshop = workshop
        self._asked = False
        self._network: Network = ("", None)
        self._jobs: OrderedDict[Network, Job[DirectionsState]] = OrderedDict()

    def get(self) -> DirectionsState:
        """How far it is; it begins at the next update."""
        self._asked = True
        job = self._jobs.get(self._network)
        if job is None:
            return DirectionsState()
        state = job.state
        if state.status == "finished":
            return job.result or DirectionsState()
        error = str(state.error) if state.error is not None else ""
        fraction = state.fraction if state.status == "running" else None
        return DirectionsState(fraction=fraction, error=error)

    def update(self, network: Network, hold: bool) -> None:
        """Once a frame: begin what has been asked for."""
        self._network, asked, self._asked = network, self._asked, False
        if not asked or hold or not network[0] or self._workshop is None or network in self._jobs:
            return

        def find(engine: Engine, control: Control) -> DirectionsState:
            generator = engine.load(network[0]).network.generator
            found = principal_directions(generator, control.check, control.report)
            return DirectionsState(
                found.explained, found.turns if generator.mapping.source == "learned" else ()
            )

        self._jobs[network] = self._workshop.start("Principal directions", network[0], find)
        while len(self._jobs) > _KNOWN_NETWORKS:
            self._jobs.popitem(last=False)[1].cancel()


def network_of(path: str) -> Network:
    """A network as the file that it comes from is now."""
    return (path, identify(path) if path else None)
