"""Views and recordings as command lines: what gives the same picture or video without a window.

What has no option of its own, or loses its last digit in degrees, travels in ``--view`` as JSON.
"""

from __future__ import annotations

import contextlib
import math
import shlex
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import msgspec

from pof3d.errors import ConfigError
from pof3d.mesh_settings import MeshSettings
from viz.options import Record, Render, build_view, posed
from viz.panel import RecordingRequest
from viz.seed_map import point_of_seed
from viz.view import SCHEMA_VERSION, PoseView, View, view_from_json, view_to_json

PROGRAM = ("python", "visualizer.py")
_MOST_DIGITS = 17

Options = dict[str, Any]
"""Values by the names of the fields of :class:`viz.options.Render` or :class:`viz.options.Record`."""


def render_command(view: View, out: str) -> str:
    """The command line that renders a View to a PNG: the program makes an equal View of it."""

    def understood(options: Options, base: View | None) -> View:
        given = Render(Path(view.network.path), Path(out), **options)
        return posed(build_view(given, base), given, lambda _: (math.nan, math.nan))

    options = _picture_options(view) | _pose_options(view)
    return _command("render", view, options, {"out": out}, understood)


def record_command(view: View, request: RecordingRequest, out: str) -> str:
    """The command line that makes a recording, for a path that leads the camera.

    The program makes an equal request of it, and an equal View but for the pose, which the path gives.
    """
    pose = PoseView(
        conditioning_yaw=view.pose.conditioning_yaw, conditioning_pitch=view.pose.conditioning_pitch
    )
    view = replace(view, pose=pose, camera=replace(view.camera, yaw=0.0, pitch=0.0))

    def understood(options: Options, base: View | None) -> View:
        return build_view(Record(Path(view.network.path), Path(out), **options), base)

    rest = _request_options(request) | {"out": out}
    return _command("record", view, _picture_options(view), rest, understood)


def mesh_command(view: View, settings: MeshSettings, out: str) -> str:
    """The command line that makes the surface of a View's object; its camera does not count."""
    pose = PoseView(
        conditioning_yaw=view.pose.conditioning_yaw, conditioning_pitch=view.pose.conditioning_pitch
    )
    view = View(view.network, view.latent, pose)

    def understood(options: Options, base: View | None) -> View:
        return build_view(Render(Path(view.network.path), Path(out), **options), base)

    rest: Options = {
        "resolution": settings.resolution,
        "level": settings.level,
        "all_parts": not settings.largest_only,
        "faces": settings.faces,
        "out": out,
    }
    given = {name: value for name, value in rest.items() if value is not None and value is not False}
    return _command("mesh", view, _picture_options(view), given, understood)


# ------------------------------------------------------------------------------------------------- options
def _picture_options(view: View) -> Options:
    latent, camera, sampling, display = view.latent, view.camera, view.sampling, view.display
    options: Options = {}
    if (latent.x, latent.y) == point_of_seed(latent.seed):
        options["seed"] = latent.seed
    else:
        options["at"] = (latent.x, latent.y)
    own = View()
    candidates: Options = {
        "psi": (latent.truncation_psi, own.latent.truncation_psi),
        "cutoff": (latent.truncation_cutoff, None),
        "noise": (latent.noise, own.latent.noise),
        "directions": (latent.directions, own.latent.directions),
        "mix_seed": (latent.mix_seed, None),
        "radius": (camera.radius, None),
        "pan": (camera.pan, own.camera.pan),
        "mode": (display.mode, own.display.mode),
        "colors": (display.color_map, own.display.color_map),
        "depth_range": (display.depth_range, None),
        "resolution": (sampling.resolution, None),
        "samples": (sampling.depth_samples, None),
        "importance": (sampling.importance_samples, None),
        "renderer": (sampling.renderer, own.sampling.renderer),
    }
    options |= {name: value for name, (value, usual) in candidates.items() if value != usual}
    if latent.mix_end is not None and latent.mix_seed is not None:
        options["mix_layers"] = (latent.mix_first, latent.mix_end - 1)
    conditioning = _degrees(view.pose.conditioning_yaw), _degrees(view.pose.conditioning_pitch)
    if conditioning != (0.0, 0.0) and None not in conditioning:
        options["conditioning"] = conditioning
    for name, angle in (("roll", camera.roll or None), ("fov", camera.fov)):
        degrees = _degrees(angle) if angle is not None else None
        if degrees is not None:
            options[name] = degrees
    return options


