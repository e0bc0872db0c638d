"""Snapshots of the PoF3D and EG3D releases: their networks in our configuration and under our names."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from pof3d.checkpoint.assemble import Hooks, Stored, StoredTensor
from pof3d.checkpoint.records import Attributes, Settings, Tensors, collect, shape_of, unsupported
from pof3d.checkpoint.restricted_pickle import Record, TensorRef, read_pickle
from pof3d.checkpoint.source import Source
from pof3d.config import (
    CARS,
    FFHQ,
    FFHQ_FOV_DEGREES,
    LABEL_DIM,
    CameraConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    NetworkConfig,
    PlaneAxes,
    PoseExtra,
    PoseHead,
    PoseSource,
    RenderConfig,
    SuperResolutionConfig,
    SuperResolutionKind,
    focal_from_fov,
)
from pof3d.errors import CheckpointError

_GENERATOR_NAMES = (
    ("backbone.mapping.affine_layer1.", "mapping.pose_hidden."),
    ("backbone.mapping.affine_layer2.", "mapping.pose_output."),
    ("backbone.mapping.", "mapping."),
    ("backbone.synthesis.", "backbone."),
    ("decoder.net.0.", "decoder.hidden."),
    ("decoder.net.2.", "decoder.output."),
    ("superresolution.", "superres."),
)
_DISCRIMINATOR_NAMES = (
    ("mapping.", "pose_mapping."),
    ("b4.cam_out1.", "b4.pose_hidden."),
    ("b4.cam_out2.", "b4.pose_output."),
)
_EG3D_FOCAL = 4.2647
"""Image widths: of the labels of EG3D's FFHQ and AFHQ sets."""
_SUPERRES_KINDS: dict[str, SuperResolutionKind] = {
    "SuperresolutionHybrid2X": "2x",
    "SuperresolutionHybrid4X": "4x",
    "SuperresolutionHybrid8X": "8x",
    "SuperresolutionHybrid8XDC": "8x",
}
_PLANE_AXES: dict[tuple[tuple[int, int], ...], PlaneAxes] = {
    ((0, 1), (0, 2), (2, 0)): "xy_xz_zx",
    ((0, 1), (0, 2), (2, 1)): "xy_xz_zy",
}


def _renamed(tensors: Tensors, table: tuple[tuple[str, str], ...]) -> dict[str, StoredTensor]:
    renamed = {}
    for name, ref in tensors.items():
        for old, new in table:
            if name.startswith(old):
                name = new + name[len(old) :]
                break
        renamed[name] = StoredTensor(ref.shape, partial(_load_float, ref))
    return renamed


def _load_float(ref: TensorRef) -> Tensor:
    return ref.load().to(torch.float32)


def _multiplier(attributes: Attributes, module: str, default: float) -> float:
    """Learning rate multiplier of an equalised layer, which it keeps as the gain of its bias."""
    return Settings(dict(attributes.get(module, {})), module).number("bias_gain", default)


def _plane_axes(attributes: Attributes, wrong: bool) -> PlaneAxes:
    """Which axes the planes are read with: as the renderer kept them, else by the flag."""
    stored = attributes.get("renderer", {}).get("plane_axes")
    if not isinstance(stored, TensorRef):
        return "xy_xz_zx" if wrong else "xy_xz_zy"
    # Each plane has an orthogonal basis; its first two vectors are the axes it is read with.
    if stored.shape == (3, 3, 3):
        basis = stored.load().float()
        axes = tuple((int(plane[0].argmax()), int(plane[1].argmax())) for plane in basis)
        one_hot = bool(((basis == 0) | (basis == 1)).all()) and bool((basis.sum(dim=-1) == 1).all())
        if one_hot and axes in _PLANE_AXES:
            return _PLANE_AXES[axes]
    unsupported("its tri-planes lie along unknown axes")


def _superres(
    render: Settings, network: Settings, tensors: Tensors, attributes: Attributes
) -> tuple[SuperResolutionConfig, int | None]:
    """Super-resolution and the size of its images."""
    dotted = render.text("superresolution_module")
    name = dotted.rsplit(".", 1)[-1] if dotted else None
    if name is None:
        return SuperResolutionConfig("none"), None
    if name not in _SUPERRES_KINDS:
        unsupported(f"its super-resolution is {name[:60]!r}")
    widths = tuple(shape_of(tensors, f"superresolution.block{i}.conv1.weight", 4)[0] for i in range(2))
    config = SuperResolutionConfig(_SUPERRES_KINDS[name], (widths[0], widths[1]))
    module = Settings(dict(attributes.get("superresolution", {})), "superresolution")
    if module.integer("input_resolution", config.input_resolution) != config.input_resolution:
        unsupported("its super-resolution reads images of another size")
    upsampled = 4 if config.kind == "8x" else 2
    return config, network.integer("img_resolution", upsampled * config.input_resolution)


