"""A real window, by GLFW."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from viz.window.base import MINIMUM_SIZE, Window, first_size
from viz.window.errors import INSTALL_X11, WindowError


def import_glfw() -> Any:
    """Give the module glfw, after imgui_bundle, which points it at its own newer library."""
    try:
        import imgui_bundle  # noqa: F401  (see above)

        import glfw  # isort: skip
    except ImportError as error:
        raise WindowError("cannot open a window", str(error), INSTALL_X11) from error
    return glfw


@contextmanager
def glfw_errors() -> Iterator[Callable[[], str]]:
    """Collect what GLFW complains about, which it would otherwise print as warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield lambda: "; ".join(dict.fromkeys(_text(w.message) for w in caught)) or "no reason given"


def _text(message: Any) -> str:
    text = str(message)
    return text.split("b'", 1)[-1].rstrip("'") if "b'" in text else text


class DesktopWindow(Window):
    """A window on the screen.

    Parameters
    ----------
    title : str
        Its name.
    size : tuple
        Width and height, design pixels; less where the screen is smaller.
    scale : float, optional
        Units of the window per design pixel; None: what the screen asks for.

    Raises
    ------
    WindowError
        When there is no display or no OpenGL 3.3.
    """

    def __init__(
        self, title: str = "PoF3D", size: tuple[int, int] = (1280, 720), scale: float | None = None
    ) -> None:
        super().__init__()
        glfw = import_glfw()
        self._glfw: Any = glfw
        self._window: Any = None
        with glfw_errors() as errors:
            if not glfw.init():
                raise WindowError(
                    "cannot open a window",
                    f"no display can be reached ({errors()})",
                    "Set DISPLAY, or run without a window: `visualizer.py tour`, `render` or `record`.",
                )
            try:
                self._open(title, size, errors)
                self._fit(size, scale)
            except Exception:
                glfw.terminate()
                raise
        self._connect()
        try:
            self._start_imgui()
        except Exception:
            self.close()
            raise

    def _open(self, title: str, size: tuple[int, int], errors: Callable[[], str]) -> None:
        glfw = self._glfw
        glfw.default_window_hints()
        glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, 3)
        glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, 3)
        glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
        glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, glfw.TRUE)
        glfw.window_hint(glfw.SCALE_TO_MONITOR, glfw.TRUE)
        glfw.window_hint(glfw.VISIBLE, glfw.FALSE)
        self._window = glfw.create_window(*size, title, None, None)
        if not self._window:
            raise WindowError(
                "cannot open a window",
                f"no OpenGL 3.3 on this display ({errors()})",
                "Install a graphics driver (Debian, Ubuntu: apt-get install libgl1 libgl1-mesa-dri).",
            )
        glfw.make_context_current(self._window)
        if sys.platform.startswith("linux"):
            # PyOpenGL, imported only after this, would guess from the kind of session, and be wrong at times.
            native = (
                glfw.get_window_attrib(self._window, glfw.CONTEXT_CREATION_API) == glfw.NATIVE_CONTEXT_API
            )
            on_x11 = native and glfw.get_platform() == glfw.PLATFORM_X11
            os.environ["PYOPENGL_PLATFORM"] = "glx" if on_x11 else "egl"
        glfw.swap_interval(1)

    def _fit(self, design: tuple[int, int], scale: float | None) -> None:
        """Give the window its size, which takes knowing the screen's scale, and show it."""
        glfw = self._glfw
        room = self._room()
        size = first_size(design, scale or self.scale, room)
        least = first_size(MINIMUM_SIZE, self.scale, room)
        glfw.set_window_size_limits(self._window, *least, glfw.DONT_CARE, glfw.DONT_CARE)
        glfw.set_window_size(self._window, *size)
        glfw.show_window(self._window)

    def _room(self) -> tuple[int, int] | None:
        """The largest window that the main screen has place for, with its frame."""
        glfw = self._glfw
        monitor = glfw.get_primary_monitor()
        if not monitor:
            return None
        _x, _y, width, height = glfw.get_monitor_workarea(monitor)
        left, top, right, bottom = glfw.get_window_frame_size(self._window)
        width, height = width - left - right, height - top - bottom
        return (width, height) if width > 0 and height > 0 else None

    def _connect(self) -> None:
        from viz.window.keys import KEY_MAP

        glfw, window = self._glfw, self._window

        def key(_window: Any, code: int, scancode: int, action: int, _modifiers: int) -> None:
            code = _as_labelled(glfw, code, scancode)
            if code in KEY_MAP and action != glfw.REPEAT:
                self.on_key(KEY_MAP[code], action == glfw.PRESS)

        def changed(*_arguments: Any) -> None:
            self.events += 1

        glfw.set_key_callback(window, key)
        glfw.set_char_callback(window, lambda _w, code: self.on_character(code))
        glfw.set_cursor_pos_callback(window, lambda _w, x, y: self.on_mouse_move(x, y))
        glfw.set_cursor_enter_callback(window, lambda _w, inside: None if inside else self.on_mouse_leave())
        glfw.set_mouse_button_callback(
            window, lambda _w, button, action, _m: self.on_mouse_button(button, action == glfw.PRESS)
        )
        glfw.set_scroll_callback(window, lambda _w, x, y: self.on_wheel(x, y))
        glfw.set_window_focus_callback(window, lambda _w, focused: self.on_focus(bool(focused)))
        glfw.set_drop_callback(window, lambda _w, paths: self.on_drop(paths))
        glfw.set_framebuffer_size_callback(window, changed)
        glfw.set_window_refresh_callback(window, changed)
        glfw.set_window_content_scale_callback(window, changed)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in the units of mouse positions."""
        width, height = self._glfw.get_window_size(self._window)
        return width, height

    @property
    def framebuffer_size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        width, height = self._glfw.get_framebuffer_size(self._window)
        return width, height

    @property
    def content_scale(self) -> float:
        """Pixels per design pixel, as the system asks for it."""
        return max(1.0, self._glfw.get_window_content_scale(self._window)[0])

    @property
    def should_close(self) -> bool:
        """Whether the user or the program asked for the end."""
        return bool(self._glfw.window_should_close(self._window))

    def request_close(self) -> None:
        """Ask for the end of the main loop."""
        self._glfw.set_window_should_close(self._window, True)
        self.wake()

    def poll(self, timeout: float = 0.0) -> None:
        """Handle what came in; wait for something to come in for at most `timeout` seconds."""
        if timeout > 0:
            self._glfw.wait_events_timeout(timeout)
        else:
            self._glfw.poll_events()

    def wake(self) -> None:
        """End a waiting :meth:`poll` early. May be called from any thread."""
        self.woken = True
        self._glfw.post_empty_event()

    def set_title(self, title: str) -> None:
        """Name the window."""
        self._glfw.set_window_title(self._window, title)

    @property
    def clipboard(self) -> str:
        """Text of the clipboard; empty when there is none."""
        with glfw_errors():
            text = self._glfw.get_clipboard_string(self._window)
        return text.decode(errors="replace") if text else ""

    def _set_clipboard(self, text: str) -> None:
        self._glfw.set_clipboard_string(self._window, text)

    def _swap(self) -> None:
        self._glfw.swap_buffers(self._window)

    def _close(self) -> None:
        if self._window is not None:
            self._glfw.destroy_window(self._window)
            self._window = None
            self._glfw.terminate()


def _as_labelled(glfw: Any, code: int, scancode: int) -> int:
    """The letter on the key: GLFW names keys by where a US keyboard has them."""
    if not glfw.KEY_SPACE < code <= glfw.KEY_WORLD_2:
        return code
    name = glfw.get_key_name(code, scancode)
    if isinstance(name, bytes):
        name = name.decode(errors="replace")
    if name and len(name) == 1 and "a" <= name.lower() <= "z":
        return ord(name.upper())
    return code
