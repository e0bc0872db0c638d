"""Layers against independent formulas."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from pof3d.nets.discriminator import minibatch_stddev
from pof3d.nets.layers import (
    Conv,
    FullyConnected,
    ModulatedConv,
    fir_kernel,
    fir_upsample,
    normalize_second_moment,
)


def test_equalised_layer_is_independent_of_its_multiplier_at_first() -> None:
    # Stored N(0,1)/m and used × m/√n: the output's variance does not depend on m.
    torch.manual_seed(0)
    x = torch.randn(2000, 256)
    for multiplier in (1.0, 0.01):
        out = FullyConnected(256, 64, lr_multiplier=multiplier)(x)
        assert abs(out.var().item() - 1.0) < 0.05


def test_second_moment_is_one() -> None:
    x = normalize_second_moment(torch.randn(4, 100, generator=torch.Generator().manual_seed(0)) * 7)
    torch.testing.assert_close(x.square().mean(dim=1), torch.ones(4))


def test_modulation_of_activations_equals_modulation_of_weights() -> None:
    torch.manual_seed(0)
    layer = ModulatedConv(5, 7, 3, 11)
    x, w = torch.randn(2, 5, 8, 8), torch.randn(2, 11)
    style = layer.affine(w)
    for i in range(2):
        weight = layer.weight * style[i][None, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        expected = F.conv2d(x[i : i + 1], weight, padding=1)
        torch.testing.assert_close(layer.convolve(x, w)[i : i + 1], expected, atol=1e-5, rtol=1e-4)


def test_upsampling_keeps_constants_and_means() -> None:
    constant = torch.full((1, 2, 6, 6), 3.0)
    up = fir_upsample(constant, fir_kernel())
    assert up.shape == (1, 2, 12, 12)
    torch.testing.assert_close(up[..., 2:-2, 2:-2], torch.full((1, 2, 8, 8), 3.0))
    image = torch.zeros(1, 1, 8, 8)
    image[..., 3, 4] = 1.0
    assert abs(fir_upsample(image, fir_kernel()).sum().item() - 4.0) < 1e-6


def test_upsampling_convolution_doubles_the_size_without_a_shift() -> None:
    # A kernel that only passes its centre leaves a pure upsampling: a symmetric input stays symmetric.
    layer = ModulatedConv(1, 1, 3, 4, demodulate=False, up=True)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 0, 1, 1] = math.sqrt(9)
        layer.affine.weight.zero_()
    x = torch.zeros(1, 1, 8, 8)
    x[..., 3:5, 3:5] = 1.0
    y = layer.convolve(x, torch.zeros(1, 4))
    assert y.shape == (1, 1, 16, 16)
    torch.testing.assert_close(y, y.flip(-1))
    torch.testing.assert_close(y, y.flip(-2))
    assert abs(y.sum().item() - 16.0) < 1e-4


def test_downsampling_shortcut_equals_filter_then_stride() -> None:
    torch.manual_seed(0)
    layer = Conv(3, 4, 1, bias=False, activate=False, down=True)
    x = torch.randn(2, 3, 8, 8)
    kernel = fir_kernel().expand(3, 1, 4, 4)
    filtered = F.conv2d(x, kernel, padding=1, groups=3)
    expected = F.conv2d(filtered, layer.weight / math.sqrt(3), stride=2)
    torch.testing.assert_close(layer(x), expected)


def test_minibatch_statistic_sees_the_batch() -> None:
    same = torch.ones(4, 2, 3, 3)
    assert minibatch_stddev(same, 4)[:, 2].max() < 1e-3
    spread = torch.stack([torch.full((2, 3, 3), float(i)) for i in range(4)])
    torch.testing.assert_close(minibatch_stddev(spread, 4)[:, 2], torch.full((4, 3, 3), math.sqrt(1.25)))
