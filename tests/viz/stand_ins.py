"""Stand-ins for the model's side of the program: immediate, and without torch's work."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from pof3d.config import TOY_CATS
from pof3d.errors import CheckpointError
from viz import ui
from viz.frame import FailedFrame, Frame, Pose, StageTiming
from viz.optics import picture_pose
from viz.panel import (
    Actions,
    LoadingState,
    MemoryUse,
    NetworkInfo,
    PanelContext,
    PoseHistogram,
    RecordingRequest,
    RecordingState,
)
from viz.view import View

SIDE = 64


def picture(view: View, level: str = "full") -> Frame:
    """A disc that moves with yaw and pitch on a gradient of the seed's colour."""
    predicted = Pose(math.radians(20 * math.sin(view.latent.x)), math.radians(5.0))
    pose = picture_pose(view, predicted)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1) * 2 - 1
    inside = (x - 0.3 * math.sin(-pose.yaw)) ** 2 + (y - 0.3 * math.sin(-pose.pitch)) ** 2 < 0.4
    hue = (view.latent.seed * 37) % 255
    image = np.full((SIDE, SIDE, 3), 235, np.uint8)
    image[inside] = (hue, 140, 255 - hue)
    depth = np.where(inside, 2.4 + 0.2 * (x**2 + y**2), np.nan).astype(np.float32)
    shown = image
    if view.display.mode in ("depth", "side_by_side"):
        shade = np.nan_to_num((depth - 2.4) * 800, nan=30).clip(0, 255).astype(np.uint8)
        shown = np.repeat(shade[..., None], 3, axis=2)
        if view.display.mode == "side_by_side":
            shown = np.concatenate([image, shown], axis=1)
    rgba = np.concatenate([shown, np.full((*shown.shape[:2], 1), 255, np.uint8)], axis=2)
    return Frame(
        view=view,
        level="full" if level == "full" else "preview",
        rgba=rgba,
        image=image,
        raw=image,
        depth=depth,
        opacity=inside.astype(np.float32),
        depth_range=(2.4, 2.7),
        camera_pose=pose,
        generator_pose=predicted,
        discriminator_pose=Pose(pose.yaw + 0.02, pose.pitch - 0.01),
        timings=(StageTiming("planes", 6.0, True), StageTiming("rays", 21.5, False)),
        cache_bytes=3 * 2**20,
    )


def network(path: Path) -> NetworkInfo:
    return NetworkInfo(path, "native", 3 * 2**20, 812_345, TOY_CATS, {"dataset": "toy cats"}, True)


def histogram() -> PoseHistogram:
    generator = np.random.default_rng(0)
    yaw, pitch = generator.normal(0, 0.4, 8000), generator.normal(0.02, 0.12, 8000)
    counts, yaws, pitches = np.histogram2d(yaw, pitch, bins=(48, 32), range=((-1.4, 1.4), (-0.6, 0.6)))
    return PoseHistogram(
        counts.astype(np.int64), yaws, pitches, 8000, 20000, Pose(0.0, 0.02), Pose(0.4, 0.12)
    )


class StandInRendering:
    """Answers every View at once, and fails for paths that contain "bad"."""

    def __init__(self) -> None:
        self.submitted: list[View] = []
        self.loading: LoadingState | None = None
        self.network_info: NetworkInfo | None = None
        self.histogram: PoseHistogram | None = None
        self.threads = 1
        self.device = "cpu"
        self.closed = False
        self.cancelled = 0
        self.busy = False
        self.held = False
        """Whether Views are left without an answer until :meth:`answer` gives one."""
        self._ready: Frame | FailedFrame | None = None
        self.companions: dict[int, View] = {}
        self._beside: dict[int, Frame | FailedFrame] = {}

    def submit(self, view: View) -> None:
        self.submitted.append(view)
        if self.held:
            return
        path = view.network.path
        if not path:
            return
        if "bad" in path:
            error = CheckpointError(f"cannot open {Path(path).name}", "it is damaged", "Choose another file.")
            self._ready = FailedFrame(view, error)
            return
        self.network_info, self.histogram = network(Path(path)), histogram()
        self._ready = picture(view)

    def accompany(self, views: Mapping[int, View]) -> None:
        if dict(views) == self.companions:
            return
        self.companions = dict(views)
        if not self.held:
            self._beside = {key: picture(view) for key, view in views.items()}

    def poll_companions(self) -> dict[int, Frame | FailedFrame]:
        ready, self._beside = self._beside, {}
        return ready

    def answer(self, result: Frame | FailedFrame) -> None:
        self._ready = result

    def reload(self, view: View) -> None:
        self.submit(view)

    def poll(self) -> Frame | FailedFrame | None:
        ready, self._ready = self._ready, None
        return ready

    @property
    def preview_milliseconds(self) -> NDArray[np.float32]:
        return np.array([24.0, 26.0], np.float32)

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def set_device(self, name: str) -> None:
        self.device = name

    def set_memory_budget(self, total_bytes: int) -> None:
        self.memory_budget = total_bytes

    @property
    def memory(self) -> MemoryUse:
        return MemoryUse(1, 5_000_000, 1_000_000)

    def cancel_loading(self) -> None:
        self.cancelled += 1

    def close(self) -> None:
        self.closed = True


class StandInRecording:
    """Records nothing; ends when told."""

    def __init__(self) -> None:
        self.started: list[tuple[View, RecordingRequest, Path]] = []
        self.state: RecordingState | None = None

    def start(self, view: View, request: RecordingRequest, target: Path) -> None:
        self.started.append((view, request, target))
        self.state = RecordingState(target, 0, request.frames, "running")

    def finish(self, status: Literal["finished", "cancelled"] = "finished") -> None:
        assert self.state is not None
        self.state = replace(self.state, status=status)

    def cancel(self) -> None:
        if self.state is not None and self.state.status == "running":
            self.finish("cancelled")

    def close(self) -> None:
        self.cancel()


class DummyPanel:
    """A slider, a button and a text field."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.text = ""
        self.presses = 0
        self.fail = False

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        imgui.text(f"{self.title} ψ ° ± σ →")
        imgui.set_next_item_width(-1)
        _, self.text = imgui.input_text(f"##text{self.title}", self.text)
        ui.mark(f"{self.title}/Text")
        if imgui.button("Press"):
            self.presses += 1
            actions.notify(f"pressed {self.presses}")
        ui.mark(f"{self.title}/Press")
        imgui.begin_child("inner", imgui.ImVec2(0, 60))
        if self.fail:
            raise ValueError("broken on purpose")
        imgui.text("inner")
        imgui.end_child()
        return view
