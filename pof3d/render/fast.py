"""Volume rendering with a tenth of the samples, placed where a small density grid of the latent has matter.

The plain renderer (:mod:`pof3d.render.volume`) queries the field all along a ray to learn where it is dense.
Here a grid tells that, which is made once for a latent and used for every camera; the field itself, with its
decoder, is read only where light comes from. For inference: gradients are the plain renderer's matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d.compiling import filled_up
from pof3d.config import FAST_GRID_SIDE, FAST_SAMPLES, FOG_SAMPLES, CameraConfig, RenderConfig
from pof3d.lanes import bounds, share
from pof3d.nets.generator import Generator
from pof3d.render.field import OUTSIDE_DENSITY, PLANE_AXES
from pof3d.render.lattice import lattice
from pof3d.render.volume import DENSITY_SHIFT

STEPS = 48
"""Readings of the density grid on one ray."""
LEAST_SHARE = 0.003
"""Of the square root of a step's weight: what samples are drawn by never vanishes."""
_LEAST_DEPTH = 1e-3
"""Optical depth, over the whole box, below which a density counts as nothing."""
_FLOOR = -12.0
"""Of the grid's raw densities, after the shift: softplus of it is as good as nothing."""
CORRECTION = 2.0
"""Factor by which the grid may correct what samples say about the light between them, at most."""
_FOG = 1.3
"""Sides of the box: where a ray's light comes from farther apart, it takes more samples."""
LEAST_BETWEEN, LEAST_AT_ENDS = 1e-4, 1e-3
"""Optical depth and density below which the grid is not asked."""


@dataclass(frozen=True)
class FastField:
    """A latent's radiance field, laid out to be read quickly."""

    table: Tensor
    """[3 (R+2)², C], the planes' texels row by row, channels last, with a border of zeros; it may be the
    planes' own memory (:func:`planes_table`). C is a multiple of 16, filled up with zeros."""
    side: int
    """R."""
    grid: Tensor
    """[1, 1, D, D, D], raw density − 1, axes (z, y, x): at the middles of the cells of a cube. Density is
    softplus of that; what lies between the middles is read before it, since there the field is smoother."""
    reach: float
    """Half the side of that cube, world units."""
    bounds: Tensor
    """[2, 3], lower and upper corner of what may be dense, world units; infinite for a field without end."""
    samples: int
    """Queries of the field that a ray of it takes."""


@torch.no_grad()
def fast_field(generator: Generator, planes: Tensor, *, lanes: int | None = None) -> FastField:
    """Lay out a latent's planes [1, 3, C, R, R], and sample their density on a grid; see :func:`lattice`."""
    if len(planes) != 1:
        raise ValueError(f"a fast field is one latent's, not {len(planes)}'s")
    render, side = generator.config.render, planes.shape[-1]
    table = _table(planes[0], lanes if planes.device.type == "cpu" else 1)
    reach = _reach(render, generator.config.camera)
    endless = torch.stack([table.new_full((3,), -torch.inf), table.new_full((3,), torch.inf)])
    cell = 2.0 * reach / FAST_GRID_SIDE
    middles = (torch.arange(FAST_GRID_SIDE, device=planes.device) + 0.5) * cell - reach
    grid = lattice(generator, planes, middles, lanes=lanes).clamp_(min=_FLOOR).permute(2, 1, 0).contiguous()
    density = F.softplus(grid)
    edges = _bounds(density, middles, cell, reach) if render.confine_to_box else endless
    return FastField(table, side, grid[None, None], reach, edges, _samples(density * cell, cell, render))


def planes_table(side: int, channels: int, *, like: Tensor) -> Tensor:
    """[3, R + 2, R + 2, C]: zeros around what is to be filled with planes [3, R, R, channels].

    Planes that lie there need not be copied to be read quickly.
    """
    table = like.new_empty(3, side + 2, side + 2, filled_up(channels))
    for around in _around(table, channels):
        around.zero_()
    return table


def _around(table: Tensor, channels: int) -> tuple[Tensor, ...]:
    return table[:, 0], table[:, -1], table[:, :, 0], table[:, :, -1], table[..., channels:]


