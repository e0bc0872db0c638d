"""The View: everything that says what to look at, as a tree of frozen plain values.

Equal Views give equal Frames. A View round-trips through JSON with a schema version. Angles are radians.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import msgspec

from pof3d.errors import ConfigError
from viz.file_names import path_from_text, path_to_text

Part = TypeVar("Part")
SCHEMA_VERSION = 1

PoseSource = Literal["predicted", "override", "free"]
Renderer = Literal["fast", "plain"]
DisplayMode = Literal["rgb", "raw", "depth", "side_by_side", "normals", "opacity"]
NormalsSpace = Literal["camera", "world"]
Geometry = Literal["image", "surface", "points"]
SurfaceColors = Literal["field", "plain", "normals"]
ColorMap = Literal["turbo", "viridis", "cividis", "magma", "gray"]
LatentSpace = Literal["z", "w"]

SEED_STRIDE = 100
"""Seeds between two rows of the seed map."""
PITCH_LIMIT = math.radians(85.0)
"""Cameras stay this close to the horizon: at the poles the up direction is undefined."""

MOST_BLENDED = 8
"""Further points that a latent may be blended of."""


@dataclass(frozen=True)
class NetworkView:
    """Which network."""

    path: str = ""
    """Checkpoint file; empty: none."""


@dataclass(frozen=True)
class LatentView:
    """Which latent: a point of the seed map, moved along directions, and what is mixed into it.

    (i, j) is seed i + 100·j; points in between interpolate their four neighbours.
    """

    x: float = 0.0
    """Column of the seed map."""
    y: float = 0.0
    """Row of the seed map."""
    truncation_psi: float = 1.0
    """ψ: 1 = untruncated, 0 = the mean latent."""
    truncation_cutoff: int | None = None
    """Layers that ψ applies to, coarsest first; None: all."""
    noise: Literal["const", "none"] = "const"
    """The backbone's per-pixel noise: as stored, or left out."""
    space: LatentSpace = "z"
    """What points between seeds interpolate: the seeds' z, or what the mapping network makes of them."""
    directions: tuple[float, ...] = ()
    """How far w is moved along its principal directions, strongest first, in standard deviations of each.
    Those not given are 0; those that a network does not have are ignored. The pose learner and ψ see the
    moved w: a direction moves the predicted pose."""
    mix_seed: int | None = None
    """Style mixing: the seed that some of the layers take their w from; None: no mixing. The predicted pose
    stays that of the latent itself."""
    mix_first: int = 0
    """The first of those layers; 0 is the coarsest."""
    mix_end: int | None = None
    """The layer after the last of them; None: up to the finest."""
    blend: tuple[tuple[float, float, float], ...] = ()
    """More points of the seed map as (x, y, weight): between seeds that are no neighbours. z is the weighted
    sum; (x, y) above weighs √(1 − Σ weight²). See :mod:`viz.interpolation`."""

    @property
    def seed(self) -> int:
        """The nearest seed, 0 … 2³² − 1."""
        return (round(self.x) + SEED_STRIDE * round(self.y)) % 2**32


@dataclass(frozen=True)
class PoseView:
    """Where the camera's yaw and pitch come from."""

    source: PoseSource = "predicted"
    """``predicted``: the generator's own pose for this latent; ``override``: the pose below; ``free``: the
    orbit camera."""
    override_yaw: float = 0.0
    """Radians, 0 = front."""
    override_pitch: float = 0.0
    """Radians; positive looks from below."""
    conditioning_yaw: float = 0.0
    """Radians: with the next, the pose that the content is conditioned on, in networks that take one instead
    of predicting it (EG3D). There ``predicted`` means this pose."""
    conditioning_pitch: float = 0.0
    """Radians."""


