"""One window that Dear ImGui draws into, whatever carries it: the part that all hosts share.

A host makes an OpenGL 3.3 core context current, tells how large the picture is, and feeds input through the
``on_…`` methods. Everything else (ImGui's contexts, drawing, reading the picture back) is here.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viz.window.errors import INSTALL_X11, WindowError

try:
    from imgui_bundle import imgui, implot
except ImportError as error:
    raise WindowError("cannot draw an interface", str(error), INSTALL_X11) from error

DropCallback = Callable[[list[Path]], None]

MINIMUM_SIZE = (960, 560)
"""A window is never smaller, in design pixels, but on a smaller screen."""
_FAR_AWAY = -3.4e38
"""ImGui's mark for "the mouse is not over this window"."""
_JUMP = 40.0
"""A mouse that moves further than this in a frame has not come by hand."""


def first_size(design: tuple[int, int], scale: float, room: tuple[int, int] | None) -> tuple[int, int]:
    """The size that a window opens with.

    Parameters
    ----------
    design : tuple
        Width and height, design pixels.
    scale : float
        Units of the window per design pixel.
    room : tuple, optional
        The most that the screen has, units of the window; None: not known.
    """
    width, height = (round(side * scale) for side in design)
    return (width, height) if room is None else (min(width, room[0]), min(height, room[1]))


