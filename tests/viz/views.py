"""Views of checkpoints, as several tests ask for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from viz.view import CameraView, NetworkView, PoseView, View


def view_of(path: Path, **parts: Any) -> View:
    """A checkpoint's first picture, but for other parts of the View."""
    return replace(View(NetworkView(str(path))), **parts)


def turned(path: Path, yaw: float, **parts: Any) -> View:
    """The same from a free camera; yaw in radians."""
    return view_of(path, pose=PoseView("free"), camera=CameraView(yaw=yaw), **parts)
