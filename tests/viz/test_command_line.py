"""Views and recordings as commands: what the program makes of them is what was copied."""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import visualizer
from pof3d.mesh_settings import MeshSettings
from tests.viz.strategies import any_views, edited, edits
from viz import mesh_command as mesh
from viz.captures import given_view, read_view
from viz.command_line import default_name, mesh_command, record_command, render_command
from viz.engine import Engine
from viz.limits import check_view
from viz.options import Record, Render, build_request, build_view, parse, posed
from viz.panel import RecordingRequest
from viz.view import CameraView, DisplayView, LatentView, NetworkView, PoseView, SamplingView, View

NETWORK = NetworkView("/nets/a net's.safetensors")
PLAIN = View(NETWORK)


def words_of(command: str) -> list[str]:
    python, program, *words = shlex.split(command)
    assert (python, program) == ("python", "visualizer.py")
    return words


def base_of(options: Render | Record) -> View | None:
    return given_view(options.view) if options.view is not None else None


def rendered(command: str) -> View:
    """What the program makes of a command, without the check of what makes sense."""
    kind, *arguments = words_of(command)
    assert kind == "render"
    options = parse(Render, arguments)
    assert isinstance(options, Render)

    def unwanted(view: View) -> tuple[float, float]:
        pytest.fail("asked the network")

    return posed(build_view(options, base_of(options)), options, unwanted)


def recorded(command: str) -> tuple[View, RecordingRequest]:
    kind, *arguments = words_of(command)
    assert kind == "record"
    options = parse(Record, arguments)
    assert isinstance(options, Record)
    return build_view(options, base_of(options)), build_request(options)


# -------------------------------------------------------------------------------- what it looks like
@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (PLAIN, "--seed 0"),
        (replace(PLAIN, latent=LatentView(5.0, 2.0, 0.7)), "--seed 205 --psi 0.7"),
        (replace(PLAIN, latent=LatentView(1.25, -0.5)), "--at 1.25 -0.5"),
        (
            replace(PLAIN, pose=PoseView("override", math.radians(20.0), math.radians(-10.5))),
            "--seed 0 --yaw 20 --pitch -10.5",
        ),
        (
            replace(PLAIN, pose=PoseView("free"), camera=CameraView(yaw=math.radians(35.0), roll=-0.5)),
            f"--seed 0 --roll {math.degrees(-0.5)} --orbit 35 0",
        ),
    ],
)
def test_commands_are_short(view: View, expected: str) -> None:
    command = render_command(view, "a.png")
    assert command == f"python visualizer.py render {shlex.quote(NETWORK.path)} {expected} --out a.png"


def test_what_has_no_option_travels_as_json_and_alone() -> None:
    view = replace(
        PLAIN, latent=LatentView(3.0), pose=PoseView("predicted", 0.3), camera=CameraView(radius=2.5)
    )
    kind, file, option, carried, *rest = words_of(render_command(view, "a.png"))
    assert (kind, file, option) == ("render", NETWORK.path, "--view")
    assert json.loads(carried)["view"] == {"pose": {"override_yaw": 0.3}}
    assert rest == ["--seed", "3", "--radius", "2.5", "--out", "a.png"]


def test_what_options_refuse_travels_whole() -> None:
    steep = replace(PLAIN, pose=PoseView("override", 0.1, math.radians(88.0)))
    assert rendered(render_command(steep, "a.png")) == steep
    view = replace(PLAIN, sampling=SamplingView(resolution=4))
    assert json.loads(words_of(render_command(view, "a.png"))[3])["view"]["sampling"]["resolution"] == 4


def test_names() -> None:
    request = RecordingRequest()
    assert default_name("cats") == "cats.png"
    assert default_name("cats", request) == "cats.mp4"
    assert default_name("cats", replace(request, format="png")) == "cats"


# -------------------------------------------------------------------------------- there and back
@given(st.lists(edits(), max_size=8))
@settings(max_examples=25, deadline=None)
def test_views_come_back(changes: list[tuple[str, str, Any]]) -> None:
    view = PLAIN
    for change in changes:
        view = edited(view, change)
    assert rendered(render_command(view, "a.png")) == view


