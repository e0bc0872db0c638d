"""Figures in the documents: written from one record, which is kept beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import document
from benchmarks.record import Record
from pof3d.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def record() -> Record:
    return Record.read(ROOT / document.KEPT["cpu"])


# --------------------------------------------------------------------------------------- what is committed
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_committed_documents_are_what_their_record_says(device: str) -> None:
    path = ROOT / document.KEPT[device]
    if device == "cuda" and not path.exists():
        assert document.between((ROOT / document.PAGE).read_text(encoding="utf-8"), "gpu") is None
        return
    found = Record.read(path)
    assert document.checked(found) == device
    for (name, marker), text in document.sections(found).items():
        written = document.between((ROOT / name).read_text(encoding="utf-8"), marker)
        assert written == text.strip(), f"run `python -m benchmarks.document {path.relative_to(ROOT)}`"
    for name in document.figures(found):
        with Image.open(ROOT / document.IMAGES / f"{name}.png") as image:
            assert image.width == 1034


def test_no_plot_is_left_over() -> None:
    shown = "".join((ROOT / name).read_text(encoding="utf-8") for name in (document.PAGE, document.README))
    for path in (ROOT / document.IMAGES).iterdir():
        assert f"images/benchmarks/{path.name}" in shown, path


# ------------------------------------------------------------------------------------------------- writing
def test_writing_changes_what_is_between_the_markers(tmp_path: Path, record: Record) -> None:
    for folder in ("docs/results", "docs/images"):
        (tmp_path / folder).mkdir(parents=True)
    for name, marker in document.sections(record):
        (tmp_path / name).write_text(
            f"before\n<!-- benchmarks:{marker}, by hand -->\nold\n"
            f"<!-- end of benchmarks:{marker} -->\nafter\n",
            encoding="utf-8",
        )
    document.write(record, tmp_path)
    for (name, marker), text in document.sections(record).items():
        found = (tmp_path / name).read_text(encoding="utf-8")
        assert found.startswith("before\n<!-- benchmarks:") and found.endswith("-->\nafter\n")
        assert document.between(found, marker) == text.strip() and "\nold\n" not in found
    assert Record.read(tmp_path / document.KEPT["cpu"]).parts == record.parts
    drawn = {path.name for path in (tmp_path / document.IMAGES).iterdir()}
    assert drawn == {
        f"{name}.png" for name in ("speedups", "stages", "quality", "resolution", "growth", "cold-start")
    }


def test_a_document_without_markers_is_left_alone(tmp_path: Path, record: Record) -> None:
    shutil.copytree(ROOT / "docs" / "results", tmp_path / "docs" / "results")
    for name in (document.PAGE, document.README):
        (tmp_path / name).write_text("nothing\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="There is no place for measured: the markers are gone"):
        document.write(record, tmp_path)
    assert (tmp_path / document.PAGE).read_text(encoding="utf-8") == "nothing\n"


def test_figures_that_mean_nothing_are_refused(record: Record) -> None:
    record.machine["quick"] = True
    with pytest.raises(ConfigError, match="measured with --quick"):
        document.checked(record)


@pytest.mark.parametrize(("load", "busy"), [(0.2, False), (2.3, False), (None, False), (4.2, True)])
def test_a_busy_machine_is_told_about(record: Record, load: float | None, busy: bool) -> None:
    record.machine["threads"] = 2
    for found in record.parts.values():
        found["load"] = load
    said = "The machine was busy, its load up to 4.2" in document.measured_text(record)
    assert said is busy


def test_missing_figures_are_named(record: Record) -> None:
    del record.parts["growth"], record.parts["memory"]["cars"]
    record.parts["quality"]["failed"] = "ValueError: x"
    with pytest.raises(ConfigError) as caught:
        document.checked(record)
    assert "growth, cars of memory, quality" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"Cannot read .*benchmarks\.json"),
        ('{"schema": "pof3d-figures", "schema_version": 1}', "another kind or version"),
        (None, "Run `make bench` first"),
    ],
)
def test_files_that_are_no_record_are_refused(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "benchmarks.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        Record.read(path)
