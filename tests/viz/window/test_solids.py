"""Surfaces and points drawn by OpenGL lie where the network's camera sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from pof3d.cameras import orbit_cam2world
from pof3d.config import CameraConfig
from viz.normals import color_normals, normal_map, ray_directions
from viz.window import OffscreenWindow

if TYPE_CHECKING:
    from viz.window.solids import SolidRenderer

pytestmark = pytest.mark.window
SIDE, FOCAL, RADIUS = 96, 2.0, 0.4
BACK = (30, 32, 36)
CAMERA = CameraConfig()


@pytest.fixture
def renderer() -> Iterator[SolidRenderer]:
    window = OffscreenWindow((64, 48))
    from viz.window.solids import SolidRenderer

    renderer = SolidRenderer()
    yield renderer
    renderer.release()
    window.close()


def matrix(yaw: float, pitch: float) -> tuple[float, ...]:
    return tuple(orbit_cam2world(yaw, pitch, camera=CAMERA).flatten().tolist())


def ball(
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Vertices, normals and faces of a fine ball."""
    import trimesh

    solid = trimesh.creation.icosphere(5, RADIUS)
    normals = (solid.vertices / RADIUS).astype(np.float32)
    return (solid.vertices + centre).astype(np.float32), normals, solid.faces.astype(np.int32)


def seen_depth(camera: tuple[float, ...], centre: NDArray[np.float64]) -> NDArray[np.float32]:
    """The ball's depth map, NaN beside it."""
    eye = np.array(camera).reshape(4, 4)[:3, 3] - centre
    b = ray_directions(camera, FOCAL, SIDE) @ eye
    inside = b**2 - (eye @ eye - RADIUS**2)
    return np.where(inside > 0, -b - np.sqrt(np.maximum(inside, 0)), np.nan).astype(np.float32)


@pytest.mark.parametrize("yaw, pitch", [(0.0, 0.0), (0.7, -0.4), (-2.0, 0.3)])
def test_a_ball_is_where_rays_meet_it(renderer: SolidRenderer, yaw: float, pitch: float) -> None:
    centre, camera = (0.3, 0.15, -0.1), matrix(yaw, pitch)
    vertices, normals, faces = ball(centre)
    renderer.set_mesh(vertices, normals, np.full((len(vertices), 3), 255, np.uint8), faces)
    renderer.draw(SIDE, camera, FOCAL, background=BACK)
    picture = renderer.read()
    assert picture.shape == (SIDE, SIDE, 4) and (picture[..., 3] == 255).all()
    drawn = (picture[..., :3].astype(int) - BACK).sum(axis=-1) > 250
    expected = ~np.isnan(seen_depth(camera, np.array(centre)))
    assert 500 < expected.sum() < 0.9 * expected.size
    assert (drawn != expected).sum() < 0.02 * expected.sum()


@pytest.mark.parametrize("space", ["camera", "world"])
def test_its_normals_have_the_colours_of_the_depth_maps(renderer: SolidRenderer, space: str) -> None:
    camera = matrix(0.5, -0.3)
    vertices, normals, faces = ball()
    renderer.set_mesh(vertices, normals, np.zeros((len(vertices), 3), np.uint8), faces)
    renderer.draw(SIDE, camera, FOCAL, "normals", background=BACK, world_normals=space == "world")
    depth = seen_depth(camera, np.zeros(3))
    expected = color_normals(depth, camera, FOCAL, space)  # type: ignore[arg-type]
    facing = np.nan_to_num(normal_map(depth, camera, FOCAL) @ -np.array(camera).reshape(4, 4)[:3, 2]) > 0.7
    assert facing.sum() > 700
    assert abs(renderer.read()[..., :3].astype(int) - expected)[facing].max() <= 6


def test_the_near_hides_the_far(renderer: SolidRenderer) -> None:
    vertices, normals, faces = ball((0.0, 0.0, 0.8))
    more, _, _ = ball((0.0, 0.0, -0.8))
    count = len(vertices)
    colors = np.repeat(np.array([[255, 0, 0], [0, 0, 255]], np.uint8), count, axis=0)
    both = np.concatenate([vertices, more]), np.concatenate([normals, normals])
    front = np.array(matrix(0.0, 0.0)).reshape(4, 4)
    near = 0 if front[2, 3] > 0 else 2
    for order in ((faces, faces + count), (faces + count, faces)):
        renderer.set_mesh(*both, colors, np.concatenate(order))
        renderer.draw(SIDE, matrix(0.0, 0.0), FOCAL, background=BACK)
        middle = renderer.read()[SIDE // 2, SIDE // 2, :3]
        assert middle.argmax() == near


def test_points_lie_on_their_pixels(renderer: SolidRenderer) -> None:
    camera, side = matrix(0.6, 0.2), 48
    directions = ray_directions(camera, FOCAL, side)
    eye = np.array(camera).reshape(4, 4)[:3, 3]
    pixels = [(5, 9), (40, 3), (24, 30)]
    points = np.array([eye + 2.5 * directions[pixel] for pixel in pixels], np.float32)
    colors = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255)], np.uint8)
    renderer.set_points(points, colors, spacing=3 * 2.5 / (FOCAL * side))
    renderer.draw(side, camera, FOCAL, background=(0, 0, 0))
    picture = renderer.read()
    for (row, column), color in zip(pixels, colors, strict=True):
        assert np.array_equal(picture[row, column, :3], color)
    assert (picture[..., :3].any(axis=-1)).sum() < 3 * 16


def test_drawing_leaves_the_window_as_it_was() -> None:
    import viz.window.solids as solids

    window = OffscreenWindow((64, 48), surfaceless=True)
    try:
        from imgui_bundle import imgui

        renderer = solids.SolidRenderer()
        vertices, normals, faces = ball()
        renderer.set_mesh(vertices, normals, np.full((len(vertices), 3), 255, np.uint8), faces)
        pictures = []
        for drawn in (False, True):
            window.begin_frame()
            if drawn:
                renderer.draw(SIDE, matrix(0.0, 0.0), FOCAL)
            imgui.get_foreground_draw_list().add_rect_filled((10, 10), (30, 30), 0xFFFFFFFF)
            pictures.append(window.end_frame(capture=True))
        assert pictures[0] is not None and pictures[1] is not None
        assert pictures[0].max() == 255
        assert np.array_equal(pictures[0], pictures[1])
        renderer.release()
        renderer.release()
    finally:
        window.close()
