"""A stand-in for CUDA graphs on the CPU, as strict as they are, and a guard against waiting for a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from pof3d.render.backends import Eager

_WAITING = (
    "_local_scalar_dense",  # item(), float(), bool(), if
    "is_nonzero",
    "equal",
    "nonzero",
    "masked_select",
    "unique",
    "bincount",
    "repeat_interleave",
    "lift_fresh",  # torch.tensor: on a GPU, a copy from memory that must not change until it is done
    "pin_memory",
)


class Waited(AssertionError):
    """Something that a GPU would be waited for, or that a CUDA graph cannot hold."""


class NeverWaiting(TorchDispatchMode):
    """Fails on operations whose results' shapes or whose next steps depend on values on the device."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[str] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to switch it off, torch would import it: seconds

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name.rstrip("0123456789_").startswith(_WAITING):
            raise Waited(f"{func} waits for the device")
        if name in ("index", "index_put", "index_put_", "_index_put_impl_"):
            chosen = [one for one in args[1] if one is not None]
            if any(one.dtype in (torch.bool, torch.uint8) for one in chosen):
                raise Waited(f"{func} by a mask waits for the device")
        if name == "where" and func._overloadname.startswith("Scalar"):
            raise Waited(f"{func} copies a number to the device")
        devices = {one.device for one in tree_flatten((args, kwargs))[0] if isinstance(one, Tensor)}
        asked = (kwargs or {}).get("device")
        if len(devices | ({torch.device(asked)} if asked is not None else set())) > 1:
            raise Waited(f"{func} goes from one device to another")
        with self:  # what it is made of counts
            result = func.decompose(*args, **(kwargs or {}))
        if result is NotImplemented:
            result = func(*args, **(kwargs or {}))
            if not func.is_view:
                self.operations.append(name)
        return result


class Recorder(NeverWaiting):
    """Remembers every operation with the memory that it reads and writes, and repeats them.

    As with a CUDA graph, no Python runs in between and no memory is made: whatever was a number stays that
    number, whatever was a tensor is read where it was.
    """

    def __init__(self, known: Callable[[Tensor], bool]) -> None:
        super().__init__()
        self._known = known
        self._made: set[int] = set()
        self._steps: list[tuple[Any, tuple[Any, ...], dict[str, Any], list[Tensor]]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        for one in tree_flatten((args, kwargs))[0]:
            # Numbers that Python multiplies with become tensors without dimensions: kernels' arguments.
            if isinstance(one, Tensor) and one.dim() and not self._is_known(one):
                raise AssertionError(f"{func} reads memory that does not stay: {tuple(one.shape)}")
        result = super().__torch_dispatch__(func, types, args, kwargs)
        results = [one for one in tree_flatten(result)[0] if isinstance(one, Tensor)]
        self._made.update(_place(one) for one in results)
        if not func.is_view:
            self._steps.append((func, args, kwargs or {}, results))
        return result

    def _is_known(self, one: Tensor) -> bool:
        return _place(one) in self._made or self._known(one)

    def __call__(self) -> None:
        """Repeat."""
        for func, args, kwargs, results in self._steps:
            again = [one for one in tree_flatten(func(*args, **kwargs))[0] if isinstance(one, Tensor)]
            for old, new in zip(results, again, strict=True):
                if _place(old) != _place(new):
                    old.copy_(new)


class Replayed(Eager):
    """Records the work of orbit graphs on the CPU: it may read their memory and their network's only."""

    def __init__(self) -> None:
        super().__init__(torch.device("cpu"))
        self.recorded = 0
        self.repeated = 0
        self.waits = 0

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        self.recorded += 1
        graph, generator = work.__self__, work.__self__._generator()  # type: ignore[attr-defined]
        lasting = {_place(one) for one in (*graph.memory, *generator.parameters(), *generator.buffers())}
        recorder = Recorder(lambda one: _place(one) in lasting)
        with recorder:
            work()

        def repeat() -> None:
            self.repeated += 1
            recorder()

        return repeat

    def wait(self) -> None:
        self.waits += 1


class Broken(Eager):
    """A device that cannot record."""

    def __init__(self) -> None:
        super().__init__(torch.device("cpu"))
        self.tried = 0

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        self.tried += 1
        work()
        raise RuntimeError("operation not permitted when stream is capturing")


def _place(one: Tensor) -> int:
    return one.untyped_storage().data_ptr()
