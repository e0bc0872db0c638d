"""StyleGAN2 blocks for one latent, with the arithmetic of :mod:`pof3d.nets.layers` in a quicker order.

* Styles are multiplied into the weights, not into the activations. For one latent that is less work, it is
  done once where only the camera moves, and nothing is left to do behind a convolution but its activation.
* 3×3 convolutions go through Winograd's algorithm (arXiv 1509.09308; NNPACK, which torch brings) or, on CPUs
  that compute with bfloat16, through that.
* A convolution that doubles the size, and the filter behind it, are one convolution to four images, the
  result's pixels with even and odd coordinates.
* Large images are computed a few rows at a time, which are still in the cache when they are activated.

For inference: no gradients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d.lanes import bounds, share
from pof3d.nets.layers import (
    SQRT_2,
    ModulatedConv,
    NoiseSource,
    SynthesisBlock,
    SynthesisLayer,
    fir_kernel,
)

Arithmetic = Literal["float32", "winograd", "bfloat16"]
"""How 3×3 convolutions are computed: directly, by Winograd's algorithm, or with 8 bits of mantissa."""

_WINOGRAD_FROM = 16
"""Side of the image from which on Winograd's algorithm pays: below, the weights cost more than the pixels."""
_FOLDED_UP_TO = 1 << 15
"""Inputs × outputs up to which the filter is folded into the weights: folding larger ones takes too long."""
_SHARED_FROM = 256
"""Channels of a small image from which on lanes share them."""
_ROWS_FROM = 64
"""Side of an image from which on lanes share its rows."""
_IMAGE_ROWS = 32
"""Of the image so far, doubled together; even."""
_TILE = 6
"""Pixels that Winograd's algorithm computes together, in a row."""
_WORKING_BYTES = 32 << 20
"""That it may hold of the rows that one lane is at; more where it would take along too many weights."""


@cache
def best_arithmetic() -> Arithmetic:
    """What this CPU is quickest with. It depends on the CPU alone, so there equal Views give equal pixels."""
    if torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported():
        return "bfloat16"
    # To ask is to initialise NNPACK: without that its convolutions fail.
    return "winograd" if torch._nnpack_available() else "float32"


@dataclass(frozen=True)
class _Layer:
    """A layer with a latent's style, and with the activation's gain √2 in everything."""

    weight: Tensor
    """[outputs, inputs, k, k]; unfolded of one that doubles the size: [inputs, outputs, 3, 3]."""
    bias: Tensor
    """[outputs]"""
    up: Literal["no", "folded", "unfolded"]
    clamp: float | None
    """Of the result."""
    noise: Tensor | None
    """[H, W]"""
    before: Tensor | None = None
    """[inputs], factors of the features; None: they are in the weights."""
    behind: Tensor | None = None
    """[outputs], factors of the result; None: they are in the weights."""


@dataclass(frozen=True)
class StyledBlock:
    """A :class:`~pof3d.nets.layers.SynthesisBlock` for one latent."""

    convs: tuple[_Layer, ...]
    rgb: _Layer
    up: bool
    """Whether it doubles the size."""
    winograd: bool


