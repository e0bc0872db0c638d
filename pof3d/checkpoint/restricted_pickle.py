"""What a released PoF3D or EG3D snapshot may contain, as inert objects of ours.

The allow-list below is everything such files name. Modules become :class:`Record`, tensors become
:class:`TensorRef`: descriptions that are checked against the bytes the file holds before any memory is
taken, and read only when :meth:`TensorRef.load` is called. The source text that snapshots carry is never
used. :mod:`~pof3d.checkpoint.pickle_machine` says why this cannot run anything.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pof3d.checkpoint.pickle_machine import Buildable, Global, Machine
from pof3d.checkpoint.source import Blob, Cursor, Source, damaged, refuse

_MAX_DIMENSIONS = 8
_MAX_INNER_OPCODES = 500
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_TORCH_PROTOCOL = 1001


@dataclass(frozen=True, slots=True)
class Storage:
    """The numbers behind one or more tensors: where they lie in the file."""

    source: Source
    offset: int
    """Position of the first number in the file."""
    count: int
    """Numbers."""
    dtype: torch.dtype

    def load(self, first: int, count: int) -> Tensor:
        """Read some numbers into a new one-dimensional tensor on the CPU."""
        tensor = torch.empty(count, dtype=self.dtype)
        if count:
            at = self.offset + first * self.dtype.itemsize
            self.source.read_into(at, tensor.view(torch.uint8).numpy().data)
        return tensor


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A tensor that is still in the file."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def load(self) -> Tensor:
        """Read the tensor: contiguous, on the CPU, sharing memory with nothing.

        Returns
        -------
        Tensor [*shape]
            Of the type it was stored with.

        Raises
        ------
        CheckpointError
            If its numbers are not side by side in the file: parameters never are slices of something larger.
        """
        count = math.prod(self.shape)
        if count and count != 1 + sum(
            (n - 1) * step for n, step in zip(self.shape, self.stride, strict=True)
        ):
            damaged("a parameter in it is a slice of something else")
        return self.storage.load(self.offset, count).as_strided(self.shape, self.stride).contiguous()


@dataclass(slots=True)
class Record(Buildable):
    """An object of a class that a snapshot names: its class name and the state it was stored with."""

    kind: str
    state: dict[str | int, Any] = field(default_factory=dict)

    def set_state(self, state: object) -> None:
        """Take the object's ``__dict__``."""
        if type(state) is not dict:
            refuse(f"the state of a {self.kind} in it is not a dictionary")
        self.state = state


@dataclass(slots=True)
class NumberType(Buildable):
    """A numpy dtype of one number."""

    code: str
    order: str = "<"

    def set_state(self, state: object) -> None:
        """Take the byte order from the state tuple (version, order, …)."""
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            damaged("a numpy type in it has an unknown form")
        self.order = state[1]


@dataclass(frozen=True, slots=True)
class _StorageType(Global):
    """A typed storage, named in the stream of a tensor."""

    dtype: torch.dtype = torch.float32


_STORAGE_TYPES: dict[tuple[str, str], Global] = {
    ("torch", f"{name}Storage"): _StorageType(f"{name}Storage", dtype=dtype)
    for name, dtype in {
        "Double": torch.float64,
        "Float": torch.float32,
        "Half": torch.float16,
        "BFloat16": torch.bfloat16,
        "Long": torch.int64,
        "Int": torch.int32,
        "Short": torch.int16,
        "Char": torch.int8,
        "Byte": torch.uint8,
        "Bool": torch.bool,
    }.items()
}

_NUMBERS = {"f2": "e", "f4": "f", "f8": "d", "b1": "?"} | {
    f"{sign}{size}": code.lower() if sign == "i" else code
    for sign in "iu"
    for size, code in ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))
}
"""numpy type → letter of :mod:`struct`."""

