"""What a View does to its latent beside choosing a seed: directions and style mixing. Pure functions.

What has no effect comes to the same, however it is written down: stages are remembered by it.
"""

from __future__ import annotations

from dataclasses import replace

from viz.view import LatentView


def num_ws(plane_resolution: int) -> int:
    """Latents of the backbone, one a layer: two a resolution from 4 to the planes' own."""
    return 2 * (plane_resolution.bit_length() - 2)


def is_between(latent: LatentView) -> bool:
    """Whether the latent interpolates between seeds."""
    return latent.x != round(latent.x) or latent.y != round(latent.y) or bool(latent.blend)


def interpolates_w(latent: LatentView) -> bool:
    """Whether the w of several seeds are mixed; a lattice point has its seed's alone, in either space.

    Latents between seeds that are no neighbours are blended in z always.
    """
    return latent.space == "w" and not latent.blend and is_between(latent)


def other_space(latent: LatentView) -> LatentView:
    """Interpolate in the other one of z and w."""
    return replace(latent, space="z" if latent.space == "w" else "w")


def amplitudes(latent: LatentView) -> tuple[float, ...]:
    """The directions' amplitudes up to the last that is not 0."""
    moves = latent.directions
    while moves and moves[-1] == 0.0:
        moves = moves[:-1]
    return moves


def with_amplitude(latent: LatentView, index: int, value: float) -> LatentView:
    """Move along one direction, the others staying as they are."""
    moves = [*latent.directions, *[0.0] * (index + 1 - len(latent.directions))]
    moves[index] = value
    return replace(latent, directions=amplitudes(replace(latent, directions=tuple(moves))))


def mixing(latent: LatentView, layers: int) -> tuple[int, int, int] | None:
    """The second seed, its first layer and the one after its last, of so many; None if it has none."""
    if latent.mix_seed is None:
        return None
    end = layers if latent.mix_end is None else min(latent.mix_end, layers)
    return (latent.mix_seed, latent.mix_first, end) if latent.mix_first < end else None


def with_mix_range(latent: LatentView, first: int, end: int, layers: int) -> LatentView:
    """Take the layers from ``first`` to ``end``, excluded, of so many from the second seed."""
    return replace(latent, mix_first=first, mix_end=None if end >= layers else end)


def with_mixing(latent: LatentView, on: bool, layers: int) -> LatentView:
    """Begin or end style mixing: first with the next seed, in the finer half of the layers."""
    if on == (latent.mix_seed is not None):
        return latent
    if not on:
        return replace(latent, mix_seed=None)
    if mixing(replace(latent, mix_seed=0), layers) in (None, (0, 0, layers)):
        latent = replace(latent, mix_first=layers // 2, mix_end=None)
    return replace(latent, mix_seed=(latent.seed + 1) % 2**32)


def describe(latent: LatentView) -> str:
    """A latent in words, over a few lines."""
    where = f"between seeds, near {latent.seed}" if is_between(latent) else f"seed {latent.seed}"
    lines = [f"{where}, ψ {latent.truncation_psi:.2f}"]
    moves = [f"{i + 1}: {value:+.2f} σ" for i, value in enumerate(latent.directions) if value]
    if moves:
        lines.append("directions " + ", ".join(moves).replace("-", "−"))
    if latent.mix_seed is not None:
        end = "the finest" if latent.mix_end is None else str(latent.mix_end - 1)
        lines.append(f"mixed with seed {latent.mix_seed}, layers {latent.mix_first} to {end}")
    return "\n".join(lines)


def edits_in_short(latent: LatentView) -> str:
    """What is done to a seed, to stand behind it; empty if nothing is."""
    moved = sum(value != 0.0 for value in latent.directions)
    words = [f"moved along {moved} direction{'s' * (moved > 1)}"] if moved else []
    if latent.mix_seed is not None:
        words.append(f"mixed with {latent.mix_seed}")
    return "".join(f"   {word}" for word in words)
