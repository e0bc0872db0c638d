"""Drives the program through made-up input events: for tests, tours and the pictures in the documents.

Everything goes the way that a user's input goes: mouse and keys reach ImGui through the window, a frame is
drawn after each event, and controls are found where the newest frame has drawn them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from viz.app import App
from viz.marks import Rect, Registry

Point = tuple[float, float]
Target = str | Point | Rect

_SETTLE_SECONDS = 180.0


class Driver:
    """A user made of code.

    Parameters
    ----------
    app : App
        Made with a registry, on any window.
    """

    def __init__(self, app: App) -> None:
        if app.registry is None:
            app.registry = Registry()
        self.app = app
        self.mouse: Point = (0.0, 0.0)
        self.frame(3)

    @property
    def registry(self) -> Registry:
        """Where everything is in the newest frame."""
        assert self.app.registry is not None
        return self.app.registry

    # ------------------------------------------------------------------------------------------- looking
    def frame(self, count: int = 1) -> None:
        """Draw frames."""
        for _ in range(count):
            self.app.window.poll(0.0)
            self.app.frame()

    def settle(self, timeout: float = _SETTLE_SECONDS) -> None:
        """Draw until the newest View's full frame is on the screen, or its error."""
        deadline = time.monotonic() + timeout
        self.frame(2)
        while self.app.program.rendering.busy or self.app.program.rendering.loading is not None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no full frame within {timeout:g} s")
            self.app.window.poll(0.01)
            self.frame()
        self.frame(2)

    def wait_until(self, condition: Callable[[], Any], timeout: float = _SETTLE_SECONDS) -> None:
        """Draw until a condition holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"it did not come to that within {timeout:g} s")
            self.app.window.poll(0.01)
            self.frame()

    def screenshot(self) -> NDArray[np.uint8]:
        """The window as it is now, [H, W, 3]."""
        self.frame()
        pixels = self.app.frame(capture=True)
        assert pixels is not None
        return pixels

    def rect(self, target: Target) -> Rect:
        """Where something is: a marked control, a panel, a point."""
        if isinstance(target, Rect):
            return target
        if isinstance(target, tuple):
            return Rect(*target, *target)
        found = self.registry.rects.get(target) or self.registry.windows.get(target)
        if found is None:
            known = ", ".join(sorted({**self.registry.rects, **self.registry.windows}))
            raise LookupError(f"nothing is marked “{target}”; there are: {known}")
        return found

    def bring(self, target: Target) -> Point:
        """Scroll a control into sight, if it has to be; its middle."""
        for _ in range(60):
            rect = self.rect(target)
            clip = self.registry.clips.get(target) if isinstance(target, str) else None
            if clip is None or clip.top < rect.centre[1] < clip.bottom:
                return rect.centre
            self.move((clip.left + 2.0, (clip.top + clip.bottom) / 2))
            self.app.window.on_wheel(0.0, -1.0 if rect.centre[1] > clip.bottom else 1.0)
            self.frame(2)
        raise LookupError(f"“{target}” cannot be scrolled into sight")

    # --------------------------------------------------------------------------------------------- mouse
    def move(self, target: Target, steps: int = 1) -> None:
        """Move the mouse, in one go or in steps of a frame each."""
        x, y = self.rect(target).centre
        from_x, from_y = self.mouse
        for step in range(1, steps + 1):
            share = step / steps
            self.mouse = (from_x + (x - from_x) * share, from_y + (y - from_y) * share)
            self.app.window.on_mouse_move(*self.mouse)
            self.frame()

    def button(self, down: bool, button: int = 0) -> None:
        """Press or release a mouse button."""
        self.app.window.on_mouse_button(button, down)
        self.frame()

    def click(self, target: Target, button: int = 0, *, count: int = 1) -> None:
        """Click something; a control is scrolled to if it has to be."""
        self.move(self.bring(target))
        self.frame()
        for _ in range(count):
            self.button(True, button)
            self.button(False, button)
        self.frame()

    def double_click(self, target: Target) -> None:
        """Click twice at once."""
        self.click(target, count=2)

    def drag(
        self,
        start: Target,
        end: Target,
        *,
        button: int = 0,
        steps: int = 8,
        keys: Sequence[imgui.Key] = (),
        release: bool = True,
    ) -> None:
        """Press at the start, move to the end in steps, and release."""
        self.move(self.bring(start))
        for key in keys:
            self.app.window.on_key(key, True)
        self.frame()
        self.button(True, button)
        self.move(end, steps)
        if release:
            self.button(False, button)
        for key in keys:
            self.app.window.on_key(key, False)
        self.frame()

    def wheel(self, target: Target, steps: float) -> None:
        """Turn the wheel over something; positive is away from the user."""
        self.move(target)
        self.app.window.on_wheel(0.0, steps)
        self.frame(2)

    # ---------------------------------------------------------------------------------------------- keys
    def key(self, key: imgui.Key, *held: imgui.Key) -> None:
        """Press and release a key while others are held."""
        window = self.app.window
        for code in held:
            window.on_key(code, True)
        window.on_key(key, True)
        self.frame()
        window.on_key(key, False)
        for code in held:
            window.on_key(code, False)
        self.frame(2)

    def type(self, text: str) -> None:
        """Type characters."""
        for character in text:
            self.app.window.on_character(ord(character))
            self.frame()
        self.frame()

    def drop(self, *paths: str | Path) -> None:
        """Drop files on the window."""
        self.app.window.on_drop(paths)
        self.frame(2)
