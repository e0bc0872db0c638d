"""Mapping network z → w and the pose learner (StyleGAN2; PoF3D §3.2)."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from pof3d.config import GeneratorConfig
from pof3d.nets.layers import FullyConnected, normalize_second_moment

_V_RANGE = (1e-5, math.pi - 1e-5)


class Mapping(nn.Module):
    """Maps latents and predicts the pose from the untruncated w."""

    w_avg_decay = 0.998

    def __init__(self, config: GeneratorConfig, num_ws: int) -> None:
        super().__init__()
        self.num_ws = num_ws
        self.z_dim = config.z_dim
        self.num_layers = config.mapping_layers
        width = config.z_dim
        for i in range(config.mapping_layers):
            layer = FullyConnected(
                width, config.w_dim, activate=True, lr_multiplier=config.mapping_lr_multiplier
            )
            self.add_module(f"fc{i}", layer)
            width = config.w_dim
        lr = config.pose_lr_multiplier
        self.has_pose_hidden = config.pose_head == "mlp"
        if self.has_pose_hidden:
            self.pose_hidden = FullyConnected(config.w_dim, config.w_dim, activate=True, lr_multiplier=lr)
        self.pose_output = FullyConnected(config.w_dim, 2, lr_multiplier=lr)
        self.camera = config.camera
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def map_w(self, z: Tensor) -> Tensor:
        """[B, z_dim] → untruncated w [B, w_dim]."""
        x = normalize_second_moment(z.float())
        for i in range(self.num_layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x

    def predict_pose(self, w: Tensor) -> Tensor:
        """Untruncated w [B, w_dim] → pose [B, 2] = (h, v), clamped where the camera settings say so."""
        hidden = self.pose_hidden(w) if self.has_pose_hidden else w
        h, v = self.pose_output(hidden).unbind(dim=-1)
        h = h + self.camera.h_mean
        v = v + math.pi / 2
        if self.camera.clamp_h is not None:
            h = h.clamp(*self.camera.clamp_h)
        if self.camera.clamp_v is not None:
            low, high = self.camera.clamp_v
            v = v.clamp(max(low, _V_RANGE[0]), min(high, _V_RANGE[1]))
        return torch.stack([h, v], dim=-1)

    def truncate(self, w: Tensor, psi: float = 1.0, cutoff: int | None = None) -> Tensor:
        """Repeat w for every layer and pull the first ``cutoff`` layers towards the mean.

        Parameters
        ----------
        w : Tensor [B, w_dim]
            Untruncated latents.
        psi : float
            w ← w_avg + ψ (w − w_avg). 1 leaves w as it is, 0 gives the mean.
        cutoff : int, optional
            Layers to truncate; all by default.

        Returns
        -------
        Tensor [B, num_ws, w_dim]
        """
        ws = w[:, None].repeat(1, self.num_ws, 1)
        if psi != 1.0:
            w_avg = cast(Tensor, self.w_avg)
            layers = slice(None, cutoff)
            ws[:, layers] = w_avg.lerp(ws[:, layers], psi)
        return ws

    @torch.no_grad()
    def update_w_avg(self, w: Tensor) -> None:
        """Move the running mean towards the batch [B, w_dim] (decay 0.998, once a step)."""
        w_avg = cast(Tensor, self.w_avg)
        w_avg.copy_(w.detach().mean(dim=0).lerp(w_avg, self.w_avg_decay))
