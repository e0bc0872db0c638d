"""The Pose panel, and which pose touching it changes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.widgets.stage import G_POSE, Stage, conditioned_info, context, frame, histogram
from viz.frame import Pose
from viz.posing import shown_pose, with_orbit, with_override, with_pose, with_source
from viz.view import CameraView, PoseView, View
from viz.window.offscreen import OffscreenWindow
from widgets.pose import PosePanel

OVERRIDE = View(pose=PoseView("override", 0.3, -0.1))
FREE = View(pose=PoseView("free", 0.3, -0.1), camera=CameraView(0.5, 0.2))


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, PosePanel(), context(), size=(304, 360))


# -------------------------------------------------------------------------------------- without a window
def test_shown_pose_follows_the_source() -> None:
    assert shown_pose(View(), frame()) == G_POSE
    assert shown_pose(View(), None) is None
    assert shown_pose(OVERRIDE, None) == Pose(0.3, -0.1)
    assert shown_pose(FREE, None) == Pose(0.5, 0.2)


def test_touching_a_pose() -> None:
    new = Pose(1.0, 0.4)
    assert with_pose(View(), new).pose == PoseView("override", 1.0, 0.4)
    assert with_pose(OVERRIDE, new).pose == PoseView("override", 1.0, 0.4)
    freed = with_pose(FREE, new)
    assert (freed.camera.yaw, freed.camera.pitch) == (1.0, 0.4)
    assert freed.pose == FREE.pose
    assert with_override(FREE, new).camera == FREE.camera
    assert with_orbit(OVERRIDE, new).pose == PoseView("free", 0.3, -0.1)


def test_nothing_jumps_when_the_camera_is_freed() -> None:
    assert shown_pose(with_source(View(), "free", frame()), None) == G_POSE
    assert shown_pose(with_source(OVERRIDE, "free", frame()), None) == Pose(0.3, -0.1)
    assert with_source(View(), "free", None).pose.source == "free"


def test_choosing_the_same_source_changes_nothing() -> None:
    assert with_source(FREE, "free", frame()) is FREE


def test_an_override_keeps_its_value() -> None:
    back = with_source(with_source(OVERRIDE, "predicted", frame()), "override", frame())
    assert back == OVERRIDE


# ----------------------------------------------------------------------------------------- with a window
def test_the_three_sources(stage: Stage) -> None:
    stage.click("Pose/Source: Override")
    assert stage.view.pose == PoseView("override", 0.0, 0.0)
    stage.click("Pose/Source: Predicted")
    assert stage.view.pose == PoseView("predicted")
    stage.click("Pose/Source: Free orbit")
    assert stage.view.pose == PoseView("free")
    assert stage.view.camera == CameraView(G_POSE.yaw, G_POSE.pitch)


def test_touching_the_predicted_pose_makes_an_override(stage: Stage) -> None:
    stage.drag("Pose/Yaw", (0.5, 0.5), (40.0, 0.0))
    assert stage.view.pose.source == "override"
    assert stage.view.pose.override_pitch == G_POSE.pitch
    assert stage.view.pose.override_yaw > G_POSE.yaw


def test_typed_yaw_is_clamped(stage: Stage) -> None:
    stage.view = OVERRIDE
    for typed, degrees in (("30", 30.0), ("400", 90.0), ("-400", -90.0)):
        stage.type_into("Pose/Yaw", typed)
        assert math.degrees(stage.view.pose.override_yaw) == pytest.approx(degrees)
        assert stage.view.pose.override_pitch == -0.1


def test_typed_pitch_moves_the_free_camera(stage: Stage) -> None:
    stage.view = FREE
    stage.type_into("Pose/Pitch", "-75")
    assert math.degrees(stage.view.camera.pitch) == pytest.approx(-60.0)
    assert stage.view.camera.yaw == 0.5
    assert stage.view.pose == FREE.pose


def test_a_camera_beyond_the_slider_stays_until_it_is_touched(stage: Stage) -> None:
    stage.view = beyond = replace(FREE, camera=CameraView(3.0, 1.4))
    stage.frame(3)
    assert stage.view is beyond


def test_copies_are_asked_for(stage: Stage) -> None:
    stage.click("Pose/Copy")
    stage.click("Pose/Copy from")
    stage.click("Pose/Copy from: D predicts")
    stage.click("Pose/Copy to")
    stage.click("Pose/Copy to: Camera")
    stage.click("Pose/Copy")
    assert stage.calls == [
        ("copy_pose", "generator", "override"),
        ("copy_pose", "discriminator", "camera"),
    ]


def test_no_copy_of_what_is_not_known_or_to_itself(stage: Stage) -> None:
    stage.click("Pose/Copy from")
    stage.click("Pose/Copy from: D predicts")
    stage.context = context(frame=replace(frame(), discriminator_pose=None))
    stage.frame(2)
    assert not stage.rect("Pose/Copy").enabled
    stage.context = context()
    stage.frame(2)
    assert stage.rect("Pose/Copy").enabled
    stage.click("Pose/Copy from")
    stage.click("Pose/Copy from: Override")
    assert not stage.rect("Pose/Copy").enabled


@pytest.mark.parametrize("by", ["button", "enter"])
def test_the_pose_of_a_seed_is_asked_for(stage: Stage, by: str) -> None:
    stage.type_into("Pose/Seed", "123", slider=False)
    if by == "button":
        stage.click("Pose/Apply")
        assert stage.calls == [("take_pose_of_seed", 123)] * 2
    else:
        assert stage.calls == [("take_pose_of_seed", 123)]


def test_yaw_goes_all_the_way_round_where_all_sides_were_learned(stage: Stage) -> None:
    stage.view = OVERRIDE
    stage.context = context(histogram=replace(histogram(), std=Pose(1.7, 0.1)))
    stage.frame(2)
    stage.type_into("Pose/Yaw", "170")
    assert math.degrees(stage.view.pose.override_yaw) == pytest.approx(170.0)
    stage.type_into("Pose/Yaw", "400")
    assert math.degrees(stage.view.pose.override_yaw) == pytest.approx(180.0)


def test_reset_is_asked_for_when_there_is_something_to_reset(stage: Stage) -> None:
    stage.click("Pose/Reset to predicted")
    assert stage.calls == []
    stage.view = OVERRIDE
    stage.frame(2)
    stage.click("Pose/Reset to predicted")
    assert stage.calls == [("reset_to_predicted",)]


def test_a_conditioning_pose_instead_of_a_learner(window: OffscreenWindow) -> None:
    stage = Stage(window, PosePanel(), context(network=conditioned_info()), size=(304, 520))
    stage.view = OVERRIDE
    stage.frame(2)
    stage.type_into("Pose/Given yaw", "20")
    stage.type_into("Pose/Given pitch", "-10")
    pose = stage.view.pose
    assert (pose.source, pose.override_yaw) == ("override", 0.3)
    assert math.degrees(pose.conditioning_yaw) == pytest.approx(20.0)
    assert math.degrees(pose.conditioning_pitch) == pytest.approx(-10.0)
    stage.click("Pose/Copy from")
    stage.click("Pose/Copy from: Camera")
    stage.click("Pose/Copy to")
    stage.click("Pose/Copy to: Conditioning")
    stage.click("Pose/Copy")
    assert stage.calls == [("copy_pose", "camera", "generator")]
    stage.calls.clear()
    assert not stage.has("Pose/Apply")
    stage.click("Pose/Source: Conditioning")
    assert stage.view.pose.source == "predicted"
    stage.click("Pose/Source: Override")
    stage.click("Pose/Reset to conditioning")
    assert stage.calls == [("reset_to_predicted",)]
