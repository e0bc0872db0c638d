"""Mapping network z → w and the pose learner (StyleGAN2; PoF3D §3.2)."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from pof3d.cameras import cam2world_from_hv, camera_labels
from pof3d.config import LABEL_DIM, GeneratorConfig, fov_from_focal
from pof3d.nets.layers import FullyConnected, normalize_second_moment

_V_RANGE = (1e-5, math.pi - 1e-5)
POSE_TABLE_SIZE = 4096
"""Poses of the data set, as offsets from the front, that a network with the pose source ``labels`` keeps."""


class Mapping(nn.Module):
    """Maps latents and predicts the pose from the untruncated w."""

    w_avg_decay = 0.998

    def __init__(self, config: GeneratorConfig, num_ws: int) -> None:
        super().__init__()
        self.num_ws = num_ws
        self.z_dim = config.z_dim
        self.num_layers = config.mapping_layers
        width = config.z_dim
        self.source = config.pose_source
        self.label_scale = config.label_scale
        if self.is_conditioned:
            self.embed = FullyConnected(LABEL_DIM, config.w_dim)
            width += config.w_dim
        for i in range(config.mapping_layers):
            layer = FullyConnected(
                width, config.w_dim, activate=True, lr_multiplier=config.mapping_lr_multiplier
            )
            self.add_module(f"fc{i}", layer)
            width = config.w_dim
        lr = config.pose_lr_multiplier
        self.prior = config.pose_prior
        self.extra_middle = {
            "none": None,
            "radius": config.camera.radius,
            "fov": fov_from_focal(config.camera.focal),
        }[config.pose_extra]
        self.learns_pose = self.source in ("learned", "residual")
        self.has_pose_hidden = self.learns_pose and config.pose_head == "mlp"
        width = 2 if self.source == "residual" else config.w_dim
        if self.has_pose_hidden:
            self.pose_hidden = FullyConnected(width, config.w_dim, activate=True, lr_multiplier=lr)
            width = config.w_dim
        if self.learns_pose:
            # A correction starts at zero.
            self.pose_output = FullyConnected(
                width,
                2 if self.extra_middle is None else 3,
                lr_multiplier=lr,
                weight_init=0.0 if self.source == "residual" else 1.0,
            )
        if self.source == "labels":
            self.register_buffer("pose_table", torch.zeros(POSE_TABLE_SIZE, 2))
        self.camera = config.camera
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    @property
    def is_conditioned(self) -> bool:
        """Whether the content depends on a camera label (EG3D)."""
        return self.source == "conditioning"

    def front_pose(self) -> Tensor:
        """The pose (h, v) [1, 2] of the front view."""
        return torch.tensor([[self.camera.h_mean, math.pi / 2]])

    def label(self, pose: Tensor) -> Tensor:
        """Camera labels [B, 25] of poses (h, v) [B, 2] on the network's own sphere."""
        return camera_labels(
            cam2world_from_hv(pose, self.camera.radius, self.camera.pivot), self.camera.focal
        )

    def map_w(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """Latents, before truncation.

        Parameters
        ----------
        z : Tensor [B, z_dim]
            Standard normal.
        label : Tensor [B or 1, 25], optional
            Camera labels, for networks that are conditioned on them; by default that of the front view.

        Returns
        -------
        Tensor [B, w_dim]
        """
        x = normalize_second_moment(z.float())
        if self.is_conditioned:
            label = self.label(self.front_pose()) if label is None else label
            embedded = self.embed(label.to(x) * self.label_scale)
            x = torch.cat([x, normalize_second_moment(embedded).expand(len(x), -1)], dim=1)
        for i in range(self.num_layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x

    def predict_pose(self, w: Tensor, draw: Tensor | None = None) -> Tensor:
        """Poses of latents, clamped where the camera settings say so.

        Parameters
        ----------
        w : Tensor [B, w_dim]
            Untruncated latents. Only a learned pose depends on them.
        draw : Tensor [B, 2], optional
            Standard normal: which of a prior's poses. By default its middle; a learned pose needs none.

        Returns
        -------
        Tensor [B, 2]
            (h, v); [B, 3] from a network that also predicts the camera's distance (world units) or field of
            view (degrees). The front view from one that is conditioned on a camera.
        """
        if self.source == "learned":
            offsets = self._learned(w)
        elif self.is_conditioned or (draw is None and self.source == "labels"):
            offsets = w.new_zeros(len(w), 2)
        else:
            offsets = self._drawn(w.new_zeros(len(w), 2) if draw is None else draw)
        h = offsets[:, 0] + self.camera.h_mean
        v = offsets[:, 1] + math.pi / 2
        if self.camera.clamp_h is not None:
            h = h.clamp(*self.camera.clamp_h)
        if self.camera.clamp_v is not None:
            low, high = self.camera.clamp_v
            v = v.clamp(max(low, _V_RANGE[0]), min(high, _V_RANGE[1]))
        if self.extra_middle is None:
            return torch.stack([h, v], dim=-1)
        return torch.stack([h, v, offsets[:, 2] + self.extra_middle], dim=-1)

    def draw_for_poses(self, count: int, rng: torch.Generator | None = None) -> Tensor | None:
        """Random numbers [count, 2] for :meth:`predict_pose`; None where the latent alone decides."""
        if self.source == "learned" or self.is_conditioned:
            return None
        return torch.randn(count, 2, generator=rng)

    def _learned(self, x: Tensor) -> Tensor:
        output: Tensor = self.pose_output(self.pose_hidden(x) if self.has_pose_hidden else x)
        return output

    def _drawn(self, draw: Tensor) -> Tensor:
        """Offsets [B, 2] from the front for standard normal numbers [B, 2]."""
        if self.source == "labels":
            table = cast(Tensor, self.pose_table)
            return table[(torch.special.ndtr(draw[:, 0]) * len(table)).long().clamp(max=len(table) - 1)]
        middle, spread = draw.new_tensor(self.prior.mean), draw.new_tensor(self.prior.spread)
        if self.source == "uniform":
            return middle + spread * (2.0 * torch.special.ndtr(draw) - 1.0)
        offsets = middle + spread * draw
        return offsets + self._learned(draw) if self.source == "residual" else offsets

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
