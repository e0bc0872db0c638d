"""The engine with recorded graphs, on a stand-in for a GPU: the same pictures, no map that nobody reads."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, get_args

import numpy as np
import pytest
import torch

import visualizer
from pof3d.nets.generator import RawFrame
from pof3d.render.graphs import OrbitGraphs
from tests.pof3d.render.recording import Broken, Replayed
from tests.viz.nets import RAW
from tests.viz.stand_ins import StandInRecording, StandInRendering
from tests.viz.views import turned
from viz.app import App
from viz.engine import Engine
from viz.frame import FailedFrame, Frame, Pose
from viz.maps import DeviceFrame, DeviceMaps, Maps, frame_of
from viz.marks import Registry
from viz.pacing import Pace
from viz.panel import RecordingRequest
from viz.preview import Quality, Speed
from viz.program import Program
from viz.surroundings import Surroundings
from viz.testing import Driver
from viz.view import (
    DisplayMode,
    DisplayView,
    LatentView,
    NetworkView,
    SamplingView,
    View,
)
from viz.window.offscreen import OffscreenWindow


@pytest.fixture
def backend() -> Replayed:
    return Replayed()


@pytest.fixture
def engine(backend: Replayed) -> Engine:
    engine = Engine()
    engine.graphs = OrbitGraphs(backend, "float32")
    return engine


def orbit(path: Path, i: int, mode: DisplayMode = "rgb") -> View:
    return turned(path, 0.2 * i, display=DisplayView(mode))


def names(frame: Frame) -> set[str]:
    return {timing.name for timing in frame.timings if not timing.cached}


@pytest.mark.parametrize(
    ("name", "mode"),
    [("tiny", "rgb"), ("tiny", "normals"), *(("tiny_2x", mode) for mode in get_args(DisplayMode))],
)
def test_frames_are_those_of_single_operations(
    name: str, mode: DisplayMode, request: pytest.FixtureRequest, engine: Engine, backend: Replayed
) -> None:
    path, plain = request.getfixturevalue(name), Engine()
    for i in range(3):
        view = orbit(path, i, mode)
        view = replace(view, camera=replace(view.camera, radius=None if i else 3.1))
        frame, expected = engine.render(view), plain.render(view)
        for one, other in ((frame.rgba, expected.rgba), (frame.image, expected.image)):
            assert one.shape == other.shape
            assert not one.flags.writeable
            # Where colours stand for depths, a hair's breadth may be a step of the table.
            assert np.quantile(np.abs(one.astype(int) - other), 0.98) <= 1
        assert np.abs(frame.raw.astype(int) - expected.raw).max() <= 1
        np.testing.assert_allclose(frame.depth, expected.depth, atol=1e-3)
        np.testing.assert_allclose(frame.opacity, expected.opacity, atol=1e-4)
        assert frame.depth_range == expected.depth_range
        assert frame.camera_pose == expected.camera_pose
        assert not any(array.flags.writeable for array in (frame.raw, frame.depth, frame.opacity))
        seen, judged = frame.discriminator_pose, expected.discriminator_pose
        assert (seen is None) == (judged is None)
        assert seen is None or judged is None or seen.yaw == pytest.approx(judged.yaw, abs=1e-3)
    assert (backend.recorded, backend.repeated) == (1, 2)


def test_a_drag_waits_once_a_frame_and_copies_the_image_only(
    tiny_2x: Path, engine: Engine, backend: Replayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.render(orbit(tiny_2x, 0), discriminator=False)
    engine.render(orbit(tiny_2x, 1), discriminator=False)
    before, waited = backend.waits, []
    # What a GPU would be asked for, as far as torch is: waits of stages, and values of tensors on the host.
    engine._device = torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: waited.append(device))
    monkeypatch.setattr(
        engine.networks, "find", lambda path, device, found=engine.networks.find: found(path, "cpu")
    )
    for i in range(2, 6):
        frame = engine.render(orbit(tiny_2x, i), discriminator=False)
        assert isinstance(frame, DeviceFrame)
        assert names(frame) == {"camera", "picture"}
        assert not waited
        assert frame.known_depth_range is None
        assert frame.raw_side == RAW
        np.testing.assert_array_equal(frame.image, frame.rgba[..., :3])
    assert backend.waits - before == 4
    frame = engine.render(orbit(tiny_2x, 5), discriminator=False)
    assert frame.depth.shape == (RAW, RAW)
    assert frame.known_depth_range == frame.depth_range


def test_nothing_is_drawn_twice(tiny_2x: Path, engine: Engine, backend: Replayed) -> None:
    view = orbit(tiny_2x, 1)
    first = engine.render(view, discriminator=False)
    waits = backend.waits
    again = engine.render(view)
    preview = engine.render(view, "preview")
    turned = engine.render(replace(view, display=DisplayView("depth")), "preview")
    assert backend.waits == waits
    assert again.rgba is first.rgba
    assert preview.image.shape == first.image.shape, "what is there already is the best preview"
    np.testing.assert_array_equal(turned.depth, first.depth)


def test_small_pictures_and_other_latents(tiny_2x: Path, engine: Engine, backend: Replayed) -> None:
    plain = Engine()
    for i in range(3):
        view = replace(orbit(tiny_2x, i), latent=LatentView(x=float(i), truncation_psi=0.7))
        for one, other in ((engine, plain), (plain, engine)):
            assert np.abs(one.thumbnail(view, 24).astype(int) - other.thumbnail(view, 24)).max() <= 1
        assert engine.fitted_depth_range(view) == plain.fitted_depth_range(view)
    assert backend.recorded <= 4


def test_previews_are_full_pictures_until_those_have_proved_too_slow(tiny_2x: Path, engine: Engine) -> None:
    for i in range(3):  # of which the first two are no measure: a graph is recorded
        preview = engine.render(orbit(tiny_2x, i), "preview")
        assert preview.image.shape == engine.render(orbit(tiny_2x, i)).image.shape
    engine.preview_milliseconds = 1e-3
    preview = engine.render(orbit(tiny_2x, 3), "preview")
    assert preview.image.shape[0] <= RAW
    assert preview.rgba.shape[0] <= RAW
    np.testing.assert_array_equal(preview.image, preview.raw)


def test_the_plain_renderer_has_no_graphs(tiny: Path, engine: Engine, backend: Replayed) -> None:
    frame = engine.render(replace(orbit(tiny, 0), sampling=SamplingView(renderer="plain")))
    assert "rays" in names(frame)
    assert type(frame) is Frame
    assert backend.waits == 0


def test_a_gpu_that_cannot_record_shows_pictures_all_the_same(tiny: Path) -> None:
    engine, plain = Engine(), Engine()
    engine.graphs = OrbitGraphs(Broken(), "float32")
    for i in range(3):
        one, other = engine.render(orbit(tiny, i)).rgba, plain.render(orbit(tiny, i)).rgba
        assert np.abs(one.astype(int) - other).max() <= 1


def test_a_forked_engine_and_another_device_start_anew(tiny: Path, engine: Engine) -> None:
    engine.render(orbit(tiny, 0))
    assert engine.fork(str(tiny)).graphs is None, "a CPU's"
    engine.set_device("cpu")
    assert engine.graphs is None


def test_a_network_that_is_dropped_takes_its_graphs_along(tiny: Path, engine: Engine) -> None:
    graphs = engine.graphs
    assert graphs is not None
    engine.render(orbit(tiny, 0))
    assert len(graphs) == 1
    engine.networks = type(engine.networks)()
    assert len(graphs) == 0


# ------------------------------------------------------------------------------------------------- lazy maps
def raw_frame() -> RawFrame:
    return RawFrame(torch.rand(1, 3, 8, 8), torch.rand(1, 1, 8, 8) + 2.0, torch.rand(1, 1, 8, 8))


def test_threads_that_read_maps_together_get_the_same_arrays() -> None:
    maps = DeviceMaps(raw_frame(), (2.0, 3.0))
    gate, found = threading.Barrier(8), []

    def read() -> None:
        gate.wait()
        found.append((maps.depth, maps.raw, maps.fitted))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one[0] is found[0][0] and one[1] is found[0][1] for one in found)
    assert maps._source is None, "the device's memory is free"


def test_a_frame_of_lazy_maps_is_a_frame() -> None:
    known = {
        "view": View(display=DisplayView(depth_range=(2.0, 4.0))),
        "level": "full",
        "rgba": np.zeros((8, 8, 4), np.uint8),
        "image": np.zeros((8, 8, 3), np.uint8),
        "camera_pose": Pose(0.0, 0.0),
        "generator_pose": Pose(0.1, 0.0),
    }
    frame = frame_of(DeviceMaps(raw_frame(), (2.0, 3.0)), **known)
    assert frame.depth_range == frame.known_depth_range == (2.0, 4.0)
    assert (frame.timings, frame.cameras, frame.cache_bytes) == ((), None, 0)
    judged = replace(frame, discriminator_pose=Pose(0.2, 0.1))
    assert judged.discriminator_pose == Pose(0.2, 0.1)
    assert judged.depth is frame.depth
    assert judged.raw_side == 8
    assert judged != frame
    with pytest.raises(AttributeError, match="colour"):
        _ = frame.colour  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        frame.level = "preview"  # type: ignore[misc]


def test_speeds_of_pictures_in_one_piece() -> None:
    speed = Speed(0.001)
    with_superres = Quality(10, 10, 0, superres=True, fast=True)
    speed = speed.after_picture(with_superres, 5.0)
    assert speed.superres_milliseconds == pytest.approx(4.0)
    speed = speed.after_picture(replace(with_superres, superres=False), 2.0)
    assert speed.point_milliseconds > 0.001
    assert speed.superres_milliseconds == pytest.approx(4.0)
    quick = Speed(0.001).after_picture(with_superres, 0.4)
    assert quick.point_milliseconds < 0.001
    assert quick.superres_milliseconds == 0.0


def test_a_recordings_time_is_known_from_pictures_in_one_piece(tiny: Path, engine: Engine) -> None:
    pace, view = Pace(), orbit(tiny, 0)
    pace.saw(engine.render(view))
    assert pace.frame_seconds(view, RecordingRequest()) is not None


# ------------------------------------------------------------------------------------------------ the window
class Watched(DeviceMaps):
    """Maps that know whether they were read."""

    read: ClassVar[list[str]] = []

    def on_the_host(self) -> Maps:
        self.read.append("".join(traceback.format_stack(limit=4)))
        return super().on_the_host()


class OnDevice(StandInRendering):
    """Answers with frames whose maps stay on the device."""

    def poll(self) -> Frame | FailedFrame | None:
        frame = super().poll()
        if not isinstance(frame, Frame):
            return frame
        lazy = ("raw", "depth", "opacity", "depth_range")
        known = {name: value for name, value in vars(frame).items() if name not in lazy}
        return DeviceFrame(Watched(raw_frame(), (2.0, 3.0)), **known)


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Driver]:
    window = OffscreenWindow((1280, 720))
    view = View(network=NetworkView("/nets/toy-cats.safetensors"))
    program = Program(
        OnDevice(), StandInRecording(), view=view, surroundings=Surroundings(capture_folder=tmp_path)
    )
    app = App(window, program, visualizer.placements(), registry=Registry())
    Watched.read.clear()
    yield Driver(app)
    app.close()
    window.close()


def test_the_window_shows_an_image_and_reads_no_map(user: Driver) -> None:
    program = user.app.program
    for placement in visualizer.placements():
        user.app._host.show(placement.panel.title)
        user.frame(3)
    user.drag(user.rect("Viewport"), (60, 10))
    user.frame(2)
    assert isinstance(program.frame, DeviceFrame)
    assert program.view.pose.source == "free"
    assert program.view.display.mode == "rgb"
    assert not Watched.read, Watched.read[0]
    user.app._host.show("View")
    user.frame(3)
    user.click("View/Fit range")
    assert program.view.display.depth_range is not None, "asked for, it is read"
    assert Watched.read
