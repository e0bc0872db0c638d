"""``python -m benchmarks.gpu``: the plain renderer, the fast one, and recorded graphs on one NVIDIA GPU.

Every way ends with the picture's bytes on the host, as the window needs them. Waits and copies are counted in
a trace of the profiler.
"""

from __future__ import annotations

import gc
import json
import math
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import tyro
from rich.console import Console
from torch import Tensor

import pof3d
from benchmarks.timing import Timing, measure
from pof3d.cameras import camera_rays, intrinsics_from_focal, orbit_cam2world
from pof3d.config import CARS, FFHQ, NetworkConfig
from pof3d.devices import find_device
from pof3d.nets.generator import Generator, RawFrame
from pof3d.render.backends import CudaGraphs, Eager
from pof3d.render.fast import FastField, fast_field, render_rays
from pof3d.render.graphs import OrbitGraphs, Precision
from pof3d.training.samples import latent, to_uint8
from viz.engine import Engine
from viz.view import CameraView, NetworkView, PoseView, View

TARGET = 240
"""Frames a second of an orbit at 256², from a full-size network on an H100."""
ASSETS = Path(__file__).parents[1] / "assets"
_WARM_UP = 10
_TRACED = 20
_PRECISIONS: tuple[Precision, ...] = ("float32", "tf32", "bfloat16", "float16")


@dataclass(frozen=True)
class Traced:
    """What happened on the way to one picture, on average."""

    kernels: float
    waits: float
    """Calls that wait for the device."""
    to_host: float
    """Bytes copied from the device."""


@dataclass(frozen=True)
class Way:
    """One way to the same picture."""

    work: str
    timing: Timing
    """By the name of the way."""
    reserved: int
    """Peak of the device's memory that torch took, the network included; bytes. 0 on a CPU."""
    traced: Traced | None = None
    """None on a CPU."""


@dataclass(frozen=True)
class GpuFigures:
    """Measurements of one network on one card."""

    network: str
    card: str
    side: int
    """Of the image, pixels."""
    ways: tuple[Way, ...]
    """Of each piece of work, the plain one first."""
    precisions: tuple[tuple[str, float, float], ...]
    """Of convolutions: their name, milliseconds of an orbit step, PSNR against float32 in dB."""


def networks() -> dict[str, Callable[[], Generator]]:
    """Full-size ones with random weights, and the bundled ones; made when they are needed."""

    def random(config: NetworkConfig) -> Generator:
        torch.manual_seed(0)
        return Generator(config.generator).eval().requires_grad_(False)

    return {
        "ffhq, full size, random": lambda: random(FFHQ),
        "cars, full size, random": lambda: random(CARS),
        "toy-cats": lambda: pof3d.load(ASSETS / "toy-cats.safetensors").generator,
        "toy-cars": lambda: pof3d.load(ASSETS / "toy-cars.safetensors").generator,
    }


def psnr(image: Tensor, reference: Tensor) -> float:
    """Decibels, for values −1…1."""
    return float(10.0 * torch.log10(4.0 / (image - reference).square().mean()))


def no_gpu_because() -> str | None:
    """Why nothing can be measured here; None where there is a GPU."""
    if torch.cuda.is_available():
        return None
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    return "torch finds no CUDA device"


def count_trace(events: Iterable[Mapping[str, Any]], pictures: int) -> Traced:
    """What a trace of the profiler (Chrome's format) shows, by picture."""
    kernels = waits = to_host = 0
    for event in events:
        name, kind = str(event.get("name", "")), event.get("cat")
        if kind == "kernel":
            kernels += 1
        elif kind == "cuda_runtime" and "Synchronize" in name:
            waits += 1
        elif kind == "gpu_memcpy" and "DtoH" in name:
            to_host += int(event.get("args", {}).get("bytes", 0))
    return Traced(kernels / pictures, waits / pictures, to_host / pictures)


