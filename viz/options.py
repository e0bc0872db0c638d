"""The options of ``render`` and ``record``, and what they mean as a View and as a recording request."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro

from pof3d.errors import ConfigError
from viz.limits import check_recording, check_view
from viz.panel import RecordingFormat, RecordingPath, RecordingRequest
from viz.seed_map import SEED_COUNT, point_of_seed
from viz.timeline import Timeline
from viz.view import PITCH_LIMIT, ColorMap, DisplayMode, Renderer, View

Options = TypeVar("Options", bound="PictureOptions")
FORMATS: dict[str, RecordingFormat] = {".mp4": "mp4", ".webm": "webm", ".gif": "gif", "": "png"}
"""Of recordings, by the suffix of the file."""

Angle = float | Literal["predicted"]
_OWN: Any = tyro.conf.arg(help_behavior_hint="")
"""Options without a default of their own say in their text what happens without them."""


@dataclass(frozen=True)
class ContentOptions:
    """Which object, and where it comes from and goes to: of everything that makes a file of one."""

    file: Annotated[Path, tyro.conf.Positional]
    """Checkpoint: .safetensors, or a release snapshot; or a saved session, .json, which names one."""
    out: Path
    """File to write."""
    seed: Annotated[int | None, _OWN] = None
    """Which random latent: 0 to 4294967295. Without: 0."""
    at: Annotated[tuple[float, float] | None, _OWN] = None
    """Column and row of the seed map instead of a seed, for latents between seeds."""
    psi: Annotated[float | None, _OWN] = None
    """Truncation ψ: 1 = none, 0 = the mean object. It does not move the predicted pose.
    Without: 1."""
    cutoff: Annotated[int | None, _OWN] = None
    """Layers that ψ applies to, coarsest first. Without: all."""
    noise: Annotated[Literal["const", "none"] | None, _OWN] = None
    """The backbone's per-pixel noise: as stored, or left out."""
    directions: Annotated[tuple[float, ...] | None, _OWN] = None
    """Moves along the principal directions of w, strongest first, standard deviations: --directions 0 -1.5.
    The predicted pose follows. Without: none."""
    mix_seed: Annotated[int | None, _OWN] = None
    """Style mixing: the seed that some layers come from; the pose stays that of --seed.
    Without: no mixing."""
    mix_layers: Annotated[tuple[int, int] | None, _OWN] = None
    """First and last of those layers, 0 is the coarsest. Without: all."""
    conditioning: Annotated[tuple[float, float] | None, _OWN] = None
    """Yaw and pitch, degrees, that the content is conditioned on, in networks that take a pose instead of
    predicting one (EG3D). Without: the front."""
    view: Annotated[str | None, _OWN] = None
    """Start from the view in this file: a picture or video that this program saved, or a .json file; or the
    JSON itself."""
    checkpoint: Annotated[Path | None, _OWN] = None
    """With a session: use this checkpoint instead of the one that it names."""
    device: str = "auto"
    """Where the network runs: auto, cpu, cuda, cuda:1 …"""
    threads: Annotated[int | None, _OWN] = None
    """Threads on the CPU. Without: one a core."""


@dataclass(frozen=True)
class PictureOptions(ContentOptions):
    """What a picture shows. What is not given comes from --view, or is the network's own setting."""

    roll: Annotated[float | None, _OWN] = None
    """Rotation about the viewing direction, degrees."""
    radius: Annotated[float | None, _OWN] = None
    """Distance of the camera, world units."""
    fov: Annotated[float | None, _OWN] = None
    """Field of view, degrees over the picture's diagonal."""
    pan: Annotated[tuple[float, float, float] | None, _OWN] = None
    """Shift of the camera, world units."""
    mode: Annotated[DisplayMode | None, _OWN] = None
    """Final image, image before super-resolution, depth map, image and depth side by side, normals of the
    depth map, or opacity. Without: rgb."""
    colors: Annotated[ColorMap | None, _OWN] = None
    """Colours of the depth map. Without: viridis."""
    depth_range: Annotated[tuple[float, float] | None, _OWN] = None
    """Near and far end of those colours, world units. Without: fitted to the picture."""
    resolution: Annotated[int | None, _OWN] = None
    """Side of the volume-rendered image, pixels."""
    samples: Annotated[int | None, _OWN] = None
    """Stratified samples along a ray."""
    importance: Annotated[int | None, _OWN] = None
    """Samples of the second, finer pass."""
    renderer: Annotated[Renderer | None, _OWN] = None
    """The plain one takes its samples all along each ray; the fast one, where none are asked for, takes few,
    where the object is. Without: fast."""


