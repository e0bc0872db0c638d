"""Training settings as frozen values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from pof3d import config as networks
from pof3d.checkpoint.assemble import check_config
from pof3d.config import NetworkConfig
from pof3d.errors import CheckpointError, ConfigError
from pof3d.nets.layers import NoiseMode

Precision = Literal["float32", "tf32", "bfloat16"]


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained (PoF3D §3.3 and its supplement)."""

    total_kimg: float = 25000.0
    """Length, in thousands of real images shown to the discriminator."""
    batch: int = 32
    """Images a step, over all processes. Half-lives and fades in kimg do not follow it: scale them too."""
    accumulation: int = 1
    """Parts of a process's share of the batch that are worked off one after another, to save memory. With
    more than one, images are generated twice a step."""
    precision: Precision = "float32"
    """``tf32`` and ``bfloat16`` (mixed precision) where the device has them. With bfloat16, weights, mapping,
    decoder, cameras and rays stay float32; the backbone, super-resolution and D do not."""
    flip: bool = False
    """Whether the data set is doubled by its mirror images (x-flips)."""
    generator_lr: float = 2.5e-3
    """Adam step size of the generator."""
    discriminator_lr: float = 2e-3
    """Adam step size of the discriminator."""
    decay_kimg: float = 0.0
    """Images at the end over which both step sizes fall linearly to zero."""
    adam_beta2: float = 0.99
    """Adam's second decay; the first is zero."""
    r1_gamma: float = 1.0
    """Weight of the R1 gradient penalty on real images."""
    r1_interval: int = 16
    """Steps between R1 penalties (lazy regularisation)."""
    pose_aware_weight: float = 2.0
    """w_cam: weight of the discriminator's pose error on generated images."""
    pose_consistency_weight: float = 1.0
    """w_pose: weight of the distance between G's pose and D's prediction, which trains the pose learner."""
    pose_consistency_ramp_kimg: float = 0.0
    """Images over which w_pose grows linearly from zero."""
    pose_matching_weight: float = 0.0
    """Weight of matching moments: mean and spread of the poses that D reads off generated images are pulled
    to those that it reads off real ones. Grows with w_pose. Not in the paper."""
    periodic_yaw: bool = False
    """Whether azimuths are compared the short way round the circle: for cameras from all sides."""
    front_weight: float = 0.0
    """Weight of the squared mean of G's yaw. Images do not tell where the front is, and without poses nothing
    holds it: this keeps it from drifting. Not in the paper."""
    mirror: bool = True
    """Whether each latent is also rendered from a mirrored camera."""
    mirror_up_down: bool = True
    """Whether half of the mirrored cameras are mirrored up-down, as in the paper; otherwise all left-right.
    Off where no camera ever looks from below."""
    mirror_jitter: tuple[float, float] = (0.0, 0.0)
    """Standard deviations of h and v, radians, of random offsets of the mirrored cameras: D learns poses, and
    G shapes, from more sides than a narrow start has. Not in the paper."""
    density_weight: float = 0.25
    """Weight of the density smoothness."""
    density_interval: int = 4
    """Steps between density smoothness terms."""
    density_points: int = 1000
    """Random points per sample of that term; a quarter as many for the solid core."""
    density_distance: float = 0.004
    """Standard deviation, in each coordinate, of the way to a point's neighbour, as a fraction of the box."""
    solid_core_radius: float = 0.0
    """Radius, world units, of a ball around the origin that is kept dense; 0: none. Where objects are as
    white as the background, a hole is otherwise as good as white paint. Not in the paper."""
    solid_core_weight: float = 0.5
    """Weight of that term."""
    noise: NoiseMode = "random"
    """The backbone's per-pixel noise in training. Small planes do better with ``none``: noise would stand
    in for the texture that the network has yet to learn."""
    blur_sigma: float = 10.0
    """Initial blur of the images the discriminator sees, pixels."""
    blur_fade_kimg: float = 200.0
    """Images over which the blur fades to nothing."""
    augment: bool = False
    """Adaptive augmentation of what the discriminator sees (ADA), for small data sets."""
    augment_target: float = 0.6
    """Mean sign of D's scores of real images that its probability is steered to."""
    augment_kimg: float = 500.0
    """Images in which the probability can grow from 0 to 1."""
    ema_kimg: float = 10.0
    """Half-life of the generator's moving average."""
    ema_rampup: float = 0.05
    """Upper bound of that half-life as a fraction of the images seen so far."""
    pose_init_spread: tuple[float, float] | None = None
    """Standard deviations of h and v, radians, that the pose learner starts with. None: as its random weights
    have it (near 0.7, around a random centre)."""
    pose_init_mean: tuple[float, float] = (0.0, 0.0)
    """Means that it starts with, together with a spread: offsets of h and v from the front, radians."""
    resolution_schedule: tuple[tuple[float, int], ...] = ()
    """Volume-rendering resolutions by stage: (kimg from which it holds, pixels). Empty: the network's own."""
    depth_samples: int | None = None
    """Stratified samples a ray in training; None: the network's own."""
    importance_samples: int | None = None
    """Samples of the importance pass in training; None: the network's own."""
    divergence_limit: float = 1000.0
    """A running mean of a loss beyond this stops the run."""
    seed: int = 0
    """Seed of weights, latents and data order."""
    snapshot_kimg: float = 100.0
    """Images between snapshots."""


