"""Windows without a screen: pixels, sizes, input, and what is said where they cannot be opened."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from imgui_bundle import imgui
from numpy.typing import NDArray

from pof3d.errors import Pof3dError
from viz import theme, ui
from viz.window import OffscreenWindow, WindowError
from viz.window.keys import KEY_MAP

pytestmark = pytest.mark.window
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def window() -> Iterator[OffscreenWindow]:
    window = OffscreenWindow((320, 200))
    yield window
    window.close()


def paint(window: OffscreenWindow, draw: Callable[[imgui.ImDrawList], object]) -> NDArray[np.uint8]:
    window.begin_frame()
    draw(imgui.get_background_draw_list())
    pixels = window.end_frame(capture=True)
    assert pixels is not None
    return pixels


def square(lines: imgui.ImDrawList) -> None:
    lines.add_rect_filled((10, 20), (30, 50), imgui.get_color_u32((1.0, 0.5, 0.0, 1.0)))


@pytest.mark.parametrize("surfaceless", [False, True])
def test_pixels_are_where_they_were_drawn(surfaceless: bool) -> None:
    window = OffscreenWindow((64, 80), surfaceless=surfaceless)
    try:
        pixels = paint(window, square)
    finally:
        window.close()
    assert pixels.shape == (80, 64, 3)
    inside = np.zeros((80, 64), bool)
    inside[21:49, 11:29] = True
    assert (np.abs(pixels[inside].astype(int) - (255, 128, 0)) <= 1).all()
    outside = np.ones((80, 64), bool)
    outside[19:51, 9:31] = False
    assert (pixels[outside] < 30).all()


def test_windows_one_after_the_other() -> None:
    for size in ((64, 64), (128, 96)):
        window = OffscreenWindow(size)
        assert paint(window, square).shape == (size[1], size[0], 3)
        window.close()
        window.close()


def test_frames_nobody_sees_are_not_painted(window: OffscreenWindow) -> None:
    window.begin_frame()
    assert window.end_frame() is None
    assert paint(window, square)[30, 20, 0] == 255


def test_resizing(window: OffscreenWindow) -> None:
    window.resize((200, 120))
    assert paint(window, square).shape == (120, 200, 3)


def test_scale() -> None:
    window = OffscreenWindow((64, 64), scale=2.0)
    assert window.scale == 2.0
    window.close()


def test_time_is_as_told(window: OffscreenWindow) -> None:
    window.frame_seconds = 0.125
    for _ in range(2):
        paint(window, square)
    assert imgui.get_io().delta_time == pytest.approx(0.125)


def test_a_waiting_poll_is_woken_from_another_thread(window: OffscreenWindow) -> None:
    timer = threading.Timer(0.05, window.wake)
    timer.start()
    start = time.monotonic()
    window.poll(20.0)
    assert time.monotonic() - start < 10.0
    timer.join()


def test_dropped_paths_keep_their_spaces(window: OffscreenWindow) -> None:
    got: list[list[Path]] = []
    window.set_drop_callback(got.append)
    window.on_drop(["/a b/c d.pkl", "/e.png"])
    assert got == [[Path("/a b/c d.pkl"), Path("/e.png")]]


def test_an_empty_clipboard_is_no_error(window: OffscreenWindow) -> None:
    window.begin_frame()
    assert imgui.get_clipboard_text() == ""
    imgui.set_clipboard_text("ψ")
    assert imgui.get_clipboard_text() == "ψ"
    window.end_frame()


def test_every_letter_has_a_key() -> None:
    assert {imgui.Key.a, imgui.Key.z, imgui.Key.left_bracket, imgui.Key.escape} <= set(KEY_MAP.values())
    assert len(KEY_MAP) > 100


def test_a_texture_shows_and_is_smooth_when_enlarged(window: OffscreenWindow) -> None:
    from viz.window.textures import Texture

    texture = Texture()
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[..., 3] = 255
    rgba[:, 1, 1] = 200
    texture.upload(rgba)
    pixels = paint(window, lambda lines: lines.add_image(texture.reference, (0, 0), (80, 80)))
    row = pixels[40, :80, 1].astype(int)
    assert row[2] == 0
    assert row[77] == 200
    assert (np.diff(row) >= 0).all()
    assert len(set(row)) > 20
    texture.upload(np.full((5, 3, 4), 90, np.uint8))
    assert texture.size == (3, 5)
    with pytest.raises(ValueError, match=r"\[H, W, 4\]"):
        texture.upload(np.zeros((4, 4, 3), np.uint8))
    texture.release()
    texture.release()


def test_the_fonts_have_every_sign_that_is_used(window: OffscreenWindow) -> None:
    fonts = theme.load_fonts()
    theme.apply_style(1.0)
    window.begin_frame()
    used = set("ψσ°±×–—…²³→←·−“”≥≤µφΔéüß")
    for path in (*(ROOT / "viz").rglob("*.py"), *(ROOT / "widgets").rglob("*.py")):
        used |= {sign for sign in path.read_text(encoding="utf-8") if ord(sign) > 126}
    documented = set("½∞∈π▶✓∂θ≈─")  # in comments and docstrings only
    for font in (fonts.text, fonts.bold):
        missing = [sign for sign in used - documented if not font.is_glyph_in_font(ord(sign))]
        assert not missing, missing
    window.end_frame()


def test_text_is_shortened_to_fit(window: OffscreenWindow) -> None:
    window.begin_frame()
    width = imgui.calc_text_size("a long name").x
    assert ui.fit_text("a long name", width) == "a long name"
    for keep_end in (False, True):
        short = ui.fit_text("a very long name indeed", width, keep_end=keep_end)
        assert "…" in short
        assert imgui.calc_text_size(short).x <= width
        assert short.endswith("indeed") == keep_end
    assert ui.fit_text("anything", 0.0) == "…"
    window.end_frame()


def run(code: str, *, errors: str = "") -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert errors in result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout


def test_without_egl_the_missing_packages_are_named() -> None:
    output = run(
        "import ctypes, sys\n"
        "real = ctypes.CDLL.__init__\n"
        "def broken(self, name=None, *a, **k):\n"
        "    if name and 'EGL' in str(name): raise OSError(f'{name}: cannot open shared object file')\n"
        "    real(self, name, *a, **k)\n"
        "ctypes.CDLL.__init__ = broken\n"
        "from viz.window import OffscreenWindow, WindowError\n"
        "try: OffscreenWindow(surfaceless=True)\n"
        "except WindowError as error: print(error)\n"
    )
    assert "cannot draw offscreen" in output
    assert "libegl1" in output


def test_without_x11_the_missing_packages_are_named() -> None:
    output = run(
        "import sys\n"
        "sys.modules['imgui_bundle'] = None\n"
        "import visualizer\n"
        "print(visualizer.main([]), visualizer.main(['tour']))\n",
        errors="libx11-6",
    )
    assert output.split() == ["1", "1"]


def test_without_a_display_a_window_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from viz.window import DesktopWindow

    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(WindowError, match=r"cannot open a window.*display") as caught:
        DesktopWindow()
    assert isinstance(caught.value, Pof3dError)
    assert "tour" in caught.value.todo
