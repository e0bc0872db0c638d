"""One panel in a window that nobody sees, with made-up facts around it and a user made of code before it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from pof3d.config import FFHQ, TOY_CATS, NetworkConfig
from tests.pof3d.checkpoint.networks import PROVENANCE
from viz import theme, ui
from viz.frame import Frame, Pose, StageTiming
from viz.marks import Rect, Registry
from viz.panel import MemoryUse, NetworkInfo, Panel, PanelContext, Performance, PoseHistogram
from viz.view import View
from viz.window.offscreen import OffscreenWindow

G_POSE = Pose(0.21, -0.08)
D_POSE = Pose(0.26, -0.05)
WIDTH = 304
"""Of the columns in the window, design pixels."""


class Asked:
    """Stands for the program: remembers what panels ask for."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, *arguments))


def info(config: NetworkConfig = TOY_CATS, path: Path = Path("/nets/toy-cats.safetensors")) -> NetworkInfo:
    return NetworkInfo(path, "native", 5_400_000, 1_350_000, config, PROVENANCE, True)


def conditioned_info() -> NetworkInfo:
    """An EG3D network."""
    config = replace(FFHQ, generator=replace(FFHQ.generator, pose_source="conditioning"))
    return replace(info(config, Path("/nets/eg3d.pkl")), kind="release", has_pose_prediction=False)


def frame(view: View | None = None) -> Frame:
    return Frame(
        view=view or View(),
        level="full",
        rgba=np.zeros((64, 64, 4), np.uint8),
        image=np.zeros((64, 64, 3), np.uint8),
        raw=np.zeros((64, 64, 3), np.uint8),
        depth=np.full((64, 64), 2.7, np.float32),
        opacity=np.ones((64, 64), np.float32),
        depth_range=(2.31, 3.02),
        camera_pose=G_POSE,
        generator_pose=G_POSE,
        discriminator_pose=D_POSE,
        timings=(StageTiming("planes", 6.2, True), StageTiming("rays", 31.4, False)),
        cache_bytes=7_340_032,
    )


def histogram(samples: int = 4000) -> PoseHistogram:
    """Yaw over ±90°, pitch over ±45°."""
    rng = np.random.default_rng(0)
    yaw, pitch = rng.normal(0.05, 0.3, samples), rng.normal(-0.05, 0.14, samples)
    limits = ((-math.pi / 2, math.pi / 2), (-math.pi / 4, math.pi / 4))
    counts, yaws, pitches = np.histogram2d(yaw, pitch, bins=(36, 18), range=limits)
    return PoseHistogram(
        counts.astype(np.int64), yaws, pitches, samples, 10000, Pose(0.05, -0.05), Pose(0.3, 0.14)
    )


def performance() -> Performance:
    times = np.linspace(3.0, 9.0, 60, dtype=np.float32)
    held = MemoryUse(2, 1_100_000_000, 35_000_000)
    return Performance(times, times * 5, 1, "cpu", ("cpu", "cuda:0"), held, 2 * 2**30)


def context(**changes: Any) -> PanelContext:
    """Everything there is to know."""
    full = PanelContext(
        frame=frame(),
        network=info(),
        histogram=histogram(),
        performance=performance(),
        bundled=(Path("/nets/toy-cats.safetensors"),),
        capture_folder=Path("/somewhere/Pictures/pof3d"),
        message="Saved capture-0001.png",
    )
    return replace(full, **changes)


def make_window(size: tuple[int, int], scale: float = 1.0) -> OffscreenWindow:
    """A window with the program's fonts and style; the size in design pixels."""
    window = OffscreenWindow((round(size[0] * scale), round(size[1] * scale)), scale=scale)
    theme.load_fonts()
    theme.apply_style(scale)
    return window


