"""The Pose histogram: the generator's learned distribution of yaw and pitch, and the named poses on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from imgui_bundle import imgui, implot
from numpy.typing import NDArray

from pof3d.text import format_degrees
from viz import theme, ui
from viz.count_picture import Place, paint
from viz.frame import Pose
from viz.panel import Actions, Panel, PanelContext, PoseHistogram
from viz.pose_facts import PoseName, PosesShown
from viz.pose_marks import SHORT, draw_legend, draw_mark, known_poses
from viz.pose_trail import PoseTrail
from viz.view import PITCH_LIMIT, View
from widgets import common

if TYPE_CHECKING:
    from viz.window.textures import Texture  # the window chooses the OpenGL that it needs

_TRAIL_SECONDS = 1 / 30
"""Between two pictures of a fading trail."""
MARGINAL_EM = 2.4
"""Height of the marginals, font heights."""
PLOT_EM = (10.0, 15.0)
"""Least and greatest height of the heat map, font heights."""

SHOWN: tuple[tuple[PosesShown, str, str], ...] = (
    ("map", "Map", "How often G predicts which pose, and where the four named poses are in that."),
    ("sphere", "Sphere", "The same around the subject: the named poses as cameras that look at it."),
    ("images", "Images", "The poses that D reads off images of yours, against those that G has learned."),
)
LEGEND: dict[PoseName, str] = {
    "generator": "What the generator predicts for this latent.",
    "discriminator": "What the discriminator reads off the shown picture.",
    "override": "The pose set by hand in the Pose panel.",
    "camera": "Where the shown picture was taken from.",
}


def heat(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Brightness of the bins as the plot wants it: [pitch bins from the top, yaw bins], 0…1.

    The square root of the share of the fullest bin: rare poses stay visible.
    """
    peak = max(1, int(counts.max(initial=0)))
    return np.ascontiguousarray(np.sqrt(counts.T[::-1] / peak))