def _table(planes: Tensor, lanes: int | None) -> Tensor:
    """:attr:`FastField.table` of planes [3, C, R, R]."""
    channels, side = planes.shape[1:3]
    texels = planes.permute(0, 2, 3, 1)
    table = _lie_in(planes)
    if table is None:
        table = planes_table(side, channels, like=planes)
        inside = table[:, 1:-1, 1:-1, :channels]
        lanes = torch.get_num_threads() if lanes is None else lanes
        rows = [slice(*edges) for edges in bounds(side, lanes)]
        share([lambda part=part: inside[:, part].copy_(texels[:, part]) for part in rows])  # type: ignore[misc]
    return table.flatten(end_dim=2)


def _lie_in(planes: Tensor) -> Tensor | None:
    """The table of planes [3, C, R, R] that have been made in one."""
    (channels, side), filled = planes.shape[1:3], filled_up(planes.shape[1])
    row, first = (side + 2) * filled, (side + 3) * filled
    strides, size = ((side + 2) * row, 1, row, filled), 3 * (side + 2) * row
    whole = planes.untyped_storage().nbytes() == size * planes.element_size()
    if (
        planes.device.type != "cpu"
        or planes.stride() != strides
        or planes.storage_offset() != first
        or not whole
    ):
        return None
    table = planes.as_strided((3, side + 2, side + 2, filled), ((side + 2) * row, row, filled, 1), 0)
    return None if any(around.any() for around in _around(table, channels)) else table


def _reach(render: RenderConfig, camera: CameraConfig) -> float:
    """The box; where the field does not end with it, as far as the rays along the axis."""
    box = render.box_warp / 2.0
    if render.confine_to_box:
        return box
    return max(box, abs(camera.radius - render.ray_start), abs(render.ray_end - camera.radius))


def _bounds(density: Tensor, middles: Tensor, cell: float, reach: float) -> Tensor:
    """[2, 3]: around all cells that stop light, and one more on every side."""
    dense = density * (2.0 * reach) > _LEAST_DEPTH
    low, high = [], []
    for axis in (2, 1, 0):  # x, y, z
        outside = ~dense.movedim(axis, 0).flatten(1).any(dim=1)
        low.append(middles.masked_fill(outside, torch.inf).amin())
        high.append(middles.masked_fill(outside, -torch.inf).amax())
    within = reach * (1.0 - 1e-4)  # not on the very edge, where rounding puts samples outside
    margin = 1.5 * cell
    return torch.stack(
        [(torch.stack(low) - margin).clamp(min=-within), (torch.stack(high) + margin).clamp(max=within)]
    )


def _samples(light: Tensor, cell: float, render: RenderConfig) -> int:
    """Queries for a ray, by the optical depths of the grid's cells."""
    most = _FOG * render.box_warp
    if render.confine_to_box or render.ray_end - render.ray_start <= most:
        return FAST_SAMPLES
    # On other devices to ask would be to wait, for every latent.
    fog = light.device.type != "cpu" or _spread(light) * cell > most
    return FOG_SAMPLES if fog else FAST_SAMPLES


def _spread(light: Tensor) -> float:
    """Over how many cells the light of a ray along an axis is spread: a few behind a surface, all in fog.

    For weights w of the cells, (Σ w)² / Σ w² of optical depths [D, D, D]: the mean over all rays, by opacity.
    """
    spread = opacity = light.new_zeros(())
    for axis in range(3):
        left = torch.exp(-F.pad(light.movedim(axis, -1).cumsum(dim=-1), (1, 0)))
        weights = left[..., :-1] - left[..., 1:]
        whole = weights.sum(dim=-1)
        spread = spread + (whole**3 / weights.square().sum(dim=-1).clamp(min=1e-12)).sum()
        opacity = opacity + whole.sum()
    return float(spread / opacity.clamp(min=1e-12))


def _features(field: FastField, box: Tensor, render: RenderConfig) -> Tensor:
    """[P, C] at points [P, 3] in box coordinates: bilinear, zero outside the planes."""
    stride = field.side + 2
    # Texel centres are at odd multiples of 1/R; the border, one texel wide, stands for all that is outside.
    place = (box * (field.side / 2.0) + (field.side + 1) / 2.0).clamp_(0.0, stride - 1.0)
    corner = place.nan_to_num(0.0).int().clamp_(max=stride - 2)  # a place that is no number is no address
    high = place - corner
    low = 1.0 - high
    index, weight = [], []
    for plane, (u, v) in enumerate(PLANE_AXES[render.plane_axes]):
        first = corner[:, v] * stride + corner[:, u] + plane * stride * stride
        index += [first, first + 1, first + stride, first + stride + 1]
        (left, right), (above, below) = ((low[:, axis], high[:, axis]) for axis in (u, v))
        weight += [left * above, right * above, left * below, right * below]
    return F.embedding_bag(
        torch.stack(index, dim=1),
        field.table,
        per_sample_weights=torch.stack(weight, dim=1) / 3.0,  # the planes' mean
        mode="sum",
    )


