"""Tiny networks for tests: random weights, but matter, noise and a mean latent that make a difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pof3d.checkpoint import save
from pof3d.config import (
    LABEL_DIM,
    CameraConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    NetworkConfig,
    RenderConfig,
    SuperResolutionConfig,
    SuperResolutionKind,
)
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator

RAW = 16
"""Side of the tiny networks' raw images."""


def tiny_config(
    superres: SuperResolutionKind = "none",
    importance: int = 0,
    discriminator: bool = True,
    circular_yaw: bool = False,
    **generator_settings: Any,
) -> NetworkConfig:
    generator = GeneratorConfig(
        z_dim=8,
        w_dim=8,
        mapping_layers=1,
        plane_resolution=8,
        plane_channels=4,
        channel_base=64,
        channel_max=8,
        decoder_hidden=8,
        feature_channels=3,
        camera=CameraConfig(pivot=(0.0, 0.0, 0.2)),
        render=RenderConfig(
            resolution=RAW,
            depth_samples=6,
            importance_samples=importance,
            box_warp=0.4,  # a small cube of matter in a wide empty picture
            white_background=True,
            confine_to_box=True,
        ),
        superres=SuperResolutionConfig(superres, (4, 4)),
    )
    generator = replace(generator, **generator_settings)
    conditioned = generator.pose_source == "conditioning"
    scorer = DiscriminatorConfig(resolution=16, channel_base=64, channel_max=8, pose_mapping_layers=1)
    scorer = replace(
        scorer,
        pose_aware=not conditioned,
        label_dim=LABEL_DIM if conditioned else 0,
        circular_yaw=circular_yaw,
    )
    return NetworkConfig("tiny", generator, scorer if discriminator else None)


def tiny_generator(config: NetworkConfig, seed: int = 0) -> Generator:
    torch.manual_seed(seed)
    generator = Generator(config.generator).eval().requires_grad_(False)
    generator.decoder.output.bias[0] = 3.0
    generator.decoder.output.weight[0] *= 6.0
    generator.mapping.get_buffer("w_avg").normal_()
    for name, parameter in generator.named_parameters():
        if name.endswith("noise_strength"):
            parameter.fill_(0.5)
    return generator


def save_tiny(
    path: Path,
    config: NetworkConfig | None = None,
    seed: int = 0,
    provenance: Mapping[str, object] | None = None,
) -> Path:
    config = config or tiny_config()
    generator = tiny_generator(config, seed)
    discriminator = None
    if config.discriminator is not None:
        discriminator = Discriminator(config.discriminator, config.generator.camera)
    return save(path, config, generator, discriminator, provenance or {"dataset": "none"})