def marginals(counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of the yaw bins and of the pitch bins, each relative to its fullest bin."""
    result = []
    for axis in (1, 0):
        sums = counts.sum(axis=axis).astype(np.float64)
        result.append(sums / max(1.0, float(sums.max(initial=0.0))))
    return result[0], result[1]


def degree_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Round degrees between two angles (radians), 0 among them if it lies between, at most so many."""
    low, high = math.degrees(low), math.degrees(high)
    for step in (5, 10, 15, 30, 45, 60, 90, 180):
        ticks = [step * i for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
        if len(ticks) <= most:
            return [float(tick) for tick in ticks]
    return [0.0]


def pose_of_degrees(yaw: float, pitch: float) -> Pose:
    """The pose of a point of the plot, within what a camera can do."""
    pitch = min(max(math.radians(pitch), -PITCH_LIMIT), PITCH_LIMIT)
    return Pose(math.radians(yaw), pitch)


def share_at(histogram: PoseHistogram, pose: Pose) -> float:
    """Share of the samples in the bin of a pose; 0 outside."""
    column = int(np.searchsorted(histogram.yaw_edges, pose.yaw, side="right")) - 1
    row = int(np.searchsorted(histogram.pitch_edges, pose.pitch, side="right")) - 1
    columns, rows = histogram.counts.shape
    if not (0 <= column < columns and 0 <= row < rows):
        return 0.0
    return float(histogram.counts[column, row]) / max(1, histogram.samples)


class HistogramPanel:
    """Heat map, marginals and markers; a click sends the camera there.

    Parameters
    ----------
    others : sequence of Panel
        Other ways to show poses, in the same place: "Sphere" and "Images".
    """

    title = "Pose histogram"

    def __init__(self, others: Sequence[Panel] = ()) -> None:
        self._others = {panel.title.lower(): panel for panel in others}
        self._texture: Texture | None = None
        self._painted: tuple[PoseHistogram, str, Place] | None = None
        """What the texture shows."""
        self._trail = PoseTrail()

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is: the camera moves through the actions."""
        histogram = context.histogram
        if context.is_conditioned:
            common.paragraph(
                "This network has no pose learner: its poses come from outside, so that there is no learned "
                "distribution to show."
            )
            if "sphere" in self._others and context.frame is not None:
                view = self._others["sphere"].draw(view, context, actions)
                _draw_legend(context)
            return view
        if histogram is None:
            text = "Waiting for the network." if context.network is None else "Sampling poses …"
            common.paragraph(
                f"{text} Here appears the distribution of poses that the generator has learned, "
                "from thousands of latents."
            )
            return view
        shown = context.poses.shown
        if self._others:
            shown = common.segmented("Pose histogram/Show", SHOWN, shown, labelled=False)
            if shown != context.poses.shown:
                actions.show_poses(shown)
        if shown == "images" and shown in self._others:
            return self._others[shown].draw(view, context, actions)
        if shown == "sphere" and shown in self._others:
            view = self._others[shown].draw(view, context, actions)
        else:
            pointed = self._draw_plot(histogram, view, context, actions)
            _draw_pointed(histogram, pointed, full=not _note(histogram))
        _draw_legend(context)
        _draw_numbers(histogram)
        return view

    def watch(self, context: PanelContext) -> None:
        """See :class:`~viz.panel.Watching`: the trail has every pose of a drag."""
        if context.frame is not None:
            self._trail.follow(context.frame.generator_pose, imgui.get_time())

    def _picture(self, histogram: PoseHistogram, place: Place) -> Texture:
        """The map with its marginals, on the graphics card."""
        from viz.window.textures import Texture

        texture = self._texture = self._texture or Texture()
        shown = (histogram, theme.chosen(), place)
        if self._painted is None or self._painted[0] is not histogram or self._painted[1:] != shown[1:]:
            self._painted = shown
            bars = marginals(histogram.counts)
            ink = (*theme.ACCENT[:3], 0.55 * theme.ACCENT[3])
            texture.upload(paint(heat(histogram.counts), bars, place, theme.HEAT_STOPS, ink))
        return texture

    def _draw_picture(
        self, histogram: PoseHistogram, corner: tuple[float, float], size: tuple[float, float], top: float
    ) -> None:
        """The map at its place in the plot, and the marginals from ``top`` on."""
        if min(size) < 1.0:
            return
        # Pixel by pixel, so that bins are as sharp as rectangles would be.
        scale = imgui.get_io().display_framebuffer_scale
        room = MARGINAL_EM * common.em()
        left, above = math.floor(corner[0] * scale.x), math.floor(top * scale.y)
        place = Place(
            left=round(corner[0] * scale.x - left, 3),
            top=round(corner[1] * scale.y - above, 3),
            width=round(size[0] * scale.x, 3),
            height=round(size[1] * scale.y, 3),
            room=round(room * scale.x, 3),
            gap=round(0.2 * common.em() * scale.x, 3),
            unit=float(scale.x),
        )
        width, height = place.size
        low, high = (left / scale.x, above / scale.y), ((left + width) / scale.x, (above + height) / scale.y)
        picture = self._picture(histogram, place).reference
        imgui.get_window_draw_list().add_image(picture, low, high)

    def _draw_plot(
        self, histogram: PoseHistogram, view: View, context: PanelContext, actions: Actions
    ) -> Pose | None:
        """The map and its marginals; the pose under the mouse."""
        pointed: Pose | None = None
        em = common.em()
        yaw, pitch = np.degrees(histogram.yaw_edges), np.degrees(histogram.pitch_edges)
        marginal = MARGINAL_EM * em
        width = imgui.get_content_region_avail().x - marginal
        origin = imgui.get_cursor_screen_pos()
        imgui.dummy((1.0, marginal - imgui.get_style().item_spacing.y))
        ratio = (pitch[-1] - pitch[0]) / (yaw[-1] - yaw[0])
        height = min(max(width * ratio, PLOT_EM[0] * em), PLOT_EM[1] * em)
        flags = implot.Flags_.canvas_only | implot.Flags_.no_frame
        implot.push_style_var(implot.StyleVar_.plot_padding, (0.0, 0.0))
        implot.push_style_var(implot.StyleVar_.plot_border_size, 0.0)
        if implot.begin_plot("##Pose histogram/Pose histogram", (width, height), int(flags)):
            _set_up_axes(histogram)
            corner, size = implot.get_plot_pos(), implot.get_plot_size()
            ui.mark_rect("Pose histogram/Map", (corner.x, corner.y), (corner.x + size.x, corner.y + size.y))
            self._draw_picture(histogram, (corner.x, corner.y), (size.x, size.y), origin.y)
            implot.push_plot_clip_rect()
            _draw_axis_names((corner.x, corner.y), (size.x, size.y))
            _draw_trail(self._trail, context)
            _draw_markers(view, context)
            implot.pop_plot_clip_rect()
            if _points_at((corner.x, corner.y), (size.x, size.y)):
                mouse = implot.get_plot_mouse_pos()
                pointed = pose_of_degrees(mouse.x, mouse.y)
                if imgui.is_mouse_clicked(imgui.MouseButton_.left):
                    actions.go_to_pose(pointed)
            implot.end_plot()
        implot.pop_style_var(2)
        return pointed


def _points_at(corner: tuple[float, float], size: tuple[float, float]) -> bool:
    """Whether the mouse is on the plot. (The plot's own answer comes a frame late, after a tap's click.)"""
    flags = imgui.HoveredFlags_.allow_when_blocked_by_active_item
    mouse = imgui.get_mouse_pos()
    inside = 0 <= mouse.x - corner[0] < size[0] and 0 <= mouse.y - corner[1] < size[1]
    return inside and imgui.is_window_hovered(int(flags))


def _set_up_axes(histogram: PoseHistogram) -> None:
    locked = implot.AxisFlags_.lock | implot.AxisFlags_.no_grid_lines | implot.AxisFlags_.no_menus
    for axis, edges in ((implot.ImAxis_.x1, histogram.yaw_edges), (implot.ImAxis_.y1, histogram.pitch_edges)):
        implot.setup_axis(axis, None, int(locked | implot.AxisFlags_.no_highlight))
        low, high = float(edges[0]), float(edges[-1])
        implot.setup_axis_limits(axis, math.degrees(low), math.degrees(high), int(implot.Cond_.always))
        ticks = degree_ticks(low, high, 5)
        implot.setup_axis_ticks(axis, ticks, [f"{tick:.0f}°" for tick in ticks])


def _draw_axis_names(corner: tuple[float, float], size: tuple[float, float]) -> None:
    lines = implot.get_plot_draw_list()
    ink = common.style_color(imgui.Col_.text_disabled, 0.8)
    width, height = imgui.calc_text_size("yaw")
    lines.add_text((corner[0] + 4.0, corner[1] + 2.0), ink, "pitch")
    lines.add_text((corner[0] + size[0] - width - 4.0, corner[1] + size[1] - height - 2.0), ink, "yaw")


def _draw_trail(trail: PoseTrail, context: PanelContext) -> None:
    """The way that the predicted pose has just come, fading."""
    if context.frame is None:
        return
    points = trail.follow(context.frame.generator_pose, imgui.get_time())
    if not points:
        return
    ui.redraw_within(_TRAIL_SECONDS)
    lines, thick = implot.get_plot_draw_list(), 0.2 * common.em()
    ends = [(implot.plot_to_pixels(math.degrees(p.yaw), math.degrees(p.pitch)), left) for p, left in points]
    for colour, alpha, width in (
        ((0.0, 0.0, 0.0, 1.0), 0.6, 1.9),
        (theme.POSE_COLOURS["generator"], 0.95, 1.0),
    ):
        for (a, _), (b, left) in pairwise(ends):
            lines.add_line(a, b, common.color(colour, alpha * left), width * thick)


def _draw_markers(view: View, context: PanelContext) -> None:
    for name, pose in known_poses(view, context.frame):
        point = implot.plot_to_pixels(math.degrees(pose.yaw), math.degrees(pose.pitch))
        draw_mark(implot.get_plot_draw_list(), name, (point.x, point.y), 0.42 * common.em())


def _note(histogram: PoseHistogram) -> str:
    """What to say about a histogram beside the number of samples: then both stand in a line of their own."""
    return histogram.note if histogram.samples >= histogram.target else "sampling"


def _draw_pointed(histogram: PoseHistogram, pointed: Pose | None, *, full: bool) -> None:
    """What is under the mouse, below the map: a tooltip would lie on the map itself."""
    if pointed is None:
        imgui.text_disabled("Click: look from there.")
        if full:
            imgui.same_line()
            common.text_right(f"{histogram.samples:,} latents", quiet=True)
        return
    share = f"{share_at(histogram, pointed):.2%}"
    imgui.text_unformatted(
        f"{format_degrees(pointed.yaw)}, {format_degrees(pointed.pitch)}: {share} of latents"
    )


def _draw_legend(context: PanelContext) -> None:
    names: list[PoseName] = ["generator", "discriminator", "override", "camera"]
    if context.network is not None and not context.network.has_pose_prediction:
        names.remove("discriminator")
    texts, help_texts = dict(SHORT), dict(LEGEND)
    if context.is_conditioned:
        texts["generator"] = "given"
        help_texts["generator"] = "The pose that the content is conditioned on."
    draw_legend([(name, texts[name], help_texts[name]) for name in names], common.em())


def _draw_numbers(histogram: PoseHistogram) -> None:
    mean, std = histogram.mean, histogram.std
    spread = [
        f"{format_degrees(m)} ± {format_degrees(s, signed=False)}"
        for m, s in ((mean.yaw, std.yaw), (mean.pitch, std.pitch))
    ]
    imgui.text_unformatted(f"yaw {spread[0]}    pitch {spread[1]}")
    common.tooltip("Mean and standard deviation of the poses that G predicts for random latents.")
    if histogram.samples < histogram.target:
        text = f"{histogram.samples:,} of {histogram.target:,} latents"
        common.progress("Pose histogram/Progress", histogram.samples / max(1, histogram.target), text)
    elif histogram.note:
        imgui.text_disabled(f"{histogram.samples:,} latents, {histogram.note}")
