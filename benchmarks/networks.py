"""The networks that are measured: full-size ones with random weights, and the bundled ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

import pof3d
from benchmarks.renderers import Camera
from pof3d.cameras import orbit_cam2world
from pof3d.config import CARS, FFHQ, NetworkConfig, RenderConfig, SuperResolutionConfig
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator
from pof3d.training.samples import latent

ASSETS = Path(__file__).parents[1] / "assets"
FULL_SIZE, BUNDLED = ("ffhq", "cars"), ("toy-cats", "toy-cars")
KEYS = (*FULL_SIZE, *BUNDLED)


class Pair(NamedTuple):
    """A generator and its discriminator."""

    generator: Generator
    discriminator: Discriminator | None


@dataclass(frozen=True)
class Subject:
    """One network to measure."""

    key: str
    title: str
    make: Callable[[torch.device], Pair]


def small(config: NetworkConfig) -> NetworkConfig:
    """The same kind of network with few channels and small images."""
    own, render = config.generator, config.generator.render
    generator = replace(
        own,
        z_dim=16,
        w_dim=16,
        plane_resolution=16,
        plane_channels=4,
        channel_base=64,
        channel_max=8,
        decoder_hidden=8,
        feature_channels=4,
        render=replace(render, resolution=16, depth_samples=8, importance_samples=8),
        superres=SuperResolutionConfig(own.superres.kind, (4, 3)),
    )
    assert config.discriminator is not None
    critic = replace(config.discriminator, channel_base=1024, channel_max=8)
    return replace(config, generator=generator, discriminator=critic)


def random_pair(config: NetworkConfig, device: torch.device, *, critic: bool = True) -> Pair:
    """A network with random weights, always the same."""
    torch.manual_seed(0)
    generator = Generator(config.generator).eval().requires_grad_(False).to(device)
    if not critic or config.discriminator is None:
        return Pair(generator, None)
    discriminator = Discriminator(config.discriminator, config.generator.camera).eval().requires_grad_(False)
    return Pair(generator, discriminator.to(device))


def _bundled(key: str, device: torch.device) -> Pair:
    network = pof3d.load(ASSETS / f"{key}.safetensors", device=device)
    return Pair(network.generator, network.discriminator)


def _random(key: str, quick: bool, device: torch.device) -> Pair:
    config = {"ffhq": FFHQ, "cars": CARS}[key]
    return random_pair(small(config) if quick else config, device)


def subject(key: str, quick: bool) -> Subject:
    """A network by its key; the quick ones stand in for full-size ones."""
    if key in BUNDLED:
        return Subject(key, key, lambda device: _bundled(key, device))
    size = "small" if quick else "full size"
    return Subject(key, f"{key}, {size}, random", lambda device: _random(key, quick, device))


def with_planes(config: NetworkConfig, side: int) -> NetworkConfig:
    """The same network with planes of another size."""
    return replace(config, generator=replace(config.generator, plane_resolution=side))


class Latent(NamedTuple):
    """What the mapping network makes of one seed."""

    w: Tensor
    """[1, num_ws, w_dim]."""
    camera: Camera
    """The generator's own."""


def mapped(generator: Generator, seed: int) -> Latent:
    """The latent of a seed and the camera that the generator chose for it."""
    w, pose = generator.map(latent(seed, generator.config.z_dim).to(generator.device))
    return Latent(w, Camera(generator.cam2world(pose).cpu(), float(generator.focal(pose))))


def orbit_camera(generator: Generator, step: int) -> Camera:
    """Step of an orbit in front of the subject: no two are equal."""
    camera = generator.config.camera
    matrix = orbit_cam2world(0.6 * math.sin(0.1 * step), 0.1 * math.cos(0.07 * step), camera=camera)
    return Camera(matrix, camera.focal)


def ray_range(render: RenderConfig) -> float:
    """How much of a ray is looked at, world units."""
    return render.ray_end - render.ray_start
