"""How fast the visualizer answers: engine and render thread against plain library calls.

Baseline: ``G.map`` and ``G.render`` of the library at the View's full quality, which is what a viewer without
stages, previews and memory would run for every change.
"""

from __future__ import annotations

import math
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

import pof3d
from pof3d.cameras import orbit_cam2world
from pof3d.training.samples import latent
from viz.engine import Engine
from viz.frame import Frame
from viz.render_thread import RenderThread
from viz.threads import default_threads
from viz.view import CameraView, LatentView, NetworkView, PoseView, SamplingView, View

_WARM_UP = 5


@dataclass(frozen=True)
class Timing:
    """One measured action."""

    name: str
    median: float
    """Milliseconds."""
    p95: float
    """95th percentile, milliseconds."""


def measure(name: str, action: Callable[[int], object], rounds: int) -> Timing:
    """Time ``action(i)`` for distinct i, after a warm-up."""
    times = []
    for i in range(_WARM_UP + rounds):
        began = time.perf_counter()
        action(i)
        times.append((time.perf_counter() - began) * 1e3)
    times = sorted(times[_WARM_UP:])
    return Timing(name, statistics.median(times), times[min(int(0.95 * len(times)), len(times) - 1)])


def orbit_view(base: View, i: int) -> View:
    """Step i of a drag: no two are equal."""
    camera = CameraView(yaw=0.6 * math.sin(0.1 * i), pitch=0.001 * i)
    return replace(base, pose=PoseView("free"), camera=camera)


def wait_for_frame(thread: RenderThread, view: View) -> Frame:
    """Submit a View and wait for its first picture."""
    thread.submit(view)
    while True:
        result = thread.poll()
        if isinstance(result, Frame) and result.view == view:
            return result
        if result is not None and not isinstance(result, Frame):
            raise result.error
        time.sleep(0.0005)


def measure_interaction(path: Path, *, resolution: int | None, threads: int, rounds: int) -> list[Timing]:
    """Baseline first, then the engine, then the render thread."""
    torch.set_num_threads(threads)
    network = pof3d.load(path)
    generator = network.generator
    base = View(network=NetworkView(str(path)), sampling=SamplingView(resolution=resolution))
    z_dim, camera = generator.config.z_dim, generator.config.camera

    def plain(i: int, seed: int) -> None:
        with torch.inference_mode():
            view = orbit_view(base, i)
            w, _ = generator.map(latent(seed, z_dim))
            matrix = orbit_cam2world(view.camera.yaw, view.camera.pitch, camera=camera)
            generator.render(w, cam2world=matrix, resolution=resolution)

    def latent_view(i: int) -> View:
        return replace(base, latent=LatentView(x=float(i)))

    timings = [measure("baseline: map and render, plain library calls", lambda i: plain(i, 0), rounds)]
    engine = Engine()
    timings += [
        measure("engine: orbit, full quality", lambda i: engine.render(orbit_view(base, i)), rounds),
        measure(
            "engine: orbit, preview", lambda i: engine.render(orbit_view(base, i + 500), "preview"), rounds
        ),
        measure("engine: new latent, full quality", lambda i: engine.render(latent_view(i)), rounds),
        measure(
            "engine: new latent, preview", lambda i: engine.render(latent_view(i + 1000), "preview"), rounds
        ),
    ]
    with RenderThread(Engine(), threads=threads) as thread:
        wait_for_frame(thread, base)
        timings.append(
            measure(
                "window's thread: drag to new picture",
                lambda i: wait_for_frame(thread, orbit_view(base, i)),
                rounds,
            )
        )
    return timings


def table(timings: list[Timing]) -> str:
    """Markdown, with ratios to the first row."""
    baseline = timings[0].median
    lines = ["| action | median ms | 95 % ms | × baseline |", "|---|---:|---:|---:|"]
    for timing in timings:
        ratio = f"{baseline / timing.median:.1f}"
        lines.append(f"| {timing.name} | {timing.median:.1f} | {timing.p95:.1f} | {ratio} |")
    return "\n".join(lines)


def machine(threads: int) -> str:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return (
        f"{model}, {threads} torch thread{'s' * (threads > 1)}, window default {default_threads()}; "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )
