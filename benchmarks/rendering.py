"""What the fast renderer saves, and what it costs in quality, against the plain renderer in the same run.

Full-size networks with random weights (ffhq and cars), and the bundled ones. Quality is measured against the
plain renderer with four times its depth samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

import pof3d
from benchmarks.interaction import Timing, measure
from pof3d.cameras import camera_rays, intrinsics_from_focal
from pof3d.config import CARS, FAST_SAMPLES, FFHQ, NetworkConfig
from pof3d.nets.generator import Generator, RawFrame
from pof3d.render.fast import FastField, fast_field, render_rays
from pof3d.training.samples import latent

ASSETS = Path(__file__).parents[1] / "assets"
SAMPLES = (4, 6, 8, FAST_SAMPLES, 16, 32)
SIDES = (32, 64, 128)


@dataclass(frozen=True)
class Rendering:
    """Measurements of one network."""

    name: str
    pairs: tuple[tuple[Timing, Timing], ...]
    """Plain, then fast, of the same work."""
    quality: tuple[tuple[int, float], ...]
    """Samples a ray of the fast renderer, and its PSNR, dB."""
    plain_quality: float
    """PSNR of the plain renderer with its own samples, dB."""
    sides: tuple[tuple[int, float, float], ...]
    """Side of the image; plain and fast milliseconds of its rays."""


def networks() -> dict[str, Callable[[], Generator]]:
    """By name, made when they are needed."""

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


def measure_rendering(name: str, make: Callable[[], Generator], threads: int, rounds: int) -> Rendering:
    """Time an orbit step, the rays alone and a new latent, both ways, and compare pictures."""
    torch.set_num_threads(threads)
    with torch.inference_mode():
        generator = make()
        render = generator.config.render
        w, pose = generator.map(latent(1, generator.config.z_dim))
        planes = generator.synthesize_planes(w)
        focal, matrix = generator.focal(pose), generator.cam2world(pose)
        field = fast_field(generator, planes)

        def plain_rays(side: int = render.resolution, factor: int = 1) -> RawFrame:
            return generator.render_raw(
                planes,
                matrix,
                focal=focal,
                resolution=side,
                depth_samples=factor * render.depth_samples,
                importance_samples=factor * render.importance_samples,
            )

        def fast_rays(side: int = render.resolution, samples: int = FAST_SAMPLES) -> RawFrame:
            return fast_frame(generator, field, matrix, focal, side, samples)

        def plain_latent(i: int) -> None:
            new, own = generator.map(latent(i, generator.config.z_dim))
            generator.render(new, own)

        def fast_latent(i: int) -> None:
            new, own = generator.map(latent(i, generator.config.z_dim))
            made = fast_field(generator, generator.synthesize_planes(new))
            raw = fast_frame(
                generator,
                made,
                generator.cam2world(own),
                generator.focal(own),
                render.resolution,
                FAST_SAMPLES,
            )
            generator.superresolve(raw, new)

        few = max(rounds // 8, 3)
        pairs = (
            (
                measure("orbit step, full quality", lambda _: generator.superresolve(plain_rays(), w), few),
                measure("", lambda _: generator.superresolve(fast_rays(), w), rounds),
            ),
            (
                measure(f"rays alone, {render.resolution}²", lambda _: plain_rays(), few),
                measure("", lambda _: fast_rays(), rounds),
            ),
            (measure("new latent, full quality", plain_latent, few), measure("", fast_latent, few)),
        )
        best = plain_rays(factor=4).features
        sides = tuple(
            (
                side,
                measure("", lambda _: plain_rays(side), 3).median,  # noqa: B023, it is called at once
                measure("", lambda _: fast_rays(side), few).median,  # noqa: B023
            )
            for side in SIDES
        )
        return Rendering(
            name,
            pairs,
            tuple((samples, psnr(fast_rays(samples=samples).features, best)) for samples in SAMPLES),
            psnr(plain_rays().features, best),
            sides,
        )


def fast_frame(
    generator: Generator,
    field: FastField,
    matrix: Tensor,
    focal: float | Tensor,
    side: int,
    samples: int,
) -> RawFrame:
    """What :meth:`~pof3d.nets.generator.Generator.render_raw` gives, by the fast renderer."""
    origins, directions = camera_rays(matrix, intrinsics_from_focal(focal), side)
    seen = render_rays(generator, field, origins[0], directions[0], samples=samples)
    return RawFrame(*(part.t().reshape(1, -1, side, side) for part in seen))


def rendering_table(found: list[Rendering]) -> str:
    """Markdown."""
    lines = ["| network | work | plain ms | fast ms | ratio |", "|---|---|---:|---:|---:|"]
    for one in found:
        for plain, fast in one.pairs:
            ratio = plain.median / fast.median
            lines.append(
                f"| {one.name} | {plain.name} | {plain.median:.1f} | {fast.median:.1f} | {ratio:.1f} |"
            )
    heads = " | ".join(f"fast, {samples}" for samples in SAMPLES)
    lines += ["", "PSNR in dB by samples a ray, against the plain renderer with four times its samples:", ""]
    lines += [f"| network | plain | {heads} |", "|---|---:|" + "---:|" * len(SAMPLES)]
    for one in found:
        values = " | ".join(f"{value:.1f}" for _, value in one.quality)
        lines.append(f"| {one.name} | {one.plain_quality:.1f} | {values} |")
    lines += ["", "Rays by the image's side, plain → fast ms:", ""]
    heads = " | ".join(f"{side}²" for side in SIDES)
    lines += [f"| network | {heads} |", "|---|" + "---:|" * len(SIDES)]
    for one in found:
        values = " | ".join(f"{plain:.0f} → {fast:.1f}" for _, plain, fast in one.sides)
        lines.append(f"| {one.name} | {values} |")
    return "\n".join(lines)
