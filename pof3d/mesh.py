"""Meshes of the radiance field: a grid of densities, its iso-surface, colours from the field.

Vertices are in the world of the cameras: right-handed, y up, in world units (:mod:`pof3d.cameras`).
Densities are those of the volume renderer, σ = softplus(raw density − 1), per world unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pof3d.errors import Pof3dError
from pof3d.mesh_settings import LEVELS, MeshSettings, check_settings
from pof3d.render.lattice import lattice
from pof3d.render.volume import interval_weights
from pof3d.triangles import Mesh, largest_part, simplified, without_strays

if TYPE_CHECKING:
    from pof3d.nets.generator import Generator

Progress = Callable[[float, str], None]
"""Takes the fraction done, 0 … 1, and what is being done; may raise to end the work."""

_POINTS_AT_ONCE = 65_536
_LAYERS_AT_ONCE = 24
_LEVEL_SHARE = 0.15
_LEVEL_SAMPLES = 96
"""Along each side, at most, for a fitted level."""
_COLOR_SAMPLES = 12
_SLOPE_STEP = 1 / 64
"""Of the differences that say which way the density rises, box sides."""
_COLOR_DEPTH = 3.0
"""Colours are collected so far inside the surface, a quarter of it outside, in mean free paths of light."""
_OUTSIDE = -1e6
"""Density beyond the box: what is cut by the box is closed on its faces."""


class MeshError(Pof3dError):
    """No mesh can be made."""


@dataclass(frozen=True, eq=False)
class DensityGrid:
    """Densities on a regular grid that fills the box, its faces included."""

    values: NDArray[np.float32]
    """[N, N, N], per world unit; the axes are x, y, z."""
    side: float
    """Of the box, world units; it is centred on the origin."""


def make_mesh(
    generator: Generator,
    planes: Tensor,
    settings: MeshSettings,
    progress: Progress | None = None,
    grid: DensityGrid | None = None,
) -> Mesh:
    """The coloured surface of a generated object.

    Parameters
    ----------
    generator : Generator
        Whose field the planes are.
    planes : Tensor [1, 3, C, R, R]
        From :meth:`~pof3d.nets.generator.Generator.synthesize_planes`.
    settings : MeshSettings
        How fine, and where the surface lies.
    progress : callable, optional
        Told many times a second; may raise to end the work.
    grid : DensityGrid, optional
        Of an earlier mesh of these planes; it is used instead of the settings' resolution.

    Raises
    ------
    ConfigError
        For settings that cannot be used.
    MeshError
        When there is no surface at this density, or too little memory.
    """
    check_settings(settings)
    tell = progress or (lambda _fraction, _note: None)
    try:
        grid = grid or density_grid(
            generator,
            planes,
            settings.resolution,
            lambda fraction, note: tell(0.7 * fraction, note),
        )
        level = fitted_level(grid) if settings.level is None else settings.level
        mesh = iso_surface(grid, level, lambda fraction, note: tell(0.7 + 0.2 * fraction, note))
        del grid
        if settings.largest_only:
            tell(0.9, "Finding the largest part")
            mesh = largest_part(mesh)
        if settings.faces is not None:
            tell(0.92, "Simplifying")
            mesh = simplified(mesh, settings.faces)
        return colored(generator, planes, mesh, lambda fraction, note: tell(0.95 + 0.05 * fraction, note))
    except MemoryError as error:
        raise MeshError(
            f"There is no memory for a mesh of {settings.resolution}³ samples",
            todo="Choose a lower resolution.",
        ) from error


def density_grid(
    generator: Generator, planes: Tensor, resolution: int, progress: Progress | None = None
) -> DensityGrid:
    """Sample the density on a grid over the box of the tri-planes.

    Parameters
    ----------
    generator, planes, progress
        As for :func:`make_mesh`.
    resolution : int
        Samples along each side.
    """
    side = generator.config.render.box_warp
    axis = torch.linspace(-side / 2, side / 2, resolution, device=planes.device)

    def report(fraction: float) -> None:
        if progress is not None:
            progress(fraction, "Sampling the density")

    values = lattice(generator, planes, axis, report=report)
    return DensityGrid(F.softplus(values).cpu().numpy(), side)


def fitted_level(grid: DensityGrid) -> float:
    """A share of what the densest hundredth of the box reaches, low enough for the outlines of the image.

    Light ends a little below such a surface, and there depth maps have their points: half of the densest lies
    there, but cuts off what is thin and soft.
    """
    step = -(-len(grid.values) // _LEVEL_SAMPLES)
    dense = float(np.percentile(grid.values[::step, ::step, ::step], 99.0))
    # A small object may not fill a hundredth of the box.
    return float(np.clip(_LEVEL_SHARE * max(dense, 0.2 * float(grid.values.max())), *LEVELS))


def density_slice(
    generator: Generator, planes: Tensor, axis: int, position: float, resolution: int
) -> NDArray[np.float32]:
    """Densities on a plane through the box.

    Parameters
    ----------
    generator, planes
        As for :func:`make_mesh`.
    axis : int
        Which coordinate is fixed: 0 = x, 1 = y, 2 = z.
    position : float
        Its value, world units.
    resolution : int
        Samples along each side.

    Returns
    -------
    float32 [N, N]
        Per world unit, as an image, top row first: what somebody sees who looks back along the axis from
        its far end. For x that is z to the left and y up, for y it is x to the right and z down, for z it is
        x to the right and y up.
    """
    half = generator.config.render.box_warp / 2
    rising = torch.linspace(-half, half, resolution, device=planes.device)
    down, right = torch.meshgrid(rising, rising, indexing="ij")
    fixed = torch.full_like(down, position)
    coordinates = {0: (fixed, -down, -right), 1: (right, fixed, down), 2: (right, -down, fixed)}[axis]
    points = torch.stack([coordinate.reshape(-1) for coordinate in coordinates], dim=-1)
    return _densities(generator, planes, points).view(resolution, resolution).cpu().numpy()


@torch.no_grad()
def _densities(generator: Generator, planes: Tensor, points: Tensor) -> Tensor:
    """[P, 3] world positions → [P], per world unit."""
    parts = [generator.sample_field(planes, part[None])[0].view(-1) for part in points.split(_POINTS_AT_ONCE)]
    return F.softplus(torch.cat(parts) - 1.0)


def iso_surface(grid: DensityGrid, level: float, progress: Progress | None = None) -> Mesh:
    """Marching cubes (the topologically correct variant of Lewiner et al. 2003), without colours.

    Where the object reaches the faces of the box, the surface is closed there.

    Parameters
    ----------
    grid : DensityGrid
        Densities.
    level : float
        Density of the surface.
    progress : callable, optional
        As for :func:`make_mesh`.

    Raises
    ------
    MeshError
        When no density of the grid lies above the level, or all do.
    """
    from skimage.measure import marching_cubes

    values = grid.values
    top = float(values.max())
    if top <= level:
        raise MeshError(
            "There is no surface",
            f"no density reaches the level of {level:g}; the largest is {top:.3g}",
            "Choose a lower level.",
        )
    # In slabs that share a layer, so that it can be abandoned and needs no second copy of the grid.
    count = len(values)
    parts: list[tuple[NDArray[np.float32], NDArray[np.int32]]] = []
    for first in range(-1, count, _LAYERS_AT_ONCE):
        if progress is not None:
            progress(max(first, 0) / count, "Building the surface")
        last = min(first + _LAYERS_AT_ONCE, count)
        slab = np.pad(
            values[max(first, 0) : last + 1],
            ((int(first < 0), int(last == count)), (1, 1), (1, 1)),
            constant_values=_OUTSIDE,
        )
        if not slab.min() < level < slab.max():
            continue
        vertices, faces, _, _ = marching_cubes(slab, level, gradient_direction="ascent")
        vertices[:, 0] += first
        vertices[:, 1:] -= 1.0
        parts.append((vertices.astype(np.float32), faces.astype(np.int32)))
    vertices, faces = _joined(parts)
    vertices = (vertices / (count - 1) - 0.5) * grid.side
    return Mesh(vertices.astype(np.float32), faces, level=level)


def _joined(
    parts: list[tuple[NDArray[np.float32], NDArray[np.int32]]],
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Sew slabs together along the layers that they share."""
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    vertices = np.concatenate([one for one, _ in parts])
    faces = np.concatenate([one + start for (_, one), start in zip(parts, starts, strict=False)])
    # Layer numbers are whole, so only vertices on a shared layer come twice.
    seam = np.flatnonzero((vertices[:, 0] + 1.0) % _LAYERS_AT_ONCE == 0.0)
    keys = np.rint(vertices[seam] * 4096.0).astype(np.int64)
    _, kept, same = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    target = np.arange(len(vertices), dtype=np.int32)
    target[seam] = seam[kept[same.reshape(-1)]]
    faces = target[faces]
    collapsed = (faces == np.roll(faces, 1, axis=1)).any(axis=1)
    return without_strays(vertices, faces[~collapsed])


