"""The render thread: newest wins, errors are values, nothing blocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pof3d
from pof3d.errors import CheckpointError, ConfigError, DeviceError
from pof3d.fast import FastGenerator
from tests.viz.views import turned, view_of
from tests.viz.waiting import PATIENCE, wait_for
from viz.engine import Engine
from viz.frame import FailedFrame, Frame
from viz.program import Program
from viz.render_thread import RenderThread
from viz.stages import LoadingCancelled, StageError
from viz.threads import default_threads
from viz.view import DisplayView, LatentView, View


class Gate:
    """Holds up whoever passes while it is closed."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.waiting = threading.Event()

    def __call__(self) -> None:
        if not self.open.is_set():
            self.waiting.set()
            assert self.open.wait(PATIENCE)
            self.waiting.clear()


class GatedLoader:
    def __init__(self) -> None:
        self.gate = Gate()

    def __call__(self, path: Path, device: str, **hooks: Any) -> pof3d.Network:
        hooks["progress"](0.5, "Waiting")
        while not self.gate.open.is_set():
            self.gate.waiting.set()
            if hooks["cancelled"]():
                break
            time.sleep(0.002)
        self.gate.waiting.clear()
        return pof3d.load(path, device, **hooks)


@pytest.fixture
def loader() -> GatedLoader:
    return GatedLoader()


@pytest.fixture
def thread(loader: GatedLoader) -> Iterator[RenderThread]:
    before = torch.get_num_threads()
    thread = RenderThread(Engine(loader=loader), threads=1, pose_samples=1500)
    yield thread
    loader.gate.open.set()
    assert thread.close()
    torch.set_num_threads(before)


def next_result(thread: RenderThread) -> Frame | FailedFrame:
    result = wait_for(thread.poll, "an answer")
    assert isinstance(result, Frame | FailedFrame)
    return result


def full_frame(thread: RenderThread, view: View) -> Frame:
    """The last frame of a View: a full one, with the discriminator's pose if there is one."""
    wait_for(lambda: not thread.busy, "the full frame")
    result = next_result(thread)
    assert isinstance(result, Frame), result.error
    assert (result.view, result.level) == (view, "full")
    return result


def failure(thread: RenderThread) -> FailedFrame:
    while True:
        result = next_result(thread)
        if isinstance(result, FailedFrame):
            return result


def test_a_view_gets_a_preview_and_then_its_full_frame(thread: RenderThread, tiny: Path) -> None:
    frames: list[Frame] = []
    view = view_of(tiny)
    thread.submit(view)
    while not frames or frames[-1].discriminator_pose is None:
        result = next_result(thread)
        assert isinstance(result, Frame)
        frames.append(result)
    # A preview, the full frame, and that with the discriminator's pose; some may be replaced unseen.
    levels = [frame.level for frame in frames]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == "full"
    assert len(levels) <= 3
    expected = Engine().render(view)
    np.testing.assert_array_equal(frames[-1].rgba, expected.rgba)
    assert thread.poll() is None
    assert not thread.busy
    assert len(thread.preview_milliseconds) == 1
    assert thread.preview_milliseconds.dtype == np.float32


def test_the_view_asked_for_last_is_not_repeated(thread: RenderThread, tiny: Path) -> None:
    full_frame_once = view_of(tiny)
    thread.submit(full_frame_once)
    full_frame(thread, full_frame_once)
    thread.submit(view_of(tiny))
    assert not thread.busy
    thread.reload(view_of(tiny))
    full_frame(thread, full_frame_once)


