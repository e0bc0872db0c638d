"""Repeating the same operations on the same memory: what a device does for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

_WARM_UP = 2

_log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()
"""Only one graph of a process can be recorded at any moment."""


class Backend(Protocol):
    """What a device does to repeat work."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """The operations of ``work``, to be repeated on the same memory. May raise if it cannot."""

    def host_memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Zeros on the host, which the device can copy to and from by itself."""

    def wait(self) -> None:
        """Until all that was started is done."""


class Eager:
    """Nothing is recorded: work is repeated operation by operation. For any device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """The work itself."""
        return work

    def host_memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """See :class:`Backend`."""
        return torch.zeros(shape, dtype=dtype, pin_memory=self._device.type == "cuda")

    def wait(self) -> None:
        """See :class:`Backend`."""
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()


class CudaGraphs:
    """CUDA graphs (pytorch.org/docs/stable/notes/cuda.html)."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    # Made when they are needed: the first of them starts CUDA.
    @cached_property
    def _stream(self) -> torch.cuda.Stream:
        return torch.cuda.Stream(self._device)

    @cached_property
    def _done(self) -> torch.cuda.Event:
        # The waiting thread sleeps: others, the window's among them, need the cores.
        return torch.cuda.Event(blocking=True)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """See :class:`Backend`."""
        graph, before = torch.cuda.CUDAGraph(), torch.cuda.current_stream(self._device)
        with _one_at_a_time, torch.cuda.device(self._device):
            self._stream.wait_stream(before)
            try:
                with torch.cuda.stream(self._stream):  # libraries choose and set up what they need
                    for _ in range(_WARM_UP):
                        work()
                # Other threads may use the device meanwhile, hence "thread_local".
                with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                    work()
            finally:
                torch.cuda.set_stream(before)  # after a failure torch leaves its own
            before.wait_stream(self._stream)
        return graph.replay

    def host_memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """See :class:`Backend`."""
        return torch.zeros(shape, dtype=dtype, pin_memory=True)

    def wait(self) -> None:
        """See :class:`Backend`."""
        self._done.record(torch.cuda.current_stream(self._device))
        self._done.synchronize()


class Careful:
    """Records by another backend; after its first failure, work is repeated operation by operation."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._failed = False

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """See :class:`Backend`."""
        if not self._failed:
            try:
                return self._backend.record(work)
            except Exception as error:
                self._failed = True
                why = f"{type(error).__name__}: {error}".splitlines()[0]
                _log.warning("pictures are drawn without a recorded graph: %s", why)
        return work

    def host_memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """See :class:`Backend`."""
        return self._backend.host_memory(shape, dtype)

    def wait(self) -> None:
        """See :class:`Backend`."""
        self._backend.wait()