def check_training(config: TrainingConfig) -> None:
    """Refuse settings that cannot work.

    Raises
    ------
    ConfigError
        Naming the setting, its value and what it must be.
    """
    at_least_one = ("batch", "accumulation", "r1_interval", "density_interval", "density_points")
    positive = (
        "total_kimg",
        "generator_lr",
        "discriminator_lr",
        "augment_kimg",
        "divergence_limit",
        "snapshot_kimg",
    )
    not_negative = (
        "decay_kimg",
        "r1_gamma",
        "pose_aware_weight",
        "pose_consistency_weight",
        "pose_consistency_ramp_kimg",
        "pose_matching_weight",
        "front_weight",
        "density_weight",
        "density_distance",
        "solid_core_radius",
        "solid_core_weight",
        "blur_sigma",
        "blur_fade_kimg",
        "ema_kimg",
        "ema_rampup",
    )
    rules: list[tuple[tuple[str, ...], str, Callable[[float], bool]]] = [
        (at_least_one, "at least 1", lambda value: value >= 1),
        (positive, "a finite number above 0", lambda value: 0 < value < math.inf),
        (not_negative, "a finite number of at least 0", lambda value: 0 <= value < math.inf),
        (("adam_beta2",), "between 0 and 1", lambda value: 0 <= value < 1),
        (("augment_target",), "between −1 and 1", lambda value: -1 <= value <= 1),
        (("seed",), "between 0 and 2⁶³ − 1", lambda value: 0 <= value < 2**63),
    ]
    for names, must_be, holds in rules:
        for name in names:
            value = getattr(config, name)
            if not holds(value):
                option = name.replace("_", "-")
                raise ConfigError(f"--training.{option} is {value}", f"it must be {must_be}")
    for name in ("pose_init_mean", "mirror_jitter"):
        for value in getattr(config, name):
            if not math.isfinite(value) or (name == "mirror_jitter" and value < 0):
                option = name.replace("_", "-")
                raise ConfigError(f"--training.{option} holds {value}", "that is no angle it could be")
    if config.pose_matching_weight > 0 and config.periodic_yaw:
        raise ConfigError(
            "--training.pose-matching-weight and --training.periodic-yaw do not go together",
            "the means that are matched have no meaning on a circle",
        )
    starts = [start for start, _ in config.resolution_schedule]
    if starts != sorted(starts):
        raise ConfigError(
            f"--training.resolution-schedule begins its stages at {starts}", "they must increase"
        )
    fine = config.importance_samples
    if fine is not None and fine < 0:
        raise ConfigError(f"--training.importance-samples is {fine}", "it must be 0 or more")
    if config.depth_samples is not None and config.depth_samples < 2:
        raise ConfigError(f"--training.depth-samples is {config.depth_samples}", "it must be at least 2")
    for spread in config.pose_init_spread or ():
        if not 0 < spread < math.pi:
            raise ConfigError(f"--training.pose-init-spread holds {spread}", "it must lie between 0 and π")
    for _, resolution in config.resolution_schedule:
        if resolution < 1:
            raise ConfigError(f"--training.resolution-schedule asks for {resolution} pixels")


