"""What the engine shows while a camera moves: the last full frame's detail at the fresh rays' places."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.viz.views import turned
from viz import preview
from viz.engine import Engine
from viz.frame import Frame
from viz.view import (
    DisplayMode,
    DisplayView,
    LatentView,
    SamplingView,
)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """On a machine that is too slow for super-resolution, but not for rays."""
    monkeypatch.setattr(
        preview.Speed, "after_superres", lambda self, _: replace(self, superres_milliseconds=1e4)
    )
    monkeypatch.setattr(
        preview.Speed, "after_points", lambda self, *_: replace(self, point_milliseconds=1e-5)
    )
    return Engine()


def stages(frame: Frame) -> set[str]:
    return {timing.name for timing in frame.timings}


def psnr(frame: Frame, truth: Frame) -> float:
    error = np.mean((frame.image.astype(float) - truth.image) ** 2)
    return float(10 * np.log10(255.0**2 / error))


def test_previews_have_the_full_frames_size_and_detail(engine: Engine, tiny_2x: Path) -> None:
    view = turned(tiny_2x, 0.03)
    before = engine.render(view, "preview")
    assert "enlargement" in stages(before)
    engine.render(turned(tiny_2x, 0.0))
    after = engine.render(view, "preview")
    truth = engine.render(view)
    assert "reprojection" in stages(after)
    assert "super-resolution" not in stages(after)
    assert before.image.shape == after.image.shape == truth.image.shape
    assert before.rgba.shape == after.rgba.shape == truth.rgba.shape
    assert psnr(after, truth) > psnr(before, truth) + 5.0
    np.testing.assert_array_equal(after.raw, before.raw)
    assert after.level == "preview"


def test_full_frames_have_no_history(engine: Engine, tiny_2x: Path) -> None:
    for yaw in (0.0, 0.05, 0.1):
        engine.render(turned(tiny_2x, yaw), "preview")
        full = engine.render(turned(tiny_2x, yaw))
        np.testing.assert_array_equal(full.rgba, Engine().render(turned(tiny_2x, yaw)).rgba)


def test_a_reprojected_picture_is_never_reprojected(engine: Engine, tiny_2x: Path) -> None:
    engine.render(turned(tiny_2x, 0.0))
    direct = engine.render(turned(tiny_2x, 0.1), "preview")
    engine.memory.clear()
    engine.render(turned(tiny_2x, 0.0))
    for yaw in (0.02, 0.05, 0.08):
        engine.render(turned(tiny_2x, yaw), "preview")
    np.testing.assert_array_equal(engine.render(turned(tiny_2x, 0.1), "preview").rgba, direct.rgba)


@pytest.mark.parametrize(
    "part",
    [
        {"latent": LatentView(x=1.0)},
        {"latent": LatentView(truncation_psi=0.5)},
        {"latent": LatentView(noise="none")},
        {"sampling": SamplingView(resolution=24)},
        {"sampling": SamplingView(renderer="plain")},
    ],
)
def test_only_pictures_of_the_same_content_lend_detail(
    engine: Engine, tiny_2x: Path, part: dict[str, object]
) -> None:
    engine.render(turned(tiny_2x, 0.0))
    other = engine.render(turned(tiny_2x, 0.05, **part), "preview")
    assert "reprojection" not in stages(other)
    assert "reprojection" in stages(engine.render(turned(tiny_2x, 0.05), "preview"))


def test_each_latent_has_its_own(engine: Engine, tiny_2x: Path) -> None:
    """Two pictures side by side do not take turns in forgetting."""
    for x in (0.0, 1.0):
        engine.render(turned(tiny_2x, 0.0, latent=LatentView(x=x)))
    for x in (0.0, 1.0):
        frame = engine.render(turned(tiny_2x, 0.05, latent=LatentView(x=x)), "preview")
        assert "reprojection" in stages(frame)


def test_it_goes_with_the_memory(engine: Engine, tiny_2x: Path) -> None:
    engine.render(turned(tiny_2x, 0.0))
    engine.set_device("cpu")
    assert "reprojection" not in stages(engine.render(turned(tiny_2x, 0.05), "preview"))
    small = Engine(networks=engine.networks, memory_bytes=30_000)
    small.render(turned(tiny_2x, 0.0))
    frame = small.render(turned(tiny_2x, 0.05), "preview")
    assert "reprojection" not in stages(frame)
    assert frame.cache_bytes <= 30_000


@pytest.mark.parametrize("mode", ["raw", "depth", "normals", "opacity"])
def test_what_does_not_show_the_final_image_is_left_alone(
    engine: Engine, tiny_2x: Path, mode: DisplayMode
) -> None:
    engine.render(turned(tiny_2x, 0.0))
    frame = engine.render(turned(tiny_2x, 0.05, display=DisplayView(mode=mode)), "preview")
    assert not stages(frame) & {"reprojection", "enlargement", "super-resolution"}


def test_image_and_depth_side_by_side_are_as_large_as_later(engine: Engine, tiny_2x: Path) -> None:
    engine.render(turned(tiny_2x, 0.0))
    view = turned(tiny_2x, 0.05, display=DisplayView(mode="side_by_side"))
    frame = engine.render(view, "preview")
    assert "reprojection" in stages(frame)
    assert frame.rgba.shape == engine.render(view).rgba.shape


@pytest.mark.parametrize("noise", ["const", "none"])
def test_small_previews_of_any_network_are_made_larger(
    engine: Engine, tiny: Path, noise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview.Speed, "after_points", lambda self, *_: replace(self, point_milliseconds=1.0))
    latent = LatentView(noise=noise)  # type: ignore[arg-type]
    view = turned(tiny, 0.0, sampling=SamplingView(resolution=64), latent=latent)
    engine.render(view, "preview")
    small, full = engine.render(turned(tiny, 0.1, sampling=view.sampling), "preview"), engine.render(view)
    assert small.raw.shape[0] < full.raw.shape[0]
    assert small.image.shape == full.image.shape
    assert stages(small) & {"enlargement", "reprojection"} == {"enlargement"}
