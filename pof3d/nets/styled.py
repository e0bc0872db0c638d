"""StyleGAN2 blocks with a latent's style in their weights, for :mod:`pof3d.nets.inference`.

For one latent that is less work than to multiply styles into the activations, as :mod:`pof3d.nets.layers`
does; it is done once where only the camera moves, and nothing is left to do behind a convolution but its
activation. For inference: no gradients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d import compiling
from pof3d.compiling import BLOCK
from pof3d.lanes import spread
from pof3d.memory import aligned
from pof3d.nets.layers import (
    SQRT_2,
    ModulatedConv,
    NoiseSource,
    SynthesisBlock,
    SynthesisLayer,
)
from pof3d.nets.tiles import doubling_weight_transform, weight_transform

if TYPE_CHECKING:
    from pof3d.compiling import NetworkKernels

Arithmetic = Literal["float32", "winograd", "bfloat16"]
"""How 3×3 convolutions are computed: directly, by Winograd's algorithm, or with 8 bits of mantissa."""

_WINOGRAD_FROM = 32
"""Side of the image from which on Winograd's algorithm pays: below, weights cost more than pixels."""


@cache
def _has_bfloat16() -> bool:
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


@dataclass(frozen=True)
class StyledLayer:
    """A convolution or output layer with a latent's style.

    Where an activation follows, its gain √2 is in everything.
    """

    weight: Tensor
    """[outputs, inputs, k, k]; of one that doubles the size: [inputs, outputs, 3, 3]."""
    bias: Tensor
    """[outputs]"""
    up: bool
    """Whether it doubles the size."""
    clamp: float | None
    """Of the result."""
    noise: Tensor | None
    """[H, W]"""
    before: Tensor | None = None
    """[inputs], factors of the features; None: they are in the weights."""
    behind: Tensor | None = None
    """[outputs], factors of the result; None: they are in the weights."""
    kernels: NetworkKernels | None = None
    """What computes it. Weights of a 3×3 convolution are the module's own then, factors are there."""
    transformed: NDArray[np.float32] | None = None
    """Its weights, all of them, where they are kept."""
    prepared: tuple[Any, ...] | None = None
    """What kernels take of it, where it is kept."""


