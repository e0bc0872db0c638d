"""From where a set shows its objects: by its definition where that is known, otherwise by its own true poses.

A thousand true poses make the Jensen–Shannon distance of equal distributions about 0.1 through chance alone
(`pof3d.metrics.distributions.divergence_floor`). The procedural sets say how they draw poses, so for them
many more are drawn than the set has images.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pof3d.data.decoding import DAMAGE
from pof3d.data.folder import ImageFolder
from pof3d.data.layout import ABOUT_FILE
from pof3d.data.toy_sets import TOY_SETS, SetName

DRAWN = 20_000
"""Poses that stand for a procedural set's distribution."""
_SEED = 20_000_714  # of these poses; no set of images draws with it
OWN = "own"
"""Source of a distribution that consists of the set's own true poses."""


@dataclass(frozen=True, eq=False)
class TrueDistribution:
    """A sample of the poses from which a set's objects are seen."""

    poses: NDArray[np.float64]
    """[M, 2], yaw and pitch, radians."""
    source: str
    """Name of the procedural set that they were drawn for; `OWN`: the true poses of the set's images."""

    @property
    def description(self) -> str:
        """In words, with the number."""
        count = f"{len(self.poses):,}"
        return f"{count} of the set's own" if self.source == OWN else f"{count} drawn as {self.source} are"


@cache
def _drawn(name: SetName) -> NDArray[np.float64]:
    rng = np.random.default_rng(_SEED)
    poses = np.array([TOY_SETS[name].random_pose(rng) for _ in range(DRAWN)])
    poses.flags.writeable = False
    return poses


def defined_poses(name: SetName) -> NDArray[np.float64]:
    """Yaw and pitch [`DRAWN`, 2], radians, as a procedural set draws them; always the same, read-only."""
    return _drawn(name)


def toy_set_of(folder: ImageFolder) -> SetName | None:
    """The procedural set that a set is an instance of; None where it is none, or of another version.

    By its about.json; without one, by a name that begins with the set's: ``toy-cats-64-test.zip``.
    """
    try:
        text = folder.reader.read(ABOUT_FILE)
    except FileNotFoundError:
        named = re.match(r"(toy-[a-z]+)(?![a-z])", folder.path.name)
        return next((name for name in TOY_SETS if named and name == named[1]), None)
    except DAMAGE:
        return None
    try:
        about = json.loads(text)
        name, version = about["dataset"], about["version"]
    except (ValueError, KeyError, TypeError):
        return None
    return next((n for n, toy in TOY_SETS.items() if (n, toy.version) == (name, version)), None)


def true_distribution(folder: ImageFolder, own: NDArray[np.float64]) -> TrueDistribution:
    """The set's distribution: by its definition, or else its own true poses [M, 2], radians."""
    name = toy_set_of(folder)
    return TrueDistribution(own, OWN) if name is None else TrueDistribution(defined_poses(name), name)
