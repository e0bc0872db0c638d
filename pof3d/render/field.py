"""The radiance field: tri-planes and the decoder behind them (EG3D §4.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pof3d.config import GeneratorConfig, PlaneAxes
from pof3d.nets.layers import FullyConnected

PLANE_AXES: dict[PlaneAxes, tuple[tuple[int, int], ...]] = {
    "xy_xz_zx": ((0, 1), (0, 2), (2, 0)),
    "xy_xz_zy": ((0, 1), (0, 2), (2, 1)),
}
"""The two coordinates that each plane is read with."""
OUTSIDE_DENSITY = -1e3
"""Raw density of points outside a confined box: softplus of it is zero."""


def sample_planes(planes: Tensor, points: Tensor, axes: PlaneAxes) -> Tensor:
    """Mean of the three planes' features at each point.

    Parameters
    ----------
    planes : Tensor [B, 3, C, R, R]
        Tri-planes.
    points : Tensor [B, P, 3]
        Positions in box coordinates, −1…1 inside.
    axes : "xy_xz_zx" or "xy_xz_zy"
        Which two coordinates each plane is read with.

    Returns
    -------
    Tensor [B, P, C]
        Bilinear, zero outside the planes.
    """
    batch, _, channels = planes.shape[:3]
    grids = torch.stack([points[..., list(pair)] for pair in PLANE_AXES[axes]], dim=1)
    features = F.grid_sample(
        planes.flatten(0, 1),
        grids.flatten(0, 1)[:, None],
        mode="bilinear",
        padding_mode="zeros",
        align_corners=False,
    )
    return features.view(batch, 3, channels, -1).mean(dim=1).transpose(1, 2)


class Decoder(nn.Module):
    """Features → raw density and colours."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        lr = config.decoder_lr_multiplier
        self.hidden = FullyConnected(config.plane_channels, config.decoder_hidden, lr_multiplier=lr)
        self.output = FullyConnected(config.decoder_hidden, 1 + config.feature_channels, lr_multiplier=lr)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """[..., C] → raw density [..., 1], colours [..., feature_channels] within −0.001…1.001."""
        x = self.output(F.softplus(self.hidden(features)))
        return x[..., :1], torch.sigmoid(x[..., 1:]) * 1.002 - 0.001

    def density(self, features: Tensor) -> Tensor:
        """[..., C] → raw density [..., 1] alone, for a good half of the work."""
        weight, bias = self.output.scaled()
        return F.linear(F.softplus(self.hidden(features)), weight[:1], bias[:1])
