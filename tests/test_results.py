"""`scripts.make_results`: records of runs, and the document made from them."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import pof3d
from pof3d.data.folder import ImageFolder
from pof3d.errors import ConfigError, TrainingError
from pof3d.evaluation.poses import evaluate_pose
from pof3d.training import statistics
from scripts import make_results
from scripts.make_results import Collect, Write
from scripts.results import collect, curves, document, sections, tables
from scripts.results.records import (
    BUNDLES,
    Curves,
    Histogram,
    Places,
    Protocol,
    Record,
    Scatter,
    read_record,
    read_records,
    write_record,
)
from tests.pof3d.evaluation.sets import DISCRIMINATOR, make_network, make_set

ROOT = Path(__file__).resolve().parent.parent
LINKS = re.compile(r"\]\(([^)#\s]+)\)")


# ------------------------------------------------------------------------------------- synthetic records
def figures(
    *,
    correlation: float | None = 0.9,
    divergence: float = 0.05,
    depth: float = 0.2,
    spread: float = 0.4,
    circular: bool = False,
) -> dict[str, Any]:
    """What figures.json holds, as far as the document reads it."""
    distribution = {"jensen_shannon_bits": divergence, "jensen_shannon_aligned_bits": divergence / 2}
    angle: dict[str, Any] = {
        "learned_std_degrees": math.degrees(spread),
        "true_std_degrees": 25.8,
        "learned_against_true": distribution,
    }
    if circular:
        angle = {"learned_resultant_length": 0.25, "true_resultant_length": 0.03} | {
            "learned_against_true": distribution
        }
    found: dict[str, Any] = {"not_computed": {}}
    if correlation is None:
        found["not_computed"]["pose agreement"] = "the discriminator does not predict poses"
    else:
        angle["predicted_against_true"] = {
            "correlation": correlation,
            "offset_degrees": 1.0,
            "mean_absolute_error_degrees": 4.25,
            "share_beyond_90_degrees": 0.125,
        }
    return found | {
        "pose": {"yaw_is_circular": circular, "yaw": angle, "pitch": angle},
        "images": [{"fid": 12.3, "real_halves_fid": 1.5}],
        "depth": {
            "generated": {"normalised_error_mean": depth},
            "true": {"normalised_error_mean": 0.02},
        },
    }


def record(name: str = "full", seed: int | None = 0, **changes: Any) -> Record:
    around = name == "toy-cars"
    edges = np.linspace(-math.pi, math.pi, 73) if around else np.linspace(-1.6, 1.6, 41)
    bell = np.rint(100 * np.exp(-((edges[1:] / 0.5) ** 2))).astype(int)
    histogram = Histogram(tuple(edges.tolist()), tuple(bell.tolist()), tuple(bell[::-1].tolist()))
    kimg = np.linspace(0.1, 20.0, 60)
    usual: dict[str, Any] = {
        "network": "network-000020.safetensors",
        "sha256": "0" * 64,
        "configuration": name if seed is None else "toy-cats",
        "images_seen": 20_000,
        "images_planned": 20_000,
        "training_seconds": 600.0,
        "initial_spread": 0.5,
        "settings": {"training.total_kimg": (80.0, 20.0)},
        "protocol": Protocol("test.zip", "1" * 64, 1000, 500, 256, 20_000),
        "figures": figures(circular=around),
        "yaw": histogram,
        "pitch": histogram,
        "curves": Curves(
            kimg=tuple(kimg.tolist()),
            yaw_mean=(0.0,) * 60,
            yaw_std=(0.4,) * 60,
            error_kimg=tuple(kimg.tolist()),
            pose_error=(0.1,) * 60,
        ),
        "scatter": Scatter(((0.1, 0.0), (-0.3, 0.1)), ((0.2, 0.0), (-0.2, 0.1))) if seed is None else None,
    }
    return Record(name, seed, **usual | changes)


def put(places: Places, *records: Record) -> None:
    places.data.mkdir(parents=True, exist_ok=True)
    places.strips.mkdir(parents=True, exist_ok=True)
    for each in records:
        write_record(places.data / f"{each.label}.json", each)
        Image.new("RGB", (384, 128), (200, 80, 40)).save(places.strips / f"{each.label}.png")


def row(text: str, title: str) -> list[str]:
    """Cells of the first row of a table that begins with a title."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {title} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


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