@dataclass(frozen=True)
class Render(PictureOptions):
    """Render one picture to a .png file.

    What is not given comes from --view, else it is the network's own setting, seed 0 and the predicted pose.
    """

    yaw: Annotated[Angle | None, _OWN] = None
    """Degrees, 0 = front, or "predicted": the generator's own. Of --yaw and --pitch, one that is not given is
    predicted."""
    pitch: Annotated[Angle | None, _OWN] = None
    """Degrees, positive = from below, or "predicted"."""
    orbit: Annotated[tuple[float, float] | None, _OWN] = None
    """Yaw and pitch of the free orbit camera, degrees, instead of --yaw and --pitch."""


@dataclass(frozen=True)
class Record(PictureOptions):
    """Record a video of the camera on a path: .mp4, .webm or .gif, or a folder of PNGs (no suffix).

    What is not given comes from --view, else it is the network's own setting and seed 0.
    """

    path: Annotated[RecordingPath | None, _OWN] = None
    """timeline: what a session's keyframes show. turntable: a closed loop, all the way round for networks
    that have learned all sides; for faces a swing to both sides and back, as wide as what was learned. sweep:
    once from one side to the other. Without: the session's timeline, if it has one, else turntable."""
    frames: Annotated[int | None, _OWN] = None
    """Length of the video in frames. Without: the timeline's, else 120."""
    fps: Annotated[int | None, _OWN] = None
    """Frames a second. Without: the timeline's, else 30."""
    size: int = 512
    """Side of the picture in the video, pixels; several pictures make it wider. MP4 and WebM round up to even
    numbers."""
    contents: tuple[DisplayMode, ...] = ()
    """Pictures beside each other: rgb, raw, depth, normals, opacity. Without: what --mode says."""
    canvas: Annotated[tuple[int, int] | None, _OWN] = None
    """Width and height of the whole video, pixels: the pictures are laid out in it, as large as they fit.
    Without: as large as the pictures."""
    poses: bool = False
    """Write the poses on the video."""
    histogram: bool = False
    """Draw the learned poses on the video, with the present ones among them."""
    amplitude: Annotated[float | None, _OWN] = None
    """Swing to either side, degrees. Without: chosen from the learned poses, 35 to 60."""
    full: bool = False
    """Go all the way round, whatever was learned."""


def parse(command: type[Options], arguments: Sequence[str]) -> Options:
    """Options of a command; prints help or the mistake and exits where there is one."""
    name = command.__name__.lower()
    options: Any = tyro.cli(
        command,
        prog=f"visualizer.py {name}",
        args=list(arguments),
        config=(
            tyro.conf.DisallowNone,
            tyro.conf.FlagCreatePairsOff,
            tyro.conf.PositionalMetavarFromFieldName,
        ),
    )
    parsed: Options = options
    return parsed


