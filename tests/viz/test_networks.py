"""Open networks: when files are read, and what stays usable."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import pof3d
from pof3d.checkpoint import LoadCancelled
from pof3d.errors import CheckpointError, ConfigError
from tests.viz.nets import save_tiny, tiny_config
from viz.engine import Cancelled, Engine
from viz.networks import NetworkStore, PinnedNetwork
from viz.stages import never


class CountingLoader:
    def __init__(self) -> None:
        self.loads: list[Path] = []

    def __call__(self, path: Path, device: str, **hooks: Any) -> pof3d.Network:
        self.loads.append(path)
        return pof3d.load(path, device, **hooks)


@pytest.fixture
def loader() -> CountingLoader:
    return CountingLoader()


@pytest.fixture
def store(loader: CountingLoader) -> NetworkStore:
    return NetworkStore(loader)


@pytest.fixture
def file(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(tiny, tmp_path / "net.safetensors"))


def touch(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


def test_a_file_is_read_once(store: NetworkStore, loader: CountingLoader, file: Path) -> None:
    assert store.find(str(file), "cpu") is None
    first = store.get(str(file), "cpu")
    assert store.get(str(file), "cpu") is first is store.find(str(file), "cpu")
    assert len(loader.loads) == 1


def test_a_changed_file_is_read_again(store: NetworkStore, file: Path) -> None:
    first = store.get(str(file), "cpu")
    save_tiny(file, seed=5)
    touch(file)
    second = store.get(str(file), "cpu")
    assert second.serial != first.serial


def test_a_deleted_file_stays_open(store: NetworkStore, file: Path) -> None:
    first = store.get(str(file), "cpu")
    file.unlink()
    assert store.get(str(file), "cpu") is first


def test_a_bad_file_is_not_tried_again_until_it_changes(
    store: NetworkStore, loader: CountingLoader, file: Path, tiny: Path
) -> None:
    good = store.get(str(tiny), "cpu")
    file.write_text("not a network")
    for _ in range(3):
        with pytest.raises(CheckpointError):
            store.get(str(file), "cpu")
    assert loader.loads == [tiny, file]
    store.forget_failure(str(file))
    with pytest.raises(CheckpointError):
        store.get(str(file), "cpu")
    assert loader.loads == [tiny, file, file]
    shutil.copy(tiny, file)
    touch(file)
    store.get(str(file), "cpu")
    assert store.get(str(tiny), "cpu") is good


def test_cancelling_is_not_a_failure(store: NetworkStore, file: Path) -> None:
    with pytest.raises(LoadCancelled):
        store.get(str(file), "cpu", cancelled=lambda: True)
    store.get(str(file), "cpu")
    with pytest.raises(Cancelled):
        Engine(networks=NetworkStore()).load(str(file), cancelled=lambda: True)


def test_the_oldest_network_makes_room(store: NetworkStore, tmp_path: Path) -> None:
    paths = [save_tiny(tmp_path / f"{i}.safetensors", seed=i) for i in range(3)]
    for path in paths:
        store.get(str(path), "cpu")
    assert [store.find(str(path), "cpu") is not None for path in paths] == [False, True, True]


def test_no_network(store: NetworkStore) -> None:
    with pytest.raises(ConfigError, match="No network is open"):
        store.get("", "cpu")


def test_a_pinned_network_does_not_mind_its_file(store: NetworkStore, file: Path, tiny: Path) -> None:
    resident = store.get(str(file), "cpu")
    pinned = PinnedNetwork(resident)
    file.write_text("not a network")
    assert pinned.get(str(file), "cpu", cancelled=never) is resident
    assert pinned.find(str(tiny), "cpu") is None


def test_what_panels_see(store: NetworkStore, tiny: Path, tiny_2x: Path) -> None:
    info = store.get(str(tiny), "cpu").info()
    assert (info.path, info.kind, info.size_bytes) == (tiny, "native", tiny.stat().st_size)
    assert info.config == tiny_config()
    assert info.provenance == {"dataset": "none"}
    assert info.parameters > 1000
    assert info.has_pose_prediction
    assert not store.get(str(tiny_2x), "cpu").info().has_pose_prediction
