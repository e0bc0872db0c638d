"""What one sees while moving: a scripted drag, with and without detail of the last full frame."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pof3d
from pof3d.config import FFHQ, NetworkConfig
from pof3d.nets.generator import Generator
from viz.engine import Engine
from viz.frame import Frame
from viz.render_thread import RenderThread
from viz.view import CameraView, NetworkView, PoseView, View

_HAND_SECONDS = 1.0 / 60.0
_SECONDS = 3.0
_WARM_UP_SECONDS = 1.0
"""Of the same drag, before anything counts."""
_SWING = math.radians(20.0)
"""How far the camera goes to either side; from one to the other and back in the whole time."""
_PATIENCE = 120.0


@dataclass(frozen=True)
class Drag:
    """One scripted drag."""

    name: str
    reprojected: bool
    pictures_a_second: float
    interval: float
    """Median from one new picture to the next, milliseconds."""
    latency: float
    """Median from a View to its picture, milliseconds."""
    psnr: float
    """Median of what was shown against the full frames of the same Views, dB."""
    sides: str
    """Sides of the raw images, smallest and largest."""


def random_network(config: NetworkConfig = FFHQ, seed: int = 0) -> Callable[..., pof3d.Network]:
    """A loader that makes a network of random weights."""

    def make(path: Path, device: str, **_: Any) -> pof3d.Network:
        torch.manual_seed(seed)
        generator = Generator(config.generator).eval().requires_grad_(False).to(device)
        return pof3d.Network(replace(config, discriminator=None), generator, None, {}, path, "native", 0)

    return make


def measure_motion(
    name: str,
    loader: Callable[..., Any],
    path: Path,
    *,
    threads: int,
    seconds: float = _SECONDS,
    looks: int = 12,
) -> tuple[Drag, Drag]:
    """Drag with and then without detail carried over.

    Parameters
    ----------
    name : str
        For the table.
    loader, path : callable, Path
        Where the network comes from: :func:`pof3d.load` and a file, or :func:`random_network` and any path.
    threads : int
        Torch threads.
    seconds : float
        Length of the drag.
    looks : int
        Pictures that are compared with their full frames.
    """
    first, second = (_drag(name, loader, path, threads, seconds, looks, carry) for carry in (True, False))
    return first, second


def _view(path: Path, at: float, seconds: float) -> View:
    yaw = _SWING * math.sin(2.0 * math.pi * at / seconds)
    camera = CameraView(yaw=yaw, pitch=0.2 * yaw)
    return View(NetworkView(str(path)), pose=PoseView("free"), camera=camera)


def _drag(
    name: str,
    loader: Callable[..., Any],
    path: Path,
    threads: int,
    seconds: float,
    looks: int,
    carry: bool,
) -> Drag:
    engine = Engine(loader=loader)
    engine.carries_detail = carry
    submitted: dict[View, float] = {}
    shown: list[tuple[float, Frame]] = []
    with RenderThread(engine, threads=threads, pose_samples=0) as thread:
        _rest(thread, _view(path, 0.0, seconds))
        for warm in (0.01, 0.02):  # so that rates are known
            _rest(thread, _view(path, warm, seconds))
        _rest(thread, _view(path, 0.0, seconds))
        due = time.perf_counter()
        began = due + _WARM_UP_SECONDS
        while (now := time.perf_counter()) < began + seconds:
            if now >= due:
                view = _view(path, now - began, seconds)
                submitted.setdefault(view, now)
                thread.submit(view)
                due += _HAND_SECONDS
            result = thread.poll()
            if isinstance(result, Frame) and submitted.get(result.view, 0.0) >= began:
                shown.append((time.perf_counter(), result))
            time.sleep(0.0005)
    times = [at for at, _ in shown]
    gaps = [b - a for a, b in pairwise(times)]
    chosen = [shown[i][1] for i in np.linspace(0, len(shown) - 1, looks).round().astype(int)]
    sides = [frame.raw.shape[0] for _, frame in shown]
    return Drag(
        name,
        carry,
        len(shown) / seconds,
        1e3 * statistics.median(gaps),
        1e3 * statistics.median(at - submitted[frame.view] for at, frame in shown),
        statistics.median(_psnr(frame, engine.render(frame.view)) for frame in chosen),
        f"{min(sides)}–{max(sides)}",
    )


def _rest(thread: RenderThread, view: View) -> None:
    """Wait for a View's full frame."""
    thread.submit(view)
    end = time.monotonic() + _PATIENCE
    while thread.busy:
        if time.monotonic() > end:
            raise TimeoutError("the full frame did not come")
        time.sleep(0.005)
    thread.poll()


def _psnr(frame: Frame, truth: Frame) -> float:
    error = float(np.square(frame.image.astype(np.float64) - truth.image).mean())
    return 10.0 * math.log10(255.0**2 / max(error, 1e-3))


def motion_table(drags: list[Drag]) -> str:
    """Markdown."""
    lines = [
        "| network | detail | pictures a second | ms between | ms from View | PSNR, dB | raw side |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for one in drags:
        detail = "carried over" if one.reprojected else "none"
        figures = f"{one.pictures_a_second:.0f} | {one.interval:.1f} | {one.latency:.1f} | {one.psnr:.1f}"
        lines.append(f"| {one.name} | {detail} | {figures} | {one.sides} |")
    return "\n".join(lines)
