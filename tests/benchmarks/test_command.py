"""The one command: what it writes, what it keeps, and what it says. Never how fast anything is."""

from __future__ import annotations

import io
import json
import math
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from PIL import Image
from rich.console import Console

from benchmarks import __main__ as command
from benchmarks import growth, memory, rendering, targets
from benchmarks.networks import KEYS
from benchmarks.parts import NAMES, PARTS, Part
from benchmarks.record import FILE, Record, Results, Settings, entries
from benchmarks.renderers import FAST, PLAIN
from pof3d.errors import ConfigError, DeviceError, Pof3dError

QUICK = command.Benchmarks(quick=True, networks=("ffhq",), threads=1)
IN_PROCESS: tuple[command.PartName, ...] = ("rendering", "quality", "resolution", "growth")


@pytest.fixture(scope="module", autouse=True)
def _process_left_alone() -> Iterator[None]:
    """The command is meant for a process of its own: no settings of the allocator here, threads as before."""
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "keep_freed_memory", lambda: True)
        yield
    torch.set_num_threads(threads)


def run(options: command.Benchmarks) -> tuple[int, str]:
    text = io.StringIO()
    status = command.run(options, Console(file=text, width=200))
    return status, text.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a quick run of the parts wrote that need no other process."""
    found = tmp_path_factory.mktemp("benchmarks") / "new" / "folder"
    status, said = run(replace(QUICK, out=found, only=IN_PROCESS))
    assert status == 0, said
    return found


@pytest.fixture
def record(folder: Path) -> Record:
    return Record.read(folder / FILE)


def test_names_of_parts_and_networks_are_those_there_are() -> None:
    assert get_args(command.PartName) == NAMES
    assert get_args(command.NetworkName) == KEYS


def test_the_machine_is_told(record: Record) -> None:
    machine = record.machine
    assert machine["quick"] and machine["threads"] == 1 and machine["device"] == "cpu"
    assert machine["packages"]["torch"] == torch.__version__
    assert machine["cores"] >= 1 and machine["processor"]


def test_every_work_and_stage_is_measured_both_ways(record: Record) -> None:
    networks = entries(record.parts["rendering"])
    assert list(networks) == ["ffhq"]
    for one in networks.values():
        assert list(one["works"]) == list(rendering.WORKS)
        assert list(one["stages"]) == [PLAIN, FAST]
        for ways in one["works"].values():
            assert list(ways) == [PLAIN, FAST]
            for timing in ways.values():
                assert 0.0 < timing["p05"] <= timing["median"] <= timing["p95"] and timing["rounds"] >= 1
        for stages in one["stages"].values():
            assert tuple(stages) == rendering.STAGES


def test_growth_has_all_its_axes(record: Record) -> None:
    axes = growth.with_resolution(record.parts)
    assert list(axes) == list(growth.AXES)
    for lines in axes.values():
        assert {title.partition(":")[0] for title in lines} == {PLAIN, FAST}
        assert all(len(line["numbers"]) == len(line["timings"]) == 2 for line in lines.values())


def test_tables_are_complete(folder: Path, record: Record) -> None:
    text = (folder / "benchmarks.md").read_text(encoding="utf-8")
    for target in targets.SPEED_TARGETS:
        assert f"| {target.title} | ≥ {target.factor:.0f} |" in text
    for work in ("orbit step, full quality", "raw preview, 16²", "new latent to full image"):
        assert f"| ffhq, small, random | {work} |" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len(tables) > 35
    for line, following in zip(text.splitlines(), text.splitlines()[1:], strict=False):
        if line.startswith("|") and following.startswith("|"):
            assert line.count("|") == following.count("|"), following
    assert "nan" not in text and "None" not in text
    assert "figures mean nothing" in text


def test_every_plot_is_drawn_and_shown(folder: Path) -> None:
    text = (folder / "benchmarks.md").read_text(encoding="utf-8")
    names = {"speedups", "stages", "quality", "resolution", "growth"}
    assert {path.stem for path in folder.glob("*.png")} == names
    for name in names:
        assert f"]({name}.png)" in text
        assert (folder / f"{name}.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")
        with Image.open(folder / f"{name}.png") as image:
            assert image.width == 1034 and image.convert("L").getextrema() == (0, 255)


def test_what_was_not_measured_is_said(folder: Path, record: Record) -> None:
    rows = {row.title: row.verdict for row in targets.others(record.parts)}
    assert rows["ffhq: peak memory of a frame, of plain's (the release's: 900–960 MB)"] == targets.OPEN
    assert rows["toy-cats: orbit at full quality"] == targets.OPEN
    assert rows["first image after a cold start"] == targets.OPEN
    assert targets.OPEN in (folder / "benchmarks.md").read_text(encoding="utf-8")


# --------------------------------------------------------------------------------------- parts as stand-ins
Measure = Callable[[Settings, Callable[[str], None]], Iterator[tuple[str, Any]]]


def use(monkeypatch: pytest.MonkeyPatch, **parts: Measure) -> None:
    def table(name: str) -> Callable[[dict[str, Results]], str]:
        return lambda found: f"{name}: {sorted(entries(found[name]))}"

    stand_ins = tuple(Part(name, name.title(), measure, table(name)) for name, measure in parts.items())
    monkeypatch.setattr(command, "PARTS", stand_ins)
    monkeypatch.setattr("benchmarks.report.PARTS", stand_ins)


def ready(*keys: str) -> Measure:
    def measure(_settings: Settings, _tell: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
        for key in keys:
            yield key, {"value": 1.0}

    return measure


def broken_after(key: str, error: BaseException) -> Measure:
    def measure(_settings: Settings, _tell: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
        yield key, {"value": 2.0}
        raise error

    return measure


def test_what_is_done_is_kept_after_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, training=ready("a"), data=broken_after("b", KeyboardInterrupt()), loading=ready("c"))
    status, said = run(replace(QUICK, out=tmp_path))
    assert status == 130 and "Interrupted; what was measured before is kept." in said
    found = json.loads((tmp_path / FILE).read_text(encoding="utf-8"))["parts"]
    assert [list(entries(found[name])) for name in found] == [["a"], ["b"]]
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "training: ['a']" in text and "data: ['b']" in text and "loading" not in text


def test_a_part_that_fails_does_not_take_the_others_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, training=broken_after("a", ValueError("no luck")), data=ready("b"))
    status, said = run(replace(QUICK, out=tmp_path))
    assert status == 1 and "Training: ValueError: no luck" in said and "Data: done" in said
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "*Training* failed: ValueError: no luck" in text and "data: ['b']" in text


def test_parts_measured_before_stay_if_measured_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, training=ready("a"), data=ready("b"))
    again = replace(QUICK, out=tmp_path, only=("data",))
    run(replace(QUICK, out=tmp_path))
    run(again)
    assert set(Record.read(tmp_path / FILE).parts) == {"training", "data"}
    run(replace(again, threads=2))
    assert set(Record.read(tmp_path / FILE).parts) == {"data"}


# ------------------------------------------------------------------------------------------------- options
def test_without_a_gpu_that_is_said_in_one_line() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(DeviceError) as caught:
        command.settings_of(replace(QUICK, device="cuda"))
    assert "“cuda” cannot be used" in str(caught.value) and "\n" not in str(caught.value)


def test_on_a_gpu_only_rendering_is_measured() -> None:
    gpu = torch.device("cuda")
    chosen = [part.name for part in command.chosen_parts(replace(QUICK, device="cuda"), gpu)]
    assert chosen == ["rendering", "quality", "resolution", "growth", "memory"]
    with pytest.raises(ConfigError, match="--only data cannot be measured on a GPU"):
        command.chosen_parts(replace(QUICK, only=("memory", "data")), gpu)
    assert len(command.chosen_parts(QUICK, torch.device("cpu"))) == len(PARTS)


@pytest.mark.gpu
def test_the_gpu_is_measured_by_the_same_command(tmp_path: Path) -> None:
    status, said = run(replace(QUICK, device="cuda", out=tmp_path))
    assert status == 0, said
    record = Record.read(tmp_path / FILE)
    assert record.machine["gpu"] and list(record.parts) == [*IN_PROCESS, "memory"]
    assert record.parts["memory"]["ffhq"]["ways"][FAST]["peak"] > 0


@pytest.mark.parametrize("changes", [{"threads": 0}, {"rounds": 0}])
def test_impossible_options_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be at least 1"):
        command.settings_of(replace(QUICK, **changes))


def test_the_program_s_own_parts_are_shown() -> None:
    timing = {"median": 200.0, "p95": 300.0, "p05": 100.0, "rounds": 4}
    fast = timing | {"median": 50.0}
    sizes = {"file_bytes": 2**29, "tensor_bytes": 2**28, "load_peak": 2**28, "picture_peak": 2**29}
    opened = sizes | {"stages": [["Reading", 0.5], ["rays", 0.25]], "switching": [1, 2**29], "budget": 2**31}
    processor, wall = {"median": 3.0, "p95": 4.0, "p99": 4.5}, {"median": 4.0, "p95": 5.0, "p99": 6.0}
    work = {"situation": "every panel, orbit", "processor": processor, "wall": wall, "panels": {"Pose": wall}}
    rhythm = {"seconds": 5.0, "frames": 300, "late": 3, "interval": wall, "pictures": 40.0}
    rest = {"window": "glfw", "share": 0.005, "frames": 2, "share_after_mouse": 0.004, "seconds": 20.0}
    drag = {"name": "ffhq", "reprojected": True, "pictures_a_second": 30.0, "interval": 33.0, "latency": 30.0}
    drag |= {"psnr": 30.0, "sides": "40–64"}
    parts: dict[str, Results] = {
        "interaction": {"checkpoint": "a.safetensors", "timings": {"baseline": timing, "orbit": fast}},
        "training": {
            "batch": 16,
            "timings": {"step": timing},
            "shares": [{"name": "convolutions", "share": 0.4}],
        },
        "data": {"rates": [{"name": "one thread", "images": 100.0}, {"name": "held", "images": 400.0}]},
        "loading": {"found": opened},
        "motion": {"drags": [drag, drag | {"reprojected": False, "psnr": 25.0}]},
        "window": {"cost": {"work": [work], "rhythm": rhythm}, "rest": rest},
        "cold_start": {"stages": {"window": 1.0, "picture": 2.5}, "runs": 3, "seconds": [2.5]},
    }
    shown = {part.name: part.table(parts) for part in PARTS if part.name in parts}
    assert "| orbit | 50.0 | 300.0 | 4.0 |" in shown["interaction"]
    assert "| convolutions | 40 % |" in shown["training"]
    assert "| held | 400 | 4.0 | 5 |" in shown["data"]  # a step of 16 images in 200 ms eats 80 a second
    assert "| **file to first picture** | **0.75** |" in shown["loading"]
    assert "30.0" in shown["motion"]
    assert "| every panel, orbit | 3.0 (4.0) |" in shown["window"]
    assert "0.5% of a core" in shown["window"]
    assert "| picture | 2.50 |" in shown["cold_start"]
    assert [part.table({part.name: {}}) for part in PARTS if part.name in parts] == [""] * 7
    rows = {row.title.split(",")[0]: (row.measured, row.met) for row in targets.others(parts)}
    assert rows["first image after a cold start"] == ("2.5 s", True)
    assert rows["interface's work per frame"] == ("4.5 ms", False)
    assert rows["frames later than 20 ms at 60 Hz"] == ("1.0 %", True)
    assert rows["window at rest"] == ("0.5 %", True)


# -------------------------------------------------------------------------------------------------- memory
def test_drawing_is_measured_in_a_process_of_its_own() -> None:
    found = memory.in_a_process("ffhq", FAST, Settings(1, torch.device("cpu"), quick=True))
    assert 0 < found["empty"] <= found["before"] <= found["peak"]
    assert memory.drawing(found) < 500 * 2**20


def test_a_process_that_fails_is_told_about(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command_line: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command_line, 1, "", "Traceback …\nMemoryError: all gone\n")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(Pof3dError, match="The memory of ffhq, fast, cannot be measured: MemoryError: all"):
        memory.in_a_process("ffhq", FAST, Settings(1, torch.device("cpu"), quick=True))


def test_the_middle_run_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = iter([300, 300, 150, 160, 290, 999, 120, 400, 310, 150])  # plain and fast in turn, five times
    monkeypatch.setattr(memory, "in_a_process", lambda *_: {"empty": 50, "before": 100, "peak": next(peaks)})
    settings = Settings(1, torch.device("cpu"), networks=("ffhq",))
    found = dict(memory.measure(settings, lambda _: None))
    ways = found["ffhq"]["ways"]
    assert (memory.drawing(ways[PLAIN]), memory.drawing(ways[FAST])) == (190, 200)
    [line] = [line for line in memory.table({"memory": found}).splitlines() if "| fast |" in line]
    assert line.endswith("| 105 % |")
    assert math.isclose(200 / 190, 1.05, abs_tol=0.005)