# ------------------------------------------------------------------------------------------------ records
def test_a_record_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(path, record("toy-cats", None))
    assert read_record(path) == record("toy-cats", None)
    assert path.read_text().count("\n") < 120  # lists of numbers take one line


@pytest.mark.parametrize("text", ["{", "{}", '{"schema": "pof3d-results 0"}', "[]"])
def test_foreign_records_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "full-seed0.json").write_text(text)
    with pytest.raises(ConfigError, match=r"cannot read the record full-seed0\.json: .* Delete it"):
        read_records(tmp_path)


# ------------------------------------------------------------------------------------------------- tables
def test_cells_are_mean_and_spread() -> None:
    column = tables.YAW_CORRELATION
    runs = [record(seed=i, figures=figures(correlation=c)) for i, c in enumerate((0.9, 0.92, 0.97))]
    summary = tables.over_seeds(column, runs)
    assert summary is not None and summary.count == 3
    # Mean 0.93; squares 0.0009 + 0.0001 + 0.0016, over 2.
    assert tables.cell(column, summary) == "0.930 ± 0.036"
    one = tables.over_seeds(column, runs[:1])
    assert one is not None and tables.cell(column, one) == "0.900"
    assert tables.number(-0.25, 2) == "−0.25"
    assert tables.number(-0.0001, 2) == "0.00"


def test_a_figure_that_some_seeds_lack_is_marked() -> None:
    notes = tables.Footnotes()
    runs = [record(), record(seed=1, figures=figures(correlation=None))]
    cells = tables.experiment_row("x", runs, [tables.YAW_CORRELATION], notes)
    assert cells == ["x", "2", "0.900<sup>1</sup>"]
    assert notes.texts == ["Of 1 of 2 runs: the others have no such figure."]


@pytest.mark.parametrize(
    ("value", "shown", "verdict"),
    [(0.9702, "0.970", "met"), (0.97, "0.970", "met"), (0.9699, "0.96990", "**not met**")],
)
def test_targets_are_told_honestly(value: float, shown: str, verdict: str) -> None:
    row = tables.CAT_TARGETS[0].row(record("toy-cats", None, figures=figures(correlation=value)))
    assert row[1:] == ["≥ 0.97", shown, verdict]


def test_a_target_without_a_figure_is_not_met() -> None:
    row = tables.CAT_TARGETS[2].row(record("toy-cats", None, figures=figures(correlation=None)))
    assert row[1:] == ["≤ 6°", "–", "not measured"]


# ----------------------------------------------------------------------------------------------- document
def test_spreads_are_compared_in_words() -> None:
    runs = {
        name: [record(name, initial_spread=start, figures=figures(spread=end))]
        for name, start, end in (("spread-0.2", 0.2, 0.41), ("full", 0.5, 0.44), ("spread-0.6", 0.6, 0.47))
    }
    text = sections.spread(runs)
    assert "Starts of 0.2, 0.5 and 0.6 rad ended at 0.41, 0.44 and 0.47 rad." in text
    assert (
        "The starts lie 0.40 rad apart, the ends 0.06; the end furthest from the truth is off by 0.04" in text
    )
    del runs["full"], runs["spread-0.6"]
    text = sections.spread(runs)
    assert "Starts of" not in text
    assert row(text, "learned poses (PoF3D)") == ["not run", "", "", "", ""]


