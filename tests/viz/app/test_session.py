"""The whole program, with a real network and its workers, in a window that nobody sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from imgui_bundle import imgui
from PIL import Image

import visualizer
from viz.app import App
from viz.captures import read_view
from viz.engine import Engine
from viz.panel import RecordingRequest
from viz.start import make_program
from viz.surroundings import Surroundings
from viz.testing import Driver
from viz.tour import TourOptions, record_tour, run_tour
from viz.view import NetworkView, View
from viz.window import OffscreenWindow

pytestmark = [pytest.mark.window, pytest.mark.timeout(600)]


@dataclass
class Session:
    user: Driver
    app: App
    folder: Path


@pytest.fixture
def session(tiny: Path, tmp_path: Path) -> Iterator[Session]:
    window = OffscreenWindow((1280, 720))
    surroundings = Surroundings(capture_folder=tmp_path / "out")
    program = make_program(View(network=NetworkView(str(tiny))), surroundings, window.wake)
    app = App(window, program, visualizer.placements())
    user = Driver(app)
    user.settle()
    yield Session(user, app, tmp_path / "out")
    app.close()
    window.close()


def notice(session: Session, text: str) -> None:
    session.user.wait_until(lambda: text in session.app.program.notices.message)


def test_what_is_saved_is_what_the_engine_renders(session: Session) -> None:
    user, program = session.user, session.app.program
    centre = user.rect("Viewport/Picture").centre
    user.drag(centre, (centre[0] + 40, centre[1] + 25))
    user.type("]]")
    user.click("View/Mode: Depth")
    user.settle()
    user.key(imgui.Key.s)
    notice(session, "Saved")
    (path,) = session.folder.iterdir()
    view = read_view(path)
    assert view == program.view
    assert (view.latent.seed, view.pose.source, view.display.mode) == (2, "free", "depth")
    frame = Engine().render(view)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), frame.rgba[..., :3])


def test_pose_panel_histogram_and_overlay_agree(session: Session) -> None:
    user, program = session.user, session.app.program
    user.wait_until(lambda: "Pose histogram/Map" in user.registry.rects)
    user.frame(3)
    heat = user.rect("Pose histogram/Map")
    user.click(heat.at(0.7, 0.4))
    user.settle()
    assert program.view.pose.source == "override"
    assert program.frame is not None
    assert program.frame.camera_pose.yaw == program.view.pose.override_yaw
    user.click("Pose/Source: Predicted")
    user.settle()
    assert program.frame.camera_pose == program.frame.generator_pose


def test_a_recording_while_the_window_is_used(session: Session) -> None:
    user, program = session.user, session.app.program
    program.plan_recording(RecordingRequest(frames=12, size=64))
    program.start_recording()
    user.type("]]]")
    user.settle()
    assert program.view.latent.seed == 3
    notice(session, "Saved")
    (path,) = session.folder.glob("*.mp4")
    with av.open(str(path)) as video:
        assert sum(1 for _ in video.decode(video=0)) == 12
    assert read_view(path).latent.seed == 0
    session.app._host.show("Capture")
    user.frame(4)
    user.click("Capture/Record")
    assert program.capturing.running
    user.key(imgui.Key.r)
    notice(session, "cancelled")
    assert list(session.folder.iterdir()) == [path]


def test_a_dropped_release_snapshot_and_a_damaged_one(session: Session, tmp_path: Path) -> None:
    user, program = session.user, session.app.program
    release = Path(__file__).resolve().parents[2] / "data" / "pof3d_nosr.pkl"
    before = program.view.network
    damaged = tmp_path / "damaged.pkl"
    damaged.write_bytes(release.read_bytes()[:5000])
    user.drop(damaged)
    user.wait_until(lambda: program.error)
    assert "damaged.pkl" in str(program.error)
    assert program.view.network == before
    user.settle()
    user.drop(release)
    user.wait_until(lambda: program.view.network.path == str(release) and program.error is None)
    user.settle()
    assert program.frame is not None
    assert program.frame.view.network.path == str(release)
    user.key(imgui.Key.z, imgui.Key.left_ctrl)
    user.settle()
    assert program.frame.view.network == before


def test_the_tour(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a new" / "folder"
    shares: list[float] = []
    options = TourOptions(str(tiny), folder, (1000, 600))
    video, picture = record_tour(options, visualizer.placements, shares.append, pace=4.0)
    assert (video, picture) == (folder / "tour.mp4", folder / "tour.png")
    with av.open(str(video)) as opened:
        stream = opened.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.width, stream.height) == (1000, 600)
        assert stream.average_rate == 30
        assert 80 < stream.frames < 140
    pixels = np.asarray(Image.open(picture))
    assert pixels.shape == (600, 1000, 3)
    assert pixels.std() > 20
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_tour_that_cannot_be_made_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.pkl").write_bytes(b"nothing")
    assert run_tour(TourOptions(str(tmp_path / "bad.pkl"), tmp_path), visualizer.placements) == 1
    assert "bad.pkl" in capsys.readouterr().err
    assert not list(tmp_path.glob("tour*"))