_RECORDS = {
    # PoF3D and EG3D snapshots
    "torch.nn.modules.activation": ["Softplus"],
    "torch.nn.modules.container": ["Sequential"],
    "training.triplane_autopose": ["OSGDecoder"],
    "training.triplane": ["OSGDecoder"],
    "training.volumetric_rendering.ray_marcher": ["MipRayMarcher2"],
    "training.volumetric_rendering.ray_sampler": ["RaySampler"],
    "training.volumetric_rendering.renderer": ["ImportanceRenderer"],
}
_EXTRA_RECORDS = {
    # the additional network of the other training script; skipped, but it must be stepped over
    "neural_renderer.renderer": ["Renderer"],
    "torch.nn.modules.activation": ["ELU", "GELU", "LeakyReLU", "ReLU", "ReLU6", "Sigmoid", "SiLU", "Tanh"],
    "torch.nn.modules.batchnorm": ["BatchNorm1d", "BatchNorm2d", "SyncBatchNorm"],
    "torch.nn.modules.container": ["ModuleDict", "ModuleList", "ParameterList"],
    "torch.nn.modules.conv": ["Conv1d", "Conv2d", "ConvTranspose2d"],
    "torch.nn.modules.dropout": ["Dropout", "Dropout2d"],
    "torch.nn.modules.flatten": ["Flatten"],
    "torch.nn.modules.instancenorm": ["InstanceNorm2d"],
    "torch.nn.modules.linear": ["Identity", "Linear"],
    "torch.nn.modules.loss": ["L1Loss", "MSELoss", "SmoothL1Loss"],
    "torch.nn.modules.normalization": ["GroupNorm", "LayerNorm"],
    "torch.nn.modules.padding": ["ReflectionPad2d", "ReplicationPad2d", "ZeroPad2d"],
    "torch.nn.modules.pooling": ["AdaptiveAvgPool2d", "AvgPool2d", "MaxPool2d"],
    "torch.nn.modules.upsampling": ["Upsample", "UpsamplingBilinear2d"],
    "torchvision.models.resnet": ["BasicBlock", "Bottleneck", "ResNet"],
    "torchvision.models.vgg": ["VGG"],
    "torchvision.transforms.transforms": ["CenterCrop", "Compose", "Normalize", "Resize", "ToTensor"],
}


def _sizes(value: object, what: str) -> tuple[int, ...]:
    if type(value) is not tuple or len(value) > _MAX_DIMENSIONS:
        damaged(f"the {what} of a tensor in it has an unknown form")
    for size in value:
        if type(size) is not int or not 0 <= size < 1 << 48:
            damaged(f"the {what} of a tensor in it is impossible")
    return value


def _rebuild_tensor(arguments: tuple[Any, ...]) -> TensorRef:
    """(storage, offset, shape, stride, requires_grad, hooks[, metadata])."""
    if not 6 <= len(arguments) <= 7 or not isinstance(arguments[0], Storage):
        damaged("a tensor in it has an unknown form")
    storage = arguments[0]
    (offset,) = _sizes((arguments[1],), "offset")
    shape, stride = _sizes(arguments[2], "shape"), _sizes(arguments[3], "stride")
    if len(shape) != len(stride):
        damaged("a tensor in it has an unknown form")
    count = math.prod(shape)
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    # A tensor that repeats its numbers (stride 0) could be far larger than the file.
    if count > storage.count or (count and last >= storage.count):
        damaged("a tensor in it is larger than the numbers it holds")
    return TensorRef(storage, offset, shape, stride)


def _rebuild_parameter(arguments: tuple[Any, ...]) -> TensorRef:
    """(tensor, requires_grad, hooks)."""
    if len(arguments) != 3 or not isinstance(arguments[0], TensorRef):
        damaged("a parameter in it has an unknown form")
    return arguments[0]


def _reconstruct_persistent(arguments: tuple[Any, ...]) -> Record:
    """(meta,) with type, version, module_src (skipped), class_name and state."""
    meta = arguments[0] if len(arguments) == 1 else None
    if type(meta) is not dict or meta.get("type") != "class" or type(meta.get("class_name")) is not str:
        damaged("a network in it has an unknown form")
    record = Record(meta["class_name"])
    record.set_state(meta.get("state"))
    return record


