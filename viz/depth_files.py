"""Depth maps on disk, and the camera that took them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from pof3d.config import CameraConfig, RenderConfig
from viz.captures import VIEW_KEY
from viz.files import replacing
from viz.frame import Frame
from viz.optics import Optics, optics_of
from viz.view import view_to_json

DEPTH_KEY = "pof3d_depth"
"""Name of the PNG text that says what the numbers mean."""
CAMERA_SUFFIX = "-camera.json"
UNIT = "world units"
MEANING = "distance from the camera's centre along the ray"


def frame_optics(frame: Frame, render: RenderConfig) -> Optics:
    """The camera of a frame.

    Parameters
    ----------
    frame : Frame
        Its cameras are known, as the engine's are.
    render : RenderConfig
        The network's.
    """
    return optics_of(frame.camera_pose, frame.view.camera, frame.cameras or CameraConfig(), render)


def camera_document(frame: Frame, render: RenderConfig) -> dict[str, Any]:
    """The camera of a frame, as plain values for JSON.

    Parameters
    ----------
    frame : Frame
        Of the depth map.
    render : RenderConfig
        The network's.
    """
    optics, side = frame_optics(frame, render), len(frame.depth)
    focal = optics.focal
    near, far = render.ray_start + optics.depth_shift, render.ray_end + optics.depth_shift
    matrix = np.asarray(optics.cam2world, float).reshape(4, 4).tolist()
    return {
        "unit": UNIT,
        "width": side,
        "height": side,
        "intrinsics": [[focal, 0.0, 0.5], [0.0, focal, 0.5], [0.0, 0.0, 1.0]],
        "intrinsics_unit": "image widths; pixel (i, j) has its centre at ((i + ½) / width, (j + ½) / height)",
        "intrinsics_pixels": [[focal * side, 0.0, side / 2], [0.0, focal * side, side / 2], [0.0, 0.0, 1.0]],
        "cam2world": matrix,
        "axes": "camera: x right, y down, z forward (OpenCV); world: right-handed, y up",
        "near": near,
        "far": far,
        "depth": MEANING,
        "yaw_radians": frame.camera_pose.yaw,
        "pitch_radians": frame.camera_pose.pitch,
        "view": json.loads(view_to_json(frame.view)),
    }


def save_camera(frame: Frame, render: RenderConfig, path: Path) -> None:
    """Write :func:`camera_document` as JSON.

    Raises
    ------
    SaveError
        When the file cannot be written.
    """
    text = json.dumps(camera_document(frame, render), indent=2, ensure_ascii=False)
    with replacing(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def save_depth(frame: Frame, path: Path) -> None:
    """Write a frame's depth map: .npy holds float32, NaN for nothing; .png holds 16 bits, 0 for nothing.

    A PNG's text :data:`DEPTH_KEY` is JSON with the ``scale``: value × scale = distance in world units.

    Raises
    ------
    SaveError
        When the file cannot be written.
    """
    if path.suffix.lower() == ".npy":
        with replacing(path) as part, part.open("wb") as file:
            np.save(file, frame.depth, allow_pickle=False)
        return
    solid = ~np.isnan(frame.depth)
    farthest = float(frame.depth[solid].max()) if solid.any() else 1.0
    scale = max(farthest, 1e-6) / 65535.0
    steps = np.where(solid, np.clip(np.rint(np.nan_to_num(frame.depth) / scale), 1, 65535), 0)
    text = PngImagePlugin.PngInfo()
    meaning = {"scale": scale, "unit": UNIT, "depth": MEANING, "nothing": 0}
    text.add_text(DEPTH_KEY, json.dumps(meaning))
    text.add_text(VIEW_KEY, view_to_json(frame.view))
    with replacing(path) as part:
        Image.fromarray(steps.astype(np.uint16)).save(part, "PNG", pnginfo=text)
