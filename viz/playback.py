"""What panels see of the timeline and its playing. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viz.timeline import Timeline
from viz.view import View

GeneratedPath = Literal["turntable", "sweep", "figure-eight", "latent walk"]


@dataclass(frozen=True)
class Playback:
    """The timeline and where it stands."""

    timeline: Timeline = field(default_factory=Timeline)
    time: float = 0.0
    """Of the playhead, seconds."""
    playing: bool = False
    pictures: Mapping[View, NDArray[np.uint8]] = field(default_factory=dict)
    """Small pictures [S, S, 4] of keyframes' Views, as far as they have been made."""
    edited: bool = False
    """Whether the present View differs from the keyframe at the playhead."""
