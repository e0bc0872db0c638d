"""Small files that would take much memory or time: refused before they do."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import pof3d
from pof3d.checkpoint import LoadCancelled, save
from pof3d.checkpoint.assemble import check_config
from pof3d.config import CARS, CATS, FFHQ, TOY_CARS, TOY_CATS, NetworkConfig, RenderConfig
from pof3d.errors import CheckpointError
from tests.pof3d.checkpoint.networks import tiny_network
from tests.pof3d.checkpoint.pickles import (
    LOAD_FROM_BYTES,
    ORDERED,
    REBUILD,
    Call,
    Name,
    Object,
    Raw,
    dump,
    opcodes,
    snapshot,
    storage_bytes,
    text,
    write,
)

MODULE = Name("torch.nn.modules.container", "Sequential")


@contextmanager
def cheap(seconds: float = 10.0, mebibytes: int = 60) -> Iterator[None]:
    """What happens inside takes little time and, as far as Python's own objects go, little memory."""
    tracemalloc.start()
    began = time.monotonic()
    try:
        yield
        assert time.monotonic() - began < seconds
        assert tracemalloc.get_traced_memory()[1] < mebibytes << 20
    finally:
        tracemalloc.stop()


def get(index: int) -> Raw:
    return Raw(b"j" + index.to_bytes(4, "little"))


def keep(value: Any, index: int) -> Raw:
    return Raw(opcodes(value) + b"r" + index.to_bytes(4, "little"))


def itself_often(count: int) -> bytes:
    """A module that contains itself under many names."""
    items = text("a") + opcodes(Object(MODULE, {"_modules": get(0)})) + b"r\x01\0\0\0"
    items += b"".join(text(f"{i:x}!") + get(1).code for i in range(count))
    whole = Raw(b"}r\x00\x00\x00\x00(" + items + b"u")
    return dump({"x": whole, "G_ema": get(1)})


def many_empty_buffers(buffers: int, modules: int) -> bytes:
    """Modules that share one dictionary of many buffers, all None."""
    nothing = keep({f"{i:x}": None for i in range(buffers)}, 0)
    child = keep(Object(MODULE, {"_buffers": get(0), "_parameters": get(0)}), 1)
    return dump(
        {
            "x": nothing,
            "y": child,
            "G_ema": Object(MODULE, {"_modules": {f"{i:x}": get(1) for i in range(modules)}}),
        }
    )


def long_names(modules: int) -> bytes:
    """Modules under names of 60 KB, each of which holds others of such names."""
    child = keep(Object(MODULE, {}), 1)
    names = {f"{i}" + "n" * 60_000: get(1) for i in range(modules)}
    return dump({"y": child, "G_ema": Object(MODULE, {"_modules": names})})


PICKLES: dict[str, Callable[[], bytes]] = {
    "itself": lambda: itself_often(20_000),
    "itself, few": lambda: itself_often(50),
    "empty buffers": lambda: many_empty_buffers(20_000, 5_000),
    "long names": lambda: long_names(100),
}


@pytest.mark.parametrize("name", PICKLES)
def test_modules_without_end(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "file.pkl", PICKLES[name]())
    with cheap(), pytest.raises(CheckpointError, match="damaged"):
        pof3d.load(path)


def test_many_modules_can_be_cancelled(tmp_path: Path) -> None:
    path = write(tmp_path / "file.pkl", many_empty_buffers(1, 5_000))
    asked: list[str] = []

    def progress(share: float, what: str) -> None:
        asked.append(what)

    with pytest.raises(LoadCancelled):
        pof3d.load(path, progress=progress, cancelled=lambda: len(asked) > 40)
    assert len(asked) < 50


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
def test_tensors_that_share_their_numbers(dtype: torch.dtype, tmp_path: Path) -> None:
    """Each fits into the file, all together do not."""
    network = tiny_network(critic=False, w_dim=600, mapping_layers=12)
    value = snapshot(network)
    shared = keep(Call(LOAD_FROM_BYTES, (storage_bytes(torch.zeros(360_000, dtype=dtype)),)), 12345)
    layers = value["G_ema"].arguments[0]["state"]["_modules"]["backbone"].arguments[0]["state"]
    mapping = layers["_modules"]["mapping"].arguments[0]["state"]["_modules"]
    for i in range(1, 12):
        parameters = mapping[f"fc{i}"].arguments[0]["state"]["_parameters"]
        parameters["weight"] = Call(REBUILD, (get(12345), 0, (600, 600), (600, 1), False, ORDERED))
    path = write(tmp_path / "file.pkl", {"zz": shared, **value})
    why = "share their numbers" if dtype == torch.float32 else "whole numbers"
    with pytest.raises(CheckpointError, match=why):
        pof3d.load(path)