def trace(action: Callable[[int], object]) -> Traced:
    """Count while pictures are made; some more waits are the profiler's own, a tenth of one a picture."""
    kinds = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=kinds) as profile:
        for i in range(_TRACED):
            action(i)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profile.export_chrome_trace(str(path))
        return count_trace(json.loads(path.read_text())["traceEvents"], _TRACED)


def _measure(work: str, name: str, device: torch.device, action: Callable[[int], object], rounds: int) -> Way:
    gc.collect()
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    timing = measure(name, action, rounds, _WARM_UP)
    return Way(
        work,
        timing,
        torch.cuda.max_memory_reserved(device) if on_gpu else 0,
        trace(lambda i: action(_WARM_UP + rounds + i)) if on_gpu else None,  # nothing is remembered
    )


@dataclass(frozen=True)
class _Opened:
    """A network for the engine, without a file."""

    generator: Generator
    config: NetworkConfig
    path: Path = Path("in memory")
    discriminator: None = None
    kind: str = "native"
    size_bytes: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)


def measure_gpu(
    name: str, make: Callable[[], Generator], rounds: int = 200, device: str | torch.device = "cuda"
) -> GpuFigures:
    """Time an orbit step and a new latent in every way, and compare the precisions of convolutions.

    Parameters
    ----------
    name : str
        For the table.
    make : callable
        Makes the network, on the CPU; see :func:`benchmarks.rendering.networks`.
    rounds : int
        Pictures of each way; a quarter of it for new latents and for the plain renderer.
    device : str
        Where to measure. A CPU does it operation by operation: to try this function.
    """
    device = find_device(device)
    with torch.inference_mode():
        generator = make().to(device)
        config = generator.config
        side, camera = config.render.resolution, config.camera
        w, _ = generator.map(latent(1, config.z_dim).to(device))
        planes = generator.synthesize_planes(w)
        own = fast_field(generator, planes)

        def matrix(i: int) -> Tensor:
            return orbit_cam2world(0.6 * math.sin(0.1 * i), 0.001 * i, camera=camera)

        def new(i: int) -> tuple[Tensor, Tensor]:
            w, _ = generator.map(latent(i, config.z_dim).to(device))
            return w, generator.synthesize_planes(w)

        def plain(i: int, w: Tensor = w, planes: Tensor = planes) -> None:
            raw = generator.render_raw(planes, matrix(i).to(device))
            to_uint8(generator.superresolve(raw, w))

        def eager(i: int, w: Tensor = w, field: FastField = own) -> None:
            intrinsics = intrinsics_from_focal(camera.focal)
            origins, directions = camera_rays(matrix(i).to(device), intrinsics, side)
            seen = render_rays(generator, field, origins[0], directions[0])
            raw = RawFrame.of_rays(*seen, side)
            to_uint8(generator.superresolve(raw, w))

        def graphs(precision: Precision | None) -> OrbitGraphs:
            return OrbitGraphs(CudaGraphs(device) if device.type == "cuda" else Eager(device), precision)

        recorded = graphs(None)

        def graph(i: int, w: Tensor = w, field: FastField = own, by: OrbitGraphs = recorded) -> Tensor:
            where = matrix(i).flatten().tolist()
            return by.draw(generator, field, w, where, camera.focal, resolution=side).image

        def plain_latent(i: int) -> None:
            plain(0, *new(i))

        def eager_latent(i: int) -> None:
            w, planes = new(i)
            eager(0, w, fast_field(generator, planes))

        def graph_latent(i: int) -> None:
            w, planes = new(i)
            graph(0, w, fast_field(generator, planes))

        engine = Engine(str(device), lambda *_, **__: _Opened(generator, NetworkConfig(name, config)))
        if engine.graphs is None:
            engine.graphs = graphs(None)

        def orbit(i: int) -> None:
            where = CameraView(yaw=0.6 * math.sin(0.1 * i), pitch=0.001 * i)
            engine.render(View(NetworkView("in memory"), pose=PoseView("free"), camera=where))

        few = max(rounds // 4, 1)
        step, latents = "orbit step", "new latent"
        ways = (
            _measure(step, "plain", device, plain, few),
            _measure(step, "fast, operation by operation", device, eager, rounds),
            _measure(step, "fast, recorded graph", device, graph, rounds),
            _measure(step, "the engine, with the graph", device, orbit, rounds),
            _measure(latents, "plain", device, plain_latent, few),
            _measure(latents, "fast, operation by operation", device, eager_latent, few),
            _measure(latents, "fast, recorded graph", device, graph_latent, few),
        )
        exact, precisions = None, []
        for precision in _PRECISIONS:
            by = graphs(precision)
            way = _measure(step, precision, device, lambda i, by=by: graph(i, by=by), few)  # type: ignore[misc]
            image = graph(0, by=by)
            exact = image if exact is None else exact
            precisions.append((precision, way.timing.median, psnr(image, exact)))
    return GpuFigures(name, card(device), config.image_resolution, ways, tuple(precisions))


def card(device: torch.device) -> str:
    """What was measured on."""
    versions = f"torch {torch.__version__}, CUDA {torch.version.cuda}"
    if device.type != "cuda":
        return f"no GPU: operation by operation on a CPU, {versions}"
    known = torch.cuda.get_device_properties(device)
    return (
        f"{known.name}, compute capability {known.major}.{known.minor}, "
        f"{known.total_memory / 2**30:.0f} GiB; {versions}, cuDNN {torch.backends.cudnn.version()}"
    )


def gpu_table(found: list[GpuFigures]) -> str:
    """Markdown."""
    lines = [found[0].card, ""] if found else []
    lines += [
        "| network | work | way | median ms | 95 % ms | frames/s | × plain | kernels | waits | to host KiB "
        "| memory MiB |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for figures in found:
        plain = {way.work: way.timing.median for way in figures.ways if way.timing.name == "plain"}
        for way in figures.ways:
            timing, traced = way.timing, way.traced
            counts = (
                f"{traced.kernels:.0f} | {traced.waits:.1f} | {traced.to_host / 1024:.0f}"
                if traced
                else "– | – | –"
            )
            lines.append(
                f"| {figures.network} | {way.work}, {figures.side}² | {timing.name} | {timing.median:.2f} "
                f"| {timing.p95:.2f} | {1e3 / timing.median:.0f} | {plain[way.work] / timing.median:.1f} "
                f"| {counts} | {way.reserved / 2**20:.0f} |"
            )
    lines += ["", "Convolutions of the super-resolution, in a recorded graph:", ""]
    lines += ["| network | precision | orbit step ms | PSNR to float32, dB |", "|---|---|---:|---:|"]
    lines += [
        f"| {figures.network} | {precision} | {milliseconds:.2f} | {decibels:.1f} |"
        if math.isfinite(decibels)
        else f"| {figures.network} | {precision} | {milliseconds:.2f} | exact |"
        for figures in found
        for precision, milliseconds, decibels in figures.precisions
    ]
    reached = [
        f"{figures.network}: {1e3 / timing.median:.0f} frames a second at {figures.side}² from the engine, "
        f"target {TARGET}: {'reached' if 1e3 / timing.median >= TARGET else 'missed'}."
        for figures in found
        for timing in (way.timing for way in figures.ways)
        if timing.name.startswith("the engine") and figures.side == 256
    ]
    return "\n".join([*lines, *[""][: len(reached)], *reached])


@dataclass(frozen=True)
class Options:
    """Measure rendering on an NVIDIA GPU. Run on an idle machine."""

    rounds: int = 200
    """Pictures of each way."""
    device: str = "cuda"
    """Which GPU, such as cuda:1."""
    out: Path | None = None
    """Markdown file to write."""


def main() -> None:
    """Measure and report."""
    options = tyro.cli(Options)
    reason = no_gpu_because()
    if reason is not None:
        raise SystemExit(f"Nothing was measured: {reason}.")
    found = [measure_gpu(name, make, options.rounds, options.device) for name, make in networks().items()]
    text = gpu_table(found)
    Console(width=200).print(text, markup=False, highlight=False)
    if options.out is not None:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
