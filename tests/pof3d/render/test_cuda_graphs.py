"""CUDA graphs: how a GPU is asked for them, on a stand-in, and what it does, where there is one."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from pof3d.render.backends import Careful, CudaGraphs, Eager
from pof3d.render.fast import fast_field
from pof3d.render.graphs import OrbitGraphs, Precision
from tests.pof3d.render.scenes import Scene, camera, scene_of


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


class Calls(list[str]):
    """What torch.cuda is asked for, in order, by something that takes the same arguments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fails: bool = False) -> None:
        super().__init__()
        calls, self.current = self, "before"

        class Stream:
            def __init__(self, device: torch.device) -> None:
                self.name = "side"

            def wait_stream(self, other: Stream) -> None:
                calls.append(f"{self.name} after {other.name}")

            def synchronize(self) -> None:
                raise AssertionError("more than the picture is waited for")

        class Event:
            def __init__(self, blocking: bool) -> None:
                assert blocking

            def record(self, stream: Stream) -> None:
                calls.append(f"mark {stream.name}")

            def synchronize(self) -> None:
                calls.append("wait for the mark")

        class Graph:
            def replay(self) -> None:
                calls.append("repeat")

        streams = {"before": Stream(torch.device("cpu")), "side": Stream(torch.device("cpu"))}
        streams["before"].name = "before"

        @contextlib.contextmanager
        def on(stream: Stream) -> Iterator[None]:
            was, calls.current = calls.current, stream.name
            yield
            calls.current = was

        arguments = inspect.signature(torch.cuda.graph.__init__)

        @contextlib.contextmanager
        def record(*given: object, **named: object) -> Iterator[None]:
            bound = arguments.bind(None, *given, **named).arguments
            assert bound["capture_error_mode"] == "thread_local"
            calls.append("record")
            calls.current = bound["stream"].name
            yield
            if fails:  # as torch does, which then leaves its stream the current one
                raise RuntimeError("operation not permitted when stream is capturing")
            calls.current = "before"

        def set_stream(stream: Stream) -> None:
            calls.current = stream.name

        for name, stand_in in (
            ("Stream", Stream),
            ("Event", Event),
            ("CUDAGraph", Graph),
            ("graph", record),
            ("stream", on),
            ("set_stream", set_stream),
            ("current_stream", lambda device: streams[calls.current]),
            ("device", lambda device: contextlib.nullcontext()),
        ):
            assert hasattr(torch.cuda, name)
            monkeypatch.setattr(torch.cuda, name, stand_in)
        empty = torch.zeros
        monkeypatch.setattr(torch, "zeros", lambda *size, pin_memory=False, **named: empty(*size, **named))

    def work(self) -> None:
        self.append(f"work on {self.current}")


def test_work_is_warmed_up_and_recorded_on_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, backend = Calls(monkeypatch), CudaGraphs(torch.device("cuda", 0))
    repeat = backend.record(calls.work)
    assert calls == [
        "side after before",
        *["work on side"] * 2,
        "record",
        "work on side",
        "before after side",
    ]
    calls.clear()
    repeat()
    backend.wait()
    assert calls == ["repeat", "mark before", "wait for the mark"]
    assert backend.host_memory((2, 3), torch.uint8).shape == (2, 3)


def test_after_a_failure_work_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls(monkeypatch, fails=True)
    backend = Careful(CudaGraphs(torch.device("cuda", 0)))
    again = [backend.record(calls.work) for _ in range(3)]
    assert calls.count("record") == 1
    calls.clear()
    again[0]()
    again[2]()
    assert calls == ["work on before"] * 2
    assert len(caplog.records) == 1


# --------------------------------------------------------------------------------------------- on a GPU
@pytest.fixture
def card() -> torch.device:
    return torch.device("cuda", torch.cuda.current_device())


def moved(scene: Scene, device: torch.device) -> Scene:
    generator = scene.generator.to(device)
    w = scene.w.to(device)
    return Scene(generator, fast_field(generator, generator.synthesize_planes(w)), w)


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["toy-cats", "small"])
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16", "float16"])
def test_a_gpus_graphs_draw_what_its_single_operations_draw(
    name: str, precision: Precision, card: torch.device, caplog: pytest.LogCaptureFixture
) -> None:
    scene = moved(scene_of(name), card)
    recorded = OrbitGraphs(CudaGraphs(card), precision)
    single = OrbitGraphs(Eager(card), precision)
    for yaw in (0.0, 0.4, -0.7, 0.2):
        one, other = (
            graphs.draw(scene.generator, scene.field, scene.w, *camera(scene, yaw), resolution=64)
            for graphs in (recorded, single)
        )
        assert np.abs(one.pixels.astype(int) - other.pixels).mean() < 0.05
        torch.testing.assert_close(one.raw.depth, other.raw.depth, atol=1e-4, rtol=1e-4)
    assert not caplog.records, "it was recorded"


@pytest.mark.gpu
def test_a_gpus_frames_and_latents_never_wait(card: torch.device) -> None:
    scene = moved(scene_of("small"), card)
    graphs = OrbitGraphs(CudaGraphs(card))
    for _ in range(2):
        graphs.draw(scene.generator, scene.field, scene.w, *camera(scene, 0.0), resolution=64)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step in range(10):
            graphs.draw(scene.generator, scene.field, scene.w, *camera(scene, 0.1 * step), resolution=64)
        for _ in range(3):
            field = fast_field(scene.generator, scene.generator.synthesize_planes(scene.w))
            graphs.draw(scene.generator, field, scene.w, *camera(scene, 0.1), resolution=64)
    finally:
        torch.cuda.set_sync_debug_mode("default")
