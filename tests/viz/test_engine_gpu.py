"""The engine on a GPU shows what it shows on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.viz.views import turned
from viz.engine import Engine
from viz.maps import DeviceFrame
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


def orbit(path: Path, i: int) -> View:
    return turned(path, 0.2 * i)


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["tiny", "tiny_2x"])
def test_recorded_pictures_are_the_cpus(
    name: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    path: Path = request.getfixturevalue(name)
    cpu, cuda = Engine("cpu"), Engine("cuda")
    for i in range(4):  # from the second on, by a graph
        one, other = cuda.render(orbit(path, i)), cpu.render(orbit(path, i))
        assert np.abs(one.rgba.astype(int) - other.rgba).mean() < 1.0
        assert (np.isnan(one.depth) != np.isnan(other.depth)).mean() < 0.02
        assert np.nanmedian(np.abs(one.depth - other.depth)) < 1e-3
    assert not caplog.records


@pytest.mark.gpu
def test_a_drag_on_a_gpu_waits_for_nothing_but_its_picture(tiny_2x: Path) -> None:
    engine = Engine("cuda")
    for i in range(3):
        engine.render(orbit(tiny_2x, i), discriminator=False)
    torch.cuda.set_sync_debug_mode("error")
    try:
        frames = [engine.render(orbit(tiny_2x, i), discriminator=False) for i in range(3, 13)]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(isinstance(frame, DeviceFrame) and frame.known_depth_range is None for frame in frames)
    assert len({frame.rgba.tobytes() for frame in frames}) == len(frames)
    assert np.isfinite(frames[0].depth).any(), "the maps of a frame stay its own"
    assert not np.array_equal(frames[0].depth, frames[-1].depth, equal_nan=True)
