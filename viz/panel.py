"""What a panel sees and what it may ask for.

A panel draws one slice of the View and returns the View, changed or not. Everything that is not part of a
View — loading a file, recording, settings — it reads from :class:`PanelContext` and asks for through
:class:`Actions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pof3d.config import CameraConfig, NetworkConfig
from pof3d.errors import Pof3dError
from viz.comparing import CompareActions, CompareState
from viz.explore_state import ExploreState
from viz.frame import Frame, Pose
from viz.playback import GeneratedPath, Playback
from viz.pose_facts import PoseName, PosesShown, PosesState
from viz.shapes import GeometryActions, GeometryState
from viz.timeline import Timeline
from viz.view import DisplayMode, View
from viz.walks import Walk

if TYPE_CHECKING:
    from viz.internals import InternalsState
    from viz.runs import RunListing  # which needs torch; --help does without

RecordingFormat = Literal["mp4", "webm", "gif", "png"]
RecordingPath = Literal["turntable", "sweep", "timeline"]


@dataclass(frozen=True)
class NetworkInfo:
    """What is inside the open checkpoint."""

    path: Path
    kind: str
    """"native" or "release"."""
    size_bytes: int
    parameters: int
    """Of the generator."""
    config: NetworkConfig
    provenance: dict[str, Any]
    has_pose_prediction: bool
    """Whether there is a discriminator that predicts poses."""

    @property
    def is_conditioned(self) -> bool:
        """Whether the content is conditioned on a pose that comes from outside: none is predicted (EG3D)."""
        return self.config.generator.pose_source == "conditioning"


@dataclass(frozen=True)
class LoadingState:
    """A checkpoint on its way."""

    path: Path
    fraction: float
    stage: str


@dataclass(frozen=True)
class DownloadQuestion:
    """A large file that waits for a word of the user before it is fetched."""

    url: str
    name: str
    size: int
    """Bytes."""
    at_least: bool = False
    """Whether the server did not say how long it is."""


@dataclass(frozen=True, eq=False)
class PoseHistogram:
    """The generator's learned pose distribution, from random latents. Radians."""

    counts: NDArray[np.int64]
    """[yaw bins, pitch bins]."""
    yaw_edges: NDArray[np.float64]
    pitch_edges: NDArray[np.float64]
    samples: int
    target: int
    """Samples when complete."""
    mean: Pose
    std: Pose
    note: str = ""
    """Where it comes from, if it has not been sampled now."""


@dataclass(frozen=True)
class RunState:
    """The training run that is open."""

    folder: Path
    following: bool
    """Whether each new snapshot is shown as it lands."""
    listing: RunListing | None = None
    """What is in its folder; None until it has been read."""
    chosen: int | None = None
    """Index of the snapshot that is shown, or is about to be."""
    age: float | None = None
    """Seconds since the newest network landed."""
    loading: LoadingState | None = None
    """The chosen snapshot on its way."""
    message: str = ""
    """What the user should know about the run, or about the chosen snapshot."""
    alarming: bool = False
    """Whether the message tells of something wrong."""


@dataclass(frozen=True)
class RecordingRequest:
    """A video to make of the present View."""

    path: RecordingPath = "turntable"
    format: RecordingFormat = "mp4"
    frames: int = 120
    fps: int = 30
    size: int = 512
    """Side of one picture, pixels; several beside each other make the video wider."""
    contents: tuple[DisplayMode, ...] = ()
    """What the pictures show, from left to right; see :mod:`viz.video_panes`. Empty: what the View shows."""
    canvas: tuple[int, int] | None = None
    """Width and height of the whole video, pixels, for the pictures to be laid out in as large as they fit;
    None: as large as the pictures. With it, ``size`` does not count."""
    with_poses: bool = False
    """Whether the named poses are written on the video."""
    with_histogram: bool = False
    """Whether the learned poses are drawn on the video, with the present ones among them."""
    amplitude: float | None = None
    """Of the swing to either side, radians; None: chosen from the learned poses, see :mod:`viz.paths`."""
    full_turn: bool | None = None
    """Whether to go all the way round; None: if the network has learned all sides."""
    timeline: Timeline | None = None
    """What to play where the path is "timeline"."""


