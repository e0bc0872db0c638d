"""The pose-free generator: latent → content and camera → image and depth."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pof3d.cameras import cam2world_from_hv, camera_rays, intrinsics_from_focal
from pof3d.config import GeneratorConfig, focal_from_fov
from pof3d.nets.backbone import Backbone
from pof3d.nets.layers import NoiseSource
from pof3d.nets.mapping import Mapping
from pof3d.nets.superres import SuperResolution
from pof3d.render.field import OUTSIDE_DENSITY, Decoder, sample_planes
from pof3d.render.volume import (
    DETERMINISTIC,
    Sampler,
    composite,
    importance_depths,
    interval_weights,
    stratified_depths,
)

_VALUES_AT_ONCE = 1 << 28
"""Numbers that one slice of rays may bring into memory where no gradients are wanted; 1 GiB."""


class RawFrame(NamedTuple):
    """Volume-rendered images."""

    features: Tensor
    """[B, feature_channels, R, R], −1…1; the first three are RGB."""
    depth: Tensor
    """[B, 1, R, R], distance along the ray in world units."""
    opacity: Tensor
    """[B, 1, R, R], 0…1."""

    @property
    def raw(self) -> Tensor:
        """[B, 3, R, R], −1…1."""
        return self.features[:, :3]

    @classmethod
    def of_rays(cls, colour: Tensor, depth: Tensor, opacity: Tensor, side: int) -> RawFrame:
        """Of one camera's rays [side², …], row by row: views, channels-last."""
        return cls(*(part.view(1, side, side, -1).permute(0, 3, 1, 2) for part in (colour, depth, opacity)))


class RenderedFrame(NamedTuple):
    """Everything one rendering gives."""

    image: Tensor
    """[B, 3, S, S], about −1…1: after super-resolution; the raw image where there is none."""
    raw: Tensor
    """[B, 3, R, R], about −1…1: before super-resolution."""
    depth: Tensor
    """[B, 1, R, R], distance along the ray in world units."""
    opacity: Tensor
    """[B, 1, R, R], 0 = nothing on the ray, 1 = opaque."""


