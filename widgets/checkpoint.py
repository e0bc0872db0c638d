"""The Checkpoint panel: which network is open, opening another, and what is inside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imgui_bundle import imgui

from pof3d.checkpoint.sniff import SUFFIXES
from pof3d.config import fov_from_focal
from viz import theme, ui
from viz.file_browser import FileBrowser
from viz.folders import FileWatch
from viz.panel import Actions, LoadingState, NetworkInfo, PanelContext
from viz.text import elide_middle, format_bytes, format_count, format_degrees, format_duration
from viz.view import View
from widgets import common

GROUP_LABEL_EM = 11.0
"""Label column of nested provenance, whose names are long; font heights."""
SUPERRES = {"none": "none", "2x": "2×", "4x": "4×", "8x": "8×"}


def architecture_facts(info: NetworkInfo) -> list[tuple[str, str, str]]:
    """What the network is: rows of (what, value, help)."""
    generator = info.config.generator
    camera, render = generator.camera, generator.render
    samples = f"{render.depth_samples}"
    if render.importance_samples:
        samples += f" + {render.importance_samples} importance"
    release = "EG3D" if info.is_conditioned else "PoF3D"
    kinds = {"native": "native (safetensors)", "release": f"{release} release (pickle)"}
    planes = f"3 × {generator.plane_channels} channels, {generator.plane_resolution}²"
    rows = [
        (
            "Kind",
            kinds.get(info.kind, info.kind),
            "Release pickles are read as data: nothing in them is run.",
        ),
        ("Preset", info.config.name, ""),
        ("Output", f"{generator.image_resolution}²", "Side of the final image, pixels."),
        ("Raw", f"{render.resolution}²", "Side of the volume-rendered image, pixels."),
        ("Super-res.", SUPERRES[generator.superres.kind], "What enlarges the raw image to the output."),
        (
            "Tri-planes",
            planes,
            "Three feature planes hold the object; a point looks its features up in each.",
        ),
        ("Parameters", format_count(info.parameters), "Of the generator."),
        ("File", format_bytes(info.size_bytes), ""),
        ("z, w", f"{generator.z_dim}, {generator.w_dim}", "Dimensions of the latents."),
        ("Radius", f"{camera.radius:g}", "Distance of the cameras from the origin, world units."),
        ("Field of view", f"{fov_from_focal(camera.focal):.1f}°", "Across the image's diagonal."),
        ("Pivot", ", ".join(f"{p:g}" for p in camera.pivot), "The point that all cameras look at."),
        ("Samples", samples, "Along each ray."),
        ("Depths", f"{render.ray_start:g} – {render.ray_end:g}", "Where rays are sampled, world units."),
        (
            "D's pose",
            "yes" if info.has_pose_prediction else "no",
            "Whether the discriminator predicts poses.",
        ),
    ]
    return rows


def provenance_facts(
    provenance: Mapping[str, Any],
) -> tuple[list[tuple[str, str, str]], dict[str, list[tuple[str, str, str]]]]:
    """Where the network comes from.

    Returns
    -------
    rows : list of (what, value, help)
        The plain entries, those that people ask for first.
    groups : dict
        Nested entries, such as the recipe of the training, under their names.
    """
    rest = {key: value for key, value in provenance.items() if key != "preset"}  # shown above
    rows: list[tuple[str, str, str]] = []
    dataset, count = rest.pop("dataset", None), rest.pop("dataset_images", None)
    if dataset is not None:
        images = f" ({_plain('images', count)} images)" if isinstance(count, int) else ""
        rows.append(("Data set", f"{dataset}{images}", ""))
    if isinstance(rest.get("images_seen"), int):
        seen = rest.pop("images_seen")
        rows.append(("Images seen", f"{seen:,}", "Real images shown to the discriminator in training."))
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
    for key, value in rest.items():
        if isinstance(value, Mapping):
            groups[_title(key)] = list(_flat(value))
        else:
            rows.append((_title(key), _plain(key, value), ""))
    return rows, groups


def _title(key: Any) -> str:
    return str(key).replace("_", " ").capitalize()


def _flat(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}: ")
        else:
            yield name, _plain(key, value), ""


def _plain(key: Any, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return ", ".join(_plain(key, item) for item in value)
    text = str(value)
    return text[:10] if "commit" in str(key) and len(text) >= 40 else text


def loading_text(loading: LoadingState) -> str:
    """What the progress bar says."""
    return f"{loading.stage}  {loading.fraction:.0%}" if loading.stage else f"{loading.fraction:.0%}"


class CheckpointPanel:
    """The open file, recents, bundled checkpoints, and the network's facts."""

    title = "Checkpoint"

    def __init__(self) -> None:
        self.browser = FileBrowser(SUFFIXES)
        self._files = FileWatch()

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is: opening goes through the actions."""
        _draw_current(context)
        if context.loading is not None:
            _draw_loading(context.loading, actions)
        if common.button(
            "Checkpoint/Browse…",
            "Choose a checkpoint file: *.safetensors, or the *.pkl\N{NO-BREAK SPACE}file of a release; "
            "or the folder of a training run, to follow it.",
            width=imgui.get_content_region_avail().x,
        ):
            self.browser.open(context.last_folder)
        chosen = self.browser.draw()
        if chosen is not None:
            actions.open_checkpoint(chosen)
        common.paragraph("or drop a file, or a run's folder, on the window")
        self._draw_lists(context, actions)
        if context.network is not None:
            _draw_inside(context.network)
        return view

    def _draw_lists(self, context: PanelContext, actions: Actions) -> None:
        current = context.network.path if context.network else None
        if context.run is not None and current is not None and current.parent == context.run.folder:
            current = context.run.folder
        self._files.look([*context.bundled, *context.recents])
        if context.bundled:
            common.section("Bundled")
            for path in context.bundled:
                self._draw_file(path, current, actions, removable=False)
        recents = [path for path in context.recents if path not in set(context.bundled)]
        if recents:
            common.section("Recent")
            for path in recents:
                self._draw_file(path, current, actions, removable=True)

    def _draw_file(self, path: Path, current: Path | None, actions: Actions, *, removable: bool) -> None:
        exists = self._files.exists(path)
        style = imgui.get_style()
        room = imgui.get_content_region_avail().x
        side = imgui.get_frame_height()
        imgui.push_style_var(imgui.StyleVar_.item_spacing, (style.item_spacing.x, 2.0))
        width = room - side - style.item_inner_spacing.x if removable else room
        imgui.push_id(str(path))
        with common.disabled(not exists):
            is_file = path.suffix.lower() in SUFFIXES
            text = elide_middle(path.name if is_file else f"{path.name}/", width, _measure)
            size = (width, side)
            imgui.push_style_var(imgui.StyleVar_.selectable_text_align, (0.0, 0.5))
            if imgui.selectable(text, path == current, 0, size)[0] and path != current:
                actions.open_checkpoint(path)
            imgui.pop_style_var()
            ui.mark(f"Checkpoint/{path.name}")
            gone = "This file is gone." if is_file else "This folder is gone."
            common.tooltip(str(path) if exists else f"{path}\n{gone}")
        if removable:
            imgui.same_line(0.0, imgui.get_style().item_inner_spacing.x)
            help_text = "Remove from this list; the file stays."
            if common.icon_button(f"Checkpoint/Forget {path.name}", "close", help_text, quiet=True):
                actions.forget_recent(path)
        imgui.pop_id()
        imgui.pop_style_var()


def _measure(text: str) -> float:
    return float(imgui.calc_text_size(text).x)


def _draw_current(context: PanelContext) -> None:
    info = context.network
    if info is None:
        imgui.text_unformatted("No checkpoint is open" if context.loading is None else "Opening …")
        if context.error is not None and context.loading is None:
            common.paragraph(str(context.error), theme.BAD)
        return
    room = imgui.get_content_region_avail().x
    imgui.push_font(theme.fonts.bold, 0.0)
    imgui.text_unformatted(elide_middle(info.path.name, room, _measure))
    imgui.pop_font()
    common.tooltip(str(info.path))
    imgui.text_disabled(elide_middle(str(info.path.parent), room, _measure))
    ui.mark("Checkpoint/Path")
    common.tooltip(str(info.path))


def _draw_loading(loading: LoadingState, actions: Actions) -> None:
    imgui.text_disabled(elide_middle(loading.path.name, imgui.get_content_region_avail().x, _measure))
    common.tooltip(str(loading.path))
    width = _measure("Cancel") + 2 * imgui.get_style().frame_padding.x
    room = imgui.get_content_region_avail().x - width - imgui.get_style().item_spacing.x
    common.progress("Checkpoint/Progress", loading.fraction, loading_text(loading), width=room)
    imgui.same_line()
    if common.button("Checkpoint/Cancel", "Stop loading; the present network stays."):
        actions.cancel_loading()


def _draw_inside(info: NetworkInfo) -> None:
    imgui.spacing()
    if not _foldable("What is inside", opened=True):
        return
    common.facts("architecture", architecture_facts(info))
    rows, groups = provenance_facts(info.provenance)
    if rows or groups:
        common.section("Provenance")
    if rows:
        common.facts("provenance", rows)
    for title, inner in groups.items():
        if _foldable(title, opened=False):
            common.facts(title, inner, label_em=GROUP_LABEL_EM)


def _foldable(title: str, *, opened: bool) -> bool:
    flags = imgui.TreeNodeFlags_.span_avail_width | imgui.TreeNodeFlags_.no_tree_push_on_open
    if opened:
        flags |= imgui.TreeNodeFlags_.default_open
    result = imgui.tree_node_ex(f"{title}##foldable", int(flags))
    ui.mark(f"Checkpoint/{title}")
    return bool(result)
