"""What the networks of a release snapshot hold: their tensors by name, and typed settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import torch

from pof3d.checkpoint.restricted_pickle import Record, TensorRef
from pof3d.checkpoint.source import damaged
from pof3d.errors import CheckpointError
from pof3d.nets.layers import fir_kernel

Tensors = dict[str, TensorRef]
Attributes = dict[str, Mapping[Any, Any]]

_MAX_MODULES = 10_000
_MAX_ENTRIES = 200_000
"""Of the dictionaries in a network's modules, together; a full-size network has about 1,500."""
_MAX_NAME = 300
_MAX_SHARED = 1 << 20
"""Numbers that tensors may have in common, beyond those in the file."""
_LARGEST = 1e30


def unsupported(what: str) -> NoReturn:
    """Raise the error of a network that this project cannot show."""
    raise CheckpointError("This kind of network is not supported yet", what)


class _Walk:
    """Goes through a network of the file and everything in it, with a bound on the work.

    Modules and dictionaries may be shared, and refer to each other in circles: every visit counts, and so
    does every entry that is looked at in one.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._modules = 0
        self._entries = 0

    def modules(self, record: Record) -> Iterator[tuple[str, Mapping[Any, Any]]]:
        """Dotted names and states, parents first."""
        waiting = [("", record)]
        self._modules = 1
        while waiting:
            prefix, module = waiting.pop()
            self._check()
            yield prefix, module.state
            for name, child in self.named(prefix, module.state, "_modules"):
                if not isinstance(child, Record):
                    damaged("a network in it contains something that is not a module")
                self._modules += 1
                if self._modules > _MAX_MODULES:
                    damaged("a network in it has far more modules than any network")
                waiting.append((f"{prefix}{name}.", child))

    def named(self, prefix: str, state: Mapping[Any, Any], kind: str) -> Iterator[tuple[str, Any]]:
        """The entries of a module's modules, parameters or buffers, but for those that are None."""
        found = state.get(kind, {})
        if type(found) is not dict:
            damaged("a network in it has an unknown form")
        self._entries += len(found)
        if self._entries > _MAX_ENTRIES:
            damaged("a network in it has far more parts than any network")
        for name, value in found.items():
            if type(name) is not str or len(prefix) + len(name) > _MAX_NAME:
                damaged("a part of a network in it has a name that no network has")
            if value is not None:
                yield name, value


def collect(record: Record, check: Callable[[], None] = lambda: None) -> tuple[Tensors, Attributes]:
    """Tensors, and the attributes of modules, by dotted name. FIR filters are checked and left out.

    Parameters
    ----------
    record : Record
        A network of the file.
    check : callable
        Called at every module; may raise to stop.

    Raises
    ------
    CheckpointError
        If the network is too large or too deep to be one, or has more numbers than the file holds.
    """
    tensors: Tensors = {}
    attributes: Attributes = {}
    filters: list[TensorRef] = []
    walk = _Walk(check)
    for prefix, state in walk.modules(record):
        attributes[prefix.removesuffix(".")] = state
        for kind in ("_parameters", "_buffers"):
            for name, tensor in walk.named(prefix, state, kind):
                if not isinstance(tensor, TensorRef):
                    damaged("a parameter in it is not a tensor")
                if name == "resample_filter":
                    filters.append(tensor)
                else:
                    tensors[prefix + name] = tensor
    _check_amount(tensors)
    kernel = fir_kernel()
    for ref in filters:
        check()
        if ref.shape != (4, 4) or not torch.allclose(ref.load().float(), kernel, atol=1e-6):
            unsupported("it resamples with another filter than [1, 3, 3, 1]")
    return tensors, attributes


def _check_amount(tensors: Tensors) -> None:
    """Refuse tensors that are much more together than the numbers behind them: they would be copied."""
    for name, ref in tensors.items():
        if not ref.storage.dtype.is_floating_point:
            damaged(f"its parameter {name[:80]} holds whole numbers")
    wanted = sum(math.prod(ref.shape) for ref in tensors.values())
    held = sum(
        storage.count for storage in {ref.storage.offset: ref.storage for ref in tensors.values()}.values()
    )
    if wanted > held + _MAX_SHARED:
        damaged("its tensors share their numbers, and would take far more memory than the file holds")


class Settings:
    """Typed reading of a dictionary from the file.

    Values that are absent or None give the default; those of another type raise a
    :class:`~pof3d.errors.CheckpointError`.
    """

    def __init__(self, values: object, where: str) -> None:
        if values is not None and type(values) is not dict:
            damaged(f"{where} in it has an unknown form")
        self._values: Mapping[Any, Any] = values or {}
        self._where = where

    def _wrong(self, key: str) -> NoReturn:
        damaged(f"{key} in its {self._where} has an unknown form")

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def holds_text(self, key: str) -> bool:
        """Whether there is a text where there usually is a number."""
        return type(self._values.get(key)) is str

    def number(self, key: str, default: float) -> float:
        """A number; ``default`` where there is none."""
        value = self._values.get(key)
        if value is None:
            return float(default)
        if type(value) not in (int, float) or not abs(value) <= _LARGEST:
            self._wrong(key)
        return float(value)

    def integer(self, key: str, default: int) -> int:
        """A whole number; ``default`` where there is none."""
        value = self.number(key, default)
        if not value.is_integer():
            self._wrong(key)
        return int(value)

    def flag(self, key: str, default: bool) -> bool:
        """A truth value; ``default`` where there is none."""
        value = self._values.get(key)
        if value is None:
            return default
        if type(value) not in (bool, int):
            self._wrong(key)
        return bool(value)

    def text(self, key: str) -> str | None:
        """A text, if there is one."""
        value = self._values.get(key)
        if value is not None and type(value) is not str:
            self._wrong(key)
        return value

    def numbers(self, key: str, count: int) -> tuple[float, ...] | None:
        """``count`` numbers, if there are any."""
        value = self._values.get(key)
        if value is None or value is False or value in ([], ()):
            return None
        if isinstance(value, TensorRef) and value.shape == (count,):
            value = value.load().tolist()
        if type(value) not in (list, tuple) or len(value) != count:
            self._wrong(key)
        if not all(type(x) in (int, float) and abs(x) <= _LARGEST for x in value):
            self._wrong(key)
        return tuple(float(x) for x in value)

    def pair(self, key: str) -> tuple[float, float] | None:
        """Two numbers, if there are any."""
        value = self.numbers(key, 2)
        return None if value is None else (value[0], value[1])

    def inside(self, key: str) -> Settings:
        """A dictionary in the dictionary; an empty one where there is none."""
        return Settings(self._values.get(key), f"{self._where}.{key}")


def shape_of(tensors: Tensors, name: str, dimensions: int) -> tuple[int, ...]:
    """Shape of a tensor that has to be there, with this many dimensions."""
    if name not in tensors or len(tensors[name].shape) != dimensions:
        damaged(f"the tensor {name} is missing or has another form")
    return tensors[name].shape
