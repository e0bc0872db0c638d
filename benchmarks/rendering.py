"""Stages and whole works, each way of rendering in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from benchmarks import plotting
from benchmarks.networks import Pair, mapped, orbit_camera, subject
from benchmarks.record import Results, Settings, entries, timing_json
from benchmarks.renderers import PLAIN, Renderer, renderers
from benchmarks.timing import TOTAL, Action, Laps, StagedAction, in_turn, staged_in_turn
from pof3d.nets.generator import RenderedFrame
from viz.display import compose, fitted_range, image_bytes, solid_depth
from viz.view import DisplayView

STAGES = ("mapping", "planes", "field", "rays", "super-resolution", "pose prediction", "display")
WORKS = {
    "orbit": "orbit step, full quality",
    "preview": "raw preview",
    "latent": "new latent to full image",
    "grid": "density grid, 128³",
}
_GRID_SIDE, _QUICK_GRID_SIDE = 128, 16


def measure(settings: Settings, tell: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    """By network: works and stages, in milliseconds."""
    for key in settings.networks:
        chosen = subject(key, settings.quick)
        tell(f"{key}: making the network")
        with torch.inference_mode():
            yield key, {"title": chosen.title} | _network(chosen.make(settings.device), settings, key, tell)


def _network(pair: Pair, settings: Settings, key: str, tell: Callable[[str], None]) -> dict[str, Any]:
    generator, device, pace = pair.generator, settings.device, settings.pace
    ways = renderers(generator)
    side = generator.config.render.resolution
    w, _ = mapped(generator, 1)
    fields = {name: way.field(way.planes(w)) for name, way in ways.items()}
    grid_side = _QUICK_GRID_SIDE if settings.quick else _GRID_SIDE

    def orbit(name: str, way: Renderer) -> Action:
        return lambda i: way.picture(fields[name], w, orbit_camera(generator, i), side)

    def preview(name: str, way: Renderer) -> Action:
        return lambda i: way.rays(fields[name], orbit_camera(generator, i), side)

    def latent(_: str, way: Renderer) -> Action:
        def draw(i: int) -> None:
            new, camera = mapped(generator, 1000 + i)
            way.picture(way.field(way.planes(new)), new, camera, side)

        return draw

    def grid(name: str, way: Renderer) -> Action:
        return lambda _: way.density_grid(fields[name], grid_side)

    works = {}
    makers = {"orbit": orbit, "preview": preview, "latent": latent, "grid": grid}
    for work, make in makers.items():
        tell(f"{key}: {WORKS[work]}")
        actions = {name: make(name, way) for name, way in ways.items()}
        slow = work == "grid" and key in ("ffhq", "cars")
        measured = in_turn(actions, replace(pace, rounds=max(pace.rounds // 3, 1)) if slow else pace, device)
        works[work] = {name: timing_json(timing) for name, timing in measured.items()}
    tell(f"{key}: stages")
    few = replace(pace, rounds=max(pace.rounds // 2, 1))
    staged = staged_in_turn({name: _stages(pair, way) for name, way in ways.items()}, few, device)
    stages = {
        name: {stage: timing_json(timing) for stage, timing in found.items() if stage != TOTAL}
        for name, found in staged.items()
    }
    return {
        "raw_side": side,
        "image_side": generator.config.image_resolution,
        "plane_side": generator.config.plane_resolution,
        "works": works,
        "stages": stages,
    }


def _stages(pair: Pair, way: Renderer) -> StagedAction:
    """A new latent up to the pixels for the screen, as the window goes through it; what is in one counts as
    rays.
    """
    generator, critic = pair
    render = generator.config.render
    display = DisplayView()

    def draw(i: int, lap: Laps) -> None:
        w, camera = mapped(generator, 2000 + i)
        lap("mapping")
        planes = way.planes(w)
        lap("planes")
        field = way.field(planes)
        lap("field")
        if way.in_one:
            raw, image = way.picture(field, w, camera, render.resolution)
            lap("rays")
        else:
            raw = way.rays(field, camera, render.resolution)
            lap("rays")
            image = way.superresolve(raw, w)
        lap("super-resolution")
        if critic is not None and critic.pose_aware:
            critic.predict_pose(RenderedFrame(image, raw.raw, raw.depth, raw.opacity))
        lap("pose prediction")
        depth, opacity = solid_depth(raw.depth, raw.opacity)
        span = fitted_range(depth, (render.ray_start, render.ray_end))
        compose(display, image_bytes(image), image_bytes(raw.raw), depth, span, opacity=opacity)
        lap("display")

    return draw


# -------------------------------------------------------------------------------------------------- shown
def table(parts: dict[str, Results]) -> str:
    """Works, then stages."""
    networks = entries(parts["rendering"])
    ways = next(iter(networks.values()))["works"]["orbit"].keys() if networks else [PLAIN]
    others = [name for name in ways if name != PLAIN]
    head = "".join(f" {name} ms (5–95 %) | × plain |" for name in others)
    lines = [f"| network | work | plain ms (5–95 %) |{head}", "|---|---|---:|" + "---:|---:|" * len(others)]
    for one in networks.values():
        for work, times in one["works"].items():
            title = f"{WORKS[work]}, {one['raw_side']}²" if work == "preview" else WORKS[work]
            line = f"| {one['title']} | {title} | {_spread(times[PLAIN])} |"
            for name in others:
                line += f" {_spread(times[name])} | {times[PLAIN]['median'] / times[name]['median']:.1f} |"
            lines.append(line)
    lines += ["", "Stages of a new latent, medians in milliseconds:", ""]
    lines += ["| network | renderer | " + " | ".join(STAGES) + " |", "|---|---|" + "---:|" * len(STAGES)]
    for one in networks.values():
        for name, stages in one["stages"].items():
            cells = " | ".join(f"{stages[stage]['median']:.1f}" for stage in STAGES)
            lines.append(f"| {one['title']} | {name} | {cells} |")
    return "\n".join(lines)


def _spread(timing: dict[str, float]) -> str:
    return f"{timing['median']:.1f} ({timing['p05']:.1f}–{timing['p95']:.1f})"


def plots(parts: dict[str, Results]) -> dict[str, Any]:
    """Stages as bars, one axis a network."""
    networks = entries(parts["rendering"])
    return {"stages": plotting.stages(networks, STAGES)} if networks else {}
