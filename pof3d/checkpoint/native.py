"""Our own checkpoints: one ``.safetensors`` file that says what it holds.

Tensors are named ``generator.…`` and ``discriminator.…``. The metadata has four texts: ``format``
("pof3d"), ``format_version``, ``config`` (a :class:`~pof3d.config.NetworkConfig` as JSON) and
``provenance`` (a JSON object: data set, images seen, commit, recipe, metrics, learned poses …).
"""

from __future__ import annotations

import errno
import math
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import safetensors.torch
import torch
from torch import Tensor

from pof3d.checkpoint.assemble import Stored, StoredTensor, check_config
from pof3d.checkpoint.source import Source, damaged
from pof3d.config import NetworkConfig
from pof3d.errors import CheckpointError
from pof3d.files import replacing
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator

FORMAT = "pof3d"
FORMAT_VERSION = "1"
MAX_HEADER = 1 << 22
"""Bytes of the header; a full-size network has about 40,000."""
_DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}
_MAX_DIMENSIONS = 8


# ---------------------------------------------------------------------------------------------------- writing
def save(
    path: str | os.PathLike[str],
    config: NetworkConfig,
    generator: Generator,
    discriminator: Discriminator | None = None,
    provenance: Mapping[str, object] | None = None,
    *,
    half: bool = False,
) -> Path:
    """Write a checkpoint. An existing file is replaced in one step, or stays as it was.

    Parameters
    ----------
    path : path
        Where to; ``.safetensors`` by convention. Its folder must exist.
    config : NetworkConfig
        Of the networks. Its discriminator part is left out if ``discriminator`` is.
    generator : Generator
        The one to show: the moving average.
    discriminator : Discriminator, optional
        Needed to predict poses and to go on training.
    provenance : mapping, optional
        Whatever JSON can hold: data set, images seen, commit, recipe, metrics, learned
        poses.
    half : bool
        Store numbers with 16 bits, where they fit. Networks are float32 again once loaded; the images differ
        by about one part in a thousand.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    CheckpointError
        If the disk is full, the folder is missing or not writable. No partial file is left behind.
    """
    path = Path(path)
    config = config if discriminator is not None else replace(config, discriminator=None)
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "config": msgspec.json.encode(config).decode(),
        "provenance": msgspec.json.encode(dict(provenance or {})).decode(),
    }
    tensors = {f"generator.{name}": tensor for name, tensor in generator.state_dict().items()}
    if discriminator is not None:
        tensors |= {f"discriminator.{name}": tensor for name, tensor in discriminator.state_dict().items()}
    stored = {
        name: t.detach().to("cpu", torch.float16 if half and _fits_half(t) else torch.float32).contiguous()
        for name, t in tensors.items()
    }
    try:
        with replacing(path) as part:
            part.write_bytes(safetensors.torch.save(stored, metadata))
    except OSError as error:
        why, todo = _write_failure(error, path)
        raise CheckpointError(f"The checkpoint {path.name} could not be saved", why, todo) from error
    return path


def _fits_half(tensor: Tensor) -> bool:
    return tensor.numel() == 0 or float(tensor.detach().abs().max()) < 65504.0


def _write_failure(error: OSError, target: Path) -> tuple[str, str]:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full", "Make room or choose another folder; a file that was there is unchanged."
    if error.errno == errno.EFBIG:
        return (
            "files of its size are not allowed here",
            "Choose another folder; a file that was there is unchanged.",
        )
    if error.errno == errno.ENOENT:
        return f"the folder {target.parent} does not exist", "Create it or choose another one."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"the folder {target.parent} may not be written to", "Choose another one."
    return (error.strerror or str(error)).lower(), "A file that was there is unchanged."


