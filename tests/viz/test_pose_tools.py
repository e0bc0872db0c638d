"""Copies of poses, the pose of another seed, and D's poses of images, on a tiny network."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pof3d.data.folder import ImageFolder
from pof3d.metrics.distributions import distribution_distance
from pof3d.metrics.pose import predict_image_poses
from tests.viz.stand_ins import StandInRendering, picture
from tests.viz.waiting import wait_for
from viz import image_poses, pose_tools
from viz.engine import Engine
from viz.frame import Pose
from viz.jobs import Workshop
from viz.pose_facts import ImagePoses
from viz.pose_tools import PoseTools, copied
from viz.program import Program
from viz.view import CameraView, LatentView, NetworkView, PoseView, View

COUNT = 24


@pytest.fixture(scope="module")
def engine(tiny: Path) -> Engine:
    engine = Engine()
    engine.load(str(tiny))
    return engine


@pytest.fixture
def workshop(engine: Engine) -> Iterator[Workshop]:
    workshop = Workshop(engine)
    yield workshop
    assert workshop.close()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 images, one in a sub-folder, one that is damaged, one file that is none."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    (folder / "more").mkdir()
    for i in range(COUNT):
        name = f"more/{i}.png" if i == 3 else f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (20, 16, 3), np.uint8)).save(folder / name)
    (folder / "broken.png").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("none")
    return folder


def compared(tools: PoseTools, network: str, source: Path) -> ImagePoses | None:
    tools.update(network)
    tools.compare(network, source)
    wait_for(lambda: (tools.update(network), tools.state.job)[1].status != "running")  # type: ignore[union-attr]
    tools.update(network)
    return tools.state.images


# ---------------------------------------------------------------------------------------------- copies
def test_copies() -> None:
    view = View(pose=PoseView("override", 0.3, -0.1), camera=CameraView(0.5, 0.2))
    frame = picture(view)
    d = frame.discriminator_pose
    assert d is not None
    to_override = copied(view, frame, "discriminator", "override")
    assert to_override.pose == PoseView("override", d.yaw, d.pitch)
    assert to_override.camera == view.camera
    to_camera = copied(view, frame, "generator", "camera")
    g = frame.generator_pose
    assert (to_camera.camera.yaw, to_camera.camera.pitch) == (g.yaw, g.pitch)
    assert to_camera.pose == PoseView("free", 0.3, -0.1)
    conditioned = copied(view, frame, "camera", "generator").pose
    assert (conditioned.conditioning_yaw, conditioned.conditioning_pitch) == (0.3, -0.1)
    assert conditioned.source == "override"


def test_what_is_not_known_is_not_copied() -> None:
    view = View()
    assert copied(view, None, "camera", "override") is view
    assert copied(view, None, "override", "camera").camera == CameraView(0.0, 0.0)


# ---------------------------------------------------------------------------------------- another seed
def test_the_pose_of_another_seed_becomes_the_override(
    tiny: Path, engine: Engine, workshop: Workshop
) -> None:
    view = View(NetworkView(str(tiny)), LatentView(3.0, 0.0, 0.5))
    program = Program(StandInRendering(), view=view, workshop=workshop)
    program.update(0.0)
    program.take_pose_of_seed(1207)
    wait_for(lambda: (program.update(0.0), program.view)[1] != view)
    expected = engine.predicted_pose(View(NetworkView(str(tiny)), LatentView(7.0, 12.0)))
    assert expected != engine.predicted_pose(view)
    assert program.view.pose == PoseView("override", expected.yaw, expected.pitch)
    assert program.view.latent == view.latent, "the content stays"
    seed = program.context(np.zeros(1, np.float32), 1.0).poses.seed
    assert seed is not None
    assert (seed.seed, seed.pose) == (1207, expected)
    program.undo()
    assert program.view == view


def test_without_a_network_nothing_is_asked(workshop: Workshop) -> None:
    program = Program(StandInRendering(), workshop=workshop)
    program.take_pose_of_seed(1)
    program.compare_image_poses(Path("/data"))
    program.update(0.0)
    assert not program.poses_comparable
    assert program.poses.state.job is None


# ---------------------------------------------------------------------------------------------- images
def test_d_is_asked_about_every_readable_image(
    tiny: Path, engine: Engine, workshop: Workshop, images: Path
) -> None:
    tools = PoseTools(workshop)
    found = compared(tools, str(tiny), images)
    assert found is not None
    assert (found.images, found.skipped, found.wanted, found.found) == (COUNT, 1, COUNT + 1, COUNT + 1)
    assert found.complete
    assert "broken.png" in found.skipped_note
    # The same figures, one after the other.
    network = engine.load(str(tiny)).network
    assert network.discriminator is not None
    with ImageFolder(images) as folder:
        tensor = folder.load_images(network.generator.config.image_resolution)
    seen = predict_image_poses(network.discriminator, tensor)
    assert found.yaw.seen.sum() == pytest.approx(1.0)
    middle = float(np.average((found.yaw.edges[:-1] + found.yaw.edges[1:]) / 2, weights=found.yaw.seen))
    assert middle == pytest.approx(float(seen[:, 0].mean()), abs=np.diff(found.yaw.edges)[0])

    class Quiet:
        def report(self, fraction: float, note: str = "") -> None: ...
        def check(self) -> None: ...

    learned = image_poses._learned(engine, str(tiny), image_poses.LATENTS, Quiet())  # type: ignore[arg-type]
    for column, angle in enumerate((found.yaw, found.pitch)):
        expected = distribution_distance(learned[:, column], seen[:, column], circular=angle.circular)
        assert angle.distance == pytest.approx(expected.js_distance, abs=1e-6)
        assert angle.aligned == pytest.approx(expected.js_distance_aligned, abs=1e-6)
        assert angle.aligned <= angle.distance + 1e-9


def test_a_zip_and_one_of_the_images_will_do(
    tiny: Path, workshop: Workshop, images: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "some.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for i in (0, 1, 2):
            file.write(images / f"{i}.png", f"{i}.png")
    tools = PoseTools(workshop)
    found = compared(tools, str(tiny), archive)
    assert found is not None
    assert found.images == 3
    again = compared(tools, str(tiny), images / "0.png")
    assert again is not None
    assert (again.source, again.images) == (images, COUNT)


@pytest.mark.parametrize("kind", ["missing", "empty", "damaged", "no zip"])
def test_bad_folders_give_one_clear_message(
    tiny: Path, workshop: Workshop, tmp_path: Path, kind: str
) -> None:
    source = tmp_path / kind
    if kind in ("empty", "damaged"):
        source.mkdir()
    if kind == "damaged":
        (source / "a.png").write_bytes(b"no image")
    if kind == "no zip":
        source = source.with_suffix(".zip")
        source.write_bytes(b"no archive")
    tools = PoseTools(workshop)
    assert compared(tools, str(tiny), source) is None
    error = tools.state.error
    assert error is not None
    assert source.name in str(error)
    assert "\n" not in str(error)


def test_cancelling_keeps_what_has_been_read(
    tiny: Path, workshop: Workshop, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halfway, gate = threading.Event(), threading.Event()
    read = image_poses.compare

    def publish_then_wait(*arguments: object) -> ImagePoses:
        if halfway.is_set():
            gate.wait(10)
        halfway.set()
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(image_poses, "_PUBLISH_SECONDS", 0.0)
    monkeypatch.setattr(image_poses, "_PUBLISH_SHARE", 1e9)
    monkeypatch.setattr(image_poses, "_BATCH", (8, 8))
    monkeypatch.setattr(image_poses, "compare", publish_then_wait)
    tools = PoseTools(workshop)
    network = str(tiny)
    tools.update(network)
    tools.compare(network, images)
    wait_for(lambda: (tools.update(network), tools.state.images)[1])
    tools.cancel()
    gate.set()
    wait_for(lambda: tools.state.job.status == "cancelled")  # type: ignore[union-attr]
    tools.update(network)
    state = tools.state
    assert state.images is not None
    assert 0 < state.images.images < COUNT
    assert not state.images.complete
    assert state.error is None


def test_another_network_forgets(tiny: Path, workshop: Workshop, images: Path) -> None:
    tools = PoseTools(workshop)
    assert compared(tools, str(tiny), images) is not None
    tools.update("/nets/another.safetensors")
    state = tools.state
    assert (state.images, state.job, state.error) == (None, None, None)
    assert state.source == images, "it can be looked at again"


def test_a_network_without_predictions_says_so(engine: Engine, conditioned: Path, images: Path) -> None:
    engine.load(str(conditioned))
    workshop = Workshop(engine)
    tools = PoseTools(workshop)
    assert compared(tools, str(conditioned), images) is None
    assert "predicts none" in str(tools.state.error)
    assert workshop.close()


def test_of_a_large_set_an_even_share_is_looked_at() -> None:
    names = [f"{i:04d}" for i in range(1000)]
    chosen = image_poses._spread(names, 10)
    assert (chosen[0], chosen[-1], len(set(chosen))) == ("0000", "0999", 10)
    assert image_poses._spread(names, 1000) is names


def test_a_circle_is_compared_as_one() -> None:
    """Both around the rear, one at +179°, the other at −179°: next to each other, not a turn apart."""
    rng = np.random.default_rng(0)
    learned = np.stack([rng.uniform(-np.pi, np.pi, 4000), np.zeros(4000)], axis=1)
    seen = np.stack([rng.uniform(-np.pi, np.pi, 4000), np.full(4000, 0.02)], axis=1)

    found = image_poses.compare("", Path("a"), learned, seen, (0, 4000, 4000))
    assert found.yaw.circular
    assert found.yaw.distance < 0.1
    assert found.yaw.edges[-1] == pytest.approx(np.pi)
    assert not found.pitch.circular


def test_asked_for_by_name(tiny: Path) -> None:
    """The actions show the panel; the folder is asked for there."""
    from viz.actions import ACTIONS

    actions = {action.name: action for action in ACTIONS}
    program = Program(StandInRendering(), view=View(NetworkView(str(tiny))))
    program.update(0.0)
    shown = []
    for _ in range(2):
        actions["poses_on_sphere"].run(program)
        shown.append(program.poses.state.shown)
    assert shown == ["sphere", "map"]
    assert program.panel_wanted == pose_tools.PANEL
    assert actions["poses_of_images"].enabled(program)
    actions["poses_of_images"].run(program)
    assert (program.poses.state.shown, program.poses.state.folder_asked) == ("images", 1)
    assert program.frame is not None
    actions["copy_discriminator_pose_to_camera"].run(program)
    assert program.frame.discriminator_pose == Pose(program.view.camera.yaw, program.view.camera.pitch)
    assert program.view.pose.source == "free"