def test_every_field_comes_back() -> None:
    """One by one, so that none is carried by another's JSON."""
    other = {
        "latent": LatentView(7.5, -3.25, 0.3, 4, "none", "w", (0.5, -1.25), 12, 2, 6, ((3.0, 1.0, 0.6),)),
        "pose": PoseView("free", 0.1234567, -0.2345678, 0.3456789, -0.1),
        "camera": CameraView(0.1234567, 0.7654321, -0.1111111, 2.7182818, 0.3333333, (0.1, -1e-7, 3.0)),
        "sampling": SamplingView(96, 40, 41, "plain"),
        "display": DisplayView("depth", "magma", (2.25, 3.1), "world", "surface", "plain"),
    }
    seen = 0
    for part, values in other.items():
        for field in fields(values):  # type: ignore[arg-type]
            one = replace(getattr(PLAIN, part), **{field.name: getattr(values, field.name)})
            view = replace(PLAIN, **{part: one})
            assert view != PLAIN, f"{part}.{field.name} is tried with its default"
            assert rendered(render_command(view, "a.png")) == view, f"{part}.{field.name}"
            seen += 1
    assert seen == sum(len(fields(getattr(PLAIN, part))) for part in other)
    assert set(other) | {"network"} == {field.name for field in fields(View)}
    everything = replace(PLAIN, **other)  # type: ignore[arg-type]
    assert rendered(render_command(everything, "a.png")) == everything


@given(any_views())
@example(replace(View(), pose=PoseView("override", 5e-324, 0.1)))
@settings(max_examples=25, deadline=None)
def test_any_view_that_can_be_rendered_comes_back(view: View) -> None:
    view = replace(view, network=NETWORK)
    try:
        check_view(view)
    except Exception:
        view = replace(PLAIN, pose=replace(view.pose, **_tame(view.pose)))
    assert rendered(render_command(view, "a.png")) == view


def _tame(pose: PoseView) -> dict[str, Any]:
    """Awkward numbers, but angles that a camera can take."""
    names = ("override_yaw", "override_pitch", "conditioning_yaw", "conditioning_pitch")
    return {name: math.remainder(getattr(pose, name), 1.3) for name in names}


@pytest.mark.parametrize(
    "request_",
    [
        RecordingRequest(),
        RecordingRequest("sweep", "gif", 48, 20, 256),
        RecordingRequest(format="png", contents=("rgb", "depth"), canvas=(1921, 1080)),
        RecordingRequest(format="webm", with_poses=True, with_histogram=True, full_turn=True),
        RecordingRequest(with_histogram=True, amplitude=math.radians(40.0)),
    ],
)
def test_recordings_come_back(request_: RecordingRequest, tmp_path: Path) -> None:
    view = replace(
        PLAIN,
        latent=LatentView(1.5),
        pose=PoseView("free", 0.1, conditioning_yaw=0.2),
        camera=CameraView(yaw=1.0, radius=2.0),
    )
    out = str(tmp_path / default_name("a", request_))
    command = record_command(view, request_, out)
    again, request = recorded(command)
    assert request == request_
    # The path leads the camera: where it is now does not count.
    assert again == replace(view, pose=PoseView(conditioning_yaw=0.2), camera=CameraView(radius=2.0))


def test_the_command_renders_the_picture(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = View(NetworkView(str(tiny)), LatentView(0.3, 1.0), PoseView("free", 0.2), CameraView(0.4, 0.1))
    monkeypatch.chdir(tmp_path)
    assert visualizer.main(words_of(render_command(view, "a picture.png"))) == 0
    path = tmp_path / "a picture.png"
    assert read_view(path) == view
    from PIL import Image

    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), Engine().render(view).rgba)


@pytest.mark.parametrize(
    "view",
    [
        PLAIN,
        replace(PLAIN, pose=PoseView("override", 0.1, 0.2, 0.3, math.radians(10.0))),
        View(latent=LatentView(1.5, 0.1, 0.7, directions=(-1.0,), mix_seed=7, mix_first=2, mix_end=4)),
        View(latent=LatentView(3.0, space="w", blend=((5.0, 0.0, 0.5),)), camera=CameraView(0.5, roll=1.0)),
    ],
)
def test_the_command_of_a_surface_makes_it(view: View) -> None:
    view = replace(view, network=NETWORK, display=replace(view.display, geometry="surface"))
    for asked in (MeshSettings(), MeshSettings(256, 3.25, largest_only=False, faces=5000)):
        kind, *arguments = words_of(mesh_command(view, asked, "a.glb"))
        options = mesh.parse(arguments)
        found = build_view(mesh.content(options), given_view(options.view) if options.view else None)
        assert (kind, mesh.settings_of(options)) == ("mesh", asked)
        assert (found.network, found.latent) == (NETWORK, view.latent)
        assert found.pose.conditioning_yaw == view.pose.conditioning_yaw
        assert found.pose.conditioning_pitch == view.pose.conditioning_pitch
