"""How many threads work, and who goes first."""

from __future__ import annotations

import logging
import os
import sys
import threading

from pof3d.cores import cores

NICENESS = 10
TURN_SECONDS = 0.001
"""How long one thread may keep Python from another that wants it; 5 ms is usual."""

_log = logging.getLogger(__name__)


def default_threads() -> int:
    """Threads for the model: all cores but one, which is the window's."""
    return max(1, cores() - 1)


def lower_priority(niceness: int = NICENESS) -> None:
    """Let other threads go first. Call it in the thread itself, before torch starts helpers there."""
    if hasattr(os, "setpriority"):
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
        except OSError as error:
            _log.debug("priority left as it is: %s", error)


def take_short_turns() -> None:
    """Let the threads of this process take turns more often than is usual.

    The render thread hands Python back at every operation of torch, and has to wait for it again; so has the
    window's thread at every event. With a frame to draw in 16 ms, neither should wait for 5.
    """
    sys.setswitchinterval(TURN_SECONDS)
