"""Small random networks."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import pof3d
from pof3d.config import (
    LABEL_DIM,
    DiscriminatorConfig,
    GeneratorConfig,
    NetworkConfig,
    RenderConfig,
    SuperResolutionConfig,
    SuperResolutionKind,
)
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator

PROVENANCE = {
    "dataset": "toy-cats",
    "dataset_images": 20000,
    "images_seen": 400_000,
    "training_seconds": 18732,
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "learned_poses": {"yaw_mean": 0.0, "yaw_std": math.radians(20), "pitch_mean": 0.1, "pitch_std": 0.2},
    "training": {"batch": 16, "r1": {"gamma": 0.3}},
}
"""What a checkpoint says about its making."""


def tiny_network(
    kind: SuperResolutionKind = "none", *, critic: bool = True, **generator: Any
) -> pof3d.Network:
    """A random network of a few thousand numbers."""
    torch.manual_seed(0)
    config = GeneratorConfig(
        z_dim=4,
        w_dim=8,
        plane_resolution=8,
        plane_channels=3,
        channel_base=32,
        channel_max=4,
        decoder_hidden=5,
        feature_channels=4,
        render=RenderConfig(resolution=8, depth_samples=6, importance_samples=6),
        superres=SuperResolutionConfig(kind, (4, 3) if kind != "none" else (128, 64)),
    )
    config = replace(config, **generator)
    conditioned = config.pose_source == "conditioning"
    judged = DiscriminatorConfig(
        resolution=8,
        channel_base=32,
        channel_max=4,
        pose_aware=not conditioned,
        pose_extra=config.pose_extra != "none",
        label_dim=LABEL_DIM if conditioned else 0,
    )
    net = Generator(config).eval().requires_grad_(False)
    discriminator = Discriminator(judged, config.camera).eval().requires_grad_(False) if critic else None
    with torch.no_grad():
        for tensor in net.state_dict().values():
            tensor.add_(torch.randn(tensor.shape) * 0.1)
    whole = NetworkConfig("tiny", config, judged if critic else None)
    return pof3d.Network(whole, net, discriminator, {}, Path("tiny"), "native", 0)
