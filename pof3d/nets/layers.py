"""Layers of StyleGAN2 (arXiv 1912.04958) in plain torch operations.

Weights are stored unscaled and multiplied by their He constant at run time (*equalised learning rate*,
Progressive GAN, arXiv 1710.10196). Leaky ReLU has slope 0.2 and gain √2, which keeps the variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SQRT_2 = math.sqrt(2.0)
NoiseMode = Literal["const", "none", "random"]
NoiseSource = NoiseMode | Callable[[tuple[int, ...]], Tensor]
"""Per-pixel noise: a mode, or a function from a shape [B, 1, H, W] to standard normal numbers."""


def leaky_relu(x: Tensor, gain: float = SQRT_2, clamp: float | None = None) -> Tensor:
    """Leaky ReLU (slope 0.2) times ``gain``, then clamped to ±``clamp``·``gain``/√2."""
    x = F.leaky_relu(x, 0.2) * gain
    return x if clamp is None else x.clamp(-clamp * gain / SQRT_2, clamp * gain / SQRT_2)


def normalize_second_moment(x: Tensor) -> Tensor:
    """x / √(mean(x²) + 1e-8) over the last axis."""
    return x * (x.square().mean(dim=-1, keepdim=True) + 1e-8).rsqrt()


class FullyConnected(nn.Module):
    """Equalised fully connected layer.

    The weight is stored as N(0, 1) / lr_multiplier and used × lr_multiplier / √fan_in; the bias is used
    × lr_multiplier.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        activate: bool = False,
        lr_multiplier: float = 1.0,
        bias_init: float = 0.0,
        weight_init: float = 1.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * (weight_init / lr_multiplier))
        self.bias = nn.Parameter(torch.full((outputs,), bias_init / lr_multiplier))
        self.activate = activate
        self.weight_gain = lr_multiplier / math.sqrt(inputs)
        self.bias_gain = lr_multiplier

    def scaled(self) -> tuple[Tensor, Tensor]:
        """Weight [outputs, inputs] and bias [outputs] as they are used."""
        return self.weight * self.weight_gain, self.bias * self.bias_gain

    def forward(self, x: Tensor) -> Tensor:
        """[..., inputs] → [..., outputs]."""
        y = F.linear(x, *self.scaled())
        return leaky_relu(y) if self.activate else y


def fir_kernel() -> Tensor:
    """The binomial filter [1, 3, 3, 1] as a 4×4 outer product of sum one."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = torch.outer(taps, taps)
    return kernel / kernel.sum()


def fir_filter(x: Tensor, kernel: Tensor, padding: int, gain: float = 1.0, stride: int = 1) -> Tensor:
    """Filter every channel of [B, C, H, W] with a [4, 4] kernel, zero padding on all sides."""
    channels = x.shape[1]
    weight = (kernel * gain).to(x.dtype).expand(channels, 1, 4, 4)
    return F.conv2d(x, weight, padding=padding, stride=stride, groups=channels)


def fir_upsample(x: Tensor, kernel: Tensor) -> Tensor:
    """Double the size of [B, C, H, W]: zeros in between, then the FIR filter with gain 4."""
    channels = x.shape[1]
    weight = (kernel * 4.0).to(x.dtype).expand(channels, 1, 4, 4)
    return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=channels)


class ModulatedConv(nn.Module):
    """Convolution whose input channels are scaled by a style, with optional demodulation (StyleGAN2 §2).

    Scaling activations instead of weights is the same arithmetic without a kernel per sample.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, w_dim: int, *, demodulate: bool = True, up: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.affine = FullyConnected(w_dim, inputs, bias_init=1.0)
        self.demodulate = demodulate
        self.up = up
        self.register_buffer("fir", fir_kernel(), persistent=False)

    def convolve(self, x: Tensor, w: Tensor) -> Tensor:
        """[B, inputs, H, W] and [B, w_dim] → [B, outputs, H', W'], before noise, bias and activation."""
        style = self.affine(w)
        weight = self.weight
        if self.demodulate:
            norm = (style.square() @ weight.square().sum(dim=(2, 3)).t() + 1e-8).rsqrt()
        else:
            style = style / math.sqrt(weight[0].numel())
            norm = None
        x = x * style[:, :, None, None]
        if self.up:
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            x = fir_filter(x, cast(Tensor, self.fir), padding=1, gain=4.0)
        else:
            x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        return x if norm is None else x * norm[:, :, None, None]


