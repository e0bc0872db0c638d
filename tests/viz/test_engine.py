"""The engine: Views to Frames."""

from __future__ import annotations

import math
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pof3d
from pof3d.cameras import hv_from_yaw_pitch, yaw_pitch_from_hv
from pof3d.errors import CheckpointError, ConfigError, DeviceError
from pof3d.fast import FastGenerator
from pof3d.nets.discriminator import DiscriminatorBlock
from pof3d.training.samples import latent
from tests.viz.nets import RAW, save_tiny, tiny_config
from viz.engine import Cancelled, Engine
from viz.frame import Frame, Pose
from viz.stages import StageError
from viz.view import (
    PITCH_LIMIT,
    CameraView,
    DisplayView,
    LatentView,
    NetworkView,
    PoseView,
    SamplingView,
    View,
)


def view_of(path: Path, **parts: object) -> View:
    return replace(View(NetworkView(str(path))), **parts)  # type: ignore[arg-type]


PLAIN = SamplingView(renderer="plain")


def computed(frame: Frame) -> set[str]:
    """Stages that ran for a frame."""
    return {timing.name for timing in frame.timings if not timing.cached}


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.mark.parametrize("name", ["tiny", "tiny_2x", "circular"])
def test_predicted_pose_is_the_librarys_own_rendering(
    name: str, request: pytest.FixtureRequest, engine: Engine
) -> None:
    path = request.getfixturevalue(name)
    frame = engine.render(view_of(path, latent=LatentView(x=3.0, truncation_psi=0.7), sampling=PLAIN))
    network = pof3d.load(path)
    generator = network.generator
    w, hv = generator.map(latent(3, 8), 0.7)
    expected = generator.render(w, hv)
    image = (expected.image[0].permute(1, 2, 0) * 127.5 + 128).clamp(0, 255).to(torch.uint8).numpy()
    np.testing.assert_array_equal(frame.image, image)
    np.testing.assert_allclose(frame.opacity, expected.opacity[0, 0], atol=1e-5)
    solid = frame.opacity >= 0.5
    np.testing.assert_allclose(frame.depth[solid], expected.depth[0, 0].numpy()[solid], atol=1e-5)
    assert np.isnan(frame.depth[~solid]).all()
    assert 0 < solid.sum() < solid.size, "the test network should have matter and holes"
    angles = yaw_pitch_from_hv(hv.double(), math.pi / 2)[0].tolist()
    assert astuple(frame.generator_pose) == pytest.approx(angles)
    assert frame.camera_pose == frame.generator_pose
    if network.discriminator is not None:
        seen = network.discriminator.predict_pose(expected)[0].tolist()
        assert frame.discriminator_pose is not None
        assert astuple(frame.discriminator_pose) == pytest.approx(seen, abs=1e-5)
    else:
        assert frame.discriminator_pose is None


def test_shapes_of_a_frame(tiny_2x: Path, engine: Engine) -> None:
    shapes = {
        "rgb": (128, 128, 4),
        "raw": (RAW, RAW, 4),
        "depth": (RAW, RAW, 4),
        "side_by_side": (128, 256, 4),
    }
    for mode, shape in shapes.items():
        frame = engine.render(view_of(tiny_2x, display=DisplayView(mode=mode)))  # type: ignore[arg-type]
        assert frame.rgba.shape == shape
        assert frame.image.shape == (128, 128, 3)
        assert frame.raw.shape == (RAW, RAW, 3)
        assert frame.depth.shape == frame.opacity.shape == (RAW, RAW)
        for array in (frame.rgba, frame.image, frame.raw, frame.depth, frame.opacity):
            assert not array.flags.writeable
        assert frame.level == "full"
        assert frame.cache_bytes > 0


def test_a_network_without_superresolution_shows_the_raw_image_at_any_size(
    tiny: Path, engine: Engine
) -> None:
    frame = engine.render(view_of(tiny, sampling=SamplingView(resolution=24)))
    assert frame.image.shape == (24, 24, 3)
    np.testing.assert_array_equal(frame.image, frame.raw)


def test_pose_sources(tiny: Path, engine: Engine) -> None:
    base = view_of(tiny, camera=CameraView(yaw=0.3, pitch=0.1))
    predicted = engine.render(base)
    override = engine.render(replace(base, pose=PoseView("override", 0.2, -0.1)))
    free = engine.render(replace(base, pose=PoseView("free", 0.2, -0.1)))
    assert predicted.camera_pose == predicted.generator_pose
    assert override.camera_pose == Pose(0.2, -0.1)
    assert free.camera_pose == Pose(0.3, 0.1)
    assert override.generator_pose == free.generator_pose == predicted.generator_pose
    # The same pose by another way is the same picture, and costs no rays.
    again = engine.render(replace(base, pose=PoseView("override", 0.3, 0.1)))
    np.testing.assert_array_equal(again.rgba, free.rgba)
    assert "rays" not in computed(again)


