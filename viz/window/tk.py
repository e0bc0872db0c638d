"""The whole program inside a Tk frame: for `--window tk`, and for other people's Tk tools.

    import tkinter
    from viz.window.tk import ViewerFrame

    root = tkinter.Tk()
    ViewerFrame(root, "network.safetensors").pack(fill="both", expand=True)
    root.mainloop()

Needs tkinter and pyopengltk. Files cannot be dropped on it: Tk has no such thing.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pof3d.errors import Pof3dError
from viz.window.base import Window
from viz.window.errors import WindowError

if TYPE_CHECKING:
    from viz.app import App
    from viz.layout import Placement
    from viz.program import Program

ADVICE = (
    "Install both (Debian, Ubuntu: apt-get install python3-tk; then pip install pyopengltk), "
    "or leave out --window tk."
)
FRAME_MILLISECONDS = 16
LOOK_MILLISECONDS = 30
"""Between two looks whether a worker has something to show, while nothing moves."""
_RELEASE_MILLISECONDS = 12
"""X11 repeats a held key as release and press: a release counts when no press follows it for so long."""
_CONTROL_BIT = 0x4
_log = logging.getLogger(__name__)

try:
    if "OpenGL" not in sys.modules and sys.platform.startswith("linux"):
        os.environ["PYOPENGL_PLATFORM"] = "glx"  # read once, at PyOpenGL's first import
    import tkinter

    from pyopengltk import OpenGLFrame
except ImportError as _error:
    raise WindowError("cannot open a Tk window", str(_error), ADVICE) from _error


def screen_scale(widget: Any) -> float:
    """Pixels per design pixel, in quarters, from the dots per inch of a Tk widget's screen."""
    return max(1.0, round(widget.winfo_fpixels("1i") / 96 * 4) / 4)


class _TkWindow(Window):
    """The surface: what ImGui draws into is the frame, whose context has to be current."""

    takes_drops = False

    def __init__(self, frame: ViewerFrame) -> None:
        super().__init__()
        self._frame = frame
        self._closing = False
        self._start_imgui()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self._frame.winfo_width(), self._frame.winfo_height()

    @property
    def framebuffer_size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.size

    @property
    def content_scale(self) -> float:
        """Pixels per design pixel, in quarters, from the screen's dots per inch."""
        return screen_scale(self._frame)

    @property
    def should_close(self) -> bool:
        """Whether the user or the program asked for the end."""
        return self._closing

    def request_close(self) -> None:
        """Ask for the end of the frame."""
        self._closing = True
        self.wake()

    def poll(self, timeout: float = 0.0) -> None:
        """Nothing: events come from Tk's own loop."""

    def wake(self) -> None:
        """Have a frame drawn soon. May be called from any thread."""
        self.woken = True

    def set_title(self, title: str) -> None:
        """Name the window, if it is the frame's own."""
        if self._frame.owns_window:
            self._frame.winfo_toplevel().title(title)

    @property
    def clipboard(self) -> str:
        """Text of the clipboard; empty when there is none."""
        try:
            return str(self._frame.clipboard_get())
        except tkinter.TclError:
            return ""

    def _set_clipboard(self, text: str) -> None:
        self._frame.clipboard_clear()
        self._frame.clipboard_append(text)

    def make_current(self) -> None:
        """Make ImGui's contexts the current ones: the process may have others."""
        from imgui_bundle import imgui, implot

        if self._context is not None:
            imgui.set_current_context(self._context)
            implot.set_current_context(self._plot_context)

    def _swap(self) -> None:
        self._frame.tkSwapBuffers()

    def _close(self) -> None:
        """Nothing: the context goes with the frame."""


