"""What to do when the X server goes away: Xlib itself would end the program without a word to it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from typing import Any

LOST_STATUS = 3
"""Exit status after the display has gone."""
MESSAGE = "The display went away: the window is closed. Your view and settings are saved."
_keep: list[Any] = []


def when_display_is_lost(save: Callable[[], None]) -> None:
    """Have the program end in one piece when the connection to the X server breaks.

    Xlib calls its handler in the middle of whatever was using the display and does not let it return, so the
    program ends there: what can be saved is saved, one message is printed, and the exit status is
    :data:`LOST_STATUS`.

    Parameters
    ----------
    save : callable
        Saves what should outlive the program. Whatever it raises is ignored.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        xlib = ctypes.CDLL("libX11.so.6")
    except OSError:
        return

    def lost(_display: object) -> int:
        end_after_loss(save)
        return 0

    handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lost)
    _keep[:] = [handler]
    xlib.XSetIOErrorHandler.argtypes = [ctypes.c_void_p]
    xlib.XSetIOErrorHandler.restype = ctypes.c_void_p
    xlib.XSetIOErrorHandler(ctypes.cast(handler, ctypes.c_void_p))


def end_after_loss(save: Callable[[], None]) -> None:
    """Save, say so, and end the process at once: with the display gone nothing else closes in order."""
    try:
        save()
    except Exception as error:
        print(f"What was open could not be saved: {error}", file=sys.stderr)
    print(MESSAGE, file=sys.stderr, flush=True)
    os._exit(LOST_STATUS)