def _camera(
    render: Settings, network: Settings, training: Settings, *, white: bool, own: float, extra: PoseExtra
) -> CameraConfig:
    """The cameras; ``own`` is the focal length of files that do not say.

    Where the pose learner gives the distance or the field of view, too (``extra``), its middle.
    """
    mean_radius = network.number("r_mean", 2.7)
    if extra == "fov":
        focal = _focal(network.number("fov_mean", FFHQ_FOV_DEGREES))
    elif "create_label_fov" in training:
        focal = _focal(training.number("create_label_fov", 0.0))
    else:
        # Files do not hold the focal length of a set that brings its own camera labels. Of the release's
        # presets, the one with a white background is the one with another focal length.
        focal = CARS.generator.camera.focal if white else own
    pivot = render.numbers("avg_camera_pivot", 3) or (0.0, 0.0, 0.0)

    def limits(key: str) -> tuple[float, float] | None:
        return network.pair(key) if key in network else render.pair(key)

    return CameraConfig(
        radius=mean_radius if extra == "radius" else render.number("avg_camera_radius", mean_radius),
        pivot=(pivot[0], pivot[1], pivot[2]),
        h_mean=render.number("h_mean", network.number("h_mean", math.pi / 2)),
        focal=focal,
        clamp_h=limits("clamp_h"),
        clamp_v=limits("clamp_v"),
    )


def _rename(tensors: Tensors, old: str, new: str) -> None:
    """Give a layer another name."""
    for part in (".weight", ".bias"):
        if old + part in tensors:
            tensors[new + part] = tensors.pop(old + part)


def _focal(fov: float) -> float:
    if not 0.1 <= fov <= 170.0:
        unsupported(f"its field of view of {fov:g}° is none")
    return focal_from_fov(fov)


@dataclass(frozen=True)
class _Pose:
    """The part of a mapping network that deals with poses."""

    source: PoseSource = "learned"
    head: PoseHead = "mlp"
    lr_multiplier: float = 0.01
    extra: PoseExtra = "none"
    label_scale: float = 1.0


def _pose(
    tensors: Tensors, attributes: Attributes, render: Settings, network: Settings, mapping: Settings
) -> tuple[_Pose, int]:
    """The pose learner, or the conditioning on camera labels; and how many numbers of the latter join z.

    A single-layer pose learner gets the name of the last layer, whatever it was called.
    """
    prefix = "backbone.mapping."
    last = f"{prefix}affine_layer2"
    if f"{prefix}embed.weight" in tensors:
        width, numbers = shape_of(tensors, f"{prefix}embed.weight", 2)
        if numbers != LABEL_DIM:
            unsupported(f"it is conditioned on {numbers} numbers, which are no camera label")
        if abs(_multiplier(attributes, f"{prefix}embed", 1.0) - 1.0) > 1e-9:
            unsupported("it embeds labels with an unusual learning rate multiplier")
        ignored = render.flag("c_gen_conditioning_zero", False)
        scale = 0.0 if ignored else render.number("c_scale", 1.0)
        return _Pose("conditioning", label_scale=scale), width
    if f"{last}.weight" not in tensors:
        single = [n for n in tensors if n.startswith(f"{prefix}affine") and n.endswith(".weight")]
        if len(single) != 1:
            unsupported("it has neither a pose learner nor a camera label")
        old = single[0].removesuffix(".weight")
        _rename(tensors, old, last)
        attributes[last] = attributes[old]
    outputs = shape_of(tensors, f"{last}.weight", 2)[0]
    if outputs not in (2, 3):
        unsupported(f"its pose learner predicts {outputs} numbers")
    by_fov = network.flag("learn_fov", False)
    head: PoseHead = "mlp" if f"{prefix}affine_layer1.weight" in tensors else "linear"
    return (
        _Pose(
            head=head,
            lr_multiplier=_multiplier(attributes, last, mapping.number("lr_multiplier_pose", 0.01)),
            extra="none" if outputs == 2 else "fov" if by_fov else "radius",
        ),
        0,
    )


