"""Tiny networks, and image sets with and without ground truth, for tests."""

from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pof3d.checkpoint import native
from pof3d.config import (
    DiscriminatorConfig,
    GeneratorConfig,
    NetworkConfig,
    RenderConfig,
    SuperResolutionConfig,
)
from pof3d.data.layout import (
    ABOUT_FILE,
    DEPTH_FILE,
    LABEL_FILE,
    POSE_FILE,
    depth_to_steps,
    encode_png,
    image_name,
)
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator

GENERATOR = GeneratorConfig(
    z_dim=8,
    w_dim=8,
    plane_resolution=8,
    plane_channels=4,
    channel_base=64,
    channel_max=8,
    decoder_hidden=8,
    feature_channels=3,
    render=RenderConfig(resolution=16, depth_samples=6, importance_samples=4, white_background=True),
    superres=SuperResolutionConfig("none"),
)
DISCRIMINATOR = DiscriminatorConfig(resolution=8, channel_base=64, channel_max=8, activation_clamp=None)


def make_network(
    path: Path,
    *,
    discriminator: DiscriminatorConfig | None = DISCRIMINATOR,
    generator: GeneratorConfig = GENERATOR,
) -> Path:
    """Write a network with random weights; most of what it generates is solid."""
    torch.manual_seed(0)
    G = Generator(generator)
    with torch.no_grad():
        G.decoder.output.bias[0] = 12.0
    D = Discriminator(discriminator, generator.camera) if discriminator else None
    config = NetworkConfig("tiny", generator, discriminator)
    return native.save(path, config, G, D, provenance={"images_seen": 123_000})


def true_poses(count: int, around: bool = False) -> np.ndarray:
    """Yaw and pitch [count, 2]: a sector, or all around."""
    rng = np.random.default_rng(3)
    yaw = np.linspace(-math.pi, math.pi, count, endpoint=False) if around else rng.normal(0, 0.4, count)
    return np.stack([yaw, rng.normal(0, 0.15, count)], axis=1)


def make_set(
    path: Path,
    count: int = 24,
    *,
    truth: bool = True,
    around: bool = False,
    seed: int = 0,
    about: dict[str, object] | None = None,
) -> Path:
    """Write balls of random colour on white, with poses, labels and depth where asked for."""
    rng = np.random.default_rng(seed)
    focal = GENERATOR.camera.focal
    y, x = np.mgrid[:16, :16]
    names = [image_name(i) for i in range(count)]
    depths = io.BytesIO()
    with zipfile.ZipFile(path, "w") as file, zipfile.ZipFile(depths, "w") as depth_file:
        for name in names:
            radius = rng.uniform(4, 7)
            square = radius**2 - (x - 7.5) ** 2 - (y - 7.5) ** 2
            image = np.full((16, 16, 3), 255, np.uint8)
            image[square > 0] = rng.integers(0, 200, 3)
            depth = np.where(square > 0, 2.7 - 0.04 * np.sqrt(np.maximum(square, 0)), 0.0)
            file.writestr(name, encode_png(image))
            depth_file.writestr(name, encode_png(depth_to_steps(depth)))
        if truth:
            poses = io.BytesIO()
            yaw, pitch = true_poses(count, around).T
            np.savez(poses, name=np.array(names), yaw=yaw, pitch=pitch)
            file.writestr(POSE_FILE, poses.getvalue())
            label = [0.0] * 16 + [focal, 0.0, 0.5, 0.0, focal, 0.5, 0.0, 0.0, 1.0]
            file.writestr(LABEL_FILE, json.dumps({"labels": [[name, label] for name in names]}))
    with zipfile.ZipFile(path, "a") as file:
        if truth:
            file.writestr(DEPTH_FILE, depths.getvalue())
        if about is not None:
            file.writestr(ABOUT_FILE, json.dumps(about))
    return path


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height; fails where it is no picture."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.size
