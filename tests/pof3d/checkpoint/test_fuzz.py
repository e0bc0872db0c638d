"""Whatever bytes a file holds: it opens, or there is an error of ours. Nothing else, and never slowly."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pof3d
from pof3d.checkpoint import save
from pof3d.checkpoint.pickle_machine import _OPCODES
from pof3d.checkpoint.source import Source
from pof3d.errors import CheckpointError
from tests.pof3d.checkpoint.networks import tiny_network
from tests.pof3d.checkpoint.pickles import dump, snapshot

quick = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def release() -> bytes:
    return dump(snapshot(tiny_network()))


@pytest.fixture(scope="module")
def native(folder: Path) -> bytes:
    network = tiny_network()
    path = save(folder / "original", network.config, network.generator, network.discriminator)
    return path.read_bytes()


def open_or_refuse(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        network = pof3d.load(path)
    except CheckpointError as error:
        assert str(error)
    else:
        assert network.generator.config == network.config.generator


edits = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=0, max_size=6), st.integers(0, 6)),
    min_size=1,
    max_size=6,
)


def edited(content: bytes, changes: list[tuple[float, bytes, int]]) -> bytes:
    """Replace a few bytes, here and there, by others."""
    result = bytearray(content)
    for share, new, removed in changes:
        at = int(share * len(result))
        result[at : at + removed] = new
    return bytes(result)


@quick
@given(edits)
def test_damaged_snapshots(folder: Path, release: bytes, changes: list[tuple[float, bytes, int]]) -> None:
    open_or_refuse(folder / "release", edited(release, changes))


@quick
@given(edits)
def test_damaged_native_files(folder: Path, native: bytes, changes: list[tuple[float, bytes, int]]) -> None:
    open_or_refuse(folder / "native", edited(native, changes))


@quick
@given(edits)
def test_damaged_native_headers(folder: Path, native: bytes, changes: list[tuple[float, bytes, int]]) -> None:
    size = struct.unpack("<Q", native[:8])[0]
    header = edited(native[8 : 8 + size], changes)
    open_or_refuse(folder / "header", struct.pack("<Q", len(header)) + header + native[8 + size :])


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        return [path, *(leaf for key in value for leaf in leaves(value[key], (*path, key)))]
    return [path]


@quick
@given(st.data())
def test_any_value_anywhere_in_the_configuration(folder: Path, native: bytes, data: st.DataObject) -> None:
    size = struct.unpack("<Q", native[:8])[0]
    header = json.loads(native[8 : 8 + size])
    config = json.loads(header["__metadata__"]["config"])
    path = data.draw(st.sampled_from(leaves(config)))
    value = data.draw(json_values)
    if not path:
        config = value
    else:
        inside = config
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = value
    header["__metadata__"]["config"] = json.dumps(config)
    text = json.dumps(header).encode()
    open_or_refuse(folder / "config", struct.pack("<Q", len(text)) + text + native[8 + size :])


names = st.sampled_from(
    [
        b"X\x05\0\0\0torch",
        b"X\x0c\0\0\0FloatStorage",
        b"X\x0b\0\0\0collections",
        b"X\x0b\0\0\0OrderedDict\x93",
    ]
)
soup = st.lists(
    st.sampled_from(sorted(_OPCODES)) | st.binary(max_size=5) | names | st.just(b"."), max_size=60
).map(lambda parts: b"\x80\x04" + b"".join(parts) + b".")


@settings(quick, max_examples=300)
@given(soup)
def test_opcodes_in_any_order(folder: Path, code: bytes) -> None:
    from pof3d.checkpoint.restricted_pickle import read_pickle

    path = folder / "soup"
    path.write_bytes(code)
    with open(path, "rb") as file, contextlib.suppress(CheckpointError):
        read_pickle(Source(file.fileno()))


@quick
@given(st.binary(max_size=200))
def test_any_bytes(folder: Path, content: bytes) -> None:
    open_or_refuse(folder / "bytes", content)
