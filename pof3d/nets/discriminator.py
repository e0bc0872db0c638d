"""The pose-aware dual discriminator (PoF3D §3.3; StyleGAN2, arXiv 1912.04958)."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pof3d.cameras import yaw_pitch_from_hv
from pof3d.config import CameraConfig, DiscriminatorConfig
from pof3d.nets.backbone import block_resolutions
from pof3d.nets.layers import Conv, FullyConnected, normalize_second_moment


class ScoredImage(Protocol):
    """What the discriminator looks at: a final image and the raw image under it, about −1…1."""

    @property
    def image(self) -> Tensor:
        """[B, 3, S, S]."""

    @property
    def raw(self) -> Tensor:
        """[B, 3, R, R]."""


class Verdict(NamedTuple):
    """What the discriminator thinks of a batch."""

    score: Tensor
    """[B, 1], positive for real."""
    pose: Tensor | None
    """[B, 2], predicted (h, v), [B, 3] where it predicts a third number; None from a discriminator that does
    not know of poses."""


def _resize(x: Tensor, size: int) -> Tensor:
    if x.shape[-1] == size:
        return x
    return F.interpolate(x, (size, size), mode="bilinear", antialias=True)


class DiscriminatorBlock(nn.Module):
    """Residual block that halves the size; the first one also reads the image."""

    def __init__(self, inputs: int, outputs: int, image_channels: int, clamp: float | None) -> None:
        super().__init__()
        self.fromrgb = Conv(image_channels, inputs, 1, clamp=clamp) if image_channels else None
        self.conv0 = Conv(inputs, inputs, 3, clamp=clamp)
        self.conv1 = Conv(inputs, outputs, 3, down=True, clamp=clamp)
        self.skip = Conv(inputs, outputs, 1, bias=False, activate=False, down=True)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] → [B, outputs, H/2, W/2]."""
        if self.fromrgb is not None:
            x = self.fromrgb(x)
        half = math.sqrt(0.5)
        skip = self.skip(x, gain=half)
        return self.conv1(self.conv0(x), gain=half) + skip


def minibatch_stddev(x: Tensor, group: int) -> Tensor:
    """Append the mean standard deviation over groups of samples as one more channel (arXiv 1710.10196 §3)."""
    batch, channels, height, width = x.shape
    size = min(group, batch)
    while batch % size:
        size -= 1
    y = x.reshape(size, -1, channels, height, width)
    y = (y - y.mean(dim=0)).square().mean(dim=0).add(1e-8).sqrt().mean(dim=(1, 2, 3))
    y = y.reshape(-1, 1, 1, 1).repeat(size, 1, height, width)
    return torch.cat([x, y], dim=1)


def _pose_numbers(config: DiscriminatorConfig) -> int:
    """Numbers that a pose is made of inside: (h or its direction, v, maybe distance or field of view)."""
    return 2 + config.circular_yaw + config.pose_extra


