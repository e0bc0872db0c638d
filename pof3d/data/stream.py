"""Decoding the images of the next steps in worker processes, in exactly the order of the steps."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from pof3d.data.decoding import DAMAGE, SetReader
from pof3d.data.processes import ignore_interrupts, interrupts_held

TRIES = 64
"""Images in a row that may be damaged before a stream gives up."""


class Shots(NamedTuple):
    """What a worker hands back for one step."""

    images: Tensor
    used: list[int]
    """Index of each image in the set: another one than asked for, where that was damaged."""
    damaged: list[str]
    error: str
    """Why there are no images; errors of other processes lose their form on the way."""


class Images(Dataset[Shots]):
    """Decodes the images of a step; each process has its own."""

    def __init__(self, reader: SetReader, names: list[str], resolution: int) -> None:
        self.reader = reader
        self.names = names
        self.resolution = resolution

    def __getitems__(self, indices: Sequence[int]) -> Shots:
        out = torch.empty((len(indices), 3, self.resolution, self.resolution), dtype=torch.uint8)
        used: list[int] = []
        damaged: list[str] = []
        total = len(self.names)
        for row, index in enumerate(indices):
            first, mirrored = index % total, index >= total
            why = ""
            for attempt in range(min(TRIES, total)):
                place = (first + attempt) % total
                try:
                    square = torch.from_numpy(self.reader.square(self.names[place], self.resolution))
                except DAMAGE as error:
                    damaged.append(self.names[place])
                    why = str(error)
                else:
                    out[row] = square.flip(-1) if mirrored else square
                    used.append(place + total * mirrored)
                    break
            else:
                return Shots(out, used, damaged, why)
        return Shots(out, used, damaged, "")


class _Order(Sampler[list[int]]):
    """The images of each step from `start` on, without end."""

    def __init__(self, indices: Callable[[int], Tensor]) -> None:
        self.indices = indices
        self.start = 0

    def __iter__(self) -> Iterator[list[int]]:
        return (self.indices(step).tolist() for step in count(self.start))


def _unchanged(shots: Any) -> Any:
    return shots


def _start_worker(_index: int) -> None:
    ignore_interrupts()
    # At its end a worker may still be handing over a batch in a thread. Taking Python down under that thread
    # would abort it with a message of the C++ library.
    atexit.register(os._exit, 0)


@contextmanager
def _no_alarm() -> Iterator[None]:
    """Undo that torch answers a worker's death with an error in whatever the main thread is doing then.

    The next `read` finds it out, where it can be explained.
    """
    if not hasattr(signal, "SIGCHLD") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGCHLD)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


class _Ending:
    """Torch's event that tells workers to end, for this process, which alone sets it.

    A worker that is killed while it looks at the event never releases the event's lock. Torch gets out of
    waiting for that by the alarm that is undone here.
    """

    _PATIENCE = 1.0
    """Seconds."""

    def __init__(self, event: Any, workers: Sequence[BaseProcess]) -> None:
        self._event = event
        self._workers = workers
        self._set = False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        asking = threading.Thread(target=self._event.set, name="end workers", daemon=True)
        asking.start()
        asking.join(self._PATIENCE)
        if asking.is_alive():  # then no worker can look at it either
            for worker in self._workers:
                worker.kill()


def _guard(steps: Any) -> None:
    if not isinstance(steps._workers_done_event, _Ending):  # a jump keeps steps
        steps._workers_done_event = _Ending(steps._workers_done_event, steps._workers)


class Stream:
    """Decoded steps in order, prepared ahead by worker processes; a jump starts anew at its step."""

    def __init__(self, images: Images, indices: Callable[[int], Tensor], workers: int) -> None:
        self._images = images
        self._order = _Order(indices)
        self._loader = DataLoader(
            images,
            batch_sampler=self._order,
            num_workers=workers,
            collate_fn=_unchanged,
            worker_init_fn=_start_worker,
            # A fork of a process in which torch or CUDA has started threads may hang.
            multiprocessing_context="spawn" if workers else None,
            persistent_workers=workers > 0,
            generator=torch.Generator(),  # else starting would draw from torch's global one
        )
        self._steps: Iterator[Shots] | None = None
        self._next = 0

    def read(self, step: int) -> Shots:
        """The images of a step; RuntimeError when a worker process has died."""
        if self._steps is None or step != self._next:
            self._order.start = step
            with interrupts_held(), _no_alarm():  # starts the workers
                self._steps = iter(self._loader)
            if self._loader.num_workers:
                _guard(self._steps)
        steps, self._steps = self._steps, None  # after an interruption, begin anew
        shots = next(steps)
        self._steps, self._next = steps, step + 1
        return shots

    def close(self) -> None:
        """End the workers."""
        self._steps = None
        steps: Any = self._loader._iterator
        if steps is not None:  # an error's traceback may keep it, and its workers
            steps._shutdown_workers()
        del self._loader
        self._images.reader.close()
