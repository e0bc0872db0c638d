"""Our own files: exact round trips, safe writing, and what is refused."""

from __future__ import annotations

import errno
import json
import math
import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import pof3d
from pof3d.checkpoint import save
from pof3d.config import TOY_CATS, NetworkConfig
from pof3d.errors import CheckpointError
from pof3d.nets.generator import Generator
from pof3d.training.config import PRESETS, PresetName
from tests.pof3d.checkpoint.networks import tiny_network

PROVENANCE: dict[str, object] = {
    "dataset": "toy cats",
    "images_seen": 1_200_000,
    "commit": "0123abc",
    "metrics": {"fid": 12.5, "pose": [0.1, 0.2]},
    "note": "für α, β",
}


def store(path: Path, network: pof3d.Network, **options: Any) -> Path:
    return save(path, network.config, network.generator, network.discriminator, PROVENANCE, **options)


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def put(path: Path, header: dict[str, Any] | bytes, data: bytes) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@pytest.mark.parametrize("kind", ["none", "2x", "4x"])
def test_round_trip_is_exact(tmp_path: Path, kind: Any) -> None:
    network = tiny_network(kind)
    opened = pof3d.load(store(tmp_path / "a.safetensors", network))
    assert opened.kind == "native"
    assert opened.config == network.config
    assert opened.provenance == PROVENANCE
    assert opened.size_bytes == opened.path.stat().st_size
    for ours, theirs in (
        (network.generator, opened.generator),
        (network.discriminator, opened.discriminator),
    ):
        assert ours is not None and theirs is not None
        before, after = ours.state_dict(), theirs.state_dict()
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)
    z = torch.randn(2, 4)
    w, pose = network.generator.map(z)
    again, same_pose = opened.generator.map(z)
    a, b = network.generator.render(w, pose), opened.generator.render(again, same_pose)
    assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_release_to_native(tmp_path: Path, nosr: pof3d.Network) -> None:
    opened = pof3d.load(store(tmp_path / "a.safetensors", nosr))
    assert opened.config == nosr.config
    before, after = nosr.generator.state_dict(), opened.generator.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_half_precision_is_half_the_size_and_almost_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = replace(TOY_CATS.generator, plane_resolution=32)
    generator = Generator(config).eval().requires_grad_(False)
    generator.decoder.output.bias[0] = 3.0  # dense enough to see something
    full = save(tmp_path / "full.safetensors", NetworkConfig("toy", config), generator)
    half = save(tmp_path / "half.safetensors", NetworkConfig("toy", config), generator, half=True)
    assert half.stat().st_size < 0.52 * full.stat().st_size
    opened = pof3d.load(half).generator
    assert {p.dtype for p in opened.parameters()} == {torch.float32}
    before, after = generator.state_dict(), opened.state_dict()
    for name, tensor in before.items():
        assert torch.allclose(tensor, after[name], rtol=2**-10, atol=1e-6), name
    images = [net.render(*net.map(torch.ones(1, 64)), resolution=32).image for net in (generator, opened)]
    assert float(images[0].std()) > 0.05
    assert 0.0 < float((images[0] - images[1]).abs().mean()) < 2e-3


def test_numbers_too_large_for_half_precision_stay_exact(tmp_path: Path) -> None:
    network = tiny_network()
    network.generator.decoder.output.bias.data[0] = 1e6
    opened = pof3d.load(store(tmp_path / "half.safetensors", network, half=True))
    assert torch.equal(opened.generator.decoder.output.bias, network.generator.decoder.output.bias)


def test_without_discriminator(tmp_path: Path) -> None:
    network = tiny_network()
    path = save(tmp_path / "a.safetensors", network.config, network.generator)
    opened = pof3d.load(path)
    assert opened.discriminator is None
    assert opened.config.discriminator is None
    assert opened.provenance == {}


def test_other_programs_can_read_it(tmp_path: Path) -> None:
    network = tiny_network()
    path = store(tmp_path / "a.safetensors", network)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        assert metadata["format"] == "pof3d"
        assert metadata["format_version"] == "1"
        assert msgspec.json.decode(metadata["config"], type=NetworkConfig) == network.config
        assert json.loads(metadata["provenance"]) == PROVENANCE
        name = "generator.decoder.output.weight"
        assert torch.equal(file.get_tensor(name), network.generator.decoder.output.weight)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    # … and what they write, in whatever order, is read here
    save_file(tensors, tmp_path / "b.safetensors", metadata)
    assert pof3d.load(tmp_path / "b.safetensors").config == network.config


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name: PresetName) -> None:
    from pof3d.checkpoint.native import decode_config

    assert decode_config(msgspec.json.encode(PRESETS[name].network)) == PRESETS[name].network