def test_poses_keep_away_from_the_poles(tiny: Path, engine: Engine) -> None:
    frame = engine.render(view_of(tiny, pose=PoseView("override", 0.0, 1.55)))
    assert frame.camera_pose.pitch == PITCH_LIMIT


def test_truncation_does_not_move_the_pose(tiny: Path, engine: Engine) -> None:
    poses = {
        engine.render(view_of(tiny, latent=LatentView(x=5.0, truncation_psi=psi))).generator_pose
        for psi in (1.0, 0.5, 0.0)
    }
    assert len(poses) == 1


AFTER_RAYS = {"rays", "maps", "display", "pose prediction"}
EVERYTHING_AFTER = {
    "latent": {"latent", "mapping", "truncation", "planes", "field", *AFTER_RAYS},
    "truncation": {"truncation", "planes", "field", *AFTER_RAYS},
    "noise": {"planes", "field", *AFTER_RAYS},
    "camera": {"camera", *AFTER_RAYS},
    "sampling": AFTER_RAYS,
    "renderer": {"planes", *AFTER_RAYS},  # the plain one is the reference from the planes on
    "display": {"display"},
}


@pytest.mark.parametrize(
    ("stage", "part"),
    [
        ("latent", {"latent": LatentView(x=1.0)}),
        ("truncation", {"latent": LatentView(truncation_psi=0.5)}),
        ("truncation", {"latent": LatentView(truncation_psi=0.5, truncation_cutoff=1)}),
        ("noise", {"latent": LatentView(noise="none")}),
        ("camera", {"pose": PoseView("override", 0.1, 0.1)}),
        ("camera", {"camera": CameraView(roll=0.1)}),
        ("camera", {"camera": CameraView(radius=2.6)}),
        ("camera", {"camera": CameraView(fov=0.4)}),
        ("camera", {"camera": CameraView(pan=(0.1, 0.0, 0.0))}),
        ("sampling", {"sampling": SamplingView(resolution=12)}),
        ("renderer", {"sampling": SamplingView(depth_samples=5)}),
        ("renderer", {"sampling": SamplingView(importance_samples=4)}),
        ("display", {"display": DisplayView(mode="depth")}),
        ("display", {"display": DisplayView(mode="raw")}),
    ],
)
def test_a_change_runs_only_what_reads_it(
    tiny: Path, engine: Engine, stage: str, part: dict[str, object]
) -> None:
    engine.render(view_of(tiny))
    frame = engine.render(view_of(tiny, **part))
    own_camera_moves = {"camera"} if stage == "latent" else set()  # the predicted pose is another one
    assert computed(frame) == EVERYTHING_AFTER[stage] | own_camera_moves


@pytest.mark.parametrize(
    "part",
    [
        {"latent": LatentView(truncation_cutoff=2)},  # of no truncation
        {"pose": PoseView("predicted", 0.5, 0.5)},  # an override that is not in use
        {"camera": CameraView(yaw=1.0, pitch=0.5)},  # a free camera that is not in use
        {"display": DisplayView(color_map="gray")},  # colours of a depth map that is not shown
        {"display": DisplayView(depth_range=(1.0, 2.0))},
    ],
)
def test_what_does_not_count_runs_nothing(tiny: Path, engine: Engine, part: dict[str, object]) -> None:
    first = engine.render(view_of(tiny))
    frame = engine.render(view_of(tiny, **part))
    assert computed(frame) == set()
    np.testing.assert_array_equal(frame.rgba, first.rgba)


def test_depth_range_is_the_views_own_or_fitted(tiny: Path, engine: Engine) -> None:
    fitted = engine.render(view_of(tiny, display=DisplayView(mode="depth")))
    near, far = fitted.depth_range
    assert 2.25 <= near < np.nanmin(fitted.depth) + 0.2
    assert near < far <= 3.5
    fixed = engine.render(view_of(tiny, display=DisplayView(mode="depth", depth_range=(2.0, 4.0))))
    assert fixed.depth_range == (2.0, 4.0)
    assert not np.array_equal(fixed.rgba, fitted.rgba)


def test_fitted_depth_range_does_not_depend_on_what_was_rendered(tiny: Path, engine: Engine) -> None:
    view = view_of(tiny)
    before = engine.fitted_depth_range(view)
    engine.render(view, "preview")
    assert engine.fitted_depth_range(view) == before == Engine().fitted_depth_range(view)


