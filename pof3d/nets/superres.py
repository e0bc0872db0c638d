"""Super-resolution of the rendered feature image (EG3D §4.2)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pof3d.config import GeneratorConfig
from pof3d.nets.layers import SynthesisBlock


class SuperResolution(nn.Module):
    """Two StyleGAN2 blocks fed by the last w, without noise; the RGB skip starts from the raw image."""

    activation_clamp = 256.0

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.input_resolution = config.superres.input_resolution
        first, second = config.superres.widths
        resolution = self.input_resolution
        clamp = self.activation_clamp
        up = config.superres.kind == "8x"
        resolution *= 2 if up else 1
        self.block0 = SynthesisBlock(
            config.feature_channels, first, config.w_dim, resolution, 3, up=up, clamp=clamp
        )
        self.block1 = SynthesisBlock(first, second, config.w_dim, 2 * resolution, 3, clamp=clamp)

    def forward(self, features: Tensor, raw: Tensor, w: Tensor) -> Tensor:
        """Image from features.

        Parameters
        ----------
        features : Tensor [B, feature_channels, R, R]
            Volume-rendered features, −1…1.
        raw : Tensor [B, 3, R, R]
            Their first three channels.
        w : Tensor [B, w_dim]
            The last layer's latent.

        Returns
        -------
        Tensor [B, 3, S, S]
            S = 2 × input_resolution (``8x``: 4 ×); about −1…1.
        """
        ws = w[:, None].expand(-1, 3, -1)
        features, raw = self.resized(features, raw)
        x, image = self.block0(features, raw, ws, "none")
        _, image = self.block1(x, image, ws, "none")
        return image

    def resized(self, *images: Tensor) -> tuple[Tensor, ...]:
        """Images [B, C, R, R] of the size that the first block takes."""
        side = self.input_resolution

        def resize(image: Tensor) -> Tensor:
            # Where an image grows, antialiasing changes nothing, but takes its time on the CPU.
            antialias = image.shape[-1] > side or image.device.type != "cpu"
            return F.interpolate(image, (side, side), mode="bilinear", antialias=antialias)

        return tuple(image if image.shape[-2:] == (side, side) else resize(image) for image in images)
