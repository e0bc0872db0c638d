"""The window's turntable: smooth, periodic, in time."""

from __future__ import annotations

import math

import pytest

from tests.viz.stand_ins import histogram
from viz import turning
from viz.frame import Pose
from viz.paths import Orbit

CIRCLE = Orbit(Pose(0.0, 0.1), 0.0, 0.0, full=True)


@pytest.mark.parametrize("start", [Pose(0.0, 0.0), Pose(1.2, 0.4), Pose(-3.0, -0.5)])
@pytest.mark.parametrize("orbit", [turning.orbit_of(histogram()), turning.UNKNOWN, CIRCLE])
def test_it_begins_where_the_camera_is(start: Pose, orbit: Orbit) -> None:
    motion = turning.begin(orbit, start)
    last = start
    for _ in range(120):
        motion, pose = turning.advance(motion, orbit, 1 / 60, 45.0)
        step = math.hypot(math.remainder(pose.yaw - last.yaw, math.tau), pose.pitch - last.pitch)
        assert step < math.radians(8.0)
        last = pose
    # Two seconds later it is on the path.
    on_path = min(
        math.hypot(
            math.remainder(orbit.at(i / 3600).yaw - last.yaw, math.tau), orbit.at(i / 3600).pitch - last.pitch
        )
        for i in range(3600)
    )
    assert on_path < 1e-2


@pytest.mark.parametrize("rate", [10, 60, 144])
def test_a_turn_takes_its_time_at_any_frame_rate(rate: int) -> None:
    motion, pose = turning.begin(CIRCLE, Pose(0.0, 0.1)), Pose(0.0, 0.1)
    for _ in range(2 * rate):
        motion, pose = turning.advance(motion, CIRCLE, 1 / rate, 45.0)
    assert math.degrees(pose.yaw) == pytest.approx(90.0, abs=1e-6)
    for _ in range(6 * rate):
        motion, pose = turning.advance(motion, CIRCLE, 1 / rate, 45.0)
    assert math.degrees(pose.yaw) == pytest.approx(0.0, abs=1e-6)


def test_it_stays_where_the_network_has_learned_to_look() -> None:
    orbit = turning.orbit_of(histogram())
    motion = turning.begin(orbit, Pose(0.0, 0.0))
    for _ in range(600):
        motion, pose = turning.advance(motion, orbit, 1 / 60, 90.0)
        assert abs(pose.yaw) <= math.radians(60.0) + 1e-9