@dataclass(frozen=True)
class StyledBlock:
    """A :class:`~pof3d.nets.layers.SynthesisBlock` for one latent."""

    convs: tuple[StyledLayer, ...]
    rgb: StyledLayer
    up: bool
    """Whether it doubles the size."""


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
    keep : bool, optional
        Whether one latent is drawn often, so that transformed weights are worth their memory.
    """

    def __init__(
        self,
        blocks: Sequence[SynthesisBlock],
        resolutions: Sequence[int],
        arithmetic: Arithmetic | None = None,
        *,
        keep: bool = False,
    ) -> None:
        self._blocks = tuple(zip(blocks, resolutions, strict=True))
        self._asked = ("bfloat16" if _has_bfloat16() else "winograd") if arithmetic is None else arithmetic
        self._type = torch.bfloat16 if self._asked == "bfloat16" else torch.float32
        self._keep = keep
        self._energies: dict[ModulatedConv, Tensor] = {}
        self._rounded: dict[ModulatedConv, Tensor] = {}

    def arithmetic(self, *, wait: bool = False) -> Arithmetic:
        """What blocks are computed with from now on. ``wait``: until there will be nothing quicker."""
        if self._asked == "winograd" and self._kernels(wait=wait) is None:
            return "float32"
        return self._asked

    def _kernels(self, *, wait: bool = False) -> NetworkKernels | None:
        return compiling.network_kernels(wait=wait) if self._asked == "winograd" else None

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
        single = weight.dtype == torch.float32 and weight.shape[1] % BLOCK == 0
        kernels = self._kernels() if single else None
        rgb = StyledLayer(weight, block.torgb.bias, False, block.torgb.clamp, None, kernels=kernels)
        if self._keep and kernels is not None:
            rgb = replace(rgb, prepared=kernel_arguments(rgb))
        return StyledBlock(convs, rgb, block.up and not block.is_first)

    def _conv(self, layer: SynthesisLayer, w: Tensor, noise: Tensor | None, resolution: int) -> StyledLayer:
        style = layer.affine(w)[0]
        norm = (self._energy(layer) @ style.square() + 1e-8).rsqrt() * SQRT_2
        bias = (layer.bias * SQRT_2).to(self._type)
        noise = None if noise is None else noise.to(self._type)
        outputs, inputs = layer.weight.shape[:2]
        side = resolution // 2 if layer.up else resolution
        kernels = self._kernels()
        if kernels is not None and _suits(layer, side):
            made = StyledLayer(layer.weight, bias, layer.up, layer.clamp, noise, style, norm, kernels)
            if not self._keep:
                return made
            count = outputs // BLOCK
            room = aligned(*winograd_shape(made, count))
            transformed = winograd_weights(made, 0, count, 1, room)
            return replace(made, transformed=transformed, prepared=kernel_arguments(made))
        if inputs * outputs * 9 > (inputs + outputs) * side * side:  # more weights than pixels: leave them
            weight, before, behind = self._plain(layer), style.to(self._type), norm.to(self._type)
            weight = weight.transpose(0, 1) if layer.up else weight
            return StyledLayer(weight, bias, layer.up, layer.clamp, noise, before, behind)
        weight = layer.weight * (norm[:, None] * style)[:, :, None, None]
        weight = weight.transpose(0, 1) if layer.up else weight
        return StyledLayer(self._laid_out(weight), bias, layer.up, layer.clamp, noise)

    def _energy(self, layer: ModulatedConv) -> Tensor:
        """[outputs, inputs], sums of the squared weights: the same for all latents."""
        if layer not in self._energies:
            self._energies[layer] = torch.linalg.vector_norm(layer.weight, dim=(2, 3)).square_()
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
        shape = (1, 1, resolution, resolution)
        values = noise(shape).expand(shape)[0, 0].to(layer.weight.dtype)
    return values * (layer.noise_strength * SQRT_2)  # type: ignore[operator]


def kernel_arguments(layer: StyledLayer) -> tuple[Any, ...]:
    """Bias, noise and clamp as kernels take them; weights of a 1×1 convolution as [blocks, inputs, 16]."""
    noise = layer.bias.new_empty(0, 0) if layer.noise is None else layer.noise.contiguous()
    clamp = np.float32(np.inf if layer.clamp is None else layer.clamp)
    after = layer.bias.detach().numpy(), noise.detach().numpy(), clamp
    if layer.weight.shape[2] > 1:
        return after
    return *after, compiling.panels(layer.weight.detach().flatten(1).t().numpy())


def _suits(layer: SynthesisLayer, side: int) -> bool:
    """Whether Winograd's algorithm can and should compute it, given the side of what comes in."""
    outputs, inputs = layer.weight.shape[:2]
    in_blocks = inputs % BLOCK == outputs % BLOCK == 0
    return in_blocks and side >= _WINOGRAD_FROM and layer.weight.dtype == torch.float32


def winograd_shape(layer: StyledLayer, blocks: int) -> tuple[int, int]:
    """Shape of :func:`winograd_weights` for so many blocks of outputs."""
    return len(_transform(layer)), blocks * layer.weight.shape[1] * BLOCK + BLOCK


def winograd_weights(
    layer: StyledLayer, first: int, last: int, lanes: int, into: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Weights of some blocks of outputs, as Winograd's algorithm reads them, in memory that has room."""
    assert layer.before is not None and layer.behind is not None and layer.kernels is not None
    kernels, transform, shape = layer.kernels, _transform(layer), winograd_shape(layer, last - first)
    values = into.reshape(-1)[: shape[0] * shape[1]].reshape(shape)
    given = [t.detach().numpy() for t in (layer.weight.flatten(2).contiguous(), layer.before, layer.behind)]

    def part(_lane: int, a: int, b: int) -> None:
        kernels.transform_weights(*given, transform, first + a, first + b, first, values)

    spread(last - first, lanes, part)
    return values


def _transform(layer: StyledLayer) -> NDArray[np.float32]:
    return doubling_weight_transform() if layer.up else weight_transform()
