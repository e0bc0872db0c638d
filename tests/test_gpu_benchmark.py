"""The GPU's benchmark, as far as it goes without one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import torch

from benchmarks import gpu
from tests.viz.nets import tiny_config, tiny_generator


def test_every_way_is_measured_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_WARM_UP", 1)
    monkeypatch.setattr(gpu, "_PRECISIONS", ("float32", "bfloat16"))
    config = tiny_config("2x", importance=4)
    figures = gpu.measure_gpu("tiny", lambda: tiny_generator(config), rounds=2, device="cpu")
    assert [(way.work, way.timing.name) for way in figures.ways][:2] == [
        ("orbit step", "plain"),
        ("orbit step", "fast, operation by operation"),
    ]
    assert all(0.0 < way.timing.median <= way.timing.p95 for way in figures.ways)
    decibels = dict((name, psnr) for name, _, psnr in figures.precisions)
    assert decibels["float32"] == float("inf")
    assert 30.0 < decibels["bfloat16"] < 80.0
    lines = gpu.gpu_table([figures]).splitlines()
    assert lines[0].startswith("no GPU: operation by operation on a CPU")
    table = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") for line in table[:9]}) == 1
    assert sum("the engine, with the graph" in line for line in table) == 1
    at_256 = gpu.gpu_table([replace(figures, side=256)])
    assert re.search(r"\ntiny: \d+ frames a second at 256² from the engine, target 240: \w+\.$", at_256)


def test_a_trace_is_counted_by_picture() -> None:
    events: list[dict[str, Any]] = [
        {"cat": "kernel", "name": "sgemm"},
        {"cat": "kernel", "name": "elementwise"},
        {"cat": "cuda_runtime", "name": "cudaLaunchKernel"},
        {"cat": "cuda_runtime", "name": "cudaEventSynchronize"},
        {"cat": "cuda_runtime", "name": "cudaStreamSynchronize"},
        {"cat": "gpu_memcpy", "name": "Memcpy DtoH (Device -> Pinned)", "args": {"bytes": 262144}},
        {"cat": "gpu_memcpy", "name": "Memcpy HtoD (Pinned -> Device)", "args": {"bytes": 104}},
        {"ph": "M", "name": "process_name"},
    ]
    assert gpu.count_trace(events, 2) == gpu.Traced(1.0, 1.0, 131072.0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["gpu"])
    with pytest.raises(SystemExit, match=r"^Nothing was measured: torch .*\.$"):
        gpu.main()