@torch.no_grad()
def colored(generator: Generator, planes: Tensor, mesh: Mesh, progress: Progress | None = None) -> Mesh:
    """The mesh with the field's colours: what somebody sees who looks straight down on each vertex.

    The first three channels, composited along a short way through the surface. At the surface itself the
    field has other colours than pictures show, in which light comes from some depth.
    """
    length = min(_COLOR_DEPTH / max(mesh.level, 1e-6), generator.config.render.box_warp / 8)
    depths = torch.linspace(-length / 4, length, _COLOR_SAMPLES, device=planes.device)
    vertices = torch.tensor(mesh.vertices, device=planes.device)
    apart = _SLOPE_STEP * generator.config.render.box_warp
    offsets = apart * torch.cat([torch.eye(3), -torch.eye(3)]).to(vertices)
    step, parts = max(1, _POINTS_AT_ONCE // _COLOR_SAMPLES), []
    for first in range(0, len(vertices), step):
        if progress is not None:
            progress(first / len(vertices), "Colouring")
        start = vertices[first : first + step, None]
        # Not along the mesh's normals: those of a simplified one are rough.
        around = generator.sample_field(planes, (start + offsets).reshape(1, -1, 3))[0]
        way = F.softplus(around.view(-1, 2, 3) - 1.0)
        way = F.normalize(way[:, :1] - way[:, 1:], dim=-1)
        points = (start + depths[:, None] * way).reshape(1, -1, 3)
        density, colors = generator.sample_field(planes, points)
        along = depths.expand(1, start.shape[0], -1)
        shape = (1, start.shape[0], _COLOR_SAMPLES)
        weights = interval_weights(density.view(shape), along)[0]
        edge = torch.zeros_like(weights[:, :1])
        shared = torch.cat([weights, edge], dim=1) + torch.cat([edge, weights], dim=1) + 1e-6
        mean = (shared[..., None] * colors.view(*shape, -1)[0, ..., :3]).sum(dim=1) / shared.sum(dim=1)[
            :, None
        ]
        parts.append((mean.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8).cpu().numpy())
    return replace(mesh, colors=np.concatenate(parts) if parts else np.zeros((0, 3), np.uint8))
