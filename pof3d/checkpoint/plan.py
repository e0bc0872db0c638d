"""What a network needs in order to draw, computed from its configuration alone.

A file of some kilobytes can describe tri-planes of a hundred gigabytes: their size is a number in it. So the
sizes that the configuration leads to are compared with those of real networks before anything is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pof3d.config import DiscriminatorConfig, GeneratorConfig

_FLOAT = 4
"""Bytes of a number."""
LARGEST_STAGE = 1 << 30
"""Bytes of one stage's largest result. In networks known so far it is below 150 MB."""
MOST_POINTS = 1 << 28
"""Queries of the field for one picture; a large network takes 3 million."""
_FINEST_VIEW = 1024
"""Side of the raw image that a user may ask any network for, pixels."""
_FEWEST_RAYS = 128
"""Rays drawn at once, at the least."""


@dataclass(frozen=True)
class Effort:
    """What opening a generator and drawing one small picture takes, or may take."""

    memory_bytes: int
    multiplications: float


def _blocks(config: GeneratorConfig) -> Iterator[tuple[int, int, int]]:
    """Resolution, channels in and channels out of the backbone's blocks."""
    before, resolution = 0, 4
    while resolution <= config.plane_resolution:
        channels = min(config.channel_base // resolution, config.channel_max)
        yield resolution, before, channels
        before, resolution = channels, 2 * resolution


def _values_per_point(config: GeneratorConfig) -> int:
    """Numbers in memory for one query of the field."""
    return 3 * config.plane_channels + config.decoder_hidden + config.feature_channels + 1


def stage_sizes(config: GeneratorConfig) -> dict[str, int]:
    """Bytes of the largest result of each stage, by what it is called in messages."""
    render, superres = config.render, config.superres
    samples = render.depth_samples + render.importance_samples
    sizes = {
        "tri-planes": 3 * config.plane_channels * config.plane_resolution**2,
        "backbone": max(side * side * channels for side, _, channels in _blocks(config)),
        "raw image": max(render.resolution, _FINEST_VIEW) ** 2 * config.feature_channels,
        "rays": _FEWEST_RAYS * samples * _values_per_point(config),
    }
    if superres.kind != "none":
        sizes["super-resolution"] = config.image_resolution**2 * max(superres.widths)
    return {name: _FLOAT * size for name, size in sizes.items()}


def discriminator_size(config: DiscriminatorConfig) -> int:
    """Bytes of the largest result within a discriminator."""
    sides = (1 << i for i in range(2, config.resolution.bit_length()))
    return _FLOAT * max(side * side * min(config.channel_base // side, config.channel_max) for side in sides)


def points(config: GeneratorConfig) -> int:
    """Queries of the field for one picture with the network's own settings."""
    render = config.render
    return render.resolution**2 * (render.depth_samples + render.importance_samples)


def effort(config: GeneratorConfig, numbers: int, drawn_points: int) -> Effort:
    """What opening a generator and drawing a picture takes, about.

    Parameters
    ----------
    config : GeneratorConfig
        Its settings.
    numbers : int
        Of its tensors.
    drawn_points : int
        Queries of the field for the picture, which is drawn in slices.
    """
    sizes = stage_sizes(config)
    planes = sizes["tri-planes"]
    work = 0.0
    for side, before, channels in _blocks(config):
        outputs = 3 * config.plane_channels
        work += side * side * channels * (9 * (before / 4 + channels) + outputs)
    per_point = config.decoder_hidden * (config.plane_channels + config.feature_channels + 1)
    # While the backbone works there are about three of its largest results, and two images of the planes.
    memory = _FLOAT * numbers + max(3 * sizes["backbone"] + 2 * planes, planes + sizes["rays"])
    return Effort(memory, work + drawn_points * per_point)
