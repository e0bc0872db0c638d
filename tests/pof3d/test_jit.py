"""Functions that are compiled once and kept on disk."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from numba.core import config

from pof3d import compiling, jit


@pytest.fixture(autouse=True)
def _kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled ones, which other tests do without."""
    monkeypatch.delenv(compiling.SWITCH)


def test_what_is_kept_of_kernels_depends_on_all_their_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    from pof3d.nets import kernels

    folders = []
    for sources in (jit._SOURCES, jit._SOURCES, jit._SOURCES[:-1]):
        monkeypatch.setattr(jit, "_SOURCES", sources)
        folders.append(jit.compiled(kernels.convolve.py_func)._cache.cache_path)
    assert folders[0] == folders[1] != folders[2]


def test_what_is_kept_and_damaged_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "_folder", lambda: tmp_path)
    monkeypatch.setattr(jit, "_kept", [])

    def twice(number: float) -> float:
        return 2.0 * number

    def make() -> Any:
        function = jit.compiled(twice)
        function(1.0)
        return function

    def made() -> Any:
        monkeypatch.setattr(compiling, "_ready", {})
        return compiling._kernel(("test",), make, wait=True)

    assert made()(3.0) == 6.0
    [kept] = tmp_path.rglob("*.nbc")
    kept.write_bytes(b"not what was kept")
    assert made()(3.0) == 6.0
    assert sum(made().stats.cache_hits.values()) == 1


def test_threads_that_compile_at_once_keep_all_in_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jit, "_folder", lambda: tmp_path)
    monkeypatch.setattr(jit, "_kept", [])
    before, interval = config.CACHE_DIR, sys.getswitchinterval()  # type: ignore[attr-defined]

    def place(_: int) -> Path:
        function = jit.compiled(lambda number: number)
        return Path(function._cache.cache_path)

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(3) as threads:
            places = list(threads.map(place, range(120)))
    finally:
        sys.setswitchinterval(interval)
    assert all(tmp_path in place.parents for place in places)
    assert before == config.CACHE_DIR  # type: ignore[attr-defined]