class Window(ABC):
    """A surface with an ImGui context, driven by one thread.

    Attributes
    ----------
    events : int
        Input events seen so far; a change means that something has to be drawn.
    woken : bool
        Whether :meth:`wake` has been called since this was last set to False: so has that.
    """

    frame_seconds: float | None = None
    """Time that passes from frame to frame; None: as much as does. Tests and recordings fix it."""
    takes_drops = True
    """Whether files can be dropped on it."""
    visible = True
    """Whether anybody sees frames that are not captured; if not, they are not painted."""

    def __init__(self) -> None:
        self.events = 0
        self.woken = False
        self._drop: DropCallback | None = None
        self._renderer: Any = None
        self._time: float | None = None
        self._context: Any = None
        self._plot_context: Any = None
        self._clipboard = ""
        self._key_pressed = False
        self._released: list[imgui.Key] = []
        self._mouse = (_FAR_AWAY, _FAR_AWAY)
        self._jumped = False
        self._held_back: list[tuple[int, bool]] = []

    # ------------------------------------------------------------------------------- what a host provides
    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Width and height in the units of mouse positions."""

    @property
    @abstractmethod
    def framebuffer_size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    @property
    @abstractmethod
    def content_scale(self) -> float:
        """Pixels per design pixel, as the system asks for it."""

    @property
    @abstractmethod
    def should_close(self) -> bool:
        """Whether the user or the program asked for the end."""

    @abstractmethod
    def request_close(self) -> None:
        """Ask for the end of the main loop."""

    @abstractmethod
    def poll(self, timeout: float = 0.0) -> None:
        """Handle what came in; wait for something to come in for at most `timeout` seconds."""

    @abstractmethod
    def wake(self) -> None:
        """End a waiting :meth:`poll` early. May be called from any thread."""

    @abstractmethod
    def set_title(self, title: str) -> None:
        """Name the window."""

    @abstractmethod
    def _swap(self) -> None:
        """Show what was drawn."""

    @abstractmethod
    def _close(self) -> None:
        """Release the surface and its context."""

    # --------------------------------------------------------------------------------------- life and frames
    @property
    def scale(self) -> float:
        """Units of :attr:`size` per design pixel: 2 on a doubled X11 display, 1 where the system scales."""
        width, pixels = self.size[0], self.framebuffer_size[0]
        return self.content_scale * (width / pixels if pixels else 1.0)

    def _start_imgui(self) -> None:
        """Create ImGui's contexts and the renderer. The GL context must be current."""
        from viz.window.renderer import Renderer

        self._context = imgui.create_context()
        imgui.set_current_context(self._context)
        self._plot_context = implot.create_context()
        implot.set_current_context(self._plot_context)
        io = imgui.get_io()
        io.set_ini_filename("")
        io.set_log_filename("")
        io.config_flags |= imgui.ConfigFlags_.docking_enable | imgui.ConfigFlags_.nav_enable_keyboard
        io.config_windows_move_from_title_bar_only = True
        io.config_drag_click_to_input_text = True
        # Without this an exception between begin() and end() ends the program at the next frame. The tooltip
        # would tell the user about an inside matter that the log has already.
        io.config_error_recovery_enable_assert = False
        io.config_error_recovery_enable_tooltip = False
        self._renderer = Renderer()
        platform = imgui.get_platform_io()
        platform.platform_get_clipboard_text_fn = lambda _context: self.clipboard or ""
        platform.platform_set_clipboard_text_fn = lambda _context, text: self._set_clipboard(text or "")

    def begin_frame(self) -> None:
        """Start a frame: ImGui calls may follow."""
        io = imgui.get_io()
        width, height = self.size
        pixels_x, pixels_y = self.framebuffer_size
        io.display_size = imgui.ImVec2(width, height)
        if width > 0 and height > 0:
            io.display_framebuffer_scale = imgui.ImVec2(pixels_x / width, pixels_y / height)
        now = time.perf_counter()
        elapsed = 1 / 60 if self._time is None else now - self._time
        io.delta_time = self.frame_seconds or min(max(elapsed, 1e-4), 0.25)
        self._time = now
        imgui.new_frame()
        self._key_pressed = False
        released, self._released = self._released, []
        for key in released:
            self.on_key(key, False)
        self._jumped = False
        held_back, self._held_back = self._held_back, []
        for button, down in held_back:
            self.on_mouse_button(button, down)

    def end_frame(self, *, capture: bool = False) -> NDArray[np.uint8] | None:
        """Draw the frame and show it.

        Parameters
        ----------
        capture : bool
            Whether to give the picture back.

        Returns
        -------
        array [H, W, 3] or None
            What the window shows, top row first.
        """
        imgui.render()
        if not (capture or self.visible):
            self._renderer.skip()
            return None
        self._renderer.draw(self.framebuffer_size)
        pixels = self._renderer.read(self.framebuffer_size) if capture else None
        self._swap()
        return pixels

    def show_waiting(self, seconds: float) -> None:
        """Show that there is something to wait for, without ImGui, and for how long that has been so."""
        self._renderer.draw_waiting(self.framebuffer_size, self.content_scale, seconds)
        self._swap()

    def close(self) -> None:
        """Release everything. A second call does nothing."""
        if self._renderer is not None:
            self._renderer.shutdown()
            self._renderer = None
        if self._plot_context is not None:
            implot.destroy_context(self._plot_context)
            self._plot_context = None
        if self._context is not None:
            imgui.destroy_context(self._context)
            self._context = None
        self._close()

    # ------------------------------------------------------------------------------------------------ input
    @property
    def clipboard(self) -> str:
        """Text of the clipboard; empty when there is none."""
        return self._clipboard

    def _set_clipboard(self, text: str) -> None:
        self._clipboard = text

    def set_drop_callback(self, callback: DropCallback | None) -> None:
        """Say who gets the files that are dropped on the window."""
        self._drop = callback

    def on_mouse_move(self, x: float, y: float) -> None:
        """Put the mouse at a position, in the units of :attr:`size`."""
        self.events += 1
        self._jumped |= abs(x - self._mouse[0]) + abs(y - self._mouse[1]) > _JUMP
        self._mouse = (x, y)
        imgui.get_io().add_mouse_pos_event(x, y)

    def on_mouse_leave(self) -> None:
        """Take the mouse off the window."""
        self.events += 1
        self._mouse = (_FAR_AWAY, _FAR_AWAY)
        imgui.get_io().add_mouse_pos_event(_FAR_AWAY, _FAR_AWAY)

    def on_mouse_button(self, button: int, down: bool) -> None:
        """Press or release a button: 0 left, 1 right, 2 middle."""
        self.events += 1
        if self._jumped:
            # A finger, or a pen: tabs and the picture take a press only where the mouse was a frame before.
            self._held_back.append((button, down))
        elif 0 <= button < 5:
            imgui.get_io().add_mouse_button_event(button, down)

    def on_wheel(self, x: float, y: float) -> None:
        """Turn the wheel; positive y is away from the user."""
        self.events += 1
        imgui.get_io().add_mouse_wheel_event(x, y)

    def on_key(self, key: imgui.Key, down: bool) -> None:
        """Press or release a key; modifiers are keys, too."""
        self.events += 1
        io = imgui.get_io()
        modifier = _MODIFIERS.get(key)
        if modifier is None:
            self._key_pressed |= down
        elif not down and self._key_pressed:
            # A fast hand lets go of shift before the frame that sees the key: that frame should see both.
            self._released.append(key)
            return
        else:
            io.add_key_event(modifier, down)
        io.add_key_event(key, down)

    def on_character(self, code: int) -> None:
        """Type a character."""
        self.events += 1
        imgui.get_io().add_input_character(code)

    def on_focus(self, focused: bool) -> None:
        """Get or lose the keyboard."""
        self.events += 1
        imgui.get_io().add_focus_event(focused)

    def on_drop(self, paths: Sequence[str | Path]) -> None:
        """Drop files on the window."""
        self.events += 1
        if self._drop is not None:
            self._drop([Path(path) for path in paths])


_MODIFIERS = {
    imgui.Key.left_ctrl: imgui.Key.mod_ctrl,
    imgui.Key.right_ctrl: imgui.Key.mod_ctrl,
    imgui.Key.left_shift: imgui.Key.mod_shift,
    imgui.Key.right_shift: imgui.Key.mod_shift,
    imgui.Key.left_alt: imgui.Key.mod_alt,
    imgui.Key.right_alt: imgui.Key.mod_alt,
    imgui.Key.left_super: imgui.Key.mod_super,
    imgui.Key.right_super: imgui.Key.mod_super,
}