class Stage:
    """Shows one panel.

    Parameters
    ----------
    window : OffscreenWindow
        Where; it serves several stages, one after the other.
    panel : Panel
    context : PanelContext
    view : View
    size : tuple
        Of the panel, design pixels.
    """

    _count = 0

    def __init__(
        self,
        window: OffscreenWindow,
        panel: Panel,
        context: PanelContext,
        view: View | None = None,
        *,
        size: tuple[int, int] = (WIDTH, 680),
    ) -> None:
        self.window, self.panel, self.context, self.view = window, panel, context, view or View()
        self.actions = Asked()
        self.registry = Registry()
        self.widest = 0.0
        self._size, self._scale = size, window.scale
        Stage._count += 1
        # A name of its own: ImGui remembers scrolling and what is unfolded by window.
        self._name = f"{panel.title}###stage {Stage._count}"
        self.window.on_mouse_leave()
        self.frame(3)

    @property
    def calls(self) -> list[tuple[Any, ...]]:
        """What the panel has asked for."""
        return self.actions.calls

    def forget(self) -> None:
        """Forget where things were, to see what is still there in the next frame."""
        self.registry.rects.clear()
        self.registry.windows.clear()

    def frame(self, count: int = 1, *, capture: bool = False) -> NDArray[np.uint8] | None:
        pixels = None
        for _ in range(count):
            self.window.poll(0.0)
            self.window.begin_frame()
            ui.begin_frame(self._scale, self.registry)
            imgui.set_next_window_pos((0.0, 0.0))
            imgui.set_next_window_size((self._size[0] * self._scale, self._size[1] * self._scale))
            imgui.begin(self._name)
            self.view = self.panel.draw(self.view, self.context, self.actions)
            self.widest = self._content_width()
            imgui.end()
            pixels = self.window.end_frame(capture=capture)
        return pixels

    def _content_width(self) -> float:
        window = imgui.internal.get_current_window()
        return float(window.dc.cursor_max_pos.x - window.pos.x)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Draw until something that happens in the background has happened."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come to that"
            self.window.poll(0.005)
            self.frame()

    # ------------------------------------------------------------------------------------------- the user
    def rect(self, name: str) -> Rect:
        assert name in self.registry.rects, f"{name} is not among {sorted(self.registry.rects)}"
        return self.registry.rects[name]

    def has(self, name: str) -> bool:
        return name in self.registry.rects

    def move(self, x: float, y: float) -> None:
        self.window.on_mouse_move(x, y)
        self.frame()

    def hover(self, name: str, at: tuple[float, float] = (0.5, 0.5)) -> None:
        self.move(*self.rect(name).at(*at))

    def pause(self) -> None:
        """Let the time for a double click go by."""
        usual, self.window.frame_seconds = self.window.frame_seconds, 0.6
        self.frame()
        self.window.frame_seconds = usual

    def press(self, down: bool, button: int = 0) -> None:
        self.window.on_mouse_button(button, down)
        self.frame()

    def click(
        self, name: str, at: tuple[float, float] = (0.5, 0.5), *, button: int = 0, count: int = 1
    ) -> None:
        self.hover(name, at)
        self.pause()
        for _ in range(count):
            self.press(True, button)
            self.press(False, button)
        self.frame(2)

    def drag(
        self, name: str, start: tuple[float, float], pixels: tuple[float, float], steps: int = 4
    ) -> None:
        x, y = self.rect(name).at(*start)
        self.move(x, y)
        self.frame()
        self.press(True)
        for step in range(1, steps + 1):
            self.move(x + pixels[0] * step / steps, y + pixels[1] * step / steps)
        self.press(False)
        self.frame()

    def key(self, key: imgui.Key, *held: imgui.Key) -> None:
        for code in (*held, key):
            self.window.on_key(code, True)
            self.frame()
        for code in (key, *reversed(held)):
            self.window.on_key(code, False)
            self.frame()

    def type(self, text: str) -> None:
        for character in text:
            self.window.on_character(ord(character))
            self.frame()

    def type_into(self, name: str, text: str, *, slider: bool = True) -> None:
        """Put a value into a slider (Ctrl+click opens its field) or a text field, and press Enter."""
        if slider:
            self.window.on_key(imgui.Key.left_ctrl, True)
            self.frame()
        self.click(name)
        if slider:
            self.window.on_key(imgui.Key.left_ctrl, False)
            self.frame()
        self.key(imgui.Key.a, imgui.Key.left_ctrl)
        self.type(text)
        self.key(imgui.Key.enter)
        self.frame(2)
