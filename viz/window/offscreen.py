"""A window that nobody sees: drawn by EGL into memory, with input made up by the program.

GLFW's null platform with EGL comes first. Some servers' drivers refuse that pair; there EGL alone, without a
surface, draws into a framebuffer object.
"""

from __future__ import annotations

import os
import threading
import warnings
from typing import Any

from viz.window.base import Window
from viz.window.errors import INSTALL_EGL as HINT
from viz.window.errors import WindowError


class OffscreenWindow(Window):
    """A window without a screen. Frames are painted when they are captured.

    Parameters
    ----------
    size : tuple
        Width and height, pixels.
    scale : float
        Pixels per design pixel, as a HiDPI screen would report.
    frame_seconds : float, optional
        Time that passes from frame to frame; None: as much as does.
    surfaceless : bool, optional
        True: EGL without GLFW. False: only GLFW. None: whichever works.

    Raises
    ------
    WindowError
        When neither way gives an OpenGL 3.3 context.
    """

    visible = False

    def __init__(
        self,
        size: tuple[int, int] = (1280, 720),
        *,
        scale: float = 1.0,
        frame_seconds: float | None = 1 / 60,
        surfaceless: bool | None = None,
    ) -> None:
        super().__init__()
        self.frame_seconds = frame_seconds
        self._size = size
        self._scale = scale
        self._closing = False
        self._wake = threading.Event()
        self.title = ""
        # PyOpenGL reads this once, at its first import.
        os.environ["PYOPENGL_PLATFORM"] = "egl"
        self._surface = _open_surface(size, surfaceless)
        try:
            self._start_imgui()
        except Exception:
            self.close()
            raise

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self._size

    @property
    def framebuffer_size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self._size

    @property
    def content_scale(self) -> float:
        """Pixels per design pixel."""
        return self._scale

    @property
    def should_close(self) -> bool:
        """Whether the end was asked for."""
        return self._closing

    def request_close(self) -> None:
        """Ask for the end of the main loop."""
        self._closing = True
        self.wake()

    def resize(self, size: tuple[int, int]) -> None:
        """Change the size, as a user who drags the border would."""
        self._surface.resize(size)
        self._size = size
        self.events += 1

    def poll(self, timeout: float = 0.0) -> None:
        """Wait for :meth:`wake` for at most `timeout` seconds."""
        if timeout > 0:
            self._wake.wait(timeout)
        self._wake.clear()

    def wake(self) -> None:
        """End a waiting :meth:`poll` early."""
        self.woken = True
        self._wake.set()

    def set_title(self, title: str) -> None:
        """Name the window."""
        self.title = title

    def _swap(self) -> None:
        self._surface.swap()

    def _close(self) -> None:
        if self._surface is not None:
            self._surface.close()
            self._surface = None


def _open_surface(size: tuple[int, int], surfaceless: bool | None) -> Any:
    from viz.window.surfaceless import SurfacelessContext

    reasons = []
    kinds: tuple[Any, ...] = (_GlfwNull, SurfacelessContext)
    if surfaceless is not None:
        kinds = (SurfacelessContext,) if surfaceless else (_GlfwNull,)
    for kind in kinds:
        try:
            return kind(size)
        except (WindowError, ImportError, OSError, AttributeError) as error:
            reasons.append(error.why if isinstance(error, WindowError) else str(error))
    raise WindowError("cannot draw offscreen", "; ".join(reasons), HINT)


class _GlfwNull:
    """A window of GLFW's null platform with an EGL context."""

    def __init__(self, size: tuple[int, int]) -> None:
        from viz.window.desktop import glfw_errors, import_glfw

        glfw = import_glfw()
        self._glfw = glfw
        with glfw_errors() as errors:
            glfw.init_hint(glfw.PLATFORM, glfw.PLATFORM_NULL)
            if not glfw.init():
                raise WindowError("cannot draw offscreen", f"GLFW does not start ({errors()})", HINT)
            glfw.default_window_hints()
            glfw.window_hint(glfw.CONTEXT_CREATION_API, glfw.EGL_CONTEXT_API)
            glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, 3)
            glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, 3)
            glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
            self._window = glfw.create_window(*size, "", None, None)
            if not self._window:
                reason = errors()
                glfw.terminate()
                raise WindowError("cannot draw offscreen", f"no OpenGL 3.3 through EGL ({reason})", HINT)
        glfw.make_context_current(self._window)

    def resize(self, size: tuple[int, int]) -> None:
        self._glfw.set_window_size(self._window, *size)

    def swap(self) -> None:
        self._glfw.swap_buffers(self._window)

    def close(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._glfw.destroy_window(self._window)
            self._glfw.terminate()
            self._glfw.init_hint(self._glfw.PLATFORM, self._glfw.ANY_PLATFORM)
