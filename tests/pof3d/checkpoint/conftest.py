"""The reference networks, opened once."""

from __future__ import annotations

from pathlib import Path

import pytest

import pof3d

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the reference files."""
    return DATA


@pytest.fixture(scope="session")
def ffhq() -> pof3d.Network:
    """The reference with super-resolution."""
    return pof3d.load(DATA / "pof3d_ffhq.pkl")


@pytest.fixture(scope="session")
def eg3d() -> pof3d.Network:
    """The reference of EG3D: conditioned on a camera label, with super-resolution."""
    return pof3d.load(DATA / "eg3d_ffhq.pkl")


@pytest.fixture(scope="session")
def nosr() -> pof3d.Network:
    """The reference without super-resolution."""
    return pof3d.load(DATA / "pof3d_nosr.pkl")