class Generator(nn.Module):
    """PoF3D's generator (arXiv 2301.07702 §3.2)."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        self.mapping = Mapping(config, self.backbone.num_ws)
        self.decoder = Decoder(config)
        self.superres = None if config.superres.kind == "none" else SuperResolution(config)

    @property
    def device(self) -> torch.device:
        """Where the parameters live."""
        return self.decoder.output.weight.device

    def map(
        self,
        z: Tensor,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        label: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Latents of every layer and the predicted pose.

        Parameters
        ----------
        z : Tensor [B, z_dim]
            Standard normal.
        truncation_psi : float
            1 = none. Does not move the pose.
        truncation_cutoff : int, optional
            Layers truncated, counted from the coarsest; all by default.
        label : Tensor [B or 1, 25], optional
            Camera labels that the content is conditioned on, where the network takes any (EG3D); the front
            view's by default.

        Returns
        -------
        w : Tensor [B, num_ws, w_dim]
        pose : Tensor [B, 2]
            See :meth:`~pof3d.nets.mapping.Mapping.predict_pose`, also for networks that give a third number.
        """
        w = self.mapping.map_w(z, label)
        return self.mapping.truncate(w, truncation_psi, truncation_cutoff), self.mapping.predict_pose(w)

    def synthesize_planes(self, w: Tensor, noise: NoiseSource = "const") -> Tensor:
        """[B, num_ws, w_dim] → tri-planes [B, 3, plane_channels, R, R]."""
        return self.backbone(w, noise)

    def sample_field(self, planes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Query the radiance field.

        Parameters
        ----------
        planes : Tensor [B, 3, C, R, R]
            Tri-planes.
        points : Tensor [B, P, 3]
            World positions.

        Returns
        -------
        raw_density : Tensor [B, P, 1]
            Before softplus(· − 1).
        colours : Tensor [B, P, feature_channels]
            0…1.
        """
        render = self.config.render
        box = points * (2.0 / render.box_warp)
        raw_density, colours = self.decoder(sample_planes(planes, box, render.plane_axes))
        if render.confine_to_box:
            outside = box.detach().abs().amax(dim=-1, keepdim=True) > 1.0
            raw_density = raw_density.masked_fill(outside, OUTSIDE_DENSITY)
        return raw_density, colours

    def render_rays(
        self,
        planes: Tensor,
        origins: Tensor,
        directions: Tensor,
        *,
        depth_samples: int | None = None,
        importance_samples: int | None = None,
        sampler: Sampler = DETERMINISTIC,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Volume rendering of arbitrary rays.

        Parameters
        ----------
        planes : Tensor [B, 3, C, R, R]
            Tri-planes.
        origins, directions : Tensor [B, rays, 3]
            World units; directions of length one.
        depth_samples, importance_samples : int, optional
            Override the configuration's counts.
        sampler : Sampler
            Source of the uniform draws.

        Returns
        -------
        colour [B, rays, C], depth [B, rays, 1], opacity [B, rays, 1]
        """
        render = self.config.render
        count = render.depth_samples if depth_samples is None else depth_samples
        extra = render.importance_samples if importance_samples is None else importance_samples
        batch, rays = origins.shape[:2]

        def query(depths: Tensor) -> tuple[Tensor, Tensor]:
            points = origins[:, :, None] + depths[..., None] * directions[:, :, None]
            density, colours = self.sample_field(planes, points.flatten(1, 2))
            return density.view(depths.shape), colours.view(*depths.shape, -1)

        depths = stratified_depths(batch, rays, count, render.ray_start, render.ray_end, sampler, origins)
        density, colours = query(depths)
        if extra > 0:
            fine = importance_depths(depths, interval_weights(density, depths).detach(), extra, sampler)
            fine_density, fine_colours = query(fine)
            depths, order = torch.cat([depths, fine], dim=-1).sort(dim=-1)
            density = torch.cat([density, fine_density], dim=-1).gather(-1, order)
            colours = torch.cat([colours, fine_colours], dim=-2)
            colours = colours.gather(-2, order[..., None].expand_as(colours))
        seen = composite(density, colours, depths, white_background=render.white_background)
        return seen.colour, seen.depth, seen.opacity

    def render_raw(
        self,
        planes: Tensor,
        cam2world: Tensor,
        *,
        focal: float | Tensor | None = None,
        resolution: int | None = None,
        depth_samples: int | None = None,
        importance_samples: int | None = None,
        sampler: Sampler = DETERMINISTIC,
    ) -> RawFrame:
        """Volume-render the planes from cameras [B, 4, 4]; see :meth:`render` for the settings."""
        resolution = self.config.render.resolution if resolution is None else resolution
        intrinsics = intrinsics_from_focal(self.config.camera.focal if focal is None else focal)
        origins, directions = camera_rays(cam2world, intrinsics, resolution)
        step = rays = origins.shape[1]
        if not torch.is_grad_enabled() and sampler.mode != "random":  # random draws depend on the slices
            step = self._rays_at_once(origins.shape[0], depth_samples, importance_samples)
        slices = [
            self.render_rays(
                planes,
                origins[:, first : first + step],
                directions[:, first : first + step],
                depth_samples=depth_samples,
                importance_samples=importance_samples,
                sampler=sampler,
            )
            for first in range(0, rays, step)
        ]
        parts = (
            slices[0] if len(slices) == 1 else [torch.cat(part, dim=1) for part in zip(*slices, strict=True)]
        )
        images = [x.transpose(1, 2).reshape(x.shape[0], -1, resolution, resolution) for x in parts]
        return RawFrame(*images)

    def _rays_at_once(self, batch: int, depth_samples: int | None, importance_samples: int | None) -> int:
        """How many rays of each camera fit into a bounded amount of memory together."""
        config, render = self.config, self.config.render
        count = render.depth_samples if depth_samples is None else depth_samples
        extra = render.importance_samples if importance_samples is None else importance_samples
        values = 3 * config.plane_channels + config.decoder_hidden + config.feature_channels + 1
        return max(1, _VALUES_AT_ONCE // (batch * (count + extra) * values))

    def superresolve(self, frame: RawFrame, w: Tensor) -> Tensor:
        """Final image [B, 3, S, S] of a raw frame; the raw image itself without super-resolution."""
        return frame.raw if self.superres is None else self.superres(frame.features, frame.raw, w[:, -1])

    def cam2world(self, pose: Tensor) -> Tensor:
        """Camera matrices [B, 4, 4] of poses [B, 2 or 3], on the network's own or the predicted sphere."""
        camera, radius = self.config.camera, self.config.camera.radius
        predicted = self.config.pose_extra == "radius" and pose.shape[1] == 3
        return cam2world_from_hv(pose, pose[:, 2] if predicted else radius, camera.pivot)

    def focal(self, pose: Tensor) -> float | Tensor:
        """Focal length, image widths, of poses [B, 2 or 3]: one a pose where the network predicts it."""
        if self.config.pose_extra == "fov" and pose.shape[1] == 3:
            return torch.stack([pose.new_tensor(focal_from_fov(float(fov))) for fov in pose[:, 2]])
        return self.config.camera.focal

    def camera(
        self, pose: Tensor | None, cam2world: Tensor | None, focal: float | Tensor | None
    ) -> tuple[Tensor, float | Tensor | None]:
        """Matrices [B, 4, 4] and focal length of what :meth:`render` is asked for.

        Raises
        ------
        ValueError
            Unless there is either a pose or a matrix.
        """
        if pose is not None and cam2world is None:
            return self.cam2world(pose), self.focal(pose) if focal is None else focal
        if cam2world is not None and pose is None:
            return cam2world, focal
        raise ValueError("give either pose or cam2world")

    def render(
        self,
        w: Tensor,
        pose: Tensor | None = None,
        *,
        cam2world: Tensor | None = None,
        focal: float | Tensor | None = None,
        resolution: int | None = None,
        depth_samples: int | None = None,
        importance_samples: int | None = None,
        noise: NoiseSource = "const",
        sampler: Sampler = DETERMINISTIC,
    ) -> RenderedFrame:
        """Latents and cameras → images.

        Parameters
        ----------
        w : Tensor [B, num_ws, w_dim]
            From :meth:`map`.
        pose : Tensor [B, 2 or 3]
            As :meth:`map` predicts it. Give either this or ``cam2world``.
        cam2world : Tensor [B, 4, 4]
            Free cameras.
        focal : float, optional
            Focal length in image widths; that of the pose, or the network's own, by default.
        resolution : int, optional
            Side of the raw image; the network's own by default.
        depth_samples, importance_samples : int, optional
            Samples a ray.
        noise : "const", "none", "random" or a function
            Per-pixel noise of the backbone; see :data:`~pof3d.nets.layers.NoiseSource`.
        sampler : Sampler
            Source of the ray sampler's draws; deterministic by default.

        Returns
        -------
        RenderedFrame
        """
        matrix, focal = self.camera(pose, cam2world, focal)
        raw = self.render_raw(
            self.synthesize_planes(w, noise),
            matrix,
            focal=focal,
            resolution=resolution,
            depth_samples=depth_samples,
            importance_samples=importance_samples,
            sampler=sampler,
        )
        return RenderedFrame(self.superresolve(raw, w), raw.raw, raw.depth, raw.opacity)