def query(generator: Generator, field: FastField, points: Tensor) -> tuple[Tensor, Tensor]:
    """Read the field; as :meth:`~pof3d.nets.generator.Generator.sample_field` does of one latent's planes.

    Parameters
    ----------
    generator : Generator
        Whose decoder is used.
    field : FastField
        One latent's.
    points : Tensor [P, 3]
        World positions.

    Returns
    -------
    raw_density : Tensor [P]
        Before softplus(· − 1).
    colours : Tensor [P, feature_channels]
        0…1.
    """
    box = points * (2.0 / generator.config.render.box_warp)
    features = _features(field, box, generator.config.render)[:, : generator.config.plane_channels]
    raw, colours = generator.decoder(features)
    return _confined(raw[:, 0], box, generator.config.render), colours


def _confined(raw: Tensor, box: Tensor, render: RenderConfig) -> Tensor:
    if not render.confine_to_box:
        return raw
    return raw.masked_fill(box.abs().amax(dim=-1) > 1.0, OUTSIDE_DENSITY)


def render_rays(
    generator: Generator,
    field: FastField,
    origins: Tensor,
    directions: Tensor,
    *,
    samples: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Volume rendering of one latent's rays.

    Parameters
    ----------
    generator : Generator
        Whose field it is.
    field : FastField
        See :func:`fast_field`.
    origins, directions : Tensor [rays, 3]
        World units; directions of length one.
    samples : int, optional
        Queries of the field for one ray, at least two; the field's own by default.

    Returns
    -------
    colour [rays, C], −1…1; depth [rays, 1], world units; opacity [rays, 1]
    """
    if origins.device.type != "cpu":
        return render_all_rays(generator, field, origins, directions, samples=samples)
    render = generator.config.render
    start, end = _span(field, origins, directions, render)
    if render.confine_to_box:
        hit = (end > start)[:, 0].nonzero()[:, 0]
        if len(hit) < len(origins):
            seen = _render(generator, field, origins[hit], directions[hit], start[hit], end[hit], samples)
            return tuple(  # type: ignore[return-value]
                part.new_full((len(origins), part.shape[1]), value).index_copy_(0, hit, part)
                for part, value in zip(seen, _empty(render), strict=True)
            )
    return _render(generator, field, origins, directions, start, end, samples)


def render_all_rays(
    generator: Generator,
    field: FastField,
    origins: Tensor,
    directions: Tensor,
    *,
    samples: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """As :func:`render_rays`, for devices that work while the program goes on.

    To leave out the rays that hit nothing is to wait for the device's answer which ones those are: here they
    are rendered like the others, and replaced. Nothing in it depends on values, so it can be recorded as a
    CUDA graph.
    """
    render = generator.config.render
    start, end = _span(field, origins, directions, render)
    seen = _render(generator, field, origins, directions, start, end, samples)
    if not render.confine_to_box:
        return seen
    missed = end <= start
    colour, depth, opacity = (
        part.masked_fill(missed, value) for part, value in zip(seen, _empty(render), strict=True)
    )
    return colour, depth, opacity


def _empty(render: RenderConfig) -> tuple[float, float, float]:
    """Colour, depth and opacity of a ray that hits nothing."""
    return float(render.white_background) * 2.0 - 1.0, render.ray_end, 0.0


def _render(
    generator: Generator,
    field: FastField,
    origins: Tensor,
    directions: Tensor,
    start: Tensor,
    end: Tensor,
    samples: int | None,
) -> tuple[Tensor, Tensor, Tensor]:
    render = generator.config.render
    samples = field.samples if samples is None else samples
    depths, reached, total = _placed(field, origins, directions, start, end, samples)
    points = torch.addcmul(origins[:, None], depths[..., None], directions[:, None])
    raw, colours = query(generator, field, points.view(-1, 3))
    raw, colours = raw.view(depths.shape) - DENSITY_SHIFT, colours.view(*depths.shape, colours.shape[-1])
    known = _read(field, points)
    # What the plain renderer makes of two samples, of the field and of the grid, and what the grid knows of
    # the way between them: the share that it would have missed there is taken to be missed here as well.
    spans = depths[:, 1:] - depths[:, :-1]
    between = F.softplus(0.5 * (raw[:, 1:] + raw[:, :-1])) * spans
    guessed = F.softplus(0.5 * (known[:, 1:] + known[:, :-1])) * spans
    between = between * _correction(reached[:, 1:] - reached[:, :-1], guessed, LEAST_BETWEEN)
    # Before the first and behind the last one the grid alone, as much more or less dense as it is at them.
    ends = slice(None, None, samples - 1)  # the first and the last; a list would be copied to the device
    outer = torch.cat([reached[:, :1], (total - reached[:, -1:]).clamp_(min=0.0)], dim=1)
    outer = outer * _correction(F.softplus(raw[:, ends]), F.softplus(known[:, ends]), LEAST_AT_ENDS)
    layers = [torch.zeros_like(total), outer[:, :1], between, outer[:, 1:]]
    left = torch.exp(-torch.cat(layers, dim=1).cumsum(dim=1))
    weights = left[:, :-1] - left[:, 1:]
    opacity = 1.0 - left[:, -1:]
    shares = 0.5 * (weights[:, 1:] + weights[:, :-1])
    shares[:, 0] += 0.5 * weights[:, 0]
    shares[:, -1] += 0.5 * weights[:, -1]
    colour = (shares[:, None] @ colours)[:, 0]
    edges = torch.cat([start, depths, end], dim=1)
    middles = 0.5 * (edges[:, 1:] + edges[:, :-1])
    depth = (weights * middles).sum(dim=1, keepdim=True) / opacity
    depth = torch.nan_to_num(depth, float("inf")).clamp(render.ray_start, render.ray_end)
    if render.white_background:
        colour = colour + (1.0 - opacity)
    return colour * 2.0 - 1.0, depth, opacity


def _span(
    field: FastField, origins: Tensor, directions: Tensor, render: RenderConfig
) -> tuple[Tensor, Tensor]:
    """[rays, 1] each: where rays enter and leave the bounds, within their range; equal if they miss them."""
    at_low, at_high = ((corner - origins) / directions for corner in field.bounds)
    enter = torch.minimum(at_low, at_high).nan_to_num(-torch.inf).amax(dim=1, keepdim=True)
    leave = torch.maximum(at_low, at_high).nan_to_num(torch.inf).amin(dim=1, keepdim=True)
    start = enter.clamp(render.ray_start, render.ray_end)
    return start, torch.maximum(leave.clamp(render.ray_start, render.ray_end), start)


def _correction(is_: Tensor, guess: Tensor, least: float) -> Tensor:
    """By which factor a guess must be changed, within bounds; one where there is nothing."""
    return ((is_ + least) / (guess + least)).clamp_(1.0 / CORRECTION, CORRECTION)


def _read(field: FastField, points: Tensor) -> Tensor:
    """[rays, P] of the grid at world positions [rays, P, 3]: trilinear, the border's values beyond."""
    places = (points / field.reach)[None, None]
    read = F.grid_sample(field.grid, places, mode="bilinear", padding_mode="border", align_corners=False)
    return read.view(points.shape[:2])


def _placed(
    field: FastField, origins: Tensor, directions: Tensor, start: Tensor, end: Tensor, samples: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Depths [rays, samples] by the density grid, its optical depth [rays, samples] there, and in all.

    Samples are quantiles of the square root of the weights: in proportion to them, edges would have too few.
    """
    step = (end - start) / STEPS
    middles = start + (torch.arange(STEPS, device=origins.device, dtype=origins.dtype) + 0.5) * step
    points = torch.addcmul(origins[:, None], middles[..., None], directions[:, None])
    light = F.softplus(_read(field, points)) * step
    depth = F.pad(light.cumsum(dim=1), (1, 0))
    # A step's weight is left · (1 − exp(−light)); this is near enough, and does not subtract like from like.
    mass = (torch.exp(-depth[:, :-1]) * (light / (1.0 + light))).sqrt_().add_(LEAST_SHARE)
    below = F.pad(mass.cumsum(dim=1), (1, 0))
    quantiles = (torch.arange(samples, device=origins.device, dtype=origins.dtype) + 0.5) / samples
    wanted = quantiles * below[:, -1:]
    high = torch.searchsorted(below, wanted, right=True).clamp_(1, STEPS)
    low = high - 1
    at = below.gather(1, low)
    within = (wanted - at) / (below.gather(1, high) - at)
    depths = start + step * (low + within)
    return depths, torch.lerp(depth.gather(1, low), depth.gather(1, high), within), depth[:, -1:]
