"""Depth samples along rays and their compositing (mip-NeRF, arXiv 2103.13415; NeRF §5.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

DENSITY_SHIFT = 1.0
"""Density is softplus of the raw density less this."""
UniformSource = Callable[[tuple[int, ...]], Tensor]


@dataclass(frozen=True)
class Sampler:
    """Where the uniform draws of the two sampling passes come from.

    ``deterministic`` uses the middle of every stratum, so equal inputs give equal images; ``constant`` uses ½
    for every draw (the importance samples of a ray then coincide); ``random`` draws from ``source``.
    """

    mode: Literal["deterministic", "constant", "random"] = "deterministic"
    source: UniformSource | torch.Generator | None = None
    """A generator, or a function from a shape to uniform numbers; torch's global generator by default."""

    def _draw(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        if callable(self.source):
            return self.source(shape).to(like.dtype)
        return torch.rand(shape, generator=self.source, device=like.device, dtype=like.dtype)

    def jitter(self, shape: tuple[int, ...], like: Tensor) -> Tensor | float:
        """Offsets of the stratified samples in steps, 0…1."""
        if self.mode == "random":
            return self._draw(shape, like)
        return 0.5

    def quantiles(self, rays: tuple[int, ...], count: int, like: Tensor) -> Tensor:
        """[*rays, count] uniform draws of the importance pass."""
        if self.mode == "random":
            return self._draw((*rays, count), like)
        if self.mode == "constant":
            return torch.full((*rays, count), 0.5, device=like.device, dtype=like.dtype)
        u = (torch.arange(count, device=like.device, dtype=like.dtype) + 0.5) / count
        return u.expand(*rays, count)


DETERMINISTIC = Sampler()


def stratified_depths(
    batch: int, rays: int, count: int, start: float, end: float, sampler: Sampler, like: Tensor
) -> Tensor:
    """[B, rays, count] depths: ``count`` uniform ones from start to end, each plus up to one step."""
    depths = torch.linspace(start, end, count, device=like.device, dtype=like.dtype)
    step = (end - start) / (count - 1)
    return (depths + sampler.jitter((batch, rays, count), like) * step).expand(batch, rays, count)


def importance_depths(depths: Tensor, weights: Tensor, count: int, sampler: Sampler) -> Tensor:
    """Depths drawn where the first pass found matter.

    Parameters
    ----------
    depths : Tensor [B, rays, N]
        Sorted depths of the first pass.
    weights : Tensor [B, rays, N − 1]
        Compositing weights of its intervals.
    count : int
        Samples to draw.
    sampler : Sampler
        Source of the uniform draws.

    Returns
    -------
    Tensor [B, rays, count]
        By inversion of the smoothed weights' distribution on the interval midpoints, ends dropped. Detached.
    """
    with torch.no_grad():
        shape = weights.shape
        smooth = F.max_pool1d(weights.reshape(-1, 1, shape[-1]), 2, stride=1, padding=1)
        smooth = F.avg_pool1d(smooth, 2, stride=1).reshape(shape) + 0.01
        inner = smooth[..., 1:-1] + 1e-5
        pdf = inner / inner.sum(dim=-1, keepdim=True)
        cdf = torch.cat([torch.zeros_like(pdf[..., :1]), pdf.cumsum(dim=-1)], dim=-1)
        middles = 0.5 * (depths[..., :-1] + depths[..., 1:])
        u = sampler.quantiles(tuple(shape[:-1]), count, depths).contiguous()
        right = torch.searchsorted(cdf, u, right=True)
        low = (right - 1).clamp(min=0)
        high = right.clamp(max=pdf.shape[-1])
        cdf_low, cdf_high = cdf.gather(-1, low), cdf.gather(-1, high)
        span = cdf_high - cdf_low
        span = torch.where(span < 1e-5, torch.ones_like(span), span)
        at_low, at_high = middles.gather(-1, low), middles.gather(-1, high)
        return at_low + (u - cdf_low) / span * (at_high - at_low)


class Composite(NamedTuple):
    """What a ray sees."""

    colour: Tensor
    """[B, rays, C], −1…1."""
    depth: Tensor
    """[B, rays, 1], world units along the ray."""
    opacity: Tensor
    """[B, rays, 1], Σw, 0…1."""
    weights: Tensor
    """[B, rays, N − 1]."""


def interval_weights(raw_density: Tensor, depths: Tensor) -> Tensor:
    """w_i = α_i Π_{j<i}(1 − α_j + 1e-10) with α = 1 − exp(−softplus(mean raw density − 1) δ).

    Parameters
    ----------
    raw_density : Tensor [B, rays, N]
        Decoder output at the samples.
    depths : Tensor [B, rays, N]
        Sorted.

    Returns
    -------
    Tensor [B, rays, N − 1]
    """
    density = F.softplus(0.5 * (raw_density[..., :-1] + raw_density[..., 1:]) - DENSITY_SHIFT)
    alpha = 1.0 - torch.exp(-density * (depths[..., 1:] - depths[..., :-1]))
    transparency = torch.cat([torch.ones_like(alpha[..., :1]), 1.0 - alpha[..., :-1] + 1e-10], dim=-1)
    return alpha * transparency.cumprod(dim=-1)


def composite(raw_density: Tensor, colours: Tensor, depths: Tensor, *, white_background: bool) -> Composite:
    """Accumulate samples along rays, on midpoints of neighbouring samples.

    Parameters
    ----------
    raw_density : Tensor [B, rays, N]
        Decoder output.
    colours : Tensor [B, rays, N, C]
        0…1.
    depths : Tensor [B, rays, N]
        Sorted.
    white_background : bool
        Add the light that nothing absorbed, 1 − Σw.
    """
    weights = interval_weights(raw_density, depths)
    edge = torch.zeros_like(weights[..., :1])
    shared = 0.5 * (torch.cat([weights, edge], dim=-1) + torch.cat([edge, weights], dim=-1))
    colour = (shared[..., None, :] @ colours).squeeze(-2)
    opacity = weights.sum(dim=-1, keepdim=True)
    depth = (shared * depths).sum(dim=-1, keepdim=True) / opacity
    depth = torch.nan_to_num(depth, float("inf")).clamp(depths.min(), depths.max())
    if white_background:
        colour = colour + (1.0 - opacity)
    return Composite(colour * 2.0 - 1.0, depth, opacity, weights)