class PoseMapping(nn.Module):
    """Pose (h, v), or camera label → conditioning vector."""

    def __init__(self, width: int, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.circular_yaw = config.circular_yaw and not config.label_dim
        self.embed = FullyConnected(config.label_dim or _pose_numbers(config), width)
        self.num_layers = layers = config.pose_mapping_layers
        for i in range(layers):
            self.add_module(f"fc{i}", FullyConnected(width, width, activate=True, lr_multiplier=0.01))

    def forward(self, pose: Tensor) -> Tensor:
        """[B, 2, 3 or label_dim] → [B, width]."""
        if self.circular_yaw:
            h = pose[:, :1]
            pose = torch.cat([h.cos(), h.sin(), pose[:, 1:]], dim=1)
        x = normalize_second_moment(self.embed(pose))
        for i in range(self.num_layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x


class Epilogue(nn.Module):
    """The 4×4 end: score vector (or, unaware of poses, the score itself) and pose branch."""

    def __init__(self, channels: int, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.group = config.minibatch_group
        self.conv = Conv(channels + 1, channels, 3, clamp=config.activation_clamp)
        flat = channels * 16
        self.fc = FullyConnected(flat, channels, activate=True)
        conditional = config.pose_aware or config.label_dim > 0
        self.out = FullyConnected(channels, channels if conditional else 1)
        self.pose_aware = config.pose_aware
        if config.pose_aware:
            self.pose_hidden = None if config.linear_pose else FullyConnected(flat, flat // 2, activate=True)
            self.pose_output = FullyConnected(
                flat if config.linear_pose else flat // 2, _pose_numbers(config)
            )

    def forward(self, x: Tensor, group: int | None = None) -> tuple[Tensor, Tensor | None]:
        """[B, channels, 4, 4] → score vector [B, channels] and pose, or score [B, 1] and None.

        The pose is (h, v, …), or (cosine, sine of the offset from ``h_mean``, v, …) of any length.
        """
        flat = self.conv(minibatch_stddev(x, group or self.group)).flatten(1)
        vector = self.out(self.fc(flat))
        if not self.pose_aware:
            return vector, None
        return vector, self.pose_output(flat if self.pose_hidden is None else self.pose_hidden(flat))


class Discriminator(nn.Module):
    """Predicts the pose of an image and scores the image given that prediction."""

    def __init__(self, config: DiscriminatorConfig, camera: CameraConfig) -> None:
        super().__init__()
        self.config = config
        self.camera = camera
        self.resolutions = block_resolutions(config.resolution)[:0:-1]

        def width(resolution: int) -> int:
            return min(config.channel_base // resolution, config.channel_max)

        for i, resolution in enumerate(self.resolutions):
            block = DiscriminatorBlock(
                width(resolution), width(resolution // 2), 6 if i == 0 else 0, config.activation_clamp
            )
            self.add_module(f"b{resolution}", block)
        self.b4 = Epilogue(width(4), config)
        if config.pose_aware or config.label_dim > 0:
            self.pose_mapping = PoseMapping(width(4), config)

    def prepare(self, image: Tensor, raw: Tensor) -> Tensor:
        """Image ‖ raw image, both resized to the discriminator's size → [B, 6, S, S]."""
        size = self.config.resolution
        detail = self.config.detail_resolution

        def fit(x: Tensor) -> Tensor:
            if detail is not None and x.shape[-1] > detail:
                x = _resize(x, detail)
            return _resize(x, size)

        return torch.cat([fit(image), fit(raw)], dim=1)

    @property
    def pose_aware(self) -> bool:
        """Whether it predicts poses."""
        return self.config.pose_aware

    def look(self, x: Tensor, group: int | None = None) -> tuple[Tensor, Tensor | None]:
        """[B, 6, S, S] → unconditioned score vector [B, width] and pose [B, 2 or 3].

        One that does not predict poses gives None for the pose, and the score [B, 1] where it is not
        conditioned on labels either.

        ``group`` is that of the minibatch statistic; 1 looks at each image on its own.
        """
        for resolution in self.resolutions:
            x = self.get_submodule(f"b{resolution}")(x)
        return self.look_closely(x, group)

    def look_closely(self, x: Tensor, group: int | None = None) -> tuple[Tensor, Tensor | None]:
        """The end of :meth:`look`: from what the blocks make of the images [B, channels, 4, 4]."""
        vector, pose = self.b4(x, group)
        if pose is not None and self.config.circular_yaw:
            h = self.camera.h_mean + torch.atan2(pose[:, 1], pose[:, 0])
            pose = torch.cat([h[:, None], pose[:, 2:]], dim=1)
        return vector, pose

    def condition(self, vector: Tensor, pose: Tensor) -> Tensor:
        """Inner product of the score vector with the mapped pose or label, / √width → [B, 1]."""
        mapped = self.pose_mapping(pose)
        return (vector * mapped).sum(dim=1, keepdim=True) / math.sqrt(vector.shape[1])

    def forward(self, x: Tensor, pose: Tensor | None = None) -> Verdict:
        """Score a batch.

        Parameters
        ----------
        x : Tensor [B, 6, S, S]
            From :meth:`prepare`.
        pose : Tensor [B, 2], optional
            (h, v) to judge the images by; by default the own, detached prediction. One that is conditioned on
            camera labels [B, label_dim] needs them here.

        Raises
        ------
        ValueError
            When there is no label.
        """
        vector, predicted = self.look(x)
        if self.config.label_dim:
            if pose is None:
                raise ValueError("this discriminator judges images by camera labels")
            return Verdict(self.condition(vector, pose), predicted)
        if predicted is None:
            return Verdict(vector, None)
        return Verdict(self.condition(vector, predicted.detach() if pose is None else pose), predicted)

    @torch.no_grad()
    def predict_pose(self, frame: ScoredImage) -> Tensor:
        """Yaw and pitch [B, 2], radians, predicted from each image on its own.

        No image depends on the others through the minibatch statistic.

        Raises
        ------
        ValueError
            When it is not pose-aware.
        """
        _, hv = self.look(self.prepare(frame.image, frame.raw), group=1)
        if hv is None:
            raise ValueError("this discriminator does not predict poses")
        return yaw_pitch_from_hv(hv, self.camera.h_mean)
