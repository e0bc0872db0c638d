"""What is known of an object's geometry beside its pictures, and what may be asked of it. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pof3d.mesh_settings import MeshSettings

if TYPE_CHECKING:
    from viz.jobs import JobState

MeshFormat = Literal["ply", "obj", "glb"]
DepthFormat = Literal["png", "npy"]
SliceAxis = Literal["x", "y", "z"]
AXES: tuple[SliceAxis, ...] = ("x", "y", "z")


@dataclass(frozen=True)
class CloudSettings:
    """How a point cloud is made of depth maps."""

    cameras: int = 1
    """1: the present camera; more: so many all round the object, in rings."""
    resolution: int = 192
    """Side of each depth map, pixels."""


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Depth maps as points in the world. Arrays are read-only."""

    points: NDArray[np.float32]
    """[P, 3], world units."""
    colors: NDArray[np.uint8]
    """[P, 3], sRGB."""
    spacing: float
    """How far neighbours are from each other, world units."""

    def __post_init__(self) -> None:
        self.points.setflags(write=False)
        self.colors.setflags(write=False)


@dataclass(frozen=True)
class SliceRequest:
    """A plane through the box."""

    axis: SliceAxis = "z"
    """The coordinate that is fixed."""
    position: float = 0.0
    """Its value in halves of the box's side: −1 … 1."""


@dataclass(frozen=True, eq=False)
class DensitySlice:
    """Densities on a plane through the box."""

    request: SliceRequest
    values: NDArray[np.float32]
    """[N, N], per world unit; an image, see :func:`pof3d.mesh.density_slice`."""
    side: float
    """Of the box, world units."""


@dataclass(frozen=True)
class SurfaceFacts:
    """What there is to say of a surface."""

    vertices: int
    faces: int
    watertight: bool
    level: float
    """Its density, per world unit."""
    resolution: int
    """Samples along each side of the box that it was made from."""
    size: tuple[float, float, float]
    """Along x, y and z, world units."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A mesh with what is to be drawn of it. Arrays are read-only."""

    vertices: NDArray[np.float32]
    """[V, 3], world units."""
    normals: NDArray[np.float32]
    """[V, 3], outwards."""
    colors: NDArray[np.uint8]
    """[V, 3], sRGB."""
    faces: NDArray[np.int32]
    """[F, 3]."""
    facts: SurfaceFacts


@dataclass(frozen=True, eq=False)
class GeometryState:
    """An object's geometry, as far as it is known."""

    settings: MeshSettings = field(default_factory=MeshSettings)
    cloud_settings: CloudSettings = field(default_factory=CloudSettings)
    surface: Surface | None = None
    """Of the shown latent."""
    extracted: bool = False
    """Whether the surface has been made with just these settings; otherwise it is a quicker one."""
    cloud: PointCloud | None = None
    slice: DensitySlice | None = None
    making: JobState | None = None
    """The surface or the points on their way, or why there are none."""
    saving: JobState | None = None
    """A file on its way."""
    saved: Path | None = None
    """The file saved last."""


class GeometryActions(Protocol):
    """What may be asked for. Calls return at once."""

    def set_mesh_settings(self, settings: MeshSettings) -> None:
        """Make surfaces like this."""

    def extract_mesh(self) -> None:
        """Make the surface with all that the settings ask for."""

    def cancel_geometry(self) -> None:
        """Stop making a surface, points or a file."""

    def set_cloud_settings(self, settings: CloudSettings) -> None:
        """Make point clouds like this."""

    def retake_points(self) -> None:
        """Make the point cloud again, from where the camera is now."""

    def want_slice(self, request: SliceRequest) -> None:
        """Keep a slice of the density at hand; to be said in every frame that shows it."""

    def export_mesh(self, format: MeshFormat) -> None:
        """Save the mesh, made with all that the settings ask for, in the folder of captures."""

    def export_depth(self, format: DepthFormat) -> None:
        """Save the depth map of the picture, and its camera, in the folder of captures."""