def _generator(
    record: Record, training: Settings, check: Callable[[], None]
) -> tuple[GeneratorConfig, dict[str, StoredTensor]]:
    tensors, attributes = collect(record, check)
    network = Settings(dict(record.state), "generator")
    arguments = network.inside("_init_kwargs")
    render = network.inside("rendering_kwargs")
    mapping = arguments.inside("mapping_kwargs")

    prefix = "backbone.mapping."
    w_dim = shape_of(tensors, f"{prefix}fc0.weight", 2)[0]
    pose, label_numbers = _pose(tensors, attributes, render, network, mapping)
    for text, refused in (
        ("its ray limits are automatic", render.holds_text("ray_start")),
        ("it samples rays evenly in disparity", render.flag("disparity_space_sampling", False)),
        (
            "its density has another activation than softplus",
            (render.text("clamp_mode") or "softplus") != "softplus",
        ),
        (
            "its poses are drawn at random instead of learned",
            Settings(dict(attributes[prefix.removesuffix(".")]), "mapping").flag("uniform_sampling", False),
        ),
    ):
        if refused:
            unsupported(text)

    white = render.flag("white_back", False)
    blocks = [
        int(m[1])
        for n in tensors
        if (m := re.fullmatch(r"backbone\.synthesis\.b(\d{1,4})\.torgb\.weight", n))
    ]
    plane_resolution = max(blocks, default=0)
    planes = shape_of(tensors, f"backbone.synthesis.b{plane_resolution}.torgb.weight", 4)
    hidden, channels = shape_of(tensors, "decoder.net.0.weight", 2)
    colours = shape_of(tensors, "decoder.net.2.weight", 2)[0] - 1
    if planes[0] != 3 * channels:
        unsupported(f"it does not have three planes of {channels} channels")
    layers = sum(1 for n in tensors if re.fullmatch(r"backbone\.mapping\.fc\d+\.weight", n))
    superres, final = _superres(render, network, tensors, attributes)
    clamp = arguments.number("conv_clamp", 0.0)
    config = GeneratorConfig(
        z_dim=shape_of(tensors, f"{prefix}fc0.weight", 2)[1] - label_numbers,
        w_dim=w_dim,
        mapping_layers=layers,
        mapping_lr_multiplier=_multiplier(attributes, f"{prefix}fc0", mapping.number("lr_multiplier", 0.01)),
        pose_source=pose.source,
        label_scale=pose.label_scale,
        pose_head=pose.head,
        pose_lr_multiplier=pose.lr_multiplier,
        pose_extra=pose.extra,
        plane_resolution=plane_resolution,
        plane_channels=channels,
        channel_base=arguments.integer("channel_base", planes[1] * plane_resolution),
        channel_max=arguments.integer("channel_max", shape_of(tensors, "backbone.synthesis.b4.const", 3)[0]),
        decoder_hidden=hidden,
        feature_channels=colours,
        decoder_lr_multiplier=_multiplier(attributes, "decoder.net.0", render.number("decoder_lr_mul", 1.0)),
        activation_clamp=clamp if clamp > 0 else None,
        camera=_camera(
            render,
            network,
            training,
            white=white,
            own=_EG3D_FOCAL if label_numbers else FFHQ.generator.camera.focal,
            extra=pose.extra,
        ),
        render=RenderConfig(
            resolution=network.integer("neural_rendering_resolution", 64),
            depth_samples=render.integer("depth_resolution", 48),
            importance_samples=render.integer("depth_resolution_importance", 48),
            ray_start=render.number("ray_start", 2.25),
            ray_end=render.number("ray_end", 3.3),
            box_warp=render.number("box_warp", 1.0),
            white_background=white,
            plane_axes=_plane_axes(attributes, render.flag("wrong", True)),
        ),
        superres=superres,
    )
    if final is not None and final != config.image_resolution:
        unsupported(f"its images have {final} pixels a side, which its super-resolution does not give")
    tensors.pop("dataset_label_std", None)
    return config, _renamed(tensors, _GENERATOR_NAMES)


