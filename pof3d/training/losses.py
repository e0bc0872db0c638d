"""The training objective (PoF3D §3.3; StyleGAN2's non-saturating losses)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d.cameras import yaw_pitch_from_hv
from pof3d.nets.discriminator import Discriminator, Verdict
from pof3d.nets.generator import Generator, RenderedFrame
from pof3d.render.volume import Sampler
from pof3d.training.augment import Augmentation
from pof3d.training.config import TrainingConfig
from pof3d.training.poses import mirror_poses
from pof3d.training.random import BatchRandom
from pof3d.training.samples import circular_statistics


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


def pose_distance(one: Tensor, other: Tensor, *, periodic: bool) -> Tensor:
    """Mean squared difference of poses (h, v) [B, 2]; ``periodic``: of azimuths the short way round."""
    difference = one - other
    if periodic:
        h = torch.atan2(torch.sin(difference[:, 0]), torch.cos(difference[:, 0]))
        difference = torch.stack([h, difference[:, 1]], dim=1)
    return difference.square().mean()


@dataclass
class Fakes:
    """Generated images of one batch of latents, from their own and from mirrored cameras."""

    w: Tensor
    """Untruncated [B, w_dim]."""
    draw: Tensor | None
    """Random numbers [B, 2] behind the poses, where the latent alone does not decide."""
    planes: Tensor
    """Tri-planes [B, 3, C, R, R]."""
    views: list[tuple[Tensor, Tensor]]
    """(discriminator input [B, 6, S, S], pose [B, 2]): the own camera first, then the mirrored one."""


class PoseMoments:
    """Running means and squares of the poses that D reads off real and off generated images.

    Offsets of h and v from the front, radians; over some tens of batches.
    """

    decay = 0.95

    def __init__(self, device: torch.device) -> None:
        self.values = torch.zeros(2, 2, 2, device=device)
        """[real or generated, mean or mean square, h or v]."""
        self.started = False

    def update(self, values: Tensor) -> None:
        """Move towards a batch's moments [2, 2, 2]."""
        self.values = values.lerp(self.values, self.decay) if self.started else values.clone()
        self.started = True

    def correction(self, read: Tensor) -> Tensor:
        """What to add to the poses of generated images, which D reads as ``read`` [B, 2].

        They would then be read with the mean and the spread of real images; each keeps its place in standard
        deviations from the mean. At most twice, and at least half the spread at a time.
        """
        (real_mean, real_square), (mean, square) = self.values
        spread = (square - mean.square()).clamp(min=1e-6).sqrt()
        ratio = (real_square - real_mean.square()).clamp(min=1e-6).sqrt() / spread
        return real_mean - mean + (read - mean) * (ratio.clamp(0.5, 2.0) - 1.0)