def check_network(network: NetworkConfig) -> None:
    """Refuse networks that cannot be built.

    Raises
    ------
    ConfigError
        Naming the setting.
    """
    try:
        check_config(network)
    except CheckpointError as error:
        raise ConfigError("The network cannot be built", error.why, "Change its option.") from error
    generator, discriminator = network.generator, network.discriminator
    for option, shown in (
        ("generator.pose-source conditioning", generator.pose_source == "conditioning"),
        ("generator.pose-extra", generator.pose_extra != "none"),
        ("discriminator.label-dim", discriminator is not None and discriminator.label_dim > 0),
        ("discriminator.pose-extra", discriminator is not None and discriminator.pose_extra),
    ):
        if shown:
            raise ConfigError(f"--network.{option} cannot be trained", "such networks are only opened")
    for spread in network.generator.pose_prior.spread:
        if spread <= 0:
            raise ConfigError(f"--network.generator.pose-prior.spread holds {spread}", "it must be above 0")


def plain_settings(preset: Preset) -> dict[str, Any]:
    """A preset as JSON has it: dictionaries, lists, numbers and texts."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(preset)))
    return plain


def differences(before: Any, after: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Names, dotted, and values of settings that differ between two results of :func:`plain_settings`."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from differences(before.get(key), after.get(key), f"{name}.{key}" if name else key)
    elif before != after:
        yield name, before, after


@dataclass(frozen=True)
class Preset:
    """A network and the way it is trained."""

    network: NetworkConfig
    training: TrainingConfig = field(default_factory=TrainingConfig)


def check_preset(preset: Preset) -> None:
    """Refuse settings that cannot be, alone or together.

    Raises
    ------
    ConfigError
        Naming the setting.
    """
    check_training(preset.training)
    check_network(preset.network)
    discriminator = preset.network.discriminator
    if discriminator is not None and discriminator.circular_yaw and not preset.training.periodic_yaw:
        raise ConfigError(
            "--network.discriminator.circular-yaw needs --training.periodic-yaw",
            "yaws that are directions are compared the short way round",
        )


PresetName = Literal["ffhq", "cats", "cars", "toy-cats", "toy-cars"]

_TOY = TrainingConfig(
    total_kimg=80.0,
    batch=16,
    r1_gamma=1.0,
    pose_aware_weight=10.0,
    pose_consistency_weight=10.0,
    pose_consistency_ramp_kimg=60.0,
    # The box fits the object: the paper's 0.25 would keep it a thin slab of fog.
    density_weight=0.02,
    solid_core_radius=0.1,
    solid_core_weight=0.2,
    noise="none",
    blur_sigma=1.5,
    blur_fade_kimg=15.0,
    ema_kimg=5.0,
    pose_init_spread=(0.5, 0.3),
    depth_samples=16,
    importance_samples=0,
    resolution_schedule=((0.0, 32),),
    snapshot_kimg=4.0,
)

PRESETS: dict[PresetName, Preset] = {
    "ffhq": Preset(
        networks.FFHQ, TrainingConfig(r1_gamma=1.0, pose_aware_weight=2.0, pose_consistency_weight=1.0)
    ),
    "cats": Preset(
        networks.CATS, TrainingConfig(r1_gamma=5.0, pose_aware_weight=10.0, pose_consistency_weight=10.0)
    ),
    "cars": Preset(
        networks.CARS, TrainingConfig(r1_gamma=0.3, pose_aware_weight=2.0, pose_consistency_weight=2.0)
    ),
    "toy-cats": Preset(networks.TOY_CATS, replace(_TOY, front_weight=2.0)),
    "toy-cars": Preset(
        networks.TOY_CARS,
        replace(
            _TOY,
            pose_aware_weight=2.0,
            pose_consistency_weight=2.0,
            periodic_yaw=True,
            mirror_up_down=False,
            # All round, and from above: what is known of the set, and no more.
            pose_init_spread=(2.2, 0.25),
            pose_init_mean=(0.0, -0.5),
            resolution_schedule=((0.0, 16), (10.0, 32)),
        ),
    ),
}