@dataclass(frozen=True)
class RecordingState:
    """A recording under way or just ended."""

    target: Path
    done: int
    total: int
    status: Literal["running", "finished", "cancelled", "failed"]
    seconds_left: float | None = None
    error: Pof3dError | None = None
    cancelling: bool = False
    """Whether it was told to stop, and still runs."""


@dataclass(frozen=True)
class MemoryUse:
    """What the model holds in memory, bytes."""

    networks: int
    """How many are open."""
    network_bytes: int
    """Of their tensors."""
    result_bytes: int
    """Of stages' results."""


@dataclass(frozen=True)
class Performance:
    """Speed of the interface and of the model."""

    ui_milliseconds: NDArray[np.float32]
    """Newest last: the interface's own work per frame."""
    model_milliseconds: NDArray[np.float32]
    """Newest last: preview frames of the model, submit to display."""
    threads: int
    device: str
    devices: tuple[str, ...]
    """What could be chosen."""
    memory: MemoryUse = MemoryUse(0, 0, 0)
    memory_budget: int = 0
    """Bound of networks and results, bytes; the network in use stays whatever its size."""


@dataclass(frozen=True)
class Turntable:
    """The automatic orbit of the window (not part of a View)."""

    playing: bool = False
    degrees_per_second: float = 45.0


@dataclass(frozen=True)
class PanelContext:
    """One interface frame's worth of facts."""

    frame: Frame | None = None
    """The newest good picture."""
    error: Pof3dError | None = None
    """Why the present View has no picture."""
    network: NetworkInfo | None = None
    loading: LoadingState | None = None
    question: DownloadQuestion | None = None
    internals: InternalsState | None = None
    """Whether to fetch a large file."""
    histogram: PoseHistogram | None = None
    run: RunState | None = None
    recording: RecordingState | None = None
    recorded: tuple[View, RecordingRequest] | None = None
    """What that recording is of, and how it is made."""
    comparison: CompareState = field(default_factory=CompareState)
    recording_seconds: float | None = None
    """What the planned recording is expected to take; None: not known yet."""
    missing_formats: Mapping[RecordingFormat, str] = field(default_factory=dict)
    """Kinds of videos that cannot be made here, and why."""
    performance: Performance | None = None
    turntable: Turntable = field(default_factory=Turntable)
    poses: PosesState = field(default_factory=PosesState)
    explore: ExploreState = field(default_factory=ExploreState)
    geometry: GeometryState | None = None
    playback: Playback = field(default_factory=Playback)
    """The timeline, and where it stands."""
    recents: Sequence[Path] = ()
    bundled: Sequence[Path] = ()
    favourites: Sequence[Path] = ()
    """Folders that the file browser offers."""
    drops: bool = True
    """Whether files can be dropped on the window."""
    last_folder: Path = field(default_factory=Path)
    capture_folder: Path = field(default_factory=Path)
    message: str = ""
    """The newest short notice, such as where a picture was saved."""
    scale: float = 1.0
    """Interface pixels per design pixel."""

    @property
    def cameras(self) -> CameraConfig:
        """The network's cameras, as the newest picture has them."""
        if self.frame is not None and self.frame.cameras is not None:
            return self.frame.cameras
        return self.network.config.generator.camera if self.network is not None else CameraConfig()

    @property
    def is_conditioned(self) -> bool:
        """Whether the open network takes a pose instead of predicting one (EG3D)."""
        return self.network is not None and self.network.is_conditioned