def _new_dict(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    if arguments:
        refuse("a dictionary in it is made from arguments")
    return {}


def _number_type(arguments: tuple[Any, ...]) -> NumberType:
    """(code, align, copy)."""
    code = arguments[0] if arguments else None
    if type(code) is not str or code not in _NUMBERS:
        refuse("it has a numpy type that is not a plain number")
    return NumberType(code)


def _record_maker(name: str) -> Callable[[tuple[Any, ...]], Record]:
    def make(arguments: tuple[Any, ...]) -> Record:
        if arguments:
            refuse(f"a {name} in it is made from arguments")
        return Record(name)

    return make


class _Reader:
    """Builders of one file: those that have to look into its bytes."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._storages: dict[Blob, Storage] = {}
        self.names: dict[tuple[str, str], Global] = {
            ("collections", "OrderedDict"): Global("OrderedDict", _new_dict, _new_dict),
            ("dnnlib.util", "EasyDict"): Global("EasyDict", _new_dict, _new_dict),
            ("numpy", "dtype"): Global("dtype", _number_type),
            ("numpy.core.multiarray", "scalar"): Global("scalar", self.number),
            ("numpy._core.multiarray", "scalar"): Global("scalar", self.number),
            ("torch._utils", "_rebuild_parameter"): Global("_rebuild_parameter", _rebuild_parameter),
            ("torch._utils", "_rebuild_tensor_v2"): Global("_rebuild_tensor_v2", _rebuild_tensor),
            ("torch.storage", "_load_from_bytes"): Global("_load_from_bytes", self.storage),
            ("torch_utils.persistence", "_reconstruct_persistent_obj"): Global(
                "_reconstruct_persistent_obj", _reconstruct_persistent
            ),
        }
        for table in (_RECORDS, _EXTRA_RECORDS):
            for module, classes in table.items():
                for name in classes:
                    self.names[module, name] = Global(name, new=_record_maker(name))

    def number(self, arguments: tuple[Any, ...]) -> float | int | bool:
        """(dtype, bytes) → the Python number."""
        if (
            len(arguments) != 2
            or not isinstance(arguments[0], NumberType)
            or not isinstance(arguments[1], Blob)
        ):
            damaged("a number in it has an unknown form")
        kind, blob = arguments
        form = struct.Struct((">" if kind.order == ">" else "<") + _NUMBERS[kind.code])
        if blob.length != form.size:
            damaged("a number in it has the wrong size")
        number: float | int | bool = form.unpack(self.source.read(blob.offset, blob.length))[0]
        return number

    def storage(self, arguments: tuple[Any, ...]) -> Storage:
        """(bytes,): five pickles in a row, a count, and the numbers."""
        if len(arguments) != 1 or not isinstance(arguments[0], Blob):
            damaged("the numbers of a tensor have an unknown form")
        blob = arguments[0]
        known = self._storages.get(blob)
        if known is None:  # a stream may ask for the same bytes many times
            known = self._storages[blob] = self._parse(blob)
        return known

    def _parse(self, blob: Blob) -> Storage:
        cursor = Cursor(self.source, blob, buffer=512)

        def inner(persistent: Callable[[object], object] | None = None) -> object:
            return Machine(
                cursor, _STORAGE_TYPES, persistent=persistent, max_opcodes=_MAX_INNER_OPCODES
            ).run()

        if inner() != _TORCH_MAGIC or inner() != _TORCH_PROTOCOL:
            damaged("the numbers of a tensor have an unknown form")
        system = inner()
        if type(system) is not dict or system.get("little_endian") is not True or sys.byteorder != "little":
            refuse("its numbers are stored in another byte order")
        found = inner(_storage_id)
        if not isinstance(found, _StorageId) or inner() != [found.key]:
            damaged("the numbers of a tensor have an unknown form")
        size = found.dtype.itemsize
        count = int.from_bytes(cursor.take(8), "little", signed=True)
        if count != found.count or count < 0 or count * size != cursor.remaining:
            damaged("a tensor in it claims another size than the file holds")
        return Storage(self.source, cursor.position, count, found.dtype)


@dataclass(frozen=True, slots=True)
class _StorageId:
    dtype: torch.dtype
    key: str
    count: int


def _storage_id(value: object) -> _StorageId:
    """('storage', type, key, location, count, None) → what matters; every location is the CPU here."""
    if type(value) is tuple and len(value) == 6 and value[0] == "storage" and value[5] is None:
        _, kind, key, location, count, _ = value
        if (
            isinstance(kind, _StorageType)
            and type(key) is str
            and type(location) is str
            and type(count) is int
        ):
            return _StorageId(kind.dtype, key, count)
    refuse("it refers to objects outside the file")


def read_pickle(source: Source, watch: Callable[[int], None] | None = None) -> object:
    """Read a snapshot as data.

    Parameters
    ----------
    source : Source
        The file. It must stay open as long as tensors are to be loaded.
    watch : callable, optional
        Called now and then with the position in the file; may raise to stop.

    Returns
    -------
    object
        Plain values and containers, :class:`Record` and :class:`TensorRef`; byte strings as
        :class:`~pof3d.checkpoint.source.Blob`.

    Raises
    ------
    CheckpointError
        If the file is damaged or names, calls or claims anything that snapshots do not contain.
    """
    cursor = Cursor(source, Blob(0, source.size))
    result = Machine(cursor, _Reader(source).names, watch=watch).run()
    if cursor.remaining:
        damaged("something follows its end")
    return result
