"""The whole window on the bundled checkpoint: the surface takes the place of the image, and fits it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from imgui_bundle import imgui
from numpy.typing import NDArray
from PIL import Image

from pof3d.mesh_settings import MeshSettings
from viz.app import App
from viz.captures import read_view
from viz.colormaps import BACKGROUND
from viz.layout import Placement
from viz.program import Program
from viz.start import make_program
from viz.surroundings import Surroundings
from viz.testing import Driver
from viz.view import LatentView, NetworkView, PoseView, View
from viz.window import OffscreenWindow
from widgets.geometry import GeometryPanel

CATS = Path(__file__).resolve().parents[3] / "assets" / "toy-cats.safetensors"
K = imgui.Key


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Driver]:
    window = OffscreenWindow((900, 600))
    view = View(NetworkView(str(CATS)), pose=PoseView("override", 0.4, -0.15))
    program = make_program(view, Surroundings(capture_folder=tmp_path / "out"), window.wake, threads=1)
    program.geometry.settings = MeshSettings(64)
    program.toggle_overlays()
    app = App(window, program, [Placement(GeometryPanel(), "right")])
    user = Driver(app)
    try:
        user.wait_until(lambda: program.frame is not None, 60)
        user.settle()
        yield user
    finally:
        app.close()
        window.close()


def program_of(user: Driver) -> Program:
    return user.app.program


def picture(user: Driver) -> NDArray[np.uint8]:
    """What the viewport shows."""
    user.app.window.on_mouse_leave()
    rect = user.rect("Viewport/Picture")
    pixels = user.screenshot()
    return pixels[round(rect.top) : round(rect.bottom), round(rect.left) : round(rect.right)]


def outline(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where there is something before the background."""
    return (abs(pixels.astype(int) - BACKGROUND)).sum(axis=-1) > 40


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float((a & b).sum() / (a | b).sum())


def test_surface_and_points_have_the_outlines_of_the_image(user: Driver) -> None:
    program = program_of(user)
    user.key(K.n)
    user.settle()
    normals = outline(picture(user))
    assert program.view.display.mode == "normals"

    user.key(K.g)
    assert program.view.display.geometry == "surface"
    high = np.s_[: len(normals) * 2 // 3]  # below, there are words
    assert np.array_equal(outline(picture(user))[high], normals[high])  # the image stays for the time being
    user.wait_until(lambda: program.geometry.state().surface is not None, 60)
    surface = outline(picture(user))
    assert overlap(surface, normals) > 0.9
    assert overlap(surface[:, ::-1], normals) < 0.87 and overlap(surface[::-1], normals) < 0.8

    # It turns with the camera, as the image does.
    rect = user.rect("Viewport/Picture")
    user.drag(rect.at(0.5, 0.5), rect.at(0.75, 0.4))
    user.settle()
    turned = outline(picture(user))
    assert overlap(turned, surface) < 0.9
    user.key(K.g)
    user.wait_until(lambda: program.geometry.state().cloud is not None, 60)
    points = outline(picture(user))
    user.key(K.g)
    user.settle()
    image = outline(picture(user))
    assert overlap(turned, image) > 0.9
    assert overlap(points, image) > 0.9


def test_the_picture_that_is_shown_is_saved(user: Driver) -> None:
    program = program_of(user)
    user.key(K.g)
    user.wait_until(lambda: program.geometry.state().surface is not None, 60)
    user.frame(2)
    user.key(K.s)
    path = program.capturing.folder / "toy-cats-seed0-surface.png"
    user.wait_until(path.exists, 10)
    user.frame(3)
    with Image.open(path) as saved:
        whole = outline(np.asarray(saved.convert("RGB")))
    high = np.s_[: len(whole) * 2 // 3]  # below, there are words
    assert whole[high].any() and overlap(whole[high], outline(picture(user))[high]) > 0.98
    assert read_view(path) == program.view


def test_undo_and_keys_lead_back(user: Driver) -> None:
    program = program_of(user)

    def shown() -> tuple[str, str]:
        return program.view.display.geometry, program.view.display.mode

    user.click("Geometry/Show: Surface")
    user.click("Geometry/Show: Points")
    assert shown() == ("points", "rgb")
    user.key(K.z, K.left_ctrl)
    assert shown() == ("surface", "rgb")
    user.key(K.d)
    assert shown() == ("image", "depth")


def test_comparing_shows_images(user: Driver) -> None:
    program = program_of(user)
    program.pin_view()
    user.frame(2)
    user.key(K.g)
    assert program.view.display.geometry == "image"
    assert program.notices.message.startswith("Comparing shows images")
    user.click("Geometry/Show: Surface")
    assert program.view.display.geometry == "image"
    program.edit(replace(program.view, display=replace(program.view.display, geometry="surface")))
    user.frame(2)
    assert not program.geometry.pending and not program.shows_shape
    program.toggle_comparison()
    user.wait_until(lambda: program.geometry.state().surface is not None, 60)


def test_a_mesh_is_saved_from_the_window(user: Driver) -> None:
    program = program_of(user)
    program.set_mesh_settings(replace(program.geometry.settings, resolution=48))
    user.click("Geometry/GLB")
    path = program.capturing.folder / "toy-cats-seed0.glb"
    user.wait_until(path.exists, 60)
    user.wait_until(lambda: program.geometry.state().saved == path, 10)
    assert path.read_bytes()[:4] == b"glTF"
    assert str(path) in program.notices.message


def test_the_surface_of_another_latent_is_let_go(user: Driver) -> None:
    """It may be large, with the densities that it was made of."""
    program = program_of(user)
    show = replace(program.view.display, geometry="surface")
    program.edit(replace(program.view, display=show))
    user.wait_until(lambda: program.geometry._made is not None, 60)
    image = replace(program.view.display, geometry="image")
    program.edit(replace(program.view, latent=LatentView(4), display=image))
    user.wait_until(lambda: program.geometry._made is None, 20)
