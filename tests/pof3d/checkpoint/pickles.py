"""Writes pickles opcode by opcode, so that tests can make any file, honest or not."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pof3d.checkpoint import Network
from pof3d.config import GeneratorConfig, NetworkConfig, fov_from_focal


@dataclass(frozen=True)
class Name:
    """A class or function by name."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """The call of a named function."""

    function: Any
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Object:
    """An object of a named class with a state."""

    kind: Name
    state: Any = None


@dataclass(frozen=True)
class Raw:
    """Opcodes as they are."""

    code: bytes


def text(value: str) -> bytes:
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def opcodes(value: Any) -> bytes:
    """Opcodes that leave the value on the stack."""
    match value:
        case Raw():
            return value.code
        case Name():
            return text(value.module) + text(value.name) + b"\x93"
        case Call():
            return opcodes(value.function) + opcodes(value.arguments) + b"R"
        case Object():
            made = opcodes(value.kind) + b")\x81"
            return made if value.state is None else made + opcodes(value.state) + b"b"
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            size = value.bit_length() // 8 + 1
            return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return text(value)
        case bytes():
            return b"B" + struct.pack("<I", len(value)) + value
        case tuple():
            return b"(" + b"".join(map(opcodes, value)) + b"t"
        case list():
            return b"](" + b"".join(map(opcodes, value)) + b"e"
        case dict():
            return b"}(" + b"".join(opcodes(k) + opcodes(v) for k, v in value.items()) + b"u"
        case set():
            return b"\x8f(" + b"".join(map(opcodes, sorted(value))) + b"\x90"
        case Tensor():
            return opcodes(tensor(value))
    raise TypeError(type(value))


def dump(value: Any, protocol: int = 4) -> bytes:
    return b"\x80" + bytes([protocol]) + opcodes(value) + b"."


def storage_bytes(value: Tensor) -> bytes:
    """The numbers of a tensor as torch's own legacy writer stores them."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the release used typed storages, which torch now calls deprecated
        storage = value.detach().contiguous().reshape(-1).clone().storage()
    torch.save(storage, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


LOAD_FROM_BYTES = Name("torch.storage", "_load_from_bytes")
REBUILD = Name("torch._utils", "_rebuild_tensor_v2")
PARAMETER = Name("torch._utils", "_rebuild_parameter")
PERSISTENT = Name("torch_utils.persistence", "_reconstruct_persistent_obj")
ORDERED = Object(Name("collections", "OrderedDict"))


def tensor(
    value: Tensor,
    *,
    offset: int = 0,
    shape: tuple[int, ...] | None = None,
    stride: tuple[int, ...] | None = None,
) -> Call:
    """A tensor as snapshots hold it; offset, shape and stride may lie."""
    shape = tuple(value.shape) if shape is None else shape
    stride = tuple(value.contiguous().stride()) if stride is None else stride
    storage = Call(LOAD_FROM_BYTES, (storage_bytes(value),))
    return Call(REBUILD, (storage, offset, shape, stride, False, ORDERED))


def parameter(value: Tensor) -> Call:
    return Call(PARAMETER, (tensor(value), True, ORDERED))


def persistent(class_name: str, state: dict[Any, Any]) -> Call:
    meta = {
        "type": "class",
        "version": 6,
        "module_src": "raise SystemExit",
        "class_name": class_name,
        "state": state,
    }
    return Call(PERSISTENT, (meta,))


# ------------------------------------------------------------------------ a snapshot of one of our networks
_GENERATOR_NAMES = (
    ("mapping.pose_hidden.", "backbone.mapping.affine_layer1."),
    ("mapping.pose_output.", "backbone.mapping.affine_layer2."),
    ("mapping.", "backbone.mapping."),
    ("backbone.", "backbone.synthesis."),
    ("decoder.hidden.", "decoder.net.0."),
    ("decoder.output.", "decoder.net.2."),
    ("superres.", "superresolution."),
)
_DISCRIMINATOR_NAMES = (
    ("pose_mapping.", "mapping."),
    ("b4.pose_hidden.", "b4.cam_out1."),
    ("b4.pose_output.", "b4.cam_out2."),
)


def _tree(net: nn.Module, names: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """State of the outermost module; the others are in it, with the FIR filters real files have."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    root: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}, "training": False}
    states: dict[str, dict[str, Any]] = {"": root}

    def module(path: str) -> dict[str, Any]:
        if path not in states:
            parent, _, name = path.rpartition(".")
            state: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}}
            module(parent)["_modules"][name] = (path, state)
            states[path] = state
        return states[path]

    buffers = dict(net.named_buffers())
    for name, value in net.state_dict().items():
        for ours, theirs in names:
            if name.startswith(ours):
                name, original = theirs + name[len(ours) :], name
                break
        else:
            original = name
        path, _, leaf = name.rpartition(".")
        if original in buffers:
            module(path)["_buffers"][leaf] = tensor(value)
        else:
            module(path)["_parameters"][leaf] = parameter(value)
            if leaf == "weight" and value.dim() == 4:
                module(path)["_buffers"]["resample_filter"] = tensor(torch.outer(taps, taps) / 64)
    return root


def _objects(state: dict[str, Any]) -> dict[str, Any]:
    """Turn the modules inside a state into pickled objects, innermost first."""
    modules: dict[str, Object | Call] = {}
    for name, (path, inside) in state["_modules"].items():
        if path in ("decoder", "decoder.net"):
            kinds = {
                "decoder": Name("training.triplane_autopose", "OSGDecoder"),
                "decoder.net": Name("torch.nn.modules.container", "Sequential"),
            }
            modules[name] = Object(kinds[path], _objects(inside))
        else:
            modules[name] = persistent(f"Module{len(path)}", _objects(inside))
    return state | {"_modules": modules}


def rendering_kwargs(config: GeneratorConfig) -> dict[str, Any]:
    render, camera = config.render, config.camera
    modules = {"none": None, "2x": "training.superresolution.SuperresolutionHybrid2X"}
    modules["4x"] = "training.superresolution.SuperresolutionHybrid4X"
    modules["8x"] = "training.superresolution.SuperresolutionHybrid8X"
    return {
        "superresolution_module": modules[config.superres.kind],
        "clamp_mode": "softplus",
        "decoder_lr_mul": config.decoder_lr_multiplier,
        "wrong": render.plane_axes == "xy_xz_zx",
        "depth_resolution": render.depth_samples,
        "depth_resolution_importance": render.importance_samples,
        "ray_start": render.ray_start,
        "ray_end": render.ray_end,
        "box_warp": render.box_warp,
        "white_back": render.white_background,
        "avg_camera_radius": camera.radius,
        "avg_camera_pivot": list(camera.pivot),
        "h_mean": camera.h_mean,
        "c_gen_conditioning_zero": config.label_scale == 0,
        "c_scale": config.label_scale or 1.0,
    }


def snapshot(
    network: Network,
    *,
    rendering: dict[str, Any] | None = None,
    generator: dict[str, Any] | None = None,
    arguments: dict[str, Any] | None = None,
    training: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A release snapshot of a network, as a value for :func:`dump`.

    Parameters
    ----------
    network : Network
        One of ours, without confinement to the box.
    rendering, generator, arguments, training : dict, optional
        Entries to replace in ``rendering_kwargs``, the generator's attributes, its ``_init_kwargs`` and
        ``training_set_kwargs``. None as a value removes the entry.
    """

    def merged(values: dict[str, Any], changes: dict[str, Any] | None) -> dict[str, Any]:
        return {
            k: v for k, v in (values | (changes or {})).items() if v is not None or k not in (changes or {})
        }

    config: NetworkConfig = network.config
    shape = config.generator
    mapping = {
        "num_layers": shape.mapping_layers,
        "lr_multiplier": shape.mapping_lr_multiplier,
        "lr_multiplier_pose": shape.pose_lr_multiplier,
        "linear_pose": shape.pose_head == "linear",
    }
    attributes: dict[str, Any] = {
        "z_dim": shape.z_dim,
        "img_resolution": shape.image_resolution,
        "neural_rendering_resolution": shape.render.resolution,
        "r_mean": shape.camera.radius,
        "fov_mean": fov_from_focal(shape.camera.focal) if shape.pose_extra == "fov" else 20,
        "learn_fov": shape.pose_extra == "fov",
        "clamp_h": shape.camera.clamp_h,
        "clamp_v": shape.camera.clamp_v,
        "rendering_kwargs": merged(rendering_kwargs(shape), rendering),
        "_init_kwargs": merged(
            {
                "channel_base": shape.channel_base,
                "channel_max": shape.channel_max,
                "conv_clamp": shape.activation_clamp,
                "mapping_kwargs": mapping,
            },
            arguments,
        ),
    }
    state = _objects(_tree(network.generator, _GENERATOR_NAMES)) | merged(attributes, generator)
    moving_average = persistent("TriPlaneGeneratorPose", state)
    result: dict[str, Any] = {
        "training_set_kwargs": merged({"path": "/somewhere/faces.zip", "create_label_fov": None}, training),
        "G": None,
        "D": None,
        "G_ema": moving_average,
        "augment_pipe": None,
    }
    if network.discriminator is not None and config.discriminator is not None:
        critic = config.discriminator
        result["D"] = persistent(
            "DualDiscriminator",
            _objects(_tree(network.discriminator, _DISCRIMINATOR_NAMES))
            | {
                "_init_kwargs": {
                    "channel_base": critic.channel_base,
                    "channel_max": critic.channel_max,
                    "conv_clamp": critic.activation_clamp,
                    "epilogue_kwargs": {"mbstd_group_size": critic.minibatch_group},
                }
            },
        )
    return result


def write(path: Path, value: Any) -> Path:
    path.write_bytes(value if isinstance(value, bytes) else dump(value))
    return path