def test_ablations_are_compared_in_words() -> None:
    runs = {
        "full": [record(figures=figures(correlation=0.95, depth=0.2))],
        "no-mirroring": [record("no-mirroring", figures=figures(correlation=0.5, depth=0.1))],
        "unaware-d": [record("unaware-d", figures=figures(correlation=None, depth=0.4))],
    }
    text = sections.ablations(runs)
    assert "By D's yaw correlation (0.950 of the full model) all 1 others are worse." not in text
    assert "By D's yaw correlation (0.950 of the full model) the only other is worse." in text
    assert (
        "By the depth error (0.200 of the full model) 1 of 2 others are worse, and not *no mirrored cameras*."
        in text
    )
    assert "One run each" in text


def test_the_document_of_everything(tmp_path: Path) -> None:
    places = Places(tmp_path)
    names = list(sections.TITLES)
    put(places, *(record(name) for name in names), record("full", 1), *(record(n, None) for n in BUNDLES))
    places.commentary.write_text('toy-cars = "Cars go round."\nprior = ""\n', encoding="utf-8")
    (places.images).mkdir(parents=True)
    text = document.write(places).read_text(encoding="utf-8")
    assert "not run" not in text and "None of these" not in text
    assert "Cars go round." in text.partition("## Toy cars")[2]
    assert row(text, "learned poses (PoF3D)")[0] == "2"
    linked = {link for link in LINKS.findall(text) if link.endswith(".png")}
    assert linked >= {f"images/results/{name}" for name in document.PICTURES}
    for link in linked:
        with Image.open(places.docs / link) as image:
            assert image.width in (1034, 384), link


def test_the_document_of_little(tmp_path: Path) -> None:
    places = Places(tmp_path)
    put(places, record("labels", images_seen=5000), record("prior-narrow"))
    places.images.mkdir(parents=True)
    stale = places.images / "spread.png"
    stale.write_bytes(b"of an earlier document")
    text = document.write(places).read_text(encoding="utf-8")
    assert not stale.exists()
    assert "The bundled network was not evaluated." in text and "## Toy cars" not in text
    assert "`labels-seed0` saw 5,000 of 20,000 images" in text
    assert "Not run: *learned poses (PoF3D)*" in text
    assert row(text, "the data set's poses")[0].startswith("1<sup>")
    assert all((places.docs / link).exists() for link in LINKS.findall(text) if link.endswith(".png"))


def test_networks_measured_otherwise_are_named() -> None:
    other = Protocol("other.zip", "2" * 64, 1000, 500, 256, 20_000)
    records = [record(), record("labels"), record("prior-narrow", protocol=other)]
    assert "Measured otherwise, and not to be compared: `prior-narrow-seed0`." in document.page(records, {})


def test_nothing_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is nothing to write: .* Run `python -m scripts"):
        document.write(Places(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weather = 'fine'", "has a text 'weather': sections are introduction, toy-cats"),
        ("prior = 3", "prior cannot be used: it is no text"),
        ("prior = ", r"cannot read .*commentary\.toml"),
    ],
)
def test_commentary_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "commentary.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        document.read_commentary(path)


# --------------------------------------------------------------------------------------- what is committed
def test_the_committed_document_is_what_its_records_say() -> None:
    places = Places(ROOT / "docs")
    records = read_records(places.data)
    assert records, "docs/results/data is empty"
    text = document.page(records, document.read_commentary(places.commentary))
    assert places.page.read_text(encoding="utf-8") == text, "run `python -m scripts.make_results write`"
    assert not [link for link in LINKS.findall(text) if not (places.docs / link).exists()]
    for each in records:
        limit = collect.LARGEST_GRID if each.seed is None else collect.LARGEST_STRIP
        assert (places.strips / f"{each.label}.png").stat().st_size <= limit


def test_snapshots_give_a_curve(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "statistics.jsonl"
    for images, spread in ((2000, 0.1), (4000, 0.3)):
        poses = torch.tensor([[spread, 0.0], [-spread, 0.0]])
        statistics.append(path, statistics.measure(poses, images, f"network-{images}.safetensors", 1.0))
    found = curves.read_curves(tmp_path / "log.jsonl", path)
    assert found.snapshot_kimg == (2.0, 4.0)
    assert found.snapshot_yaw_std == pytest.approx((0.1, 0.3))
