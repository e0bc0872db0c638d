"""Pictures and statistics of a generator: sample grids, turntable rows, learned poses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d.cameras import hv_from_yaw_pitch, yaw_pitch_from_hv
from pof3d.nets.generator import Generator, RenderedFrame

GRID_YAWS = (-0.8, -0.4, 0.0, 0.4, 0.8)
ALL_ROUND = 1.2
"""A spread of yaws, radians, beyond which cameras are taken to stand all round the object."""
_TURNTABLE_VIEWS = 12


def to_uint8(image: Tensor) -> NDArray[np.uint8]:
    """[B, 3, S, S] in −1…1 → [B, S, S, 3] bytes."""
    levels = (image * 127.5 + 128.0).clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().numpy()


def depth_to_uint8(frame: RenderedFrame) -> NDArray[np.uint8]:
    """Depth as grey bytes [B, R, R, 3]: near is bright, empty is black; each image over its own range."""
    depth, opacity = frame.depth, frame.opacity
    solid = opacity > 0.5
    grey = torch.zeros_like(depth)
    for i in range(len(depth)):
        inside = depth[i][solid[i]]
        if len(inside) > 1:
            low, high = torch.quantile(inside, torch.tensor([0.01, 0.99], device=inside.device))
            grey[i] = (1.0 - 0.85 * (depth[i] - low) / (high - low + 1e-6)).clamp(0, 1)
    levels = (grey * solid * 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).expand(-1, -1, -1, 3).cpu().numpy()


@torch.no_grad()
def yaw_grid(
    generator: Generator,
    seeds: int,
    *,
    yaws: tuple[float, ...] = GRID_YAWS,
    pitch: float = 0.0,
    psi: float = 0.8,
    resolution: int | None = None,
    depth: bool = True,
) -> NDArray[np.uint8]:
    """Grid image: a row a seed; a column a yaw (radians); then, with ``depth``, the depth maps of the same.

    Returns
    -------
    uint8 [rows · S, columns · S, 3]
    """
    rows = []
    for seed in range(seeds):
        w, _ = generator.map(latent(seed, generator.config.z_dim).to(generator.device), psi)
        rows.append(_row(generator, w, yaws, pitch, resolution, depth=depth))
    return np.concatenate(rows, axis=0)


@torch.no_grad()
def _row(
    generator: Generator,
    w: Tensor,
    yaws: tuple[float, ...],
    pitch: float,
    resolution: int | None,
    *,
    depth: bool,
) -> NDArray[np.uint8]:
    """One latent [1, num_ws, w_dim] from several yaws side by side; with ``depth``, then their depth maps."""
    angles = torch.tensor([[yaw, pitch] for yaw in yaws], device=generator.device)
    pose = hv_from_yaw_pitch(angles, generator.config.camera.h_mean)
    frame = generator.render(w.expand(len(yaws), -1, -1), pose, resolution=resolution)
    cells = list(to_uint8(frame.image))
    if depth:
        size = frame.image.shape[-1]
        grown = torch.nn.functional.interpolate
        frame = frame._replace(
            depth=grown(frame.depth, (size, size)), opacity=grown(frame.opacity, (size, size))
        )
        cells += list(depth_to_uint8(frame))
    return np.concatenate(cells, axis=1)


def columns_for(poses: PoseStatistics) -> tuple[float, ...]:
    """Yaws of a sample grid, radians: the front ±0.8, or eight all round where the cameras are."""
    if poses.yaw_std < ALL_ROUND:
        return GRID_YAWS
    return tuple(2.0 * math.pi * i / 8 - math.pi for i in range(8))


def turntable(generator: Generator, seed: int, poses: PoseStatistics) -> NDArray[np.uint8]:
    """Twelve views [S, 12 · S, 3] of one seed: from −1.2 to 1.2 rad, or all round where the cameras are."""
    if poses.yaw_std < ALL_ROUND:
        yaws = np.linspace(-1.2, 1.2, _TURNTABLE_VIEWS)
    else:
        yaws = np.linspace(-math.pi, math.pi, _TURNTABLE_VIEWS, endpoint=False)
    w, _ = generator.map(latent(seed, generator.config.z_dim).to(generator.device), 0.8)
    return _row(generator, w, tuple(yaws.tolist()), poses.pitch_mean, None, depth=False)


def latent(seed: int, z_dim: int) -> Tensor:
    """The latent [1, z_dim] of a seed: ``RandomState(seed).randn``, as StyleGAN's tools number them."""
    return torch.from_numpy(np.random.RandomState(seed).randn(1, z_dim)).float()


@dataclass(frozen=True)
class PoseStatistics:
    """Summary of a pose distribution, radians."""

    yaw_mean: float
    yaw_std: float
    pitch_mean: float
    pitch_std: float

    def degrees(self) -> str:
        """For people: "yaw −0.3° ± 24.1°, pitch 0.2° ± 9.8°"."""
        values = [math.degrees(x) for x in (self.yaw_mean, self.yaw_std, self.pitch_mean, self.pitch_std)]
        return "yaw {:.1f}° ± {:.1f}°, pitch {:.1f}° ± {:.1f}°".format(*values)


@torch.no_grad()
def learned_poses(generator: Generator, count: int, seed: int = 0) -> Tensor:
    """Yaw and pitch [count, 2] of random latents, radians."""
    rng = torch.Generator().manual_seed(seed)
    poses = []
    for start in range(0, count, 4096):
        z = torch.randn(min(4096, count - start), generator.config.z_dim, generator=rng).to(generator.device)
        draw = generator.mapping.draw_for_poses(len(z), rng)
        draw = None if draw is None else draw.to(generator.device)
        poses.append(generator.mapping.predict_pose(generator.mapping.map_w(z), draw))
    return yaw_pitch_from_hv(torch.cat(poses), generator.config.camera.h_mean).cpu()


def pose_statistics(yaw_pitch: Tensor) -> PoseStatistics:
    """Mean and standard deviation of poses [N, 2], radians; on the circle where yaws reach the rear."""
    mean, std = yaw_pitch.mean(dim=0), yaw_pitch.std(dim=0, correction=0)
    yaw = float(mean[0]), float(std[0])
    if bool((yaw_pitch[:, 0].abs() > 0.9 * math.pi).any()):
        yaw = circular_statistics(float(yaw_pitch[:, 0].cos().mean()), float(yaw_pitch[:, 0].sin().mean()))
    return PoseStatistics(*yaw, float(mean[1]), float(std[1]))


def circular_statistics(cosine: float, sine: float) -> tuple[float, float]:
    """Circular mean and standard deviation, radians, of directions with this mean cosine and sine.

    The spread is √(−2 ln R) (Mardia and Jupp, Directional Statistics, 2000), and at most π.
    """
    length = min(math.hypot(cosine, sine), 1.0)
    spread = math.sqrt(-2.0 * math.log(length)) if length > 0 else math.pi
    return math.atan2(sine, cosine), min(spread, math.pi)
