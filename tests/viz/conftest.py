"""Checkpoints of tiny networks, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.viz.nets import save_tiny, tiny_config


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network without super-resolution, with a discriminator."""
    return save_tiny(tmp_path_factory.mktemp("tiny") / "tiny.safetensors")


@pytest.fixture(scope="session")
def tiny_2x(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with super-resolution and importance samples, without a discriminator."""
    config = tiny_config("2x", importance=4, discriminator=False)
    return save_tiny(tmp_path_factory.mktemp("tiny-2x") / "tiny-2x.safetensors", config, seed=1)


@pytest.fixture(scope="session")
def conditioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network without a pose learner, conditioned on a camera label; its discriminator, too."""
    config = tiny_config(pose_source="conditioning")
    return save_tiny(tmp_path_factory.mktemp("conditioned") / "conditioned.safetensors", config, seed=2)


@pytest.fixture(scope="session")
def circular(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose discriminator reads the yaw as a direction."""
    config = tiny_config(circular_yaw=True)
    return save_tiny(tmp_path_factory.mktemp("circular") / "circular.safetensors", config, seed=3)
