"""The work behind :mod:`viz.geometry`, done in jobs' threads, and what it is known by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pof3d.mesh_settings import MeshSettings
from viz.engine import Engine
from viz.jobs import Control
from viz.panel import NetworkInfo
from viz.shapes import (
    AXES,
    CloudSettings,
    DensitySlice,
    PointCloud,
    SliceRequest,
    Surface,
    SurfaceFacts,
)
from viz.view import LatentView, View

if TYPE_CHECKING:
    from torch import Tensor

    from pof3d.mesh import DensityGrid
    from pof3d.nets.generator import Generator
    from pof3d.triangles import Mesh

SLICE_RESOLUTION = 128
_LARGEST_KEPT_GRID = 192
"""Samples along each side: a larger one is not worth its memory."""


@dataclass(frozen=True)
class Content:
    """What decides about the field."""

    network: NetworkInfo
    latent: LatentView
    conditioning: tuple[float, float] | None


@dataclass(frozen=True)
class SurfaceKey:
    """What decides about a surface, but for how fine it is."""

    content: Content
    level: float | None
    largest_only: bool


@dataclass(frozen=True)
class CloudKey:
    """What decides about a point cloud; the camera is that of the moment when it is made."""

    content: Content
    settings: CloudSettings
    take: int
    """Counts how often the user has asked for another one."""


@dataclass(frozen=True, eq=False)
class Field:
    """What densities are asked of."""

    content: Content
    generator: Generator
    planes: Tensor


@dataclass(frozen=True, eq=False)
class Made:
    """A surface with what it came from."""

    key: SurfaceKey
    settings: MeshSettings
    mesh: Mesh
    surface: Surface
    grid: DensityGrid | None


def content_of(view: View, network: NetworkInfo) -> Content:
    """What decides about the field of a View."""
    asked = view.pose
    label = (asked.conditioning_yaw, asked.conditioning_pitch) if network.is_conditioned else None
    return Content(network, view.latent, label)


def surface_work(
    view: View, key: SurfaceKey, settings: MeshSettings, kept: DensityGrid | None
) -> Callable[[Engine, Control], Made]:
    """The work of making a surface; a kept grid of the same planes and resolution saves most of it."""

    def work(engine: Engine, control: Control) -> Made:
        from pof3d.mesh import density_grid, make_mesh

        generator, planes = engine.field(view, control.cancelled)
        grid = kept if kept is not None and len(kept.values) == settings.resolution else None
        share = 0.7 if grid is None else 0.0
        if grid is None:
            grid = density_grid(
                generator, planes, settings.resolution, lambda done, note: control.report(0.7 * done, note)
            )
        mesh = make_mesh(
            generator,
            planes,
            settings,
            lambda done, note: control.report(share + (1 - share) * max(done - 0.7, 0.0) / 0.3, note),
            grid,
        )
        small = settings.resolution <= _LARGEST_KEPT_GRID
        return Made(key, settings, mesh, _surface(mesh, settings), grid if small else None)

    return work


def _surface(mesh: Mesh, settings: MeshSettings) -> Surface:
    width, height, depth = (mesh.vertices.max(axis=0) - mesh.vertices.min(axis=0)).tolist()
    facts = SurfaceFacts(
        len(mesh.vertices),
        len(mesh.faces),
        mesh.is_watertight,
        mesh.level,
        settings.resolution,
        (width, height, depth),
    )
    return Surface(mesh.vertices, mesh.normals, mesh.colors, mesh.faces, facts)


def cloud_work(view: View, settings: CloudSettings) -> Callable[[Engine, Control], PointCloud]:
    """The work of making a point cloud."""

    def work(engine: Engine, control: Control) -> PointCloud:
        from viz.cloud import make_cloud

        return make_cloud(engine, view, settings, control.report, control.cancelled)

    return work


def slice_work(
    view: View, content: Content, request: SliceRequest, known: Field | None
) -> Callable[[Engine, Control], tuple[Field, DensitySlice]]:
    """The work of making a slice; a field that is known saves the synthesis of the planes."""

    def work(engine: Engine, control: Control) -> tuple[Field, DensitySlice]:
        from pof3d.mesh import density_slice

        found = known or Field(content, *engine.field(view, control.cancelled))
        side = found.generator.config.render.box_warp
        axis, position = AXES.index(request.axis), request.position * side / 2
        values = density_slice(found.generator, found.planes, axis, position, SLICE_RESOLUTION)
        return found, DensitySlice(request, values, side)

    return work
