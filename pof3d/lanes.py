"""A few threads that share one piece of work."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")

_own = threading.local()
_PIECES = 4
"""That there are for every lane, on average."""


def bounds(count: int, lanes: int) -> list[tuple[int, int]]:
    """First and last (exclusive) of every lane's share of ``count`` things, about equally many for each."""
    edges = [round(i * count / lanes) for i in range(lanes + 1)]
    return list(itertools.pairwise(edges))


def spread(count: int, lanes: int, work: Callable[[int, int, int], object], *, unit: int = 1) -> None:
    """Do ``work(lane, first, last)`` for ``count`` things, lanes at once, each with some after others.

    A lane that is quicker, or disturbed less, takes more of them.

    Parameters
    ----------
    count, lanes : int
        Things and threads; fewer threads where there is too little for them.
    work : callable
        Is told the lane, 0 … lanes − 1, and the first and last (exclusive) thing.
    unit : int
        Things that belong together: pieces are multiples of it, but for the last one.
    """
    units = -(-count // unit)
    lanes = max(1, min(lanes, units))
    pieces = iter(bounds(units, min(units, lanes * _PIECES)) if lanes > 1 else [(0, units)])
    taking = threading.Lock()

    def run(lane: int) -> None:
        while True:
            with taking:
                piece = next(pieces, None)
            if piece is None:
                return
            work(lane, piece[0] * unit, min(piece[1] * unit, count))

    share([lambda lane=lane: run(lane) for lane in range(lanes)])  # type: ignore[misc]


@contextmanager
def single_threaded() -> Iterator[None]:
    """Torch takes one thread: its own ones wait for work by spinning, on cores that lanes need."""
    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def share(parts: Sequence[Callable[[], T]]) -> list[T]:
    """Do all of them at once, each in a thread of its own: the first in the caller's.

    For work that leaves Python's lock: compiled loops and torch operations, which have one of torch's threads
    each. Lanes that meet once are quicker than one operation after the other that threads share, above all
    where other work is under way. Every calling thread has helpers of its own, which on Linux have its
    priority. When all have ended, this raises what a part raised.
    """
    if len(parts) == 1:
        return [parts[0]()]
    helpers = _helpers(len(parts) - 1)
    inference, gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    def run(part: Callable[[], T]) -> T:
        with torch.inference_mode(inference), torch.set_grad_enabled(gradients):
            return part()

    with single_threaded():
        waiting = [helpers.submit(run, part) for part in parts[1:]]
        try:
            first = parts[0]()
        finally:
            wait(waiting)
    return [first, *(future.result() for future in waiting)]


def _helpers(count: int) -> ThreadPoolExecutor:
    known: tuple[int, ThreadPoolExecutor] | None = getattr(_own, "helpers", None)
    if known is not None and known[0] >= count:
        return known[1]
    if known is not None:
        known[1].shutdown(wait=False)
    made = ThreadPoolExecutor(count, "lane", initializer=torch.set_num_threads, initargs=(1,))
    _own.helpers = count, made
    return made


def _forget_helpers() -> None:
    vars(_own).pop("helpers", None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)  # they did not come along