def test_one_storage_asked_for_many_times_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pof3d.checkpoint.restricted_pickle import _Reader

    parsed: list[object] = []
    inner = _Reader._parse

    def counted(self: Any, blob: Any) -> Any:
        parsed.append(blob)
        return inner(self, blob)

    monkeypatch.setattr(_Reader, "_parse", counted)
    arguments = keep((storage_bytes(torch.zeros(3)),), 7)
    asked = [Raw(opcodes(LOAD_FROM_BYTES) + get(7).code + b"R")] * 500
    path = write(tmp_path / "file.pkl", {"x": arguments, "y": asked})
    with pytest.raises(CheckpointError, match="no generator"):
        pof3d.load(path)
    assert len(parsed) == 1


# ------------------------------------------------------------------------------------------- configurations
def excessive() -> dict[str, NetworkConfig]:
    whole = tiny_network().config
    small, critic = whole.generator, whole.discriminator
    assert critic is not None
    return {
        "tri-planes": replace(
            whole,
            generator=replace(small, plane_resolution=2048, plane_channels=2000, channel_base=2048),
        ),
        "backbone": replace(
            whole, generator=replace(small, plane_resolution=2048, channel_base=1 << 21, channel_max=1024)
        ),
        "raw image": replace(
            whole,
            generator=replace(small, feature_channels=16384, render=replace(small.render, resolution=2048)),
        ),
        "rays": replace(
            whole,
            generator=replace(
                small,
                decoder_hidden=16384,
                render=replace(small.render, depth_samples=1000, importance_samples=1000),
            ),
        ),
        "samples": replace(
            whole,
            generator=replace(
                small, render=RenderConfig(resolution=2048, depth_samples=500, importance_samples=500)
            ),
        ),
        "super-resolution": replace(
            whole, generator=replace(small, superres=replace(small.superres, kind="8x", widths=(1, 16384)))
        ),
        "discriminator": replace(
            whole, discriminator=replace(critic, resolution=2048, channel_base=1 << 22, channel_max=1024)
        ),
    }


@pytest.mark.parametrize("what", excessive())
def test_configurations_far_beyond_any_network(what: str) -> None:
    with pytest.raises(CheckpointError, match="far larger than any real one") as caught:
        check_config(excessive()[what])
    assert what in str(caught.value)


def test_real_networks_are_far_below(data: Path) -> None:
    from pof3d.checkpoint.plan import LARGEST_STAGE, MOST_POINTS, discriminator_size, points, stage_sizes

    for preset in (FFHQ, CATS, CARS, TOY_CATS, TOY_CARS):
        check_config(preset)
        assert max(stage_sizes(preset.generator).values()) < LARGEST_STAGE / 4
        assert points(preset.generator) < MOST_POINTS / 50
        assert preset.discriminator is not None
        assert discriminator_size(preset.discriminator) < LARGEST_STAGE / 4


def test_the_file_of_one_is_refused_in_no_time(tmp_path: Path) -> None:
    network = tiny_network(critic=False)
    shape = replace(network.config.generator, plane_resolution=2048, plane_channels=2000, channel_base=2048)
    config = replace(network.config, generator=shape, discriminator=None)
    path = tmp_path / "file.safetensors"
    save(path, config, network.generator)
    with cheap(), pytest.raises(CheckpointError, match=r"its tri-planes would take 93\.8 GiB"):
        pof3d.load(path)


def test_large_pictures_are_drawn_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    import pof3d.nets.generator as module

    generator = tiny_network(critic=False).generator
    w, pose = generator.map(torch.randn(2, 4))
    whole = generator.render(w, pose)
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 12 * 2 * (9 + 5 + 4 + 1) * 10)
    calls: list[int] = []
    inner = generator.render_rays

    def counted(planes: Any, origins: Any, directions: Any, **settings: Any) -> Any:
        calls.append(origins.shape[1])
        return inner(planes, origins, directions, **settings)

    monkeypatch.setattr(generator, "render_rays", counted)
    with torch.no_grad():
        sliced = generator.render(w, pose)
    assert calls == [10] * 6 + [4]
    torch.testing.assert_close(sliced.image, whole.image)
    torch.testing.assert_close(sliced.depth, whole.depth)
    calls.clear()
    generator.render(w, pose)
    assert calls == [64], "gradients see one piece"