class Blocks:
    """Blocks of a synthesis network, to be given styles.

    Parameters
    ----------
    blocks : sequence of SynthesisBlock
        Not copied: they must stay as they are.
    resolutions : sequence of int
        Sides of their outputs.
    arithmetic : Arithmetic, optional
        The quickest on this CPU by default.
    """

    def __init__(
        self,
        blocks: Sequence[SynthesisBlock],
        resolutions: Sequence[int],
        arithmetic: Arithmetic | None = None,
    ) -> None:
        self._blocks = tuple(zip(blocks, resolutions, strict=True))
        self._arithmetic = best_arithmetic() if arithmetic is None else arithmetic
        self._type = torch.bfloat16 if self._arithmetic == "bfloat16" else torch.float32
        self._energies: dict[ModulatedConv, Tensor] = {}
        self._rounded: dict[ModulatedConv, Tensor] = {}

    def styled(self, ws: Sequence[Tensor], noise: NoiseSource) -> tuple[StyledBlock, ...]:
        """The blocks for a latent.

        Parameters
        ----------
        ws : sequence of Tensor [1, num_convs + 1, w_dim]
            For every block, the latents of its convolutions and of its output layer.
        noise : "const", "none" or a function
            Random noise differs from call to call: it is the module's own matter.
        """
        return tuple(
            self._block(block, resolution, w, noise)
            for (block, resolution), w in zip(self._blocks, ws, strict=True)
        )

    def _block(self, block: SynthesisBlock, resolution: int, ws: Tensor, noise: NoiseSource) -> StyledBlock:
        layers = (block.conv1,) if block.is_first else (block.conv0, block.conv1)
        convs = tuple(
            self._conv(layer, ws[:, i], _grain(layer, noise, resolution), resolution)
            for i, layer in enumerate(layers)
        )
        style = block.torgb.affine(ws[:, len(layers)])[0] / math.sqrt(block.torgb.weight[0].numel())
        weight = (block.torgb.weight * style[:, None, None]).to(self._type)
        rgb = _Layer(weight, block.torgb.bias, "no", block.torgb.clamp, None)
        return StyledBlock(convs, rgb, block.up and not block.is_first, self._arithmetic == "winograd")

    def _conv(self, layer: SynthesisLayer, w: Tensor, noise: Tensor | None, resolution: int) -> _Layer:
        style = layer.affine(w)[0]
        norm = (self._energy(layer) @ style.square() + 1e-8).rsqrt() * SQRT_2
        bias = (layer.bias * SQRT_2).to(self._type)
        noise = None if noise is None else noise.to(self._type)
        outputs, inputs = layer.weight.shape[:2]
        side = resolution // 2 if layer.up else resolution
        if inputs * outputs * 9 > (inputs + outputs) * side * side:  # more weights than pixels: leave them
            weight, before, behind = self._plain(layer), style.to(self._type), norm.to(self._type)
            if layer.up:
                return _Layer(weight.transpose(0, 1), bias, "unfolded", layer.clamp, noise, before, behind)
            return _Layer(weight, bias, "no", layer.clamp, noise, before, behind)
        weight = layer.weight * (norm[:, None] * style)[:, :, None, None]
        up: Literal["no", "folded", "unfolded"] = "no"
        if layer.up:
            up = "folded" if inputs * outputs <= _FOLDED_UP_TO else "unfolded"
            weight = _folded(weight) if up == "folded" else weight.transpose(0, 1)
        return _Layer(self._laid_out(weight), bias, up, layer.clamp, noise)

    def _energy(self, layer: ModulatedConv) -> Tensor:
        """[outputs, inputs], sums of the squared weights: the same for all latents."""
        if layer not in self._energies:
            self._energies[layer] = layer.weight.square().sum(dim=(2, 3))
        return self._energies[layer]

    def _plain(self, layer: ModulatedConv) -> Tensor:
        if self._type == layer.weight.dtype:
            return layer.weight
        if layer not in self._rounded:
            self._rounded[layer] = self._laid_out(layer.weight)
        return self._rounded[layer]

    def _laid_out(self, weight: Tensor) -> Tensor:
        if self._type == torch.bfloat16:
            return weight.to(self._type, memory_format=torch.channels_last)
        return weight.contiguous()


def _grain(layer: SynthesisLayer, noise: NoiseSource, resolution: int) -> Tensor | None:
    if noise == "none":
        return None
    if noise == "const":
        values = layer.noise_const
    else:
        assert callable(noise), "random noise is not prepared: it differs from call to call"
        values = noise((1, 1, resolution, resolution))[0, 0].to(layer.weight.dtype)
    return values * (layer.noise_strength * SQRT_2)  # type: ignore[operator]


