"""Frames per second of an orbit against the side of the volume-rendered image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from benchmarks import plotting
from benchmarks.networks import mapped, orbit_camera, subject
from benchmarks.record import Results, Settings, entries, timing_json
from benchmarks.renderers import PLAIN, Renderer, renderers
from benchmarks.timing import TOTAL, Laps, StagedAction, staged_in_turn
from pof3d.nets.generator import Generator

SIDES = (32, 48, 64, 96, 128, 192, 256)
_QUICK_SIDES = (16, 32)


def measure(settings: Settings, tell: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    """By network: milliseconds of whole frames and of their rays."""
    for key in settings.networks:
        chosen = subject(key, settings.quick)
        with torch.inference_mode():
            generator = chosen.make(settings.device).generator
            sides: dict[str, Any] = {}
            for side in _QUICK_SIDES if settings.quick else SIDES:
                tell(f"{key}: orbit at {side}²")
                pace = replace(settings.pace, rounds=max(settings.pace.rounds // 3, 1))
                measured = staged_in_turn(_actions(generator, side), pace, settings.device)
                sides[str(side)] = {
                    name: {
                        "frame": timing_json(found[TOTAL]),
                        "rays": timing_json(found.get("rays", found[TOTAL])),
                    }
                    for name, found in measured.items()
                }
        yield (
            key,
            {
                "title": chosen.title,
                "own_side": generator.config.render.resolution,
                "image_side": generator.config.image_resolution,
                "superresolution": generator.superres is not None,
                "sides": sides,
            },
        )


def _actions(generator: Generator, side: int) -> dict[str, StagedAction]:
    w, _ = mapped(generator, 1)

    def action(way: Renderer) -> StagedAction:
        field = way.field(way.planes(w))

        def draw(i: int, lap: Laps) -> None:
            camera = orbit_camera(generator, i)
            if way.in_one:
                way.picture(field, w, camera, side)
            else:
                raw = way.rays(field, camera, side)
                lap("rays")
                way.superresolve(raw, w)

        return draw

    return {name: action(way) for name, way in renderers(generator).items()}


def table(parts: dict[str, Results]) -> str:
    """Frames per second."""
    networks = entries(parts["resolution"])
    sides = next(iter(networks.values()))["sides"] if networks else {}
    lines = [
        "Frames per second of an orbit, super-resolution included, by the side of the volume-rendered image:",
        "",
        "| network | renderer | " + " | ".join(f"{side}²" for side in sides) + " |",
        "|---|---|" + "---:|" * len(sides),
    ]
    for one in networks.values():
        for name in next(iter(one["sides"].values()), {PLAIN: {}}):
            rates = [1e3 / ways[name]["frame"]["median"] for ways in one["sides"].values()]
            lines.append(f"| {one['title']} | {name} | " + " | ".join(map(_rate, rates)) + " |")
    return "\n".join(lines)


def _rate(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def plots(parts: dict[str, Results]) -> dict[str, Any]:
    """Frames per second against the side."""
    networks = entries(parts["resolution"])
    return {"resolution": plotting.resolution(networks)} if networks else {}
