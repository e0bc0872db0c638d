"""Memory and bookkeeping of the engine's stages: what was computed from what, how long it took, its size."""

from __future__ import annotations

import dataclasses
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
import torch

from pof3d.errors import DeviceError, Pof3dError
from viz.frame import StageTiming

T = TypeVar("T")

ENTRY_BYTES = 512
"""What an entry of the memory costs beside its tensors and arrays."""
_ABSENT: Any = object()


class Cancelled(Exception):
    """Nobody wants the picture any more. Not an error."""


class LoadingCancelled(Pof3dError):
    """The user stopped a checkpoint from being opened."""


class StageError(Pof3dError):
    """A stage of the engine failed in a way nobody foresaw."""


def never() -> bool:
    """A cancel token that is never pulled."""
    return False


def nbytes(value: object) -> int:
    """Bytes of all tensors and arrays within plain containers and dataclasses."""
    if isinstance(value, torch.Tensor):
        return value.element_size() * value.numel()
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, tuple | list):
        return sum(nbytes(item) for item in value)
    if dataclasses.is_dataclass(value):
        return sum(nbytes(getattr(value, field.name)) for field in dataclasses.fields(value))
    return 0


class StageMemory:
    """Results of stages by stage and inputs; the ones not used for longest go first.

    Parameters
    ----------
    budget_bytes : int
        Upper bound of what is kept, all stages together. A result larger than that is not kept at all.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._entries: OrderedDict[tuple[str, Hashable], tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def set_budget(self, budget_bytes: int) -> None:
        """Keep within another bound from now on."""
        self.budget_bytes = budget_bytes
        self._drop_surplus()

    @property
    def used_bytes(self) -> int:
        """Bytes held now; never above the budget."""
        return self._bytes

    def __contains__(self, entry: tuple[str, Hashable]) -> bool:
        return entry in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, stage: str, key: Hashable) -> Any:
        """The kept result, or a value that :meth:`is_absent` knows."""
        entry = self._entries.get((stage, key))
        if entry is None:
            return _ABSENT
        self._entries.move_to_end((stage, key))
        return entry[0]

    @staticmethod
    def is_absent(value: object) -> bool:
        """Whether :meth:`get` found nothing."""
        return value is _ABSENT

    def put(self, stage: str, key: Hashable, value: object) -> None:
        """Keep a result, and drop the oldest ones that no longer fit."""
        size = nbytes(value) + ENTRY_BYTES
        if size > self.budget_bytes:
            return
        old = self._entries.pop((stage, key), None)
        if old is not None:
            self._bytes -= old[1]
        self._entries[stage, key] = (value, size)
        self._bytes += size
        self._drop_surplus()

    def _drop_surplus(self) -> None:
        while self._bytes > self.budget_bytes:
            _, (_, dropped) = self._entries.popitem(last=False)
            self._bytes -= dropped

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    signs = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


class StageRun:
    """One passage through the stages, for one picture.

    Parameters
    ----------
    memory : StageMemory
        Where results are kept.
    cancelled : callable
        Asked before every stage, and by :meth:`check` within.
    device : torch.device
        Whose work is waited for when time is taken.
    """

    def __init__(self, memory: StageMemory, cancelled: Callable[[], bool], device: torch.device) -> None:
        self.memory = memory
        self.cancelled = cancelled
        self.device = device
        self.timings: list[StageTiming] = []

    def check(self) -> None:
        """Raise :class:`Cancelled` when the picture is no longer wanted."""
        if self.cancelled():
            raise Cancelled

    def stage(self, name: str, key: Hashable, compute: Callable[[], T], *, wait: bool = True) -> T:
        """Result of a stage: from memory, or computed and kept.

        Parameters
        ----------
        name : str
            For people; also part of the key.
        key : hashable
            Exactly the inputs that ``compute`` reads.
        compute : callable
            Makes the result.
        wait : bool
            Whether the device is waited for afterwards; not needed by what waits itself or leaves it alone.

        Raises
        ------
        Cancelled
            When the cancel token is pulled.
        DeviceError
            When memory runs out; everything kept is dropped first.
        StageError
            When anything unexpected happens.
        """
        self.check()
        start = time.perf_counter()
        kept = self.memory.get(name, key)
        if not self.memory.is_absent(kept):
            self._note(name, start, cached=True)
            return kept
        value = self.guard(name, compute, wait=wait)
        self._note(name, start, cached=False)
        self.memory.put(name, key, value)
        return value

    def guard(self, name: str, compute: Callable[[], T], *, wait: bool = True) -> T:
        """Run a stage; what it raises becomes an error that a user can read."""
        try:
            value = compute()
            if wait and self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            return value
        except (Pof3dError, Cancelled):
            raise
        except Exception as error:
            if not _is_out_of_memory(error):
                raise StageError(
                    f"The stage “{name}” failed", f"{type(error).__name__}: {error}".rstrip(": \n")
                ) from error
            self.memory.clear()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            raise DeviceError(
                f"Out of memory in the stage “{name}” on {self.device}",
                todo="Lower the resolution or the samples, open a smaller network, or close other programs.",
            ) from error

    def _note(self, name: str, start: float, *, cached: bool) -> None:
        self.timings.append(StageTiming(name, 1e3 * (time.perf_counter() - start), cached))