class SynthesisLayer(ModulatedConv):
    """3×3 modulated convolution, noise, bias, leaky ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        w_dim: int,
        resolution: int,
        *,
        up: bool = False,
        clamp: float | None = None,
    ) -> None:
        super().__init__(inputs, outputs, 3, w_dim, up=up)
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.clamp = clamp

    def forward(self, x: Tensor, w: Tensor, noise: NoiseSource) -> Tensor:
        """[B, inputs, H, W] → [B, outputs, resolution, resolution]."""
        x = self.convolve(x, w)
        if noise == "const":
            x = x + cast(Tensor, self.noise_const) * self.noise_strength
        elif noise == "random":
            x = x + torch.randn_like(x[:, :1]) * self.noise_strength
        elif callable(noise):
            x = x + noise((len(x), 1, *x.shape[2:])).to(x.dtype) * self.noise_strength
        return leaky_relu(x + self.bias[:, None, None], clamp=self.clamp)


class ToRGB(ModulatedConv):
    """1×1 modulated convolution to the output channels, without demodulation."""

    def __init__(self, inputs: int, outputs: int, w_dim: int, *, clamp: float | None = None) -> None:
        super().__init__(inputs, outputs, 1, w_dim, demodulate=False)
        self.clamp = clamp

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[B, inputs, H, W] → [B, outputs, H, W]."""
        y = self.convolve(x, w) + self.bias[:, None, None]
        return y if self.clamp is None else y.clamp(-self.clamp, self.clamp)


class SynthesisBlock(nn.Module):
    """One resolution of a StyleGAN2 synthesis network with a skip connection to the output.

    The first block (``inputs`` = 0) starts from a learned constant and has one convolution.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        w_dim: int,
        resolution: int,
        image_channels: int,
        *,
        up: bool = True,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.up = up
        if inputs == 0:
            self.const = nn.Parameter(torch.randn(outputs, resolution, resolution))
        else:
            self.conv0 = SynthesisLayer(inputs, outputs, w_dim, resolution, up=up, clamp=clamp)
        self.is_first = inputs == 0
        self.conv1 = SynthesisLayer(outputs, outputs, w_dim, resolution, clamp=clamp)
        self.torgb = ToRGB(outputs, image_channels, w_dim, clamp=clamp)
        self.register_buffer("fir", fir_kernel(), persistent=False)

    @property
    def num_convs(self) -> int:
        """Convolutions, each with a w of its own."""
        return 1 if self.is_first else 2

    def forward(
        self, x: Tensor | None, image: Tensor | None, ws: Tensor, noise: NoiseSource
    ) -> tuple[Tensor, Tensor]:
        """Advance features and image by one resolution.

        Parameters
        ----------
        x : Tensor [B, inputs, H, W] or None
            Features; None for the first block.
        image : Tensor [B, image_channels, H, W] or None
            The output so far.
        ws : Tensor [B, num_convs + 1, w_dim]
            Latents of the convolutions and of the output layer.
        noise : "const", "none", "random" or a function
            Where per-pixel noise comes from.
        """
        if self.is_first:
            x = self.const.expand(ws.shape[0], -1, -1, -1)
        else:
            assert x is not None
            x = self.conv0(x, ws[:, 0], noise)
        x = self.conv1(x, ws[:, self.num_convs - 1], noise)
        rgb = self.torgb(x, ws[:, self.num_convs])
        if image is not None:
            rgb = rgb + (fir_upsample(image, cast(Tensor, self.fir)) if self.up else image)
        return x, rgb


class Conv(nn.Module):
    """Equalised convolution of the discriminator, optionally halving the size with the FIR filter."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        bias: bool = True,
        activate: bool = True,
        down: bool = False,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.weight_gain = 1.0 / math.sqrt(inputs * kernel * kernel)
        self.activate = activate
        self.down = down
        self.clamp = clamp
        self.register_buffer("fir", fir_kernel(), persistent=False)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """[B, inputs, H, W] → [B, outputs, H', W'], times ``gain``."""
        weight = self.weight * self.weight_gain
        pad = weight.shape[-1] // 2
        fir = cast(Tensor, self.fir)
        if self.down and pad == 0:
            y = F.conv2d(fir_filter(x, fir, padding=1, stride=2), weight, self.bias)
        elif self.down:
            y = F.conv2d(fir_filter(x, fir, padding=pad + 1), weight, self.bias, stride=2)
        else:
            y = F.conv2d(x, weight, self.bias, padding=pad)
        if self.activate:
            return leaky_relu(y, SQRT_2 * gain, self.clamp)
        return y * gain if gain != 1.0 else y
