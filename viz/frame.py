"""The Frame: what the engine makes of a View."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pof3d.config import CameraConfig
from pof3d.errors import Pof3dError
from viz.view import View

FrameLevel = Literal["preview", "full"]
Aim = Literal["preview", "settling", "full"]
"""What is asked of the engine: "settling" is a better preview, while a full frame would take long."""


@dataclass(frozen=True)
class Pose:
    """Yaw and pitch, radians; (0, 0) is the front, positive pitch looks from below."""

    yaw: float
    pitch: float


@dataclass(frozen=True)
class StageTiming:
    """Cost of one stage of the engine."""

    name: str
    milliseconds: float
    cached: bool
    """Whether the result came from the stage's memory."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture with everything known about it. Arrays are read-only and belong to nobody."""

    view: View
    level: FrameLevel
    rgba: NDArray[np.uint8]
    """[H, W, 4], ready for the screen."""
    image: NDArray[np.uint8]
    """[S, S, 3], the final image."""
    raw: NDArray[np.uint8]
    """[R, R, 3], the image before super-resolution."""
    depth: NDArray[np.float32]
    """[R, R], distance along the ray, world units; NaN where the ray hits nothing (opacity < ½)."""
    opacity: NDArray[np.float32]
    """[R, R], 0…1."""
    depth_range: tuple[float, float]
    """Near and far end of the depth colours, world units."""
    camera_pose: Pose
    """Where this picture was taken from."""
    generator_pose: Pose
    """What the generator predicts for this latent; what it is conditioned on where it predicts nothing."""
    cameras: CameraConfig | None = None
    """The network's, with the distance and field of view that it predicts for this latent, if it does."""
    discriminator_pose: Pose | None = None
    """What the discriminator predicts for this picture; None for previews, for networks without one, and in
    the window until it is known."""
    timings: tuple[StageTiming, ...] = field(default=())
    cache_bytes: int = 0
    """Memory held by the engine's stages."""

    # On a GPU, arrays that nobody reads are never copied: what is shown all the time asks for these instead.
    @property
    def raw_side(self) -> int:
        """R, without reading an array."""
        return len(self.raw)

    @property
    def known_depth_range(self) -> tuple[float, float] | None:
        """The depth range, unless an array would have to be read to tell."""
        return self.depth_range


@dataclass(frozen=True, eq=False)
class FailedFrame:
    """The answer to a View that cannot be rendered."""

    view: View
    error: Pof3dError
    opened: bool = False
    """Whether its checkpoint is open, so that something else went wrong."""