class ViewerFrame(OpenGLFrame):
    """The program as a widget.

    It starts when the frame appears on the screen, runs in Tk's loop, and ends with the frame. When the user
    chooses Quit in its menu, the event ``<<ViewerQuit>>`` is generated and the frame destroys itself (unless
    it owns its window: then that is for who made the window).

    Parameters
    ----------
    parent : tkinter widget
        Where it goes; use pack, grid or place as usual.
    file : str or Path, optional
        Checkpoint, or folder of a training run; the bundled checkpoint by default.
    device : str
        Where the network runs.
    threads : int, optional
        On the CPU; all cores but one by default.
    capture_folder : Path, optional
        For pictures and videos; ``out`` in the present folder by default.
    width, height : int
        Wanted size, pixels.
    start : callable, optional
        Makes the App for a window, instead of all the above.
    owns_window : bool
        Whether it may name the window that it is in.

    Raises
    ------
    WindowError
        When there is a viewer in this process already: ImGui's fonts and style are one to a process.
    """

    _alive: ViewerFrame | None = None

    def __init__(
        self,
        parent: Any,
        file: str | Path | None = None,
        *,
        device: str = "cpu",
        threads: int | None = None,
        capture_folder: Path | None = None,
        width: int = 1280,
        height: int = 720,
        start: Callable[[Window], App] | None = None,
        owns_window: bool = False,
    ) -> None:
        if ViewerFrame._alive is not None:
            raise WindowError(
                "cannot show a second viewer", "there is one in this process", "Destroy the first one before."
            )
        super().__init__(parent, width=width, height=height, takefocus=True)
        ViewerFrame._alive = self
        self.owns_window = owns_window
        self.window: _TkWindow | None = None
        """The surface; None until the frame is on the screen."""
        self.app: App | None = None
        """The program in it; None until the frame is on the screen."""
        self.error: Pof3dError | None = None
        """Why the program did not start; the frame says so, too."""
        self._start = start or (lambda window: _make_app(window, file, device, threads, capture_folder))
        self._timer: str | None = None
        self._due = self._drawn = 0.0
        self._hurried = False
        self._releases: dict[str, str] = {}
        self._take_input()

    @property
    def program(self) -> Program | None:
        """What is behind the picture: its View, its newest Frame, and all that can be asked for."""
        return self.app.program if self.app is not None else None

    # ------------------------------------------------------------------------------ what pyopengltk calls
    def tkCreateContext(self) -> None:  # noqa: N802  (pyopengltk's name)
        """Make the context, without the remarks that pyopengltk prints."""
        with contextlib.redirect_stdout(io.StringIO()):
            super().tkCreateContext()

    def initgl(self) -> None:
        """Start the program, once the frame has its context."""
        if self.app is not None or self.error is not None:
            return
        try:
            _check_version()
            self.window = _TkWindow(self)
            self.app = self._start(self.window)
        except Pof3dError as error:
            self._tell(error)
            return
        self._tick()

    def tkResize(self, event: Any) -> None:  # noqa: N802
        """Have a frame drawn in the new size."""
        self._soon()

    def tkExpose(self, event: Any) -> None:  # noqa: N802
        """Have a frame drawn again."""
        self._soon()

    def redraw(self) -> None:
        """Nothing: frames are drawn by the program's own clock."""

    # --------------------------------------------------------------------------------------------- frames
    def _tick(self) -> None:
        """Draw a frame if there is reason to, and come back."""
        self._timer, self._hurried = None, False
        app, window = self.app, self.window
        if app is None or window is None:
            return
        if window.should_close:
            with contextlib.suppress(tkinter.TclError):  # whoever hears of it may destroy everything
                self.event_generate("<<ViewerQuit>>")
                if not self.owns_window and self.winfo_exists():
                    self.destroy()
            return
        began = time.perf_counter()
        window.make_current()
        if (app.animating or began >= self._due) and self.winfo_ismapped():
            self._drawn = began
            self.tkMakeCurrent()
            app.frame()
            self._due = time.perf_counter() + app.rest_seconds
        spent = round(1e3 * (time.perf_counter() - began))
        wait = max(1, FRAME_MILLISECONDS - spent) if app.animating else LOOK_MILLISECONDS
        self._timer = self.after(wait, self._tick)

    def _hurry(self) -> None:
        """Come back at once: there is something to answer."""
        if self._timer is not None and not self._hurried:
            self.after_cancel(self._timer)
            since = round(1e3 * (time.perf_counter() - self._drawn))
            self._timer = self.after(max(1, FRAME_MILLISECONDS - since), self._tick)
            self._hurried = True

    def _soon(self) -> None:
        if self.window is not None:
            self.window.events += 1

    def _tell(self, error: Pof3dError) -> None:
        self.error = error
        if self.owns_window:
            self.event_generate("<<ViewerQuit>>")
            return
        _log.error("%s", error)
        tkinter.Label(self, text=str(error), wraplength=600, justify="left").place(
            relx=0.5, rely=0.5, anchor="center"
        )

    def destroy(self) -> None:
        """End the program, then the widget."""
        if self._timer is not None:
            self.after_cancel(self._timer)
            self._timer = None
        app, self.app = self.app, None
        window, self.window = self.window, None
        with contextlib.suppress(Exception):
            self.tkMakeCurrent()
        if window is not None:
            window.make_current()
        try:
            if app is not None:
                app.close()
        finally:
            if window is not None:
                window.close()
            if ViewerFrame._alive is self:
                ViewerFrame._alive = None
            super().destroy()

    # ---------------------------------------------------------------------------------------------- input
    def _take_input(self) -> None:
        buttons = {1: 0, 2: 2, 3: 1}
        if self.tk.call("tk", "windowingsystem") == "aqua":
            buttons = {1: 0, 2: 1, 3: 2}

        def feed(name: str, hand: Callable[[_TkWindow, Any], None]) -> None:
            def handle(event: Any) -> None:
                if self.window is not None:
                    self.window.make_current()
                    hand(self.window, event)
                    self._hurry()

            self.bind(name, handle)

        feed("<Motion>", lambda w, e: w.on_mouse_move(e.x, e.y))
        feed("<Leave>", lambda w, e: w.on_mouse_leave() if not e.state & 0x700 else None)
        for number, button in buttons.items():
            feed(f"<ButtonPress-{number}>", lambda w, e, b=button: self._press(w, e, b))  # type: ignore[misc]
            feed(f"<ButtonRelease-{number}>", lambda w, e, b=button: w.on_mouse_button(b, False))  # type: ignore[misc]
        feed("<Button-4>", lambda w, e: w.on_wheel(0.0, 1.0))
        feed("<Button-5>", lambda w, e: w.on_wheel(0.0, -1.0))
        feed("<MouseWheel>", lambda w, e: w.on_wheel(0.0, e.delta / 120 if abs(e.delta) >= 120 else e.delta))
        feed("<KeyPress>", self._key_down)
        feed("<KeyRelease>", self._key_up)
        feed("<FocusIn>", lambda w, e: w.on_focus(True))
        feed("<FocusOut>", lambda w, e: w.on_focus(False))

    def _press(self, window: _TkWindow, event: Any, button: int) -> None:
        self.focus_set()
        window.on_mouse_move(event.x, event.y)
        window.on_mouse_button(button, True)

    def _key_down(self, window: _TkWindow, event: Any) -> None:
        from viz.window.tk_keys import KEY_MAP

        waiting = self._releases.pop(event.keysym, None)
        if waiting is not None:  # the key is held: ImGui repeats by itself
            self.after_cancel(waiting)
        elif event.keysym in KEY_MAP:
            window.on_key(KEY_MAP[event.keysym], True)
        if event.char and event.char.isprintable() and not event.state & _CONTROL_BIT:
            for character in event.char:
                window.on_character(ord(character))

    def _key_up(self, window: _TkWindow, event: Any) -> None:
        from viz.window.tk_keys import KEY_MAP

        name = event.keysym

        def release() -> None:
            self._releases.pop(name, None)
            if self.window is not None and name in KEY_MAP:
                self.window.make_current()
                self.window.on_key(KEY_MAP[name], False)

        self._releases[name] = self.after(_RELEASE_MILLISECONDS, release)


