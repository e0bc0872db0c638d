"""Pictures saved while the window goes on."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pof3d.errors import Pof3dError
from viz.captures import capture_stem, free_path, save_image, save_pixels
from viz.files import save_error
from viz.frame import Frame
from viz.view import View

_log = logging.getLogger(__name__)

Outcome = Path | Pof3dError


class Saver:
    """Writes pictures in a thread of its own.

    Parameters
    ----------
    folder : Path
        Where they go; made when first needed.
    on_done : callable, optional
        Called from that thread when a picture is there, or is not to be; must return at once.
    """

    def __init__(self, folder: Path, on_done: Callable[[], None] | None = None) -> None:
        self.folder = folder
        self._on_done = on_done
        self._jobs: queue.Queue[Callable[[], Path] | None] = queue.Queue()
        self._outcomes: queue.Queue[Outcome] = queue.Queue()
        self._thread: threading.Thread | None = None

    def picture(self, frame: Frame) -> None:
        """Save a frame's picture, with its View."""

        def job() -> Path:
            path = self._free(capture_stem(frame.view), ".png")
            save_image(frame, path)
            return path

        self._submit(job)

    def window(self, pixels: NDArray[np.uint8], view: View) -> None:
        """Save a picture of the window [H, W, 3], with its View."""

        def job() -> Path:
            path = self._free(f"{capture_stem(view)}-window", ".png")
            alpha = np.full((*pixels.shape[:2], 1), 255, np.uint8)
            save_pixels(np.concatenate([pixels, alpha], axis=2), path, view)
            return path

        self._submit(job)

    def comparison(self, rgba: NDArray[np.uint8], view: View) -> None:
        """Save a picture of compared Views [H, W, 4], with the active one's View."""

        def job() -> Path:
            path = self._free(f"{capture_stem(view)}-comparison", ".png")
            save_pixels(rgba, path, view)
            return path

        self._submit(job)

    def shape(self, rgba: NDArray[np.uint8], view: View) -> None:
        """Save a picture [H, W, 4] of the geometry that a View shows, with the View."""

        def job() -> Path:
            path = self._free(f"{capture_stem(view)}-{view.display.geometry}", ".png")
            save_pixels(rgba, path, view)
            return path

        self._submit(job)

    def target(self, view: View, suffix: str) -> Path:
        """A free path for a recording of a View; its folder exists.

        Raises
        ------
        SaveError
            When the folder cannot be made.
        """
        return self._free(capture_stem(view), suffix)

    def poll(self) -> Outcome | None:
        """The next outcome: where a picture is, or why it is not."""
        try:
            return self._outcomes.get_nowait()
        except queue.Empty:
            return None

    def close(self, timeout: float = 10.0) -> None:
        """Finish what was asked for."""
        if self._thread is not None:
            self._jobs.put(None)
            if self._thread is not threading.current_thread():
                self._thread.join(timeout)
            self._thread = None

    def _free(self, stem: str, suffix: str) -> Path:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise save_error(self.folder, error) from error
        return free_path(self.folder, stem, suffix)

    def _submit(self, job: Callable[[], Path]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="saver", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            outcome: Outcome
            try:
                outcome = job()
            except Pof3dError as error:
                outcome = error
            except Exception as error:
                _log.exception("saving a picture failed")
                outcome = Pof3dError("cannot save the picture", f"{type(error).__name__}: {error}")
            self._outcomes.put(outcome)
            if self._on_done is not None:
                self._on_done()
