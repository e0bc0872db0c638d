"""What few samples cost: pictures of the fast renderer, and of the plain one with its own samples, against
the plain renderer with four times its samples.

Beside its evenly spread samples the plain renderer is measured with the random ones that training uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import plotting
from benchmarks.networks import Latent, mapped, ray_range, subject
from benchmarks.record import Results, Settings, entries
from benchmarks.renderers import FAST, Plain, Renderer, make_renderer
from pof3d.config import FAST_SAMPLES, FOG_SAMPLES
from pof3d.nets.generator import Generator, RawFrame
from pof3d.render.volume import Sampler
from viz.display import SOLID_OPACITY

SAMPLES = (4, 6, 8, FAST_SAMPLES, 12, 16, 20, FOG_SAMPLES, 32)
_QUICK_SAMPLES = (4, FAST_SAMPLES, 16, FOG_SAMPLES)
_VIEWS, _SEEDS = 3, 4
_REFERENCE = 4
"""Times its own samples."""
_DEPTH_PERCENTILE = 99.0


def measure(settings: Settings, tell: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    """By network: PSNR of final and raw images for every view, dB, and errors of depth."""
    samples = _QUICK_SAMPLES if settings.quick else SAMPLES
    views, seeds = (2, 2) if settings.quick else (_VIEWS, _SEEDS)
    for key in settings.networks:
        chosen = subject(key, settings.quick)
        tell(f"{key}: pictures")
        with torch.inference_mode():
            generator = chosen.make(settings.device).generator
            found = [_view(generator, mapped(generator, view), samples, seeds) for view in range(views)]
        yield (
            key,
            {
                "title": chosen.title,
                "samples": list(samples),
                "plain_samples": Plain(generator).samples,
                "views": found,
            },
        )


def psnr(image: Tensor, reference: Tensor) -> float:
    """Decibels, for values −1…1."""
    return float(10.0 * torch.log10(4.0 / (image - reference).double().square().mean()))


def _view(generator: Generator, seen: Latent, samples: tuple[int, ...], seeds: int) -> dict[str, Any]:
    plain, fast = Plain(generator), make_renderer(FAST, generator)
    side = generator.config.render.resolution
    planes = plain.planes(seen.w)
    best = plain.rays(planes, seen.camera, side, _REFERENCE * plain.samples)
    target = plain.superresolve(best, seen.w)

    def compared(way: Renderer, raw: RawFrame) -> dict[str, float]:
        return {
            "image": psnr(way.superresolve(raw, seen.w), target),
            "raw": psnr(raw.raw, best.raw),
            "depth": _depth_error(raw, best, ray_range(generator.config.render)),
        }

    def random(seed: int) -> Sampler:
        return Sampler("random", torch.Generator(generator.device).manual_seed(seed))

    field = fast.field(fast.planes(seen.w))
    return {
        "own": field[1].samples,
        "plain": compared(plain, plain.rays(planes, seen.camera, side)),
        "random": [
            compared(plain, plain.rays(planes, seen.camera, side, sampler=random(seed)))
            for seed in range(seeds)
        ],
        "fast": [compared(fast, fast.rays(field, seen.camera, side, count)) for count in samples],
    }


def _depth_error(raw: RawFrame, best: RawFrame, span: float) -> float:
    """99th percentile on opaque pixels, as a share of the ray range; 0 without any."""
    opaque = best.opacity > SOLID_OPACITY
    if not bool(opaque.any()):
        return 0.0
    errors = (raw.depth - best.depth)[opaque].abs() / span
    return float(np.percentile(errors.cpu().numpy(), _DEPTH_PERCENTILE))


# -------------------------------------------------------------------------------------------------- shown
def curve(one: dict[str, Any], what: str = "image") -> list[list[float]]:
    """[samples][views] of the fast renderer."""
    return [[view["fast"][i][what] for view in one["views"]] for i in range(len(one["samples"]))]


def at_own_samples(one: dict[str, Any], what: str = "image") -> list[float]:
    """[views] of the fast renderer at the number of samples that it gives the latent."""
    return [view["fast"][one["samples"].index(view["own"])][what] for view in one["views"]]


def random_means(one: dict[str, Any], what: str = "image") -> list[float]:
    """[views] of the plain renderer with random samples: mean over the seeds."""
    return [float(np.mean([seed[what] for seed in view["random"]])) for view in one["views"]]


def table(parts: dict[str, Results]) -> str:
    """Means over the views."""
    networks = entries(parts["quality"])
    samples = next(iter(networks.values()))["samples"] if networks else []
    heads = "".join(f" fast, {count} |" for count in samples)
    lines = [
        "PSNR of the final image in dB, mean of the views, against the plain renderer with four times its"
        " samples:",
        "",
        f"| network | plain | plain, random |{heads}",
        "|---|---:|---:|" + "---:|" * len(samples),
    ]
    for one in networks.values():
        cells = [np.mean([view["plain"]["image"] for view in one["views"]]), np.mean(random_means(one))]
        cells += [np.mean(values) for values in curve(one)]
        lines.append(f"| {one['title']} | " + " | ".join(f"{value:.1f}" for value in cells) + " |")
    lines += [
        "",
        "Depth on opaque pixels, 99th percentile of the error in % of the ray range, the worst view:",
        "",
        f"| network | plain | plain, random |{heads}",
        "|---|---:|---:|" + "---:|" * len(samples),
    ]
    for one in networks.values():
        worst = [
            max(view["plain"]["depth"] for view in one["views"]),
            max(seed["depth"] for view in one["views"] for seed in view["random"]),
            *(max(values) for values in curve(one, "depth")),
        ]
        lines.append(f"| {one['title']} | " + " | ".join(f"{100 * value:.2f}" for value in worst) + " |")
    return "\n".join(lines)


def plots(parts: dict[str, Results]) -> dict[str, Any]:
    """PSNR against samples."""
    networks = entries(parts["quality"])
    return {"quality": plotting.quality(networks)} if networks else {}
