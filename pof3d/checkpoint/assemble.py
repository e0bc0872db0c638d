"""From a configuration and named tensors to networks, with everything checked before memory is taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pof3d.checkpoint.plan import (
    LARGEST_STAGE,
    MOST_POINTS,
    Effort,
    discriminator_size,
    effort,
    points,
    stage_sizes,
)
from pof3d.config import DiscriminatorConfig, GeneratorConfig, NetworkConfig
from pof3d.errors import CheckpointError
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator
from pof3d.text import format_bytes, format_count

Net = TypeVar("Net", bound=nn.Module)

_MAX_WIDTH = 1 << 14
"""Bound of channel counts and latent sizes; the largest in use is 512."""
_MAX_RESOLUTION = 2048
_MAX_SAMPLES = 1024
_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor that is still in its file."""

    shape: tuple[int, ...]
    load: Callable[[], Tensor]
    """Reads it: contiguous, on the CPU, sharing memory with nothing."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a checkpoint file holds, before anything large is read."""

    config: NetworkConfig
    generator: Mapping[str, StoredTensor]
    """By the names of :class:`~pof3d.nets.generator.Generator`."""
    discriminator: Mapping[str, StoredTensor]
    """By the names of :class:`~pof3d.nets.discriminator.Discriminator`; empty if the file has none."""
    provenance: dict[str, object]


@dataclass(frozen=True, slots=True)
class Hooks:
    """How a long operation talks to whoever started it."""

    progress: Callable[[float, str], None] | None = None
    """Takes the share done, 0…1, and what is being done."""
    cancelled: Callable[[], bool] | None = None
    """Says whether to stop."""

    def report(self, share: float, what: str) -> None:
        """Pass on the progress; raise :class:`LoadCancelled` if nobody wants the result any more."""
        if self.cancelled is not None and self.cancelled():
            raise LoadCancelled("Loading was cancelled")
        if self.progress is not None:
            self.progress(min(max(share, 0.0), 1.0), what)


class LoadCancelled(CheckpointError):
    """The caller's ``cancelled`` hook stopped the loading."""


# ---------------------------------------------------------------------------------------------- configuration
def _impossible(why: str) -> NoReturn:
    raise CheckpointError(
        "The checkpoint describes a network that cannot be built", why, "The file is damaged or was edited."
    )


def _excessive(why: str) -> NoReturn:
    raise CheckpointError(
        "The checkpoint describes a network far larger than any real one", why, "It was not opened."
    )


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN fails, too
        _impossible(f"{name} is {value:g}, not within {low:g} … {high:g}")


def _power_of_two(name: str, value: int, low: int) -> None:
    _within(name, value, low, _MAX_RESOLUTION)
    if value & (value - 1):
        _impossible(f"{name} is {value}, not a power of two")