def _folded(weight: Tensor) -> Tensor:
    """[O, I, 3, 3] of a transposed convolution → [4·O, I, 3, 3] of a convolution to the four phases.

    The transposed convolution and its filter are one of [6, 6], of which every pixel of the result meets
    every second row and column: those of its phase.
    """
    outputs, inputs = weight.shape[:2]
    kernel = (fir_kernel().to(weight) * 4.0)[None, None]
    # Row y of the result is Σ_k both[k] · input[(y + 2 − k) / 2], where both is the transposed convolution's
    # kernel widened by the symmetric filter, and a convolution reads input[y // 2 + t − 1]: of the phase p
    # that is k = p + 4 − 2 t. Turned round, so that indices rise with t, it is every second row from 1 − p.
    both = F.conv2d(weight.flip(2, 3).reshape(-1, 1, 3, 3), kernel, padding=3)
    both = both.view(outputs, inputs, 6, 6)
    return torch.cat([both[:, :, 1 - a :: 2, 1 - b :: 2] for a in (0, 1) for b in (0, 1)])


def run(
    blocks: Sequence[StyledBlock], x: Tensor, image: Tensor | None, *, lanes: int = 1
) -> tuple[Tensor, Tensor]:
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

    Returns
    -------
    x, image
        Of the last block.
    """
    x = x.to(blocks[0].rgb.weight.dtype)
    for block in blocks:
        for layer in block.convs:
            x = _layer(x, layer, block.winograd, lanes)
        image = _image(block, x, image, lanes)
    assert image is not None
    return x, image


def _layer(x: Tensor, layer: _Layer, winograd: bool, lanes: int) -> Tensor:
    """Convolution, noise, bias and activation. Lanes share channels of small images, rows of large ones."""
    if layer.before is not None:
        x = x * layer.before[:, None, None]
    outputs = len(layer.bias)
    if layer.up == "unfolded" or x.shape[2] < _ROWS_FROM:
        if lanes == 1 or outputs < _SHARED_FROM or layer.up == "folded":
            return _whole(x, layer, winograd)

        def part(first: int, last: int) -> Tensor:
            weight = layer.weight[:, first:last] if layer.up == "unfolded" else layer.weight[first:last]
            behind = None if layer.behind is None else layer.behind[first:last]
            own = replace(layer, weight=weight, bias=layer.bias[first:last], behind=behind)
            return _whole(x, own, winograd)

        shares = bounds(outputs, lanes)
        return torch.cat(share([lambda a=a, b=b: part(a, b) for a, b in shares]), dim=1)  # type: ignore[misc]
    height, width = x.shape[2:]
    scale = 1 if layer.up == "no" else 2
    y = x.new_empty(1, outputs, scale * height, scale * width)
    once = _rows_at_once(layer, width)

    def rows(first: int, last: int) -> None:
        for start in range(first, last, once):
            _some_rows(x, layer, winograd, start, min(start + once, last), y)

    share([lambda a=a, b=b: rows(a, b) for a, b in bounds(height, lanes)])  # type: ignore[misc]
    return y


def _rows_at_once(layer: _Layer, width: int) -> int:
    """So few that what Winograd's algorithm holds of them (8² numbers for a tile) stays in bounds, but so
    many that transforming them takes longer than transforming the weights, which is done every time.
    """
    outputs, inputs = layer.weight.shape[:2]
    tiles = max(
        _WORKING_BYTES // (8 * 8 * 4 * (inputs + outputs)), 2 * inputs * outputs // (inputs + outputs)
    )
    return _TILE * max(1, tiles // -(-width // _TILE)) - 2  # with the two beside them, whole tiles


def _some_rows(x: Tensor, layer: _Layer, winograd: bool, first: int, last: int, y: Tensor) -> None:
    """The rows of y that come from rows ``first`` … ``last`` of x."""
    low = max(first - 1, 0)
    seen = _convolved(x[:, :, low : last + 1], layer.weight, winograd)[0, :, first - low : last - low]
    if layer.up == "no":
        noise = None if layer.noise is None else layer.noise[first:last]
        _activate(seen, layer, noise, y[0, :, first:last])
        return
    # All as [2, 2, outputs, rows, width]: first the phases of rows and of columns.
    outputs, height, width = y.shape[1:]
    into = y.view(outputs, height // 2, 2, width // 2, 2)[:, first:last].permute(2, 4, 0, 1, 3)
    noise = None
    if layer.noise is not None:
        phases = layer.noise.view(height // 2, 2, width // 2, 2)[first:last]
        noise = phases.permute(1, 3, 0, 2)[:, :, None]
    _activate(seen.unflatten(0, (2, 2, outputs)), layer, noise, into)


def _whole(x: Tensor, layer: _Layer, winograd: bool) -> Tensor:
    if layer.up == "folded":
        y = x.new_empty(1, len(layer.bias), 2 * x.shape[2], 2 * x.shape[3])
        _some_rows(x, layer, winograd, 0, x.shape[2], y)
        return y
    if layer.up == "no":
        y = _convolved(x, layer.weight, winograd)
    else:
        y = F.conv_transpose2d(x, layer.weight, stride=2)
        kernel = (fir_kernel().to(y) * 4.0).expand(y.shape[1], 1, 4, 4)
        y = F.conv2d(y, kernel, padding=1, groups=y.shape[1])
    _activate(y, layer, layer.noise, y)
    return y


def _activate(y: Tensor, layer: _Layer, noise: Tensor | None, into: Tensor) -> None:
    """[..., outputs, H, W], which is overwritten, and its noise, to the result."""
    if layer.behind is not None:
        y *= layer.behind[:, None, None]
    y += layer.bias[:, None, None]
    if noise is not None:
        y += noise
    F.leaky_relu_(y, 0.2)
    if layer.clamp is not None:
        y.clamp_(-layer.clamp, layer.clamp)
    if into is not y:
        into.copy_(y)


def _convolved(x: Tensor, weight: Tensor, winograd: bool) -> Tensor:
    if winograd and x.shape[3] >= _WINOGRAD_FROM:
        return torch._nnpack_spatial_convolution(x.contiguous(), weight.contiguous(), None, padding=[1, 1])
    return F.conv2d(x, weight, padding=1)


def _image(block: StyledBlock, x: Tensor, image: Tensor | None, lanes: int) -> Tensor:
    """The image so far, doubled, and the block's own on top."""
    inputs, height, width = x.shape[1:]
    weight, pixels = block.rgb.weight.flatten(1), x.contiguous().view(inputs, -1)
    out = x.new_empty(1, len(weight), height, width, dtype=torch.float32)
    flat = out.view(len(weight), -1)
    below = image if image is None or not block.up else F.pad(image, (1, 1, 1, 1))

    def some_rows(first: int, last: int) -> None:
        part = slice(first * width, last * width)
        flat[:, part] = weight @ pixels[:, part]
        own = out[:, :, first:last]
        own += block.rgb.bias[:, None, None]
        if block.rgb.clamp is not None:
            own.clamp_(-block.rgb.clamp, block.rgb.clamp)
        if below is not None:
            own += _doubled(below[:, :, first // 2 : last // 2 + 2]) if block.up else below[:, :, first:last]

    def rows(first: int, last: int) -> None:
        for start in range(first, last, _IMAGE_ROWS):
            some_rows(start, min(start + _IMAGE_ROWS, last))

    pairs = bounds(height // 2, lanes if height >= _ROWS_FROM else 1)
    share([lambda a=a, b=b: rows(2 * a, 2 * b) for a, b in pairs])  # type: ignore[misc]
    return out


def _doubled(padded: Tensor) -> Tensor:
    """What :func:`~pof3d.nets.layers.fir_upsample` gives: bilinear, but for zeros around the image."""
    return F.interpolate(padded, scale_factor=2, mode="bilinear")[:, :, 2:-2, 2:-2]
