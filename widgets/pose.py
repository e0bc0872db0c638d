"""The Pose panel: four named poses, and which of them the picture is taken from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from imgui_bundle import imgui

from pof3d.text import format_degrees
from viz import theme, ui
from viz.frame import Pose
from viz.panel import Actions, PanelContext
from viz.paths import FULL_CIRCLE_STD
from viz.pose_facts import POSE_TITLES, SETTABLE, PoseName
from viz.pose_marks import draw_mark
from viz.posing import shown_pose, with_conditioning, with_pose, with_source
from viz.seed_map import SEED_COUNT
from viz.view import PoseSource, View
from widgets import common

YAW_LIMIT, FULL_YAW = 90.0, 180.0
"""Of the slider, degrees to either side: of networks that have learned fronts, and of those that have learned
all sides."""
PITCH_LIMIT = 60.0
"""Of the slider, degrees up and down."""

SOURCES: tuple[tuple[PoseSource, str, str], ...] = (
    ("predicted", "Predicted", "The pose that the generator itself predicts for this latent."),
    ("override", "Override", "A pose set here, in place of the predicted one."),
    ("free", "Free orbit", "The orbit camera: drag in the picture."),
)
PREDICTED = (
    "The generator's own pose for this latent: a part of it predicts the pose from w, learned from "
    "photographs without pose labels. Truncation ψ has no part in it."
)
SEEN = (
    "The pose that the discriminator reads off the shown picture, without knowing the camera. Near the "
    "camera's: the network understands its own poses."
)
SET = "A pose set by hand, in place of the predicted one: by the sliders, a copy, or another seed."
TAKEN = (
    "Where the shown picture was taken from: the predicted pose, the override, or the orbit camera that "
    "dragging in the picture moves."
)
SEED_HELP = (
    "Look at this content from the pose that G predicts for another seed, which becomes the override: what "
    "is pose and what is content comes apart."
)
TRUNCATION = "Truncation ψ does not move G's pose."
TRUNCATION_HELP = (
    "ψ pulls w towards the mean, for likelier pictures. The pose is predicted from w before that: the "
    "content changes, the camera stays. D's pose may change, as it is read off the picture."
)
CONDITIONING: tuple[PoseSource, str, str] = (
    "predicted",
    "Conditioning",
    "The pose that the content is conditioned on: this network predicts none.",
)
"""In place of the first, for networks without a pose learner."""


class PosePanel:
    """Where the camera's yaw and pitch come from."""

    title = "Pose"

    def __init__(self) -> None:
        self._source: PoseName = "generator"
        self._target: PoseName = "override"
        self._seed = 1

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel and return the View, with pose and camera changed where the user changed them."""
        conditioned = context.is_conditioned
        with common.disabled(context.network is None):
            sources = (CONDITIONING, *SOURCES[1:]) if conditioned else SOURCES
            source = common.segmented("Pose/Source", sources, view.pose.source, labelled=False)
            view = with_source(view, source, context.frame)
            _draw_table(view, context)
            imgui.spacing()
            if conditioned:
                view = _draw_conditioning(view)
            view = _draw_sliders(view, context)
            _draw_reset(view, context, actions)
            self._draw_copy(context, actions)
            if not conditioned:
                self._draw_seed(context, actions)
                common.paragraph(TRUNCATION)
                common.tooltip(TRUNCATION_HELP)
            return view

    def _draw_copy(self, context: PanelContext, actions: Actions) -> None:
        """One line: Copy [which] → [where to]."""
        frame, titles, targets = context.frame, dict(POSE_TITLES), SETTABLE
        if context.is_conditioned:
            titles["generator"] = CONDITIONING[1]
            targets = (*SETTABLE, "generator")
        if self._target not in targets:
            self._target = targets[0]
        source, target = self._source, self._target
        known = frame is not None and (source != "discriminator" or frame.discriminator_pose is not None)
        help_text = f"Set the pose “{titles[target]}” to what “{titles[source]}” is now."
        if target != "generator":
            help_text += " The picture is then taken from there."
        if common.button("Pose/Copy", help_text, enabled=known and source != target):
            actions.copy_pose(source, target)
        arrow = imgui.calc_text_size("→").x
        imgui.same_line()
        width = (imgui.get_content_region_avail().x - arrow - 2 * imgui.get_style().item_spacing.x) / 2
        self._source = _choice(
            "Pose/Copy from", titles, tuple(titles), source, width, "The pose that is copied."
        )
        imgui.same_line()
        imgui.text_disabled("→")
        imgui.same_line()
        self._target = _choice(
            "Pose/Copy to",
            titles,
            targets,
            target,
            width,
            "The pose that is set by it.",
        )

    def _draw_seed(self, context: PanelContext, actions: Actions) -> None:
        """One line: Pose of seed [n] [Apply]."""
        common.row("Pose/Pose of seed", SEED_HELP)
        spacing = imgui.get_style().item_inner_spacing.x
        width = imgui.calc_text_size("Apply").x + 2 * imgui.get_style().frame_padding.x
        imgui.set_next_item_width(imgui.get_content_region_avail().x - width - spacing)
        flags = imgui.InputTextFlags_.chars_decimal | imgui.InputTextFlags_.auto_select_all
        changed, value = imgui.input_double("##Pose/Seed", float(self._seed), 0.0, 0.0, "%.0f", int(flags))
        ui.mark("Pose/Seed")
        common.control_tooltip(SEED_HELP)
        entered = imgui.is_item_deactivated_after_edit() and imgui.is_key_pressed(imgui.Key.enter, False)
        if changed and math.isfinite(value):
            self._seed = min(max(round(value), 0), SEED_COUNT - 1)
        imgui.same_line(0.0, spacing)
        if common.button("Pose/Apply", SEED_HELP) or entered:
            actions.take_pose_of_seed(self._seed)


def _choice(
    name: str,
    titles: Mapping[PoseName, str],
    names: Sequence[PoseName],
    current: PoseName,
    width: float,
    help_text: str,
) -> PoseName:
    """A list of poses to choose from; the new choice."""
    imgui.set_next_item_width(width)
    chosen = current
    if not imgui.begin_combo(f"##{name}", titles[current], int(imgui.ComboFlags_.no_arrow_button)):
        ui.mark(name)
        common.control_tooltip(help_text)
        return chosen
    for one in names:
        if imgui.selectable(titles[one], one == current)[0]:
            chosen = one
        ui.mark(f"{name}: {titles[one]}")
    common.end_combo()
    return chosen


def _named_seed(view: View, context: PanelContext) -> str:
    """Name of the override: with the seed whose pose it is."""
    taken = context.poses.seed
    override = Pose(view.pose.override_yaw, view.pose.override_pitch)
    return f"Override: seed {taken.seed}" if taken is not None and taken.pose == override else "Override"


def _draw_table(view: View, context: PanelContext) -> None:
    frame = context.frame
    generator = frame.generator_pose if frame else None
    discriminator = frame.discriminator_pose if frame else None
    has_branch = context.network is None or context.network.has_pose_prediction
    override = Pose(view.pose.override_yaw, view.pose.override_pitch)
    camera = frame.camera_pose if frame else None
    conditioned = context.is_conditioned
    rows: list[tuple[PoseName, str, Pose | None, bool, str]] = [
        (
            "generator",
            "Conditioning" if conditioned else "G predicts",
            generator,
            view.pose.source == "predicted",
            CONDITIONING[2] if conditioned else PREDICTED,
        ),
        (
            "discriminator",
            "D predicts",
            discriminator,
            False,
            SEEN,
        ),
        ("override", _named_seed(view, context), override, view.pose.source == "override", SET),
        (
            "camera",
            "Camera",
            camera,
            view.pose.source == "free",
            TAKEN,
        ),
    ]
    flags = imgui.TableFlags_.row_bg | imgui.TableFlags_.borders_inner_h | imgui.TableFlags_.no_saved_settings
    if not imgui.begin_table("poses", 3, int(flags)):
        return
    fixed = int(imgui.TableColumnFlags_.width_fixed)
    number = imgui.calc_text_size("+180.0°").x
    imgui.table_setup_column("Pose", int(imgui.TableColumnFlags_.width_stretch))
    imgui.table_setup_column("Yaw", fixed, number)
    imgui.table_setup_column("Pitch", fixed, number)
    imgui.table_next_row()
    for i, heading in enumerate(("", "Yaw", "Pitch")):
        imgui.table_set_column_index(i)
        common.text_right(heading, quiet=True)
        if i == 1:
            common.tooltip("Left and right around the object; 0° is the front.")
        elif i == 2:
            common.tooltip("Up and down; positive looks from below.")
    for key, name, pose, current, help_text in rows:
        imgui.table_next_row()
        imgui.table_next_column()
        _mark(key)
        imgui.text_colored(theme.TEXT if current else theme.TEXT_DIM, name)
        common.tooltip(help_text)
        if key == "discriminator" and not has_branch:
            imgui.table_next_column()
            _across_two("no pose branch")
            continue
        for angle in (pose.yaw, pose.pitch) if pose else (None, None):
            imgui.table_next_column()
            common.text_right("–" if angle is None else format_degrees(angle), quiet=angle is None)
    imgui.end_table()


def _mark(name: PoseName) -> None:
    position = imgui.get_cursor_screen_pos()
    radius = common.em() * 0.26
    centre = (position.x + 1.6 * radius, position.y + imgui.get_text_line_height() / 2)
    draw_mark(imgui.get_window_draw_list(), name, centre, 1.1 * radius)
    imgui.dummy((3.2 * radius, imgui.get_text_line_height()))
    imgui.same_line()


def _across_two(text: str) -> None:
    """Write over this table cell and the next, at their right end."""
    corner, size = imgui.get_cursor_screen_pos(), imgui.calc_text_size(text)
    right = corner.x + 2 * imgui.get_content_region_avail().x + 2 * imgui.get_style().cell_padding.x
    lines = imgui.get_window_draw_list()
    lines.push_clip_rect((corner.x, corner.y), (right, corner.y + size.y), False)
    lines.add_text((right - size.x, corner.y), common.style_color(imgui.Col_.text_disabled), text)
    lines.pop_clip_rect()
    imgui.dummy((1.0, size.y))


def _draw_conditioning(view: View) -> View:
    common.section("No pose learner: conditioned on")
    given = Pose(view.pose.conditioning_yaw, view.pose.conditioning_pitch)
    moved = _angles("Pose/Given yaw", "Pose/Given pitch", given, "that the content is conditioned on", 0.0)
    common.section("Camera")
    return view if moved is None else with_conditioning(view, moved)


def _draw_sliders(view: View, context: PanelContext) -> View:
    pose = shown_pose(view, context.frame)
    own = view.pose.source == "predicted"
    if own:
        imgui.push_style_color(imgui.Col_.text, imgui.get_style_color_vec4(imgui.Col_.text_disabled))
    whose = "of the orbit camera" if view.pose.source == "free" else "of the override"
    more = " The value is the network's; moving it makes an override." if own else ""
    with common.awaiting(pose is None):
        moved = _angles(
            "Pose/Yaw", "Pose/Pitch", pose or Pose(0.0, 0.0), whose, more=more, yaw_limit=_yaw_limit(context)
        )
    if own:
        imgui.pop_style_color()
    return view if moved is None else with_pose(view, moved)


def _yaw_limit(context: PanelContext) -> float:
    learned = context.histogram
    return FULL_YAW if learned is not None and learned.std.yaw >= FULL_CIRCLE_STD else YAW_LIMIT


def _angles(
    yaw_name: str,
    pitch_name: str,
    pose: Pose,
    whose: str,
    default: float | None = None,
    *,
    more: str = "",
    yaw_limit: float = YAW_LIMIT,
) -> Pose | None:
    """Sliders of a pose; where one was moved, the new pose."""
    yaw_changed, yaw = common.slider(
        yaw_name,
        math.degrees(pose.yaw),
        -yaw_limit,
        yaw_limit,
        "%.1f°",
        f"Yaw {whose}; 0° is the front.{more}",
        default=default,
    )
    pitch_changed, pitch = common.slider(
        pitch_name,
        math.degrees(pose.pitch),
        -PITCH_LIMIT,
        PITCH_LIMIT,
        "%.1f°",
        f"Pitch {whose}; positive looks from below.{more}",
        default=default,
    )
    if not (yaw_changed or pitch_changed):
        return None
    return Pose(
        math.radians(yaw) if yaw_changed else pose.yaw,
        math.radians(pitch) if pitch_changed else pose.pitch,
    )


def _draw_reset(view: View, context: PanelContext, actions: Actions) -> None:
    conditioned = context.is_conditioned
    own = "the pose that the content is conditioned on" if conditioned else "the generator's own pose"
    if common.button(
        "Pose/Reset to conditioning" if conditioned else "Pose/Reset to predicted",
        f"Take the picture from {own} again (double click in the picture).",
        width=imgui.get_content_region_avail().x,
        enabled=view.pose.source != "predicted",
    ):
        actions.reset_to_predicted()