def _check_version() -> None:
    from OpenGL import GL

    version = (GL.glGetIntegerv(GL.GL_MAJOR_VERSION), GL.glGetIntegerv(GL.GL_MINOR_VERSION))
    if tuple(map(int, version)) < (3, 3):
        raise WindowError(
            "cannot draw in a Tk window",
            f"its OpenGL is {version[0]}.{version[1]}, and 3.3 is needed",
            "Update the graphics driver, or leave out --window tk.",
        )


def _make_app(
    window: Window, file: str | Path | None, device: str, threads: int | None, captures: Path | None
) -> App:
    """The program with all its panels, which remembers nothing."""
    from viz.app import App
    from viz.start import bundled_checkpoints, first_view, make_program
    from viz.surroundings import Surroundings

    bundled = bundled_checkpoints()
    path = Path(file).expanduser() if file is not None else None
    view = first_view(path, None, bundled)
    surroundings = Surroundings(bundled=bundled)
    if captures is not None:
        surroundings.capture_folder = captures.expanduser().absolute()
    program = make_program(view, surroundings, window.wake, device=device, threads=threads)
    if path is not None and path.is_dir() and not view.network.path:
        program.open_run(path)
    return App(window, program, _placements())


def _placements() -> Sequence[Placement]:
    """The panels of the entry point, which hands them in where it starts the program; here nobody does."""
    placements: Sequence[Placement] = importlib.import_module("visualizer").placements()
    return placements
