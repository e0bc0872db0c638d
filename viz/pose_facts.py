"""What is known about poses beside the picture's own: of another seed, and of images in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from pof3d.errors import Pof3dError
from viz.frame import Frame, Pose
from viz.view import View

if TYPE_CHECKING:
    from viz.jobs import JobState  # which needs torch; --help does without

PoseName = Literal["generator", "discriminator", "override", "camera"]
"""The four named poses. Where a network predicts none, the first is the one that it is conditioned on."""
PosesShown = Literal["map", "sphere", "images"]

POSE_TITLES: dict[PoseName, str] = {
    "generator": "G predicts",
    "discriminator": "D predicts",
    "override": "Override",
    "camera": "Camera",
}
SETTABLE: tuple[PoseName, ...] = ("override", "camera")
"""The ones that can be set; then they give the picture's pose."""


def named_poses(view: View, frame: Frame | None) -> dict[PoseName, Pose | None]:
    """The four named poses; None: not known.

    Parameters
    ----------
    view : View
        Holds the override.
    frame : Frame, optional
        The newest picture: it holds the others.
    """
    return {
        "generator": frame.generator_pose if frame is not None else None,
        "discriminator": frame.discriminator_pose if frame is not None else None,
        "override": Pose(view.pose.override_yaw, view.pose.override_pitch),
        "camera": frame.camera_pose if frame is not None else None,
    }


@dataclass(frozen=True)
class SeedPose:
    """The pose that the generator predicts for a seed."""

    seed: int
    pose: Pose


@dataclass(frozen=True, eq=False)
class AngleComparison:
    """One angle: what G gives random latents, and what D makes of images."""

    edges: NDArray[np.float64]
    """[B + 1], radians."""
    generated: NDArray[np.float64]
    """[B], G's share in each bin; the shares add up to 1. What lies beyond is in the outermost bins."""
    seen: NDArray[np.float64]
    """[B], D's."""
    distance: float
    """Jensen–Shannon distance, 0 … 1."""
    aligned: float
    """After the constant offset was removed that makes it least: where "front" lies is not observable."""
    offset: float
    """That offset, G − D, radians."""
    chance: float
    """The distance to be expected of as many samples of one and the same distribution."""
    circular: bool = False
    """Whether the angle goes all the way round."""


@dataclass(frozen=True, eq=False)
class ImagePoses:
    """D's poses of the images of a folder, against G's."""

    network: str
    """Checkpoint file of both."""
    source: Path
    """Folder or .zip."""
    yaw: AngleComparison
    pitch: AngleComparison
    images: int
    """Whose pose was read."""
    skipped: int
    """Among those looked at, that could not be used."""
    wanted: int
    """To be looked at."""
    found: int
    """In the folder."""
    skipped_note: str = ""
    """Which were skipped."""

    @property
    def complete(self) -> bool:
        """Whether all were looked at that were to be."""
        return self.images + self.skipped >= self.wanted


@dataclass(frozen=True)
class PosesState:
    """What panels see of the pose tools."""

    shown: PosesShown = "map"
    """How the poses are shown."""
    folder_asked: int = 0
    """Grows each time that a folder of images is to be asked for."""
    seed: SeedPose | None = None
    """Taken last."""
    source: Path | None = None
    """Of the images chosen last."""
    images: ImagePoses | None = None
    """What is known of them so far."""
    job: JobState | None = None
    """The reading of them, under way or ended."""
    error: Pof3dError | None = None
    """Why it failed."""