def _pose_options(view: View) -> Options:
    pose, camera = view.pose, view.camera
    if pose.source == "predicted":
        return {}
    free = pose.source == "free"
    angles = (camera.yaw, camera.pitch) if free else (pose.override_yaw, pose.override_pitch)
    yaw, pitch = map(_degrees, angles)
    if yaw is None or pitch is None:
        return {}
    return {"orbit": (yaw, pitch)} if free else {"yaw": yaw, "pitch": pitch}


def _request_options(request: RecordingRequest) -> Options:
    usual = RecordingRequest()
    options: Options = {
        name: getattr(request, name)
        for name in ("path", "frames", "fps", "size", "contents", "canvas")
        if getattr(request, name) != getattr(usual, name)
    }
    if request.amplitude is not None:
        options["amplitude"] = math.degrees(request.amplitude)
    flags = {"full": request.full_turn, "poses": request.with_poses, "histogram": request.with_histogram}
    return options | {name: True for name, wanted in flags.items() if wanted}


def _degrees(radians: float) -> float | None:
    """The shortest number of degrees that becomes exactly this angle; None: there is none."""
    exact = math.degrees(radians)
    for digits in range(1, _MOST_DIGITS + 1):
        rounded = float(f"{exact:.{digits}g}")
        if math.radians(rounded) == radians:
            return rounded
    near = (math.nextafter(exact, end) for end in (-math.inf, math.inf))
    return next((one for one in near if math.radians(one) == radians), None)


# ------------------------------------------------------------------------------------------------ the text
def _command(
    kind: str,
    view: View,
    options: Options,
    rest: Options,
    understood: Callable[[Options, View | None], View],
) -> str:
    """The shortest of three texts that says everything."""
    given: Options = {"view": view_to_json(view)}
    # Options are refused where a View is not, such as pitches that nobody should ask for.
    with contextlib.suppress(ConfigError):
        difference = _difference(understood(options, None), view)
        part = msgspec.json.encode({"schema_version": SCHEMA_VERSION, "view": difference}).decode()
        if not difference:
            given = options
        elif replace(understood(options, view_from_json(part)), network=view.network) == view:
            given = {"view": part, **options}
    words = [*PROGRAM, kind, view.network.path]
    for name, value in (given | rest).items():
        words += [f"--{name.replace('_', '-')}", *_words(value)]
    return shlex.join(words)


def _difference(one: Any, other: Any) -> Options:
    """Fields of the second of two like dataclasses that the first has otherwise; the network is no option."""
    result: Options = {}
    for field in fields(other):
        before, after = getattr(one, field.name), getattr(other, field.name)
        if before == after or (isinstance(other, View) and field.name == "network"):
            continue
        result[field.name] = _difference(before, after) if isinstance(other, View) else after
    return result


def _words(value: object) -> list[str]:
    if value is True:
        return []
    if isinstance(value, tuple):
        return [word for one in value for word in _words(one)]
    if isinstance(value, float):
        short = f"{value:g}"
        return [short if float(short) == value else repr(value)]
    return [str(value)]


def default_name(stem: str, request: RecordingRequest | None = None) -> str:
    """The file that a command writes, in the folder where it is called."""
    if request is None:
        return f"{stem}.png"
    return stem if request.format == "png" else f"{stem}.{request.format}"