def test_preview_has_the_same_view_and_no_pose_prediction(
    tiny_2x: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz.preview._GUESSED_MULTIPLICATIONS_PER_MS", 1e3)  # a slow machine
    view = view_of(tiny_2x, sampling=SamplingView(resolution=64))
    preview = engine.render(view, "preview")
    full = engine.render(view)
    assert preview.level == "preview"
    assert preview.discriminator_pose is None
    assert preview.raw.shape[0] < full.raw.shape[0]
    assert preview.camera_pose == full.camera_pose
    # The same field of view: the small picture is the large one, made smaller.
    solid = [np.argwhere(np.isfinite(f.depth)) / f.depth.shape[0] for f in (preview, full)]
    np.testing.assert_allclose(solid[0].mean(axis=0), solid[1].mean(axis=0), atol=0.05)


def test_preview_uses_a_full_frame_that_is_there(tiny: Path, engine: Engine) -> None:
    view = view_of(tiny, sampling=SamplingView(resolution=64))
    full = engine.render(view)
    preview = engine.render(replace(view, display=DisplayView(mode="depth")), "preview")
    assert computed(preview) == {"display"}
    assert preview.raw.shape == full.raw.shape


def test_moving_away_takes_the_range_of_samples_along(tiny: Path, engine: Engine) -> None:
    own = engine.render(view_of(tiny, pose=PoseView("override")))
    camera = CameraView(radius=2.7 + 5.0, fov=2 * math.atan(math.tan(math.radians(18.837 / 2)) * 2.5 / 7.5))
    far = engine.render(view_of(tiny, pose=PoseView("override"), camera=camera))
    # Five units farther away through a longer lens: about the same picture, five units deeper.
    assert np.isfinite(far.depth).sum() == pytest.approx(np.isfinite(own.depth).sum(), rel=0.25)
    assert np.nanmedian(far.depth) == pytest.approx(np.nanmedian(own.depth) + 5.0, abs=0.15)


def test_pan_moves_the_picture(tiny: Path, engine: Engine) -> None:
    front = PoseView("override")
    still = engine.render(view_of(tiny, pose=front))
    panned = engine.render(view_of(tiny, pose=front, camera=CameraView(pan=(5.0, 0.0, 0.0))))
    assert not np.array_equal(still.raw, panned.raw)


def test_cancel_between_slices(tiny: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    view = view_of(tiny, sampling=SamplingView(resolution=32))
    slices: list[int] = []

    render_rays = FastGenerator.render_rays

    def counted(*args: Any, **kwargs: Any) -> Any:
        slices.append(1)
        return render_rays(*args, **kwargs)

    monkeypatch.setattr(FastGenerator, "render_rays", counted)
    monkeypatch.setattr("viz.marching._SLICE_MULTIPLICATIONS", 1.0)
    with pytest.raises(Cancelled):
        engine.render(view, cancelled=lambda: len(slices) >= 3)
    assert len(slices) == 3
    frame = engine.render(view)
    assert len(slices) == 3 + 8  # 1024 rays, 128 a slice
    np.testing.assert_array_equal(frame.rgba, Engine().render(view).rgba)


def test_cancel_within_the_pose_prediction(
    tiny: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[int] = []
    forward = DiscriminatorBlock.forward

    def counted(self: DiscriminatorBlock, x: torch.Tensor) -> torch.Tensor:
        blocks.append(1)
        return forward(self, x)

    monkeypatch.setattr(DiscriminatorBlock, "forward", counted)
    with pytest.raises(Cancelled):
        engine.render(view_of(tiny), cancelled=lambda: len(blocks) >= 1)
    assert len(blocks) == 1
    assert engine.render(view_of(tiny), discriminator=False).discriminator_pose is None
    assert engine.render(view_of(tiny)).discriminator_pose is not None
    assert len(blocks) == 3


def test_slicing_does_not_show(tiny_2x: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Engine().render(view_of(tiny_2x))
    monkeypatch.setattr("viz.marching._SLICE_MULTIPLICATIONS", 1.0)
    sliced = Engine().render(view_of(tiny_2x))
    np.testing.assert_allclose(whole.opacity, sliced.opacity, atol=1e-5)
    assert np.abs(whole.image.astype(int) - sliced.image).max() <= 1


@pytest.mark.parametrize(
    "part",
    [
        {"latent": LatentView(x=math.nan)},
        {"latent": LatentView(truncation_psi=9.0)},
        {"camera": CameraView(radius=0.0)},
        {"camera": CameraView(radius=-1.0)},
        {"camera": CameraView(fov=4.0)},
        {"camera": CameraView(roll=math.inf)},
        {"camera": CameraView(pan=(math.nan, 0.0, 0.0))},
        {"sampling": SamplingView(resolution=0)},
        {"sampling": SamplingView(resolution=100_000)},
        {"sampling": SamplingView(depth_samples=1)},
        {"sampling": SamplingView(importance_samples=-1)},
        {"display": DisplayView(depth_range=(3.0, 2.0))},
        {"pose": PoseView("override", 0.0, 2.0)},
    ],
)
def test_refuses_values_that_cannot_be_rendered(tiny: Path, engine: Engine, part: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        engine.render(view_of(tiny, **part))


def test_errors_say_what_happened(tiny: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="No network is open"):
        engine.render(View())
    with pytest.raises(CheckpointError):
        engine.render(view_of(tiny.with_name("missing.safetensors")))
    with pytest.raises(DeviceError, match="cpu"):
        Engine("quantum")

    def broken(*args: object, **settings: object) -> None:
        raise ValueError("no planes today")

    with monkeypatch.context() as patch:
        patch.setattr(FastGenerator, "synthesize_planes", broken)
        with pytest.raises(StageError, match=r"“planes”.*no planes today"):
            engine.render(view_of(tiny))
    assert engine.render(view_of(tiny)).rgba.shape == (RAW, RAW, 4)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_not_there_changes_nothing(tiny: Path, engine: Engine) -> None:
    with pytest.raises(DeviceError):
        engine.set_device("cuda")
    assert engine.device == "cpu"
    engine.render(view_of(tiny))


def test_a_fork_shares_the_network_and_nothing_else(tiny: Path, engine: Engine) -> None:
    view = view_of(tiny)
    frame = engine.render(view)
    fork = engine.fork(str(tiny))
    assert fork.load(str(tiny)) is engine.load(str(tiny))
    assert len(fork.memory) == 0
    np.testing.assert_array_equal(fork.render(view).rgba, frame.rgba)


def test_content_is_conditioned_on_a_pose(conditioned: Path, engine: Engine) -> None:
    pose = PoseView("predicted", conditioning_yaw=0.4, conditioning_pitch=-0.1)
    frame = engine.render(view_of(conditioned, pose=pose, sampling=PLAIN))
    assert astuple(frame.generator_pose) == pytest.approx((0.4, -0.1))
    assert frame.camera_pose == frame.generator_pose
    assert frame.discriminator_pose is None
    generator = pof3d.load(conditioned).generator
    hv = hv_from_yaw_pitch(torch.tensor([[0.4, -0.1]]), math.pi / 2)
    w, _ = generator.map(latent(0, 8), label=generator.mapping.label(hv))
    expected = generator.render(w, hv)
    np.testing.assert_allclose(frame.opacity, expected.opacity[0, 0], atol=1e-5)
    # The camera alone turns the object; the conditioning pose alone makes another object.
    turned = engine.render(view_of(conditioned, pose=replace(pose, source="override"), sampling=PLAIN))
    assert "planes" not in computed(turned)
    other = engine.render(view_of(conditioned, pose=PoseView("override"), sampling=PLAIN))
    assert "planes" in computed(other)
    assert not np.array_equal(other.image, turned.image)


def test_conditioning_is_nothing_to_a_pose_learner(tiny: Path, engine: Engine) -> None:
    first = engine.render(view_of(tiny))
    again = engine.render(view_of(tiny, pose=PoseView(conditioning_yaw=0.5)))
    assert not computed(again) - {"network"}
    assert again.rgba is first.rgba


@pytest.mark.parametrize("extra", ["radius", "fov"])
def test_the_predicted_camera_has_the_predicted_distance_and_field_of_view(
    extra: str, tmp_path: Path, engine: Engine
) -> None:
    path = save_tiny(tmp_path / "net.safetensors", tiny_config(discriminator=False, pose_extra=extra))
    generator = pof3d.load(path).generator
    w, pose = generator.map(latent(0, 8))
    expected = (generator.render(w, pose).image[0].permute(1, 2, 0) * 127.5 + 128).clamp(0, 255)
    frame = engine.render(view_of(path, sampling=PLAIN))
    np.testing.assert_array_equal(frame.image, expected.to(torch.uint8).numpy())
    plain = generator.render(w, pose[:, :2]).image[0].permute(1, 2, 0) * 127.5 + 128
    assert not np.array_equal(frame.image, plain.clamp(0, 255).to(torch.uint8).numpy())
    # An override turns this camera, and keeps its distance and field of view.
    yaw, pitch = astuple(frame.generator_pose)
    override = engine.render(view_of(path, pose=PoseView("override", yaw, pitch), sampling=PLAIN))
    assert np.abs(override.image.astype(int) - frame.image).max() <= 1


def test_a_frame_knows_the_cameras_of_its_latent(tmp_path: Path, engine: Engine) -> None:
    path = save_tiny(tmp_path / "net.safetensors", tiny_config(discriminator=False, pose_extra="radius"))
    frames = [engine.render(view_of(path, latent=LatentView(x=float(i)))) for i in range(2)]
    radii = [frame.cameras.radius for frame in frames if frame.cameras is not None]
    poses = pof3d.load(path).generator.map(torch.cat([latent(i, 8) for i in range(2)]))[1]
    assert radii == pytest.approx(poses[:, 2].tolist())
    assert radii[0] != radii[1]
