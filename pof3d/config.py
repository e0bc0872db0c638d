"""Architecture and camera settings as frozen values; presets are instances of them.

A checkpoint stores its :class:`NetworkConfig` as JSON, so every field is a plain value. The figures of the
presets are those of the PoF3D paper's training settings (arXiv 2301.07702, supplementary).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

PlaneAxes = Literal["xy_xz_zx", "xy_xz_zy"]
SuperResolutionKind = Literal["none", "2x", "4x", "8x"]
PoseHead = Literal["mlp", "linear"]
PoseSource = Literal["learned", "gaussian", "uniform", "residual", "labels", "conditioning"]
PoseExtra = Literal["none", "radius", "fov"]

LABEL_DIM = 25
"""Numbers of a camera label: cam2world (16, row by row), then the normalised intrinsics (9)."""

FAST_SAMPLES = 10
"""Queries of the field that the fast renderer needs for one ray; see :mod:`pof3d.render.fast`."""

FOG_SAMPLES = 27
"""The same of a latent that has no surfaces, but fog all along its rays."""

FAST_GRID_SIDE = 32
"""Cells along each edge of its density grid, whose middles are queried once for a latent."""

FFHQ_FOV_DEGREES = 18.837


def focal_from_fov(fov_degrees: float) -> float:
    """Focal length, in image widths, for a field of view.

    The convention is the release's: the angle spans the image *diagonal* (1.414 rather than √2, and π as
    3.14159). 18.837° gives 4.2634.
    """
    return 1.0 / (math.tan(fov_degrees * 3.14159 / 360.0) * 1.414)


def fov_from_focal(focal: float) -> float:
    """Field of view in degrees: the inverse of :func:`focal_from_fov`."""
    return math.atan(1.0 / (focal * 1.414)) * 360.0 / 3.14159


@dataclass(frozen=True)
class CameraConfig:
    """The cameras a network was trained with."""

    radius: float = 2.7
    """Distance of the camera from the world's origin, in world units."""
    pivot: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The point every camera looks at."""
    h_mean: float = math.pi / 2
    """Azimuth h of the front view, radians."""
    focal: float = field(default_factory=lambda: focal_from_fov(FFHQ_FOV_DEGREES))
    """Focal length in image widths."""
    clamp_h: tuple[float, float] | None = None
    """Range that predicted azimuths h are clamped to, radians."""
    clamp_v: tuple[float, float] | None = None
    """Range that predicted v are clamped to; always inside [1e-5, π − 1e-5]."""


@dataclass(frozen=True)
class RenderConfig:
    """Volume rendering: stratified samples and one importance pass a ray."""

    resolution: int = 64
    """Side of the volume-rendered (raw) image, pixels."""
    depth_samples: int = 48
    """Stratified samples along a ray."""
    importance_samples: int = 48
    """Samples of the importance pass; 0 leaves it out."""
    ray_start: float = 2.25
    """Where sampling begins, world units from the camera."""
    ray_end: float = 3.3
    """Where it ends."""
    box_warp: float = 1.0
    """Side of the cube that the tri-planes cover."""
    white_background: bool = False
    """Whether light that nothing absorbs is white; otherwise black."""
    plane_axes: PlaneAxes = "xy_xz_zx"
    """Axes the three planes are read with. ``xy_xz_zx`` is the release's default (``wrong=True``)."""
    confine_to_box: bool = False
    """Whether density outside the cube is zero. The release leaves a constant haze there."""


@dataclass(frozen=True)
class SuperResolutionConfig:
    """The two convolution blocks behind the volume renderer."""

    kind: SuperResolutionKind = "4x"
    """``2x``: input resized to 64², to 128²; ``4x``: 128² to 256²; ``8x``: 128² to 512²; ``none``."""
    widths: tuple[int, int] = (128, 64)
    """Channels of the two blocks."""

    @property
    def input_resolution(self) -> int:
        """Side that the raw image is resized to before the first block."""
        return 64 if self.kind == "2x" else 128


@dataclass(frozen=True)
class PosePrior:
    """Distribution of poses that somebody assumed, around the front view; h and v are independent."""

    mean: tuple[float, float] = (0.0, 0.0)
    """Offsets of h from the front's azimuth and of v from π/2, radians."""
    spread: tuple[float, float] = (0.45, 0.28)
    """Of h and v, radians: standard deviations (gaussian, residual), or half the widths (uniform)."""


