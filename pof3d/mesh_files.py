"""Meshes as files: PLY, OBJ and GLB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pof3d.errors import ConfigError
from pof3d.files import replacing
from pof3d.triangles import Mesh

FORMATS = ("ply", "obj", "glb")


def check_name(path: Path) -> str:
    """The format that a file's name asks for.

    Raises
    ------
    ConfigError
        For a name that ends otherwise.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        known = ", ".join(f".{one}" for one in FORMATS)
        raise ConfigError(f"{path.name} is no name for a mesh", f"it should end in one of {known}")
    return kind


def write_mesh(mesh: Mesh, path: Path) -> None:
    """Write a mesh with its normals and colours; the target is replaced in one step, or left as it was.

    Parameters
    ----------
    mesh : Mesh
        World units, y up, as glTF has it. Colours are sRGB; in GLB they are linear, as glTF wants them.
    path : Path
        Its suffix, one of :data:`FORMATS`, says how.

    Raises
    ------
    ConfigError
        For another suffix.
    OSError
        When the file cannot be written.
    """
    import trimesh

    kind = check_name(path)
    colors = mesh.colors if len(mesh.colors) else np.full((len(mesh.vertices), 3), 200, np.uint8)
    if kind == "glb":
        colors = _linear(colors)
    alpha = np.full((len(colors), 1), 255, np.uint8)
    solid = trimesh.Trimesh(
        mesh.vertices,
        mesh.faces,
        vertex_normals=mesh.normals,
        vertex_colors=np.concatenate([colors, alpha], axis=1),
        process=False,
    )
    with replacing(path) as part:
        if kind == "obj":
            text = trimesh.exchange.obj.export_obj(solid, include_normals=True, include_color=True, digits=6)
            part.write_text(text, encoding="utf-8")
        elif kind == "ply":
            part.write_bytes(trimesh.exchange.ply.export_ply(solid, vertex_normal=True))
        else:
            scene = trimesh.Scene(solid)
            part.write_bytes(
                trimesh.exchange.gltf.export_glb(scene, include_normals=True, tree_postprocessor=_matte)
            )


def _linear(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """sRGB → linear light, bytes both."""
    x = colors.astype(np.float64) / 255.0
    light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return np.rint(light * 255.0).astype(np.uint8)


def _matte(tree: dict[str, Any]) -> None:
    """Give the meshes a matte surface: without one, viewers show them as dark metal."""
    tree["materials"] = [
        {"name": "matte", "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9}}
    ]
    for mesh in tree["meshes"]:
        for primitive in mesh["primitives"]:
            primitive["material"] = 0
