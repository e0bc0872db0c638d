"""The Geometry panel: what is shown, how meshes are made and saved, slices of the density."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pof3d.errors import ConfigError
from pof3d.mesh_settings import MeshSettings
from tests.widgets.stage import Stage, context, frame
from viz.jobs import JobState
from viz.shapes import (
    CloudSettings,
    DensitySlice,
    GeometryState,
    PointCloud,
    SliceRequest,
    Surface,
    SurfaceFacts,
)
from viz.view import DisplayView, View
from viz.window.offscreen import OffscreenWindow
from widgets.geometry import GeometryPanel, describe, shown_of, slice_picture, with_shown

FACTS = SurfaceFacts(29_642, 59_280, True, 8.97, 96, (0.44, 0.49, 0.41))


def surface() -> Surface:
    points = np.zeros((3, 3), np.float32)
    return Surface(points, points, np.zeros((3, 3), np.uint8), np.zeros((1, 3), np.int32), FACTS)


def state(**changes: Any) -> GeometryState:
    return replace(GeometryState(surface=surface()), **changes)


@pytest.fixture
def stage(window: OffscreenWindow) -> Stage:
    return Stage(window, GeometryPanel(), context(geometry=state()), size=(304, 690))


def test_what_is_shown_and_what_leads_back() -> None:
    for shown in ("normals", "opacity", "surface", "points"):
        display = with_shown(DisplayView(), shown)
        assert shown_of(display) == shown
        assert with_shown(display, "image") == DisplayView()
    depth = DisplayView(mode="depth")
    assert shown_of(depth) == "image"
    assert with_shown(with_shown(depth, "surface"), "image") == depth
    assert with_shown(DisplayView(geometry="points"), "normals").geometry == "image"


def test_choosing_what_is_shown(stage: Stage) -> None:
    stage.click("Geometry/Show: Normals")
    assert stage.view.display == DisplayView(mode="normals")
    stage.click("Geometry/Axes: World")
    assert stage.view.display.normals_space == "world"
    stage.click("Geometry/Show: Surface")
    assert stage.view.display.geometry == "surface"
    stage.click("Geometry/Colours: Plain")
    assert stage.view.display.surface_colors == "plain"
    stage.click("Geometry/Show: Image")
    assert (stage.view.display.geometry, stage.view.display.mode) == ("image", "rgb")
    assert stage.calls == []


def test_settings_of_the_mesh(stage: Stage) -> None:
    stage.type_into("Geometry/Resolution", "9999")
    assert stage.calls[-1] == ("set_mesh_settings", MeshSettings(512))
    stage.click("Geometry/Largest part")
    assert stage.calls[-1] == ("set_mesh_settings", MeshSettings(largest_only=False))
    stage.click("Geometry/Simplify to")
    stage.click("Geometry/Simplify to: 20,000 faces")
    assert stage.calls[-1] == ("set_mesh_settings", MeshSettings(faces=20_000))


def test_a_level_starts_from_the_fitted_one(stage: Stage) -> None:
    assert not stage.rect("Geometry/Level").enabled
    stage.click("Geometry/Fit level")
    assert stage.calls[-1] == ("set_mesh_settings", MeshSettings(level=8.97))
    stage.context = context(geometry=state(settings=MeshSettings(level=8.97)))
    stage.type_into("Geometry/Level", "12.5")
    assert stage.calls[-1] == ("set_mesh_settings", MeshSettings(level=12.5))
    stage.click("Geometry/Fit level")
    assert stage.calls[-1] == ("set_mesh_settings", MeshSettings())


def test_extracting_and_cancelling(stage: Stage) -> None:
    stage.click("Geometry/Extract")
    assert stage.calls == [("extract_mesh",)]
    stage.context = context(geometry=state(making=JobState("Surface", 0.4, "Sampling", seconds_left=12.0)))
    stage.forget()
    stage.frame(2)
    assert not stage.has("Geometry/Extract") and stage.has("Geometry/Progress")
    stage.click("Geometry/Cancel")
    assert stage.calls[-1] == ("cancel_geometry",)
    stage.context = context(geometry=state(extracted=True))
    stage.frame(2)
    assert not stage.rect("Geometry/Extract").enabled


def test_saving(stage: Stage) -> None:
    for button, call in (
        ("PLY", ("export_mesh", "ply")),
        ("OBJ", ("export_mesh", "obj")),
        ("GLB", ("export_mesh", "glb")),
        ("PNG", ("export_depth", "png")),
        ("NPY", ("export_depth", "npy")),
    ):
        stage.click(f"Geometry/{button}")
        assert stage.calls[-1] == call
    stage.context = context(geometry=state(saving=JobState("Mesh", 0.5)))
    stage.frame(2)
    assert not any(stage.rect(f"Geometry/{name}").enabled for name in ("PLY", "GLB", "PNG", "NPY"))
    stage.context = context(geometry=state(), frame=replace(frame(), level="preview"))
    stage.frame(2)
    assert stage.rect("Geometry/PLY").enabled and not stage.rect("Geometry/PNG").enabled


def test_points(window: OffscreenWindow) -> None:
    cloud = PointCloud(np.zeros((1234, 3), np.float32), np.zeros((1234, 3), np.uint8), 0.01)
    view = View(display=DisplayView(geometry="points"))
    stage = Stage(window, GeometryPanel(), context(geometry=state(cloud=cloud)), view, size=(304, 690))
    stage.click("Geometry/Cameras")
    stage.click("Geometry/Cameras: 9 all round")
    stage.click("Geometry/Retake from here")
    assert stage.calls == [("set_cloud_settings", CloudSettings(9)), ("retake_points",)]


def test_a_slice_is_asked_for_while_it_is_unfolded(stage: Stage) -> None:
    stage.click("Geometry/Density slice")
    stage.click("Geometry/Across: x")
    stage.type_into("Geometry/Position", "0.5")
    assert stage.calls[-1] == ("want_slice", SliceRequest("x", 0.5))
    values = np.linspace(0, 20, 64 * 64, dtype=np.float32).reshape(64, 64)
    found = DensitySlice(SliceRequest("x", 0.5), values, 0.7)
    stage.context = context(geometry=state(slice=found))
    stage.frame(2)
    assert stage.has("Geometry/Slice")
    stage.click("Geometry/Density slice")
    asked = len(stage.calls)
    stage.frame(3)
    assert len(stage.calls) == asked


def test_the_picture_of_a_slice_has_the_level_as_a_line() -> None:
    values = np.tile(np.linspace(0, 20, 64, dtype=np.float32), (64, 1))
    picture = slice_picture(DensitySlice(SliceRequest(), values, 1.0), 10.0)
    white = (picture[..., :3] == 255).all(axis=-1)
    assert white.sum() == 64 and (np.flatnonzero(white[0]) == np.searchsorted(values[0], 10.0) - 1).all()
    brightness = picture[0, :, :3].sum(axis=-1)
    assert brightness[60] > brightness[20] > brightness[1]
    assert not (slice_picture(DensitySlice(SliceRequest(), values, 1.0), None)[..., :3] == 255).all(-1).any()


def test_descriptions() -> None:
    text = describe(FACTS)
    assert text == "29,642 vertices, 59,280 faces, watertight. 0.44 × 0.49 × 0.41 world units."
    assert "not watertight" in describe(replace(FACTS, watertight=False))


def test_failures_and_files_are_named(window: OffscreenWindow) -> None:
    failed = JobState("Surface", status="failed", error=ConfigError("There is no surface"))
    geometry = state(making=failed, surface=None, saved=Path("/somewhere/cat.glb"))
    stage = Stage(window, GeometryPanel(), context(geometry=geometry), size=(304, 690))
    assert stage.rect("Geometry/Extract").enabled and not stage.has("Geometry/Progress")


@pytest.mark.parametrize("shown", ["normals", "surface", "points"])
def test_nothing_is_cut_in_a_narrow_column(window: OffscreenWindow, shown: str) -> None:
    display = with_shown(DisplayView(surface_colors="normals"), shown)  # type: ignore[arg-type]
    busy = state(making=JobState("Surface", 0.4, "Sampling", seconds_left=4000.0), saved=Path("x" * 90))
    stage = Stage(window, GeometryPanel(), context(geometry=busy), View(display=display), size=(300, 300))
    stage.frame(2)
    assert stage.widest <= 291
    assert all(rect.right <= 291 for rect in stage.registry.rects.values())