def build_view(options: PictureOptions, base: View | None = None) -> View:
    """The View that the options describe, but for the pose.

    Parameters
    ----------
    options : PictureOptions
        Given values replace those of the base.
    base : View, optional
        Where the others come from.

    Raises
    ------
    ConfigError
        For a value that cannot be used.
    """
    view = base or View()
    latent, camera, sampling, display = view.latent, view.camera, view.sampling, view.display
    if options.seed is not None:
        if not 0 <= options.seed < SEED_COUNT:
            raise ConfigError(
                f"A seed of {options.seed} cannot be used", f"it must lie between 0 and {SEED_COUNT - 1}"
            )
        x, y = point_of_seed(options.seed)
        latent = replace(latent, x=x, y=y, blend=())
    if options.at is not None:
        if options.seed is not None:
            raise ConfigError("--at cannot be used with --seed", "both say which latent")
        latent = replace(latent, x=options.at[0], y=options.at[1], blend=())
    latent = replace(
        latent,
        **_given(truncation_psi=options.psi, truncation_cutoff=options.cutoff, noise=options.noise),
        **_given(directions=options.directions, mix_seed=options.mix_seed),
    )
    if options.mix_layers is not None:
        if latent.mix_seed is None:
            raise ConfigError(
                "--mix-layers cannot be used without --mix-seed", "there is nothing to mix with"
            )
        latent = replace(latent, mix_first=options.mix_layers[0], mix_end=options.mix_layers[1] + 1)
    camera = replace(
        camera,
        **_given(
            roll=_radians(options.roll),
            radius=options.radius,
            fov=_radians(options.fov),
            pan=options.pan,
        ),
    )
    sampling = replace(
        sampling,
        **_given(
            resolution=options.resolution,
            depth_samples=options.samples,
            importance_samples=options.importance,
            renderer=options.renderer,
        ),
    )
    display = replace(
        display, **_given(mode=options.mode, color_map=options.colors, depth_range=options.depth_range)
    )
    path = os.path.abspath(options.file.expanduser())
    network = replace(view.network, path=path)
    pose = view.pose
    if options.conditioning is not None:
        yaw, pitch = map(math.radians, options.conditioning)
        pose = replace(pose, conditioning_yaw=yaw, conditioning_pitch=pitch)
    built = replace(
        view,
        network=network,
        latent=latent,
        pose=pose,
        camera=camera,
        sampling=sampling,
        display=display,
    )
    check_view(built)
    return built


def build_request(options: Record, timeline: Timeline | None = None) -> RecordingRequest:
    """The recording that the options describe; its format follows from the file's name. A timeline counts
    where the path is one.
    """
    path = options.path or "turntable"
    played = timeline if path == "timeline" else None
    fps = options.fps if options.fps is not None else (played.fps if played is not None else 30)
    frames = (
        options.frames
        if options.frames is not None
        else (played.frames_at(fps) if played is not None else 120)
    )
    kind = FORMATS.get(options.out.suffix.lower())
    if kind is None:
        raise ConfigError(
            f"{options.out.name} is no name for a video",
            "it should end in .mp4, .webm or .gif; a name without suffix becomes a folder of PNGs",
        )
    request = RecordingRequest(
        path=path,
        format=kind,
        frames=frames,
        fps=fps,
        size=options.size,
        contents=options.contents,
        canvas=options.canvas,
        with_poses=options.poses,
        with_histogram=options.histogram,
        amplitude=_radians(options.amplitude),
        full_turn=options.full or None,
        timeline=played,
    )
    check_recording(request, options.out)
    return request


def posed(view: View, options: Render, predicted: Callable[[View], tuple[float, float]]) -> View:
    """The View with the pose that the options ask for.

    Parameters
    ----------
    view : View
        From :func:`build_view`.
    options : Render
        With neither yaw nor pitch, the View's own pose stays.
    predicted : callable
        Gives the generator's yaw and pitch, radians; asked only when exactly one angle is given as a number.
    """
    yaw, pitch = options.yaw, options.pitch
    if options.orbit is not None:
        if yaw is not None or pitch is not None:
            raise ConfigError("--orbit cannot be used with --yaw or --pitch", "both say where the camera is")
        around, above = map(math.radians, options.orbit)
        camera = replace(view.camera, yaw=around, pitch=above)
        orbiting = replace(view, pose=replace(view.pose, source="free"), camera=camera)
        check_view(orbiting)
        return orbiting
    if yaw is None and pitch is None:
        return view
    angles = [a if isinstance(a, float | int) else None for a in (yaw, pitch)]
    if angles == [None, None]:
        return replace(view, pose=replace(view.pose, source="predicted"))
    limit = math.degrees(PITCH_LIMIT)
    if angles[1] is not None and not -limit <= angles[1] <= limit:
        raise ConfigError(f"A pitch of {angles[1]:g}° cannot be used", f"it must lie within ±{limit:g}°")
    own = (0.0, 0.0) if None not in angles else predicted(view)
    radians = [math.radians(a) if a is not None else b for a, b in zip(angles, own, strict=True)]
    yaw, pitch = radians
    pose = replace(view.pose, source="override", override_yaw=yaw, override_pitch=pitch)
    posed_view = replace(view, pose=pose)
    check_view(posed_view)
    return posed_view


def _given(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _radians(degrees: float | None) -> float | None:
    return None if degrees is None else math.radians(degrees)
