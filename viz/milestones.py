"""What the start of the program has reached: for benchmarks, and for who looks why it takes so long."""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)
_reached: set[str] = set()


def reached(what: str) -> None:
    """Log something, at level debug, when it is reached for the first time."""
    if what not in _reached:
        _reached.add(what)
        _log.debug("%s", what)