class Actions(CompareActions, GeometryActions, Protocol):
    """What panels may ask the program to do. Calls return at once."""

    def open_checkpoint(self, path: Path) -> None:
        """Open a file; the present network stays until the new one is there."""

    def cancel_loading(self) -> None:
        """Stop opening, or fetching, a file."""

    def open_url(self, url: str) -> None:
        """Fetch a file from the net and open it; the present network stays until it is there."""

    def answer_question(self, yes: bool) -> None:
        """Fetch the large file that was asked about, or leave it."""

    def open_run(self, folder: Path) -> None:
        """Follow a training run; the present network stays until a snapshot is there."""

    def close_run(self) -> None:
        """Let go of the run; its network stays open."""

    def follow_run(self, following: bool) -> None:
        """Show each new snapshot as it lands, or stay with the present one."""

    def choose_snapshot(self, index: int) -> None:
        """Show a snapshot of the run, and follow no longer."""

    def forget_recent(self, path: Path) -> None:
        """Take a file off the recent ones."""

    def set_favourite(self, folder: Path, favourite: bool) -> None:
        """Let the file browser offer a folder, or no longer."""

    def go_to_pose(self, pose: Pose) -> None:
        """Send the camera to a pose."""

    def reset_to_predicted(self) -> None:
        """Back to the predicted pose, seen as the network's own cameras see it."""

    def copy_pose(self, source: PoseName, target: PoseName) -> None:
        """Copy one of the named poses to another that can be set; see :func:`viz.pose_tools.copied`."""

    def take_pose_of_seed(self, seed: int) -> None:
        """Override the pose by the one that the generator predicts for a seed, once that is known."""

    def show_poses(self, shown: PosesShown) -> None:
        """Show the poses on the map, on the sphere, or against those of images."""

    def compare_image_poses(self, source: Path) -> None:
        """Compare D's poses of the images of a folder, or .zip, with G's."""

    def cancel_image_poses(self) -> None:
        """Stop that; what has been read stays."""

    def set_turntable(self, turntable: Turntable) -> None:
        """Play, pause, change the speed."""

    def set_walk(self, walk: Walk | None) -> None:
        """Draw another path on the seed map, play, pause, or forget it."""

    def lock_camera(self, lock: bool) -> None:
        """Hold the camera still while the latent changes, or let it follow the predicted pose."""

    def add_bookmark(self, name: str = "") -> None:
        """Keep the present View, under a name of its own if none is given."""

    def rename_bookmark(self, index: int, name: str) -> None:
        """Give a bookmark another name."""

    def delete_bookmark(self, index: int) -> None:
        """Forget a bookmark."""

    def go_to_bookmark(self, index: int) -> None:
        """Go to a bookmark's View; its network is opened if need be."""

    def save_image(self) -> None:
        """Save the picture as PNG, once it is there in full quality."""

    def save_window(self) -> None:
        """Save a picture of the whole window."""

    def plan_recording(self, request: RecordingRequest) -> None:
        """Take note of how to record, also by the key."""

    def start_recording(self) -> None:
        """Record a video of the present View, as planned."""

    def cancel_recording(self) -> None:
        """Stop the recording; nothing of it remains."""

    def copy_command(self) -> None:
        """Put the command line that renders the present View onto the clipboard."""

    def copy_recording_command(self) -> None:
        """Put the command line that makes the planned recording onto the clipboard."""

    def edit_timeline(self, timeline: Timeline, gesture: object = None, time: float | None = None) -> None:
        """Take a timeline that the user has changed, and put the playhead somewhere. Edits with the same
        gesture are one step.
        """

    def seek(self, time: float, gesture: object = None) -> None:
        """Put the playhead somewhere, and go to the View there."""

    def play_timeline(self, playing: bool) -> None:
        """Play, or stop."""

    def add_keyframe(self) -> None:
        """Keep the present View at the playhead, or behind the keyframe that is there."""

    def update_keyframe(self) -> None:
        """Put the present View into the keyframe at the playhead."""

    def remove_keyframe(self) -> None:
        """Remove the keyframe at the playhead."""

    def generate_path(self, path: GeneratedPath) -> None:
        """Replace the timeline with keyframes along a path."""

    def record_timeline(self) -> None:
        """Record the timeline in the planned format and size."""

    def set_threads(self, threads: int) -> None:
        """Let the model use this many threads."""

    def set_device(self, device: str) -> None:
        """Run the model on another device."""

    def set_memory_budget(self, mebibytes: int) -> None:
        """Keep networks and results within this bound."""

    def look_inside(self) -> None:
        """Note that the network's layers are being looked at; called in every frame that shows them."""

    def notify(self, message: str) -> None:
        """Show a short notice for a while."""


class Panel(Protocol):
    """One docked panel or overlay."""

    @property
    def title(self) -> str:
        """Shown in its header."""

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw into the current ImGui window and return the View, changed where the user changed it."""


@runtime_checkable
class Watching(Protocol):
    """A panel that misses no frame, although not every frame draws it anew (:mod:`viz.refreshing`)."""

    def watch(self, context: PanelContext) -> None:
        """Take note, once a frame, outside of any ImGui window."""