# ---------------------------------------------------------------------------------------------------- reading
def read(source: Source) -> Stored:
    """Read the description of a checkpoint; its tensors stay in the file.

    Parameters
    ----------
    source : Source
        The open file. It must stay open as long as tensors are to be loaded.

    Raises
    ------
    CheckpointError
        If the file is damaged, of a newer version, of another program, or describes what cannot be.
    """
    header, data = _read_header(source)
    metadata = header.pop("__metadata__", {})
    if type(metadata) is not dict or metadata.get("format") != FORMAT:
        raise CheckpointError(
            "The safetensors file is not a checkpoint of this program",
            "it does not say which network its tensors belong to",
            "Choose a file that `python -m pof3d` saved.",
        )
    if metadata.get("format_version") != FORMAT_VERSION:
        version = str(metadata.get("format_version"))[:20]
        raise CheckpointError(
            "The checkpoint cannot be read",
            f"it has format version {version}, this program reads {FORMAT_VERSION}",
            "Update the program.",
        )
    config = decode_config(metadata.get("config"))
    check_config(config)
    provenance = _json_object(metadata.get("provenance", "{}"), "provenance")
    parts: dict[str, dict[str, StoredTensor]] = {"generator": {}, "discriminator": {}}
    for name, tensor in _tensors(header, source, data):
        part, _, rest = name.partition(".")
        if part not in parts:
            damaged(f"it has a tensor {name[:80]!r} that belongs to no network")
        parts[part][rest] = tensor
    return Stored(config, parts["generator"], parts["discriminator"], provenance)


def _json_object(text: object, what: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text) if isinstance(text, str | bytes) else None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        value = None
    if type(value) is not dict:
        damaged(f"its {what} is not readable")
    return value


def _read_header(source: Source) -> tuple[dict[str, Any], int]:
    """The header and the position of the data."""
    size = struct.unpack("<Q", source.read(0, 8))[0]
    if size > MAX_HEADER or 8 + size > source.size:
        damaged("its header is larger than the file or than any header")
    return _json_object(source.read(8, size), "header"), 8 + size


def _tensors(header: Mapping[str, Any], source: Source, data: int) -> Iterator[tuple[str, StoredTensor]]:
    """The tensors of a header. They must fill the rest of the file, without gaps and overlaps."""
    spans = []
    for name, entry in header.items():
        if type(entry) is not dict or entry.keys() != {"dtype", "shape", "data_offsets"}:
            damaged(f"its description of {name[:80]!r} has an unknown form")
        code, shape, span = entry["dtype"], entry["shape"], entry["data_offsets"]
        if type(code) is not str or code not in _DTYPES:
            damaged(f"{name[:80]!r} has an unknown type of numbers")
        for numbers, limit in ((shape, _MAX_DIMENSIONS), (span, 2)):
            if type(numbers) is not list or len(numbers) > limit:
                damaged(f"its description of {name[:80]!r} has an unknown form")
            if not all(type(n) is int and 0 <= n < 1 << 48 for n in numbers):
                damaged(f"its description of {name[:80]!r} is impossible")
        if len(span) != 2 or span[1] - span[0] != math.prod(shape) * _DTYPES[code].itemsize:
            damaged(f"{name[:80]!r} claims another size than the file holds")
        spans.append((span[0], span[1]))
        load = partial(_load, source, data + span[0], tuple(shape), _DTYPES[code])
        yield name, StoredTensor(tuple(shape), load)
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            damaged("its tensors overlap or leave gaps")
        end = stop
    if data + end != source.size:
        damaged("it ends too early" if data + end > source.size else "something follows its end")


def _load(source: Source, offset: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    tensor = torch.empty(shape, dtype=dtype)
    if tensor.numel():
        source.read_into(offset, tensor.reshape(-1).view(torch.uint8).numpy().data)
    return tensor


def decode_config(text: object) -> NetworkConfig:
    """A configuration from JSON: unknown fields and wrong types are refused, absent ones have their defaults.

    Raises
    ------
    CheckpointError
        Naming the field.
    """
    raw = _json_object(text, "configuration")
    try:
        config = msgspec.convert(raw, NetworkConfig)
    except (msgspec.ValidationError, RecursionError) as error:
        raise CheckpointError("The checkpoint's configuration cannot be used", str(error)) from error
    if unknown := _unknown_field(raw, msgspec.to_builtins(config), ""):
        raise CheckpointError(
            "The checkpoint's configuration cannot be used",
            f"its field {unknown[:80]!r} is not known",
            "The file was edited, or a newer program wrote it.",
        )
    return config


def _unknown_field(raw: Any, known: Any, where: str) -> str:
    if type(raw) is dict and type(known) is dict:
        for name, value in raw.items():
            found = (
                where + name if name not in known else _unknown_field(value, known[name], f"{where}{name}.")
            )
            if found:
                return found
    return ""
