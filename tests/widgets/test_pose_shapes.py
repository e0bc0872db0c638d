"""The sphere and the images of the Pose histogram."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pof3d.errors import DatasetError
from tests.widgets.stage import Stage, context, frame, histogram, info
from viz import theme
from viz.frame import Pose
from viz.jobs import JobState
from viz.pose_facts import AngleComparison, ImagePoses, PosesState
from viz.pose_sphere import START, direction, turned
from viz.view import PoseView, View
from viz.window.offscreen import OffscreenWindow
from widgets.histogram import HistogramPanel
from widgets.image_poses import ImagePosesView, counts_text
from widgets.sphere import SphereView

SPHERE = "Pose histogram/Sphere"
SPHERE_STATE = PosesState(shown="sphere")


def angle(reach: float = 1.0) -> AngleComparison:
    shares = np.full(20, 0.05)
    return AngleComparison(np.linspace(-reach, reach, 21), shares, shares, 0.21, 0.12, 0.05, 0.04)


def image_poses(images: int = 950, skipped: int = 50, wanted: int = 1000, found: int = 1000) -> ImagePoses:
    return ImagePoses(
        "/nets/a.safetensors", Path("/data/cats"), angle(), angle(0.5), images, skipped, wanted, found
    )


def panel() -> HistogramPanel:
    return HistogramPanel([SphereView(), ImagePosesView()])


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, panel(), context(poses=SPHERE_STATE), size=(304, 360))


# ------------------------------------------------------------------------------------------------- choosing
def test_how_poses_are_shown_is_asked_for(window: OffscreenWindow) -> None:
    stage = Stage(window, panel(), context(), size=(304, 360))
    assert stage.has("Pose histogram/Map")
    stage.click("Pose histogram/Show: Sphere")
    stage.click("Pose histogram/Show: Images")
    assert stage.calls == [("show_poses", "sphere"), ("show_poses", "images")]


# ------------------------------------------------------------------------------------------------ the sphere
def place(stage: Stage, pose: Pose, eye: Pose = START) -> tuple[float, float]:
    """Where a pose of the near side is, in shares of the sphere's rectangle."""
    x, y, z = turned(direction(pose.yaw, pose.pitch), eye)
    assert z > 0
    return 0.5 + float(x) / 2, 0.5 - float(y) / 2


@pytest.mark.parametrize("pose", [Pose(0.0, 0.0), Pose(-0.9, -0.4), Pose(-0.2, 0.5)])
def test_a_click_on_the_sphere_goes_to_the_pose_there(stage: Stage, pose: Pose) -> None:
    stage.click(SPHERE, place(stage, pose))
    ((name, asked),) = stage.calls
    assert name == "go_to_pose"
    assert asked.yaw == pytest.approx(pose.yaw, abs=math.radians(2))
    assert asked.pitch == pytest.approx(pose.pitch, abs=math.radians(2))


def test_a_click_beside_the_sphere_does_nothing(stage: Stage) -> None:
    stage.click(SPHERE, (0.02, 0.02))
    assert stage.calls == []


def test_dragging_turns_the_sphere_and_sends_nothing(stage: Stage) -> None:
    """By a third of its radius to the right: what was in the middle is there now, and can be clicked."""
    third = stage.rect(SPHERE).width / 6
    stage.drag(SPHERE, (0.5, 0.5), (third, 0.0), steps=8)
    assert stage.calls == []
    stage.click(SPHERE)
    assert math.degrees(stage.calls[0][1].yaw - START.yaw) == pytest.approx(-math.degrees(1 / 3), abs=5.0)
    stage.calls.clear()
    stage.click(SPHERE, button=1)
    stage.click(SPHERE)
    assert stage.calls[-1][1].yaw == pytest.approx(START.yaw, abs=0.02)


def test_cameras_are_drawn_where_their_poses_are(stage: Stage) -> None:
    """The signs are in their colours; what lies on the far side is dimmer."""
    poses = {
        "generator": Pose(-1.4, -0.7),
        "discriminator": Pose(-1.4, 0.3),
        "camera": Pose(0.4, 0.7),
        "override": Pose(0.5, -0.8),
    }

    def brightest(name: str) -> float:
        pixels = stage.frame(2, capture=True)
        assert pixels is not None
        x, y = stage.rect(SPHERE).at(*place(stage, poses[name]))
        around = pixels[round(y) - 8 : round(y) + 9, round(x) - 8 : round(x) + 9].astype(int)
        colour = np.array(theme.POSE_COLOURS[name][:3]) * 255
        return float(np.abs(around - colour).max(axis=2).min())

    def show(poses: dict[str, Pose]) -> None:
        picture = replace(
            frame(),
            generator_pose=poses["generator"],
            discriminator_pose=poses["discriminator"],
            camera_pose=poses["camera"],
        )
        stage.context = context(poses=SPHERE_STATE, frame=picture)
        override = poses["override"]
        stage.view = View(pose=PoseView(override_yaw=override.yaw, override_pitch=override.pitch))
        stage.move(2.0, 355.0)

    show(poses)
    near = {name: brightest(name) for name in poses}
    assert all(distance < 40 for distance in near.values()), near
    behind = {name: Pose(math.remainder(p.yaw + math.pi, math.tau), p.pitch) for name, p in poses.items()}
    show(behind)
    assert all(brightest(name) > near[name] + 30 for name in poses)


