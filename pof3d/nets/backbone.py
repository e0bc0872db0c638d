"""The StyleGAN2 synthesis network that paints the tri-planes (EG3D, arXiv 2112.07945 §4.1)."""

from __future__ import annotations

from torch import Tensor, nn

from pof3d.config import GeneratorConfig
from pof3d.nets.layers import NoiseSource, SynthesisBlock


def block_resolutions(resolution: int) -> list[int]:
    """4, 8, … up to ``resolution``, a power of two."""
    if resolution < 4 or resolution & (resolution - 1):
        raise ValueError(f"resolution must be a power of two of at least 4, not {resolution}")
    return [1 << i for i in range(2, resolution.bit_length())]


class Backbone(nn.Module):
    """w → 3 planes × ``plane_channels``."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.resolutions = block_resolutions(config.plane_resolution)
        self.plane_channels = config.plane_channels
        inputs = 0
        for resolution in self.resolutions:
            outputs = min(config.channel_base // resolution, config.channel_max)
            block = SynthesisBlock(
                inputs,
                outputs,
                config.w_dim,
                resolution,
                3 * config.plane_channels,
                clamp=config.activation_clamp,
            )
            self.add_module(f"b{resolution}", block)
            inputs = outputs

    @property
    def num_ws(self) -> int:
        """Latents used: one a convolution, and one for the last output layer."""
        return 2 * len(self.resolutions)

    def forward(self, ws: Tensor, noise: NoiseSource = "const") -> Tensor:
        """[B, num_ws, w_dim] → planes [B, 3, plane_channels, R, R].

        An output layer uses the w of the next block's first convolution.
        """
        x = image = None
        first = 0
        for resolution in self.resolutions:
            block = self.get_submodule(f"b{resolution}")
            assert isinstance(block, SynthesisBlock)
            x, image = block(x, image, ws[:, first : first + block.num_convs + 1], noise)
            first += block.num_convs
        assert image is not None
        return image.view(image.shape[0], 3, self.plane_channels, *image.shape[-2:])
