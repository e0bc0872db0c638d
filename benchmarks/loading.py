"""How long a released snapshot of half a gigabyte takes to its first picture, and how much memory.

The snapshot is full-size (ffhq) with random weights, in the format of the release: G, D and the moving
average of G. Everything is measured in a process of its own. Memory is compared with the tensors that are
needed, those of the moving average and of D.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.process_memory import forget_peak, memory_of

SWITCHES = 10


@dataclass(frozen=True)
class Loading:
    """What one process measured."""

    file_bytes: int
    tensor_bytes: int
    """Of the moving average and of D."""
    stages: list[tuple[str, float]]
    """Name and seconds, up to the first picture."""
    load_peak: int
    """Bytes above the idle program while the file is opened."""
    picture_peak: int
    """The same up to the first picture."""
    switching: list[int]
    """Bytes above the idle program after each of several such files, one after the other."""
    budget: int
    """Of networks and results, bytes."""


def make_snapshot(path: Path) -> None:
    """Write a full-size snapshot with random weights."""
    import pof3d
    from pof3d.config import FFHQ
    from pof3d.nets.discriminator import Discriminator
    from pof3d.nets.generator import Generator
    from tests.pof3d.checkpoint.pickles import snapshot, write

    torch.manual_seed(0)
    assert FFHQ.discriminator is not None
    generator = Generator(FFHQ.generator).eval()
    generator.mapping.get_buffer("w_avg").normal_(std=0.1)
    critic = Discriminator(FFHQ.discriminator, FFHQ.generator.camera).eval()
    value = snapshot(pof3d.Network(FFHQ, generator, critic, {}, Path("random"), "native", 0))
    value["G"] = value["G_ema"]
    write(path, value)


def _measure(paths: list[Path], threads: int) -> Loading:
    """In the process of its own: open the first file, draw it, then go through all of them."""
    from pof3d.memory import keep_freed_memory
    from viz.engine import Engine
    from viz.settings import Settings
    from viz.view import NetworkView, View

    keep_freed_memory()
    torch.set_num_threads(threads)
    engine = Engine()
    budget = Settings().memory_mib * 2**20
    engine.set_memory_budget(budget)
    idle = memory_of("VmRSS")
    forget_peak()
    stages: dict[str, float] = {}
    last = time.perf_counter()
    doing = "Opening the checkpoint"

    def report(_: float, what: str) -> None:
        nonlocal last, doing
        now = time.perf_counter()
        stages[doing] = stages.get(doing, 0.0) + now - last
        last, doing = now, what

    resident = engine.load(str(paths[0]), progress=report)
    report(1.0, "")
    load_peak = memory_of("VmHWM") - idle
    frame = engine.render(View(NetworkView(str(paths[0]))), discriminator=False)
    for timing in frame.timings:
        if not timing.cached:
            stages[timing.name] = timing.milliseconds / 1e3
    picture_peak = memory_of("VmHWM") - idle
    tensors = resident.memory_bytes
    del resident, frame
    switching = []
    for path in paths:
        engine.render(View(NetworkView(str(path))), "preview")
        switching.append(memory_of("VmRSS") - idle)
    return Loading(
        paths[0].stat().st_size, tensors, list(stages.items()), load_peak, picture_peak, switching, budget
    )


def measure_loading(threads: int) -> Loading:
    """Write the snapshot, and measure in another process. Needs 1.5 GB of memory and 0.6 GB of disk."""
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "network-snapshot-000000.pkl"
        python = [sys.executable, "-m", "benchmarks.loading"]
        subprocess.run([*python, "make", str(first)], check=True)
        paths = [first]
        for i in range(1, SWITCHES):
            paths.append(first.with_name(f"network-snapshot-{i:06d}.pkl"))
            os.link(first, paths[-1])
        answer = subprocess.run(
            [*python, str(threads), *map(str, paths)], check=True, capture_output=True, text=True
        )
    found = json.loads(answer.stdout)
    return Loading(**(found | {"stages": [(name, seconds) for name, seconds in found["stages"]]}))


def loading_table(found: Loading) -> str:
    """Markdown: stages, then memory."""
    total = sum(seconds for _, seconds in found.stages)
    lines = ["| stage | seconds |", "|---|---:|"]
    shown = [(name, seconds) for name, seconds in found.stages if seconds >= 0.005]
    lines += [f"| {name[:1].lower()}{name[1:]} | {seconds:.2f} |" for name, seconds in shown]
    lines += [f"| **file to first picture** | **{total:.2f}** |", ""]
    lines += ["| memory above the idle program | MiB | × tensors needed |", "|---|---:|---:|"]
    count, budget = len(found.switching), f"{found.budget / 2**20:.0f} MiB"
    rows = [
        ("tensors of the moving average and of D", found.tensor_bytes),
        ("peak while opening", found.load_peak),
        ("peak up to the first picture", found.picture_peak),
        (f"after {count} such files, budget {budget}", found.switching[-1]),
        ("the most on the way", max(found.switching)),
    ]
    lines += [f"| {name} | {size / 2**20:.0f} | {size / found.tensor_bytes:.2f} |" for name, size in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make_snapshot(Path(sys.argv[2]))
    else:
        print(json.dumps(asdict(_measure([Path(name) for name in sys.argv[2:]], int(sys.argv[1])))))