@dataclass(frozen=True)
class CameraView:
    """The orbit camera. Yaw and pitch count only when ``pose.source`` is ``free``, the rest always."""

    yaw: float = 0.0
    """Radians, 0 = front."""
    pitch: float = 0.0
    """Radians; positive looks from below."""
    roll: float = 0.0
    """Radians about the viewing direction."""
    radius: float | None = None
    """Distance, world units; None: the network's own."""
    fov: float | None = None
    """Field of view, radians (the convention of ``pof3d.config.focal_from_fov``); None: the network's own."""
    pan: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Translation of camera and pivot, world units."""


@dataclass(frozen=True)
class SamplingView:
    """Quality of the volume rendering; None: the network's own setting."""

    resolution: int | None = None
    """Side of the raw image, pixels."""
    depth_samples: int | None = None
    """Stratified samples a ray."""
    importance_samples: int | None = None
    """Samples of the importance pass."""
    renderer: Renderer = "fast"
    """The plain one, or, as long as no samples are asked for, the fast one (:mod:`pof3d.render.fast`)."""

    @property
    def fast(self) -> bool:
        """Whether few samples are placed where they count."""
        return self.renderer == "fast" and self.depth_samples is None and self.importance_samples is None


@dataclass(frozen=True)
class DisplayView:
    """What is shown of a rendering."""

    mode: DisplayMode = "rgb"
    """Final image, raw image, depth map, image and depth side by side, its normals, or opacity."""
    color_map: ColorMap = "viridis"
    """Colours of the depth map, near to far."""
    depth_range: tuple[float, float] | None = None
    """Near and far end of the colours, world units; None: fitted to the image."""
    normals_space: NormalsSpace = "camera"
    """Whose axes normals are coloured by; see :func:`viz.normals.color_normals`."""
    geometry: Geometry = "image"
    """In the window: the image, or in its place the density's surface or a point cloud. Frames are of the
    image whatever this is."""
    surface_colors: SurfaceColors = "field"
    """Colours of the surface: the field's, one for all, or the normals."""


@dataclass(frozen=True)
class View:
    """A complete description of one picture."""

    network: NetworkView = field(default_factory=NetworkView)
    latent: LatentView = field(default_factory=LatentView)
    pose: PoseView = field(default_factory=PoseView)
    camera: CameraView = field(default_factory=CameraView)
    sampling: SamplingView = field(default_factory=SamplingView)
    display: DisplayView = field(default_factory=DisplayView)


class ForeignText(ConfigError):
    """A text is nothing that this program has written."""


@dataclass(frozen=True)
class _Document:
    schema_version: int
    view: View


def view_to_json(view: View) -> str:
    """One line of JSON with the schema version.

    The path of a file whose name is not UTF-8 is written as its ``file:`` URI; see :mod:`viz.file_names`.
    """
    network = replace(view.network, path=path_to_text(view.network.path))
    return msgspec.json.encode(_Document(SCHEMA_VERSION, replace(view, network=network))).decode()


def part_from(document: Any, name: str, version: int, kind: type[Part]) -> Part | None:
    """A part of a decoded JSON object, written beside its ``<name>_version``; None without it.

    Raises
    ------
    ConfigError
        When it is of a newer version, or holds values of a wrong type.
    """
    if not isinstance(document, dict) or name not in document:
        return None
    found = document.get(f"{name}_version")
    if found != version:
        raise ConfigError(
            f"cannot read the saved {name}",
            f"its version is {found!r}, this program reads {version}",
            "Open it with the program version that wrote it.",
        )
    try:
        return msgspec.convert(document[name], kind, strict=True)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ForeignText(f"cannot read the saved {name}", str(error)) from error


def view_from_json(text: str | bytes) -> View:
    """The View of :func:`view_to_json`.

    Raises
    ------
    ConfigError
        When the text is not JSON, is of a newer version, or holds values of a wrong type.
    """
    try:
        document: Any = msgspec.json.decode(text)
        version = document.get("schema_version") if isinstance(document, dict) else None
        if version is None:
            raise ForeignText("cannot read the saved view", "it is no view or session of this program")
        if version != SCHEMA_VERSION:
            raise ConfigError(
                "cannot read the saved view",
                f"its schema version is {version!r}, this program reads {SCHEMA_VERSION}",
                "Open it with the program version that wrote it.",
            )
        view = msgspec.convert(document, _Document, strict=True).view
        return replace(view, network=replace(view.network, path=path_from_text(view.network.path)))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ForeignText("cannot read the saved view", str(error)) from error
