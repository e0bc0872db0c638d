"""Pickles that attack whoever opens them: each is refused, quickly, and none of it runs."""

from __future__ import annotations

import os
import pickle
import pickletools  # the message of one error needs it: loaded before anything is watched
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

import pof3d
from pof3d.errors import CheckpointError
from tests.pof3d.checkpoint.networks import tiny_network
from tests.pof3d.checkpoint.pickles import (
    LOAD_FROM_BYTES,
    ORDERED,
    REBUILD,
    Call,
    Name,
    Object,
    Raw,
    dump,
    opcodes,
    persistent,
    snapshot,
    storage_bytes,
    tensor,
    text,
    write,
)

SENTINEL = "pof3d-sentinel"
COMMAND = f"touch {SENTINEL}"
FORBIDDEN = {
    "pickle.find_class",
    "exec",
    "compile",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "socket.connect",
    "ctypes.dlopen",
    "shutil.rmtree",
    "os.remove",
}
_watching: list[list[str]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in FORBIDDEN:
        _watching[-1].append(f"{event} {arguments!r:.80}")


sys.addaudithook(_hook)


@contextmanager
def watched(tmp_path: Path) -> Iterator[None]:
    """Fail if the block runs, imports, starts or connects anything, or takes much time or memory."""
    assert pickletools.opcodes
    before = set(sys.modules)
    events: list[str] = []
    previous = Path.cwd()
    os.chdir(tmp_path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    _watching.append(events)
    try:
        yield
    finally:
        _watching.pop()
        seconds = time.perf_counter() - started
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
        os.chdir(previous)
    assert not events
    assert not (tmp_path / SENTINEL).exists()
    assert not [
        name for name in set(sys.modules) - before if not name.startswith(("pof3d", "tests", "torch"))
    ]
    assert seconds < 20.0  # far below on an idle machine
    assert grown < 300 * 1024  # KiB


class Reducer:
    """Pickles as a call of whatever it was given."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> Any:
        return self.reduced


def within(value: Any) -> bytes:
    """An otherwise fine snapshot that holds a value."""
    return dump({"augment_pipe": value} | _fine())


_FINE: list[dict[str, Any]] = []


def _fine() -> dict[str, Any]:
    if not _FINE:
        _FINE.append(snapshot(tiny_network()))
        del _FINE[0]["augment_pipe"]
    return _FINE[0]


def real(value: Any, protocol: int) -> bytes:
    return pickle.dumps({"G_ema": value}, protocol=protocol)


def inner(code: bytes) -> bytes:
    """A tensor whose own pickles begin with other opcodes."""
    return within(Call(LOAD_FROM_BYTES, (code,)))


SCALAR = Name("numpy.core.multiarray", "scalar")
STORAGE = storage_bytes(torch.zeros(4))
BOMB = 1 << 40
NAMES = [
    ("os", "system"),
    ("posix", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "getattr"),
    ("builtins", "__import__"),
    ("builtins", "open"),
    ("__builtin__", "eval"),
    ("importlib", "import_module"),
    ("runpy", "run_path"),
    ("operator", "attrgetter"),
    ("functools", "partial"),
    ("functools", "reduce"),
    ("copyreg", "_reconstructor"),
    ("copyreg", "__newobj__"),
    ("copyreg", "add_extension"),
    ("copy_reg", "_reconstructor"),
    ("types", "FunctionType"),
    ("types", "CodeType"),
    ("marshal", "loads"),
    ("ctypes", "CDLL"),
    ("shutil", "rmtree"),
    ("pathlib", "Path"),
    ("webbrowser", "open"),
    ("timeit", "timeit"),
    ("torch.package", "PackageImporter"),
    ("torch.utils.cpp_extension", "load_inline"),
    ("torch._utils", "_rebuild_wrapper_subclass"),
    ("torch.nn.modules.module", "Module"),
    ("torch", "load"),
    ("torch.serialization", "load"),
    ("torch.hub", "load"),
    ("torch._utils", "_rebuild_device_tensor_from_numpy"),
    ("torch.jit", "load"),
    ("numpy", "load"),
    ("numpy", "fromfile"),
    ("pickle", "loads"),
    ("_pickle", "loads"),
    ("dnnlib.util", "open_url"),
    ("dnnlib.util", "call_func_by_name"),
    ("torch_utils.persistence", "import_hook"),
    ("torch_utils.persistence", "_src_to_module"),
    ("torch.storage", "_load_from_bytes.__globals__"),
    ("collections", "OrderedDict.__init__.__globals__"),
    ("collections", "Counter"),
    ("pof3d.errors", "CheckpointError"),
    ("evil_module_on_the_path", "thing"),
    ("", ""),
    ("torch", "FloatStorage"),
]

HOSTILE: dict[str, Callable[[], bytes]] = {
    "os-system": lambda: within(Call(Name("os", "system"), (COMMAND,))),
    "eval": lambda: within(Call(Name("builtins", "eval"), (f"__import__('os').system('{COMMAND}')",))),
    "exec": lambda: within(Call(Name("builtins", "exec"), (f"import os; os.system('{COMMAND}')",))),
    "getattr": lambda: within(Call(Name("builtins", "getattr"), (Name("os", "system"), "__call__"))),
    "global-opcode": lambda: within(Raw(b"cos\nsystem\n" + opcodes((COMMAND,)) + b"R")),
    "inst": lambda: within(Raw(b"(" + text(COMMAND) + b"ios\nsystem\n")),
    "obj": lambda: within(Raw(b"(" + opcodes(Name("collections", "OrderedDict")) + text(COMMAND) + b"o")),
    "newobj-ex": lambda: within(Raw(opcodes(Name("collections", "OrderedDict")) + b")}\x92")),
    "newobj-of-a-function": lambda: within(Object(LOAD_FROM_BYTES)),
    "ext1": lambda: within(Raw(b"\x82\x01")),
    "ext2": lambda: within(Raw(b"\x83\x01\x00")),
    "ext4": lambda: within(Raw(b"\x84\x01\x00\x00\x00")),
    "persid": lambda: within(Raw(b"Pevil\n")),
    "binpersid": lambda: within(Raw(text("evil") + b"Q")),
    "dup": lambda: within(Raw(b"]2")),
    "next-buffer": lambda: within(Raw(b"\x97")),
    "bytearray": lambda: within(Raw(b"\x96" + struct.pack("<Q", BOMB))),
    "text-integer": lambda: within(Raw(b"L" + b"9" * 100 + b"L\n")),
    "text-string": lambda: within(Raw(b"S'" + b"a" * 20 + b"'\n")),
    "build-on-a-dictionary": lambda: within(Raw(b"}" + opcodes({"__class__": 1}) + b"b")),
    "build-on-a-name": lambda: within(Raw(opcodes(LOAD_FROM_BYTES) + opcodes({"reduce": 1}) + b"b")),
    "build-on-a-tensor": lambda: within(
        Raw(opcodes(tensor(torch.zeros(1))) + opcodes({"storage": 1}) + b"b")
    ),
    "state-with-slots": lambda: within(
        Object(Name("torch.nn.modules.container", "Sequential"), (None, {"__reduce__": 1}))
    ),
    "call-of-a-class": lambda: within(Call(Name("torch.nn.modules.container", "Sequential"), ())),
    "call-of-a-value": lambda: within(Call("text", ())),
    "call-with-a-list": lambda: within(Raw(opcodes(LOAD_FROM_BYTES) + b"]R")),
    "class-with-arguments": lambda: within(Raw(opcodes(Name("collections", "OrderedDict")) + b"]\x85\x81")),
    "hooks-that-are-code": lambda: within(
        Call(REBUILD, (Name("os", "system"), 0, (1,), (1,), False, ORDERED))
    ),
    "items-into-a-module": lambda: within(
        Raw(opcodes(Object(Name("torch.nn.modules.container", "Sequential"))) + text("a") + b"Ns")
    ),
    "append-to-a-dictionary": lambda: within(Raw(b"}Na")),
    "numpy-object-type": lambda: within(Call(Name("numpy", "dtype"), ("O8", False, True))),
    "numpy-structure": lambda: within(Call(Name("numpy", "dtype"), ("V16", False, True))),
    "numpy-number-too-short": lambda: within(
        Call(
            Name("numpy.core.multiarray", "scalar"),
            (Call(Name("numpy", "dtype"), ("f8", False, True)), b"abc"),
        )
    ),
    # ------------------------------------------------------------- inside the stream of a tensor
    "inner-code": lambda: inner(real(Reducer(os.system, (COMMAND,)), 2)),
    "inner-code-after-the-magic": lambda: inner(
        dump(0x1950A86A20F9469CFC6C, 2) + real(Reducer(os.system, (COMMAND,)), 2)
    ),
    "inner-reduce": lambda: inner(dump(Call(Name("torch", "FloatStorage"), (4,)), 2)),
    "inner-load-from-bytes": lambda: inner(dump(Call(LOAD_FROM_BYTES, (STORAGE,)), 2)),
    "inner-storage-of-a-module": lambda: inner(
        STORAGE.replace(b"ctorch\nFloatStorage\n", b"cos\nsystem\nNNNNNNNNNNNN"[:20])
    ),
    "inner-untyped-storage": lambda: inner(STORAGE.replace(b"FloatStorage", b"UnknwStorage")),
    "inner-not-a-storage": lambda: inner(STORAGE.replace(b"storage", b"module!")),
    "inner-count": lambda: inner(STORAGE[:-24] + struct.pack("<q", BOMB) + STORAGE[-16:]),
    "inner-negative-count": lambda: inner(STORAGE[:-24] + struct.pack("<q", -1) + STORAGE[-16:]),
    "inner-truncated": lambda: inner(STORAGE[:-1]),
    "inner-surplus": lambda: inner(STORAGE + b"\0"),
    "inner-endless": lambda: inner(b"\x80\x02" + b"N" * 1000 + b"."),
    "inner-empty": lambda: inner(b""),
    # ------------------------------------------------------------------------------------- bombs
    "repeated-numbers": lambda: within(tensor(torch.zeros(4), shape=(BOMB,), stride=(0,))),
    "beyond-the-numbers": lambda: within(tensor(torch.zeros(4), offset=1)),
    "stride-beyond": lambda: within(tensor(torch.zeros(4), shape=(2, 2), stride=(3, 1))),
    "negative-offset": lambda: within(tensor(torch.zeros(4), offset=-1)),
    "negative-shape": lambda: within(tensor(torch.zeros(4), shape=(-2, -2), stride=(2, 1))),
    "negative-stride": lambda: within(tensor(torch.zeros(4), shape=(4,), stride=(-1,))),
    "many-dimensions": lambda: within(tensor(torch.zeros(1), shape=(1,) * 60, stride=(1,) * 60)),
    "shape-that-is-no-tuple": lambda: within(
        Call(REBUILD, (Call(LOAD_FROM_BYTES, (STORAGE,)), 0, "1234", (1,), False, ORDERED))
    ),
    "huge-bytes": lambda: b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x.",
    "huge-text": lambda: b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"x.",
    "huge-short-text": lambda: b"\x80\x04X\xff\xff\xff\xffx.",
    "huge-frame": lambda: b"\x80\x04\x95" + struct.pack("<Q", 1 << 63) + b"N.",
    "huge-integer": lambda: b"\x80\x04\x8b" + struct.pack("<i", 1 << 30) + b"1.",
    "long-integer": lambda: b"\x80\x04\x8a\xff" + b"\1" * 255 + b".",
    "deep-lists": lambda: b"\x80\x04" + b"]" * 190_000 + b"a" * 189_999 + b".",
    "deep-tuples": lambda: b"\x80\x04)" + b"\x85" * 390_000 + b".",
    "deep-tuple-as-key": lambda: b"\x80\x04})" + b"\x85" * 390_000 + b"Ns.",
    "deep-marks": lambda: b"\x80\x04" + b"(" * 390_000 + b"t" * 390_000 + b".",
    "endless": lambda: b"\x80\x04" + b"N" * 1_000_000 + b".",
    "many-sets": lambda: b"\x80\x04" + b"\x8f" * 1_000_000 + b".",
    "much-text": lambda: b"\x80\x04]" + (b"X\0\xff\0\0" + b"a" * 0xFF00 + b"a") * 300 + b".",
    "colliding-keys": lambda: (
        b"\x80\x04}(" + b"".join(opcodes(i * ((1 << 61) - 1)) + b"N" for i in range(1, 200)) + b"u."
    ),
    "high-memo-index": lambda: b"\x80\x04Nr\xff\xff\xff\xffj\xfe\xff\xff\xff.",
    "doubling-pivot": lambda: dump(snapshot(tiny_network(), rendering={"avg_camera_pivot": _doubled()})),
    "doubling-top": lambda: dump(_doubled()),
    "doubling-settings": lambda: dump(snapshot(tiny_network(), generator={"rendering_kwargs": _doubled()})),
    "pickle-in-a-pickle": lambda: dump(
        {"G_ema": Call(LOAD_FROM_BYTES, (real(Reducer(os.system, (COMMAND,)), 4),))}
    ),
    "source-instead-of-a-class": lambda: within(
        Call(
            Name("torch_utils.persistence", "_reconstruct_persistent_obj"),
            ({"type": "class", "version": 6, "module_src": f"import os; os.system({COMMAND!r})"},),
        )
    ),
    "modules-in-a-circle": lambda: _circle(),
    "modules-that-double": lambda: _doubling(),
    # ---------------------------------------------------------------------------------- nonsense
    "stack-underflow": lambda: b"\x80\x04a.",
    "no-mark": lambda: b"\x80\x04Nt.",
    "mark-as-value": lambda: b"\x80\x04(.",
    "mark-as-argument": lambda: b"\x80\x04N(\x85.",
    "odd-items": lambda: b"\x80\x04}(Nu.",
    "empty-stack-at-the-end": lambda: b"\x80\x04." + b" " * 20,
    "left-over": lambda: b"\x80\x04NN.",
    "unknown-opcode": lambda: b"\x80\x04\xff.",
    "name-not-utf8": lambda: b"\x80\x04X\2\0\0\0\xff\xffX\1\0\0\0a\x93.",
    "newer-protocol": lambda: dump(_fine()).replace(b"\x80\x04", b"\x80\x04\x80\x09", 1),
    "surplus": lambda: dump(_fine()) + b"N",
    "name-without-end": lambda: b"\x80\x04c" + b"a" * 10_000,
}


def _doubled() -> Raw:
    """A tuple of twice the tuple before, sixty times: short in the file, 2⁶⁰ leaves to whoever walks it."""
    code = b"K\x01"
    for i in range(200, 260):
        at = struct.pack("<I", i)
        code += b"r" + at + b"j" + at + b"\x86"
    return Raw(code)


def _circle() -> bytes:
    """A network that contains itself."""
    memo, get = b"\x94", b"h\x00"
    empty = opcodes(Object(Name("torch.nn.modules.container", "Sequential")))
    inside = b"}(" + text("_modules") + b"}(" + text("a") + get + b"uu"
    module = empty + memo + inside + b"b"
    meta = {"type": "class", "class_name": "G", "state": {"_modules": {"root": Raw(module)}}}
    return dump({"G_ema": Call(Name("torch_utils.persistence", "_reconstruct_persistent_obj"), (meta,))})


def _doubling() -> bytes:
    """Forty modules, each holding the one before twice: 2⁴⁰ paths."""
    empty = opcodes(Object(Name("torch.nn.modules.container", "Sequential")))
    code = empty + b"\x94"
    for i in range(40):
        get = b"h" + bytes([i])
        code += empty + b"\x94}(" + text("_modules") + b"}(" + text("a") + get + text("b") + get + b"uub"
    module = b"(" + code + b"t"  # the last one is what the tuple ends with
    pick = {"_modules": {"root": Raw(b"h\x28")}, "unused": Raw(module)}
    pick = {"unused": pick["unused"], "_modules": pick["_modules"]}
    return dump({"G_ema": persistent("G", pick)})


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_and_nothing_runs(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "file.pkl", HOSTILE[name]())
    with watched(tmp_path), pytest.raises(CheckpointError) as caught:
        pof3d.load(path)
    assert str(caught.value).endswith(".")


def test_the_same_snapshot_without_an_attack_opens(tmp_path: Path) -> None:
    path = write(tmp_path / "file.pkl", within(None))
    with watched(tmp_path):
        pof3d.load(path)


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda text: str(text) or "empty")
def test_names_outside_the_list(
    tmp_path: Path, module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused when named, before anything is called; the module is not even looked for."""
    (tmp_path / "evil_module_on_the_path.py").write_text(f"import os\nos.system({COMMAND!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    for value in (Name(module, name), Call(Name(module, name), (COMMAND,)), Object(Name(module, name), {})):
        path = write(tmp_path / "file.pkl", within(value))
        with watched(tmp_path), pytest.raises(CheckpointError, match="which is not part of a checkpoint"):
            pof3d.load(path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "attack",
    [
        (os.system, (COMMAND,)),
        (eval, (f"__import__('os').system('{COMMAND}')",)),
        (subprocess.Popen, (["touch", SENTINEL],)),
        (exec, (f"import os; os.system('{COMMAND}')",)),
    ],
    ids=["system", "eval", "Popen", "exec"],
)
def test_real_attacks(tmp_path: Path, protocol: int, attack: tuple[Any, ...]) -> None:
    """As an attacker would write them, and proof that they would work."""
    content = real(Reducer(*attack), protocol)
    if protocol == 4 and attack[0] is os.system:
        before = Path.cwd()
        os.chdir(tmp_path)
        try:
            pickle.loads(content)
        finally:
            os.chdir(before)
        (tmp_path / SENTINEL).unlink()
    path = write(tmp_path / "file.pkl", content)
    with watched(tmp_path), pytest.raises(CheckpointError):
        pof3d.load(path)


def test_stored_source_text_never_runs(tmp_path: Path, data: Path) -> None:
    content = (data / "pof3d_nosr.pkl").read_bytes()
    assert b"SystemExit" in content
    path = write(tmp_path / "file.pkl", content)
    with watched(tmp_path):
        pof3d.load(path)


def test_truncated_anywhere(tmp_path: Path) -> None:
    content = dump(_fine())
    path = tmp_path / "file.pkl"
    with watched(tmp_path):
        for length in [*range(0, 300, 17), *range(300, len(content), 4111)]:
            path.write_bytes(content[:length])
            with pytest.raises(CheckpointError):
                pof3d.load(path)


def test_message_says_what_why_and_that_nothing_ran(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        pof3d.load(write(tmp_path / "file.pkl", HOSTILE["os-system"]()))
    assert str(caught.value) == (
        "This pickle is not a checkpoint that can be opened safely: it names os.system, which is not part of "
        "a checkpoint. The file was not opened further and nothing in it was run."
    )


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "C:\\Windows\\..\\evil.zip", "/a/\0b", "..", "a/" * 5000]
)
def test_names_in_a_file_are_only_shown(tmp_path: Path, name: str) -> None:
    """No path in a file is ever opened, and only its last part is told."""
    value = snapshot(tiny_network(), training={"path": name})
    path = write(tmp_path / "network-snapshot-999999999999.pkl", value)
    before = set(tmp_path.rglob("*"))
    with watched(tmp_path):
        told = pof3d.load(path).provenance.get("dataset", "")
    assert isinstance(told, str) and "/" not in told and "\\" not in told
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["../escape", "x" * 5000, "generator/../..", "a.b\0c", ""])
def test_tensors_with_strange_names(tmp_path: Path, name: str) -> None:
    value = snapshot(tiny_network())
    value["G_ema"].arguments[0]["state"]["_parameters"][name] = tensor(torch.zeros(1))
    path = write(tmp_path / "file.pkl", value)
    with watched(tmp_path), pytest.raises(CheckpointError) as caught:
        pof3d.load(path)
    assert len(str(caught.value)) < 1000
