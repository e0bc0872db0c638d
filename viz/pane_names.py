"""What sets the Views of panes apart, in words: a short line for each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pof3d.text import format_degrees
from viz.comparing import Comparison
from viz.latent_edits import amplitudes, interpolates_w, is_between
from viz.view import CameraView, DisplayView, LatentView, PoseView, SamplingView, View

_LONGEST_VALUE = 24
"""Characters of a value that has no text of its own."""


def title(view: View) -> str:
    """Network and seed."""
    latent = view.latent
    return f"{_stem(view.network.path)}, {'near ' if is_between(latent) else ''}seed {latent.seed}"


@lru_cache(64)
def _stem(path: str) -> str:
    return Path(path).stem or "no network"


def differences(view: View, other: View) -> tuple[str, ...]:
    """What a View has that another has not, beside network and seed, as short texts."""
    own: dict[str, str] = {}
    others: dict[str, str] = {}
    # What is equal has equal texts, which need not be written.
    for parts, facts in _FACTS:
        mine, theirs = ([getattr(one, part) for part in parts] for one in (view, other))
        if mine != theirs:
            own |= facts(*mine)
            others |= facts(*theirs)
    for part in view.__dataclass_fields__:
        mine, theirs = getattr(view, part), getattr(other, part)
        if mine is not theirs and mine != theirs:
            own |= _others(view, part)
            others |= _others(other, part)
    return tuple(text for name, text in own.items() if text and text != others.get(name))


def names(comparison: Comparison, views: Sequence[View]) -> tuple[str, ...]:
    """A line for each pane, of what panes show.

    The active one is set against its partner, the others against the active one.
    """
    lines = []
    for index, one in enumerate(views):
        other = views[comparison.partner if index == comparison.active else comparison.active]
        lines.append(", ".join((title(one), *differences(one, other))))
    return tuple(lines)


@lru_cache(64)  # latents stay while cameras move
def _latent_facts(latent: LatentView) -> dict[str, str]:
    """All that makes a picture, as texts by name: here what comes from the latent."""
    return {
        "psi": f"ψ {latent.truncation_psi:.2f}",
        "cutoff": "ψ on all layers"
        if latent.truncation_cutoff is None
        else f"ψ on {latent.truncation_cutoff} layers",
        "space": "between w" if interpolates_w(latent) else "between z" if is_between(latent) else "",
        "directions": _directions(amplitudes(latent)),
        "mixing": _mixing(latent),
        "noise": "stored noise" if latent.noise == "const" else "no noise",
    }


def _camera_facts(pose: PoseView, camera: CameraView) -> dict[str, str]:
    own = {
        "predicted": "predicted pose",
        "override": _angles(pose.override_yaw, pose.override_pitch),
        "free": _angles(camera.yaw, camera.pitch),
    }
    return {
        "pose": own[pose.source],
        "conditioning": f"conditioned on {_angles(pose.conditioning_yaw, pose.conditioning_pitch)}",
        "roll": f"roll {format_degrees(camera.roll)}",
        "radius": "own distance" if camera.radius is None else f"distance {camera.radius:.2f}",
        "fov": "own field of view"
        if camera.fov is None
        else f"field of view {format_degrees(camera.fov, signed=False)}",
        "pan": "centred" if not any(camera.pan) else "moved aside",
    }


def _sampling_facts(sampling: SamplingView) -> dict[str, str]:
    return {
        "resolution": "own resolution" if sampling.resolution is None else f"{sampling.resolution}² rays",
        "samples": "own samples" if sampling.depth_samples is None else f"{sampling.depth_samples} samples",
        "importance": "own importance samples"
        if sampling.importance_samples is None
        else f"{sampling.importance_samples} importance samples",
        "renderer": "fast renderer" if sampling.fast else "plain renderer",
    }


def _display_facts(display: DisplayView) -> dict[str, str]:
    span = display.depth_range
    return {
        "mode": {"rgb": "RGB", "side_by_side": "with depth"}.get(display.mode, display.mode),
        "colours": display.color_map if display.mode in ("depth", "side_by_side") else "",
        "axes": f"{display.normals_space} axes" if display.mode == "normals" else "",
        "range": "fitted depth range" if span is None else f"depth {span[0]:.2f} to {span[1]:.2f}",
    }


_FACTS: tuple[tuple[tuple[str, ...], Callable[..., dict[str, str]]], ...] = (
    (("latent",), _latent_facts),
    (("pose", "camera"), _camera_facts),
    (("sampling",), _sampling_facts),
    (("display",), _display_facts),
)
"""Parts of a View, and what texts follow from them."""

_TOLD = {
    "network": {"path"},
    "latent": {"x", "y", "truncation_psi", "truncation_cutoff", "noise"}
    | {"space", "directions", "mix_seed", "mix_first", "mix_end"},
    "pose": {"source", "override_yaw", "override_pitch", "conditioning_yaw", "conditioning_pitch"},
    "camera": {"yaw", "pitch", "roll", "radius", "fov", "pan"},
    "sampling": {"resolution", "depth_samples", "importance_samples", "renderer"},
    # Comparing shows images, whatever the window shows of one View alone.
    "display": {"mode", "color_map", "depth_range", "normals_space", "geometry", "surface_colors"},
}


@cache
def _untold(part: str, kind: Any) -> tuple[tuple[str, str], ...]:
    """Fields of a part of a View that have no text of their own, and their names in words."""
    if not dataclasses.is_dataclass(kind):
        return ()
    told = _TOLD.get(part, ())
    names = (one.name for one in dataclasses.fields(kind) if one.name not in told)
    return tuple((name, name.replace("_", " ")) for name in names)


def _others(view: View, part: str) -> dict[str, str]:
    """Fields that have no text of their own: the name, and the value where it is short."""
    facts, value = {}, getattr(view, part)
    for key, name in _untold(part, type(value)):  # type: ignore[arg-type]
        inner = getattr(value, key)
        text = f"{inner:.3g}" if isinstance(inner, float) else str(inner)
        if len(text) > _LONGEST_VALUE:
            text = text[: _LONGEST_VALUE - 1] + "…"
        facts[f"{part}.{key}"] = f"{name} {text}"
    return facts


def _directions(moves: tuple[float, ...]) -> str:
    told = [f"direction {i + 1} {value:+.1f} σ" for i, value in enumerate(moves) if value]
    return " ".join(told).replace("-", "−") or "no directions"


def _mixing(latent: LatentView) -> str:
    if latent.mix_seed is None:
        return "not mixed"
    end = "" if latent.mix_end is None else str(latent.mix_end - 1)
    return f"mixed with {latent.mix_seed} from layer {latent.mix_first}" + (f" to {end}" if end else "")


def _angles(yaw: float, pitch: float) -> str:
    return f"yaw {format_degrees(yaw)} pitch {format_degrees(pitch)}"
