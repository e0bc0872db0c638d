"""`scripts.make_results collect`: from run directories to records."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import pof3d
from pof3d.data.folder import ImageFolder
from pof3d.errors import TrainingError
from pof3d.evaluation.poses import evaluate_pose
from pof3d.training import statistics
from scripts import make_results
from scripts.make_results import Collect, Write
from scripts.results import collect, curves, tables
from scripts.results.records import Curves, Places, read_record, read_records
from tests.pof3d.evaluation.sets import DISCRIMINATOR, make_network, make_set
from tests.result_records import LINKS, row


# ------------------------------------------------------------------------------------------------ curves
def test_pooled_batches_are_one_batch() -> None:
    mean = np.tile([1.0, 3.0], curves.MOST_POINTS)
    std = np.tile([2.0, 4.0], curves.MOST_POINTS)
    kimg, pooled_mean, pooled_std = curves.pool(np.arange(400.0), mean, std)
    assert len(kimg) == curves.MOST_POINTS
    assert kimg[:2] == pytest.approx([0.5, 2.5])
    assert pooled_mean == pytest.approx(2.0)
    # E x² = ((4 + 1) + (16 + 9)) / 2 = 15; 15 − 2² = 11
    assert pooled_std == pytest.approx(math.sqrt(11.0))


def test_smoothing_counts_the_spread_of_means() -> None:
    found = curves.smooth_spread(np.array([0.0, 2.0, 4.0]), np.array([1.0, 1.0, 1.0]), reach=1)
    assert found == pytest.approx([math.sqrt(2), math.sqrt(1 + 8 / 3), math.sqrt(2)])


def test_log_of_an_older_run(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = [{"kimg": 0.1, "D/pose_error": 0.25, "G/v_std": 0.2}, {"kimg": 0.2, "D/pose_error": 0.09}]
    log.write_text("\n".join(map(json.dumps, lines)) + '\n{"kimg": 0.3, "D/po')
    found = curves.read_curves(log, tmp_path / "statistics.jsonl")
    assert found.pose_error == pytest.approx((0.5, 0.3))
    assert found.error_kimg == (0.1, 0.2)
    assert found.kimg == found.yaw_std == found.snapshot_kimg == ()
    assert curves.read_curves(tmp_path / "missing.jsonl") == Curves()


def test_damaged_log_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"kimg": 0.1}\n{"kimg": \n{"kimg": 0.3}\n')
    with pytest.raises(TrainingError, match=r"log\.jsonl: line 2"):
        curves.read_curves(log)


def test_snapshots_give_a_curve(tmp_path: Path) -> None:
    path = tmp_path / "statistics.jsonl"
    for images, spread in ((2000, 0.1), (4000, 0.3)):
        poses = torch.tensor([[spread, 0.0], [-spread, 0.0]])
        statistics.append(path, statistics.measure(poses, images, f"network-{images}.safetensors", 1.0))
    found = curves.read_curves(tmp_path / "log.jsonl", path)
    assert found.snapshot_kimg == (2.0, 4.0)
    assert found.snapshot_yaw_std == pytest.approx((0.1, 0.3))


# -------------------------------------------------------------------------------------------- collecting
def test_settings_that_differ() -> None:
    settings = {
        "network": {"name": "toy-cats"},
        "training": {"batch": 8, "seed": 3, "gone": 1, "mirror": True},
    }
    assert collect.differing(settings, "toy-cats") == {"training.batch": (16, 8)}
    assert collect.differing(settings, "unheard-of") == {}


def test_small_png_gives_up_colours_then_fails() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    packed = collect.small_png(noise, 4000)
    assert len(packed) <= 4000 < len(zlib.compress(noise.tobytes()))
    with Image.open(io.BytesIO(packed)) as image:
        assert image.size == (64, 64)
    with pytest.raises(ValueError, match="does not fit 500 bytes"):
        collect.small_png(noise, 500)


def make_run(folder: Path, name: str, *, total_kimg: float = 123.0, **network: Any) -> Path:
    """A run directory with a tiny network that saw 123,000 images."""
    run = folder / name
    run.mkdir(parents=True)
    make_network(run / "network-000123.safetensors", **network)
    training = {"total_kimg": total_kimg, "pose_init_spread": [0.2, 0.3]}
    (run / "config.json").write_text(json.dumps({"network": {"name": "tiny"}, "training": training}))
    lines = [{"kimg": i, "D/pose_error": 0.04, "G/yaw_mean": 0.0, "G/yaw_std": 0.3} for i in (1, 2)]
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def options(folder: Path, **changes: Any) -> Collect:
    data = folder / "test.zip"
    if not data.exists():
        make_set(data)
    usual: dict[str, Any] = {
        "test_data": data,
        "runs": folder / "runs",
        "cats": folder / "none.safetensors",
        "cars": folder / "none.safetensors",
        "docs": folder / "docs",
        "images": 24,
        "generated": 8,
        "depths": 4,
        "latents": 64,
    }
    return Collect(**usual | changes)


def test_collect_and_write(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "runs", "spread-0.2-seed1")
    make_run(tmp_path / "runs", "labels-seed0", total_kimg=200.0)
    make_run(tmp_path / "runs", "holiday-pictures")
    unaware = dataclasses.replace(DISCRIMINATOR, pose_aware=False)
    make_run(tmp_path / "runs", "unaware-d-seed0", discriminator=unaware)
    (tmp_path / "runs" / "full-seed0").mkdir()
    places = Places(tmp_path / "docs")
    assert make_results.main(options(tmp_path)) == 0
    said = capfd.readouterr().err
    assert "labels-seed0: left out, it has seen 123,000 of 200,000 images" in said
    assert "holiday-pictures: left out, it is not named like a run" in said
    assert "full-seed0: left out, there is no checkpoint" in said
    found = {each.label: each for each in read_records(places.data)}
    assert sorted(found) == ["spread-0.2-seed1", "unaware-d-seed0"]

    one = found["spread-0.2-seed1"]
    net = pof3d.load(run / "network-000123.safetensors")
    with ImageFolder(tmp_path / "test.zip") as folder:
        pose = evaluate_pose(net, folder, latents=64)
    assert pose.yaw.agreement is not None and pose.pitch.distribution is not None
    assert tables.YAW_CORRELATION.value(one) == pytest.approx(pose.yaw.agreement.correlation, rel=1e-5)
    assert tables.SPREAD.value(one) == pytest.approx(pose.learned[:, 0].std(), rel=1e-5)
    for column in tables.ABLATION_COLUMNS:
        assert column.value(one) is not None, column.title
    assert sum(one.yaw.learned) == 64 and sum(one.yaw.true) == 24
    assert (one.initial_spread, one.images_seen, one.seed) == (0.2, 123_000, 1)
    assert one.curves.pose_error == (0.2, 0.2) and one.curves.yaw_std == (0.3, 0.3)
    strip = places.strips / "spread-0.2-seed1.png"
    assert strip.stat().st_size <= collect.LARGEST_STRIP
    with Image.open(strip) as image:
        assert image.size == (6 * 16, 2 * 16)

    assert tables.YAW_CORRELATION.value(found["unaware-d-seed0"]) is None
    assert make_results.main(Write(tmp_path / "docs")) == 0
    text = places.page.read_text(encoding="utf-8")
    assert row(text, "D not pose-aware")[1].startswith("–<sup>1</sup>")
    assert "<sup>1</sup> The discriminator does not predict poses." in text
    assert row(text, "the data set's poses")[0] == "not run"
    assert not [
        link for link in LINKS.findall(text) if "results/" in link and not (places.docs / link).exists()
    ]


def test_what_is_unchanged_is_skipped(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "runs", "full-seed0")
    places = Places(tmp_path / "docs")
    assert make_results.main(options(tmp_path)) == 0
    path = places.data / "full-seed0.json"
    written = path.stat().st_mtime_ns
    assert make_results.main(options(tmp_path)) == 0
    assert path.stat().st_mtime_ns == written
    assert "full-seed0: unchanged" in capfd.readouterr().err

    source, protocol = collect.run_source(run, "full", 0), read_record(path).protocol
    assert collect.is_current(source, protocol, places)
    assert not collect.is_current(source, dataclasses.replace(protocol, generated=9), places)
    text = path.read_text(encoding="utf-8")
    path.write_text("{}", encoding="utf-8")
    assert not collect.is_current(source, protocol, places)
    path.write_text(text, encoding="utf-8")
    path.write_text(
        text.replace('"settings": {}', '"settings": {"training.batch": [32, 16]}'), encoding="utf-8"
    )
    assert not collect.is_current(source, protocol, places)
    path.write_text(text, encoding="utf-8")
    changed = dataclasses.replace(DISCRIMINATOR, pose_mapping_layers=2)
    make_network(run / "network-000123.safetensors", discriminator=changed)
    assert not collect.is_current(source, protocol, places)


def test_a_damaged_run_does_not_stop_the_others(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    broken = make_run(tmp_path / "runs", "full-seed0")
    (broken / "network-000123.safetensors").write_bytes(b"not a network")
    make_run(tmp_path / "runs", "labels-seed0", total_kimg=200.0)
    assert make_results.main(options(tmp_path, unfinished=True)) == 1
    assert "full-seed0: failed. " in capfd.readouterr().err
    (only,) = read_records(tmp_path / "docs" / "results" / "data")
    assert only.label == "labels-seed0" and only.cut_short


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"only": ("everything",)}, "--only everything is unknown"),
        ({"images": 3}, "--images 3 cannot be used: it must be at least 16"),
        ({"test_data": Path("nowhere.zip")}, "there is no data set nowhere.zip"),
    ],
)
def test_options_that_cannot_be_used(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pof3d.errors.Pof3dError, match=message):
        make_results.main(options(tmp_path, **changes))


def test_interruption_keeps_what_was_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path / "runs", "full-seed0")
    make_run(tmp_path / "runs", "labels-seed0")
    evaluate = collect.evaluate
    calls = []

    def interrupted(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluate(*arguments)

    monkeypatch.setattr(collect, "evaluate", interrupted)
    assert make_results.main(options(tmp_path)) == 130
    assert [each.label for each in read_records(tmp_path / "docs" / "results" / "data")] == ["full-seed0"]


def test_a_bundled_network_keeps_its_predictions(tmp_path: Path) -> None:
    make_network(tmp_path / "cars.safetensors")
    make_set(tmp_path / "cars.zip", around=True)
    chosen = options(
        tmp_path, cars=tmp_path / "cars.safetensors", cars_test_data=tmp_path / "cars.zip", only=("toy-cars",)
    )
    assert make_results.main(chosen) == 0
    (cars,) = read_records(tmp_path / "docs" / "results" / "data")
    assert cars.circular and cars.seed is None and cars.images_planned is None
    assert cars.scatter is not None and len(cars.scatter.predicted) == 24
    assert cars.yaw.edges[0] == pytest.approx(-math.pi, abs=1e-5)
    with Image.open(tmp_path / "docs" / "results" / "strips" / "toy-cars.png") as image:
        assert image.size == (16 * 16, 4 * 16)
