"""Following a long training takes no more memory than showing one network."""

from __future__ import annotations

import shutil
import time
import weakref
from pathlib import Path
from typing import Any

import pof3d
from pof3d.nets.generator import Generator
from tests.viz.run_folders import StandInWatching, listing, name_of, snapshot
from viz.engine import Engine
from viz.networks import NetworkStore
from viz.program import Program
from viz.render_thread import RenderThread

SNAPSHOTS = 10


def test_many_snapshots_take_no_more_memory_than_a_few(tiny: Path, tmp_path: Path) -> None:
    loaded: list[weakref.ref[Generator]] = []

    def load(path: Path, device: str, **hooks: Any) -> pof3d.Network:
        network = pof3d.load(path, device, **hooks)
        loaded.append(weakref.ref(network.generator))
        return network

    engine = Engine(networks=NetworkStore(load))
    watching = StandInWatching()
    program = Program(RenderThread(engine, 1, pose_samples=512), watch=lambda folder: watching)
    size = NetworkStore().get(str(tiny), "cpu").memory_bytes
    program.rendering.set_memory_budget(3 * size)
    try:
        program.open_run(tmp_path)
        for kimg in range(1, SNAPSHOTS + 1):
            path = tmp_path / name_of(kimg)
            shutil.copy(tiny, path)
            watching.found.append(listing(snapshot(kimg), folder=tmp_path))
            deadline = time.monotonic() + 30.0
            while program.frame is None or program.frame.view.network.path != str(path):
                assert time.monotonic() < deadline, f"{path.name} was not shown"
                program.update(0.02)
                time.sleep(0.002)
            living = sum(reference() is not None for reference in loaded)
            assert living <= 3, "those that the budget has room for, and one on its way"
            used = program.rendering.memory
            assert used.network_bytes + used.result_bytes <= 3 * size
    finally:
        program.close()
    assert len(loaded) == SNAPSHOTS
