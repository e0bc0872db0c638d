"""What is imported when, and what is prepared while the window opens."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pof3d.errors import DeviceError
from viz.frame import Frame
from viz.head_start import HeadStart, collecting_later
from viz.render_thread import RenderThread
from viz.settings import Settings
from viz.start import WindowOptions

ROOT = Path(__file__).parents[2]
NEVER = (
    "matplotlib",
    "scipy",
    "skimage",
    "imageio",
    "av",
    "trimesh",
    "pydantic",
    "numba",
    "requests",
    "pandas",
)


def _modules(code: str) -> set[str]:
    """Names of the modules that a process has after running some code."""
    code += "\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=100
    )
    return set(done.stdout.split())


def test_before_the_window_opens_neither_torch_nor_a_screen_is_needed() -> None:
    found = _modules(
        "import visualizer, viz.start, viz.head_start\n"
        "visualizer._parse(viz.start.WindowOptions, 'visualizer.py', [])"
    )
    assert "viz.head_start" in found
    assert not found & {"torch", "imgui_bundle", "glfw", "OpenGL", "PIL", "safetensors", *NEVER}


def test_until_the_first_picture_nothing_is_imported_that_it_does_not_take() -> None:
    found = _modules(
        "import visualizer\n"
        "from viz.head_start import _import_the_rest, make_workers\n"
        "from viz.start import bundled_checkpoints\n"
        "from viz.view import NetworkView, View\n"
        "workers = make_workers()\n"
        "workers.engine.render(View(NetworkView(str(bundled_checkpoints()[0]))))\n"
        "workers.rendering.close()\n"
        "visualizer.placements()\n"
        "_import_the_rest()"
    )
    assert {"torch", "viz.app", "widgets.timeline"} <= found
    assert not found & set(NEVER)
    assert "OpenGL" not in found, "the window chooses its platform"


def test_the_first_picture_is_made_before_there_is_a_window(tiny: Path) -> None:
    head = HeadStart(WindowOptions(str(tiny), device="cpu", threads=1, fresh=True), Settings(), lambda: [])
    woken = threading.Event()
    beginning = head.result(woken.set)
    try:
        rendering = beginning.workers.rendering
        assert head.ready
        assert beginning.session.view.network.path == str(tiny)
        picture = None
        while picture is None:
            picture = rendering.poll()
            woken.wait(0.01)
        assert isinstance(picture, Frame)
        assert picture.view == beginning.session.view
    finally:
        beginning.workers.rendering.close()


def test_what_goes_wrong_is_told_to_who_waits(tiny: Path) -> None:
    head = HeadStart(WindowOptions(str(tiny), device="warp:9", fresh=True), Settings(), lambda: [])
    with pytest.raises(DeviceError):
        head.result(lambda: None)
    head.abandon()


def test_a_start_that_nobody_wants_any_more_leaves_no_thread(tiny: Path) -> None:
    before = set(threading.enumerate())
    head = HeadStart(WindowOptions(str(tiny), device="cpu", fresh=True), Settings(), lambda: [])
    head.abandon()
    workers = head._workers
    assert workers is not None
    assert isinstance(workers.rendering, RenderThread)
    assert set(threading.enumerate()) <= before


def test_garbage_is_collected_again_after_the_start() -> None:
    with collecting_later():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()
