"""StyleGAN2 blocks for one latent: :mod:`pof3d.nets.styled` with features and images going through.

* 3×3 convolutions of large images go through Winograd's algorithm (:mod:`pof3d.nets.kernels`), together with
  what follows, once that is compiled.
* Lanes share rows of large images and channels of small ones.

For inference: no gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pof3d.compiling import BLOCK
from pof3d.lanes import bounds, share, spread
from pof3d.memory import Workspace, space, workspace
from pof3d.nets.layers import fir_kernel
from pof3d.nets.styled import StyledBlock, StyledLayer, kernel_arguments, winograd_shape, winograd_weights

if TYPE_CHECKING:
    from pof3d.compiling import NetworkKernels

_SHARED_FROM = 256
"""Channels of a small image from which on lanes share them."""
_ROWS_FROM = 64
"""Side of an image from which on lanes share its rows."""
_IMAGE_ROWS = 32
"""Of the image so far, doubled together; even."""
_LEAST_GROUP = 12
"""Tiles that a lane takes at a time, so few that they stay in the cache …"""
_WEIGHTS_FOR_A_TILE = 1 << 11
"""… but one for so many weights, all of which are read for every group."""
_WEIGHT_BYTES = 8 << 20
"""Of transformed weights, where they are not kept."""
_WORKING_BYTES = 8 << 20
"""Of the rows that one lane is at."""


@cache
def _fir() -> NDArray[np.float32]:
    """[4], the filter in one dimension, with gain 2."""
    return (fir_kernel().sum(0) * 2.0).numpy()


def run(
    blocks: Sequence[StyledBlock],
    x: Tensor,
    image: Tensor | None,
    *,
    lanes: int = 1,
    into: Tensor | None = None,
) -> Tensor:
    """Advance features and image through blocks.

    Parameters
    ----------
    blocks : sequence of StyledBlock
        Of growing resolution.
    x : Tensor [1, inputs, H, W]
        Features.
    image : Tensor [1, image_channels, H, W] or None
        The output so far.
    lanes : int
        Threads that may share the work.
    into : Tensor [groups, H, W, image_channels / groups], optional
        Where the last image is to go; its channels lie side by side.

    Returns
    -------
    Tensor [1, image_channels, H, W]
        The last image; with ``into`` that, as [groups, image_channels / groups, H, W].
    """
    x = x.to(blocks[0].rgb.weight.dtype)
    with workspace(_needed(blocks, x, lanes)) as memory:
        for block in blocks:
            for layer in block.convs:
                x = _tiles(x, layer, lanes, memory) if layer.kernels else _layer(x, layer, lanes)
            image = _image(block, x, image, lanes, into if block is blocks[-1] else None)
    assert image is not None
    return image


def _needed(blocks: Sequence[StyledBlock], x: Tensor, lanes: int) -> int:
    """Numbers of memory that the largest layer takes, with what it reads."""
    (inputs, height, width), most = x.shape[1:], 0
    for block in blocks:
        for layer in block.convs:
            if layer.kernels:
                plan = _plan(layer, height, width, lanes)
                most = max(most, space((height, width, inputs), *plan.shapes()))
            scale = 2 if layer.up else 1
            inputs, height, width = len(layer.bias), scale * height, scale * width
    return most


@dataclass(frozen=True)
class _Plan:
    """How Winograd's algorithm goes through a layer, and the memory that it takes."""

    tiles: int
    group: int
    """Tiles at a time."""
    at_once: int
    """Blocks of outputs, for which weights are transformed."""
    in_turns: bool
    """Whether there are others after these."""
    result: tuple[int, int, int]
    doubled: tuple[int, int, int]
    """Before the filter; nothing, where the size is kept."""
    values: tuple[int, int]
    """Of the transformed image, of a lane."""
    products: tuple[int, int]
    weights: tuple[int, int]
    lanes: int

    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of all."""
        return self.result, self.doubled, self.weights, *[self.values, self.products] * self.lanes


def _plan(layer: StyledLayer, height: int, width: int, lanes: int) -> _Plan:
    """Where all transformed weights are at hand, a few tiles go all the way to the result. Where they are too
    many, they are made some after others, and the image is transformed once for all of them.
    """
    kernels, (outputs, inputs) = layer.kernels, layer.weight.shape[:2]
    assert kernels is not None
    scale, tile, beyond = (2, kernels.DOUBLED_TILE, 1) if layer.up else (1, kernels.TILE, 0)
    tiles = -(-(height + beyond) // tile) * -(-(width + beyond) // tile)
    blocks, kept = outputs // BLOCK, layer.transformed is not None
    a_block = 4 * kernels.POINTS * inputs * BLOCK
    at_once = blocks if kept else min(blocks, max(1, _WEIGHT_BYTES // a_block))
    in_turns = at_once < blocks
    group = (
        -(-tiles // lanes)
        if in_turns
        else max(_LEAST_GROUP, inputs * outputs * scale**2 // _WEIGHTS_FOR_A_TILE)
    )
    group = -(-group // kernels.ROWS) * kernels.ROWS
    doubled = (2 * height + 3, 2 * width + 3, at_once * BLOCK) if layer.up else (0, 0, 0)
    weights = (0, 0) if kept else winograd_shape(layer, at_once)
    return _Plan(
        tiles,
        group,
        at_once,
        in_turns,
        result=(scale * height, scale * width, outputs),
        doubled=doubled,
        values=(kernels.POINTS, group * inputs + BLOCK),
        products=(kernels.POINTS, min(at_once, kernels.AT_ONCE) * group * BLOCK + BLOCK),
        weights=weights,
        lanes=lanes,
    )


def _tiles(x: Tensor, layer: StyledLayer, lanes: int, memory: Workspace) -> Tensor:
    """Convolution, noise, bias and activation by Winograd's algorithm. Lanes share tiles."""
    kernels, height, width = layer.kernels, *x.shape[2:]
    assert kernels is not None
    plan = _plan(layer, height, width, lanes)
    pixels = x[0].permute(1, 2, 0).contiguous().numpy()
    memory.turn()
    y, doubled = memory.take(*plan.result), memory.take(*plan.doubled)
    weights, kept = memory.take(*plan.weights), layer.transformed
    rooms = [(memory.take(*plan.values), memory.take(*plan.products)) for _ in range(lanes)]
    behind = (*(layer.prepared or kernel_arguments(layer)), y)

    def some_outputs(first: int, last: int, z: NDArray[np.float32]) -> None:
        weight = winograd_weights(layer, first, last, lanes, weights) if kept is None else kept

        def part(lane: int, a: int, b: int) -> None:
            image = (pixels, a, b, plan.group, first > 0, *rooms[lane], weight)
            if layer.up:
                kernels.double(*image, z)
            else:
                kernels.convolve(*image, first, *behind)

        if plan.in_turns:
            edges = [(i * plan.group, min((i + 1) * plan.group, plan.tiles)) for i in range(lanes)]
            share([lambda i=i, a=a, b=b: part(i, a, b) for i, (a, b) in enumerate(edges)])  # type: ignore[misc]
        else:
            spread(plan.tiles, lanes, part, unit=plan.group)
        if layer.up:
            spread(2 * height, lanes, lambda _, a, b: kernels.filter_rows(z, a, b, _fir(), first, *behind))

    blocks = len(layer.bias) // BLOCK
    for first in range(0, blocks, plan.at_once):
        last = min(first + plan.at_once, blocks)
        z = doubled
        if layer.up:
            z = z.reshape(-1)[: z.size // plan.at_once * (last - first)].reshape(*z.shape[:2], -1)
            z[[0, -1]] = z[:, [0, -1]] = 0.0
        some_outputs(first, last, z)
    return torch.from_numpy(y).permute(2, 0, 1)[None]


def _layer(x: Tensor, layer: StyledLayer, lanes: int) -> Tensor:
    """Convolution, noise, bias and activation. Lanes share channels of small images, rows of large ones."""
    if layer.before is not None:
        x = x * layer.before[:, None, None]
    outputs, (height, width) = len(layer.bias), x.shape[2:]
    if layer.up or height < _ROWS_FROM:
        if lanes == 1 or (outputs < _SHARED_FROM and height < _ROWS_FROM):
            return _whole(x, layer)

        def part(first: int, last: int) -> Tensor:
            weight = layer.weight[:, first:last] if layer.up else layer.weight[first:last]
            behind = None if layer.behind is None else layer.behind[first:last]
            return _whole(x, replace(layer, weight=weight, bias=layer.bias[first:last], behind=behind))

        shares = bounds(outputs, min(lanes, outputs))
        return torch.cat(share([lambda a=a, b=b: part(a, b) for a, b in shares]), dim=1)  # type: ignore[misc]
    y = x.new_empty(1, outputs, height, width)
    once = max(1, _WORKING_BYTES // (4 * width * (x.shape[1] + outputs)))

    def rows(first: int, last: int) -> None:
        for a in range(first, last, once):
            b, above = min(a + once, last), max(a - 1, 0)
            seen = F.conv2d(x[:, :, above : b + 1], layer.weight, padding=1)[:, :, a - above : b - above]
            noise = None if layer.noise is None else layer.noise[a:b]
            y[:, :, a:b] = _activated(seen, layer, noise)

    share([lambda a=a, b=b: rows(a, b) for a, b in bounds(height, lanes)])  # type: ignore[misc]
    return y


def _whole(x: Tensor, layer: StyledLayer) -> Tensor:
    if not layer.up:
        return _activated(F.conv2d(x, layer.weight, padding=1), layer, layer.noise)
    y = F.conv_transpose2d(x, layer.weight, stride=2)
    kernel = (fir_kernel().to(y) * 4.0).expand(y.shape[1], 1, 4, 4)
    return _activated(F.conv2d(y, kernel, padding=1, groups=y.shape[1]), layer, layer.noise)


def _activated(y: Tensor, layer: StyledLayer, noise: Tensor | None) -> Tensor:
    """[1, outputs, H, W], which is overwritten, with its noise, to the result."""
    if layer.behind is not None:
        y *= layer.behind[:, None, None]
    y += layer.bias[:, None, None]
    if noise is not None:
        y += noise
    F.leaky_relu_(y, 0.2)
    return y if layer.clamp is None else y.clamp_(-layer.clamp, layer.clamp)


def _image(block: StyledBlock, x: Tensor, image: Tensor | None, lanes: int, into: Tensor | None) -> Tensor:
    """The image so far, doubled where the block does so, and the block's own on top. See :func:`run`."""
    inputs, height, width = x.shape[1:]
    rgb = block.rgb
    lanes = lanes if height >= _ROWS_FROM else 1
    if rgb.kernels is not None and width >= rgb.kernels.ROWS:
        return _added(rgb, rgb.kernels, x, image, lanes, into)
    weight, channels = rgb.weight.flatten(1), len(rgb.weight)
    if x.is_contiguous(memory_format=torch.channels_last):
        pixels = x.permute(0, 2, 3, 1).reshape(-1, inputs).t()
    else:
        pixels = x.contiguous().view(inputs, -1)
    out = x.new_empty(1, channels, height, width, dtype=torch.float32)
    flat = out.view(channels, -1)
    below = image if image is None or not block.up else F.pad(image, (1, 1, 1, 1))

    def some_rows(first: int, last: int) -> None:
        part = slice(first * width, last * width)
        flat[:, part] = weight @ pixels[:, part]
        own = out[:, :, first:last]
        own += rgb.bias[:, None, None]
        if rgb.clamp is not None:
            own.clamp_(-rgb.clamp, rgb.clamp)
        if below is not None:
            own += _doubled(below[:, :, first // 2 : last // 2 + 2]) if block.up else below[:, :, first:last]

    def rows(first: int, last: int) -> None:
        for start in range(first, last, _IMAGE_ROWS):
            some_rows(start, min(start + _IMAGE_ROWS, last))

    pairs = bounds(-(-height // 2), lanes)
    share([lambda a=a, b=b: rows(2 * a, min(2 * b, height)) for a, b in pairs])  # type: ignore[misc]
    if into is None:
        return out
    placed = into.permute(0, 3, 1, 2)
    return placed.copy_(out.view(placed.shape))


def _added(
    rgb: StyledLayer,
    kernels: NetworkKernels,
    x: Tensor,
    image: Tensor | None,
    lanes: int,
    into: Tensor | None,
) -> Tensor:
    """:func:`_image`, compiled. Lanes share rows."""
    height, width = x.shape[2:]
    channels = len(rgb.bias)
    pixels = x[0].permute(1, 2, 0).contiguous().numpy()
    bias, _, clamp, weight = rgb.prepared or kernel_arguments(rgb)
    below = x.new_empty(0, 0)
    if image is not None:
        below = image[0].to(x.dtype).permute(1, 2, 0).reshape(image.shape[2], -1).contiguous()
    y = x.new_empty(1, height, width, channels) if into is None else into
    reached = 1 + sum((size - 1) * stride for size, stride in zip(y.shape, y.stride(), strict=True))
    memory = y.as_strided((reached,), (1,)).numpy()
    given = (weight, bias, clamp, below.numpy(), memory, len(y), *y.stride()[:3])
    spread(height, lanes, lambda _lane, a, b: kernels.add_image(pixels, a, b, *given))
    return y.permute(0, 3, 1, 2)


def _doubled(padded: Tensor) -> Tensor:
    """What :func:`~pof3d.nets.layers.fir_upsample` gives: bilinear, but for zeros around the image."""
    return F.interpolate(padded, scale_factor=2, mode="bilinear")[:, :, 2:-2, 2:-2]
