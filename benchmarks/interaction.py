"""How fast the visualizer answers: engine and render thread against plain library calls.

Baseline: ``G.map`` and ``G.render`` of the library at the View's full quality, which is what a viewer without
stages, previews and memory would run for every change.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import torch

import pof3d
from benchmarks.timing import Timing, measure
from pof3d.cameras import orbit_cam2world
from pof3d.training.samples import latent
from viz.engine import Engine
from viz.frame import Frame
from viz.render_thread import RenderThread
from viz.view import CameraView, LatentView, NetworkView, PoseView, SamplingView, View


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