def _check_generator(config: GeneratorConfig) -> None:
    for name in ("z_dim", "w_dim", "plane_channels", "channel_max", "decoder_hidden"):
        _within(name, getattr(config, name), 1, _MAX_WIDTH)
    _within("feature_channels", config.feature_channels, 3, _MAX_WIDTH)
    _within("mapping_layers", config.mapping_layers, 1, 64)
    _power_of_two("plane_resolution", config.plane_resolution, 4)
    _within("channel_base", config.channel_base, config.plane_resolution, 1 << 24)
    for name in ("mapping_lr_multiplier", "pose_lr_multiplier", "decoder_lr_multiplier"):
        _within(name, getattr(config, name), 1e-6, 1e6)
    if config.activation_clamp is not None:
        _within("activation_clamp", config.activation_clamp, 1e-3, 1e9)
    for width in config.superres.widths:
        _within("superres.widths", width, 1, _MAX_WIDTH)

    _within("label_scale", config.label_scale, -1e6, 1e6)
    if config.pose_extra != "none" and config.pose_source != "learned":
        _impossible(f"pose_extra is {config.pose_extra} although poses are not learned")

    for name in ("mean", "spread"):
        for value in getattr(config.pose_prior, name):
            _within(f"pose_prior.{name}", value, -100.0, 100.0)

    camera = config.camera
    _within("camera.radius", camera.radius, 1e-6, 1e6)
    _within("camera.focal", camera.focal, 1e-3, 1e3)
    _within("camera.h_mean", camera.h_mean, -100.0, 100.0)
    for value in camera.pivot:
        _within("camera.pivot", value, -1e6, 1e6)
    for name, limits in (("clamp_h", camera.clamp_h), ("clamp_v", camera.clamp_v)):
        if limits is not None and not -100.0 <= limits[0] <= limits[1] <= 100.0:
            _impossible(f"camera.{name} is {limits}, not an interval")

    render = config.render
    _within("render.resolution", render.resolution, 1, _MAX_RESOLUTION)
    _within("render.depth_samples", render.depth_samples, 4, _MAX_SAMPLES)
    _within("render.importance_samples", render.importance_samples, 0, _MAX_SAMPLES)
    _within("render.ray_start", render.ray_start, 0.0, 1e6)
    _within("render.ray_end", render.ray_end, 0.0, 1e6)
    if render.ray_end <= render.ray_start:
        _impossible("render.ray_end is not beyond render.ray_start")
    _within("render.box_warp", render.box_warp, 1e-6, 1e6)

    for stage, size in stage_sizes(config).items():
        if size > LARGEST_STAGE:
            _excessive(f"its {stage} would take {format_bytes(size)}")
    if (count := points(config)) > MOST_POINTS:
        _excessive(f"one picture of it would need {format_count(count)} samples")


def _check_discriminator(config: DiscriminatorConfig) -> None:
    _power_of_two("discriminator.resolution", config.resolution, 8)
    _within("discriminator.channel_base", config.channel_base, config.resolution, 1 << 24)
    _within("discriminator.channel_max", config.channel_max, 1, _MAX_WIDTH)
    _within("discriminator.pose_mapping_layers", config.pose_mapping_layers, 0, 64)
    _within("discriminator.label_dim", config.label_dim, 0, _MAX_WIDTH)
    _within("discriminator.minibatch_group", config.minibatch_group, 1, 4096)
    if config.activation_clamp is not None:
        _within("discriminator.activation_clamp", config.activation_clamp, 1e-3, 1e9)
    if (size := discriminator_size(config)) > LARGEST_STAGE:
        _excessive(f"a layer of its discriminator would take {format_bytes(size)}")


def check_config(config: NetworkConfig) -> None:
    """Refuse settings that no network can have.

    Raises
    ------
    CheckpointError
        Naming the setting.
    """
    _check_generator(config.generator)
    if config.discriminator is not None:
        _check_discriminator(config.discriminator)


def check_effort(stored: Stored, allowed: Effort, drawn_points: int) -> None:
    """Refuse a network that takes more memory or time than somebody wants to spend on it.

    Parameters
    ----------
    stored : Stored
        The open file.
    allowed : Effort
        What opening its generator and drawing one picture may take.
    drawn_points : int
        Queries of the field for that picture.

    Raises
    ------
    CheckpointError
        Before anything large is read.
    """
    check_config(stored.config)
    numbers = sum(math.prod(tensor.shape) for tensor in stored.generator.values())
    needed = effort(stored.config.generator, numbers, drawn_points)
    if needed.memory_bytes > allowed.memory_bytes or needed.multiplications > allowed.multiplications:
        raise CheckpointError("The checkpoint is too large for a small picture of it")


# --------------------------------------------------------------------------------------------------- networks
_FACTORIES = (torch.empty, torch.full, torch.ones, torch.randn, torch.zeros)


