"""The real window on a virtual display, driven by real input events, until its display server is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.viz.nets import save_tiny
from tests.viz.run_folders import RunFolder, name_of, record
from viz.captures import read_view
from viz.keyframes import Keyframe
from viz.sessions import Session, load_session, save_session
from viz.settings import load_settings
from viz.timeline import Timeline
from viz.view import LatentView, NetworkView, View
from viz.window.x11 import LOST_STATUS, MESSAGE

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.window, pytest.mark.timeout(400)]
PATIENCE = 90.0


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {PATIENCE:g} s")
        time.sleep(0.05)


class Screen:
    """A virtual display of its own."""

    def __init__(self, size: str = "1280x800") -> None:
        for program, package in (("Xvfb", "xvfb"), ("xdotool", "xdotool")):
            if shutil.which(program) is None:
                pytest.fail(f"{program} is not installed (Debian: apt-get install {package})")
        reader, writer = os.pipe()
        self.server = subprocess.Popen(
            [
                "Xvfb",
                "-displayfd",
                str(writer),
                "-screen",
                "0",
                f"{size}x24",
                "-nolisten",
                "tcp",
                "-noreset",
            ],
            pass_fds=[writer],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        with os.fdopen(reader) as pipe:
            self.name = ":" + pipe.readline().strip()
        assert self.name != ":", "Xvfb did not start"

    def do(self, *arguments: object) -> str:
        result = subprocess.run(
            ["xdotool", *map(str, arguments)],
            env={**os.environ, "DISPLAY": self.name},
            capture_output=True,
            text=True,
            timeout=30,
        )
        return result.stdout

    def kill(self) -> None:
        self.server.kill()
        self.server.wait(10)


class Visualizer:
    """The program as a user starts it."""

    def __init__(self, screen: Screen, folder: Path, *arguments: object) -> None:
        self.errors = folder / "stderr.txt"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "visualizer.py"), *map(str, arguments)],
                cwd=folder,
                env={**os.environ, "DISPLAY": screen.name, "OMP_NUM_THREADS": "1"},
                stdout=errors,
                stderr=errors,
            )

    def output(self) -> str:
        return self.errors.read_text()

    def end(self) -> int:
        return self.process.wait(PATIENCE)


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.kill()


def start(screen: Screen, folder: Path) -> Visualizer:
    network = folder / "tiny cats.safetensors"
    if not network.exists():
        save_tiny(network)
    program = Visualizer(screen, folder, network)

    def open_() -> bool:
        assert program.process.poll() is None, program.output()
        return bool(screen.do("search", "--name", "tiny cats.safetensors – PoF3D").strip())

    wait_for(open_, "opening the window and the checkpoint")
    return program


def saved_view(screen: Screen, folder: Path, number: int) -> View:
    """Press s, and read the picture that appears."""
    screen.do("key", "s")
    wait_for(lambda: len(list((folder / "out").glob("tiny*.png"))) == number, "saving a picture")
    newest = max((folder / "out").glob("tiny*.png"), key=lambda path: path.stat().st_mtime_ns)
    return read_view(newest)


def test_a_session_until_the_display_goes_away(screen: Screen, tmp_path: Path) -> None:
    program = start(screen, tmp_path)
    try:
        # The window is 1280×720 in the left top corner; the picture is in its middle.
        screen.do("mousemove", 640, 360)
        first = saved_view(screen, tmp_path, 1)
        assert first.pose.source == "predicted"
        screen.do("mousedown", 1)
        for step in range(1, 9):
            screen.do("mousemove", 640 + 10 * step, 360 + 4 * step)
        screen.do("mouseup", 1)
        screen.do("click", 4)
        screen.do("key", "d")
        screen.do("key", "bracketright")
        second = saved_view(screen, tmp_path, 2)
        assert second.pose.source == "free"
        assert second.camera.yaw != first.camera.yaw
        assert second.camera.fov is not None
        assert second.display.mode == "depth"
        assert second.latent.seed == 1
        screen.kill()
        assert program.end() == LOST_STATUS
    finally:
        program.process.kill()
        program.process.wait()
    output = program.output()
    assert MESSAGE in output
    assert "Traceback" not in output
    assert len(output.strip().splitlines()) <= 3, output
    session = load_session()
    assert session is not None
    assert session.view == second
    assert load_settings().recents[0] == str(tmp_path / "tiny cats.safetensors")


def test_it_ends_politely_and_comes_back(screen: Screen, tmp_path: Path) -> None:
    program = start(screen, tmp_path)
    screen.do("mousemove", 640, 360, "key", "bracketright", "key", "bracketright")
    assert saved_view(screen, tmp_path, 1).latent.seed == 2
    program.process.send_signal(signal.SIGTERM)
    assert program.end() == 0
    assert not program.output().strip()
    session = load_session()
    assert session is not None
    assert session.view.latent.seed == 2


def test_a_session_from_the_command_line_goes_on(screen: Screen, tmp_path: Path) -> None:
    network = save_tiny(tmp_path / "tiny cats.safetensors")
    view = View(NetworkView(str(network)), LatentView(x=7.0))
    timeline = Timeline((Keyframe(0.0, View()), Keyframe(1.0, View(latent=LatentView(x=1.0)))), 1.0)
    save_session(Session(view, timeline), tmp_path / "work.json")
    program = Visualizer(screen, tmp_path, tmp_path / "work.json")
    title = "tiny cats.safetensors – PoF3D"
    wait_for(lambda: screen.do("search", "--name", title).strip(), "opening the session")
    screen.do("mousemove", 640, 360)
    assert saved_view(screen, tmp_path, 1) == view
    screen.do("key", "k")
    time.sleep(0.5)
    program.process.send_signal(signal.SIGTERM)
    assert program.end() == 0, program.output()
    session = load_session()
    assert session is not None
    assert session.view == view
    assert [one.view.latent.x for one in session.timeline.keyframes] == [0.0, 7.0, 1.0]
    assert load_settings().panels_open == ("Timeline",)


def test_a_run_is_followed_from_the_command_line(screen: Screen, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "cats")
    program = Visualizer(screen, tmp_path, run.path)

    def titled(text: str) -> bool:
        assert program.process.poll() is None, program.output()
        return bool(screen.do("search", "--name", text).strip())

    try:
        wait_for(lambda: titled("^PoF3D$"), "opening the window")
        for kimg in (4, 8):
            run.land(kimg, record(kimg))
            wait_for(partial(titled, f"^{name_of(kimg)} – PoF3D"), "showing the snapshot")
        program.process.send_signal(signal.SIGTERM)
        assert program.end() == 0
    finally:
        program.process.kill()
        program.process.wait()
    assert not program.output().strip()
    assert load_settings().run == str(run.path)
    assert load_settings().recents[0] == str(run.path)


def test_without_a_display_the_reason_is_named(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "visualizer.py")],
        env={**os.environ, "DISPLAY": ":98765"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert result.returncode == 1
    assert "cannot open a window" in result.stderr
    assert "Traceback" not in result.stderr