# --------------------------------------------------------------------------------------------------- writing
@contextmanager
def size_limit(limit: int) -> Iterator[None]:
    """Let no file grow beyond ``limit`` bytes."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = store(tmp_path / "a.safetensors", tiny_network())
    before = path.read_bytes()
    with size_limit(4096), pytest.raises(CheckpointError, match="could not be saved"):
        store(path, tiny_network("4x"))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store(tmp_path / "a.safetensors", tiny_network())
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="the disk is full") as caught:
        store(path, tiny_network("4x"))
    assert "unchanged" in str(caught.value)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        store(tmp_path / "a.safetensors", tiny_network())
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        store(tmp_path / "no" / "a.safetensors", tiny_network())
    (tmp_path / "folder").mkdir()
    with pytest.raises(CheckpointError, match="is a directory"):
        store(tmp_path / "folder", tiny_network())
    assert os.listdir(tmp_path) == ["folder"]


def test_link_keeps_pointing_where_it_did(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "latest").symlink_to(tmp_path / "runs" / "a.safetensors")
    store(tmp_path / "latest", tiny_network())
    assert (tmp_path / "latest").is_symlink()
    assert os.listdir(tmp_path / "runs") == ["a.safetensors"]


def test_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    path = store(tmp_path / "a.safetensors", tiny_network())
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


# --------------------------------------------------------------------------------------------------- reading
def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], None]:
    """Change the configuration in a header."""

    def edit(header: dict[str, Any]) -> None:
        config = json.loads(header["__metadata__"]["config"])
        change(config)
        header["__metadata__"]["config"] = json.dumps(config)

    return edit


NAME = "generator.decoder.output.bias"
BAD_CONFIGS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "enormous": (lambda c: c["generator"].update(channel_max=10**9), "channel_max is 1e"),
    "enormous-mapping": (lambda c: c["generator"].update(mapping_layers=10**9), "mapping_layers"),
    "enormous-planes": (lambda c: c["generator"].update(plane_resolution=2**40), "plane_resolution"),
    "enormous-raw": (lambda c: c["generator"]["render"].update(resolution=10**6), "render.resolution"),
    "enormous-discriminator": (lambda c: c["discriminator"].update(resolution=2**30), "discriminator.res"),
    "enormous-superres": (lambda c: c["generator"]["superres"].update(widths=[10**8, 1]), "superres.widths"),
    "negative": (lambda c: c["generator"].update(z_dim=-4), "z_dim is -4"),
    "zero": (lambda c: c["generator"].update(channel_base=0), "channel_base"),
    "odd": (lambda c: c["generator"].update(plane_resolution=12), "not a power of two"),
    "text": (
        lambda c: c["generator"].update(z_dim="4"),
        r"Expected `int`, got `str` - at `\$.generator.z_dim`",
    ),
    "fraction": (lambda c: c["generator"].update(z_dim=4.5), "z_dim"),
    "choice": (lambda c: c["generator"]["superres"].update(kind="16x"), "superres.kind"),
    "short": (lambda c: c["generator"]["camera"].update(pivot=[0, 0]), "camera.pivot"),
    "unknown": (lambda c: c["generator"]["render"].update(fancy=1), "generator.render.fancy"),
    "unknown-at-the-top": (lambda c: c.update(fancy=1), "'fancy' is not known"),
    "backwards": (lambda c: c["generator"]["render"].update(ray_end=0.1), "ray_end"),
    "clamp": (lambda c: c["generator"]["camera"].update(clamp_h=[2, 1]), "clamp_h"),
    "another-shape": (lambda c: c["generator"].update(w_dim=9), r"is \[.*\] instead of \["),
    "more-layers": (
        lambda c: c["generator"].update(mapping_layers=3),
        "fc2.bias, mapping.fc2.weight missing",
    ),
    "fewer-layers": (lambda c: c["generator"].update(mapping_layers=1), "unexpected"),
    "no-discriminator": (lambda c: c.update(discriminator=None), "no configuration of it"),
    "a-list": (lambda c: c.update(generator=[]), "generator"),
}


@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_configurations_that_cannot_be(tmp_path: Path, name: str) -> None:
    header, data = parts(store(tmp_path / "a.safetensors", tiny_network()))
    change, why = BAD_CONFIGS[name]
    edited(change)(header)
    with pytest.raises(CheckpointError, match=why):
        pof3d.load(put(tmp_path / "b.safetensors", header, data))


def test_missing_settings_have_their_defaults(tmp_path: Path) -> None:
    """So that files of this version stay readable when a setting is added."""
    header, data = parts(store(tmp_path / "a.safetensors", tiny_network()))
    edited(lambda c: c["generator"]["render"].pop("confine_to_box"))(header)
    assert pof3d.load(put(tmp_path / "b.safetensors", header, data)).config == tiny_network().config


def move(header: dict[str, Any], by: int) -> None:
    header[NAME]["data_offsets"] = [offset + by for offset in header[NAME]["data_offsets"]]


BAD_HEADERS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no-metadata": (lambda h: h.pop("__metadata__"), "not a checkpoint of this program"),
    "metadata-list": (lambda h: h.update(__metadata__=[]), "not a checkpoint of this program"),
    "other-format": (lambda h: h["__metadata__"].update(format="pt"), "not a checkpoint of this program"),
    "newer": (lambda h: h["__metadata__"].update(format_version="2"), "format version 2.*Update the program"),
    "no-config": (lambda h: h["__metadata__"].pop("config"), "configuration is not readable"),
    "config-not-json": (lambda h: h["__metadata__"].update(config="{"), "configuration is not readable"),
    "deep-config": (
        lambda h: h["__metadata__"].update(config="[" * 100_000),
        "configuration is not readable",
    ),
    "provenance-list": (lambda h: h["__metadata__"].update(provenance="[]"), "provenance is not readable"),
    "missing": (lambda h: h.pop(NAME), "overlap or leave gaps"),
    "surplus": (lambda h: h.update({"generator.x": h[NAME]}), "overlap or leave gaps"),
    "of-nobody": (lambda h: h.update({"optimizer.x": h.pop(NAME)}), "belongs to no network"),
    "renamed": (lambda h: h.update({NAME + "es": h.pop(NAME)}), "decoder.output.bias missing"),
    "overlap": (lambda h: move(h, -4), "overlap or leave gaps"),
    "beyond": (lambda h: move(h, 2**40), "overlap or leave gaps"),
    "size": (lambda h: h[NAME].update(shape=[2**40]), "claims another size"),
    "many-sizes": (lambda h: h[NAME].update(shape=[2**40] * 8), "claims another size"),
    "negative": (lambda h: h[NAME].update(shape=[-1]), "impossible"),
    "dimensions": (lambda h: h[NAME].update(shape=[1] * 99), "unknown form"),
    "type": (lambda h: h[NAME].update(dtype="I32"), "unknown type"),
    "entry": (lambda h: h.update({NAME: 5}), "unknown form"),
    "offsets": (lambda h: h[NAME].update(data_offsets=[0, 4, 8]), "unknown form"),
    "reshaped": (lambda h: h[NAME].update(shape=[1, 5]), r"is \[1, 5\] instead of \[5\]"),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_headers_that_cannot_be(tmp_path: Path, name: str) -> None:
    header, data = parts(store(tmp_path / "a.safetensors", tiny_network()))
    change, why = BAD_HEADERS[name]
    change(header)
    with pytest.raises(CheckpointError, match=why):
        pof3d.load(put(tmp_path / "b.safetensors", header, data))


def test_truncated_and_prolonged(tmp_path: Path) -> None:
    content = store(tmp_path / "a.safetensors", tiny_network()).read_bytes()
    path = tmp_path / "b.safetensors"
    for length in [*range(0, 40), *range(40, len(content), 997), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError):
            pof3d.load(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(CheckpointError, match="something follows its end"):
        pof3d.load(path)


def test_header_that_claims_to_be_huge(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for size in (2**63, 2**31, 2**23):
        path.write_bytes(struct.pack("<Q", size) + b'{"a":1}' + b" " * 100)
        with pytest.raises(CheckpointError):
            pof3d.load(path)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["generator", "discriminator"])
def test_numbers_that_are_not_finite(tmp_path: Path, value: float, where: str) -> None:
    network = tiny_network()
    net = getattr(network, where)
    name, parameter = next(iter(net.named_parameters()))
    parameter.data.flatten()[0] = value
    with pytest.raises(CheckpointError, match=rf"{where} is unusable: {name} holds .*diverged"):
        pof3d.load(store(tmp_path / "a.safetensors", network))


def test_large_finite_numbers_are_fine(tmp_path: Path) -> None:
    network = tiny_network()
    network.generator.decoder.output.weight.data.fill_(3e38)  # their sum is not finite
    pof3d.load(store(tmp_path / "a.safetensors", network))


def test_building_takes_neither_memory_nor_the_compiler() -> None:
    """Shapes are compared before memory is taken, without what makes torch's meta device slow to start."""
    code = (
        "import sys\n"
        "from pof3d.checkpoint.assemble import without_memory\n"
        "from pof3d.config import FFHQ\n"
        "from pof3d.nets.generator import Generator\n"
        "net = without_memory(lambda: Generator(FFHQ.generator))\n"
        "assert all(t.is_meta for t in net.state_dict().values())\n"
        "assert 'sympy' not in sys.modules, 'slow'\n"
    )
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=60)


def test_shapes_without_memory_are_the_real_ones() -> None:
    from pof3d.checkpoint.assemble import without_memory

    for kind in ("none", "2x", "4x"):
        config = tiny_network(kind).config.generator
        hollow, real = without_memory(lambda c=config: Generator(c)), Generator(config)  # type: ignore[misc]
        assert {k: v.shape for k, v in hollow.state_dict().items()} == {
            k: v.shape for k, v in real.state_dict().items()
        }