# ------------------------------------------------------------------------------------------------ the images
def test_images_are_chosen_in_a_browser_and_compared(window: OffscreenWindow, tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "a.png").write_bytes(b"")
    stage = Stage(
        window, panel(), context(poses=PosesState(shown="images"), last_folder=tmp_path), size=(304, 360)
    )
    stage.click("Pose histogram/Choose images…")
    stage.wait_until(lambda: stage.has("Browser/cats"))
    stage.click("Browser/cats", count=2)
    stage.wait_until(lambda: stage.has("Browser/a.png"))
    stage.click("Browser/Use this folder")
    assert stage.calls == [("compare_image_poses", tmp_path / "cats")]


def test_asked_for_by_name_the_browser_opens_once(window: OffscreenWindow, tmp_path: Path) -> None:
    state = PosesState(shown="images", folder_asked=1)
    stage = Stage(window, panel(), context(poses=state, last_folder=tmp_path), size=(304, 360))
    stage.frame(3)
    stage.click("Browser/Cancel")
    stage.forget()
    stage.frame(3)
    assert not stage.has("Browser/Cancel")


def test_reading_can_be_stopped(window: OffscreenWindow) -> None:
    job = JobState("D's poses of images", 0.4, "400 of 1,000 images")
    state = PosesState("images", source=Path("/data/cats"), job=job, images=image_poses(400, 0))
    stage = Stage(window, panel(), context(poses=state), size=(304, 360))
    assert stage.has("Pose histogram/Images progress")
    assert stage.has("Pose histogram/Images yaw"), "what is known so far shows"
    stage.click("Pose histogram/Cancel")
    assert stage.calls == [("cancel_image_poses",)]


def test_images_can_be_looked_at_again(window: OffscreenWindow) -> None:
    state = PosesState("images", source=Path("/data/cats"), images=image_poses())
    stage = Stage(window, panel(), context(poses=state), size=(304, 360))
    stage.click("Pose histogram/Look again")
    assert stage.calls == [("compare_image_poses", Path("/data/cats"))]


def test_an_error_is_told_instead_of_figures(window: OffscreenWindow) -> None:
    error = DatasetError("cats holds no image", "there are none", "Choose another folder.")
    state = PosesState("images", source=Path("/data/cats"), error=error)
    stage = Stage(window, panel(), context(poses=state), size=(304, 360))
    assert stage.has("Pose histogram/Error")
    assert not stage.has("Pose histogram/Images yaw")


def test_without_ds_poses_there_is_nothing_to_choose(window: OffscreenWindow) -> None:
    known = context(poses=PosesState("images"), network=replace(info(), has_pose_prediction=False))
    stage = Stage(window, panel(), known, size=(304, 360))
    assert not stage.has("Pose histogram/Choose images…")


def test_counts_are_told() -> None:
    assert counts_text(image_poses(1000, 0)) == "1,000 images"
    assert counts_text(image_poses(1, 0, 1, 1)) == "1 image"
    assert counts_text(image_poses(997, 3)) == "997 images, 3 skipped"
    assert counts_text(image_poses(2000, 0, 2000, 9000)) == "2,000 of 9,000 images"
    assert counts_text(image_poses(320, 1)) == "320 of 1,000 images, 1 skipped"


@pytest.mark.parametrize("state", [SPHERE_STATE, PosesState("images", images=image_poses(1234, 5678))])
def test_nothing_is_cut_in_a_narrow_column(window: OffscreenWindow, state: PosesState) -> None:
    stage = Stage(window, panel(), context(poses=state), size=(300, 200))
    room = 300 - 9
    assert stage.widest <= room
    for mark, rect in stage.registry.rects.items():
        assert 0 <= rect.left < rect.right <= room, mark


def test_nothing_sampled_is_an_empty_sphere(window: OffscreenWindow) -> None:
    empty = replace(histogram(), counts=np.zeros((36, 18), np.int64), samples=0)
    stage = Stage(window, panel(), context(poses=SPHERE_STATE, histogram=empty), size=(304, 360))
    assert stage.has(SPHERE)
