"""Normals of depth maps, and how a View shows them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pof3d.cameras import orbit_cam2world
from pof3d.config import CameraConfig
from viz.colormaps import BACKGROUND
from viz.engine import Engine
from viz.normals import color_normals, normal_map, ray_directions, world_points
from viz.view import DisplayView, NetworkView, PoseView, View

SIDE, FOCAL = 48, 2.0
CAMERA = CameraConfig()
RADIUS = 0.4


def matrix(yaw: float = 0.0, pitch: float = 0.0) -> tuple[float, ...]:
    return tuple(orbit_cam2world(yaw, pitch, camera=CAMERA).flatten().tolist())


def ball(cam2world: tuple[float, ...], far: float = math.nan) -> NDArray[np.float32]:
    """Depth map of a ball around the origin; ``far`` behind it."""
    eye = np.array(cam2world).reshape(4, 4)[:3, 3]
    directions = ray_directions(cam2world, FOCAL, SIDE)
    b = directions @ eye
    inside = b**2 - (eye @ eye - RADIUS**2)
    depth = np.where(inside > 0, -b - np.sqrt(np.maximum(inside, 0)), far)
    return depth.astype(np.float32)


def test_points_and_normals_of_a_ball() -> None:
    camera = matrix(0.4, -0.3)
    depth = ball(camera)
    points = world_points(depth, camera, FOCAL)
    hit = ~np.isnan(depth)
    assert np.allclose(np.linalg.norm(points[hit], axis=-1), RADIUS, atol=1e-5)
    agree = (normal_map(depth, camera, FOCAL)[hit] * points[hit] / RADIUS).sum(axis=-1)
    assert np.nanmedian(agree) > 0.999
    assert np.nanmin(agree) > 0.9


def test_what_lies_behind_does_not_bend_the_rim() -> None:
    camera = matrix()
    depth = ball(camera, far=6.0)
    hit = depth < 5.0
    agree = (normal_map(depth, camera, FOCAL)[hit] * world_points(depth, camera, FOCAL)[hit]).sum(axis=-1)
    assert np.nanmin(agree / RADIUS) > 0.7


def test_colours_of_the_camera_stay_with_it_and_those_of_the_world_with_the_object() -> None:
    middle = (SIDE // 2, SIDE // 2)
    for yaw, pitch in ((0.0, 0.0), (1.2, 0.3)):
        camera = matrix(yaw, pitch)
        depth = ball(camera)
        facing = color_normals(depth, camera, FOCAL, "camera")
        assert np.allclose(facing[middle].astype(int), (128, 128, 255), atol=8)
        column = facing[:, SIDE // 2]
        hit = np.flatnonzero(~np.isnan(depth[:, SIDE // 2]))
        assert column[hit[1], 1] > 220 and column[hit[-2], 1] < 35  # green is up
        row = facing[SIDE // 2]
        assert row[hit[-2], 0] > 220 and row[hit[1], 0] < 35  # red is right
        world = color_normals(depth, camera, FOCAL, "world")[middle] / 127.5 - 1.0
        eye = np.array(camera).reshape(4, 4)[:3, 3]
        assert np.allclose(world, eye / np.linalg.norm(eye), atol=0.06)
        assert tuple(facing[0, 0]) == BACKGROUND


def test_views_show_normals_and_opacity(tiny: Path) -> None:
    engine = Engine("cpu")
    view = View(NetworkView(str(tiny)), pose=PoseView("override", 0.3, 0.1))

    def shown(**display: object) -> NDArray[np.uint8]:
        return engine.render(replace(view, display=DisplayView(**display))).rgba  # type: ignore[arg-type]

    frame = engine.render(view)
    opacity = shown(mode="opacity")
    assert np.array_equal(opacity[..., 0], np.rint(frame.opacity * 255).astype(np.uint8))
    camera, world = shown(mode="normals"), shown(mode="normals", normals_space="world")
    nothing = np.isnan(frame.depth)
    assert 0 < nothing.sum() < nothing.size
    assert (camera[nothing][:, :3] == BACKGROUND).all()
    assert not np.array_equal(camera, world)
    # The same rays serve all of them.
    rays = [timing.cached for timing in engine.render(view).timings if timing.name == "rays"]
    assert rays == [True]


def test_where_geometry_is_shown_the_frame_is_the_same(tiny: Path) -> None:
    engine = Engine("cpu")
    view = View(NetworkView(str(tiny)))
    surface = replace(view, display=replace(view.display, geometry="surface"))
    assert np.array_equal(engine.render(view).rgba, engine.render(surface).rgba)


@pytest.mark.parametrize("mode", ["normals", "opacity"])
def test_previews_of_them_leave_super_resolution_out(tiny_2x: Path, mode: str) -> None:
    view = View(NetworkView(str(tiny_2x)), display=DisplayView(mode=mode))  # type: ignore[arg-type]
    assert "super-resolution" not in {t.name for t in Engine("cpu").render(view, "preview").timings}
