"""Panes as plain values: pinning, activating, removing, linking, and what sets Views apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import msgspec
import pytest

from viz.comparing import (
    MOST_PANES,
    CompareLayout,
    Comparison,
    activated,
    companions,
    linked_view,
    pinned,
    removed,
    shown_view,
    shown_views,
    synced,
)
from viz.pane_names import differences, names, title
from viz.view import CameraView, DisplayView, LatentView, NetworkView, PoseView, SamplingView, View

FRONT = View(NetworkView("/nets/cats.safetensors"))


def seed(x: float, view: View = FRONT) -> View:
    return replace(view, latent=replace(view.latent, x=x))


def turned(view: View, yaw: float) -> View:
    return replace(view, pose=replace(view.pose, source="free"), camera=CameraView(yaw=yaw))


def three() -> Comparison:
    """Seeds 0 and 1 pinned, seed 2 active."""
    comparison = pinned(Comparison(), seed(0))
    return synced(pinned(comparison, seed(1)), seed(2))


def test_the_first_pin_sets_a_view_beside_itself() -> None:
    comparison = pinned(Comparison(), FRONT)
    assert [pane.view for pane in comparison.panes] == [FRONT, FRONT]
    assert (comparison.active, comparison.on) == (1, True)
    assert comparison.panes[0].key != comparison.panes[1].key


def test_further_pins_stand_before_the_active_pane() -> None:
    comparison = three()
    assert [pane.view.latent.x for pane in comparison.panes] == [0, 1, 2]
    assert comparison.active == 2
    full = pinned(comparison, seed(2))
    assert len(full.panes) == MOST_PANES
    assert len({pane.key for pane in full.panes}) == MOST_PANES
    with pytest.raises(ValueError, match="panes already"):
        pinned(full, seed(2))


def test_activating_keeps_the_view_worked_on() -> None:
    comparison, view = activated(replace(three(), linked=False), 0, seed(7))
    assert (view, comparison.active) == (seed(0), 0)
    assert [pane.view.latent.x for pane in comparison.panes] == [0, 1, 7]
    back, view = activated(comparison, 2, view)
    assert view == seed(7)
    assert [pane.key for pane in back.panes] == [pane.key for pane in comparison.panes]


def test_a_linked_pane_is_activated_as_it_was_seen() -> None:
    present = turned(seed(2), 0.5)
    _, view = activated(three(), 0, present)
    assert view == turned(seed(0), 0.5)


def test_removing() -> None:
    comparison = three()
    left = removed(comparison, 0)
    assert ([pane.view.latent.x for pane in left.panes], left.active) == ([1, 2], 1)
    with pytest.raises(ValueError, match="active"):
        removed(comparison, 2)
    nothing = removed(left, 0)
    assert (nothing.panes, nothing.shown, nothing.on) == ((), False, False)
    assert pinned(nothing, FRONT).panes[0].key not in {pane.key for pane in comparison.panes}


def test_linked_cameras_leave_the_content_alone() -> None:
    content = replace(seed(4), pose=PoseView(conditioning_yaw=0.3), display=DisplayView("depth"))
    leader = View(pose=PoseView("override", 0.1, 0.2, 0.9, 0.9), camera=CameraView(roll=0.1, fov=0.4))
    linked = linked_view(content, leader)
    assert linked.camera == leader.camera
    assert (linked.pose.source, linked.pose.override_yaw) == ("override", 0.1)
    assert (linked.pose.conditioning_yaw, linked.pose.conditioning_pitch) == (0.3, 0.0)
    assert (linked.latent, linked.display) == (content.latent, content.display)


@pytest.mark.parametrize("linked", [True, False])
def test_what_is_rendered_beside(linked: bool) -> None:
    comparison = replace(three(), linked=linked)
    present = turned(seed(2), 1.0)
    beside = companions(comparison, present)
    keys = [pane.key for pane in comparison.panes]
    expected = [turned(seed(0), 1.0), turned(seed(1), 1.0)] if linked else [seed(0), seed(1)]
    assert beside == dict(zip(keys[:2], expected, strict=True))
    assert shown_view(comparison, 2, present) == present
    assert companions(replace(comparison, shown=False), present) == {}


@pytest.mark.parametrize("layout", ["wipe", "difference"])
def test_a_wipe_needs_only_its_pair(layout: CompareLayout) -> None:
    comparison = replace(three(), layout=layout)
    assert comparison.pair == (0, 2), "the next one after the last is the first"
    assert list(companions(comparison, seed(2))) == [comparison.panes[0].key]
    against = replace(comparison, partner_key=comparison.panes[1].key)
    assert against.pair == (1, 2)
    assert list(companions(against, seed(2))) == [comparison.panes[1].key]
    assert replace(against, partner_key=99).pair == (0, 2), "one that is gone"
    own = replace(against, partner_key=comparison.panes[2].key)
    assert own.pair == (0, 2), "nothing is set against itself"


def test_names_say_what_differs() -> None:
    other = replace(FRONT, latent=LatentView(3, truncation_psi=0.5), display=DisplayView("depth"))
    assert title(other) == "cats, seed 3"
    assert title(seed(0.4)) == "cats, near seed 0"
    assert differences(other, FRONT) == ("ψ 0.50", "depth", "viridis")
    assert differences(FRONT, other) == ("ψ 1.00", "RGB")
    assert differences(seed(9), FRONT) == (), "the seed is said anyway"
    posed = replace(FRONT, pose=PoseView("override", math.radians(20), 0.0))
    assert differences(posed, FRONT) == ("yaw +20.0° pitch 0.0°",)
    unused = replace(FRONT, pose=PoseView("predicted", 0.3, 0.1))
    assert differences(unused, FRONT) == (), "an override that is not used makes no difference"
    edited = replace(FRONT, latent=LatentView(directions=(0.0, -1.5), mix_seed=4, mix_first=3, mix_end=6))
    assert differences(edited, FRONT) == ("direction 2 −1.5 σ", "mixed with 4 from layer 3 to 5")
    assert differences(FRONT, edited) == ("no directions", "not mixed")
    still = replace(FRONT, latent=LatentView(directions=(0.0, 0.0), space="w"))
    assert differences(still, FRONT) == (), "it comes to the same"
    solid = replace(FRONT, display=DisplayView(geometry="surface", surface_colors="plain"))
    assert differences(solid, FRONT) == (), "comparing shows images"
    normals = replace(FRONT, display=DisplayView("normals"))
    world = replace(FRONT, display=DisplayView("normals", normals_space="world"))
    assert differences(world, normals) == ("world axes",)
    assert differences(replace(world, display=DisplayView(normals_space="world")), FRONT) == ()
    fine = replace(FRONT, sampling=SamplingView(depth_samples=96))
    comparison = synced(pinned(Comparison(), FRONT), fine)
    assert names(comparison, shown_views(comparison, fine)) == (
        "cats, seed 0, own samples, fast renderer",
        "cats, seed 0, 96 samples, plain renderer",
    )


def test_settings_that_are_new_to_it_are_named_too() -> None:
    @dataclass(frozen=True)
    class Mixed(LatentView):
        second_seed: int = 0

    plain = replace(FRONT, latent=Mixed())
    assert differences(replace(FRONT, latent=Mixed(second_seed=12)), plain) == ("second seed 12",)


def test_it_is_plain_values() -> None:
    comparison = three()
    assert msgspec.json.decode(msgspec.json.encode(comparison), type=Comparison) == comparison
