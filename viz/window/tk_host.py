"""A Tk window with nothing but the program in it, for ``--window tk``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from viz.window.base import MINIMUM_SIZE, Window, first_size
from viz.window.errors import WindowError
from viz.window.tk import ViewerFrame, screen_scale

if TYPE_CHECKING:
    from viz.app import App


class TkHost:
    """The window.

    Parameters
    ----------
    title : str
        Its name.
    size : tuple
        Width and height, design pixels; less where the screen is smaller.
    start : callable
        Makes the App once the window is there.
    scale : float, optional
        Pixels per design pixel; None: what the screen asks for.

    Raises
    ------
    WindowError
        When there is no display.
    """

    def __init__(
        self, title: str, size: tuple[int, int], start: Callable[[Window], App], scale: float | None = None
    ) -> None:
        import tkinter  # not above: if it is missing, viz.window.tk says so

        try:
            self.root = tkinter.Tk()
        except tkinter.TclError as error:
            raise WindowError(
                "cannot open a window",
                str(error),
                "Set DISPLAY, or run without a window: `visualizer.py tour`, `render` or `record`.",
            ) from error
        self.root.title(title)
        asked, room = screen_scale(self.root), self.root.maxsize()
        width, height = first_size(size, scale or asked, room)
        self.root.geometry(f"{width}x{height}")
        self.root.minsize(*first_size(MINIMUM_SIZE, asked, room))
        self.frame = ViewerFrame(self.root, start=start, owns_window=True)
        self.frame.pack(fill="both", expand=True)
        self.frame.focus_set()
        self.frame.bind("<<ViewerQuit>>", lambda _event: self.root.quit())

    def request_close(self) -> None:
        """End the main loop soon; for signal handlers."""
        if self.frame.window is not None:
            self.frame.window.request_close()
        else:
            self.root.quit()

    def run(self) -> None:
        """Run until the window is closed; raises what kept the program from starting."""
        self.root.protocol("WM_DELETE_WINDOW", self.root.quit)
        self.root.mainloop()
        if self.frame.error is not None:
            raise self.frame.error

    def close(self) -> None:
        """Destroy the window."""
        import tkinter

        with contextlib.suppress(tkinter.TclError):
            self.root.destroy()
