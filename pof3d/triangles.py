"""Triangle meshes as arrays, wherever they come from: normals, parts, fewer faces."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh in world coordinates. Arrays are read-only."""

    vertices: NDArray[np.float32]
    """[V, 3], world units."""
    faces: NDArray[np.int32]
    """[F, 3], counter-clockwise seen from outside."""
    colors: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 3), np.uint8))
    """[V, 3], sRGB; [0, 3] before it has been coloured."""
    level: float = 0.0
    """Density of the surface, per world unit."""

    def __post_init__(self) -> None:
        for array in (self.vertices, self.faces, self.colors):
            array.setflags(write=False)

    @cached_property
    def normals(self) -> NDArray[np.float32]:
        """[V, 3], of length one, outwards: means of the neighbouring faces, by area."""
        corners = self.vertices[self.faces]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        count = len(self.vertices)
        indices = self.faces.ravel()
        summed = [np.bincount(indices, np.repeat(across[:, axis], 3), count) for axis in range(3)]
        normals = np.stack(summed, axis=1)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        return (normals / np.maximum(lengths, 1e-20)).astype(np.float32)

    @cached_property
    def is_watertight(self) -> bool:
        """Whether every edge belongs to exactly two faces, one in each direction."""
        if not len(self.faces):
            return False
        a, b = self.faces[:, [0, 1, 2]].ravel(), self.faces[:, [1, 2, 0]].ravel()
        directed = a.astype(np.int64) * len(self.vertices) + b
        opposite = b.astype(np.int64) * len(self.vertices) + a
        directed.sort()
        opposite.sort()
        return bool((np.diff(directed) > 0).all() and np.array_equal(directed, opposite))


def without_strays(
    vertices: NDArray[np.float32], faces: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Drop the vertices that no face uses."""
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    renumbered = np.cumsum(used, dtype=np.int32) - 1
    return vertices[used], renumbered[faces].astype(np.int32)


def largest_part(mesh: Mesh) -> Mesh:
    """The connected part with the most faces."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count, faces = len(mesh.vertices), mesh.faces
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    graph = coo_array((np.ones(len(edges), bool), (edges[:, 0], edges[:, 1])), shape=(count, count))
    parts, labels = connected_components(graph, directed=False)
    if parts <= 1:
        return mesh
    label_of_face = labels[faces[:, 0]]
    largest = np.bincount(label_of_face).argmax()
    chosen = label_of_face == largest
    colors = mesh.colors[labels == largest] if len(mesh.colors) else mesh.colors
    return Mesh(*without_strays(mesh.vertices, faces[chosen]), colors, mesh.level)


def simplified(mesh: Mesh, faces: int) -> Mesh:
    """About so many faces, by quadric error (Garland and Heckbert 1997); without colours.

    A surface of many handles cannot lose as many as that, and keeps more.
    """
    if len(mesh.faces) <= faces:
        return mesh
    # Not through trimesh, which merges the points that end up on each other, and so tears closed meshes open.
    from fast_simplification import simplify

    # Copies: it writes.
    points, triangles = simplify(mesh.vertices.astype(np.float64), mesh.faces.copy(), target_count=faces)
    vertices, kept = without_strays(points.astype(np.float32), triangles.astype(np.int32))
    return Mesh(vertices, kept, level=mesh.level)
