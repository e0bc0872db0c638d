"""Functions that are compiled once and kept on disk, and run without their compiler."""

from __future__ import annotations

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pof3d import compiling, machine_code
from pof3d.jit import Source, compiled
from pof3d.machine_code import Kernel
from pof3d.memory import allocated_bytes
from pof3d.scratch import floats, integers, release


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where compiled functions are kept: at the first that can be written."""
    folders = [tmp_path / "beside", tmp_path / "cache"]
    monkeypatch.setattr(machine_code, "_folders", lambda: folders)
    return folders


@compiled("f2 n1 i f b f1")
def sums(x, added, times, factor, negative, into):  # type: ignore[no-untyped-def]
    """Of rows, of all kinds of arguments."""
    rows, places = floats((times, x.shape[1])), integers((len(added),))
    for k in range(len(added)):
        places[k] = added[k] * 2
    for i in range(len(x)):
        total = np.float32(0.0)
        for j in range(x.shape[1]):
            rows[0, j] = x[i, j] * factor
            total += rows[0, j]
        into[i] = -total if negative else total + np.float32(places[i])
    if rows.ctypes.data % 64 or places.ctypes.data % 64:
        into[:] = np.float32(0.0)
    release(rows)
    release(places)


def drawn(count: int = 3) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, 5)).astype(np.float32), np.arange(count), 4, 0.5


@pytest.fixture(scope="module")
def code() -> bytes:
    return sums.build()


def test_arguments_of_all_kinds_arrive(code: bytes) -> None:
    kernel, (x, added, *numbers) = Kernel(sums.signature, code), drawn()
    into = np.empty(3, np.float32)
    kernel(x, added, *numbers, False, into)
    np.testing.assert_allclose(into, 0.5 * x.sum(axis=1) + 2 * added, rtol=1e-5)
    kernel(x, added, *numbers, True, into)
    np.testing.assert_allclose(into, -0.5 * x.sum(axis=1), rtol=1e-5)
    kernel(x[1:], added[:2], np.int64(4), np.float32(0.5), np.bool_(True), into[1:])
    np.testing.assert_allclose(into[1:], -0.5 * x[1:].sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("place", "given", "named"),
    [
        (0, np.zeros((3, 5)), "f2 is asked for, not float64"),
        (0, np.zeros(15, np.float32), "f2 is asked for, not float32 [15]"),
        (0, np.zeros((5, 3), np.float32).T, "with gaps"),
        (0, [[1.0]], "not list"),
        (1, np.arange(3, dtype=np.int32), "n1 is asked for, not int32"),
        (5, np.zeros(6, np.float32)[::2], "with gaps"),
    ],
)
def test_other_arguments_are_refused(code: bytes, place: int, given: Any, named: str) -> None:
    arguments = [*drawn(), True, np.zeros(3, np.float32)]
    arguments[place] = given
    with pytest.raises(TypeError) as refused:
        Kernel(sums.signature, code)(*arguments)
    assert named in str(refused.value)


def test_too_few_arguments_are_refused(code: bytes) -> None:
    with pytest.raises(ValueError, match="shorter"):
        Kernel(sums.signature, code)(*drawn())


def test_functions_of_the_c_library_are_called() -> None:
    """What is taken away is what reports errors, and nothing else that numba leaves to be linked."""

    @compiled("f1 f1")
    def roots(x, y):  # type: ignore[no-untyped-def]
        for i in range(1, len(x)):  # each depends on the one before, so that no vectors are made of it
            y[i] = math.sqrt(y[i - 1] + x[i]) + math.erf(x[i])

    x, y = np.linspace(0, 2, 9, dtype=np.float32), np.ones(9, np.float32)
    code = roots.build()
    assert b"erff" in code  # a call that stays one
    Kernel(roots.signature, code)(x, y)
    expected = np.ones(9)
    for i in range(1, 9):
        expected[i] = math.sqrt(expected[i - 1] + x[i]) + math.erf(x[i])
    np.testing.assert_allclose(y, expected, rtol=1e-5)


@pytest.mark.skipif(allocated_bytes() is None, reason="needs glibc's mallinfo2")
def test_what_a_function_allocates_it_frees(code: bytes) -> None:
    kernel, x, into = Kernel(sums.signature, code), np.ones((2, 4096), np.float32), np.empty(2, np.float32)
    before = allocated_bytes()
    for _ in range(500):
        kernel(x, np.arange(2), 8, 0.5, False, into)  # 128 kB each
    after = allocated_bytes()
    assert before is not None and after is not None
    assert after - before < 1 << 20


def test_what_is_kept_runs_without_the_compiler(code: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    machine_code.keep("sums", sums.signature, code)
    monkeypatch.setitem(sys.modules, "numba", None)
    kernel, (x, *others), into = machine_code.kept("sums"), drawn(), np.empty(3, np.float32)
    assert kernel is not None
    kernel(x, *others, True, into)
    np.testing.assert_allclose(into, -0.5 * x.sum(axis=1), rtol=1e-5)
    assert machine_code.kept("another") is None


@pytest.mark.parametrize("change", ["cut", "empty", "flipped", "foreign", "another's"])
def test_what_is_kept_and_damaged_is_made_anew(
    change: str, places: list[Path], code: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Source] = []

    def build(self: Source) -> bytes:
        built.append(self)
        return code

    monkeypatch.setattr(Source, "build", build)

    def make() -> Kernel:
        return compiling._compiled("sums", lambda: sums)

    make(), make()
    assert len(built) == 1
    [kept] = places[0].iterdir()
    data = bytearray(kept.read_bytes())
    if change == "flipped":
        data[len(data) // 2] ^= 1
    machine_code.keep("another", sums.signature, code)
    others = (places[0] / "another").read_bytes()
    contents = {
        "another's": others,
        "cut": data[:-9],
        "empty": b"",
        "flipped": data,
        "foreign": b"\x7fELF" * 99,
    }
    kept.write_bytes(bytes(contents[change]))
    make(), make()
    assert len(built) == 2


def test_where_it_cannot_be_kept_beside_the_sources(places: list[Path], code: bytes) -> None:
    places[0].write_bytes(b"no folder")
    machine_code.keep("sums", sums.signature, code)
    assert [path.name for path in places[1].iterdir()] == ["sums"]
    assert machine_code.kept("sums") is not None
    for path in places[1].iterdir():
        path.unlink()
    places[1].rmdir()
    places[1].write_bytes(b"no folder")
    machine_code.keep("sums", sums.signature, code)  # it is compiled the next time as well
    assert machine_code.kept("sums") is None


def test_threads_that_keep_at_once(places: list[Path], code: bytes) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: machine_code.keep("sums", sums.signature, code), range(40)))
        found = list(threads.map(lambda _: machine_code.kept("sums"), range(8)))
    assert [path.name for path in places[0].iterdir()] == ["sums"]
    assert all(kernel is not None for kernel in found)


def test_the_folder_depends_on_all_sources_and_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    def name() -> str:
        machine_code._folders.cache_clear()
        return machine_code._folders()[0].name

    names = [name()]
    with monkeypatch.context() as patch:
        patch.setattr(machine_code, "_SOURCES", machine_code._SOURCES[:-1])
        names.append(name())
    with monkeypatch.context() as patch:
        patch.setattr(machine_code, "_machine", lambda: b"another processor")
        names.append(name())
    assert len(set(names)) == 3
    assert names[0] == name()
    assert all(name.startswith("kernels-") for name in names)
