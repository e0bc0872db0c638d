"""Poses, camera matrices and rays.

Conventions (PoF3D §3.2 and its supplement). World: y up. Camera: OpenCV axes, x right, y down in the image, z
forward. ``cam2world`` is 4×4 with columns (right, down, forward, origin).

Two coordinate pairs describe where a camera stands on its sphere:

* **(h, v)**, the model's own. h is the azimuth in radians. v is *not* an angle: the polar angle is
  φ = arccos(1 − 2v/π), so equal steps of v cover equal areas of the sphere.
* **(yaw, pitch)**, everybody else's, in radians, (0, 0) = front: yaw = h − h_mean, pitch = φ − π/2. Positive
  pitch looks from below: the camera sinks as φ grows.

Only this module and the networks know (h, v).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pof3d.config import CameraConfig

_V_MARGIN = 1e-5
"""v keeps this distance from the poles, where the camera's up direction is undefined."""


def yaw_pitch_from_hv(hv: Tensor, h_mean: float) -> Tensor:
    """Angles of model poses.

    Parameters
    ----------
    hv : Tensor [..., 2 or more]
        h in radians and v in [0, π] (values beyond are clamped to the poles); what follows is left out.
    h_mean : float
        Azimuth of the front view, radians.

    Returns
    -------
    Tensor [..., 2]
        Yaw, within ±π, and pitch, radians.
    """
    yaw = hv[..., 0] - h_mean
    yaw = yaw - 2 * math.pi * torch.round(yaw.detach() / (2 * math.pi))
    v = hv[..., 1].clamp(_V_MARGIN, math.pi - _V_MARGIN)
    pitch = torch.arccos(1.0 - 2.0 * v / math.pi) - math.pi / 2
    return torch.stack([yaw, pitch], dim=-1)


def hv_from_yaw_pitch(yaw_pitch: Tensor, h_mean: float) -> Tensor:
    """Model poses of angles; the inverse of :func:`yaw_pitch_from_hv`.

    Parameters
    ----------
    yaw_pitch : Tensor [..., 2]
        Radians; pitch within (−π/2, π/2).
    h_mean : float
        Azimuth of the front view, radians.
    """
    phi = yaw_pitch[..., 1] + math.pi / 2
    v = (1.0 - torch.cos(phi)) * math.pi / 2
    return torch.stack([yaw_pitch[..., 0] + h_mean, v], dim=-1)


def cam2world_from_hv(
    hv: Tensor, radius: float | Tensor, pivot: tuple[float, float, float] | Tensor
) -> Tensor:
    """Camera matrices on a sphere around the pivot, looking at it, without roll.

    Parameters
    ----------
    hv : Tensor [B, 2 or more]
        Model poses; what follows h and v is left out.
    radius : float or Tensor [B]
        Distance from the world's origin, world units.
    pivot : tuple or Tensor [3]
        The point looked at, world units.

    Returns
    -------
    Tensor [B, 4, 4]
        cam2world matrices. Differentiable in ``hv``.
    """
    h = hv[:, 0]
    v = hv[:, 1].clamp(_V_MARGIN, math.pi - _V_MARGIN)
    phi = torch.arccos(1.0 - 2.0 * v / math.pi)
    direction = torch.stack(
        [torch.sin(phi) * torch.cos(math.pi - h), torch.cos(phi), torch.sin(phi) * torch.sin(math.pi - h)],
        dim=-1,
    )
    scale = radius[:, None] if isinstance(radius, Tensor) else radius
    origin = direction * scale
    target = torch.as_tensor(pivot, dtype=hv.dtype, device=hv.device)
    return _look_at(origin, target)


def _look_at(origin: Tensor, target: Tensor) -> Tensor:
    forward = torch.nn.functional.normalize(target - origin, dim=-1)
    up = torch.tensor([0.0, 1.0, 0.0], dtype=origin.dtype, device=origin.device).expand_as(origin)
    right = -torch.nn.functional.normalize(torch.linalg.cross(up, forward), dim=-1)
    down = torch.nn.functional.normalize(torch.linalg.cross(forward, right), dim=-1)
    rows = torch.stack([right, down, forward, origin], dim=-1)
    bottom = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=origin.dtype, device=origin.device)
    return torch.cat([rows, bottom.expand(origin.shape[0], 1, 4)], dim=1)


