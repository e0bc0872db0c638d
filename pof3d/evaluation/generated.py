"""What a network generates: images with depth, poses and features, and pairs of views."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d.cameras import hv_from_yaw_pitch, yaw_pitch_from_hv
from pof3d.checkpoint import Network
from pof3d.evaluation.poses import no_predictions
from pof3d.metrics.images import FeatureFunction
from pof3d.metrics.reprojection import View
from pof3d.nets.generator import Generator
from pof3d.training.samples import to_uint8

_BATCH = 8
Advance = Callable[[int], None]
"""Called with the number of items that are done; may raise to stop."""


@dataclass(frozen=True, eq=False)
class Generated:
    """What a network generates from N random latents; of the first K everything is kept."""

    images: Tensor
    """uint8 [K, 3, S, S]."""
    depth: Tensor
    """[K, 1, R, R], distance along the rays, world units."""
    opacity: Tensor
    """[K, 1, R, R], 0…1."""
    poses: NDArray[np.float64]
    """[K, 2], yaw and pitch of the cameras, radians."""
    predicted: NDArray[np.float64] | None
    """[K, 2], what D makes of the images; None without a D that predicts poses."""
    features: dict[str, Tensor]
    """[N, F] of each feature function, by its name."""


def random_latents(generator: Generator, count: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of latents w [B, num_ws, w_dim] and of their poses (h, v) [B, 2].

    A network whose poses come from a prior draws them from the same seed.
    """
    rng = torch.Generator().manual_seed(seed)
    for start in range(0, count, _BATCH):
        size = min(_BATCH, count - start)
        z = torch.randn(size, generator.config.z_dim, generator=rng).to(generator.device)
        draw = generator.mapping.draw_for_poses(size, rng)
        w = generator.mapping.map_w(z)
        pose = generator.mapping.predict_pose(w, None if draw is None else draw.to(generator.device))
        yield generator.mapping.truncate(w), pose


@torch.no_grad()
def generate(
    net: Network,
    count: int,
    keep: int,
    functions: dict[str, FeatureFunction],
    *,
    seed: int = 0,
    advance: Advance = lambda _: None,
) -> Generated:
    """Render random latents from their own poses, without truncation.

    Parameters
    ----------
    net : Network
        From `pof3d.load`.
    count : int
        N, images whose features are computed.
    keep : int
        K, images that are kept.
    functions : dict
        Feature functions by name.
    seed : int
        Of the latents.
    advance : callable, optional
        Called with the number of images after each batch.
    """
    images, depth, opacity, poses, predicted = [], [], [], [], []
    features: dict[str, list[Tensor]] = {name: [] for name in functions}
    h_mean = net.generator.config.camera.h_mean
    discriminator = None if no_predictions(net) else net.discriminator
    kept = 0
    for w, pose in random_latents(net.generator, max(count, keep), seed):
        frame = net.generator.render(w, pose)
        pixels = torch.from_numpy(to_uint8(frame.image)).permute(0, 3, 1, 2).contiguous()
        for name, function in functions.items():
            features[name].append(function(pixels).float().cpu())
        if kept < keep:
            images.append(pixels)
            poses.append(yaw_pitch_from_hv(pose, h_mean).double().cpu())
            if discriminator is not None:
                predicted.append(discriminator.predict_pose(frame).double().cpu())
            depth.append(frame.depth.cpu())
            opacity.append(frame.opacity.cpu())
            kept += len(pixels)
        advance(len(pixels))
    return Generated(
        images=torch.cat(images)[:keep],
        depth=torch.cat(depth)[:keep],
        opacity=torch.cat(opacity)[:keep],
        poses=torch.cat(poses)[:keep].numpy(),
        predicted=torch.cat(predicted)[:keep].numpy() if predicted else None,
        features={name: torch.cat(parts)[:count] for name, parts in features.items()},
    )


@torch.no_grad()
def view_pairs(net: Network, count: int, turn: float, *, seed: int = 0) -> Iterator[tuple[View, View]]:
    """Two views of each of some random latents: from its own pose, and turned towards the front.

    Parameters
    ----------
    net : Network
        From `pof3d.load`.
    count : int
        Pairs.
    turn : float
        Difference of yaw, radians. Towards the front, so that the second view, too, is one that was trained.
    seed : int
        Of the latents.
    """
    generator = net.generator
    camera = generator.config.camera
    done = 0
    for ws, poses in random_latents(generator, count, seed):
        for w, pose in zip(ws.split(1), poses.split(1), strict=True):
            angles = yaw_pitch_from_hv(pose, camera.h_mean)
            sign = -1.0 if math.sin(float(angles[0, 0])) >= 0 else 1.0
            turned = hv_from_yaw_pitch(angles + angles.new_tensor([sign * turn, 0.0]), camera.h_mean)
            both = torch.cat([pose, turned])
            frame = generator.render(w.expand(2, -1, -1), both)
            side = frame.depth.shape[-1]
            image = (frame.image * 127.5 + 127.5).clamp(0, 255)
            if image.shape[-1] != side:
                image = torch.nn.functional.interpolate(image, (side, side), mode="bilinear", antialias=True)
            matrices = generator.cam2world(both)
            first, second = (
                View(
                    image[i].cpu(),
                    frame.depth[i].cpu(),
                    frame.opacity[i].cpu(),
                    matrices[i].cpu(),
                    camera.focal,
                )
                for i in range(2)
            )
            yield first, second
            done += 1
            if done == count:
                return
