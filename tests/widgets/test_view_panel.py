"""The View panel: display mode, depth colours and sampling."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pof3d.config import FAST_SAMPLES, FFHQ, RenderConfig
from tests.widgets.stage import Stage, context, info
from viz.limits import check_view
from viz.view import DisplayView, SamplingView, View
from viz.window.offscreen import OffscreenWindow
from widgets.view import ViewPanel, relative_work, valid_range


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, ViewPanel(), context(network=info(FFHQ)), size=(304, 470))


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_ranges_are_in_order_and_never_empty(near: float, far: float) -> None:
    low, high = valid_range(near, far)
    assert 0.0 <= low < high <= 10.0
    check_view(View(display=DisplayView(depth_range=(low, high))))


def test_a_good_range_is_left_alone() -> None:
    assert valid_range(2.2, 3.1) == (2.2, 3.1)
    assert valid_range(3.1, 2.2) == (2.2, 3.1)


def test_work_counts_rays_times_samples() -> None:
    own = RenderConfig(resolution=64, depth_samples=48, importance_samples=48)
    assert relative_work(SamplingView(renderer="plain"), own) == 1.0
    assert relative_work(SamplingView(), own) == pytest.approx(FAST_SAMPLES / 96)
    assert relative_work(SamplingView(128, None, 0), own) == pytest.approx(2.0)
    assert relative_work(SamplingView(32, 96, 96), own) == pytest.approx(0.5)


def test_modes(stage: Stage) -> None:
    modes = {"Raw": "raw", "Depth": "depth", "Side by side": "side_by_side", "RGB": "rgb"}
    for text, mode in modes.items():
        stage.click(f"View/Mode: {text}")
        assert stage.view.display.mode == mode


def test_colour_maps_are_chosen_from_a_list(stage: Stage) -> None:
    stage.click("View/Colour map")
    stage.click("View/Colour map: magma")
    assert stage.view.display.color_map == "magma"


def test_a_manual_range_starts_from_the_fitted_one(stage: Stage) -> None:
    assert not stage.rect("View/Range").enabled
    stage.click("View/Fit range")
    assert stage.view.display.depth_range == (2.31, 3.02)
    stage.drag("View/Range", (0.25, 0.5), (20.0, 0.0))
    depth_range = stage.view.display.depth_range
    assert depth_range is not None
    assert depth_range[0] > 2.31
    assert depth_range[1] == pytest.approx(3.02)
    stage.click("View/Fit range")
    assert stage.view.display.depth_range is None


CLAMPED = [
    ("Resolution", "100000", "resolution", 512),
    ("Resolution", "1", "resolution", 16),
    ("Samples", "100000", "depth_samples", 192),
    ("Samples", "0", "depth_samples", 4),
    ("Importance", "-3", "importance_samples", 0),
    ("Importance", "100000", "importance_samples", 192),
]


def test_the_fast_renderer_takes_no_counts_and_the_plain_one_does(stage: Stage) -> None:
    assert not {"View/Samples", "View/Importance"} & stage.registry.rects.keys()
    stage.click("View/Fast")
    assert stage.view.sampling == SamplingView(renderer="plain")
    stage.type_into("View/Samples", "20")
    assert stage.view.sampling == SamplingView(depth_samples=20, renderer="plain")
    stage.click("View/Fast")
    assert stage.view.sampling == SamplingView()


def test_typed_sampling_is_clamped(stage: Stage) -> None:
    stage.click("View/Fast")
    for name, typed, field, expected in CLAMPED:
        stage.type_into(f"View/{name}", typed)
        assert getattr(stage.view.sampling, field) == expected, (name, typed)
    for name in ("Resolution", "Samples", "Importance"):
        stage.click(f"View/{name} reset")
    assert stage.view.sampling == SamplingView(renderer="plain")


def test_the_networks_own_values_are_stored_as_such(stage: Stage) -> None:
    stage.view = replace(View(), sampling=SamplingView(100, 20, 20))
    stage.frame()
    for name, own in (("Resolution", "64"), ("Samples", "48"), ("Importance", "48")):
        stage.type_into(f"View/{name}", own)
    assert stage.view.sampling == SamplingView()


def test_values_beyond_every_slider_are_drawn(stage: Stage) -> None:
    stage.view = View(sampling=SamplingView(2**62, 2**62, -(2**62)))
    stage.frame(2)
    assert stage.view.sampling.resolution == 2**62
