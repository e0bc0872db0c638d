"""No setting can show a stale image: whatever was rendered before, a View gives what a fresh engine gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.viz.nets import save_tiny
from tests.viz.strategies import edited, edits
from viz.engine import Engine
from viz.frame import Frame
from viz.networks import NetworkStore
from viz.view import ColorMap, DisplayMode, DisplayView, NetworkView, View


def assert_same_picture(a: Frame, b: Frame) -> None:
    for name in ("rgba", "image", "raw", "depth", "opacity"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for name in ("view", "depth_range", "camera_pose", "generator_pose", "discriminator_pose"):
        assert getattr(a, name) == getattr(b, name)


def check(
    store: NetworkStore, paths: list[Path], steps: list[tuple[str, str, Any] | int], budget: int
) -> None:
    engine = Engine(networks=store, memory_bytes=budget)
    view = View(NetworkView(str(paths[0])))
    for step in steps:
        if isinstance(step, int):
            view = View(NetworkView(str(paths[step])), view.latent, view.pose, view.camera, view.sampling)
        else:
            view = edited(view, step)
        engine.render(view, "preview")
        frame = engine.render(view)
        assert frame.cache_bytes <= budget
        assert_same_picture(frame, Engine(networks=store).render(view))


# A large memory, one that holds a picture or two, and none.
@pytest.mark.parametrize("budget", [1 << 26, 30_000, 0])
def test_equals_a_fresh_engine(tiny: Path, tiny_2x: Path, conditioned: Path, budget: int) -> None:
    store = NetworkStore()

    @given(st.lists(edits() | st.integers(0, 2), min_size=1, max_size=8))
    @settings(max_examples=12, suppress_health_check=list(HealthCheck))
    def property_test(steps: list[tuple[str, str, Any] | int]) -> None:
        check(store, [tiny, tiny_2x, conditioned], steps, budget)

    property_test()


@pytest.mark.parametrize("mode", ["depth", "side_by_side"])
def test_colours_of_depth_are_never_stale(tiny: Path, mode: DisplayMode) -> None:
    store = NetworkStore()
    engine = Engine(networks=store)
    for color_map in get_args(ColorMap):
        for depth_range in (None, (2.4, 3.0), (2.5, 2.6)):
            view = View(NetworkView(str(tiny)), display=DisplayView(mode, color_map, depth_range))
            assert_same_picture(engine.render(view), Engine(networks=store).render(view))


def test_two_networks_never_share_a_picture(tmp_path: Path) -> None:
    paths = [save_tiny(tmp_path / f"{seed}.safetensors", seed=seed) for seed in range(2)]
    store = NetworkStore()
    engine = Engine(networks=store)
    for path in (*paths, *paths):
        view = View(NetworkView(str(path)))
        assert_same_picture(engine.render(view), Engine(networks=store).render(view))


def test_equal_views_give_equal_frames(tiny: Path) -> None:
    view = View(NetworkView(str(tiny)))
    assert_same_picture(Engine().render(view), Engine().render(view))


def test_every_field_of_a_view_counts_in_equality() -> None:
    base = View()
    for part in ("latent", "pose", "camera", "sampling", "display"):
        for field in getattr(base, part).__dataclass_fields__:
            marker = object()
            assert edited(base, (part, field, marker)) != base
