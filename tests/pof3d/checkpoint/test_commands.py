"""``info`` and ``convert``, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import pof3d
from pof3d.__main__ import main
from pof3d.checkpoint import save
from pof3d.checkpoint.commands import image_difference
from tests.pof3d.checkpoint.networks import tiny_network
from tests.pof3d.checkpoint.pickles import snapshot, write


@pytest.fixture
def native(tmp_path: Path) -> Path:
    network = tiny_network()
    provenance = {"dataset": "cats", "learned_poses": {"yaw_mean": 9.0}}
    return save(
        tmp_path / "network-000004.safetensors",
        network.config,
        network.generator,
        network.discriminator,
        provenance,
    )


@pytest.mark.parametrize("kind", ["native", "release", "eg3d", "run"])
def test_info_of_every_kind(
    kind: str, native: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = native
    if kind == "release":
        path = write(tmp_path / "network-snapshot-004800.pkl", snapshot(tiny_network()))
    elif kind == "eg3d":
        path = write(tmp_path / "eg3d.pkl", snapshot(tiny_network(pose_source="conditioning")))
    elif kind == "run":
        path = tmp_path
    assert main(["info", str(path)]) == 0
    text = capsys.readouterr().out
    words = {
        "native": ("native (safetensors)", "cats", "Learned poses, of 4,096 latents: yaw"),
        "release": ("PoF3D release (pickle)", "4,800,000", "Learned poses, of 4,096 latents: yaw"),
        "eg3d": ("EG3D release (pickle)", "no pose learner", "EG3D release"),
        "run": ("native (safetensors)", "network-000004.safetensors"),
    }[kind]
    for word in (*words, "8²", "Focal length", "Plane axes", "Parameters of D"):
        assert word in text, word
    assert ("Learned poses" in text) == (kind != "eg3d")


def test_info_as_json(native: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(native), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "native"
    assert found["bytes"] == native.stat().st_size
    assert found["config"]["generator"]["z_dim"] == 4
    assert found["provenance"]["dataset"] == "cats"
    # Sampled from the network, not what the file claims.
    assert abs(found["learned_poses"]["yaw_mean"]) < 2.0
    network = pof3d.load(native)
    assert found["parameters"]["generator"] == sum(p.numel() for p in network.generator.parameters())


def test_info_of_what_is_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "page.pkl", b"<!DOCTYPE html><html><body>Sign in</body></html>")
    assert main(["info", str(path)]) == 1
    assert "it is a web page" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["info", "convert"])
def test_an_error_names_the_file(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = tiny_network()
    good = save(tmp_path / "good.safetensors", network.config, network.generator)
    broken = write(tmp_path / "my net.safetensors", good.read_bytes()[:-10])
    more = [str(tmp_path / "out.safetensors")] if command == "convert" else []
    assert main([command, str(broken), *more]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert told == (
        "Error: cannot open my net.safetensors: the checkpoint is damaged: it ends too early. "
        "Copy or download the file again."
    )


def test_what_is_nested_deeply_is_told_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = tiny_network()
    inner = json.loads("[" * 900 + "]" * 900)
    path = save(tmp_path / "a.safetensors", network.config, network.generator, None, {"x": inner})
    assert main(["info", str(path)]) == 0
    assert "…" in capsys.readouterr().out
    assert main(["info", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "native"


def test_half_precision_stays(native: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    half, again, whole = (tmp_path / f"{name}.safetensors" for name in ("half", "again", "whole"))
    large = tiny_network(w_dim=300)
    save(native, large.config, large.generator, large.discriminator)
    assert main(["convert", str(native), str(half), "--half"]) == 0
    assert main(["convert", str(half), str(again)]) == 0
    assert "16 bits a number" in " ".join(capsys.readouterr().err.split())
    assert abs(again.stat().st_size - half.stat().st_size) < 500
    assert main(["convert", str(native), str(whole)]) == 0
    assert "32 bits a number" in " ".join(capsys.readouterr().err.split())
    assert abs(whole.stat().st_size - native.stat().st_size) < 500


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("source", ["learned", "conditioning"])
def test_convert_a_release(
    tmp_path: Path, half: bool, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    network = tiny_network(pose_source=source)
    path = write(tmp_path / "network-snapshot-000100.pkl", snapshot(network))
    target = tmp_path / "out.safetensors"
    assert main(["convert", str(path), str(target), *(["--half"] if half else [])]) == 0
    told = capsys.readouterr().err.replace("\n", " ")
    original, converted = pof3d.load(path), pof3d.load(target)
    worst, mean = image_difference(original, converted)
    assert f"at most {worst:.0f} of 255 grey levels, {mean:.3f} on average" in told
    assert worst == 0.0 if not half else worst < 40
    assert converted.config == original.config
    assert converted.provenance["converted_from"] == path.name
    assert converted.provenance["images_seen"] == 100_000
    assert converted.discriminator is not None
    state = converted.generator.state_dict()
    exact = all(torch.equal(state[name], t) for name, t in original.generator.state_dict().items())
    assert exact == (not half)


def test_differences_of_images_are_measured() -> None:
    one, other = tiny_network(), tiny_network()
    assert image_difference(one, other) == (0.0, 0.0)
    with torch.no_grad():
        other.generator.decoder.output.bias.add_(1.0)
    worst, mean = image_difference(one, other)
    assert worst >= mean > 1.0


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("out.pkl", "end in .safetensors"),
        ("no/folder/out.safetensors", "there is no folder"),
        ("network-000004.safetensors", "replace its source"),
    ],
)
def test_targets_that_cannot_be(
    native: Path, tmp_path: Path, target: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = native.read_bytes()
    assert main(["convert", str(native), str(tmp_path / target)]) == 1
    assert why in capsys.readouterr().err.replace("\n", " ")
    assert native.read_bytes() == before


def test_a_source_that_cannot_be_read_leaves_the_target(tmp_path: Path) -> None:
    target = write(tmp_path / "out.safetensors", b"precious")
    source = write(tmp_path / "broken.pkl", b"\x80\x04broken")
    assert main(["convert", str(source), str(target)]) == 1
    assert target.read_bytes() == b"precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken.pkl", "out.safetensors"]


HOSTILE = "[/b][link=file:///etc/passwd]x[/link] \x1b]0;title\x07\x1b[2J\u202e"


def test_texts_in_files_are_only_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = tiny_network()
    provenance = {"dataset": HOSTILE, HOSTILE: {HOSTILE: HOSTILE}, "discriminator": HOSTILE}
    path = save(tmp_path / "[b]x.safetensors", network.config, network.generator, None, provenance)
    assert main(["info", str(path)]) == 0
    assert main(["convert", str(path), str(tmp_path / "[b]y.safetensors")]) == 0
    told = capsys.readouterr()
    for text in (told.out, told.err):
        assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text
    assert "[/b][link=file:///etc/passwd]x[/link]" in told.out
    assert "[b]x.safetensors" in told.out
