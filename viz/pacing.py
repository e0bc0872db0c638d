"""How long a recording will take, from the pictures that the window has made so far."""

from __future__ import annotations

import math
from collections import deque
from statistics import median_low

from viz.frame import Frame
from viz.panel import RecordingFormat, RecordingRequest, RecordingState
from viz.video_panes import video_size
from viz.view import SamplingView, View

CAMERA_PATHS: tuple[str, ...] = ("turntable", "sweep")
"""Their content is made once: only the camera moves."""
_CONTENT_STAGES = ("latent", "mapping", "truncation", "planes")
_JUDGE = "pose prediction"
_KINDS = 16
"""Networks and samplings that are remembered."""
_KEPT = 5
"""Newest measurements of a stage that count."""
_ENCODING: dict[RecordingFormat, float] = {"mp4": 2.5e-8, "webm": 6e-8, "gif": 1.5e-8, "png": 5e-8}
"""Seconds per pixel of the video, laying out and encoding; the first recording corrects them."""
_CORRECTIONS = 0.2, 5.0
"""Least and greatest correction."""

_Key = tuple[str, SamplingView]


class Pace:
    """Learns from frames and recordings how long a recording takes."""

    def __init__(self) -> None:
        self._stages: dict[_Key, dict[str, deque[float]]] = {}
        self._correction = 1.0

    def saw(self, frame: Frame) -> None:
        """Take a frame of the window into account: of a full one the stages that were computed."""
        if frame.level != "full":
            return
        key = (frame.view.network.path, frame.view.sampling)
        stages = self._stages.pop(key, {})
        self._stages = dict([*list(self._stages.items())[1 - _KINDS :], (key, stages)])
        for timing in frame.timings:
            if not timing.cached and timing.name != "network":
                stages.setdefault(timing.name, deque(maxlen=_KEPT)).append(timing.milliseconds / 1e3)

    def frame_seconds(self, view: View, request: RecordingRequest) -> float | None:
        """One frame of a recording; None as long as none like it has been seen."""
        stages = self._stages.get((view.network.path, view.sampling), {})
        if not stages.keys() & {"rays", "picture"}:
            return None
        judged = request.with_poses or request.with_histogram
        unused: tuple[str, ...] = () if judged else (_JUDGE,)
        if request.path in CAMERA_PATHS:
            unused += _CONTENT_STAGES
        model = sum(median_low(times) for name, times in stages.items() if name not in unused)
        width, height = video_size(view, request)
        # Beside the first, a picture of the same moment costs its colours and its place only.
        return self._correction * (model + width * height * _ENCODING[request.format])

    def seconds(self, view: View, request: RecordingRequest) -> float | None:
        """A whole recording; None as long as nothing is known."""
        one = self.frame_seconds(view, request)
        return None if one is None else one * request.frames

    def recorded(self, view: View, request: RecordingRequest, state: RecordingState) -> None:
        """Learn from how long the frames of a recording under way really take."""
        expected = self.frame_seconds(view, request)
        left = state.total - state.done
        if expected is None or state.seconds_left is None or left < 1:
            return
        low, high = _CORRECTIONS
        ratio = self._correction * state.seconds_left / left / expected
        if math.isfinite(ratio):
            self._correction = min(max(ratio, low), high)
