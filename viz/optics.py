"""From a View's pose and camera to the numbers that rays are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pof3d.cameras import orbit_cam2world
from pof3d.config import CameraConfig, RenderConfig, focal_from_fov
from viz.frame import Pose
from viz.view import PITCH_LIMIT, CameraView, View

_NEAREST = 0.01
"""Rays start at least this far in front of the camera, world units."""


@dataclass(frozen=True)
class Optics:
    """A camera as plain numbers, so that equal cameras are equal however they came about."""

    pose: Pose
    cam2world: tuple[float, ...]
    """The 4×4 matrix row by row."""
    focal: float
    """Image widths."""
    depth_shift: float
    """World units by which the range of samples moves away from the camera: as much as the camera has moved
    away from the content. 0 for the network's own cameras."""

    def matrix(self) -> Tensor:
        """cam2world [1, 4, 4], float32."""
        return torch.tensor(self.cam2world).view(1, 4, 4)


def picture_pose(view: View, generator_pose: Pose) -> Pose:
    """Where the picture is taken from: the generator's prediction, the override or the orbit camera."""
    if view.pose.source == "predicted":
        return generator_pose
    if view.pose.source == "override":
        yaw, pitch = view.pose.override_yaw, view.pose.override_pitch
    else:
        yaw, pitch = view.camera.yaw, view.camera.pitch
    return Pose(yaw, min(max(pitch, -PITCH_LIMIT), PITCH_LIMIT))


def optics_of(
    pose: Pose,
    asked: CameraView,
    camera: CameraConfig,
    render: RenderConfig,
    own: tuple[float, ...] | None = None,
) -> Optics:
    """The camera at a pose, with a View's roll, radius, field of view and pan.

    A network's samples lie between two fixed distances from its cameras. When the user moves the camera
    nearer or farther (radius, pan), that range follows the content: it is neither cut off nor missed.

    Parameters
    ----------
    pose : Pose
        From :func:`picture_pose`.
    asked : CameraView
        The View's camera; its yaw and pitch do not count here.
    camera, render : CameraConfig, RenderConfig
        The network's own.
    own : tuple, optional
        cam2world of the generator's camera where the pose is its prediction: used as it is where nothing
        else moves the camera, so that the picture is to the last bit the generator's own.
    """
    matrix = orbit_cam2world(
        pose.yaw, pose.pitch, camera=camera, radius=asked.radius, pivot_offset=asked.pan, roll=asked.roll
    )
    shift = 0.0
    moved = asked.radius is not None or asked.pan != (0.0, 0.0, 0.0)
    if moved:
        unmoved = orbit_cam2world(pose.yaw, pose.pitch, camera=camera)
        shift = _distance(matrix, camera) - _distance(unmoved, camera)
        shift = max(shift, _NEAREST - render.ray_start)
    focal = camera.focal if asked.fov is None else focal_from_fov(math.degrees(asked.fov))
    cam2world = tuple(matrix.flatten().tolist()) if own is None or moved or asked.roll else own
    return Optics(pose, cam2world, focal, shift)


def _distance(matrix: Tensor, camera: CameraConfig) -> float:
    """How far in front of the camera the network's pivot lies, world units."""
    pivot = torch.tensor(camera.pivot, dtype=torch.float64)
    eye = matrix[0, :3].double()
    return float(eye[:, 2] @ (pivot - eye[:, 3]))
