"""How time grows: with samples a ray, with latents drawn together, with the size of the planes; growth with
resolution is read off that part. The exponent p of t ~ nᵖ is fitted to the logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from benchmarks import plotting
from benchmarks.networks import mapped, orbit_camera, random_pair, small, subject, with_planes
from benchmarks.record import Results, Settings, entries, timing_json
from benchmarks.renderers import PLAIN, renderers
from benchmarks.timing import TOTAL, Action, Laps, StagedAction, Timing, in_turn, power_law, staged_in_turn
from pof3d.config import FFHQ
from pof3d.nets.generator import Generator

AXES = {
    "resolution": "side n of the image (pixels)",
    "samples": "samples n a ray",
    "batch": "number n of latents drawn together",
    "planes": "side n of the planes (texels)",
}
_SAMPLES = {PLAIN: (24, 48, 96, 192), "": (6, 12, 24, 48, 96)}
_QUICK_SAMPLES = {PLAIN: (8, 16), "": (5, 10)}
_BATCHES, _QUICK_BATCHES = (1, 2, 4, 8), (1, 2)
_PLANE_SIDES, _QUICK_PLANE_SIDES = (64, 128, 256, 512), (16, 32)


def measure(settings: Settings, tell: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    """By axis, of the ffhq network: lines of numbers and milliseconds."""
    settings = replace(settings, pace=replace(settings.pace, rounds=max(settings.pace.rounds // 3, 1)))
    with torch.inference_mode():
        generator = subject("ffhq", settings.quick).make(settings.device).generator
        tell("samples a ray")
        yield "samples", _samples(generator, settings)
        tell("latents drawn together")
        yield "batch", _batches(generator, settings)
        del generator
        yield "planes", _plane_sides(settings, tell)


def _add(lines: dict[str, Any], name: str, number: int, timing: Timing) -> None:
    line = lines.setdefault(name, {"numbers": [], "timings": []})
    line["numbers"].append(number)
    line["timings"].append(timing_json(timing))


def _samples(generator: Generator, settings: Settings) -> dict[str, Any]:
    """Rays of one image, each way with counts around its own."""
    w, _ = mapped(generator, 1)
    side = generator.config.render.resolution
    counts = _QUICK_SAMPLES if settings.quick else _SAMPLES
    lines: dict[str, Any] = {}
    for name, way in renderers(generator).items():
        field = way.field(way.planes(w))

        def rays(count: int, way: Any = way, field: Any = field) -> Action:
            return lambda i: way.rays(field, orbit_camera(generator, i), side, count)

        actions = {str(count): rays(count) for count in counts.get(name, counts[""])}
        for count, timing in in_turn(actions, settings.pace, settings.device).items():
            _add(lines, f"{name}: rays", int(count), timing)
    return lines


def _batches(generator: Generator, settings: Settings) -> dict[str, Any]:
    """Whole images of several latents: the plain renderer's in one batch, the others' one after another."""
    side = generator.config.render.resolution
    lines: dict[str, Any] = {}
    for count in _QUICK_BATCHES if settings.quick else _BATCHES:

        def plain(i: int, count: int = count) -> None:
            seen = [mapped(generator, 100 * i + j) for j in range(count)]
            matrices = torch.cat([one.camera.cam2world for one in seen]).to(generator.device)
            generator.render(torch.cat([one.w for one in seen]), cam2world=matrices)

        def others(way: Any, count: int = count) -> Action:
            def draw(i: int) -> None:
                for j in range(count):
                    w, camera = mapped(generator, 100 * i + j)
                    way.picture(way.field(way.planes(w)), w, camera, side)

            return draw

        actions = {
            name: plain if name == PLAIN else others(way) for name, way in renderers(generator).items()
        }
        for name, timing in in_turn(actions, settings.pace, settings.device).items():
            _add(lines, f"{name}: new images", count, timing)
    return lines


def _plane_sides(settings: Settings, tell: Callable[[str], None]) -> dict[str, Any]:
    """Making the planes (and the field), and rays through them."""
    lines: dict[str, Any] = {}
    for side in _QUICK_PLANE_SIDES if settings.quick else _PLANE_SIDES:
        tell(f"planes of {side}²")
        config = with_planes(small(FFHQ) if settings.quick else FFHQ, side)
        generator = random_pair(config, settings.device, critic=False).generator

        def action(way: Any, generator: Generator = generator) -> StagedAction:
            def draw(i: int, lap: Laps) -> None:
                w, camera = mapped(generator, 100 + i)
                lap("mapping")
                field = way.field(way.planes(w))
                lap("planes and field")
                way.rays(field, camera, generator.config.render.resolution)
                lap("rays")

            return draw

        actions = {name: action(way) for name, way in renderers(generator).items()}
        for name, stages in staged_in_turn(actions, settings.pace, settings.device).items():
            for stage, timing in stages.items():
                if stage not in (TOTAL, "mapping"):
                    _add(lines, f"{name}: {stage}", side, timing)
        del generator
    return lines


# -------------------------------------------------------------------------------------------------- shown
def medians(line: dict[str, Any]) -> list[float]:
    """Milliseconds of a line."""
    return [timing["median"] for timing in line["timings"]]


def with_resolution(parts: dict[str, Results]) -> Results:
    """All axes: growth with resolution comes from the part of that name."""
    axes = entries(parts.get("growth", {}))
    one = entries(parts.get("resolution", {})).get("ffhq")
    if one is None:
        return axes
    lines: dict[str, Any] = {}
    for side, ways in one["sides"].items():
        for name, found in ways.items():
            line = lines.setdefault(f"{name}: rays", {"numbers": [], "timings": []})
            line["numbers"].append(int(side))
            line["timings"].append(found["rays"])
    return {"resolution": lines} | axes


def table(parts: dict[str, Results]) -> str:
    """Milliseconds by number, and the exponent."""
    lines = []
    for axis, found_lines in with_resolution(parts).items():
        numbers = sorted({number for line in found_lines.values() for number in line["numbers"]})
        lines += [
            f"| ffhq, ms by {AXES[axis]} | " + " | ".join(map(str, numbers)) + " | exponent |",
            "|---|" + "---:|" * (len(numbers) + 1),
        ]
        for name, line in found_lines.items():
            by_number = dict(zip(line["numbers"], medians(line), strict=True))
            cells = [f"{by_number[n]:.1f}" if n in by_number else "" for n in numbers]
            fitted, _ = power_law(line["numbers"], medians(line))
            lines.append(f"| {name} | " + " | ".join(cells) + f" | {fitted:.2f} |".replace("-", "−"))
        lines.append("")
    return "\n".join(lines).rstrip()


def plots(parts: dict[str, Results]) -> dict[str, Any]:
    """One axis each."""
    axes = with_resolution(parts)
    return {"growth": plotting.growth(axes, AXES)} if axes else {}
