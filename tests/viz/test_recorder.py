"""Recordings."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from pof3d.errors import CheckpointError, ConfigError, Pof3dError
from viz.captures import read_view
from viz.encoders import encoding
from viz.engine import Cancelled, Engine
from viz.files import SaveError
from viz.frame import Frame
from viz.panel import RecordingFormat, RecordingRequest, RecordingState
from viz.recorder import Film, Recorder, TimeLeft, record, recorded_views
from viz.video_panes import GROUND
from viz.view import DisplayView, LatentView, NetworkView, PoseView, View

SMALL = RecordingRequest(frames=5, fps=10, size=32)


def view_of(path: Path, **parts: object) -> View:
    return replace(View(NetworkView(str(path))), **parts)  # type: ignore[arg-type]


def video(path: Path) -> np.ndarray:
    return iio.imread(path, plugin="pyav")


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_mp4(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    steps: list[tuple[int, int]] = []
    view = view_of(tiny)
    record(engine, view, SMALL, target, progress=lambda *step: steps.append(step))
    frames = video(target)
    assert frames.shape == (5, 32, 32, 3)
    meta = iio.immeta(target, plugin="pyav")
    assert meta["fps"] == 10
    assert meta["codec"] == "h264"
    assert meta["duration"] == pytest.approx(0.5, abs=0.05)
    assert steps == [(i, 5) for i in range(6)]
    assert read_view(target) == view
    assert list(tmp_path.iterdir()) == [target]
    # What is in the video is what the engine renders, but for the compression.
    film = Film(engine, view, SMALL)
    for shown, one in zip(frames, recorded_views(engine, view, SMALL), strict=True):
        expected = film.picture(one)
        assert np.abs(shown.astype(float) - expected).mean() < 12


def test_colours_of_a_video_are_right(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    colours = np.array([[200, 30, 40], [20, 180, 60], [30, 60, 210], [240, 240, 240]], np.uint8)
    with encoding(target, "mp4", (32, 32), 10) as encoder:
        for colour in colours:
            encoder.add(np.broadcast_to(colour, (32, 32, 3)))
    import av

    with av.open(str(target)) as container:
        shown = [frame.to_ndarray(format="rgb24")[16, 16] for frame in container.decode(video=0)]
    np.testing.assert_allclose(np.array(shown).astype(int), colours, atol=6)


def test_gif(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.gif"
    request = replace(SMALL, format="gif", fps=30, frames=6, contents=("rgb", "depth"))
    record(engine, view_of(tiny), request, target)
    with Image.open(target) as image:
        assert image.size == (64, 32)
        assert image.n_frames == 6  # type: ignore[attr-defined]
        assert image.info["loop"] == 0
        durations = []
        for i in range(6):
            image.seek(i)
            durations.append(image.info["duration"])
    assert sum(durations) == 200  # six frames of a thirtieth of a second, in hundredths
    assert set(durations) == {30, 40}
    assert read_view(target) == view_of(tiny)


def test_gif_colours(tmp_path: Path) -> None:
    target = tmp_path / "a.gif"
    ramp = np.linspace(0, 255, 40).astype(np.uint8)
    picture = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], np.uint8(90)), axis=-1)
    with encoding(target, "gif", (40, 40), 20) as encoder:
        encoder.add(picture)
        encoder.add(picture[::-1])
    shown = iio.imread(target)
    assert np.abs(shown[0].astype(int) - picture).mean() < 10
    assert np.abs(shown[1].astype(int) - picture[::-1]).mean() < 10


def test_odd_sides_become_even(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    odd = replace(SMALL, size=33, frames=1, contents=("rgb", "depth"))
    for suffix in ("mp4", "webm"):
        target = tmp_path / f"a.{suffix}"
        record(engine, view_of(tiny), replace(odd, format=suffix), target)
        assert video(target).shape == (1, 34, 68, 3)
    record(engine, view_of(tiny), replace(odd, format="gif"), tmp_path / "a.gif")
    assert iio.imread(tmp_path / "a.gif").shape == (1, 33, 66, 3)


def test_one_depth_range_for_all_frames(engine: Engine, tiny: Path) -> None:
    view = view_of(tiny, display=DisplayView("depth"))
    ranges = {one.display.depth_range for one in recorded_views(engine, view, SMALL)}
    assert len(ranges) == 1
    assert None not in ranges
    fixed = view_of(tiny, display=DisplayView("depth", depth_range=(2.0, 3.0)))
    assert {o.display.depth_range for o in recorded_views(engine, fixed, SMALL)} == {(2.0, 3.0)}
    plain = {o.display.depth_range for o in recorded_views(engine, view_of(tiny), SMALL)}
    assert plain == {None}


def test_halves_of_a_picture_do_not_mix(engine: Engine, tiny: Path) -> None:
    def picture(view: View, request: RecordingRequest) -> np.ndarray:
        return Film(engine, view, request).picture(view)

    large, plain = replace(SMALL, size=64), view_of(tiny)
    beside = view_of(tiny, display=DisplayView("side_by_side"))
    grown = picture(beside, large)
    assert grown.shape == (64, 128, 3)
    np.testing.assert_array_equal(grown[:, :64], picture(plain, large))
    depth = view_of(tiny, display=DisplayView("depth"))
    np.testing.assert_array_equal(grown[:, 64:], picture(depth, large))
    # What is asked for counts more than what the window shows.
    np.testing.assert_array_equal(picture(plain, replace(large, contents=("rgb", "depth"))), grown)
    np.testing.assert_array_equal(picture(depth, replace(large, contents=("rgb", "depth"))), grown)
    same = picture(plain, replace(SMALL, size=16))
    np.testing.assert_array_equal(same, engine.render(plain).rgba[..., :3])


def test_a_canvas_holds_the_pictures_in_its_middle(engine: Engine, tiny: Path) -> None:
    request = replace(SMALL, contents=("rgb", "raw", "depth"), canvas=(101, 40), format="gif")
    view = view_of(tiny)
    picture = Film(engine, view, request).picture(view)
    assert picture.shape == (40, 101, 3)
    alone = Film(engine, view, replace(SMALL, size=33, format="gif")).picture(view)
    np.testing.assert_array_equal(picture[3:36, 1:34], alone)
    assert (picture[:3] == GROUND).all()
    assert (picture[:, 100:] == GROUND).all()


def test_a_turntable_is_an_exact_loop(engine: Engine, tiny: Path) -> None:
    views = list(recorded_views(engine, view_of(tiny), replace(SMALL, frames=8)))
    again = list(recorded_views(engine, view_of(tiny), replace(SMALL, frames=16)))
    assert len(set(views)) == 8, "the last is not the first again"
    assert again[::2] == views, "frames are evenly spaced around the loop"


def test_png_sequence(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    target, view = tmp_path / "turn", view_of(tiny, latent=LatentView(x=3.0))
    request = replace(SMALL, format="png", size=33)
    record(engine, view, request, target)
    assert [path.name for path in tmp_path.iterdir()] == ["turn"]
    frames = sorted(target.glob("*.png"))
    assert [path.name for path in frames] == [f"frame-{i:05d}.png" for i in range(1, 6)]
    assert read_view(target) == view
    film = Film(engine, view, request)
    for path, one in zip(frames, recorded_views(engine, view, request), strict=True):
        np.testing.assert_array_equal(iio.imread(path), film.picture(one))
        assert read_view(path) == one, "each picture leads back to its own view"


def test_a_folder_with_something_in_it_is_never_replaced(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "holidays"
    target.mkdir()
    (target / "beach.jpg").write_text("sand")
    request = replace(SMALL, format="png", frames=1)
    with pytest.raises(SaveError, match="there is a folder of this name already"):
        record(engine, view_of(tiny), request, target)
    assert (target / "beach.jpg").read_text() == "sand"
    (tmp_path / "notes").write_text("ideas")
    with pytest.raises(SaveError, match="there is a file of this name"):
        record(engine, view_of(tiny), request, tmp_path / "notes")
    (target / "beach.jpg").unlink()
    record(engine, view_of(tiny), request, target)
    assert len(list(target.glob("*.png"))) == 1


def test_a_folder_that_cannot_be_written(
    engine: Engine, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *arguments: False)  # root may write everywhere
    for suffix in get_args(RecordingFormat):
        target = tmp_path / ("a" if suffix == "png" else f"a.{suffix}")
        with pytest.raises(SaveError, match="you may not write there"):
            record(engine, view_of(tiny), replace(SMALL, format=suffix), target)
    assert list(tmp_path.iterdir()) == []


def test_insets_are_drawn_into_the_frames(engine: Engine, tiny: Path) -> None:
    view = view_of(tiny)
    plain = replace(SMALL, size=256)
    bare = Film(engine, view, plain).picture(view)
    poses, histogram = replace(plain, with_poses=True), replace(plain, with_histogram=True)
    for request, corner in (
        (poses, (slice(0, 100), slice(0, 150))),
        (histogram, (slice(156, 256), slice(0, 150))),
    ):
        picture = Film(engine, view, request).picture(view)
        changed = (picture != bare).any(axis=2)
        assert changed[corner].sum() > 1000
        changed[corner] = False
        assert not changed.any(), request


def test_conditioned_networks_have_no_histogram(engine: Engine, conditioned: Path) -> None:
    view = view_of(conditioned)
    asked = replace(SMALL, size=256, with_histogram=True)
    picture = Film(engine, view, asked).picture(view)
    np.testing.assert_array_equal(picture, Film(engine, view, replace(SMALL, size=256)).picture(view))


@pytest.mark.parametrize(
    "change",
    [
        {"frames": 0},
        {"fps": 0},
        {"fps": 60, "format": "gif"},
        {"size": 3},
        {"size": 100_000},
        {"format": "gif"},
        {"amplitude": -1.0},
        {"canvas": (1920, 8)},
        {"contents": ("side_by_side",)},
    ],
)
def test_refuses(engine: Engine, tiny: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    suffix = "gif" if change.get("fps") == 60 else "mp4"
    with pytest.raises(ConfigError):
        record(engine, view_of(tiny), replace(SMALL, **change), tmp_path / f"a.{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_sequence_leaves_nothing(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    done: list[int] = []
    with pytest.raises(Cancelled):
        record(
            engine,
            view_of(tiny),
            replace(SMALL, format="png"),
            tmp_path / "a",
            progress=lambda i, _: done.append(i),
            cancelled=lambda: 3 in done,
        )
    assert max(done) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["mp4", "webm", "gif"])
def test_cancel_leaves_nothing(engine: Engine, tiny: Path, tmp_path: Path, suffix: Any) -> None:
    target = tmp_path / f"a.{suffix}"
    target.write_text("what was there before")
    done: list[int] = []
    with pytest.raises(Cancelled):
        record(
            engine,
            view_of(tiny),
            replace(SMALL, format=suffix),
            target,
            progress=lambda i, _: done.append(i),
            cancelled=lambda: 3 in done,
        )
    assert max(done) == 3
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_text() == "what was there before"


@contextmanager
def small_disk() -> Iterator[None]:
    """Files cannot grow beyond a few hundred bytes: not for long, the log of the tests may be one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", get_args(RecordingFormat))
