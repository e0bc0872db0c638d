"""`scripts.make_results write`: from records to the document."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from PIL import Image

from pof3d.errors import ConfigError
from scripts.results import collect, document, sections, tables
from scripts.results.records import BUNDLES, Places, Protocol, read_record, read_records, write_record
from tests.result_records import LINKS, figures, put, record, row

ROOT = Path(__file__).resolve().parent.parent


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
    assert tables.cell(column, summary) == "0.930 ±\u00a00.036"
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


@pytest.mark.parametrize(("divergence", "verdict"), [(0.0199, "met"), (0.0202, "**not met**")])
def test_the_distance_is_judged_not_the_divergence(divergence: float, verdict: str) -> None:
    # Half of it when aligned; √0.01 = 0.1.
    row = tables.CAT_TARGETS[3].row(record("toy-cats", None, figures=figures(divergence=divergence)))
    assert row[0] == "G's yaw: Jensen–Shannon distance, aligned"
    assert (row[1], row[3]) == ("≤ 0.1", verdict)
    assert float(row[2]) == pytest.approx(math.sqrt(divergence / 2), abs=6e-4)


def test_what_distributions_are_compared_with_is_said() -> None:
    text = sections.toy_cats(record("toy-cats", None, figures=figures(divergence=0.02)))
    assert (
        "G's yaws: JS distance 0.141, JS distance aligned 0.100, JS bits 0.020 and JS bits aligned 0.010."
        " JS is Jensen–Shannon, of G's yaws against 20,000 poses drawn as toy-cats are (samples as large"
        " from one distribution: about 0.031)." in text
    )
    own = figures()
    own["pose"]["true_distribution"] = {"source": "own", "poses": 1000}
    text = sections.compared_with([record("toy-cats", None, figures=own)])
    assert "against 1,000 true poses of the test images (samples as large" in text


def test_a_target_without_a_figure_is_not_met() -> None:
    row = tables.CAT_TARGETS[2].row(record("toy-cats", None, figures=figures(correlation=None)))
    assert row[1:] == ["≤ 6°", "–", "not measured"]


# ----------------------------------------------------------------------------------------------- document
def test_spreads_are_compared_in_words() -> None:
    runs = {
        name: [record(name, initial_spread=start, figures=figures(spread=end))]
        for name, start, end in (
            ("spread-0.2", 0.2, 0.41),
            ("spread-0.6", 0.6, 0.47),
        )
    }
    text = sections.spread(runs)
    assert "Starts of 0.2 and 0.6 rad ended at 0.41 and 0.47 rad." in text
    assert (
        "The starts lie 0.40 rad apart, the ends 0.06; the end furthest from the truth is off by 0.04" in text
    )
    del runs["spread-0.6"]
    text = sections.spread(runs)
    assert "Starts of" not in text
    assert row(text, "learned poses, initial spread 0.6") == ["not run", *[""] * 6]


def test_ablations_are_compared_in_words() -> None:
    runs = {
        "full": [record(figures=figures(correlation=0.95, depth=0.2))],
        "no-mirroring": [record("no-mirroring", figures=figures(correlation=0.5, depth=0.1))],
        "unaware-d": [record("unaware-d", figures=figures(correlation=None, depth=0.4))],
    }
    text = sections.ablations(runs)
    assert "By D's yaw correlation (0.950 of the full model) the only other is worse." in text
    assert "By the depth error (0.200 of the full model) 1 of 2 others are worse: *D not pose-aware*." in text
    assert "One run each" in text


def test_the_document_of_everything(tmp_path: Path) -> None:
    places = Places(tmp_path)
    names = ("full", "spread-0.2", "spread-0.6", "labels")
    put(places, *(record(name) for name in names), record("full", 1), *(record(n, None) for n in BUNDLES))
    places.commentary.write_text('toy-cars = "Cars go round."\nprior = ""\n', encoding="utf-8")
    (places.images).mkdir(parents=True)
    text = document.write(places).read_text(encoding="utf-8")
    assert "None of these" not in text
    assert row(text, "no mirrored cameras") == ["not run", *[""] * len(tables.ABLATION_COLUMNS)]
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


def test_seeds_trained_otherwise_are_named() -> None:
    other = record(seed=1, settings={"training.total_kimg": (80.0, 20.0), "training.batch": (16, 8)})
    text = document.page([record(), other, record("labels")], {})
    assert "All differ from the preset `toy-cats` by `training.total_kimg` 20.0." in text
    assert "| learned poses (PoF3D) | **its runs differ:** –; `training.batch` 8 |" in text
    assert "| the data set's poses | – |" in text


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
