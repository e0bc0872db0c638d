"""Sliders by keyboard: arrows, Enter, and the focus that Tab moves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from imgui_bundle import imgui

from tests.widgets.stage import Stage, context
from viz import ui
from viz.nudging import fine_step
from viz.view import SamplingView
from viz.window.offscreen import OffscreenWindow
from widgets.latent import LatentPanel
from widgets.view import ViewPanel

PSI = "Latent/Truncation ψ"


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, LatentPanel(), context())


@pytest.mark.parametrize(
    ("value", "low", "high", "format", "logarithmic", "step"),
    [
        (0.0, -180.0, 180.0, "%.1f°", False, 2.0),
        (0.5, 0.0, 1.2, "%.2f", False, 0.01),
        (0.0, -1.0, 1.0, "%.3f", False, 0.02),
        (18.8, 4.0, 100.0, "%.1f°", True, 0.1),
        (2.7, 1.0, 7.0, "%.2f", True, 0.02),
        (0.0, 0.0, 0.1, "%.2f", False, 0.01),
    ],
)
def test_steps_are_round_and_can_be_seen(
    value: float, low: float, high: float, format: str, logarithmic: bool, step: float
) -> None:
    assert fine_step(value, low, high, format, logarithmic) == pytest.approx(step)


def test_arrows_nudge_the_slider_under_the_mouse(stage: Stage) -> None:
    stage.hover(PSI)
    for _ in range(3):
        stage.key(imgui.Key.left_arrow)
    assert stage.view.latent.truncation_psi == pytest.approx(0.97)
    stage.key(imgui.Key.right_arrow)
    stage.key(imgui.Key.left_arrow, imgui.Key.left_shift)
    assert stage.view.latent.truncation_psi == pytest.approx(0.88)
    assert ui.keys_claimed(), "shortcuts leave the arrows alone meanwhile"
    for _ in range(40):
        stage.key(imgui.Key.right_arrow, imgui.Key.left_shift)
    assert stage.view.latent.truncation_psi == 1.2, "not beyond the end"


def test_whole_numbers_too(window: OffscreenWindow) -> None:
    stage = Stage(window, ViewPanel(), context())
    stage.view = replace(stage.view, sampling=SamplingView(renderer="plain"))
    stage.frame()
    stage.hover("View/Samples")
    stage.key(imgui.Key.right_arrow)
    own = stage.context.network.config.generator.render.depth_samples if stage.context.network else 0
    assert stage.view.sampling.depth_samples == own + 1


def test_nothing_happens_elsewhere(stage: Stage) -> None:
    stage.hover("Latent/Seed map")
    stage.key(imgui.Key.left_arrow)
    assert stage.view.latent.truncation_psi == 1.0
    stage.frame(2)
    assert not ui.keys_claimed()


def test_enter_types_a_value(stage: Stage) -> None:
    for place in (0.4, 0.5):  # moving the mouse takes the keyboard's focus from where it was
        stage.hover(PSI, (place, 0.5))
    stage.key(imgui.Key.enter)
    stage.frame(2)
    assert imgui.get_io().want_text_input
    stage.key(imgui.Key.a, imgui.Key.left_ctrl)
    stage.type("0.62")
    stage.key(imgui.Key.enter)
    stage.frame(3)
    assert stage.view.latent.truncation_psi == pytest.approx(0.62)
    assert not imgui.get_io().want_text_input


def take_the_keyboard(stage: Stage) -> None:
    """Click where nothing is."""
    stage.move(150.0, 650.0)
    stage.press(True)
    stage.press(False)
    stage.window.on_mouse_leave()
    stage.frame()


def test_arrows_go_to_a_slider_and_nudge_it(stage: Stage) -> None:
    take_the_keyboard(stage)
    for _ in range(12):
        stage.key(imgui.Key.down_arrow)
        if ui.keys_claimed():
            break
    assert imgui.get_io().nav_visible
    stage.key(imgui.Key.left_arrow)
    assert stage.view.latent.truncation_psi == pytest.approx(0.99)
    stage.key(imgui.Key.escape)
