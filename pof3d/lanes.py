"""A few threads that share one piece of work."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch

T = TypeVar("T")

_own = threading.local()


def bounds(count: int, lanes: int) -> list[tuple[int, int]]:
    """First and last (exclusive) of every lane's share of ``count`` things, about equally many for each."""
    edges = [round(i * count / lanes) for i in range(lanes + 1)]
    return list(itertools.pairwise(edges))


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

    threads = torch.get_num_threads()
    if threads > 1:
        torch.set_num_threads(1)
    waiting = [helpers.submit(run, part) for part in parts[1:]]
    try:
        first = parts[0]()
    finally:
        wait(waiting)
        if threads > 1:
            torch.set_num_threads(threads)
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
