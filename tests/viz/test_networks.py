"""Open networks: when files are read, and what stays usable."""

from __future__ import annotations

import gc
import os
import shutil
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

import pof3d
from pof3d.checkpoint import LoadCancelled, save
from pof3d.errors import CheckpointError, ConfigError
from tests.viz.nets import save_tiny, tiny_config
from viz.engine import Cancelled, Engine
from viz.frame import FailedFrame
from viz.jobs import Job
from viz.networks import NetworkStore, PinnedNetwork
from viz.render_thread import RenderThread
from viz.stages import never
from viz.view import NetworkView, View


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
        store.set_budget(2 * store.get(str(path), "cpu").memory_bytes)
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


def test_networks_keep_within_a_budget(store: NetworkStore, loader: CountingLoader, tmp_path: Path) -> None:
    paths = [str(save_tiny(tmp_path / f"{i}.safetensors", seed=i)) for i in range(4)]
    first = store.get(paths[0], "cpu")
    size = first.memory_bytes
    network = first.network
    tensors = [*network.generator.state_dict().values(), *network.discriminator.state_dict().values()]  # type: ignore[union-attr]
    assert size >= sum(t.numel() * 4 for t in tensors) > 0
    store.set_budget(round(2.5 * size))
    for path in paths[1:]:
        store.get(path, "cpu")
    assert store.used == (2, 2 * size)
    assert store.find(paths[0], "cpu") is None is store.find(paths[1], "cpu")
    assert store.find(paths[2], "cpu") is not None
    store.get(paths[3], "cpu")
    assert len(loader.loads) == 4
    store.set_budget(0)
    assert store.used == (1, size)
    assert store.find(paths[3], "cpu") is not None, "the one in use stays"


def test_networks_that_were_dropped_are_gone(tmp_path: Path) -> None:
    """Nothing holds on to them: neither results, nor the sampling of poses, nor failed loads."""
    paths = [save_tiny(tmp_path / f"{i}.safetensors", seed=i) for i in range(6)]
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(paths[0].read_bytes()[:-100])
    seen: list[weakref.ref[Any]] = []

    def loader(path: Path, device: str, **hooks: Any) -> pof3d.Network:
        network = pof3d.load(path, device, **hooks)
        seen.append(weakref.ref(network.generator))
        return network

    engine = Engine(loader=loader)
    engine.set_memory_budget(1)
    with RenderThread(engine, 1) as thread:
        for path in (*paths, broken):
            thread.submit(View(NetworkView(str(path))))
            deadline = time.monotonic() + 30
            while thread.busy and time.monotonic() < deadline:
                time.sleep(0.005)
        assert isinstance(thread.poll(), FailedFrame)
        gc.collect()
        assert len(seen) == len(paths)
        assert [ref() is not None for ref in seen] == [False] * 5 + [True]
        assert thread.memory.networks == 1


@pytest.mark.parametrize("reached_by", ["View", "job"])
def test_nothing_of_a_failed_load_stays(
    reached_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last number of the file is none, which shows when all else is in memory."""
    from pof3d.checkpoint import assemble

    whole = pof3d.load(save_tiny(tmp_path / "a.safetensors"))
    assert whole.discriminator is not None
    list(whole.discriminator.parameters())[-1].fill_(float("nan"))
    path = save(tmp_path / "nan.safetensors", whole.config, whole.generator, whole.discriminator)
    del whole
    read: list[weakref.ref[Any]] = []
    nets: list[weakref.ref[Any]] = []
    is_finite, without_memory = assemble.is_finite, assemble.without_memory

    def remembering(tensor: Any) -> bool:
        read.append(weakref.ref(tensor))
        return is_finite(tensor)

    def making(make: Any) -> Any:
        net = without_memory(make)
        nets.append(weakref.ref(net))
        return net

    monkeypatch.setattr(assemble, "is_finite", remembering)
    monkeypatch.setattr(assemble, "without_memory", making)
    engine = Engine()
    gc.disable()  # the collector must not be needed
    try:
        if reached_by == "View":
            with RenderThread(engine, 1) as thread:
                thread.submit(View(NetworkView(str(path))))
                deadline = time.monotonic() + 30
                while thread.busy and time.monotonic() < deadline:
                    time.sleep(0.005)
                failed: Any = thread.poll()
                assert isinstance(failed, FailedFrame)
                alive = [ref() is not None for ref in (*read, *nets)]
        else:
            failed = Job("job", lambda control: engine.load(str(path)))
            assert failed.wait()
            assert failed.state.status == "failed"
            alive = [ref() is not None for ref in (*read, *nets)]
    finally:
        gc.enable()
    assert len(read) > 5 and len(nets) == 2
    assert not any(alive)
    error = failed.error if reached_by == "View" else failed.state.error
    assert "not finite numbers" in str(error)
    assert error.__traceback__ is error.__context__ is error.__cause__ is None


def test_results_keep_within_a_new_budget(tiny: Path) -> None:
    engine = Engine()
    engine.render(View(NetworkView(str(tiny))))
    before = engine.memory_use().result_bytes
    engine.set_memory_budget(2 * before)
    assert 0 < engine.memory_use().result_bytes <= before / 2
    engine.render(View(NetworkView(str(tiny))))
    assert engine.memory_use().result_bytes <= before / 2