def test_newest_wins_and_stale_work_is_dropped(
    thread: RenderThread, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread.submit(view_of(tiny))
    full_frame(thread, view_of(tiny))
    gate = Gate()
    done: list[tuple[str, float]] = []
    render = Engine.render

    render_rays = FastGenerator.render_rays

    def gated(*args: Any, **kwargs: Any) -> Any:
        gate()
        return render_rays(*args, **kwargs)

    def noted(self: Engine, *args: Any, discriminator: bool = False) -> Frame:
        frame = render(self, *args, discriminator=discriminator)
        level = "judged" if discriminator else frame.level
        done.append((level, round(frame.view.camera.yaw, 3)))
        return frame

    monkeypatch.setattr(FastGenerator, "render_rays", gated)
    monkeypatch.setattr(Engine, "render", noted)
    monkeypatch.setattr("viz.marching._SLICE_MULTIPLICATIONS", 1.0)
    gate.open.clear()
    thread.submit(turned(tiny, 0.1))
    assert gate.waiting.wait(PATIENCE)  # its preview is under way
    for i in range(2, 8):
        thread.submit(turned(tiny, 0.1 * i))
    assert thread.busy
    gate.open.set()
    full_frame(thread, turned(tiny, 0.1 * 7))
    # The preview under way was finished; the Views between were never rendered.
    assert done == [("preview", 0.1), ("preview", 0.7), ("full", 0.7), ("judged", 0.7)]


def test_a_preview_once_begun_is_shown_even_in_a_drag_without_pause(thread: RenderThread, tiny: Path) -> None:
    thread.submit(view_of(tiny))
    full_frame(thread, view_of(tiny))
    shown = 0
    deadline = time.monotonic() + PATIENCE
    yaw = 0.0
    while shown < 5:  # new Views come in faster than any can be rendered
        assert time.monotonic() < deadline
        yaw += 1e-4
        thread.submit(turned(tiny, yaw))
        shown += thread.poll() is not None
    full_frame(thread, turned(tiny, yaw))


def test_a_full_frame_is_dropped_for_a_newer_view(
    thread: RenderThread, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz.marching._SLICE_MULTIPLICATIONS", 1.0)
    thread.submit(view_of(tiny))
    full_frame(thread, view_of(tiny))
    gate, slices = Gate(), 0

    render_rays = FastGenerator.render_rays

    def gated(*args: Any, **kwargs: Any) -> Any:
        nonlocal slices
        slices += 1
        gate()
        return render_rays(*args, **kwargs)

    render = Engine.render
    levels: list[str] = []

    def watched(self: Engine, view: View, level: Any, *args: Any, **kwargs: Any) -> Frame:
        levels.append(level)
        if level == "full" and view == turned(tiny, 0.5):
            gate.open.clear()
            self.memory.clear()  # so that there are rays to be cast
        return render(self, view, level, *args, **kwargs)

    monkeypatch.setattr(FastGenerator, "render_rays", gated)
    monkeypatch.setattr(Engine, "render", watched)
    thread.submit(turned(tiny, 0.5))
    assert gate.waiting.wait(PATIENCE)
    before = slices
    thread.submit(turned(tiny, 0.6))
    gate.open.set()
    frame = full_frame(thread, turned(tiny, 0.6))
    assert frame.view.camera.yaw == 0.6
    # One slice of the two of the dropped frame, then those of the next View.
    assert levels == ["preview", "full", "preview", "full", "full"]
    assert slices - before == 2


def test_a_network_without_a_discriminator_is_not_asked_twice(
    thread: RenderThread, tiny_2x: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render, calls = Engine.render, []

    def noted(self: Engine, view: View, level: Any, *args: Any, **kwargs: Any) -> Frame:
        calls.append(level)
        return render(self, view, level, *args, **kwargs)

    monkeypatch.setattr(Engine, "render", noted)
    thread.submit(view_of(tiny_2x))
    assert full_frame(thread, view_of(tiny_2x)).discriminator_pose is None
    assert calls == ["preview", "full"]


def test_errors_are_values_and_the_thread_goes_on(
    thread: RenderThread, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread.submit(View())
    assert isinstance(failure(thread).error, ConfigError)
    missing = view_of(tiny.with_name("missing.safetensors"))
    thread.submit(missing)
    failed = failure(thread)
    assert isinstance(failed.error, CheckpointError)
    assert failed.view == missing
    thread.submit(view_of(tiny, latent=LatentView(truncation_psi=50.0)))
    assert isinstance(failure(thread).error, ConfigError)

    def broken(*args: object) -> None:
        raise ZeroDivisionError("oh")

    with monkeypatch.context() as patch:
        patch.setattr("viz.chain.compose", broken)
        thread.submit(view_of(tiny))
        assert isinstance(failure(thread).error, StageError)
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "render", broken)
        thread.submit(view_of(tiny, display=DisplayView(mode="raw")))
        assert "ZeroDivisionError" in str(failure(thread).error)
    view = view_of(tiny, display=DisplayView(mode="depth"))
    thread.submit(view)
    full_frame(thread, view)


def test_a_callback_that_fails_does_no_harm(tiny: Path) -> None:
    calls = []

    def on_ready() -> None:
        calls.append(threading.current_thread().name)
        raise ValueError

    before = torch.get_num_threads()
    with RenderThread(Engine(), threads=1, on_ready=on_ready) as thread:
        thread.submit(view_of(tiny))
        full_frame(thread, view_of(tiny))
    torch.set_num_threads(before)
    assert set(calls) == {"render"}


def test_loading_shows_progress_and_can_be_cancelled(
    thread: RenderThread, loader: GatedLoader, tiny: Path, tiny_2x: Path
) -> None:
    wait_for(lambda: thread.loading is None)
    thread.submit(view_of(tiny))
    good = full_frame(thread, view_of(tiny))
    assert thread.network_info is not None
    assert thread.network_info.path == tiny
    loader.gate.open.clear()
    thread.submit(view_of(tiny_2x))
    assert loader.gate.waiting.wait(PATIENCE)
    state = thread.loading
    assert state is not None
    assert (state.path, state.fraction, state.stage) == (tiny_2x, 0.5, "Waiting")
    thread.cancel_loading()
    failed = failure(thread)
    assert isinstance(failed.error, LoadingCancelled)
    assert failed.view == view_of(tiny_2x)
    wait_for(lambda: thread.loading is None)
    # Not tried again by itself …
    thread.submit(view_of(tiny_2x, latent=LatentView(x=1.0)))
    assert isinstance(failure(thread).error, LoadingCancelled)
    # … the previous network is still there …
    assert thread.network_info.path == tiny
    thread.submit(view_of(tiny))
    np.testing.assert_array_equal(full_frame(thread, view_of(tiny)).rgba, good.rgba)
    # … and asking anew opens the file.
    loader.gate.open.set()
    thread.submit(view_of(tiny_2x))
    full_frame(thread, view_of(tiny_2x))
    assert thread.network_info.path == tiny_2x


def test_a_view_of_another_network_ends_the_loading(
    thread: RenderThread, loader: GatedLoader, tiny: Path, tiny_2x: Path
) -> None:
    thread.submit(view_of(tiny))
    full_frame(thread, view_of(tiny))
    loader.gate.open.clear()
    thread.submit(view_of(tiny_2x))
    assert loader.gate.waiting.wait(PATIENCE)
    other = view_of(tiny, latent=LatentView(x=2.0))
    thread.submit(other)
    full_frame(thread, other)


def test_closing_while_loading(loader: GatedLoader, tiny: Path) -> None:
    before = torch.get_num_threads()
    loader.gate.open.clear()
    thread = RenderThread(Engine(loader=loader), threads=1)
    thread.submit(view_of(tiny))
    assert loader.gate.waiting.wait(PATIENCE)
    assert thread.close()
    assert thread.close()
    torch.set_num_threads(before)


def test_the_learned_poses_are_sampled_at_rest(thread: RenderThread, tiny: Path, tiny_2x: Path) -> None:
    assert thread.histogram is None
    thread.submit(view_of(tiny))
    done = wait_for(
        lambda: (h := thread.histogram) is not None and h.samples == h.target and h, "the histogram"
    )
    assert done.target == 1500
    assert done.counts.sum() == 1500
    other = view_of(tiny_2x)
    thread.submit(other)
    full_frame(thread, other)
    assert thread.histogram is not done


def test_threads_and_devices(thread: RenderThread, tiny: Path) -> None:
    assert default_threads() >= 1
    thread.set_threads(2)
    assert thread.threads == 2
    thread.submit(view_of(tiny))
    full_frame(thread, view_of(tiny))
    thread.set_device("quantum")
    assert isinstance(failure(thread).error, DeviceError)
    assert thread.device == "cpu"
    thread.set_device("cpu")
    full_frame(thread, view_of(tiny))


def test_a_repaired_first_file_opens(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(tiny.read_bytes()[:1000])
    before = torch.get_num_threads()
    program = Program(RenderThread(Engine(), threads=1, pose_samples=0), view=view_of(path))

    def answered() -> bool:
        program.update(0.01)
        return program.error is not None or program.frame is not None

    wait_for(answered)
    assert program.error is not None
    # Still damaged: that is said again.
    program.open_checkpoint(path)
    wait_for(answered)
    assert "a.safetensors" in str(program.error)
    path.write_bytes(tiny.read_bytes())
    program.open_checkpoint(path)
    wait_for(answered)
    assert program.frame is not None
    assert program.view == program.frame.view == view_of(path)
    program.close()
    torch.set_num_threads(before)