@dataclass(frozen=True)
class GeneratorConfig:
    """Shape of the generator."""

    z_dim: int = 512
    """Dimensions of the input latent z."""
    w_dim: int = 512
    """Dimensions of the intermediate latent w."""
    mapping_layers: int = 2
    """Fully connected layers from z to w."""
    mapping_lr_multiplier: float = 0.01
    """Learning rate multiplier of those layers."""
    pose_source: PoseSource = "learned"
    """Where the camera of a generated image comes from. ``learned``: from the latent (PoF3D); ``gaussian``
    and ``uniform``: drawn from the prior (GRAF, π-GAN); ``residual``: drawn from a gaussian prior, then
    corrected by a learned function of it (CAMPARI); ``labels``: drawn from the data set's poses;
    ``conditioning``: none of its own, the content is conditioned on a camera label (EG3D)."""
    label_scale: float = 1.0
    """Factor of the camera label that ``conditioning`` takes; 0 ignores it."""
    pose_prior: PosePrior = field(default_factory=PosePrior)
    """The prior of ``gaussian``, ``uniform`` and ``residual``."""
    pose_head: PoseHead = "mlp"
    """Pose learner: two layers, or one (``linear``)."""
    pose_lr_multiplier: float = 0.01
    """Learning rate multiplier of the pose learner; the paper's stabiliser."""
    pose_extra: PoseExtra = "none"
    """What the pose learner gives beside the two angles: the camera's distance, as an offset from
    ``camera.radius``, or its field of view, in degrees, as an offset from that of ``camera.focal``."""
    plane_resolution: int = 256
    """Side of the tri-planes, a power of two."""
    plane_channels: int = 32
    """Channels of each plane."""
    channel_base: int = 32768
    """Backbone channels at resolution r: min(channel_base / r, channel_max)."""
    channel_max: int = 512
    """Upper bound of the backbone's channels."""
    decoder_hidden: int = 64
    """Hidden units of the decoder."""
    feature_channels: int = 32
    """Colour outputs of the decoder; the first three are RGB."""
    decoder_lr_multiplier: float = 1.0
    """Learning rate multiplier of the decoder."""
    activation_clamp: float | None = None
    """Bound of the backbone's activations; the release uses 256 together with half precision."""
    camera: CameraConfig = field(default_factory=CameraConfig)
    render: RenderConfig = field(default_factory=RenderConfig)
    superres: SuperResolutionConfig = field(default_factory=SuperResolutionConfig)

    @property
    def image_resolution(self) -> int:
        """Side of the final image, pixels."""
        return {"none": self.render.resolution, "2x": 128, "4x": 256, "8x": 512}[self.superres.kind]


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Shape of the pose-aware dual discriminator."""

    resolution: int = 256
    """Side of the images it scores, a power of two."""
    detail_resolution: int | None = None
    """Images are first reduced to this side: the finest detail it was trained on. None: ``resolution``."""
    channel_base: int = 32768
    """Channels at resolution r: min(channel_base / r, channel_max)."""
    channel_max: int = 512
    """Upper bound of the channels."""
    pose_aware: bool = True
    """Whether it predicts the pose of an image and scores the image given that; otherwise it only scores."""
    label_dim: int = 0
    """Numbers of the camera label it scores an image given, instead of a pose that it predicts (EG3D: 25)."""
    pose_mapping_layers: int = 8
    """Layers that map a pose, or a label, to the conditioning vector."""
    minibatch_group: int = 4
    """Group size of the minibatch standard deviation."""
    linear_pose: bool = False
    """Whether the pose branch is a single layer."""
    pose_extra: bool = False
    """Whether it predicts the camera's distance or field of view as well."""
    circular_yaw: bool = False
    """Whether the pose branch gives the direction of the yaw, (cosine, sine), instead of the angle: without a
    jump where the circle closes (Zhou et al., arXiv 1812.07035). For cameras all around. Not in the paper."""
    activation_clamp: float | None = 256.0
    """Bound of the activations."""


@dataclass(frozen=True)
class NetworkConfig:
    """A generator and its discriminator."""

    name: str = "custom"
    """Short name of the preset."""
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig | None = field(default_factory=DiscriminatorConfig)


def _full_size(
    name: str, camera: CameraConfig, render: RenderConfig, superres: SuperResolutionKind
) -> NetworkConfig:
    generator = GeneratorConfig(camera=camera, render=render, superres=SuperResolutionConfig(kind=superres))
    return NetworkConfig(name, generator, DiscriminatorConfig(resolution=generator.image_resolution))


FFHQ = _full_size("ffhq", CameraConfig(pivot=(0.0, 0.0, 0.2)), RenderConfig(), "4x")
CATS = _full_size("cats", CameraConfig(), RenderConfig(), "4x")
CARS = _full_size(
    "cars",
    CameraConfig(
        radius=1.7, h_mean=math.pi, focal=1.025390625, clamp_h=(0.0, 2 * math.pi), clamp_v=(0.0, math.pi)
    ),
    RenderConfig(
        depth_samples=64,
        importance_samples=64,
        ray_start=0.1,
        ray_end=2.6,
        box_warp=1.6,
        white_background=True,
    ),
    "2x",
)

TOY_CATS = NetworkConfig(
    "toy-cats",
    GeneratorConfig(
        z_dim=64,
        w_dim=64,
        plane_resolution=32,
        plane_channels=12,
        channel_base=2048,
        channel_max=96,
        decoder_hidden=32,
        feature_channels=3,
        camera=CameraConfig(),
        render=RenderConfig(
            resolution=64,
            depth_samples=20,
            importance_samples=12,
            ray_start=2.36,
            ray_end=3.04,
            box_warp=0.7,
            white_background=True,
            plane_axes="xy_xz_zy",
            confine_to_box=True,
        ),
        superres=SuperResolutionConfig(kind="none"),
    ),
    DiscriminatorConfig(resolution=32, channel_base=1024, channel_max=128, activation_clamp=None),
)

TOY_CARS = replace(
    TOY_CATS,
    name="toy-cars",
    generator=replace(
        TOY_CATS.generator,
        pose_lr_multiplier=0.04,
        # Azimuths are not clamped: the circle has no ends.
        camera=replace(CARS.generator.camera, clamp_h=None),
        render=replace(TOY_CATS.generator.render, ray_start=1.0, ray_end=2.4, box_warp=1.4),
    ),
)
