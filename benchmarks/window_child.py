"""One run of the real program, for :mod:`benchmarks.window`: started as a process of its own.

    window_child.py BEGAN MODE SECONDS [ARGUMENTS]

BEGAN is when the process was started, seconds since the epoch. The last line that it prints is JSON. Mode
"start" ends with the first picture in full quality and prints when what was reached; "idle" rests after it,
for SECONDS, and prints the processor time that this took, once as it was left and once after the mouse moved.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

_CALM_SECONDS = 3.0
"""Without anything to do, before rest begins: after the first picture there are learned poses to sample."""
_TIMEOUT = 120.0


class _Stamps(logging.Handler):
    """Notes when the program says that it has reached something."""

    def __init__(self, began: float) -> None:
        super().__init__(logging.DEBUG)
        self.began = began
        self.seconds = {"interpreter": time.time() - began}
        self.full = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.seconds.setdefault(record.getMessage(), time.time() - self.began)
        if record.getMessage() == "drawn: full picture":
            self.full.set()


def _move_the_mouse(window: Any) -> None:
    """Over everything, in the window's own thread; wait until that is done."""
    poll = window.poll
    steps = [(20.0 + 29 * i % 1240, 40.0 + 17 * i % 640) for i in range(120)]

    def moving(timeout: float = 0.0) -> None:
        if steps:
            window.on_mouse_move(*steps.pop())
            timeout = min(timeout, 1 / 60)
        else:
            window.poll = poll
        poll(timeout)

    window.poll = moving
    window.wake()
    while steps:
        time.sleep(0.1)


def _wait_for_calm(program: Any) -> None:
    end, calm = time.monotonic() + _TIMEOUT, time.monotonic()
    while time.monotonic() - calm < _CALM_SECONDS and time.monotonic() < end:
        histogram = program.rendering.histogram
        sampled = histogram is None or histogram.samples >= histogram.target
        if program.rendering.busy or program.moving or not sampled:
            calm = time.monotonic()
        time.sleep(0.1)


def _watch(mode: str, seconds: float, stamps: _Stamps, found: dict[str, Any]) -> None:
    """In a thread: measure, then end the program as the system would."""
    if stamps.full.wait(_TIMEOUT) and mode == "idle":
        from viz.app import App

        app = next(one for one in _apps if isinstance(one, App))
        for name in ("idle", "idle after the mouse"):
            if name != "idle":
                _move_the_mouse(app.window)
            _wait_for_calm(app.program)
            began, frames = time.process_time(), app.frames
            time.sleep(seconds)
            found[name] = (time.process_time() - began) / seconds
            found[f"{name}, frames"] = app.frames - frames
    os.kill(os.getpid(), signal.SIGTERM)


_apps: list[object] = []


def main() -> None:
    began, mode, seconds = float(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    stamps, found = _Stamps(began), {}  # type: tuple[_Stamps, dict[str, Any]]
    logger = logging.getLogger("viz.milestones")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(stamps)
    logger.propagate = False

    import visualizer
    from viz import start

    made = start._start
    start._start = lambda *given: (_apps.append(app := made(*given)), app)[1]  # type: ignore[func-returns-value]
    threading.Thread(target=_watch, args=(mode, seconds, stamps, found), daemon=True).start()
    found["status"] = visualizer.main(["--fresh", *sys.argv[4:]])
    found["stages"] = stamps.seconds
    print(json.dumps(found))


if __name__ == "__main__":
    main()
