"""Latents of small networks, and the fast renderer's pictures of them operation by operation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

import pof3d
from pof3d.cameras import camera_rays, intrinsics_from_focal, orbit_cam2world
from pof3d.config import FFHQ
from pof3d.nets.generator import Generator, RawFrame
from pof3d.render.fast import FastField, fast_field, render_rays
from pof3d.training.samples import latent

ASSETS = Path(__file__).resolve().parents[3] / "assets"
SMALL = replace(
    FFHQ.generator,
    plane_resolution=32,
    channel_base=1024,
    channel_max=32,
    superres=replace(FFHQ.generator.superres, widths=(8, 4)),
)


class Scene(NamedTuple):
    generator: Generator
    field: FastField
    w: Tensor


def scene_of(name: str, seed: int = 1, generator: Generator | None = None) -> Scene:
    if generator is None and name == "small":
        torch.manual_seed(0)
        generator = Generator(SMALL).eval().requires_grad_(False)
    generator = generator or pof3d.load(ASSETS / f"{name}.safetensors").generator
    with torch.inference_mode():
        w, _ = generator.map(latent(seed, generator.config.z_dim))
        return Scene(generator, fast_field(generator, generator.synthesize_planes(w)), w)


def camera(scene: Scene, yaw: float, pitch: float = 0.1) -> tuple[list[float], float]:
    config = scene.generator.config.camera
    return orbit_cam2world(yaw, pitch, camera=config).flatten().tolist(), config.focal


def operation_by_operation(
    scene: Scene, cam2world: list[float], focal: float, side: int
) -> tuple[RawFrame, Tensor]:
    """The fast renderer as it was before there were graphs."""
    matrix = torch.tensor(cam2world).view(1, 4, 4)
    origins, directions = camera_rays(matrix, intrinsics_from_focal(focal), side)
    seen = render_rays(scene.generator, scene.field, origins[0], directions[0])
    raw = RawFrame.of_rays(*seen, side)
    return raw, scene.generator.superresolve(raw, scene.w)
