"""What the window asks of the rest of the program, as interfaces: the window can be run on stand-ins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from viz.frame import FailedFrame, Frame
from viz.panel import LoadingState, MemoryUse, NetworkInfo, PoseHistogram, RecordingRequest, RecordingState
from viz.view import View


class Rendering(Protocol):
    """Views in, Frames out; :class:`viz.render_thread.RenderThread` is one. Only ``close`` waits."""

    def submit(self, view: View) -> None:
        """Ask for a View; what was asked for before is forgotten."""

    def reload(self, view: View) -> None:
        """Ask for a View whatever was asked for last, and read its checkpoint again if that failed."""

    def accompany(self, views: Mapping[int, View]) -> None:
        """Ask for Views beside the newest one, by a key; what was asked for beside it before is forgotten."""

    def poll(self) -> Frame | FailedFrame | None:
        """The newest result, once."""

    def poll_companions(self) -> Mapping[int, Frame | FailedFrame]:
        """The newest results beside it by their keys, once."""

    @property
    def busy(self) -> bool:
        """Whether the newest View, or one beside it, still waits for its full frame."""

    @property
    def loading(self) -> LoadingState | None:
        """The checkpoint being opened."""

    @property
    def network_info(self) -> NetworkInfo | None:
        """The open network."""

    @property
    def histogram(self) -> PoseHistogram | None:
        """Its pose distribution, as far as it is known."""

    @property
    def preview_milliseconds(self) -> NDArray[np.float32]:
        """From submit to preview, newest last."""

    @property
    def threads(self) -> int:
        """Torch threads."""

    @property
    def device(self) -> str:
        """Where the network runs."""

    def set_threads(self, threads: int) -> None:
        """Use this many torch threads."""

    def set_device(self, name: str) -> None:
        """Run on another device."""

    @property
    def memory(self) -> MemoryUse:
        """What networks and results take."""

    def set_memory_budget(self, total_bytes: int) -> None:
        """Keep them within this bound."""

    def cancel_loading(self) -> None:
        """Stop opening a checkpoint."""

    def close(self) -> object:
        """Stop, and wait for the thread."""


class Recording(Protocol):
    """Makes videos in the background; :class:`viz.recorder.Recorder` is one. Only ``close`` waits."""

    @property
    def state(self) -> RecordingState | None:
        """The recording under way, or the last one."""

    def start(self, view: View, request: RecordingRequest, target: Path) -> None:
        """Begin a recording; raises a :class:`pof3d.errors.Pof3dError` when that cannot be."""

    def cancel(self) -> None:
        """Stop; nothing of the recording remains."""

    def close(self) -> object:
        """Stop, and wait for the thread."""
