"""The Pose panel: four named poses, and which of them the picture is taken from."""

from __future__ import annotations

import math

from imgui_bundle import imgui

from pof3d.text import format_degrees
from viz import theme
from viz.frame import Pose
from viz.panel import Actions, PanelContext
from viz.pose_marks import draw_pose_mark
from viz.posing import shown_pose, with_conditioning, with_override, with_pose, with_source
from viz.view import PoseSource, View
from widgets import common

YAW_LIMIT = 90.0
"""Of the slider, degrees to either side."""
PITCH_LIMIT = 60.0
"""Of the slider, degrees up and down."""

SOURCES: tuple[tuple[PoseSource, str, str], ...] = (
    ("predicted", "Predicted", "The pose that the generator itself predicts for this latent."),
    ("override", "Override", "A pose set here, in place of the predicted one."),
    ("free", "Free orbit", "The orbit camera: drag in the picture."),
)
PREDICTED = "The generator's own pose for this latent, from its pose learner. Learned without pose labels."
CONDITIONING: tuple[PoseSource, str, str] = (
    "predicted",
    "Conditioning",
    "The pose that the content is conditioned on: this network predicts none.",
)
"""In place of the first, for networks without a pose learner."""


class PosePanel:
    """Where the camera's yaw and pitch come from."""

    title = "Pose"

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel and return the View, with pose and camera changed where the user changed them."""
        conditioned = context.is_conditioned
        with common.disabled(context.network is None):
            sources = (CONDITIONING, *SOURCES[1:]) if conditioned else SOURCES
            source = common.segmented("Pose/Source", sources, view.pose.source, labelled=False)
            view = with_source(view, source, context.frame)
            imgui.spacing()
            _draw_table(view, context)
            imgui.spacing()
            if conditioned:
                view = _draw_conditioning(view)
            view = _draw_sliders(view, context)
            return _draw_buttons(view, context, actions)


def _draw_table(view: View, context: PanelContext) -> None:
    frame = context.frame
    generator = frame.generator_pose if frame else None
    discriminator = frame.discriminator_pose if frame else None
    has_branch = context.network is None or context.network.has_pose_prediction
    override = Pose(view.pose.override_yaw, view.pose.override_pitch)
    camera = frame.camera_pose if frame else None
    conditioned = context.is_conditioned
    rows: list[tuple[str, str, Pose | None, bool, str]] = [
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
            "The pose that the discriminator reads off the shown picture. Near the camera's: the network "
            "understands its own poses.",
        ),
        ("override", "Override", override, view.pose.source == "override", "The pose set below."),
        (
            "camera",
            "Camera",
            camera,
            view.pose.source == "free",
            "Where the shown picture was taken from.",
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


def _mark(name: str) -> None:
    position = imgui.get_cursor_screen_pos()
    radius = common.em() * 0.26
    centre = (position.x + 1.6 * radius, position.y + imgui.get_text_line_height() / 2)
    draw_pose_mark(imgui.get_window_draw_list(), name, centre, 1.1 * radius)
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
        moved = _angles("Pose/Yaw", "Pose/Pitch", pose or Pose(0.0, 0.0), whose, more=more)
    if own:
        imgui.pop_style_color()
    return view if moved is None else with_pose(view, moved)


def _angles(
    yaw_name: str, pitch_name: str, pose: Pose, whose: str, default: float | None = None, *, more: str = ""
) -> Pose | None:
    """Sliders of a pose; where one was moved, the new pose."""
    yaw_changed, yaw = common.slider(
        yaw_name,
        math.degrees(pose.yaw),
        -YAW_LIMIT,
        YAW_LIMIT,
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


def _draw_buttons(view: View, context: PanelContext, actions: Actions) -> View:
    frame = context.frame
    imgui.spacing()
    conditioned = context.is_conditioned
    own = "the pose that the content is conditioned on" if conditioned else "the generator's own pose"
    if common.button(
        "Pose/Reset to conditioning" if conditioned else "Pose/Reset to predicted",
        f"Take the picture from {own} again (double click in the picture).",
        width=imgui.get_content_region_avail().x,
        enabled=view.pose.source != "predicted",
    ):
        actions.reset_to_predicted()
    if conditioned:
        if common.button(
            "Pose/Copy camera → conditioning",
            "Condition the content on the pose that it is seen from.",
            width=imgui.get_content_region_avail().x,
            enabled=frame is not None,
        ):
            assert frame is not None
            view = with_conditioning(view, frame.camera_pose)
        return view
    width = common.buttons_width(2)
    if common.button(
        "Pose/Copy G → override",
        "Start an override from the generator's pose.",
        width=width,
        enabled=frame is not None,
    ):
        assert frame is not None
        view = with_override(view, frame.generator_pose)
    imgui.same_line()
    seen = frame.discriminator_pose if frame else None
    if common.button(
        "Pose/Copy D → override",
        "Take the picture from where the discriminator thinks it was taken.",
        width=width,
        enabled=seen is not None,
    ):
        assert seen is not None
        view = with_override(view, seen)
    return view
