"""The command ``train``: options, run directories, and what survives a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from filelock import FileLock
from imageio.v3 import imwrite
from rich.console import Console
from safetensors.torch import load_file

import pof3d
from pof3d.__main__ import main, parse
from pof3d.cameras import orbit_cam2world
from pof3d.errors import TrainingError
from pof3d.training import statistics
from pof3d.training.config import PRESETS
from pof3d.training.live import LivePage, duration, spark
from pof3d.training.run import Train
from pof3d.training.run_directory import RunDirectory
from pof3d.training.samples import PoseStatistics, columns_for, learned_poses, pose_statistics, turntable
from pof3d.training.trainer import StepReport, Trainer
from tests.pof3d.training.test_loop import CPU, PRESET, images

TINY = {
    "--network.generator.z-dim": "8",
    "--network.generator.w-dim": "8",
    "--network.generator.plane-resolution": "8",
    "--network.generator.plane-channels": "4",
    "--network.generator.channel-base": "64",
    "--network.generator.channel-max": "8",
    "--network.generator.decoder-hidden": "8",
    "--network.generator.render.resolution": "8",
    "--network.generator.render.depth-samples": "4",
    "--network.generator.render.importance-samples": "0",
    "--network.discriminator.resolution": "8",
    "--network.discriminator.channel-base": "64",
    "--network.discriminator.channel-max": "8",
    "--training.batch": "4",
    "--training.depth-samples": "4",
    "--training.density-points": "10",
    "--training.snapshot-kimg": "0.15",
    "--training.blur-fade-kimg": "0.5",
    "--threads": "1",
    "--device": "cpu",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(8):
        imwrite(folder / f"{i}.png", rng.integers(0, 255, (8, 8, 3), dtype=np.uint8))
    return folder


def command(data: Path, out: Path, **more: str) -> list[str]:
    options = TINY | more | {"--training.resolution-schedule": "0 8"}
    words = [word for name, value in options.items() for word in (name, *value.split())]
    return [sys.executable, "-m", "pof3d", "train", "--data", str(data), "--out", str(out), *words]


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path: Path, data: Path) -> None:
    long = {"--training.total-kimg": "0.4"}
    out, whole = tmp_path / "killed", tmp_path / "whole"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command(data, out, **long),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    try:
        deadline = time.monotonic() + 120
        # In the middle of things: some steps, logged, beyond the first snapshot.
        while not (out / "resume.pt").exists() or _last_kimg(out) < 0.18:
            assert process.poll() is None, "training ended early"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        said, _ = process.communicate()
    assert "kimg" in said
    assert process.returncode == -signal.SIGKILL
    for target in (out, whole):
        subprocess.run(
            command(data, target, **long), stdout=subprocess.DEVNULL, timeout=120, check=True, env=environment
        )
    found, expected = (load_file(path / "network-000000.safetensors") for path in (out, whole))
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    logs = [
        [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()] for path in (out, whole)
    ]
    assert [line["G/loss"] for line in logs[0]] == [line["G/loss"] for line in logs[1]]
    for path in (out, whole):
        lines = (path / "statistics.jsonl").read_text().splitlines()
        assert [json.loads(line)["images"] for line in lines] == [152, 304, 400]


def _last_kimg(out: Path) -> float:
    lines = (out / "log.jsonl").read_text().splitlines() if (out / "log.jsonl").exists() else []
    return float(json.loads(lines[-1])["kimg"]) if lines else 0.0


def test_every_field_can_be_given_on_the_command_line(data: Path) -> None:
    said = (
        f"train --preset ffhq --data {data} --training.r1-gamma 3 --network.generator.pose-source residual "
        "--network.generator.pose-prior.spread 0.1 0.2 --network.discriminator.no-pose-aware "
        "--training.no-mirror --training.precision bfloat16"
    )
    options = parse(said.split())
    assert isinstance(options, Train)
    assert options.training.r1_gamma == 3.0
    assert options.training.total_kimg == PRESETS["ffhq"].training.total_kimg
    assert options.network.generator.pose_source == "residual"
    assert options.network.generator.pose_prior.spread == (0.1, 0.2)
    assert options.network.generator.render == PRESETS["ffhq"].network.generator.render
    assert options.network.discriminator is not None
    assert not options.network.discriminator.pose_aware
    assert options.training.precision == "bfloat16"
    assert not options.training.mirror


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_resolve_to_themselves(name: str, data: Path) -> None:
    options = parse(["train", "--preset", name, "--data", str(data)])
    assert isinstance(options, Train)
    preset = PRESETS[name]  # type: ignore[index]
    assert (options.network, options.training) == (preset.network, preset.training)
    assert options.network.name == name


def test_a_run_directory_holds_what_was_asked_for(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run", PRESET, {"dataset": "x"})
    trainer = Trainer(PRESET, images(), CPU)
    directory.log(trainer.step())
    directory.publish(trainer)
    directory.close()
    path = tmp_path / "run"
    assert json.loads((path / "config.json").read_text()) == json.loads(json.dumps(asdict(PRESET)))
    network = pof3d.load(path / "network-000000.safetensors")
    assert network.provenance["images_seen"] == 4
    record = statistics.read(path / "statistics.jsonl")[0]
    assert record.network == "network-000000.safetensors"
    assert record.samples == 10_000
    learned = cast(dict[str, float], network.provenance["learned_poses"])
    assert record.yaw_std == pytest.approx(learned["yaw_std"], rel=1e-3)
    events = next((path / "tensorboard").iterdir()).read_bytes()
    for tag in (b"samples", b"depth", b"turntable", b"poses/yaw", b"poses/pitch", b"D/loss"):
        assert tag in events, tag


def test_what_was_written_after_the_snapshot_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir()
    lines = [json.dumps({"kimg": kimg, "G/loss": 1.0}) for kimg in (0.004, 0.008, 0.012)]
    (path / "log.jsonl").write_text("\n".join(lines) + '\n{"kimg": 0.0')
    RunDirectory(path, PRESET, {}, images_seen=8).close()
    assert (path / "log.jsonl").read_text().splitlines() == lines[:2]


def test_two_trainings_do_not_share_a_directory(tmp_path: Path, data: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    words = command(data, out)[3:]
    with FileLock(out / ".lock"):
        assert main(words) == 1
    assert not (out / "config.json").exists()


def test_a_full_disk_is_said_in_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = RunDirectory(tmp_path / "run", PRESET, {})
    trainer = Trainer(PRESET, images(), CPU)
    report = trainer.step()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(directory._events, "add_scalar", full)
    with pytest.raises(TrainingError, match="no space left"):
        directory.log(report)
    monkeypatch.setattr("pof3d.training.run_directory.imwrite", full)
    with pytest.raises(TrainingError, match="no space left"):
        directory.publish(trainer)
    monkeypatch.setattr(directory._events, "close", full)
    directory.close()


def test_leftovers_of_a_kill_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".resume-abcd.part.pt").write_bytes(b"half")
    RunDirectory(tmp_path, PRESET, {}).close()
    assert not list(tmp_path.glob(".*.part*"))


def test_labels_replace_those_of_the_checkpoint_a_run_starts_from(tmp_path: Path, data: Path) -> None:
    camera = replace(PRESETS["toy-cats"].network.generator.camera)
    for name, yaw in (("first", 0.1), ("second", 0.9)):
        matrix = orbit_cam2world(yaw, 0.0, camera=camera)[0].flatten().tolist()
        label = [*matrix, 4.26, 0, 0.5, 0, 4.26, 0.5, 0, 0, 1]
        labels = {"labels": [[f"{i}.png", label] for i in range(8)]}
        (data / "dataset.json").write_text(json.dumps(labels))
        more = ["--network.generator.pose-source", "labels", "--training.total-kimg", "0.004"]
        more += (
            ["--initial", str(tmp_path / "first" / "network-000000.safetensors")] if name == "second" else []
        )
        assert main([*command(data, tmp_path / name)[3:], *more]) == 0
        network = pof3d.load(tmp_path / name / "network-000000.safetensors")
        assert learned_poses(network.generator, 10)[:, 0].mean().item() == pytest.approx(yaw, abs=1e-3)


def test_a_run_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(TrainingError, match="cannot write to the run directory"):
        RunDirectory(tmp_path / "run", PRESET, {})


def test_yaws_around_the_rear_are_taken_on_the_circle() -> None:
    yaw = torch.cat([torch.full((50,), 3.0), torch.full((50,), -3.0)])
    found = pose_statistics(torch.stack([yaw, torch.zeros(100)], dim=1))
    assert abs(found.yaw_mean) == pytest.approx(np.pi)
    assert found.yaw_std == pytest.approx(np.pi - 3.0, rel=0.01)
    even = torch.arange(100) / 100 * 2 * np.pi - np.pi
    assert pose_statistics(torch.stack([even, torch.zeros(100)], dim=1)).yaw_std == pytest.approx(np.pi)


def test_grids_and_turntables_go_all_round_where_cameras_do() -> None:
    frontal, all_round = PoseStatistics(0.0, 0.4, 0.0, 0.2), PoseStatistics(0.0, 1.8, 0.0, 0.2)
    assert max(columns_for(frontal)) == 0.8
    assert len(columns_for(all_round)) == 8
    assert np.ptp(columns_for(all_round)) == pytest.approx(2 * np.pi * 7 / 8)
    trainer = Trainer(PRESET, images(), CPU)
    strip = turntable(trainer.ema, 0, frontal)
    assert strip.shape == (8, 12 * 8, 3)
    assert not np.array_equal(strip, turntable(trainer.ema, 0, all_round))


def report(kimg: float, **stats: float) -> StepReport:
    return StepReport(kimg, 60.0 * kimg, {name.replace("_", "/", 1): value for name, value in stats.items()})


def test_the_live_page_shows_images_rate_losses_poses_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0.0, 100.0, 0.5))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    console = Console(width=100, force_terminal=True, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    page = LivePage(2.0, console)
    for i in range(1, 11):
        page.update(
            report(
                i * 0.1,
                G_loss=1.5,
                D_loss=2.5,
                G_yaw_mean=0.0,
                G_yaw_std=0.5,
                D_yaw_real_mean=0.1,
                D_yaw_real_std=0.2,
            )
        )
    page.snapshot(1000, PoseStatistics(0.0, 0.4, 0.0, 0.1))
    console.print(page.page())
    text = console.export_text()
    console.file.close()
    assert "1,000 of 2,000" in text
    assert "G/loss" in text and "1.5000" in text
    assert "G's yaw" in text and "28.6°" in text
    assert "22.9°" in text  # of the snapshot
    assert page.rate == pytest.approx(0.1 * 1000 / 1.0, rel=0.5)


def test_small_things_for_people() -> None:
    assert spark([0.0, 1.0, 2.0], 2) == "▁█"
    assert spark([1.0, 1.0], 5) == "▁▁"
    assert duration(3725) == "1 h 02 min"
    assert duration(65) == "1 min 05 s"
    assert duration(float("inf")) == "…"
