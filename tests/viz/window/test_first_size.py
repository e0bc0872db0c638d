"""How large the real window opens, on screens of several sizes."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.viz.nets import save_tiny
from tests.viz.window.test_desktop import Screen, Visualizer, wait_for
from viz.layout_scale import at_scale, scale_of
from viz.settings import Settings, load_settings, save_settings, settings_path
from viz.window.base import first_size

pytestmark = [pytest.mark.window, pytest.mark.timeout(300)]
TITLE = "tiny cats.safetensors"
"""Without the dash: Tk's is not found."""
Size = tuple[int, int]


def window_size(screen: Screen) -> Size:
    identity = screen.do("search", "--name", TITLE).split()[0]
    found = re.search(r"Geometry: (\d+)x(\d+)", screen.do("getwindowgeometry", identity))
    assert found is not None
    return int(found[1]), int(found[2])


@contextmanager
def opened(size: str, folder: Path, *options: object) -> Iterator[Callable[[], Size]]:
    """Run the program on a screen, and end it politely; gives the window's present size."""
    network = folder / "tiny cats.safetensors"
    if not network.exists():
        save_tiny(network)
    screen = Screen(size)
    program = Visualizer(screen, folder, network, *options)

    def there() -> bool:
        assert program.process.poll() is None, program.output()
        return bool(screen.do("search", "--name", TITLE).strip())

    try:
        wait_for(there, "opening the window")
        yield lambda: window_size(screen)
        program.process.send_signal(signal.SIGTERM)
        assert program.end() == 0, program.output()
    finally:
        with suppress(ProcessLookupError):
            program.process.kill()
        program.process.wait()
        screen.kill()


def column_width(layout: str) -> int:
    """Of the left column."""
    found = re.search(r"DockNode +ID=\S+ Parent=\S+ SizeRef=(\d+),", layout)
    assert found is not None, layout
    return int(found[1])


def saved_layout() -> str:
    (path,) = settings_path().parent.glob("layout-*.ini")
    return path.read_text()


def test_sizes_are_of_the_scale_and_of_the_screen() -> None:
    assert first_size((1280, 720), 1.5, None) == (1920, 1080)
    assert first_size((1280, 720), 2.0, (2560, 1000)) == (2560, 1000)
    assert first_size((1280, 720), 1.0, (2560, 1000)) == (1280, 720)


@pytest.mark.parametrize("host", ["glfw", "tk"])
def test_the_first_window_is_of_the_scale_asked_for(tmp_path: Path, host: str) -> None:
    with opened("2800x1600", tmp_path, "--scale", 2, "--window", host) as size:
        wait_for(lambda: size() == (2560, 1440), f"the doubled size, not {size()},")
    assert load_settings().window_size == (1280, 720), "in design pixels"
    assert scale_of(saved_layout()) == 2.0
    assert column_width(saved_layout()) == pytest.approx(608, abs=5), "the arrangement of a wide window"


@pytest.mark.parametrize("host", ["glfw", "tk"])
def test_a_remembered_window_is_no_larger_than_the_screen(tmp_path: Path, host: str) -> None:
    save_settings(replace(Settings(), window_size=(2560, 1440)))
    with opened("1280x720", tmp_path, "--window", host) as size:
        width, height = size()
        assert 1200 <= width <= 1280
        assert 640 <= height <= 720


def test_columns_of_another_scale(tmp_path: Path) -> None:
    with opened("1280x800", tmp_path):
        pass
    assert column_width(saved_layout()) == pytest.approx(304, abs=5)
    first = saved_layout()
    with opened("2560x1600", tmp_path, "--scale", 2) as size:
        assert size() == (2560, 1440)
    assert column_width(saved_layout()) == pytest.approx(608, abs=5)
    with opened("1280x800", tmp_path) as size:
        assert size() == (1280, 720)
    assert column_width(saved_layout()) == pytest.approx(304, abs=5)
    assert column_width(at_scale(first, 1.0)) == pytest.approx(304, abs=5)
