"""The Internals panel: layers, channels, tri-planes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.widgets.stage import Stage, context
from viz.internals import Internals, InternalsState, describe
from viz.view import View
from viz.window.offscreen import OffscreenWindow
from widgets.internals import CELL, PAGE, InternalsPanel, diverging, enlarged, mosaic


def internals() -> Internals:
    random = torch.Generator().manual_seed(0)
    layers = (
        describe("fc0", "Mapping", torch.randn(1, 24, generator=random)),
        describe("8² conv0", "Backbone", torch.randn(1, 40, 8, 8, generator=random)),
    )
    planes = np.random.default_rng(0).integers(0, 255, (3, 8, 8, 3), np.uint8)
    return Internals(View(), layers, planes, ("x y", "x z", "z y"))


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    facts = context(internals=InternalsState(internals(), fresh=True))
    return Stage(window, InternalsPanel(), facts, size=(304, 560))


def test_colours_have_a_sign() -> None:
    colours = diverging(np.array([[-2.0, -1.0, 0.0, 1.0]]), 1.0)
    assert (colours[0, 0] == colours[0, 1]).all(), "beyond the reach"
    assert colours[0, 1, 2] > 200 > colours[0, 1, 0]
    assert colours[0, 3, 0] > 200 > colours[0, 3, 2]
    assert colours[0, 2, :3].max() < 40


def test_pictures_are_enlarged_without_blur() -> None:
    small = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
    large = enlarged(small, 6)
    assert large.shape == (6, 6, 1)
    assert (large[:3, :3] == 0).all()
    assert (large[3:, 3:] == 3).all()


def test_a_page_has_its_channels_in_order() -> None:
    values = torch.zeros(1, PAGE + 1, 2, 2)
    values[0, 1], values[0, PAGE] = 1.0, -1.0
    layer = describe("conv", "Backbone", values)
    first, second = mosaic(layer, 0), mosaic(layer, PAGE)
    assert first[0, CELL + 1, 0] > 200
    assert second[0, 0, 2] > 200
    assert second[0, CELL + 1, 3] == 0, "no channel, no picture"


def test_planes_first_then_layers(stage: Stage) -> None:
    stage.frame(2)
    assert stage.has("Internals/Plane x y")
    assert set(stage.calls) == {("look_inside",)}
    stage.click("Internals/Next layer")
    stage.frame(2)
    assert stage.has("Internals/Numbers")
    stage.click("Internals/Next layer")
    stage.frame(2)
    assert stage.has("Internals/Channels")
    assert not stage.rect("Internals/Next layer").enabled
    stage.click("Internals/Layer")
    stage.click("Internals/Layer: Tri-planes")
    stage.frame(2)
    assert stage.has("Internals/Plane z y")


def test_channels_are_browsed_and_chosen(stage: Stage) -> None:
    panel = stage.panel
    assert isinstance(panel, InternalsPanel)
    stage.click("Internals/Next layer")
    stage.click("Internals/Next layer")
    stage.frame(2)
    stage.click("Internals/Channels", at=(1.5 / 6, 0.5 / 3))
    assert panel._channel == 1
    stage.click("Internals/Next page")
    stage.frame(2)
    stage.click("Internals/Channels", at=(0.5 / 6, 1.5 / 3))
    assert panel._channel == PAGE + 6
    stage.click("Internals/Next page")
    stage.frame(2)
    assert not stage.rect("Internals/Next page").enabled


def test_without_anything_it_says_what_will_come(window: OffscreenWindow) -> None:
    facts = context(internals=InternalsState(fraction=0.4))
    stage = Stage(window, InternalsPanel(), facts, size=(304, 300))
    stage.frame(2)
    assert stage.has("Internals/Progress")