class Objective:
    """Losses of one step, for given networks and settings.

    Parameters
    ----------
    generator, discriminator
        The networks in training.
    config : TrainingConfig
        Weights and switches.
    random : BatchRandom
        Source of latents, jitter, mirroring, noise, augmentation and random points.
    """

    def __init__(
        self, generator: Generator, discriminator: Discriminator, config: TrainingConfig, random: BatchRandom
    ) -> None:
        self.generator = generator
        self.discriminator = discriminator
        self.config = config
        self.random = random
        self.augmentation = (
            Augmentation(config.augment_target, config.augment_kimg) if config.augment else None
        )
        self.resolution = generator.config.render.resolution
        self.blur = 0.0
        self.pose_consistency_weight = config.pose_consistency_weight
        self.pose_matching_weight = config.pose_matching_weight
        self.mean_yaw = torch.zeros([], device=generator.device)
        """Running mean of G's yaw, radians."""
        self.pose_moments = PoseMoments(generator.device)
        self.front = torch.tensor([generator.config.camera.h_mean, math.pi / 2], device=generator.device)

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
        self.pose_matching_weight = config.pose_matching_weight * grown

    def mixed_precision(self) -> torch.autocast:
        """Convolutions and matrix products in bfloat16, where asked for; cameras and rays never."""
        enabled = self.config.precision == "bfloat16"
        return torch.autocast(self.generator.device.type, torch.bfloat16, enabled=enabled)

    def see(self, image: Tensor, raw: Tensor) -> Tensor:
        """The discriminator's input: images at its size, blurred once."""
        return gaussian_blur(self.discriminator.prepare(image, raw), self.blur)

    def real_input(self, images: Tensor) -> Tensor:
        """Real images [B, 3, S, S] in −1…1 as the discriminator sees them, the raw one at rendering size."""
        raw = F.interpolate(images, (self.resolution,) * 2, mode="bilinear", antialias=True)
        image = raw if self.generator.superres is None else images
        return self.see(image, raw)

    def judge(self, x: Tensor, pose: Tensor | None) -> Verdict:
        """The discriminator's verdict on [B, 6, S, S]; ``pose`` is the label, used where poses are labels."""
        given = pose if self.generator.config.pose_source == "labels" else None
        with self.mixed_precision():
            verdict = self.discriminator(x, given)
        return Verdict(verdict.score.float(), None if verdict.pose is None else verdict.pose.float())

    def augmented(self, x: Tensor) -> Tensor:
        """[B, 6, S, S] as augmentation changes it, where it is on."""
        return x if self.augmentation is None else self.augmentation.apply(x, self.random)

    def generate(self, batch: int) -> Fakes:
        """Fresh latents, rendered from their own and from mirrored cameras."""
        generator, random = self.generator, self.random
        mapping = generator.mapping
        w = mapping.map_w(random.normal((batch, generator.config.z_dim)))
        draw = None if mapping.source == "learned" else random.normal((batch, 2))
        poses = [mapping.predict_pose(w, draw)]
        if self.config.mirror:
            choice = random.uniform((batch, 1))[:, 0]
            h_mean, up_down = generator.config.camera.h_mean, self.config.mirror_up_down
            mirrored = mirror_poses(poses[0], h_mean, choice, up_down=up_down)
            if any(self.config.mirror_jitter):
                mirrored = mirrored + random.normal((batch, 2)) * w.new_tensor(self.config.mirror_jitter)
            poses.append(mirrored)
        ws = mapping.truncate(w)
        with self.mixed_precision():
            noise = random.normal if self.config.noise == "random" else self.config.noise
            planes = generator.synthesize_planes(ws, noise).float()
        sampler = Sampler("random", random.uniform)
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
            with self.mixed_precision():
                image = generator.superresolve(raw, ws).float()
            frame = RenderedFrame(image, raw.raw, raw.depth, raw.opacity)
            views.append((self.see(frame.image, frame.raw), pose))
        return Fakes(w, draw, planes, views)

    def discriminator_loss(
        self, fakes: Fakes, real: Tensor, real_pose: Tensor | None = None, *, penalize: bool
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Pose error and score of generated images, score of real ones, R1 when ``penalize``.

        Parameters
        ----------
        fakes : Fakes
            From :meth:`generate`; no gradient flows back into them.
        real : Tensor [B, 3, S, S]
            −1…1.
        real_pose : Tensor [B, 2], optional
            Labels (h, v); needed where poses are labels.
        penalize : bool
            Whether this step carries the R1 penalty (times its interval), on what the discriminator sees.
        """
        config = self.config
        stats: dict[str, Tensor] = {}
        read: list[Tensor] = []
        loss = torch.zeros([], device=real.device)
        for name, (x, pose) in zip(("", "_mirrored"), fakes.views, strict=False):
            verdict = self.judge(self.augmented(x.detach()), pose.detach())
            loss = loss + F.softplus(verdict.score).mean()
            stats[f"D/score_fake{name}"] = verdict.score.mean().detach()
            if verdict.pose is not None:
                error = pose_distance(verdict.pose, pose.detach(), periodic=config.periodic_yaw)
                loss = loss + config.pose_aware_weight * error
                stats[f"D/pose_error{name}"] = error.detach()
                read.append(verdict.pose.detach() - self.front)
        x = self.augmented(self.real_input(real)).detach().requires_grad_(penalize)
        verdict = self.judge(x, real_pose)
        loss = loss + F.softplus(-verdict.score).mean()
        stats["D/score_real"] = verdict.score.mean().detach()
        if self.augmentation is not None:
            self.augmentation.observe(verdict.score)
        if verdict.pose is not None:
            both = torch.stack([verdict.pose.detach() - self.front, read[0]])
            stats["moments"] = torch.stack([both.mean(dim=1), both.square().mean(dim=1)], dim=1)
            angles = yaw_pitch_from_hv(verdict.pose.detach(), self.generator.config.camera.h_mean)
            stats |= _moments("D/yaw_real", angles[:, 0], circular=config.periodic_yaw)
        if penalize:
            (gradient,) = torch.autograd.grad(verdict.score.sum(), x, create_graph=True)
            penalty = gradient.square().sum(dim=(1, 2, 3)).mean()
            loss = loss + penalty * (config.r1_gamma / 2 * config.r1_interval)
            stats["D/r1"] = penalty.detach()
        stats["D/loss"] = loss.detach()
        return loss, stats

    def generator_loss(self, fakes: Fakes, *, smooth: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """Score of generated images, pose consistency, density smoothness when ``smooth``."""
        config = self.config
        loss = torch.zeros([], device=fakes.w.device)
        stats: dict[str, Tensor] = {}
        predicted = []
        for name, (x, pose) in zip(("", "_mirrored"), fakes.views, strict=False):
            verdict = self.judge(self.augmented(x), pose.detach())
            predicted.append(verdict.pose)
            adversarial = F.softplus(-verdict.score).mean()
            loss = loss + adversarial
            stats[f"G/adversarial{name}"] = adversarial.detach()
        mapping = self.generator.mapping
        pose = mapping.predict_pose(fakes.w.detach(), fakes.draw)
        if predicted[0] is not None:
            consistency = pose_distance(pose, predicted[0].detach(), periodic=config.periodic_yaw)
            stats["G/pose_consistency"] = consistency.detach()
            if mapping.learns_pose:
                loss = loss + self.pose_consistency_weight * consistency
                if self.pose_matching_weight > 0:
                    more = self.pose_moments.correction(predicted[0].detach() - self.front)
                    wanted = pose.detach() + more
                    loss = loss + self.pose_matching_weight * F.mse_loss(pose, wanted)
        angles = yaw_pitch_from_hv(pose, self.generator.config.camera.h_mean)
        if config.front_weight > 0 and mapping.learns_pose:
            # The gradient of the squared mean, the mean itself being taken over many batches.
            loss = loss + 2.0 * config.front_weight * self.mean_yaw * angles[:, 0].mean()
        stats |= _moments("G/yaw", angles[:, 0], circular=config.periodic_yaw)
        stats |= _moments("G/pitch", angles[:, 1])
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
        directions = self.random.normal(shape)
        distances = self.random.uniform((*shape[:2], 1)) ** (1 / 3)
        points = F.normalize(directions, dim=-1) * distances * self.config.solid_core_radius
        density, _ = self.generator.sample_field(planes, points)
        return F.softplus(20.0 - density).mean()

    def density_roughness(self, planes: Tensor) -> Tensor:
        """Mean |raw density(p) − raw density(p + δ)| over random points of the box, δ ~ N(0, distance)."""
        box = self.generator.config.render.box_warp
        shape = (planes.shape[0], self.config.density_points, 3)
        points = (self.random.uniform(shape) - 0.5) * box
        near = points + self.random.normal(shape) * (self.config.density_distance * box)
        half = 0.5 * box
        density, _ = self.generator.sample_field(planes, torch.cat([points, near.clamp(-half, half)], dim=1))
        here, there = density.chunk(2, dim=1)
        return F.l1_loss(here, there)


def _moments(name: str, angle: Tensor, *, circular: bool = False) -> dict[str, Tensor]:
    angle = angle.detach()
    if circular:
        return {f"{name}_cosine": angle.cos().mean(), f"{name}_sine": angle.sin().mean()}
    return {f"{name}_mean": angle.mean(), f"{name}_square": angle.square().mean()}


def spreads_from_moments(stats: dict[str, float]) -> dict[str, float]:
    """Replace means of squares, or of cosine and sine, by "…_mean" and "…_std", radians.

    Moments, unlike spreads, can be averaged over parts of a batch.
    """
    done = {}
    for name, value in stats.items():
        stem, _, kind = name.rpartition("_")
        if kind == "square":
            done[f"{stem}_std"] = max(value - stats[f"{stem}_mean"] ** 2, 0.0) ** 0.5
        elif kind == "cosine":
            done[f"{stem}_mean"], done[f"{stem}_std"] = circular_statistics(value, stats[f"{stem}_sine"])
        elif kind != "sine":
            done[name] = value
    return done
