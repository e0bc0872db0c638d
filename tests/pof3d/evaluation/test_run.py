"""The command: its files, what it leaves out, and how it fails."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pof3d.data.folder import ImageFolder
from pof3d.errors import ConfigError, DatasetError
from pof3d.evaluation import figures, report
from pof3d.evaluation.run import Evaluate, run
from pof3d.metrics import inception
from tests.pof3d.evaluation.sets import make_network, make_set, png_size


def options(folder: Path, data: Path, **changes: Any) -> Evaluate:
    network = folder / "net.safetensors"
    if not network.exists():
        make_network(network)
    small: dict[str, Any] = {"count": 16, "depth_count": 10, "pairs": 3, "latents": 64, "device": "cpu"}
    return Evaluate(network=network, data=data, out=folder / "out", **small | changes)


def found(folder: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((folder / "out" / "figures.json").read_text(encoding="utf-8"))
    return figures


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the pictures, which take most of the time."""
    monkeypatch.setattr(report, "page", lambda _: "page")


class Page(HTMLParser):
    """Notes tags that are left open, and what is fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_figures_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_set(tmp_path / "set.zip")
    assert run(options(tmp_path, data)) == 0
    first = found(tmp_path)
    assert first["schema"] == "pof3d-figures"
    assert first["network"] == {
        "file": "net.safetensors",
        "kind": "native",
        "configuration": "tiny",
        "images_seen": 123_000,
    }
    assert first["data"] == {"file": "set.zip", "images": 24, "images_read": 16, "resolution": 16}
    assert first["pose"]["images"] == 16
    assert first["pose"]["true_poses"] == 24
    assert set(first["pose"]["yaw"]) >= {
        "learned_against_true",
        "predicted_against_true",
        "predicted_against_generated",
    }
    (images,) = first["images"]
    assert images["features"].startswith("toy-probe features v1 (not comparable")
    assert (images["real"], images["generated"], images["num_features"]) == (16, 16, 128)
    assert images["fewer_images_than_features"]
    assert images["fid"] > 0
    assert first["depth"]["true"]["images"] == 10
    assert 0 <= first["depth"]["generated"]["normalised_error_mean"] <= 4
    assert first["reprojection"]["pairs"] == 3
    assert "FID and KID on Inception features" in first["not_computed"]

    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert not page.open
    assert "yaw: Jensen–Shannon distance" in text and "yaw: Jensen–Shannon divergence" in text
    assert "against true ones: 24 of the set&#x27;s own" in text
    assert "samples of this size from one distribution: 0." in text
    assert len(page.sources) == 6
    for source in page.sources:
        match = re.fullmatch(r"data:image/png;base64,(.*)", source)
        assert match
        assert png_size(base64.b64decode(match[1]))[0] > 900
    printed = capsys.readouterr()
    assert printed.out.strip() == str(tmp_path / "out" / "report.html")
    assert "learned yaw: Jensen–Shannon distance " in printed.err
    assert "the FID is too large: 16 images are not more than the 128 features" in printed.err


@pytest.mark.usefixtures("undrawn")
def test_equal_seeds_give_equal_figures(tmp_path: Path) -> None:
    data = make_set(tmp_path / "set.zip")
    first, second, other = (
        (run(options(tmp_path, data, seed=seed)), found(tmp_path) | {"seconds": 0, "settings": 0})[1]
        for seed in (0, 0, 1)
    )
    assert first == second
    assert first["reprojection"] != other["reprojection"]


@pytest.mark.usefixtures("undrawn")
def test_inception_features_come_beside_the_probes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "weights.pth"

    def load(path: Path, _: Any) -> Any:
        assert path == weights
        return lambda images: images.float().mean(dim=(2, 3)) / 255

    monkeypatch.setattr(inception, "load_inception", load)
    assert run(options(tmp_path, make_set(tmp_path / "set.zip"), inception=weights)) == 0
    figures = found(tmp_path)
    probe, beside = figures["images"]
    assert probe["features"].startswith("toy-probe")
    assert beside["features"].startswith("Inception v3")
    assert (beside["num_features"], beside["fewer_images_than_features"]) == (3, False)
    assert figures["settings"]["inception"] == "weights.pth"
    assert not any("Inception" in name for name in figures["not_computed"])
    of_probe, of_inception = (x for x in capsys.readouterr().err.splitlines() if x.startswith("FID"))
    assert "too large" in of_probe and "too large" not in of_inception


def test_a_set_of_images_alone(tmp_path: Path) -> None:
    data = make_set(tmp_path / "set.zip", truth=False)
    assert run(options(tmp_path, data)) == 0
    figures = found(tmp_path)
    missing = figures["not_computed"]
    assert "poses.npz" in missing["pose agreement"]
    assert "poses.npz" in missing["pose distribution"]
    assert "depth.zip" in missing["depth error and normals"]
    assert figures["depth"]["generated"] is None
    assert "predicted_against_true" not in figures["pose"]["yaw"]
    assert figures["images"][0]["fid"] > 0
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "poses.npz" in text


@pytest.mark.usefixtures("undrawn")
def test_a_network_without_a_discriminator(tmp_path: Path) -> None:
    make_network(tmp_path / "net.safetensors", discriminator=None)
    assert run(options(tmp_path, make_set(tmp_path / "set.zip"))) == 0
    figures = found(tmp_path)
    assert figures["not_computed"]["pose agreement"] == "the checkpoint has no discriminator"
    assert "D's poses of generated images" in figures["not_computed"]
    assert "learned_against_true" in figures["pose"]["yaw"]


def test_ctrl_c_leaves_an_earlier_report_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_set(tmp_path / "set.zip")
    out = tmp_path / "out"
    out.mkdir()
    (out / "figures.json").write_text("earlier")
    (out / "report.html").write_text("earlier")

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(figures, "measure_consistency", interrupt)
    assert run(options(tmp_path, data)) == 130
    assert sorted(p.name for p in out.iterdir()) == ["figures.json", "report.html"]
    assert (out / "figures.json").read_text() == (out / "report.html").read_text() == "earlier"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 3}, "--count 3"),
        ({"depth_count": 0}, "--depth-count 0"),
        ({"turn": 181.0}, "--turn 181"),
        ({"seed": -1}, "--seed -1"),
    ],
)
def test_values_out_of_range_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(options(tmp_path, tmp_path / "set.zip", **changes))
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "evaluate", None)
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ConfigError, match="cannot write to"):
        run(options(tmp_path, make_set(tmp_path / "set.zip")))


def test_a_missing_set_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No data set"):
        run(options(tmp_path, tmp_path / "nothing.zip"))


def test_numbers_in_json_are_plain(tmp_path: Path) -> None:
    plain = figures._plain({"a": [float("nan"), 1 / 3, 7], "b": (True, None, float("inf"))})
    assert plain == {"a": [None, 0.333333, 7], "b": [True, None, None]}


def test_true_depth_floor_is_the_probes_own_error(tmp_path: Path) -> None:
    with ImageFolder(make_set(tmp_path / "set.zip")) as folder:
        from pof3d.evaluation.geometry import true_depth

        truth = true_depth(folder, [3, 5])
        assert truth is not None
        places, maps = truth
        assert places == [0, 1]
        expected = folder.depth(5)
        assert expected is not None
        assert maps[1, 0].numpy().tolist() == expected.tolist()
