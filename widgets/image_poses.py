"""The images' part of the Pose histogram: D's poses of the images of a folder, against G's learned ones."""

from __future__ import annotations

import math

from imgui_bundle import imgui

from pof3d.data.layout import IMAGE_SUFFIXES
from pof3d.text import elide_middle, format_degrees, format_duration
from viz import theme, ui
from viz.file_browser import FileBrowser
from viz.panel import Actions, PanelContext
from viz.pose_facts import AngleComparison, ImagePoses, PosesState
from viz.pose_marks import draw_legend, ink
from viz.view import View
from widgets import common

PLOT_EM = 4.6
"""Height of a histogram, font heights."""
INTRODUCTION = (
    "What poses does D read off real images, and do they come from where G has learned to look? Choose a "
    "folder or .zip of images like those that the network was trained on."
)


class ImagePosesView:
    """Chooses images, and shows two distributions of yaw and of pitch on each other, with their distance."""

    title = "Images"

    def __init__(self) -> None:
        self.browser = FileBrowser(
            (".zip", *IMAGE_SUFFIXES), title="Choose a folder of images", folder_button="Use this folder"
        )
        self._asked = 0

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is."""
        state, network = context.poses, context.network
        able = network is not None and network.has_pose_prediction
        asked, self._asked = state.folder_asked > self._asked, state.folder_asked
        running = state.job is not None and state.job.status == "running"
        if not able:
            common.paragraph("This network's discriminator predicts no poses: there is nothing to compare.")
            return view
        if running:
            _draw_progress(state, actions)
        elif self._draw_choice(state, actions) or asked:
            self.browser.open(state.source or context.last_folder)
        chosen = self.browser.draw(context.favourites, actions.set_favourite)
        if chosen is not None:
            actions.compare_image_poses(chosen)
        if state.error is not None:
            common.paragraph(str(state.error), theme.BAD)
            ui.mark("Pose histogram/Error")
        elif state.images is not None:
            _draw_result(state.images)
        elif not running:
            common.paragraph(INTRODUCTION)
        return view

    def _draw_choice(self, state: PosesState, actions: Actions) -> bool:
        """The button that asks for a folder, and after that one that looks again; whether to ask."""
        source = state.source
        width = common.buttons_width(1 if source is None else 2)
        asked = common.button(
            "Pose histogram/Choose images…",
            "A folder, with its sub-folders, or a .zip of images. D reads the pose off each of them; nothing "
            "is written.",
            width=width,
        )
        if source is not None:
            imgui.same_line()
            if common.button("Pose histogram/Look again", f"Read {source.name or source} anew.", width=width):
                actions.compare_image_poses(source)
        return asked


def _draw_progress(state: PosesState, actions: Actions) -> None:
    assert state.job is not None
    width = imgui.calc_text_size("Cancel").x + 2 * imgui.get_style().frame_padding.x
    room = imgui.get_content_region_avail().x - width - imgui.get_style().item_spacing.x
    left = state.job.seconds_left
    text = state.job.note + (f", {format_duration(left)} left" if left is not None and left >= 1.0 else "")
    if imgui.calc_text_size(text).x > room:
        text = state.job.note
    common.progress("Pose histogram/Images progress", state.job.fraction, text, width=room)
    imgui.same_line()
    if common.button("Pose histogram/Cancel", "Stop reading; what has been read stays."):
        actions.cancel_image_poses()


def _draw_result(found: ImagePoses) -> None:
    room = imgui.get_content_region_avail().x
    name = found.source.name or str(found.source)
    imgui.text_unformatted(elide_middle(name, room, lambda text: float(imgui.calc_text_size(text).x)))
    common.tooltip(str(found.source))
    spread = "Of a large set some are looked at, evenly spread over its names. " * (
        found.wanted < found.found
    )
    help_text = f"Poses that D reads off these images. {spread}{found.skipped_note}"
    draw_legend(
        [
            ("generator", "G", "Poses that G predicts for random latents."),
            ("discriminator", f"D: {counts_text(found)}", help_text),
        ],
        common.em(),
    )
    ui.mark("Pose histogram/Images")
    for label, angle in (("yaw", found.yaw), ("pitch", found.pitch)):
        _draw_histograms(label, angle)
    _draw_table(found)


def counts_text(found: ImagePoses) -> str:
    """How many images: "950 images, 3 skipped", or "2,000 of 10,000 images"."""
    if not found.complete:
        text = f"{found.images:,} of {found.wanted:,} images"
    elif found.wanted < found.found:
        text = f"{found.images:,} of {found.found:,} images"
    else:
        text = f"{found.images:,} image{'s' * (found.images != 1)}"
    return text + (f", {found.skipped:,} skipped" if found.skipped else "")


def _draw_histograms(label: str, angle: AngleComparison) -> None:
    """G's shares filled, D's as an outline over them."""
    em = common.em()
    corner = imgui.get_cursor_screen_pos()
    width, height = imgui.get_content_region_avail().x, PLOT_EM * em
    bottom = corner.y + height
    imgui.dummy((width, height))
    ui.mark(f"Pose histogram/Images {label}")
    lines = imgui.get_window_draw_list()
    lines.add_rect_filled((corner.x, corner.y), (corner.x + width, bottom), ink(theme.PANEL_LOW), 0.25 * em)
    peak = max(float(angle.generated.max()), float(angle.seen.max()), 1e-9)
    count = len(angle.generated)
    step, reach = width / count, height - 1.3 * em
    fill = ink(theme.POSE_COLOURS["generator"], 0.5)
    outline: list[imgui.ImVec2Like] = []
    for i in range(count):
        x0, x1 = corner.x + i * step, corner.x + (i + 1) * step
        bar = reach * float(angle.generated[i]) / peak
        if bar >= 0.5:
            lines.add_rect_filled((x0, bottom - bar), (max(x0 + 1.0, x1 - 1.0), bottom), fill)
        y = bottom - reach * float(angle.seen[i]) / peak
        outline += [(x0, y), (x1, y)]
    thick = max(1.0, 0.1 * em)
    lines.add_polyline(outline, ink(theme.POSE_COLOURS["discriminator"]), thick, 0)
    quiet = common.style_color(imgui.Col_.text_disabled)
    top = corner.y + 0.1 * em
    lines.add_text((corner.x + 0.4 * em, top), quiet, label)
    text = f"JS distance {angle.distance:.2f}, aligned {angle.aligned:.2f}"
    size = imgui.calc_text_size(text)
    lines.add_text((corner.x + width - size.x - 0.4 * em, top), common.style_color(imgui.Col_.text), text)
    _draw_ticks(angle, (corner.x, bottom), width)


def _draw_ticks(angle: AngleComparison, left_bottom: tuple[float, float], width: float) -> None:
    """The angles at both ends and in the middle, below."""
    lines, em = imgui.get_window_draw_list(), common.em()
    quiet = common.style_color(imgui.Col_.text_disabled)
    x, y = left_bottom
    end = math.degrees(float(angle.edges[-1]))
    for share, degrees in ((0.0, -end), (0.25, -end / 2), (0.5, 0.0), (0.75, end / 2), (1.0, end)):
        text = f"{degrees:.0f}°".replace("-", "−")
        size = imgui.calc_text_size(text)
        place = min(max(x + share * width - size.x / 2, x), x + width - size.x)
        lines.add_text((place, y + 0.1 * em), quiet, text)
    imgui.dummy((1.0, 1.0 * em))


def _draw_table(found: ImagePoses) -> None:
    angles = (found.yaw, found.pitch)
    rows = (
        (
            "JS distance",
            [f"{angle.distance:.3f}" for angle in angles],
            "Jensen–Shannon distance of the two distributions: 0 = the same, 1 = nothing in common.",
        ),
        (
            "aligned",
            [f"{angle.aligned:.3f}" for angle in angles],
            "The same after one constant offset was removed: without labelled poses nothing says where "
            "“front” is. The fairer figure.",
        ),
        ("offset", [format_degrees(angle.offset) for angle in angles], "That offset: G's poses less D's."),
        (
            "by chance",
            [f"{angle.chance:.3f}" for angle in angles],
            "What as few samples of one and the same distribution are apart. More images make it smaller.",
        ),
    )
    flags = imgui.TableFlags_.row_bg | imgui.TableFlags_.borders_inner_h | imgui.TableFlags_.no_saved_settings
    if not imgui.begin_table("distances", 3, int(flags)):
        return
    number = imgui.calc_text_size("+180.0°").x
    imgui.table_setup_column("what", int(imgui.TableColumnFlags_.width_stretch))
    for name in ("yaw", "pitch"):
        imgui.table_setup_column(name, int(imgui.TableColumnFlags_.width_fixed), number)
    imgui.table_next_row()
    for i, heading in enumerate(("", "yaw", "pitch")):
        imgui.table_set_column_index(i)
        common.text_right(heading, quiet=True)
    for name, values, help_text in rows:
        imgui.table_next_row()
        imgui.table_next_column()
        imgui.text_unformatted(name)
        common.tooltip(help_text)
        for value in values:
            imgui.table_next_column()
            common.text_right(value)
    imgui.end_table()