class _ShapesOnly(TorchFunctionMode):
    """Makes parameters that have shapes but no memory.

    Like ``torch.device("meta")``, without the random numbers: they would be thrown away, and what draws and
    scales them on that device takes torch seconds to load.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _FACTORIES:
            size = args[:1] if func is torch.full else args
            return torch.empty(*size, device="meta")
        result_is_first = getattr(func, "__name__", "") in ("mul", "__mul__")
        if (
            result_is_first
            and isinstance(args[0], Tensor)
            and args[0].is_meta
            and not isinstance(args[1], Tensor)
        ):
            return args[0]
        return func(*args, **(kwargs or {}))


def without_memory(make: Callable[[], Net]) -> Net:
    """Build a network whose parameters have shapes but no memory."""
    with _ShapesOnly():
        return make()


def _listed(names: Iterable[str]) -> str:
    names = sorted(names)
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _compare(what: str, expected: Mapping[str, Tensor], stored: Mapping[str, StoredTensor]) -> None:
    def mismatch(why: str) -> NoReturn:
        raise CheckpointError(
            f"The checkpoint's {what} does not fit its configuration",
            why,
            "The file is damaged or was edited.",
        )

    if missing := expected.keys() - stored.keys():
        mismatch(f"{_listed(missing)} missing")
    if extra := stored.keys() - expected.keys():
        mismatch(f"{_listed(extra)} unexpected")
    for name, tensor in expected.items():
        if (shape := stored[name].shape) != tuple(tensor.shape):
            mismatch(f"{name} is {list(shape)} instead of {list(tensor.shape)}")


def is_finite(tensor: Tensor) -> bool:
    """Whether no number of the tensor is NaN or infinite."""
    # The sum of finite numbers is almost always finite, and takes no second tensor.
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())


def _fill(
    net: Net,
    what: str,
    stored: Mapping[str, StoredTensor],
    device: torch.device,
    report: Callable[[int, str], None],
) -> Net:
    expected = net.state_dict()
    _compare(what, expected, stored)
    tensors = {}
    for name in expected:
        tensor = stored[name].load()
        report(tensor.numel(), f"Reading the {what}")
        tensor = tensor.to(torch.float32)
        if not is_finite(tensor):
            raise CheckpointError(
                f"The checkpoint's {what} is unusable",
                f"{name} holds values that are not finite numbers",
                "Its training diverged, or the file is damaged; take an earlier snapshot.",
            )
        tensors[name] = tensor.to(device)
    net.load_state_dict(tensors, assign=True)
    # What checkpoints do not hold, the filters, was made on the CPU.
    return net.to(device).eval().requires_grad_(False)


def build(
    stored: Stored, device: torch.device, hooks: Hooks, start: float = 0.0
) -> tuple[Generator, Discriminator | None]:
    """Build the networks of a file and read their tensors.

    Parameters
    ----------
    stored : Stored
        The open file.
    device : torch.device
        Where the networks go, in float32.
    hooks : Hooks
        Progress runs from ``start`` to 1.

    Returns
    -------
    generator, discriminator
        In evaluation mode, without gradients.

    Raises
    ------
    CheckpointError
        If tensors are missing, surplus, of another shape than the configuration says, or not finite.
    """
    config = stored.config
    check_config(config)
    generator = without_memory(lambda: Generator(config.generator))
    discriminator = None
    settings = config.discriminator
    if settings is not None:
        camera = config.generator.camera
        discriminator = without_memory(lambda: Discriminator(settings, camera))
    elif stored.discriminator:
        _impossible("it has tensors of a discriminator, but no configuration of it")

    sizes = [math.prod(t.shape) for part in (stored.generator, stored.discriminator) for t in part.values()]
    done, total = 0, max(sum(sizes), 1)

    def report(count: int, what: str) -> None:
        nonlocal done
        done += count
        hooks.report(start + (1.0 - start) * done / total, what)

    if discriminator is not None:  # before the generator's tensors are read
        _compare("discriminator", discriminator.state_dict(), stored.discriminator)
    generator = _fill(generator, "generator", stored.generator, device, report)
    if discriminator is not None:
        discriminator = _fill(discriminator, "discriminator", stored.discriminator, device, report)
    return generator, discriminator
