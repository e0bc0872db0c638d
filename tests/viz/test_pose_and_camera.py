"""The trail of the predicted pose, and the lock that holds the camera while it moves."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pof3d.config import CameraConfig, focal_from_fov
from tests.widgets.stage import G_POSE, frame
from viz.frame import Pose
from viz.locking import is_locked, locked, unlocked
from viz.pose_trail import SECONDS, PoseTrail
from viz.view import CameraView, LatentView, PoseView, View


def test_a_trail_follows_and_fades() -> None:
    trail = PoseTrail()
    assert trail.follow(Pose(0.0, 0.0), 10.0) == []
    assert trail.follow(Pose(0.0, 0.0), 12.0) == [], "it has not moved"
    trail.follow(Pose(0.1, 0.0), 12.1)
    points = trail.follow(Pose(0.2, 0.0), 12.2)
    assert [pose.yaw for pose, _ in points] == [0.0, 0.1, 0.2]
    lefts = [left for _, left in points]
    assert lefts == sorted(lefts)
    assert lefts[0] > 0.9, "the first stood there until it moved"
    later = trail.follow(Pose(0.2, 0.0), 12.2 + SECONDS / 2)
    assert [left for _, left in later] == pytest.approx([left - 0.5 for left in lefts])
    assert trail.follow(Pose(0.2, 0.0), 12.3 + SECONDS) == []


def test_another_latent_is_no_way() -> None:
    trail = PoseTrail()
    trail.follow(Pose(0.0, 0.0), 0.0)
    trail.follow(Pose(0.1, 0.0), 0.1)
    assert trail.follow(Pose(1.2, 0.0), 0.2) == []


def test_a_locked_camera_stays_where_it_is_seen_from() -> None:
    view = View(latent=LatentView(x=3.0), camera=CameraView(yaw=0.9, pan=(0.1, 0.0, 0.0)))
    held = locked(view, frame(view))
    assert is_locked(held)
    assert (held.camera.yaw, held.camera.pitch) == (G_POSE.yaw, G_POSE.pitch)
    assert held.camera.pan == view.camera.pan
    assert held.latent == view.latent
    assert locked(held, frame(held)) is held
    assert unlocked(held).pose == PoseView("predicted")
    assert not is_locked(unlocked(held))


def test_an_override_is_a_locked_camera() -> None:
    view = View(pose=PoseView("override", 0.3, 0.1))
    assert locked(view, frame(view)) is view
    assert unlocked(view).pose == PoseView("predicted", 0.3, 0.1)


def test_nothing_is_locked_before_there_is_a_picture() -> None:
    assert locked(View(), None) == View()


def test_what_else_the_network_predicts_is_held_too() -> None:
    cameras = CameraConfig(radius=3.3, focal=focal_from_fov(25.0))
    shown = replace(frame(), cameras=cameras)
    far = locked(View(), shown, "radius")
    assert (far.camera.radius, far.camera.fov) == (3.3, None)
    wide = locked(View(), shown, "fov")
    assert wide.camera.fov == pytest.approx(math.radians(25.0))
    assert wide.camera.radius is None
    assert unlocked(far, "radius").camera.radius is None
    assert unlocked(wide, "fov").camera.fov is None
    own = locked(View(camera=CameraView(radius=2.0)), shown, "radius")
    assert own.camera.radius == 2.0, "what the user chose stays"
