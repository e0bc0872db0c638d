"""StyleGAN2 blocks for one latent: :mod:`pof3d.nets.styled` with features and images going through.

* 3×3 convolutions of large images go through Winograd's algorithm (:mod:`pof3d.nets.kernels`), together with
  what follows, once that is compiled.
* Lanes share rows of large images and channels of small ones.

For inference: no gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d.compiling import ROWS
from pof3d.lanes import bounds, share, spread
from pof3d.memory import space, workspace
from pof3d.nets.layers import fir_kernel
from pof3d.nets.styled import StyledBlock, StyledLayer, kernel_arguments
from pof3d.nets.tiled import convolved, plan

if TYPE_CHECKING:
    from pof3d.compiling import NetworkKernels

_SHARED_FROM = 256
"""Channels of a small image from which on lanes share them."""
_ROWS_FROM = 64
"""Side of an image from which on lanes share its rows."""
_IMAGE_ROWS = 32
"""Of the image so far, doubled together; even."""
_WORKING_BYTES = 8 << 20
"""Of the rows that one lane is at."""


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
                x = convolved(x, layer, lanes, memory) if layer.kernels else _layer(x, layer, lanes)
            image = _image(block, x, image, lanes, into if block is blocks[-1] else None)
    assert image is not None
    return image


def _needed(blocks: Sequence[StyledBlock], x: Tensor, lanes: int) -> int:
    """Numbers of memory that the largest layer takes, with what it reads."""
    (inputs, height, width), most = x.shape[1:], 0
    for block in blocks:
        for layer in block.convs:
            if layer.kernels:
                shapes = plan(layer, height, width, lanes).shapes()
                most = max(most, space((height, width, inputs), *shapes))
            scale = 2 if layer.up else 1
            inputs, height, width = len(layer.bias), scale * height, scale * width
    return most


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
    few = layer.before is not None and layer.weight.dtype == torch.float32
    y = _by_taps(x, layer.weight) if few else F.conv_transpose2d(x, layer.weight, stride=2)
    kernel = (fir_kernel().to(y) * 4.0).expand(y.shape[1], 1, 4, 4)
    return _activated(F.conv2d(y, kernel, padding=1, groups=y.shape[1]), layer, layer.noise)


def _by_taps(x: Tensor, weight: Tensor) -> Tensor:
    """A transposed convolution of stride 2, for few pixels: weights are not copied as a whole."""
    (height, width), pixels = x.shape[2:], x[0].flatten(1)
    y = x.new_zeros(1, weight.shape[1], 2 * height + 1, 2 * width + 1)
    for i in range(3):
        for j in range(3):
            products = weight[:, :, i, j].t() @ pixels
            y[0, :, i : i + 2 * height : 2, j : j + 2 * width : 2] += products.view(-1, height, width)
    return y


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
    if rgb.kernels is not None and width >= ROWS:
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
