"""Point clouds: depth maps from one camera or many, as coloured points in the world."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pof3d.mesh import MeshError
from viz.depth_files import frame_optics
from viz.engine import Engine
from viz.frame import Frame
from viz.networks import Resident
from viz.normals import LARGEST_JUMP, world_points
from viz.shapes import CloudSettings, PointCloud
from viz.view import View

_SPACING = 1.5
"""Width of a point, in widths of a pixel where it lies."""
_RINGS = (math.radians(-35.0), 0.0, math.radians(35.0))
"""Pitches of the cameras all round."""
_DEPTH_SAMPLES = 48
"""A ray, at least."""


def cloud_views(view: View, settings: CloudSettings) -> list[View]:
    """The Views whose depth maps make the cloud.

    Parameters
    ----------
    view : View
        The present one.
    settings : CloudSettings
        With more than one camera they stand all round, as far from the object as the present one.
    """
    sampling = replace(view.sampling, resolution=settings.resolution)
    seen = replace(view, sampling=sampling, display=replace(view.display, mode="raw"))
    if settings.cameras <= 1:
        return [seen]
    views = []
    for k in range(settings.cameras):
        # Each ring begins where the last one ended, so that any number covers the whole circle.
        yaw = math.remainder(math.tau * k * len(_RINGS) / settings.cameras, math.tau)
        pitch = _RINGS[k * len(_RINGS) // settings.cameras]
        if settings.cameras < 2 * len(_RINGS):
            yaw, pitch = math.remainder(math.tau * k / settings.cameras, math.tau), 0.0
        pose = replace(view.pose, source="override", override_yaw=yaw, override_pitch=pitch)
        views.append(replace(seen, pose=pose))
    return views


def make_cloud(
    engine: Engine,
    view: View,
    settings: CloudSettings,
    report: Callable[[float, str], None],
    cancelled: Callable[[], bool],
) -> PointCloud:
    """Render the depth maps and put their points together.

    Parameters
    ----------
    engine : Engine
        Renders.
    view : View
        The present one.
    settings : CloudSettings
        How many cameras, and how finely.
    report : callable
        Told the fraction done; may raise to end the work.
    cancelled : callable
        Asked between slices of rays.

    Raises
    ------
    MeshError
        When no camera sees anything.
    """
    resident = engine.load(view.network.path, cancelled=cancelled)
    views = cloud_views(_well_sampled(view, resident), settings)
    points, colors, spacing = [], [], 0.0
    for k, one in enumerate(views):
        report(k / len(views), "Rendering depth maps")
        frame = engine.render(one, "full", cancelled, discriminator=False)
        some, theirs, apart = frame_points(frame, resident)
        points.append(some)
        colors.append(theirs)
        spacing = max(spacing, apart)
    if not any(map(len, points)):
        raise MeshError(
            "There are no points", "nothing stops the light here", "Turn the camera towards the object."
        )
    return PointCloud(np.concatenate(points), np.concatenate(colors), spacing)


def _well_sampled(view: View, resident: Resident) -> View:
    own = resident.network.generator.config.render.depth_samples
    asked = view.sampling.depth_samples or own
    return replace(view, sampling=replace(view.sampling, depth_samples=max(asked, _DEPTH_SAMPLES)))


def frame_points(frame: Frame, resident: Resident) -> tuple[NDArray[np.float32], NDArray[np.uint8], float]:
    """Points [P, 3] of a frame's depth map, their colours [P, 3] and how far apart they are, world units."""
    render = resident.network.generator.config.render
    optics = frame_optics(frame, render)
    depth, side = frame.depth, len(frame.depth)
    pixel = 1.0 / (optics.focal * side)
    kept = ~np.isnan(depth) & ~_floating(depth, LARGEST_JUMP * pixel)
    points = world_points(depth, optics.cam2world, optics.focal)[kept].astype(np.float32)
    colors = frame.raw[kept].astype(np.float64)
    if render.white_background:
        # Take out the white that shines through.
        share = frame.opacity[kept][:, None]
        colors = (colors - 255.0 * (1.0 - share)) / share
    spacing = _SPACING * pixel * (float(np.median(depth[kept])) if kept.any() else 1.0)
    return points, np.clip(np.rint(colors), 0, 255).astype(np.uint8), spacing


def _floating(depth: NDArray[np.float32], largest: float) -> NDArray[np.bool_]:
    """Pixels between a near thing and a far one: their depth is a mean of both, where nothing is."""
    floating = np.zeros(depth.shape, bool)
    with np.errstate(invalid="ignore"):
        for axis in (0, 1):
            jump = abs(np.diff(depth, axis=axis)) > largest * np.take(depth, range(1, len(depth)), axis=axis)
            before, after = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
            before[axis], after[axis] = (1, 0), (0, 1)
            floating |= np.pad(jump, before) & np.pad(jump, after)
    return floating
