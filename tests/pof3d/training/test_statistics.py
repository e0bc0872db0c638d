"""The record of a run's learned poses: what is counted, and what becomes of files that are no such record."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pof3d.errors import TrainingError
from pof3d.training import statistics
from pof3d.training.statistics import SnapshotStatistics, append, measure, read

STEP = math.radians(2.5)


def of(poses: list[tuple[float, float]], images: int = 4000, network: str = "") -> SnapshotStatistics:
    return measure(torch.tensor(poses), images, network or f"network-{images // 1000:06d}.safetensors", 1.04)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "statistics.jsonl"


def test_counts_on_a_grid_of_two_and_a_half_degrees() -> None:
    degrees = [(1.0, 1.0), (2.0, 1.0), (-1.0, -3.0), (4.0, 1.0)]
    record = of([(math.radians(yaw), math.radians(pitch)) for yaw, pitch in degrees])
    assert record.yaw.edges == pytest.approx([-STEP, 0.0, STEP, 2 * STEP])
    assert record.yaw.counts == (1, 2, 1)
    assert record.pitch.edges == pytest.approx([-2 * STEP, -STEP, 0.0, STEP])
    assert record.pitch.counts == (1, 0, 3)
    assert record.joint.counts == ((1, 0, 0), (0, 0, 2), (0, 0, 1))
    assert (record.joint.yaw_bins, record.joint.pitch_bins) == (3, 3)
    assert record.samples == 4
    assert math.degrees(record.yaw_mean) == pytest.approx(1.5)
    assert math.degrees(record.yaw_std) == pytest.approx(math.sqrt((0.25 + 0.25 + 6.25 + 6.25) / 4), rel=1e-5)
    assert math.degrees(record.pitch_mean) == pytest.approx(0.0, abs=1e-5)


def test_all_sides_of_a_car_fit_and_more_is_clipped() -> None:
    record = of([(-math.pi, 0.01), (math.pi, 0.01), (9.0, -2.0)])
    assert len(record.yaw.counts) == 144
    assert record.yaw.counts[0] == 1
    assert record.yaw.counts[-1] == 2
    assert record.pitch.edges[0] == pytest.approx(-math.pi / 2)
    assert record.pitch.counts[0] == 1


def test_poses_that_are_no_numbers_are_left_out() -> None:
    assert of([(math.nan, 0.1), (0.1, math.inf), (0.1, 0.1)]).samples == 1
    nothing = of([(math.nan, math.nan)])
    assert (nothing.samples, nothing.yaw_mean, nothing.yaw_std) == (0, 0.0, 0.0)


def test_lines_are_the_documented_json(path: Path) -> None:
    append(path, of([(0.01, 0.01)]))
    line = json.loads(path.read_text())
    assert line["images"] == 4000
    assert line["network"] == "network-000004.safetensors"
    assert line["seconds"] == 1.0
    assert line["yaw"]["edges"] == pytest.approx([-STEP, 0.0, STEP])
    assert line["yaw"]["counts"] == [0, 1]
    assert line["joint"] == {"yaw_bins": 2, "pitch_bins": 2, "counts": [[0, 0], [0, 1]]}
    assert {"yaw_mean", "yaw_std", "pitch_mean", "pitch_std"} <= line.keys()


def test_what_was_appended_is_read_back(path: Path) -> None:
    assert read(path) == []
    torch.manual_seed(1)
    records = [measure(torch.randn(500, 2), n, f"network-{n:06d}.safetensors", n / 7) for n in (1, 2)]
    for record in records:
        append(path, record)
    assert read(path) == records


def test_the_last_record_of_a_network_counts_and_all_are_in_order(path: Path) -> None:
    for images, yaw in ((8000, 0.1), (4000, 0.2), (8000, 0.3)):
        append(path, of([(yaw, 0.0)], images))
    assert [(record.images, round(record.yaw_mean, 2)) for record in read(path)] == [(4000, 0.2), (8000, 0.3)]


def test_a_line_under_way_is_left_out_and_the_next_one_repairs_it(path: Path) -> None:
    append(path, of([(0.1, 0.1)]))
    complete = path.read_bytes()
    path.write_bytes(complete + complete[:50])
    assert len(read(path)) == 1
    append(path, of([(0.2, 0.1)], 8000))
    assert path.read_bytes().startswith(complete + b'{"images":8000')
    assert [record.images for record in read(path)] == [4000, 8000]
    path.write_bytes(complete[:50])
    assert read(path) == []
    append(path, of([(0.1, 0.1)]))
    assert path.read_bytes() == complete


def edited(change: Callable[[dict[str, Any]], object]) -> bytes:
    append(Path("line"), of([(0.01, 0.01)]))
    line = json.loads(Path("line").read_text())
    change(line)
    return json.dumps(line).encode()


HOSTILE: dict[str, Callable[[dict[str, Any]], object]] = {
    "a path": lambda line: line.update(network="../elsewhere.safetensors"),
    "no network": lambda line: line.update(network=""),
    "a missing field": lambda line: line.pop("yaw"),
    "a wrong type": lambda line: line.update(images="many"),
    "negative images": lambda line: line.update(images=-1),
    "negative counts": lambda line: line["joint"].update(counts=[[-1, 1], [0, 0]]),
    "missing rows": lambda line: line["joint"].update(counts=[[0, 1]]),
    "ragged rows": lambda line: line["joint"].update(counts=[[0, 0], [1]]),
    "other sums": lambda line: line["joint"].update(counts=[[1, 0], [0, 1]]),
    "other bins": lambda line: line["joint"].update(yaw_bins=3),
    "edges that decrease": lambda line: line["yaw"].update(edges=[0.1, 0.0, 0.2]),
    "too few edges": lambda line: line["yaw"].update(edges=[0.0, 0.1]),
    "edges beyond a turn": lambda line: line["yaw"].update(edges=[0.0, 0.1, 400.0]),
    "endless edges": lambda line: line["yaw"].update(edges=[i * 1e-6 for i in range(5000)]),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_line_that_is_no_record_is_named(
    what: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    append(path, of([(0.1, 0.1)], 1000))
    path.write_bytes(path.read_bytes() + edited(HOSTILE[what]) + b"\n")
    with pytest.raises(TrainingError, match="line 2") as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert caught.value.todo


@pytest.mark.parametrize("content", [b"\x00\xff\n", b"[" * 100_000 + b"\n", b"1e999\n", b"\n", b"null\n"])
def test_foreign_files_are_refused(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="line 1"):
        read(path)


def test_endless_files_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(path, of([(0.1, 0.1)]))
    monkeypatch.setattr(statistics, "_LONGEST_LINE", 100)
    with pytest.raises(TrainingError, match="line 1 is too long"):
        read(path)
    monkeypatch.setattr(statistics, "_LARGEST_FILE", 0)
    with pytest.raises(TrainingError, match="larger than"):
        read(path)


def test_a_folder_in_its_place_is_an_error_with_a_reason(path: Path) -> None:
    path.mkdir()
    with pytest.raises(TrainingError, match="directory"):
        read(path)
    with pytest.raises(OSError, match="directory"):
        append(path, replace(of([(0.1, 0.1)]), images=1))
