"""The training objective (PoF3D §3.3; StyleGAN2's non-saturating losses)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator, RenderedFrame
from pof3d.render.volume import Sampler
from pof3d.training.config import TrainingConfig
from pof3d.training.poses import mirror_poses


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Blur [B, C, H, W] by a Gaussian of ``sigma`` pixels, edges repeated; unchanged below 0.1 px."""
    if sigma < 0.1:
        return x
    radius = min(int(3 * sigma + 0.5), x.shape[-1] - 1)
    taps = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-0.5 * (taps / sigma) ** 2)
    kernel = kernel / kernel.sum()
    channels = x.shape[1]
    x = F.pad(x, (radius, radius, radius, radius), mode="replicate")
    x = F.conv2d(x, kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(x, kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)


@dataclass
class Fakes:
    """Generated images of one batch of latents, from predicted and mirrored cameras."""

    w: Tensor
    """Untruncated [B, w_dim]."""
    planes: Tensor
    """Tri-planes [B, 3, C, R, R]."""
    views: list[tuple[Tensor, Tensor]]
    """(discriminator input [B, 6, S, S], pose [B, 2]): the predicted camera first, then the mirrored one."""


class Objective:
    """Losses of one step, for given networks and settings.

    Parameters
    ----------
    generator, discriminator
        The networks in training.
    config : TrainingConfig
        Weights and switches.
    rng : torch.Generator
        Source of latents, jitter, mirroring and random points; on the networks' device.
    """

    def __init__(
        self, generator: Generator, discriminator: Discriminator, config: TrainingConfig, rng: torch.Generator
    ) -> None:
        self.generator = generator
        self.discriminator = discriminator
        self.config = config
        self.rng = rng
        self.resolution = generator.config.render.resolution
        self.blur = 0.0
        self.pose_consistency_weight = config.pose_consistency_weight

    def set_progress(self, kimg: float) -> None:
        """Set blur, resolution and ramps for the number of images seen."""
        config = self.config
        fade = max(1.0 - kimg / config.blur_fade_kimg, 0.0) if config.blur_fade_kimg > 0 else 0.0
        self.blur = config.blur_sigma * fade
        for start, resolution in config.resolution_schedule:
            if kimg >= start:
                self.resolution = resolution
        ramp = config.pose_consistency_ramp_kimg
        grown = min(kimg / ramp, 1.0) if ramp > 0 else 1.0
        self.pose_consistency_weight = config.pose_consistency_weight * grown

    def see(self, image: Tensor, raw: Tensor) -> Tensor:
        """The discriminator's input: images at its size, blurred once."""
        return gaussian_blur(self.discriminator.prepare(image, raw), self.blur)

    def real_input(self, images: Tensor) -> Tensor:
        """Real images [B, 3, S, S] in −1…1 as the discriminator sees them, the raw one at rendering size."""
        raw = F.interpolate(images, (self.resolution,) * 2, mode="bilinear", antialias=True)
        image = raw if self.generator.superres is None else images
        return self.see(image, raw)

    def generate(self, batch: int) -> Fakes:
        """Fresh latents, rendered from their predicted and their mirrored cameras."""
        generator = self.generator
        z = torch.randn(batch, generator.config.z_dim, generator=self.rng, device=generator.device)
        w = generator.mapping.map_w(z)
        poses = [generator.mapping.predict_pose(w)]
        if self.config.mirror:
            poses.append(mirror_poses(poses[0], generator.config.camera.h_mean, self.rng))
        ws = generator.mapping.truncate(w)
        planes = generator.synthesize_planes(ws, self.config.noise)
        sampler = Sampler("random", self.rng)
        views = []
        for pose in poses:
            raw = generator.render_raw(
                planes,
                generator.cam2world(pose),
                resolution=self.resolution,
                depth_samples=self.config.depth_samples,
                importance_samples=self.config.importance_samples,
                sampler=sampler,
            )
            frame = RenderedFrame(generator.superresolve(raw, ws), raw.raw, raw.depth, raw.opacity)
            views.append((self.see(frame.image, frame.raw), pose))
        return Fakes(w, planes, views)

    def discriminator_loss(
        self, fakes: Fakes, real: Tensor, *, penalize: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Pose error and score of generated images, score of real ones, R1 when ``penalize``.

        Parameters
        ----------
        fakes : Fakes
            From :meth:`generate`; no gradient flows back into them.
        real : Tensor [B, 3, S, S]
            −1…1.
        penalize : bool
            Whether this step carries the R1 penalty (times its interval).
        """
        stats: dict[str, Tensor] = {}
        loss = torch.zeros([], device=real.device)
        for name, (x, pose) in zip(("", "_mirrored"), fakes.views, strict=False):
            verdict = self.discriminator(x.detach())
            pose_error = F.mse_loss(verdict.pose, pose.detach())
            loss = loss + F.softplus(verdict.score).mean() + self.config.pose_aware_weight * pose_error
            stats[f"D/score_fake{name}"] = verdict.score.mean().detach()
            stats[f"D/pose_error{name}"] = pose_error.detach()
        x = self.real_input(real).detach().requires_grad_(penalize)
        verdict = self.discriminator(x)
        loss = loss + F.softplus(-verdict.score).mean()
        stats["D/score_real"] = verdict.score.mean().detach()
        stats["D/pose_spread_real"] = verdict.pose[:, 0].std(correction=0).detach()
        if penalize:
            (gradient,) = torch.autograd.grad(verdict.score.sum(), x, create_graph=True)
            penalty = gradient.square().sum(dim=(1, 2, 3)).mean()
            loss = loss + penalty * (self.config.r1_gamma / 2 * self.config.r1_interval)
            stats["D/r1"] = penalty.detach()
        stats["D/loss"] = loss.detach()
        return loss, stats

    def generator_loss(self, fakes: Fakes, *, smooth: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """Score of generated images, pose consistency, density smoothness when ``smooth``."""
        config = self.config
        loss = torch.zeros([], device=fakes.w.device)
        stats: dict[str, Tensor] = {}
        predicted = []
        for name, (x, _) in zip(("", "_mirrored"), fakes.views, strict=False):
            verdict = self.discriminator(x)
            predicted.append(verdict.pose.detach())
            adversarial = F.softplus(-verdict.score).mean()
            loss = loss + adversarial
            stats[f"G/adversarial{name}"] = adversarial.detach()
        pose = self.generator.mapping.predict_pose(fakes.w.detach())
        consistency = F.mse_loss(pose, predicted[0])
        loss = loss + self.pose_consistency_weight * consistency
        stats["G/pose_consistency"] = consistency.detach()
        yaw = pose[:, 0] - self.generator.config.camera.h_mean
        if config.front_weight > 0 and len(yaw) > 1:
            # Of two halves: the product of their means expects the squared mean, without the variance.
            one, other = yaw.chunk(2)
            loss = loss + config.front_weight * one.mean() * other.mean()
        yaw = yaw.detach()
        stats["G/yaw_mean"], stats["G/yaw_std"] = yaw.mean(), yaw.std(correction=0)
        stats["G/v_std"] = pose[:, 1].detach().std(correction=0)
        if smooth:
            roughness = self.density_roughness(fakes.planes)
            loss = loss + roughness * (config.density_weight * config.density_interval)
            stats["G/density_roughness"] = roughness.detach()
            if config.solid_core_radius > 0:
                hollowness = self.core_hollowness(fakes.planes)
                loss = loss + hollowness * (config.solid_core_weight * config.density_interval)
                stats["G/core_hollowness"] = hollowness.detach()
        stats["G/loss"] = loss.detach()
        return loss, stats

    def core_hollowness(self, planes: Tensor) -> Tensor:
        """Mean softplus(20 − raw density) over random points of the ball that is kept dense."""
        shape = (planes.shape[0], max(self.config.density_points // 4, 1), 3)
        directions = torch.randn(shape, generator=self.rng, device=planes.device)
        distances = torch.rand((*shape[:2], 1), generator=self.rng, device=planes.device) ** (1 / 3)
        points = F.normalize(directions, dim=-1) * distances * self.config.solid_core_radius
        density, _ = self.generator.sample_field(planes, points)
        return F.softplus(20.0 - density).mean()

    def density_roughness(self, planes: Tensor) -> Tensor:
        """Mean |raw density(p) − raw density(p + δ)| over random points of the box, δ ~ N(0, distance)."""
        box = self.generator.config.render.box_warp
        shape = (planes.shape[0], self.config.density_points, 3)
        points = (torch.rand(shape, generator=self.rng, device=planes.device) - 0.5) * box
        step = torch.randn(shape, generator=self.rng, device=planes.device)
        near = points + step * (self.config.density_distance * box)
        half = 0.5 * box
        density, _ = self.generator.sample_field(planes, torch.cat([points, near.clamp(-half, half)], dim=1))
        here, there = density.chunk(2, dim=1)
        return F.l1_loss(here, there)
