"""The engine on a GPU shows what it shows on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from viz.engine import Engine
from viz.view import DisplayView, LatentView, NetworkView, View


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["tiny", "tiny_2x"])
def test_same_picture(name: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(name)
    view = View(NetworkView(str(path)), LatentView(x=1.5), display=DisplayView("side_by_side"))
    engine = Engine("cpu")
    cpu = engine.render(view)
    engine.set_device("cuda")
    cuda = engine.render(view)
    assert np.abs(cuda.image.astype(int) - cpu.image).mean() < 1.0
    assert np.abs(cuda.opacity - cpu.opacity).mean() < 1e-3
    assert cuda.generator_pose.yaw == pytest.approx(cpu.generator_pose.yaw, abs=1e-4)
    assert engine.render(view, "preview").camera_pose == cuda.camera_pose
