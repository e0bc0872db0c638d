"""What there is to say about a network, as lines that people read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pof3d.config import GeneratorConfig, NetworkConfig, fov_from_focal
from pof3d.text import ELLIPSIS, format_bytes, format_count, format_degrees, format_duration

Fact = tuple[str, str, str]
"""What, its value, and an explanation, which may be empty."""
_LONGEST, _LONGEST_NAME = 1000, 100
"""Characters of a value, and of its name: more than that nobody reads, and it takes long to draw."""
_MOST_ROWS = 200
_DEEPEST = 6
"""Of entries within entries."""
_MORE: Fact = (ELLIPSIS, "and more", "")
_SUPERRES = {"none": "none", "2x": "2×", "4x": "4×", "8x": "8×"}


def architecture_facts(config: NetworkConfig, kind: str, size_bytes: int, parameters: int) -> list[Fact]:
    """What a network is.

    Parameters
    ----------
    config : NetworkConfig
        Its settings.
    kind : str
        "native" or "release".
    size_bytes : int
        Of its file.
    parameters : int
        Of its generator.
    """
    generator, discriminator = config.generator, config.discriminator
    camera, render = generator.camera, generator.render
    samples = f"{render.depth_samples}"
    if render.importance_samples:
        samples += f" + {render.importance_samples} importance"
    conditioned = generator.pose_source == "conditioning"
    release = "EG3D" if conditioned else "PoF3D"
    kinds = {"native": "native (safetensors)", "release": f"{release} release (pickle)"}
    planes = f"3 × {generator.plane_channels} channels, {generator.plane_resolution}²"
    rows = [
        (
            "Kind",
            kinds.get(kind, kind),
            "Release pickles are read as data: nothing in them is run.",
        ),
        ("Preset", _cut(config.name, _LONGEST_NAME), ""),
        ("Output", f"{generator.image_resolution}²", "Side of the final image, pixels."),
        ("Raw", f"{render.resolution}²", "Side of the volume-rendered image, pixels."),
        ("Super-res.", _SUPERRES[generator.superres.kind], "What enlarges the raw image to the output."),
        (
            "Tri-planes",
            planes,
            "Three feature planes hold the object; a point looks its features up in each.",
        ),
        ("Parameters", format_count(parameters), "Of the generator."),
        ("File", format_bytes(size_bytes), ""),
        ("z, w", f"{generator.z_dim}, {generator.w_dim}", "Dimensions of the latents."),
        ("Poses", pose_source(generator), "Where the camera of a generated image comes from."),
        ("Radius", f"{camera.radius:g}", "Distance of the cameras from the origin, world units."),
        ("Field of view", f"{fov_from_focal(camera.focal):.1f}°", "Across the image's diagonal."),
        ("Pivot", ", ".join(f"{p:g}" for p in camera.pivot), "The point that all cameras look at."),
        ("Samples", samples, "Along each ray."),
        ("Depths", f"{render.ray_start:g} – {render.ray_end:g}", "Where rays are sampled, world units."),
        (
            "D's pose",
            "yes" if discriminator is not None and discriminator.pose_aware else "no",
            "Whether the discriminator predicts poses.",
        ),
    ]
    return rows


def pose_source(config: GeneratorConfig) -> str:
    """Where a network's poses come from, in some words."""
    mean, spread = config.pose_prior.mean, config.pose_prior.spread
    prior = f"{math.degrees(mean[0]):.0f}° ± {math.degrees(spread[0]):.0f}°"
    learned = "learned" if config.pose_head == "mlp" else "learned, one layer"
    words = {
        "learned": learned if config.pose_extra == "none" else f"{learned}, with {config.pose_extra}",
        "gaussian": f"gaussian prior, yaw {prior}",
        "uniform": f"uniform prior, yaw {prior}",
        "residual": f"corrected prior, yaw {prior}",
        "labels": "the data set's",
        "conditioning": "no pose learner: a camera label",
    }
    return words[config.pose_source]


def provenance_facts(
    provenance: Mapping[str, Any],
) -> tuple[list[Fact], dict[str, list[Fact]]]:
    """Where the network comes from.

    Returns
    -------
    rows : list of (what, value, help)
        The plain entries, those that people ask for first.
    groups : dict
        Nested entries, such as the recipe of the training, under their names.
    """
    rest = {key: value for key, value in provenance.items() if key != "preset"}  # shown above
    rows: list[Fact] = []
    dataset, count = rest.pop("dataset", None), rest.pop("dataset_images", None)
    if dataset is not None:
        images = f" ({_plain('images', count)} images)" if isinstance(count, int) else ""
        rows.append(("Data set", f"{_plain('dataset', dataset)}{images}", ""))
    if isinstance(rest.get("images_seen"), int):
        seen = rest.pop("images_seen")
        rows.append(
            ("Images seen", _plain("images", seen), "Real images shown to the discriminator in training.")
        )
    if isinstance(rest.get("training_seconds"), int | float):
        rows.append(("Trained for", format_duration(rest.pop("training_seconds")), ""))
    poses = rest.get("learned_poses")
    names = ("yaw_mean", "yaw_std", "pitch_mean", "pitch_std")
    if isinstance(poses, Mapping) and all(isinstance(poses.get(name), int | float) for name in names):
        del rest["learned_poses"]
        for angle in ("yaw", "pitch"):
            mean, std = float(poses[f"{angle}_mean"]), float(poses[f"{angle}_std"])
            value = f"{format_degrees(mean)} ± {format_degrees(std, signed=False)}"
            rows.append((f"Learned {angle}", value, "Of the generator's predicted poses."))
    groups = {}
    for key, value in islice(rest.items(), _MOST_ROWS):
        if isinstance(value, Mapping):
            groups[_title(key)] = _limited(_flat(value))
        else:
            rows.append((_title(key), _plain(key, value), ""))
    if len(rest) > _MOST_ROWS:
        rows.append(_MORE)
    return rows, groups


def _title(key: Any) -> str:
    return _cut(str(key).replace("_", " ").capitalize(), _LONGEST_NAME)


def _limited(rows: Iterator[Fact]) -> list[Fact]:
    kept = list(islice(rows, _MOST_ROWS + 1))
    return kept if len(kept) <= _MOST_ROWS else [*kept[:-1], _MORE]


def _flat(values: Mapping[Any, Any], prefix: str = "", depth: int = 0) -> Iterator[Fact]:
    for key, value in values.items():
        name = _cut(f"{prefix}{key}".replace("_", " "), _LONGEST_NAME)
        if isinstance(value, Mapping) and depth < _DEEPEST:
            yield from _flat(value, f"{name}: ", depth + 1)
        else:
            yield name, _plain(key, value), ""


def _plain(key: Any, value: Any, depth: int = 0) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return _cut(f"{value:,}")
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str | bytes)):
        if depth >= _DEEPEST or isinstance(value, Mapping):
            return ELLIPSIS
        items = [_plain(key, item, depth + 1) for item in value[:_MOST_ROWS]]
        return _cut(", ".join([*items, *([ELLIPSIS] if len(value) > _MOST_ROWS else [])]))
    text = str(value)
    return text[:10] if "commit" in str(key) and len(text) >= 40 else _cut(text)


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + ELLIPSIS
