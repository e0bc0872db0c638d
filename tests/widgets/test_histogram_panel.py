"""The Pose histogram: what is drawn where, and where a click goes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.stage import D_POSE, G_POSE, Stage, context, frame, histogram
from viz.frame import Pose
from viz.view import PITCH_LIMIT, PoseView, View
from viz.window.offscreen import OffscreenWindow
from widgets import histogram as panel
from widgets.histogram import HistogramPanel

MAP = "Pose histogram/Map"


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, HistogramPanel(), context(), size=(320, 340))


# -------------------------------------------------------------------------------------- without a window
def test_heat_has_the_greatest_pitch_on_top() -> None:
    counts = np.zeros((3, 2), np.int64)
    counts[0, 1] = 4  # least yaw, greatest pitch
    counts[2, 0] = 1
    heat = panel.heat(counts)
    np.testing.assert_allclose(heat, [[1.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    assert heat.flags.c_contiguous


def test_nothing_sampled_yet_is_cold() -> None:
    assert panel.heat(np.zeros((4, 4), np.int64)).max() == 0.0
    assert all(share.max() == 0.0 for share in panel.marginals(np.zeros((4, 3), np.int64)))


def test_marginals() -> None:
    yaw, pitch = panel.marginals(np.array([[1, 1], [0, 4], [0, 2]], np.int64))
    np.testing.assert_allclose(yaw, [0.5, 1.0, 0.5])
    np.testing.assert_allclose(pitch, [1 / 7, 1.0])


def test_ticks_are_round_and_few() -> None:
    assert panel.degree_ticks(-math.pi / 2, math.pi / 2, 5) == [-90, -45, 0, 45, 90]
    assert panel.degree_ticks(math.radians(-31), math.radians(29), 5) == [-30, -15, 0, 15]
    assert panel.degree_ticks(-math.pi, math.pi, 5) == [-180, -90, 0, 90, 180]


@given(st.floats(-180, 180), st.floats(-180, 180))
def test_clicks_stay_within_what_a_camera_can_do(yaw: float, pitch: float) -> None:
    pose = panel.pose_of_degrees(yaw, pitch)
    assert math.degrees(pose.yaw) == pytest.approx(yaw)
    assert abs(pose.pitch) <= PITCH_LIMIT


def test_shares_are_of_all_samples() -> None:
    data = histogram(4000)
    total = sum(
        panel.share_at(data, Pose(yaw, pitch))
        for yaw in (data.yaw_edges[:-1] + data.yaw_edges[1:]) / 2
        for pitch in (data.pitch_edges[:-1] + data.pitch_edges[1:]) / 2
    )
    assert total == pytest.approx(data.counts.sum() / 4000)
    assert panel.share_at(data, Pose(3.0, 0.0)) == 0.0


# ----------------------------------------------------------------------------------------- with a window
def test_a_click_goes_to_the_pose_under_the_cursor(stage: Stage) -> None:
    """Yaw runs over ±90° from left to right, pitch over ±45° from the bottom."""
    for at in ((0.5, 0.5), (0.25, 0.25), (0.9, 0.7)):
        stage.calls.clear()
        stage.click(MAP, at)
        assert len(stage.calls) == 1
        name, pose = stage.calls[0]
        assert name == "go_to_pose"
        assert math.degrees(pose.yaw) == pytest.approx(-90 + 180 * at[0], abs=1.0)
        assert math.degrees(pose.pitch) == pytest.approx(45 - 90 * at[1], abs=1.0)


def test_a_tap_counts_though_the_mouse_was_elsewhere(stage: Stage) -> None:
    stage.move(1.0, 1.0)
    stage.window.on_mouse_move(*stage.rect(MAP).at(0.3, 0.4))
    stage.press(True)
    stage.press(False)
    assert [name for name, *_ in stage.calls] == ["go_to_pose"]


def test_a_click_beside_the_map_does_nothing(stage: Stage) -> None:
    rect = stage.rect(MAP)
    stage.move(rect.right + 10, rect.centre[1])
    stage.press(True)
    stage.press(False)
    assert stage.calls == []


def test_markers_are_drawn_where_the_poses_are(stage: Stage) -> None:
    """Each marker's colour is found at its pose, and only where the pose is known."""
    spots = {
        "generator": Pose(0.9, 0.5),
        "discriminator": Pose(-0.9, -0.5),
        "camera": Pose(-0.9, 0.5),
        "override": Pose(0.9, -0.5),
    }
    stage.view = View(pose=PoseView(override_yaw=0.9, override_pitch=-0.5))
    stage.context = context(
        frame=replace(
            frame(),
            generator_pose=spots["generator"],
            discriminator_pose=spots["discriminator"],
            camera_pose=spots["camera"],
        )
    )
    stage.move(2.0, 330.0)
    pixels = stage.frame(2, capture=True)
    assert pixels is not None
    rect = stage.rect(MAP)
    for name, pose in spots.items():
        x, y = rect.at(0.5 + pose.yaw / math.pi, 0.5 - pose.pitch / (math.pi / 2))
        around = pixels[round(y) - 9 : round(y) + 10, round(x) - 9 : round(x) + 10].astype(int)
        colour = np.array(panel.theme.POSE_COLOURS[name][:3]) * 255
        nearest = np.abs(around - colour).max(axis=2).min()
        assert nearest < 24, f"the marker {name} is not at its pose"
    assert G_POSE != D_POSE


def test_the_map_is_legible_in_a_column(stage: Stage) -> None:
    rect = stage.rect(MAP)
    assert rect.width > 200
    assert rect.height > 110


def test_progress_ends(stage: Stage) -> None:
    assert stage.has("Pose histogram/Progress")
    stage.forget()
    stage.context = context(histogram=histogram(10000))
    stage.frame(2)
    assert not stage.has("Pose histogram/Progress")


def test_bins_show_where_the_axes_say(stage: Stage) -> None:
    """The fullest bin is the brightest place, and another histogram is another picture."""
    stage.context = context(frame=None)
    for column, row in ((4, 3), (30, 14)):
        counts = np.zeros((36, 18), np.int64)
        counts[column, row] = 9
        stage.context = replace(stage.context, histogram=replace(histogram(), counts=counts))
        stage.move(2.0, 330.0)
        pixels = stage.frame(2, capture=True)
        assert pixels is not None
        rect = stage.rect(MAP)
        for (x, y), bright in (
            (rect.at((column + 0.5) / 36, 1 - (row + 0.5) / 18), True),
            (rect.at((column + 1.5) / 36, 1 - (row + 0.5) / 18), False),
            (rect.at((column + 0.5) / 36, 1 - (row + 1.5) / 18), False),
        ):
            assert (pixels[int(y), int(x)].mean() > 128) == bright
        beside = pixels[round(rect.top) : round(rect.bottom), round(rect.right) + 4 :]
        lit = np.nonzero((beside.max(axis=2) > 90).any(axis=1))[0]
        assert lit.mean() / rect.height == pytest.approx(1 - (row + 0.5) / 18, abs=0.03), "the bar"
