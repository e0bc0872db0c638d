"""How many threads work, and who goes first."""

from __future__ import annotations

import logging
import os
import threading

from pof3d.lanes import cores

NICENESS = 10

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
