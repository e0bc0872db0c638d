"""Camera paths."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz.frame import Pose
from viz.paths import path_views, swing_amplitude, turntable
from viz.pose_sampling import LearnedPoses
from viz.view import PITCH_LIMIT, CameraView, LatentView, NetworkView, PoseView, View

FACES = LearnedPoses(Pose(0.05, -0.02), Pose(0.35, 0.12))
CARS = LearnedPoses(Pose(0.0, 0.1), Pose(1.8, 0.15))
BASE = View(
    NetworkView("a"), LatentView(x=3.0), PoseView("override", 0.7, 0.1), CameraView(roll=0.1, radius=3.0)
)


def yaws(views: list[View]) -> list[float]:
    return [view.camera.yaw for view in views]


def test_faces_swing_and_cars_turn() -> None:
    assert not turntable(FACES).full
    assert turntable(CARS).full
    assert turntable(FACES, full=True).full
    assert not turntable(CARS, amplitude=0.5).full


@pytest.mark.parametrize(("std", "degrees"), [(0.05, 35.0), (0.35, math.degrees(0.77)), (1.0, 60.0)])
def test_the_swing_is_as_wide_as_what_was_learned(std: float, degrees: float) -> None:
    learned = LearnedPoses(FACES.mean, Pose(std, 0.1))
    assert math.degrees(swing_amplitude(learned)) == pytest.approx(degrees)


@given(st.integers(1, 200), st.sampled_from((FACES, CARS)))
def test_a_turntable_closes(frames: int, learned: LearnedPoses) -> None:
    orbit = turntable(learned)
    views = list(path_views("turntable", BASE, frames, learned))
    assert len(views) == frames
    first = Pose(views[0].camera.yaw, views[0].camera.pitch)
    after_the_last = orbit.at(frames / frames)
    assert after_the_last.yaw == pytest.approx(first.yaw, abs=1e-12)
    assert after_the_last.pitch == pytest.approx(first.pitch, abs=1e-12)


def test_a_full_turn_passes_every_side_in_equal_steps() -> None:
    steps = yaws(list(path_views("turntable", BASE, 8, CARS)))
    assert sorted(round(math.degrees(y)) % 360 for y in steps) == list(range(0, 360, 45))


def test_a_swing_reaches_both_ends_and_bobs() -> None:
    views = list(path_views("turntable", BASE, 4, FACES))
    amplitude = swing_amplitude(FACES)
    assert yaws(views) == pytest.approx([0.05, 0.05 + amplitude, 0.05, 0.05 - amplitude])
    pitches = [view.camera.pitch for view in views]
    assert pitches == pytest.approx([-0.02 + 0.12, -0.02, -0.02 - 0.12, -0.02])


def test_a_sweep_goes_once_from_end_to_end() -> None:
    assert yaws(list(path_views("sweep", BASE, 3, FACES, amplitude=0.5))) == pytest.approx(
        [-0.45, 0.05, 0.55]
    )
    assert yaws(list(path_views("sweep", BASE, 1, FACES))) == pytest.approx([0.05])


def test_only_yaw_and_pitch_change() -> None:
    for view in path_views("turntable", BASE, 5, FACES):
        assert view.pose.source == "free"
        assert replace(view.camera, yaw=0.0, pitch=0.0) == BASE.camera
        assert (view.network, view.latent, view.display) == (BASE.network, BASE.latent, BASE.display)


def test_paths_keep_away_from_the_poles() -> None:
    high = LearnedPoses(Pose(0.0, 1.5), Pose(0.3, 0.3))
    for path in ("turntable", "sweep"):
        for view in path_views(path, BASE, 7, high):
            assert view.camera.pitch <= PITCH_LIMIT