def orbit_cam2world(
    yaw: float,
    pitch: float,
    *,
    camera: CameraConfig,
    radius: float | None = None,
    pivot_offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
    roll: float = 0.0,
) -> Tensor:
    """One camera of the viewer: a pose of the network's sphere, then panned and rolled.

    Parameters
    ----------
    yaw, pitch, roll : float
        Radians. Roll turns the camera about its viewing direction.
    camera : CameraConfig
        The network's cameras.
    radius : float, optional
        Distance from the origin; the network's own by default.
    pivot_offset : tuple
        Translation of camera and pivot together, world units.

    Returns
    -------
    Tensor [1, 4, 4]
        cam2world, float32. Computed in float64.
    """
    angles = torch.tensor([[yaw, pitch]], dtype=torch.float64)
    hv = hv_from_yaw_pitch(angles, camera.h_mean)
    matrix = cam2world_from_hv(hv, camera.radius if radius is None else radius, camera.pivot)
    if roll:
        c, s = math.cos(roll), math.sin(roll)
        turn = torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
        matrix[:, :3, :3] = matrix[:, :3, :3] @ turn
    matrix[:, :3, 3] += torch.tensor(pivot_offset, dtype=torch.float64)
    return matrix.float()


def intrinsics_from_focal(focal: float | Tensor, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normalised intrinsics [[f, 0, ½], [0, f, ½], [0, 0, 1]], lengths in image widths.

    Parameters
    ----------
    focal : float or Tensor [B]
        Focal length.
    dtype : torch.dtype
        Of the result.

    Returns
    -------
    Tensor [3, 3] or [B, 3, 3]
    """
    if isinstance(focal, Tensor):
        frame = intrinsics_from_focal(0.0, dtype=dtype).to(focal.device).repeat(len(focal), 1, 1)
        frame[:, 0, 0] = frame[:, 1, 1] = focal.to(dtype)
        return frame
    return torch.tensor([[focal, 0.0, 0.5], [0.0, focal, 0.5], [0.0, 0.0, 1.0]], dtype=dtype)


def camera_labels(cam2world: Tensor, focal: float) -> Tensor:
    """Camera labels, as EG3D's networks and data sets have them (arXiv 2112.07945 §4.3).

    Parameters
    ----------
    cam2world : Tensor [B, 4, 4]
        Camera matrices.
    focal : float
        Image widths.

    Returns
    -------
    Tensor [B, 25]
        cam2world row by row, then the normalised intrinsics row by row.
    """
    intrinsics = intrinsics_from_focal(focal).to(cam2world).flatten().expand(len(cam2world), -1)
    return torch.cat([cam2world.flatten(1), intrinsics], dim=1)


def camera_rays(cam2world: Tensor, intrinsics: Tensor, resolution: int) -> tuple[Tensor, Tensor]:
    """Rays through the pixel centres u = (i + ½) / resolution.

    Parameters
    ----------
    cam2world : Tensor [B, 4, 4]
        Camera matrices.
    intrinsics : Tensor [B, 3, 3] or [3, 3]
        Normalised intrinsics.
    resolution : int
        Side of the image.

    Returns
    -------
    origins, directions : Tensor [B, resolution², 3]
        In world units; directions have length one. Pixels run row by row.
    """
    centres = (torch.arange(resolution, dtype=cam2world.dtype, device=cam2world.device) + 0.5) / resolution
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    k = intrinsics if intrinsics.dim() == 3 else intrinsics[None]
    k = k.to(cam2world)
    fx, fy, cx, cy = (k[:, i, j, None] for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    x, y = (x.reshape(1, -1) - cx) / fx, (y.reshape(1, -1) - cy) / fy
    local = torch.stack([x, y, torch.ones_like(x)], dim=-1).expand(cam2world.shape[0], -1, -1)
    directions = torch.nn.functional.normalize(local @ cam2world[:, :3, :3].transpose(1, 2), dim=-1)
    origins = cam2world[:, None, :3, 3].expand_as(directions)
    return origins, directions