def _discriminator(
    record: Record, check: Callable[[], None]
) -> tuple[DiscriminatorConfig, dict[str, StoredTensor]] | str:
    """Settings and tensors, or why this discriminator cannot be used."""
    tensors, attributes = collect(record, check)
    if "mapping.embed.weight" not in tensors:
        return "The discriminator knows nothing of cameras."
    inputs = shape_of(tensors, "mapping.embed.weight", 2)[1]
    head = "b4.cam_out2.weight"
    if head not in tensors:
        single = [n for n in tensors if re.fullmatch(r"b4\.cam_out\w*\.weight", n)]
        if len(single) > 1 or (not single and inputs != LABEL_DIM):
            return "The discriminator has neither a pose branch nor a camera label."
        for name in single:
            _rename(tensors, name.removesuffix(".weight"), head.removesuffix(".weight"))
    predicts = head in tensors
    if predicts and not 2 <= shape_of(tensors, head, 2)[0] == inputs <= 3:
        return "The discriminator predicts something other than a pose."
    arguments = Settings(dict(record.state), "discriminator").inside("_init_kwargs")
    epilogue = arguments.inside("epilogue_kwargs")
    if epilogue.flag("nocond_output", False):
        return "The discriminator has an unconditional score as well."
    if abs(_multiplier(attributes, "mapping.fc0", 0.01) - 0.01) > 1e-9:
        return "The discriminator maps poses with an unusual learning rate multiplier."
    resolution = max(
        (int(m[1]) for n in tensors if (m := re.match(r"b(\d{1,4})\.fromrgb\.weight", n))), default=0
    )
    width = shape_of(tensors, f"b{resolution}.fromrgb.weight", 4)
    if width[1] != 6:
        return "The discriminator does not look at pairs of images."
    clamp = arguments.number("conv_clamp", 0.0)
    config = DiscriminatorConfig(
        resolution=resolution,
        channel_base=arguments.integer("channel_base", width[0] * resolution),
        channel_max=arguments.integer("channel_max", shape_of(tensors, "b4.out.weight", 2)[0]),
        pose_aware=predicts,
        pose_extra=predicts and inputs == 3,
        label_dim=0 if predicts else inputs,
        pose_mapping_layers=sum(1 for n in tensors if re.fullmatch(r"mapping\.fc\d+\.weight", n)),
        minibatch_group=epilogue.integer("mbstd_group_size", 4),
        linear_pose=predicts and "b4.cam_out1.weight" not in tensors,
        activation_clamp=clamp if clamp > 0 else None,
    )
    return config, _renamed(tensors, _DISCRIMINATOR_NAMES)


def read(source: Source, path: Path, hooks: Hooks, parsed: float = 0.2) -> Stored:
    """Read the description of a released snapshot; its tensors stay in the file.

    Parameters
    ----------
    source : Source
        The open file.
    path : Path
        Its name may tell how long it was trained (``network-snapshot-NNNNNN.pkl``).
    hooks : Hooks
        Progress runs from 0 to ``parsed``.
    parsed : float
        Share of the whole loading that this is.

    Raises
    ------
    CheckpointError
        If the file is damaged, unsafe or of a kind that is not supported.
    """
    size = max(source.size, 1)

    def watch(position: int) -> None:
        hooks.report(parsed * position / size, "Reading the snapshot")

    def check() -> None:
        watch(size)

    snapshot = read_pickle(source, watch)
    if type(snapshot) is not dict or not any(isinstance(snapshot.get(n), Record) for n in ("G_ema", "G")):
        raise CheckpointError(
            "The pickle is not a snapshot of PoF3D or EG3D",
            "it has no generator",
            "Choose a network-snapshot-….pkl file.",
        )
    ema = isinstance(snapshot.get("G_ema"), Record)
    training = Settings(snapshot.get("training_set_kwargs"), "training_set_kwargs")
    config, generator = _generator(snapshot["G_ema" if ema else "G"], training, check)
    provenance: dict[str, object] = {
        "source": "EG3D release" if config.pose_source == "conditioning" else "PoF3D release",
        "generator": "moving average" if ema else "last",
    }
    if dataset := training.text("path"):
        provenance["dataset"] = PurePosixPath(dataset.replace("\\", "/")).name
    if match := re.search(r"network-snapshot-(\d{1,9})", path.name):
        provenance["images_seen"] = int(match[1]) * 1000
    discriminator_config, discriminator = None, dict[str, StoredTensor]()
    if isinstance(snapshot.get("D"), Record):
        found = _discriminator(snapshot["D"], check)
        if isinstance(found, str):
            provenance["discriminator"] = found
        else:
            discriminator_config, discriminator = found
    name = next((c.name for c in (FFHQ, CARS) if c.generator == config), "release")
    return Stored(NetworkConfig(name, config, discriminator_config), generator, discriminator, provenance)
