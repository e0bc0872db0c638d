"""Expected times of recordings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.viz.stand_ins import picture
from viz.frame import Frame, StageTiming
from viz.pacing import Pace
from viz.panel import RecordingRequest, RecordingState
from viz.view import LatentView, NetworkView, SamplingView, View

VIEW = View(NetworkView("/nets/a.pkl"))
SMALL = RecordingRequest(frames=10, size=16)
"""Its pixels take next to no time."""


def frame(view: View = VIEW, level: str = "full", cached: bool = False, **seconds: float) -> Frame:
    timings = [StageTiming(name.replace("_", " "), 1e3 * s, cached) for name, s in seconds.items()]
    return replace(picture(view, level), timings=tuple(timings))


def test_nothing_is_promised_before_a_picture_was_seen() -> None:
    pace = Pace()
    assert pace.seconds(VIEW, SMALL) is None
    pace.saw(frame(level="preview", rays=0.1))
    pace.saw(frame(rays=1.0, cached=True))
    assert pace.seconds(VIEW, SMALL) is None


def test_what_a_recording_computes_counts() -> None:
    pace = Pace()
    pace.saw(frame(network=5.0, mapping=1.0, planes=2.0, rays=0.3, pose_prediction=4.0))
    assert pace.seconds(VIEW, SMALL) == pytest.approx(3.0, rel=0.01), "the content is made once"
    judged = replace(SMALL, with_poses=True)
    assert pace.seconds(VIEW, judged) == pytest.approx(43.0, rel=0.01)
    for _ in range(4):
        pace.saw(frame(rays=0.5))
    assert pace.seconds(VIEW, SMALL) == pytest.approx(5.0, rel=0.01), "the first one was an exception"
    other = replace(VIEW, latent=LatentView(x=3.0))
    assert pace.seconds(other, SMALL) == pace.seconds(VIEW, SMALL)
    assert pace.seconds(replace(VIEW, sampling=SamplingView(resolution=256)), SMALL) is None
    large = pace.seconds(VIEW, replace(SMALL, size=2048))
    assert large is not None
    assert large > 5.3


def test_recordings_correct_what_is_expected() -> None:
    pace = Pace()
    pace.saw(frame(rays=0.5))
    state = RecordingState(Path("a.mp4"), 5, 10, "running", seconds_left=5.0)
    pace.recorded(VIEW, SMALL, state)
    assert pace.seconds(VIEW, SMALL) == pytest.approx(10.0)
    pace.recorded(VIEW, SMALL, state)
    assert pace.seconds(VIEW, SMALL) == pytest.approx(10.0), "it is settled now"
    pace.recorded(VIEW, SMALL, replace(state, done=10, seconds_left=0.0))
    assert pace.seconds(VIEW, SMALL) == pytest.approx(10.0)
    pace.recorded(VIEW, SMALL, replace(state, seconds_left=1e9))
    assert pace.seconds(VIEW, SMALL) == pytest.approx(25.0, rel=0.01), "within reason"
