"""Volume rendering in slices of rays, so that it can be abandoned half way."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pof3d.cameras import camera_rays, intrinsics_from_focal
from pof3d.config import FAST_SAMPLES
from pof3d.fast import FastGenerator
from pof3d.nets.generator import Generator, RawFrame
from pof3d.render.fast import FastField
from viz.optics import Optics
from viz.preview import Quality, multiplications_per_point
from viz.view import SamplingView

_SLICE_MULTIPLICATIONS = 24e6
"""Arithmetic of one slice: some 15 ms of one core."""
_CUDA_FACTOR = 200
_FAST_FACTOR = 6
"""Between the fast renderer's speed and the plain one's."""
_SMALLEST_SLICE = 128


def full_quality(generator: Generator, sampling: SamplingView) -> Quality:
    """What a View's sampling comes to, with the network's own settings where it has none."""
    render = generator.config.render

    if sampling.fast:
        side = sampling.resolution or render.resolution
        return Quality(side, FAST_SAMPLES, 0, generator.superres is not None, fast=True)

    def chosen(asked: int | None, own: int) -> int:
        return own if asked is None else asked

    return Quality(
        chosen(sampling.resolution, render.resolution),
        chosen(sampling.depth_samples, render.depth_samples),
        chosen(sampling.importance_samples, render.importance_samples),
        generator.superres is not None,
    )


def rays_per_slice(generator: Generator, quality: Quality, device_type: str) -> int:
    """Rays of one slice. Depends on settings only, so that no pixel depends on the machine's speed."""
    samples = quality.depth_samples + quality.importance_samples
    allowed = _SLICE_MULTIPLICATIONS * (1 if device_type == "cpu" else _CUDA_FACTOR)
    allowed *= _FAST_FACTOR if quality.fast else 1
    return max(_SMALLEST_SLICE, int(allowed / (samples * multiplications_per_point(generator.config))))


def march(
    network: Generator | FastGenerator,
    field: Tensor | FastField,
    optics: Optics,
    quality: Quality,
    check: Callable[[], None],
    lanes: int | None = None,
) -> RawFrame:
    """Volume-render a latent.

    Parameters
    ----------
    network : Generator or FastGenerator
        Whose field it is; the second for the fast renderer.
    field : FastField, or Tensor [1, 3, C, R, R]
        The tri-planes, as that one reads them.
    optics : Optics
        The camera.
    quality : Quality
        Resolution and samples.
    check : callable
        Called before every slice; may raise to end the work.
    lanes : int, optional
        Threads that share a slice of the fast renderer's.
    """
    intrinsics = intrinsics_from_focal(optics.focal)
    generator = network.generator if isinstance(network, FastGenerator) else network
    device = generator.device
    cam2world = optics.matrix().to(device)
    origins, directions = camera_rays(cam2world, intrinsics, quality.resolution)
    if optics.depth_shift:
        origins = origins + optics.depth_shift * directions
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    step = rays_per_slice(generator, quality, device.type)
    for first in range(0, origins.shape[1], step):
        check()
        rays = slice(first, first + step)
        if isinstance(network, FastGenerator):
            assert isinstance(field, FastField)
            parts.append(network.render_rays(field, origins[0, rays], directions[0, rays], lanes=lanes))
            continue
        assert isinstance(field, Tensor)
        seen = generator.render_rays(
            field,
            origins[:, rays],
            directions[:, rays],
            depth_samples=quality.depth_samples,
            importance_samples=quality.importance_samples,
        )
        parts.append((seen[0][0], seen[1][0], seen[2][0]))
    colour, depth, opacity = (torch.cat(pieces) for pieces in zip(*parts, strict=True))
    depth = depth + optics.depth_shift if optics.depth_shift else depth
    return RawFrame.of_rays(colour, depth, opacity, quality.resolution)
