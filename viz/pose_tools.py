"""What the user does with poses beyond the View: taking that of another seed, comparing with images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pof3d.data.layout import IMAGE_SUFFIXES
from pof3d.errors import Pof3dError
from viz.engine import Engine
from viz.frame import Frame
from viz.image_poses import measure
from viz.jobs import Control, Job, Working
from viz.pose_facts import ImagePoses, PoseName, PosesShown, PosesState, SeedPose, named_poses
from viz.posing import with_conditioning, with_orbit, with_override
from viz.seed_map import with_seed
from viz.services import Rendering
from viz.view import NetworkView, View

PANEL = "Pose histogram"
"""Where the poses are shown."""


@dataclass
class _Reading:
    """Images being read; the job writes, the window's thread looks."""

    newest: ImagePoses | None = None
    job: Job[ImagePoses] | None = None


class PoseTools:
    """The pose tools' own state, and their jobs.

    Parameters
    ----------
    workshop : Working, optional
        Runs the jobs; None: there are none.
    """

    def __init__(self, workshop: Working | None = None) -> None:
        self._workshop = workshop
        self._state = PosesState()
        self._seed_job: Job[SeedPose] | None = None
        self._reading = _Reading()
        self._network = ""

    @property
    def state(self) -> PosesState:
        """What panels see."""
        job = self._reading.job
        return replace(self._state, job=job.state) if job is not None else self._state

    def show(self, shown: PosesShown) -> None:
        """Show the poses in this way."""
        self._state = replace(self._state, shown=shown)

    def ask_folder(self) -> None:
        """Let the panel ask for a folder of images."""
        self._state = replace(self._state, shown="images", folder_asked=self._state.folder_asked + 1)

    # ------------------------------------------------------------------------------------------ another seed
    def take_seed(self, view: View, seed: int) -> None:
        """Find out what the generator predicts for a seed; :meth:`update` gives it."""
        if self._workshop is None:
            return
        asked = replace(view, latent=with_seed(view.latent, seed))

        def work(engine: Engine, control: Control) -> SeedPose:
            return SeedPose(asked.latent.seed, engine.predicted_pose(asked))

        if self._seed_job is not None:
            self._seed_job.cancel()
        title = f"Pose of seed {asked.latent.seed}"
        self._seed_job = self._workshop.start(title, view.network.path, work)

    # --------------------------------------------------------------------------------------------- images
    def compare(self, network: str, source: Path) -> None:
        """Read D's poses off the images of a folder; those compared with before are forgotten.

        Parameters
        ----------
        network : str
            The open checkpoint.
        source : Path
            Folder or .zip; an image stands for its folder.
        """
        if self._workshop is None:
            return
        if source.suffix.lower() in IMAGE_SUFFIXES:
            source = source.parent
        self.cancel()
        reading = self._reading = _Reading()
        self._state = replace(self._state, shown="images", source=source, images=None, error=None)

        def publish(found: ImagePoses) -> None:
            reading.newest = found

        def work(engine: Engine, control: Control) -> ImagePoses:
            return measure(engine, network, source, control, publish)

        reading.job = self._workshop.start("D's poses of images", network, work)

    def cancel(self) -> None:
        """Stop reading images; what has been read stays."""
        if self._reading.job is not None:
            self._reading.job.cancel()

    # ---------------------------------------------------------------------------------------- every frame
    def update(self, network: str) -> tuple[SeedPose | None, Pof3dError | None]:
        """Take what is ready: the pose of the seed asked for, once, or why there is none.

        Parameters
        ----------
        network : str
            The open checkpoint: what belongs to another one is forgotten.
        """
        if network != self._network:
            self._network = network
            self.cancel()
            self._reading, self._seed_job = _Reading(), None
            self._state = replace(self._state, seed=None, images=None, error=None)
        self._take_images()
        job = self._seed_job
        if job is None or job.running:
            return None, None
        self._seed_job = None
        if job.result is not None:
            self._state = replace(self._state, seed=job.result)
        return job.result, job.state.error

    def _take_images(self) -> None:
        job = self._reading.job
        if job is None:
            return
        state = job.state
        found = job.result or self._reading.newest
        if found is not self._state.images or state.error is not self._state.error:
            self._state = replace(self._state, images=found, error=state.error)


def copied(view: View, frame: Frame | None, source: PoseName, target: PoseName) -> View:
    """The View with one of the named poses copied to another; the same where it is not known.

    Parameters
    ----------
    view, frame
        Where the poses are; see :func:`viz.pose_facts.named_poses`.
    source : PoseName
    target : "override", "camera" or "generator"
        The first two then give the picture's pose. The last stands for the pose that the content is
        conditioned on, in networks that predict none.
    """
    pose = named_poses(view, frame)[source]
    if pose is None:
        return view
    if target == "override":
        return with_override(view, pose)
    if target == "camera":
        return with_orbit(view, pose)
    assert target == "generator", f"the pose of the {target} cannot be set"
    return with_conditioning(view, pose)


class PoseCommands:
    """What is asked of the pose tools: a part of :class:`viz.program.Program`, which has all that is used."""

    view: View
    frame: Frame | None
    rendering: Rendering
    poses: PoseTools
    panel_wanted: str
    _network: str

    if TYPE_CHECKING:

        def commit(self, view: View, gesture: object = None) -> None:
            """See :class:`viz.program.Program`."""

        def pause(self) -> None:
            """See :class:`viz.program.Program`."""

        def _tell_open_error(self, error: Pof3dError) -> None: ...

    def show_poses(self, shown: PosesShown) -> None:
        """Show the poses on the map, on the sphere, or against those of images."""
        self.poses.show(shown)
        self.panel_wanted = PANEL

    def choose_image_folder(self) -> None:
        """Ask for a folder of images to compare poses with."""
        self.poses.ask_folder()
        self.panel_wanted = PANEL

    def copy_pose(self, source: PoseName, target: PoseName) -> None:
        """Copy one of the named poses to another."""
        self.pause()
        self.commit(copied(self.view, self.frame, source, target), object())

    def take_pose_of_seed(self, seed: int) -> None:
        """Override the pose by the one that the generator predicts for a seed, once that is known."""
        if self._network:
            self.poses.take_seed(replace(self.view, network=NetworkView(self._network)), seed)

    def compare_image_poses(self, source: Path) -> None:
        """Compare D's poses of the images of a folder with G's."""
        if self._network:
            self.poses.compare(self._network, source.expanduser().absolute())

    def cancel_image_poses(self) -> None:
        """Stop that; what has been read stays."""
        self.poses.cancel()

    @property
    def poses_comparable(self) -> bool:
        """Whether G and D of the open network both predict poses."""
        network = self.rendering.network_info
        return network is not None and network.has_pose_prediction and not network.is_conditioned

    def _take_poses(self) -> None:
        """Take what the pose tools have ready."""
        found, error = self.poses.update(self._network)
        if error is not None:
            self._tell_open_error(error)
        if found is not None:
            self.pause()
            self.commit(with_override(self.view, found.pose), object())
