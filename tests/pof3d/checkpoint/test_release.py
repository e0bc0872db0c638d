"""Released snapshots: settings, names of tensors, variants, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pof3d
from pof3d.checkpoint import save
from pof3d.config import (
    CARS,
    CameraConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    NetworkConfig,
    RenderConfig,
    SuperResolutionConfig,
    focal_from_fov,
)
from pof3d.errors import CheckpointError
from tests.pof3d.checkpoint.networks import tiny_network
from tests.pof3d.checkpoint.pickles import (
    Call,
    Name,
    Object,
    Raw,
    dump,
    persistent,
    snapshot,
    tensor,
    write,
)


def same(a: torch.nn.Module | None, b: torch.nn.Module | None) -> bool:
    if a is None or b is None:
        return a is b
    left, right = a.state_dict(), b.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_reference_settings(ffhq: pof3d.Network) -> None:
    assert ffhq.config == NetworkConfig(
        "release",
        GeneratorConfig(
            z_dim=64,
            channel_base=1024,
            channel_max=16,
            camera=CameraConfig(pivot=(0.0, 0.0, 0.2)),
            render=RenderConfig(),
            superres=SuperResolutionConfig("4x"),
        ),
        DiscriminatorConfig(resolution=256, channel_base=1024, channel_max=16),
    )
    assert ffhq.kind == "release"
    assert ffhq.provenance["dataset"] == "dataset.zip"
    assert ffhq.size_bytes == ffhq.path.stat().st_size


def test_reference_without_super_resolution(nosr: pof3d.Network) -> None:
    assert nosr.config.generator.superres.kind == "none"
    assert nosr.generator.superres is None
    assert nosr.config.generator.w_dim == 64
    assert nosr.config.generator.image_resolution == 64


def test_networks_are_ready_to_show(ffhq: pof3d.Network) -> None:
    for net in (ffhq.generator, ffhq.discriminator):
        assert net is not None
        assert not net.training
        everything = [*net.parameters(), *net.buffers()]
        assert all(t.dtype == torch.float32 and t.device.type == "cpu" for t in everything)
        assert not any(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize("kind", ["none", "2x", "4x", "8x"])
def test_every_tensor_arrives(tmp_path: Path, kind: Any) -> None:
    network = tiny_network(kind)
    opened = pof3d.load(write(tmp_path / "network-snapshot-004800.pkl", snapshot(network)))
    assert opened.config.generator == network.config.generator
    assert opened.config.discriminator == network.config.discriminator
    assert same(opened.generator, network.generator)
    assert same(opened.discriminator, network.discriminator)
    assert opened.provenance["images_seen"] == 4_800_000
    assert opened.provenance["dataset"] == "faces.zip"


def test_settings_of_cars(tmp_path: Path) -> None:
    render = RenderConfig(8, 7, 5, 0.1, 2.6, 1.6, True, "xy_xz_zy")
    network = tiny_network("2x", camera=CARS.generator.camera, render=render, activation_clamp=256.0)
    opened = pof3d.load(write(tmp_path / "cars.pkl", snapshot(network)))
    assert opened.config.generator == network.config.generator


@pytest.mark.parametrize("name", ["affine_layer1", "affine_layer2", "affine_layer"])
def test_linear_pose_learner(tmp_path: Path, name: str) -> None:
    network = tiny_network(pose_head="linear")
    content = dump(snapshot(network))
    renamed = content.replace(b"\x0d\0\0\0affine_layer2", bytes([len(name)]) + b"\0\0\0" + name.encode())
    opened = pof3d.load(write(tmp_path / "linear.pkl", renamed))
    assert opened.config.generator.pose_head == "linear"
    assert same(opened.generator, network.generator)


def test_keys_that_old_files_lack(tmp_path: Path) -> None:
    network = tiny_network()
    missing = dict.fromkeys(("wrong", "white_back", "h_mean", "decoder_lr_mul", "clamp_mode"))
    value = snapshot(network, rendering=missing, arguments={"channel_base": None, "channel_max": None})
    config = pof3d.load(write(tmp_path / "old.pkl", value)).config.generator
    assert config.render.plane_axes == "xy_xz_zx"
    assert config.render.white_background is False
    assert config.camera.h_mean == pytest.approx(math.pi / 2)
    assert config.decoder_lr_multiplier == 1.0


def test_learning_rate_multipliers_are_those_of_the_layers(tmp_path: Path) -> None:
    network = tiny_network(mapping_lr_multiplier=0.25, pose_lr_multiplier=0.125, decoder_lr_multiplier=0.5)
    config = pof3d.load(write(tmp_path / "file.pkl", snapshot(network))).config.generator
    assert (config.mapping_lr_multiplier, config.pose_lr_multiplier) == (0.25, 0.125)
    assert config.decoder_lr_multiplier == 0.5


def test_field_of_view_of_the_data_set(tmp_path: Path) -> None:
    value = snapshot(tiny_network(), training={"create_label_fov": 30.0})
    config = pof3d.load(write(tmp_path / "file.pkl", value)).config.generator
    assert config.camera.focal == pytest.approx(focal_from_fov(30.0))


@pytest.mark.parametrize(
    ("third", "axes"), [([2, 0, 1], "xy_xz_zx"), ([2, 1, 0], "xy_xz_zy")], ids=["zx", "zy"]
)
def test_plane_axes_as_the_renderer_kept_them(tmp_path: Path, third: list[int], axes: str) -> None:
    basis = torch.stack([torch.eye(3), torch.eye(3)[[0, 2, 1]], torch.eye(3)[third]])
    state = {"_parameters": {}, "_buffers": {}, "_modules": {}, "plane_axes": tensor(basis)}
    renderer = Object(Name("training.volumetric_rendering.renderer", "ImportanceRenderer"), state)
    value = snapshot(tiny_network())
    value["G_ema"].arguments[0]["state"]["_modules"]["renderer"] = renderer
    assert pof3d.load(write(tmp_path / "file.pkl", value)).config.generator.render.plane_axes == axes


def test_generator_without_moving_average(tmp_path: Path) -> None:
    value = snapshot(tiny_network())
    value["G"] = value.pop("G_ema")
    opened = pof3d.load(write(tmp_path / "file.pkl", value))
    assert opened.provenance["generator"] == "last"


def test_snapshot_of_the_other_training_script(tmp_path: Path) -> None:
    """It begins with a network that is not needed: of classes named by reference, and on a GPU."""
    numbers = tensor(torch.randn(3))
    on_gpu = dump(numbers).replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0")[2:-1]
    # the inner stream became three bytes longer
    at = on_gpu.index(b"B") + 1
    length = int.from_bytes(on_gpu[at : at + 4], "little") + 3
    on_gpu = on_gpu[:at] + length.to_bytes(4, "little") + on_gpu[at + 4 :]
    convolution = Object(Name("torch.nn.modules.conv", "Conv2d"), {"_parameters": {"weight": Raw(on_gpu)}})
    parts = {
        "_modules": {"conv": convolution, "act": Object(Name("torch.nn.modules.activation", "ReLU"), {})},
        "renderer": Object(Name("neural_renderer.renderer", "Renderer"), {"image_size": 64}),
        "resnet": Object(Name("torchvision.models.resnet", "ResNet"), {}),
    }
    value = {"IR": persistent("InverseRenderer", parts)} | snapshot(tiny_network())
    assert b"cuda:0" in dump(value)
    assert pof3d.load(write(tmp_path / "file.pkl", value)).kind == "release"


def test_numpy_numbers_among_the_settings(tmp_path: Path) -> None:
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        kind = Raw(
            b"".join(
                [
                    dump(Call(Name("numpy", "dtype"), ("f8", False, True)))[2:-1],
                    dump((3, "<", None, None, None, -1, -1, 0))[2:-1],
                    b"b",
                ]
            )
        )
        number = Call(Name(module, "scalar"), (kind, np.float64(0.75).tobytes()))
        value = snapshot(tiny_network(), rendering={"box_warp": number})
        opened = pof3d.load(write(tmp_path / "file.pkl", value))
        assert opened.config.generator.render.box_warp == 0.75


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"rendering": {"superresolution_module": "training.superresolution.SuperresolutionDeep"}}, "Deep"),
        ({"rendering": {"ray_start": "auto"}}, "ray limits"),
        ({"training": {"create_label_fov": 0.0}}, "field of view of 0°"),
        ({"training": {"create_label_fov": 180.0}}, "field of view of 180°"),
        ({"rendering": {"disparity_space_sampling": True}}, "disparity"),
        ({"rendering": {"clamp_mode": "relu"}}, "softplus"),
    ],
)
def test_kinds_that_are_not_supported(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    path = write(tmp_path / "file.pkl", snapshot(tiny_network(), **changes))
    with pytest.raises(CheckpointError, match=why) as caught:
        pof3d.load(path)
    assert "not supported yet" in str(caught.value)


@pytest.mark.parametrize("extra", ["radius", "fov"])
def test_pose_learner_with_a_third_output(tmp_path: Path, extra: Any) -> None:
    camera = CameraConfig(radius=3.1, focal=focal_from_fov(25.0))
    network = tiny_network(pose_extra=extra, camera=camera)
    value = snapshot(network, training={"create_label_fov": 25.0})
    opened = pof3d.load(write(tmp_path / "file.pkl", value))
    assert opened.config.generator.pose_extra == extra
    assert opened.config.generator.camera == camera
    assert opened.config.discriminator == network.config.discriminator
    generator = opened.generator
    assert same(generator, network.generator)
    w, pose = generator.map(torch.randn(3, 4))
    assert pose.shape == (3, 3)
    matrices, focal = generator.cam2world(pose), generator.focal(pose)
    distances = matrices[:, :3, 3].norm(dim=1)
    if extra == "radius":
        torch.testing.assert_close(distances, pose[:, 2])
        assert focal == camera.focal
    else:
        torch.testing.assert_close(distances, torch.full((3,), 3.1))
        assert isinstance(focal, torch.Tensor)
        assert focal.tolist() == pytest.approx([focal_from_fov(fov) for fov in pose[:, 2].tolist()])
    assert len({round(value, 6) for value in pose[:, 2].tolist()}) == 3
    whole = generator.render(w, pose).image
    torch.testing.assert_close(generator.render(w[1:2], pose[1:2]).image, whole[1:2])
    without = generator.render(w, pose[:, :2]).image
    assert not torch.allclose(whole, without)
    assert opened.discriminator is not None
    frame = generator.render(w, pose)
    assert opened.discriminator.look(opened.discriminator.prepare(frame.image, frame.raw))[1].shape == (3, 3)  # type: ignore[union-attr]
    assert opened.discriminator.predict_pose(frame).shape == (3, 2)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0])
def test_eg3d_network(tmp_path: Path, scale: float) -> None:
    network = tiny_network(pose_source="conditioning", label_scale=scale, camera=CameraConfig(focal=4.2647))
    opened = pof3d.load(write(tmp_path / "file.pkl", snapshot(network)))
    assert opened.config.generator == network.config.generator
    assert opened.config.discriminator == network.config.discriminator
    assert same(opened.generator, network.generator)
    assert same(opened.discriminator, network.discriminator)
    assert opened.provenance["source"] == "EG3D release"
    mapping, z = opened.generator.mapping, torch.randn(2, 4)
    beside = mapping.label(torch.tensor([[mapping.camera.h_mean + 0.5, math.pi / 2]]))
    moved = (mapping.map_w(z, beside) - mapping.map_w(z)).abs().max()
    assert (moved > 1e-4) == (scale > 0)
    again = save(tmp_path / "eg3d.safetensors", opened.config, opened.generator, opened.discriminator)
    assert pof3d.load(again).config == opened.config


def test_a_mapping_that_knows_nothing_of_cameras(tmp_path: Path) -> None:
    content = dump(snapshot(tiny_network())).replace(b"affine_layer2", b"not_the_layer")
    content = content.replace(b"affine_layer1", b"nor_that_one!")
    with pytest.raises(CheckpointError, match="neither a pose learner nor a camera label"):
        pof3d.load(write(tmp_path / "file.pkl", content))


def test_labels_that_are_no_cameras(tmp_path: Path) -> None:
    network = tiny_network(pose_source="conditioning")
    network.generator.mapping.embed.weight.data = torch.randn(8, 10)
    with pytest.raises(CheckpointError, match="conditioned on 10 numbers"):
        pof3d.load(write(tmp_path / "file.pkl", snapshot(network)))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: d["b4"].update(gone=1), "neither a pose branch nor a camera label"),
        (lambda d: d["_init_kwargs"]["epilogue_kwargs"].update(nocond_output=True), "unconditional"),
    ],
    ids=["no-branch", "unconditional"],
)
def test_discriminator_that_cannot_be_used(tmp_path: Path, change: Any, why: str) -> None:
    value = snapshot(tiny_network())
    state = value["D"].arguments[0]["state"]
    modules = {name: module.arguments[0]["state"] for name, module in state["_modules"].items()}
    change(modules | {"_init_kwargs": state["_init_kwargs"]})
    if "gone" in modules["b4"]:
        del modules["b4"]["_modules"]["cam_out1"], modules["b4"]["_modules"]["cam_out2"]
    opened = pof3d.load(write(tmp_path / "file.pkl", value))
    assert opened.discriminator is None
    assert opened.config.discriminator is None
    assert why in str(opened.provenance["discriminator"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"arguments": {"channel_max": 3}}, r"generator does not fit.* is \[.*instead of"),
        ({"arguments": {"channel_max": 10**9}}, "channel_max is 1e"),
        ({"arguments": {"channel_base": "many"}}, "channel_base"),
        ({"rendering": {"box_warp": math.nan}}, "box_warp"),
        ({"rendering": {"avg_camera_pivot": [0.0, 0.0]}}, "avg_camera_pivot"),
        ({"rendering": {"depth_resolution": 48.5}}, "depth_resolution"),
        ({"rendering": {"ray_end": 0.5}}, "ray_end"),
        ({"generator": {"neural_rendering_resolution": 10**6}}, "render.resolution"),
        ({"generator": {"rendering_kwargs": ["a", "list"]}}, "rendering_kwargs"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(CheckpointError, match=why):
        pof3d.load(write(tmp_path / "file.pkl", snapshot(tiny_network(), **changes)))


def test_tensors_that_are_missing_surplus_or_not_finite(tmp_path: Path) -> None:
    network = tiny_network()
    value = snapshot(network)
    value["G_ema"].arguments[0]["state"]["_buffers"]["extra"] = tensor(torch.zeros(2))
    with pytest.raises(CheckpointError, match="extra unexpected"):
        pof3d.load(write(tmp_path / "file.pkl", value))
    value = snapshot(network)
    del (
        value["G_ema"]
        .arguments[0]["state"]["_modules"]["decoder"]
        .state["_modules"]["net"]
        .state["_modules"]["2"]
    )
    with pytest.raises(CheckpointError, match=r"decoder\.net\.2\.weight is missing"):
        pof3d.load(write(tmp_path / "file.pkl", value))
    network.generator.decoder.output.bias.data[1] = math.nan
    with pytest.raises(CheckpointError, match=r"decoder\.output\.bias holds values that are not finite"):
        pof3d.load(write(tmp_path / "file.pkl", snapshot(network)))


def test_another_resampling_filter(tmp_path: Path) -> None:
    path = write(tmp_path / "file.pkl", dump(snapshot(tiny_network())))
    content = path.read_bytes()
    taps = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64
    kernel = taps.numpy().tobytes()
    assert kernel in content
    path.write_bytes(content.replace(kernel, kernel[::-1][:4] + kernel[4:], 1))
    with pytest.raises(CheckpointError, match="another filter"):
        pof3d.load(path)


def test_pickle_of_something_else(tmp_path: Path) -> None:
    for value in ({"state": 1}, [1, 2], "text", {"G_ema": None}):
        with pytest.raises(CheckpointError, match="not a snapshot of PoF3D"):
            pof3d.load(write(tmp_path / "file.pkl", dump(value)))


def test_tensors_in_half_precision(tmp_path: Path) -> None:
    network = tiny_network()
    halved = {name: t.half() for name, t in network.generator.state_dict().items()}
    with torch.no_grad():
        network.generator.load_state_dict(halved)
    for net in (network.generator, network.discriminator):
        assert net is not None
        net.half()
    opened = pof3d.load(write(tmp_path / "file.pkl", snapshot(network)))
    state = opened.generator.state_dict()
    assert all(t.dtype == torch.float32 for t in state.values())
    assert all(torch.equal(state[name], t.float()) for name, t in halved.items())


def test_rendering_at_another_size_than_64(tmp_path: Path) -> None:
    render = RenderConfig(resolution=12, depth_samples=6, importance_samples=6)
    network = tiny_network("8x", render=render)
    opened = pof3d.load(write(tmp_path / "file.pkl", snapshot(network)))
    frame = opened.generator.render(*opened.generator.map(torch.randn(1, 4)))
    assert frame.raw.shape[-2:] == (12, 12)
    assert frame.image.shape[-2:] == (512, 512)
