"""The Latent panel: seeds, the map, ψ and the cutoff."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imgui_bundle import imgui

from pof3d.config import CARS, FFHQ, TOY_CATS
from pof3d.nets.backbone import Backbone, block_resolutions
from tests.widgets.stage import Stage, context
from viz.seed_map import step_seed, with_seed
from viz.view import LatentView
from viz.window.offscreen import OffscreenWindow
from widgets import latent as panel
from widgets.latent import LatentPanel

POINTS = st.floats(-500, 500).map(lambda x: round(x, 3))


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, LatentPanel(random.Random(7)), context(), size=(304, 420))


# -------------------------------------------------------------------------------------- without a window
@pytest.mark.parametrize("config", [FFHQ, CARS, TOY_CATS], ids=lambda config: config.name)
def test_number_of_layers_is_the_backbones(config) -> None:  # type: ignore[no-untyped-def]
    small = replace(config.generator, channel_base=256, channel_max=4)
    assert panel.num_ws(config.generator.plane_resolution) == Backbone(small).num_ws


@pytest.mark.parametrize("resolution", [4, 8, 64, 256, 512])
def test_two_layers_a_resolution(resolution: int) -> None:
    assert panel.num_ws(resolution) == 2 * len(block_resolutions(resolution))


@given(st.integers(-10, 2**33))
def test_seeds_are_clamped_and_exact(seed: int) -> None:
    latent = with_seed(LatentView(3.4, -1.2, 0.5), seed)
    assert latent.seed == min(max(seed, 0), 2**32 - 1)
    assert not panel.is_between(latent)
    assert latent.truncation_psi == 0.5


def test_steps_go_around_the_ends() -> None:
    assert step_seed(LatentView(), -1).seed == 2**32 - 1
    assert step_seed(with_seed(LatentView(), 2**32 - 1), 1).seed == 0
    assert step_seed(LatentView(99.0), 1).seed == 100


@given(POINTS, POINTS)
def test_four_neighbours_share_the_weight(x: float, y: float) -> None:
    parts = panel.neighbours(x, y)
    assert sum(weight for *_, weight in parts) == pytest.approx(1.0)
    assert sum(weight * column for column, _, weight in parts) == pytest.approx(x, abs=1e-6)
    assert sum(weight * row for _, row, weight in parts) == pytest.approx(y, abs=1e-6)
    assert 1 <= len(parts) <= 4
    assert [weight for *_, weight in parts] == sorted((weight for *_, weight in parts), reverse=True)


def test_a_seed_is_its_only_neighbour() -> None:
    assert panel.neighbours(4.0, -2.0) == [(4, -2, 1.0)]


def test_a_dragged_map_follows_the_cursor() -> None:
    latent = panel.dragged(LatentView(10.0, 5.0), (54.0, -27.0), 54.0)
    assert (latent.x, latent.y) == (9.0, 5.5)


def test_snapping_goes_to_the_nearest_seed() -> None:
    latent = panel.snapped(LatentView(3.4, -1.6, 0.7))
    assert (latent.x, latent.y, latent.truncation_psi) == (3.0, -2.0, 0.7)


def test_long_seeds_show_their_ends() -> None:
    assert panel.seed_text(123456) == "123456"
    assert panel.seed_text(4294967295) == "…7295"


# ----------------------------------------------------------------------------------------- with a window
def test_step_buttons(stage: Stage) -> None:
    stage.click("Latent/Seed +")
    stage.click("Latent/Seed +")
    assert stage.view.latent.seed == 2
    stage.click("Latent/Seed -")
    assert stage.view.latent.seed == 1


def test_random_comes_from_the_generator_given(stage: Stage) -> None:
    stage.click("Latent/Random")
    assert stage.view.latent.seed == random.Random(7).randrange(panel.RANDOM_SEEDS)


def test_typed_seeds(stage: Stage) -> None:
    for typed, seed in (("512", 512), ("99999999999", 2**32 - 1), ("-5", 0), ("4294967295", 2**32 - 1)):
        stage.type_into("Latent/Seed", typed, slider=False)
        assert stage.view.latent.seed == seed, typed


def test_the_map_pans_and_snaps_back(stage: Stage) -> None:
    stage.view = replace(stage.view, latent=LatentView(10.0, 3.0))
    stage.drag("Latent/Seed map", (0.5, 0.5), (-27.0, 10.0))
    latent = stage.view.latent
    assert latent.x == pytest.approx(10.5, abs=0.01)
    assert latent.y == pytest.approx(3.0 - 10.0 / 54.0, abs=0.01)
    stage.click("Latent/Snap to seed")
    assert stage.view.latent in (LatentView(10.0, 3.0), LatentView(11.0, 3.0))
    assert not stage.rect("Latent/Snap to seed").enabled


@pytest.mark.parametrize("at", [(-0.33, -0.2), (0.4, -1.24), (3.4, 1.2)])
@pytest.mark.parametrize("blend", [False, True])
def test_long_seeds_are_readable(stage: Stage, at: tuple[float, float], blend: bool) -> None:
    other = ((at[0] - 1, at[1] - 1, 0.5),) if blend else ()
    stage.view = replace(stage.view, latent=LatentView(*at, blend=other))
    stage.frame(2)
    assert stage.rect("Latent/Between").right < stage.rect("Latent/Snap to seed").left
    field, digits = stage.rect("Latent/Seed"), imgui.calc_text_size(str(2**32 - 1)).x
    assert field.right - field.left >= digits + 2 * imgui.get_style().frame_padding.x
    assert stage.rect("Latent/Random").right <= 304


def test_what_is_said_of_the_mixture() -> None:
    parts = panel.shares(LatentView(-0.33, -0.2))
    assert sum(weight for _, weight in parts) == pytest.approx(1.0)
    assert [seed for seed, _ in parts[:2]] == [0, 2**32 - 1]
    said = [panel.shares_text(parts, lambda text: len(text) <= room) for room in (99, 25, 9)]  # noqa: B023
    assert said == ["between  0: 54%  4294967295: 26%", "0: 54%  4294967295: 26%", "0: 54%  …"]


def test_a_click_on_the_map_does_not_move_it(stage: Stage) -> None:
    stage.click("Latent/Seed map", (0.2, 0.3))
    assert stage.view.latent == LatentView()


def test_typed_psi_is_clamped(stage: Stage) -> None:
    for typed, psi in (("0.7", 0.7), ("9", 1.2), ("-3", 0.0)):
        stage.type_into("Latent/Truncation ψ", typed)
        assert stage.view.latent.truncation_psi == psi, typed


def test_three_ways_back_to_untruncated(stage: Stage) -> None:
    truncated = replace(stage.view, latent=LatentView(truncation_psi=0.3))
    for way in ("button", "right", "double"):
        stage.view = truncated
        stage.frame(2)
        if way == "button":
            stage.click("Latent/Truncation ψ reset")
        elif way == "right":
            stage.click("Latent/Truncation ψ", (0.4, 0.5), button=1)
        else:
            stage.click("Latent/Truncation ψ", (0.7, 0.5), count=2)
        assert stage.view.latent.truncation_psi == 1.0, way
    assert not stage.rect("Latent/Truncation ψ reset").enabled


def test_cutoff_all_is_none(stage: Stage) -> None:
    for typed, cutoff in (("4", 4), ("99", None), ("-1", 0)):
        stage.type_into("Latent/Cutoff", typed)
        assert stage.view.latent == LatentView(truncation_cutoff=cutoff)
    stage.click("Latent/Cutoff reset")
    assert stage.view.latent == LatentView()


def test_noise(stage: Stage) -> None:
    stage.click("Latent/Noise")
    assert stage.view.latent == LatentView(noise="none")
    stage.click("Latent/Noise")
    assert stage.view.latent == LatentView()
