"""Small pictures of checkpoints, made in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pof3d.checkpoint import LoadCancelled, native
from pof3d.checkpoint.assemble import without_memory
from pof3d.checkpoint.plan import effort
from pof3d.config import CARS, CATS, FFHQ, NetworkConfig
from pof3d.errors import CheckpointError
from pof3d.nets.generator import Generator
from tests.viz.nets import save_tiny, tiny_config
from tests.viz.waiting import wait_for
from viz import thumbnails as thumbnails_module
from viz.folders import Entry
from viz.thumbnails import SIDE, Picture, Thumbnails, render_thumbnail


class Painter:
    """Paints every file in one colour, when it is let."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.painted: list[str] = []
        self.broken_off: list[str] = []

    def __call__(self, path: Path, cancelled: Callable[[], bool]) -> Picture:
        while not self.go.wait(0.002):
            if cancelled():
                self.broken_off.append(path.name)
                raise LoadCancelled("cancelled")
        self.painted.append(path.name)
        if "bad" in path.name:
            raise CheckpointError("damaged")
        if "bug" in path.name:
            raise ZeroDivisionError
        return np.full((SIDE, SIDE, 4), 7, np.uint8)


def entry(name: str, modified: float = 1.0) -> Entry:
    return Entry(name, False, 10, modified)


def wait(thumbnails: Thumbnails, name: str, modified: float = 1.0) -> Picture:
    deadline = time.monotonic() + 10.0
    while (found := thumbnails.get(Path("/nets") / name, entry(name, modified))) is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return found


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def thumbnails(painter: Painter, tmp_path: Path) -> Thumbnails:
    return Thumbnails(render=painter, folder=tmp_path / "thumbnails")


def test_made_once_and_kept(thumbnails: Thumbnails, painter: Painter, tmp_path: Path) -> None:
    painter.go.set()
    assert (wait(thumbnails, "a.pkl") == 7).all()
    wait(thumbnails, "a.pkl")
    again = Thumbnails(render=painter, folder=tmp_path / "thumbnails")
    np.testing.assert_array_equal(wait(again, "a.pkl"), wait(thumbnails, "a.pkl"))
    assert painter.painted == ["a.pkl"]
    wait(again, "a.pkl", modified=2.0)
    assert painter.painted == ["a.pkl", "a.pkl"], "a file that has changed"


def test_the_newest_wish_comes_first(thumbnails: Thumbnails, painter: Painter) -> None:
    for name in ("a", "b", "c"):
        thumbnails.get(Path(name), entry(name))
        wait_for(lambda: thumbnails._under_way is not None)
    painter.go.set()
    wait_for(lambda: len(painter.painted) == 3)
    assert painter.painted == ["a", "c", "b"]


def test_what_nobody_looks_at_is_not_made(thumbnails: Thumbnails, painter: Painter) -> None:
    for name in ("a", "b"):
        thumbnails.get(Path(name), entry(name))
        wait_for(lambda: thumbnails._under_way is not None)
    thumbnails.forget_wishes()
    wait_for(lambda: painter.broken_off == ["a"])
    painter.go.set()
    assert (wait(thumbnails, "c") == 7).all()
    assert painter.painted == ["c"]


def test_files_without_a_picture_are_tried_once(thumbnails: Thumbnails, painter: Painter) -> None:
    painter.go.set()
    for name in ("bad.pkl", "bug.pkl"):
        thumbnails.get(Path(name), entry(name))
        wait_for(partial(painter.painted.__contains__, name))
    wait(thumbnails, "a.pkl")
    for name in ("bad.pkl", "bug.pkl"):
        assert thumbnails.get(Path(name), entry(name)) is None
    wait(thumbnails, "b.pkl")
    assert painter.painted == ["bad.pkl", "bug.pkl", "a.pkl", "b.pkl"]


def test_damaged_and_foreign_files_in_the_cache(painter: Painter, tmp_path: Path) -> None:
    painter.go.set()
    folder = tmp_path / "thumbnails"
    wait(Thumbnails(render=painter, folder=folder), "a.pkl")
    (kept,) = folder.glob("*.png")
    kept.write_bytes(kept.read_bytes()[:50])
    assert (wait(Thumbnails(render=painter, folder=folder), "a.pkl") == 7).all()


@pytest.mark.parametrize("kind", ["none", "2x"])
def test_of_a_real_network(tmp_path: Path, kind: str) -> None:
    path = save_tiny(tmp_path / "a.safetensors", tiny_config(kind))  # type: ignore[arg-type]
    picture = render_thumbnail(path, lambda: False)
    assert picture.shape == (SIDE, SIDE, 4)
    assert picture[..., :3].std() > 5
    with pytest.raises(LoadCancelled):
        render_thumbnail(path, lambda: True)


def test_what_would_take_too_much_gets_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has asked for it: what may be opened on purpose is too much here."""
    path = save_tiny(tmp_path / "a.safetensors", tiny_config(plane_resolution=512, channel_base=64 * 64))
    read: list[int] = []
    inner = native._load

    def counted(*given: Any) -> Any:
        read.append(1)
        return inner(*given)

    monkeypatch.setattr(native, "_load", counted)
    monkeypatch.setattr(thumbnails_module, "_MEMORY_BYTES", 8 << 20)
    with pytest.raises(CheckpointError, match="too large for a small picture"):
        render_thumbnail(path, lambda: False)
    monkeypatch.setattr(thumbnails_module, "_MEMORY_BYTES", 384 << 20)
    monkeypatch.setattr(thumbnails_module, "_MULTIPLICATIONS", 1e6)
    with pytest.raises(CheckpointError, match="too large for a small picture"):
        render_thumbnail(path, lambda: False)
    assert not read


@pytest.mark.parametrize("preset", [FFHQ, CATS, CARS])
def test_full_size_networks_get_one(preset: NetworkConfig) -> None:
    generator = without_memory(lambda: Generator(preset.generator))
    numbers = sum(t.numel() for t in generator.state_dict().values())
    needed = effort(preset.generator, numbers, thumbnails_module._POINTS)
    assert needed.memory_bytes < thumbnails_module._MEMORY_BYTES
    assert needed.multiplications < thumbnails_module._MULTIPLICATIONS


def test_pictures_use_few_samples_and_can_be_stopped(tmp_path: Path) -> None:
    config = tiny_config()
    render = replace(config.generator.render, depth_samples=500, importance_samples=500)
    path = save_tiny(tmp_path / "a.safetensors", tiny_config(render=render))
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return False

    began = time.monotonic()
    render_thumbnail(path, cancelled)
    assert time.monotonic() - began < 3.0
    assert len(asked) > SIDE * SIDE / 512
