"""What panels see of an exploration of latents: pictures, directions, walks, places to return to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from viz.view import LatentView, View
from viz.walks import Walk

Picture = NDArray[np.uint8]
"""[side, side, 4]."""


@dataclass(frozen=True)
class DirectionsState:
    """How far the search for principal directions is."""

    explained: tuple[float, ...] = ()
    """Share of the variance of w along each, once they are found."""
    turns: tuple[tuple[float, float], ...] = ()
    """By how much one standard deviation along each turns the predicted pose, at the mean latent: yaw and
    pitch, radians. None where no pose is predicted."""
    fraction: float | None = None
    """0 … 1 while they are being found."""
    error: str = ""


@dataclass(frozen=True, eq=False)
class Visited:
    """A latent that was looked at for a while."""

    latent: LatentView
    picture: Picture
    """How it looked."""
    path: str = ""
    """In which network."""


@dataclass(frozen=True)
class Bookmark:
    """A View with a name."""

    name: str
    view: View

    @property
    def subtitle(self) -> str:
        """Where it leads."""
        return f"{PurePath(self.view.network.path).stem}, seed {self.view.latent.seed}"


def _no_picture(latent: LatentView) -> Picture | None:
    return None


@dataclass(frozen=True, eq=False)
class ExploreState:
    """One interface frame's worth of it."""

    thumbnail: Callable[[LatentView], Picture | None] = _no_picture
    """The picture of a latent from its own pose, if there is one: otherwise it will be made for who keeps
    asking, frame after frame."""
    directions: Callable[[], DirectionsState] = DirectionsState
    """Likewise, the open network's principal directions."""
    visited: tuple[Visited, ...] = ()
    """Newest first."""
    bookmarks: tuple[Bookmark, ...] = ()
    """In the order in which they were made."""
    walk: Walk | None = None
    """Along the path that was drawn on the seed map."""
