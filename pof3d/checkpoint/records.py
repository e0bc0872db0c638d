"""What the networks of a release snapshot hold: their tensors by name, and typed settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import torch

from pof3d.checkpoint.restricted_pickle import Record, TensorRef
from pof3d.checkpoint.source import damaged
from pof3d.errors import CheckpointError
from pof3d.nets.layers import fir_kernel

Tensors = dict[str, TensorRef]
Attributes = dict[str, Mapping[Any, Any]]

_MAX_MODULES = 10_000
_MAX_TENSORS = 50_000
_MAX_NAME = 300
_LARGEST = 1e30


def unsupported(what: str) -> NoReturn:
    """Raise the error of a network that this project cannot show."""
    raise CheckpointError("This kind of network is not supported yet", what)


def _modules(record: Record) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """Dotted names and states of a network and everything in it."""
    waiting, seen = [("", record)], 0
    while waiting:
        prefix, module = waiting.pop()
        seen += 1
        if seen > _MAX_MODULES or len(prefix) > _MAX_NAME:  # modules may refer to each other in circles
            damaged("a network in it has far more modules than any network")
        yield prefix, module.state
        for name, child in _named(module.state, "_modules").items():
            if child is None:
                continue
            if not isinstance(child, Record):
                damaged("a network in it contains something that is not a module")
            waiting.append((f"{prefix}{name}.", child))


def _named(state: Mapping[Any, Any], kind: str) -> dict[str, Any]:
    found = state.get(kind, {})
    if type(found) is not dict or not all(type(name) is str for name in found):
        damaged("a network in it has an unknown form")
    return found


def collect(record: Record) -> tuple[Tensors, Attributes]:
    """Tensors, and the attributes of modules, by dotted name. FIR filters are checked and left out."""
    tensors: Tensors = {}
    attributes: Attributes = {}
    filters: list[TensorRef] = []
    count = 0
    for prefix, state in _modules(record):
        attributes[prefix.removesuffix(".")] = state
        for kind in ("_parameters", "_buffers"):
            for name, tensor in _named(state, kind).items():
                if tensor is None:
                    continue
                if not isinstance(tensor, TensorRef):
                    damaged("a parameter in it is not a tensor")
                count += 1
                if count > _MAX_TENSORS or len(name) > _MAX_NAME:
                    damaged("a network in it has far more tensors than any network")
                if name == "resample_filter":
                    filters.append(tensor)
                else:
                    tensors[prefix + name] = tensor
    kernel = fir_kernel()
    for ref in filters:
        if ref.shape != (4, 4) or not torch.allclose(ref.load().float(), kernel, atol=1e-6):
            unsupported("it resamples with another filter than [1, 3, 3, 1]")
    return tensors, attributes


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
