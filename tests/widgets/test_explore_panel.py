"""The Explore panel, by mouse and keyboard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from imgui_bundle import imgui

from tests.widgets.stage import Stage, context
from viz.explore_state import Bookmark, DirectionsState, ExploreState, Visited
from viz.latent_edits import mixing
from viz.panel import PanelContext
from viz.seed_map import with_seed
from viz.view import LatentView, NetworkView, View
from viz.window.offscreen import OffscreenWindow
from widgets.explore import ExplorePanel
from widgets.explore.mixing import presets

LAYERS = 8
"""Of the toy networks."""
SHARES = tuple(0.3 / 1.4**i for i in range(10))


def explored(**changes: object) -> PanelContext:
    picture = np.full((64, 64, 4), 200, np.uint8)
    state = ExploreState(
        thumbnail=lambda latent: picture,
        directions=lambda: DirectionsState(SHARES),
        visited=tuple(Visited(LatentView(x=float(10 + i), truncation_psi=0.5), picture) for i in range(7)),
        bookmarks=(Bookmark("first", View()), Bookmark("second", View(NetworkView("/nets/other.pkl")))),
    )
    return context(explore=replace(state, **changes))  # type: ignore[arg-type]


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, ExplorePanel(), explored(), size=(304, 690))


# -------------------------------------------------------------------------------------------- neighbours
def test_a_click_on_a_neighbour_goes_there_and_keeps_the_rest(stage: Stage) -> None:
    stage.view = View(latent=LatentView(5.4, 1.2, 0.6, directions=(1.0,)))
    stage.frame(2)
    stage.click("Explore/Neighbour +2")
    assert stage.view.latent == LatentView(7.0, 1.0, 0.6, directions=(1.0,))
    stage.click("Explore/Neighbour -1")
    assert stage.view.latent.seed == 106


def test_the_nearest_thumbnails_are_asked_for_first(stage: Stage) -> None:
    asked: list[int] = []

    def thumbnail(latent: LatentView) -> None:
        asked.append(latent.seed)

    stage.context = explored(thumbnail=thumbnail)
    stage.view = View(latent=with_seed(LatentView(), 50))
    stage.frame()
    assert asked[:5] == [50, 51, 49, 52, 48]


# -------------------------------------------------------------------------------------------- directions
def moves(stage: Stage) -> tuple[float, ...]:
    return stage.view.latent.directions


def test_sliders_move_along_directions(stage: Stage) -> None:
    stage.type_into("Explore/Direction 3", "-1.5")
    stage.type_into("Explore/Direction 1", "2")
    assert moves(stage) == (2.0, 0.0, -1.5)
    stage.type_into("Explore/Direction 1", "99")
    assert moves(stage) == (4.0, 0.0, -1.5)
    stage.click("Explore/Direction 3 reset")
    assert moves(stage) == (4.0,)
    stage.click("Explore/Reset directions")
    assert stage.view.latent == LatentView()
    assert not stage.rect("Explore/Reset directions").enabled


def test_a_direction_in_use_is_never_hidden(stage: Stage) -> None:
    assert not stage.has("Explore/Direction 6")
    stage.click("Explore/All 10")
    stage.forget()
    stage.frame()
    assert stage.has("Explore/Direction 10")
    stage.type_into("Explore/Direction 7", "1")
    stage.click("Explore/First 5")
    stage.forget()
    stage.frame()
    assert stage.has("Explore/Direction 7")
    assert not stage.has("Explore/Direction 8")


def test_there_are_no_sliders_before_directions_are_known(stage: Stage) -> None:
    for state in (DirectionsState(), DirectionsState(fraction=0.5), DirectionsState(error="it failed")):
        stage.context = explored(directions=lambda state=state: state)
        stage.forget()
        stage.frame()
        assert not stage.has("Explore/Direction 1")
        assert stage.has("Explore/Search") == (not state.error)


# ---------------------------------------------------------------------------------------------- mixing
def test_mixing_begins_with_the_next_seed_and_ends_without_one(stage: Stage) -> None:
    stage.view = View(latent=LatentView(x=3.0))
    stage.click("Explore/Mix")
    assert mixing(stage.view.latent, LAYERS) == (4, 4, 8)
    stage.click("Explore/Mix")
    assert mixing(stage.view.latent, LAYERS) is None
    assert not stage.has("Explore/Layers") or stage.view.latent.mix_seed is None


def test_the_second_seed_is_typed_stepped_and_exchanged(stage: Stage) -> None:
    stage.view = View(latent=LatentView(x=3.0, mix_seed=9))
    stage.frame(2)
    stage.type_into("Explore/Second seed", "120", slider=False)
    stage.click("Explore/Second seed +")
    stage.click("Explore/Second seed +")
    stage.click("Explore/Second seed -")
    assert stage.view.latent.mix_seed == 121
    stage.type_into("Explore/Second seed", "99999999999", slider=False)
    assert stage.view.latent.mix_seed == 2**32 - 1
    stage.click("Explore/Second seed +")
    assert stage.view.latent.mix_seed == 0, "around the end"
    stage.view = View(latent=LatentView(x=3.0, mix_seed=121))
    stage.click("Explore/Second")
    assert (stage.view.latent.seed, stage.view.latent.mix_seed) == (121, 3)


def test_both_ends_of_the_range_and_its_middle_are_dragged(stage: Stage) -> None:
    stage.view = View(latent=LatentView(mix_seed=9, mix_first=2, mix_end=6))
    stage.frame(2)
    layer = stage.rect("Explore/Layers").width / LAYERS

    def drag(at: float, layers: float) -> tuple[int, int, int] | None:
        stage.drag("Explore/Layers", (at / LAYERS, 0.5), (layers * layer, 0.0))
        return mixing(stage.view.latent, LAYERS)

    assert drag(2.1, -1.0) == (9, 1, 6), "the left end"
    assert drag(5.9, 1.0) == (9, 1, 7), "the right end"
    assert drag(4.0, -3.0) == (9, 0, 6), "the whole, as far as there is room"
    assert drag(3.0, 9.0) == (9, 2, 8)
    assert stage.view.latent.mix_end is None, "up to the finest, in any network"
    assert drag(2.1, 20.0) == (9, 7, 8), "an end does not pass the other"


def test_presets_name_ranges(stage: Stage) -> None:
    stage.view = View(latent=LatentView(mix_seed=9))
    stage.frame(2)
    stage.click("Explore/Preset: Coarse")
    assert mixing(stage.view.latent, LAYERS) == (9, 0, 2)
    stage.click("Explore/Preset: Fine")
    assert mixing(stage.view.latent, LAYERS) == (9, 6, 8)
    stage.click("Explore/Preset: All")
    assert stage.view.latent == LatentView(mix_seed=9)


@pytest.mark.parametrize("layers", [2, 8, 14])
def test_presets_cover_all_layers(layers: int) -> None:
    spans = presets(layers)
    assert spans["All"] == (0, layers)
    assert spans["Coarse"][0] == 0
    assert spans["Coarse"][1] <= spans["Middle"][1] <= layers
    assert spans["Middle"] == (spans["Coarse"][1], spans["Fine"][0])
    assert spans["Fine"][1] == layers


# ------------------------------------------------------------------------------- visited and bookmarks
def test_a_click_on_a_visited_latent_returns_to_it(window: OffscreenWindow) -> None:
    stage = Stage(window, ExplorePanel(), explored(), size=(304, 690))
    camera = replace(View().camera, yaw=0.4)
    stage.view = replace(stage.view, camera=camera)
    stage.click("Explore/Principal directions")  # folds it
    stage.click("Explore/Visited 6")
    assert stage.view == View(latent=LatentView(x=16.0, truncation_psi=0.5), camera=camera)


@pytest.fixture
def folded(stage: Stage) -> Stage:
    """With room for the bookmarks."""
    stage.click("Explore/Principal directions")
    stage.click("Explore/Neighbouring seeds")
    assert stage.calls == []
    return stage


def test_bookmarks_are_made_and_gone_to(folded: Stage) -> None:
    folded.click("Explore/Bookmark this view")
    folded.click("Explore/Bookmark 1")
    folded.click("Explore/Delete 0")
    assert folded.calls == [("add_bookmark",), ("go_to_bookmark", 1), ("delete_bookmark", 0)]
    assert folded.view == View(), "the program goes there"


def test_bookmarks_are_renamed_in_place(folded: Stage) -> None:
    folded.click("Explore/Rename 1")
    assert folded.has("Explore/Name 1")
    folded.key(imgui.Key.a, imgui.Key.left_ctrl)
    folded.type("a better name")
    folded.key(imgui.Key.enter)
    assert folded.calls == [("rename_bookmark", 1, "a better name")]
    folded.forget()
    folded.frame()
    assert not folded.has("Explore/Name 1")


def test_escape_leaves_the_name(folded: Stage) -> None:
    folded.click("Explore/Rename 0")
    folded.type("nonsense")
    folded.key(imgui.Key.escape)
    folded.frame(2)
    assert folded.calls == []
    folded.forget()
    folded.frame()
    assert not folded.has("Explore/Name 0")