def test_a_full_disk_leaves_nothing(engine: Engine, tiny: Path, tmp_path: Path, suffix: Any) -> None:
    target = tmp_path / ("a" if suffix == "png" else f"a.{suffix}")
    with small_disk(), pytest.raises(SaveError, match="too large"):
        record(engine, view_of(tiny), replace(SMALL, format=suffix), target)
    assert list(tmp_path.iterdir()) == []


def test_time_left() -> None:
    now = [0.0]
    left = TimeLeft(lambda: now[0])
    assert left.after(0, 10) is None
    now[0] = 100.0  # preparations
    assert left.after(1, 10) is None
    now[0] = 102.0
    assert left.after(2, 10) == 16.0
    now[0] = 104.0
    assert left.after(10, 10) == 0.0


def ended(recorder: Recorder) -> RecordingState:
    deadline = time.monotonic() + 30.0
    while (state := recorder.state) is None or state.status == "running":
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return state


def test_in_the_background(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    states: list[RecordingState | None] = []
    recorder = Recorder(engine, lambda: states.append(recorder.state))
    assert recorder.state is None
    view = view_of(tiny, pose=PoseView("override", 0.2, 0.1))
    shown = engine.render(view)
    recorder.start(view, SMALL, tmp_path / "a.mp4")
    assert ended(recorder) == RecordingState(tmp_path / "a.mp4", 5, 5, "finished")
    assert video(tmp_path / "a.mp4").shape[0] == 5
    assert [s.done for s in states if s and s.status == "running"] == list(range(6))
    # What is on the screen has not been touched.
    assert all(timing.cached for timing in engine.render(view).timings)
    np.testing.assert_array_equal(engine.render(view).rgba, shown.rgba)
    recorder.start(view, replace(SMALL, format="gif"), tmp_path / "b.gif")
    assert ended(recorder).status == "finished"
    assert recorder.close()


def gated(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Recordings wait at their second frame."""
    reached, go_on = threading.Event(), threading.Event()
    render, count = Engine.render, [0]

    def waiting(self: Engine, *args: Any, **kwargs: Any) -> Frame:
        count[0] += 1
        if count[0] == 2:
            reached.set()
            assert go_on.wait(30.0)
        return render(self, *args, **kwargs)

    monkeypatch.setattr(Engine, "render", waiting)
    return reached, go_on


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_stopping_leaves_nothing(
    engine: Engine, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    reached, go_on = gated(monkeypatch)
    recorder = Recorder(engine)
    recorder.start(view_of(tiny), SMALL, tmp_path / "a.mp4")
    assert reached.wait(30.0)
    with pytest.raises(ConfigError, match="under way"):
        recorder.start(view_of(tiny), SMALL, tmp_path / "b.mp4")
    stop: Callable[[], object] = recorder.cancel if end == "cancel" else lambda: recorder.close(0.0)
    stop()
    go_on.set()
    state = ended(recorder)
    assert (state.status, state.error) == ("cancelled", None)
    assert recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_recording_does_not_mind_what_happens_to_the_file(
    engine: Engine, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = tmp_path / "net.safetensors"
    net.write_bytes(tiny.read_bytes())
    reached, go_on = gated(monkeypatch)
    recorder = Recorder(engine)
    recorder.start(view_of(net), SMALL, tmp_path / "a.mp4")
    assert reached.wait(30.0)
    net.write_text("not a network any more")
    go_on.set()
    assert ended(recorder).status == "finished"


def test_failures_are_states(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    cases: list[tuple[View, Path, type[Pof3dError]]] = [
        (view_of(tmp_path / "missing.safetensors"), tmp_path / "a.mp4", CheckpointError),
        (view_of(tiny), tmp_path / "none" / "a.mp4", SaveError),
        (view_of(tiny), tmp_path / "a.avi", ConfigError),
    ]
    for view, target, error in cases:
        recorder = Recorder(engine)
        recorder.start(view, SMALL, target)
        state = ended(recorder)
        assert state.status == "failed"
        assert isinstance(state.error, error)
        assert recorder.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", range(4))
def test_preparations_can_be_cancelled(engine: Engine, tiny: Path, asked: int) -> None:
    left = iter([False] * asked)
    with pytest.raises(Cancelled):
        recorded_views(engine, view_of(tiny), replace(SMALL, contents=("depth",)), lambda: next(left, True))


def test_closing_in_its_own_callback(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    closed: list[bool] = []
    recorder = Recorder(engine, lambda: closed.append(recorder.close()))
    recorder.start(view_of(tiny), SMALL, tmp_path / "a.mp4")
    assert ended(recorder).status == "cancelled"
    assert closed
    assert not any(closed)
    assert recorder.close()


def test_the_next_can_start_as_soon_as_one_has_ended(engine: Engine, tiny: Path, tmp_path: Path) -> None:
    started: list[str] = []

    def start_another() -> None:
        state = recorder.state
        if state is not None and state.status == "finished" and not started:
            started.append("b.mp4")  # in the thread of the first, which still lives
            recorder.start(view_of(tiny), SMALL, tmp_path / "b.mp4")

    recorder = Recorder(engine, start_another)
    recorder.start(view_of(tiny), SMALL, tmp_path / "a.mp4")
    deadline = time.monotonic() + 30.0
    while not (tmp_path / "b.mp4").exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert ended(recorder).target == tmp_path / "b.mp4"
    assert recorder.close()
