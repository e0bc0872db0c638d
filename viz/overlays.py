"""What lies on the picture: poses, quality, depth legend, errors, progress, notices; each has its corner."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from imgui_bundle import imgui

from pof3d.text import format_degrees, format_duration, shorten_words
from viz import theme, ui
from viz.colormaps import color_table
from viz.comparing import CompareLayout
from viz.frame import Frame, Pose
from viz.latent_edits import edits_in_short
from viz.marks import Rect
from viz.notices import FADE_SECONDS, Notices
from viz.panel import PanelContext
from viz.pose_facts import PoseName
from viz.pose_marks import draw_mark
from viz.view import LatentView, View

GAP = 12.0
"""From the viewport's edges, design pixels."""
PADDING = 9.0
_LARGE = 0.6
_POSES_WIDTH = 180.0
_LOW = 520.0
"""Viewports below this height, design pixels, are low."""
_LEGEND_WIDTH = 90.0
_LOW_PANE = 400.0
"""Smaller ones of several pictures, design pixels, are not covered with numbers."""

Line = tuple[str, theme.Colour]


def draw(
    notices: Notices,
    rect: Rect,
    picture: Rect | None,
    view: View,
    context: PanelContext,
    now: float,
    dismiss_error: Callable[[], None],
    compared: CompareLayout | None = None,
) -> None:
    """Draw everything into the current window, over the picture.

    Parameters
    ----------
    notices : Notices
        What is to be told.
    rect, picture : Rect
        The viewport, and the picture in it; the corners are the picture's where that is large enough.
    view : View
    context : PanelContext
    now : float
        Seconds, for what moves.
    dismiss_error : callable
        Called when the user closes the error.
    compared : CompareLayout, optional
        How the picture is set against others: what belongs to it stays within it.
    """
    corners = own = rect
    if picture is not None and compared is not None:
        own = picture
    elif picture is not None and min(picture.width / rect.width, picture.height / rect.height) > _LARGE:
        corners = own = picture
    above: list[Rect | None] = []
    imaged = view.display.geometry == "image" or compared is not None
    if notices.overlays_visible and context.frame is not None and compared in (None, "side_by_side"):
        if compared is None or min(own.width, own.height) > ui.px(_LOW_PANE):
            above.append(_poses(own, view, context.frame, context))
            if imaged:
                above.append(_quality(own, context.frame))
            _latent(own, view)
        if view.display.mode in ("depth", "side_by_side") and imaged:
            _depth_legend(own, context.frame)
    _recording(corners, context, [box for box in above if box is not None])
    error = _error(notices, corners, view, context, dismiss_error)
    if context.loading is not None:
        _loading(rect, context, now)
    elif context.frame is None and context.error is None:
        _welcome(rect, context, now)
    _toast(notices, corners, now, error)


# ------------------------------------------------------------------------------------------------- boxes
def _box(name: str, left: float, top: float, width: float, height: float, alpha: float = 1.0) -> Rect:
    red, green, blue, opacity = theme.OVERLAY
    colour = imgui.get_color_u32(imgui.ImVec4(red, green, blue, opacity * alpha))
    low, high = imgui.ImVec2(left, top), imgui.ImVec2(left + width, top + height)
    imgui.get_window_draw_list().add_rect_filled(low, high, colour, ui.px(6))
    ui.mark_rect(f"Overlay/{name}", (left, top), (left + width, top + height))
    return Rect(left, top, left + width, top + height)


def _touches(box: Rect, left: float, top: float, width: float, height: float) -> bool:
    gap = ui.px(GAP / 2)
    across = box.left < left + width + gap and left - gap < box.right
    return across and box.top < top + height + gap and top - gap < box.bottom


def _text(x: float, y: float, text: str, colour: theme.Colour | None = None, alpha: float = 1.0) -> None:
    red, green, blue, opacity = colour or theme.TEXT
    ink = imgui.get_color_u32(imgui.ImVec4(red, green, blue, opacity * alpha))
    imgui.get_window_draw_list().add_text(imgui.ImVec2(round(x), round(y)), ink, text)


def _size(lines: Sequence[Line]) -> tuple[float, float]:
    widths = [imgui.calc_text_size(text).x for text, _ in lines]
    return max(widths) + 2 * ui.px(PADDING), len(lines) * _line() + 2 * ui.px(PADDING - 3)


def _line() -> float:
    return float(imgui.get_font_size()) * 1.3


def _lines(name: str, left: float, top: float, lines: Sequence[Line], alpha: float = 1.0) -> Rect:
    width, height = _size(lines)
    box = _box(name, left, top, width, height, alpha)
    for index, (text, colour) in enumerate(lines):
        y = top + ui.px(PADDING - 3) + index * _line() + 0.12 * imgui.get_font_size()
        _text(left + ui.px(PADDING), y, text, colour, alpha)
    return box


# ----------------------------------------------------------------------------------------------- corners
def _poses(rect: Rect, view: View, frame: Frame, context: PanelContext) -> Rect:
    """Left top: the four named poses; where they are."""
    imgui.push_font(None, theme.SMALL_FONT_SIZE)
    override = Pose(view.pose.override_yaw, view.pose.override_pitch)
    has_branch = context.network is None or context.network.has_pose_prediction
    rows: list[tuple[PoseName, str, Pose | None, bool]] = [
        (
            "generator",
            "Conditioning" if context.is_conditioned else "G predicts",
            frame.generator_pose,
            view.pose.source == "predicted",
        ),
        ("discriminator", "D predicts", frame.discriminator_pose, False),
        ("override", "Override", override, view.pose.source == "override"),
        ("camera", "Camera", frame.camera_pose, view.pose.source == "free"),
    ]
    name_width = max(imgui.calc_text_size(name).x for _, name, _, _ in rows)
    number = imgui.calc_text_size("+180.0°").x + ui.px(8)
    dot, pad = ui.px(14), ui.px(PADDING)
    width = 2 * pad + dot + name_width + 2 * number
    left, top = rect.left + ui.px(GAP), rect.top + ui.px(GAP)
    box = _box("Poses", left, top, width, _line() * (len(rows) + 1) + 2 * (pad - ui.px(3)))
    first = left + pad + dot + name_width + number
    y = top + pad - ui.px(3)
    for heading, right in (("yaw", first), ("pitch", first + number)):
        _text(right - imgui.calc_text_size(heading).x, y, heading, theme.TEXT_DIM)
    for key, name, pose, used in rows:
        y += _line()
        centre = (left + pad + ui.px(4), y + imgui.get_font_size() * 0.5)
        draw_mark(imgui.get_window_draw_list(), key, centre, ui.px(4.2))
        _text(left + pad + dot, y, name, theme.TEXT if used else theme.TEXT_DIM)
        missing = key == "discriminator" and not has_branch
        lone, none = ("", "no pose branch") if missing else ("–", "–")
        numbers = (format_degrees(pose.yaw), format_degrees(pose.pitch)) if pose else (lone, none)
        for text, right in zip(numbers, (first, first + number), strict=True):
            colour = theme.TEXT if pose else theme.TEXT_DIM
            _text(right - imgui.calc_text_size(text).x, y, text, colour)
    imgui.pop_font()
    return box


def _quality(rect: Rect, frame: Frame) -> Rect | None:
    """Right top: how good the picture is and what it took; where that is, if there is room."""
    imgui.push_font(None, theme.SMALL_FONT_SIZE)
    height, width = frame.image.shape[:2]
    raw = frame.raw_side
    size = f"{width} × {height}"
    if raw != height:
        size += f"  from {raw} × {raw}"
    spent = sum(timing.milliseconds for timing in frame.timings if not timing.cached)
    preview = frame.level == "preview"
    level = "preview" if preview else "full quality"
    if spent >= 1.0:
        level += f"  {spent:.0f} ms"
    lines: list[Line] = [(size, theme.TEXT), (level, theme.WARNING if preview else theme.TEXT_DIM)]
    box, _ = _size(lines)
    if box + ui.px(_POSES_WIDTH + 3 * GAP) > rect.width:
        lines = lines[1:]
        box, _ = _size(lines)
    if box + ui.px(_POSES_WIDTH + 3 * GAP) > rect.width:
        lines[0] = (lines[0][0].split("  ")[0], lines[0][1])
        box, _ = _size(lines)
    if box + ui.px(_POSES_WIDTH + 3 * GAP) > rect.width:
        imgui.pop_font()
        return None
    drawn = _lines("Quality", rect.right - ui.px(GAP) - box, rect.top + ui.px(GAP), lines)
    imgui.pop_font()
    return drawn


def _latent(rect: Rect, view: View) -> None:
    """Left bottom: which latent."""
    imgui.push_font(None, theme.SMALL_FONT_SIZE)
    latent = view.latent
    whole = latent.x == round(latent.x) and latent.y == round(latent.y)
    if latent.blend:
        others = [LatentView(x, y).seed for x, y, _ in latent.blend]
        seed = f"between seeds {', '.join(map(str, [latent.seed, *others][:3]))}"
    else:
        seed = f"seed {latent.seed}" if whole else f"between seeds, near {latent.seed}"
    lines: list[Line] = [(f"{seed}   ψ {latent.truncation_psi:.2f}{edits_in_short(latent)}", theme.TEXT)]
    _, height = _size(lines)
    _lines("Latent", rect.left + ui.px(GAP), rect.bottom - ui.px(GAP) - height, lines)
    imgui.pop_font()


def _depth_legend(rect: Rect, frame: Frame) -> None:
    """Right bottom: colours of the depth map, near above."""
    imgui.push_font(None, theme.SMALL_FONT_SIZE)
    near, far = frame.depth_range
    labels = [f"{near + (far - near) * step / 4:.2f}" for step in range(5)]
    labels[0], labels[4] = f"{labels[0]} near", f"{labels[4]} far"
    pad, bar, tall = ui.px(PADDING), ui.px(12), ui.px(132)
    title = "depth"
    text = max(imgui.calc_text_size(label).x for label in (*labels, title))
    width, height = 2 * pad + bar + ui.px(8) + text, tall + 2 * pad + _line() + imgui.get_font_size() * 0.5
    left, top = rect.right - ui.px(GAP) - width, rect.bottom - ui.px(GAP) - height
    _box("Depth legend", left, top, width, height)
    _text(left + pad, top + pad - ui.px(3), title, theme.TEXT_DIM)
    x, y = left + pad, top + pad + _line()
    inks = [
        imgui.get_color_u32(imgui.ImVec4(red, green, blue, 1.0))
        for red, green, blue in (color_table(frame.view.display.color_map)[::5] / 255.0).tolist()
    ]
    lines, step = imgui.get_window_draw_list(), tall / (len(inks) - 1)
    for index, (upper, lower) in enumerate(pairwise(inks)):
        low, high = imgui.ImVec2(x, y + step * index), imgui.ImVec2(x + bar, y + step * (index + 1))
        lines.add_rect_filled_multi_color(low, high, upper, upper, lower, lower)
    for index, label in enumerate(labels):
        _text(x + bar + ui.px(8), y + tall * index / 4 - imgui.get_font_size() * 0.55, label)
    imgui.pop_font()


# ------------------------------------------------------------------------------------------- top, middle
def _recording(rect: Rect, context: PanelContext, others: Sequence[Rect]) -> None:
    """Top, below the others where it would cover them: the badge of a recording under way."""
    top = rect.top + ui.px(GAP)
    recording = context.recording
    if recording is None or recording.status != "running":
        return
    share = recording.done / max(recording.total, 1)
    left_over = recording.seconds_left
    text = f"Recording {recording.done}/{recording.total}"
    if recording.cancelling:
        text = "Cancelling …"
    elif left_over is not None:
        text += f", {format_duration(left_over)} left"
    width = imgui.calc_text_size(text).x + 2 * ui.px(PADDING) + ui.px(16)
    height = _line() + 2 * ui.px(PADDING - 3) + ui.px(5)
    left = (rect.left + rect.right - width) / 2
    covered = [box.bottom for box in others if _touches(box, left, top, width, height)]
    top = max((bottom + ui.px(GAP) for bottom in covered), default=top)
    _box("Recording", left, top, width, height)
    lines, red = imgui.get_window_draw_list(), imgui.get_color_u32(imgui.ImVec4(*theme.BAD))
    middle = top + ui.px(PADDING - 3) + _line() / 2
    lines.add_circle_filled(imgui.ImVec2(left + ui.px(PADDING + 5), middle), ui.px(5), red)
    _text(left + ui.px(PADDING + 16), middle - imgui.get_font_size() / 2, text)
    bottom = top + height - ui.px(6)
    x, full = left + ui.px(PADDING), width - 2 * ui.px(PADDING)
    base = imgui.get_color_u32(imgui.ImVec4(*theme.FIELD_ACTIVE))
    high = ui.px(3)
    for length, ink in ((full, base), (full * share, red)):
        low = imgui.ImVec2(x, bottom - high)
        lines.add_rect_filled(low, imgui.ImVec2(x + length, bottom), ink, high / 2)


def _error(
    notices: Notices, rect: Rect, view: View, context: PanelContext, dismiss: Callable[[], None]
) -> Rect | None:
    """Bottom: what failed, why, and what to do; the last good picture stays behind it. Where that is."""
    error = context.error
    if error is None:
        notices.dismissed = ""
        return None
    if notices.dismissed == str(error):
        return None
    # A low window has little room to spare for words.
    imgui.push_font(None, theme.SMALL_FONT_SIZE if rect.height < ui.px(_LOW) else 0.0)
    width = min(ui.px(460), rect.width - 2 * ui.px(GAP))
    if notices.overlays_visible and view.display.mode in ("depth", "side_by_side"):
        width = max(min(width, rect.width - 2 * ui.px(_LEGEND_WIDTH + GAP)), ui.px(200))
    parts: list[tuple[str, theme.Colour]] = [(_sentence(error.what), theme.TEXT)]
    if error.why:
        parts.append((_sentence(error.why), theme.TEXT_DIM))
    if error.todo:
        parts.append((_sentence(error.todo), theme.ACCENT))
    inner = width - 2 * ui.px(PADDING + 3) - ui.px(22)
    heights = [imgui.calc_text_size(text, wrap_width=inner).y for text, _ in parts]
    height = sum(heights) + ui.px(4) * (len(parts) - 1) + 2 * ui.px(PADDING)
    # Above the latent and the notice that may lie there.
    top = max(rect.top, rect.bottom - ui.px(2 * GAP) - _line() - ui.px(2 * PADDING) - height)
    left = (rect.left + rect.right - width) / 2
    box = _box("Error", left, top, width, height)
    bar = imgui.get_color_u32(imgui.ImVec4(*theme.BAD))
    low, high = imgui.ImVec2(left, top), imgui.ImVec2(left + ui.px(4), top + height)
    imgui.get_window_draw_list().add_rect_filled(low, high, bar, ui.px(3))
    imgui.set_cursor_screen_pos(imgui.ImVec2(left + ui.px(PADDING + 3), top + ui.px(PADDING)))
    imgui.begin_group()
    start = imgui.get_cursor_pos_x()
    imgui.push_text_wrap_pos(start + inner)
    imgui.push_style_var(imgui.StyleVar_.item_spacing, imgui.ImVec2(0, ui.px(4)))
    for text, colour in parts:
        imgui.push_style_color(imgui.Col_.text, imgui.ImVec4(*colour))
        imgui.text_unformatted(text)
        imgui.pop_style_color()
    imgui.pop_style_var()
    imgui.pop_text_wrap_pos()
    imgui.end_group()
    side = imgui.get_font_size() * 1.2
    imgui.set_cursor_screen_pos(imgui.ImVec2(left + width - side - ui.px(6), top + ui.px(6)))
    if imgui.invisible_button("dismiss", imgui.ImVec2(side, side)):
        dismiss()
    ui.mark("Overlay/Dismiss error")
    colour = theme.TEXT if imgui.is_item_hovered() else theme.TEXT_DIM
    _cross(left + width - ui.px(6) - side / 2, top + ui.px(6) + side / 2, side * 0.25, colour)
    imgui.pop_font()
    return box


def _sentence(text: str) -> str:
    text = shorten_words(text)
    if text.split(" ", 1)[0].isalpha():  # not the name of a file
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def _cross(x: float, y: float, arm: float, colour: theme.Colour) -> None:
    lines, ink = imgui.get_window_draw_list(), imgui.get_color_u32(imgui.ImVec4(*colour))
    for sign in (-1, 1):
        low, high = imgui.ImVec2(x - arm, y - sign * arm), imgui.ImVec2(x + arm, y + sign * arm)
        lines.add_line(low, high, ink, ui.px(1.5))


def spinner(x: float, y: float, radius: float, now: float) -> None:
    """An arc that turns."""
    lines = imgui.get_window_draw_list()
    begin = now * 5.0 % math.tau
    lines.path_arc_to(imgui.ImVec2(x, y), radius, begin, begin + 4.2, 40)
    lines.path_stroke(imgui.get_color_u32(imgui.ImVec4(*theme.ACCENT)), ui.px(3))


def _loading(rect: Rect, context: PanelContext, now: float) -> None:
    """Middle: a checkpoint on its way."""
    loading = context.loading
    assert loading is not None
    name = ui.fit_text(loading.path.name, rect.width * 0.6, keep_end=True)
    stage = f"{loading.stage}  {100 * loading.fraction:.0f} %"
    text = max(imgui.calc_text_size(name).x, imgui.calc_text_size(stage).x)
    width, height = text + ui.px(70), ui.px(66)
    left, top = (rect.left + rect.right - width) / 2, (rect.top + rect.bottom - height) / 2
    _box("Loading", left, top, width, height)
    spinner(left + ui.px(30), top + height / 2, ui.px(13), now)
    _text(left + ui.px(56), top + height / 2 - _line(), name)
    _text(left + ui.px(56), top + height / 2 + ui.px(1), stage, theme.TEXT_DIM)


def _welcome(rect: Rect, context: PanelContext, now: float) -> None:
    """Middle: nothing to see yet, and what to do about it."""
    middle_x, middle_y = (rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2
    if context.network is not None:
        spinner(middle_x, middle_y, ui.px(13), now)
        return
    title, remark = "No network is open", "Drop a checkpoint here, or choose one in the Checkpoint panel."
    if context.run is not None:
        title, remark = context.run.folder.name, context.run.message
        spinner(middle_x, middle_y - 2.4 * _line(), ui.px(13), now)
    for index, (text, colour) in enumerate(((title, theme.TEXT), (remark, theme.TEXT_DIM))):
        text = ui.fit_text(text, rect.width - 2 * ui.px(GAP))
        x = middle_x - imgui.calc_text_size(text).x / 2
        _text(x, middle_y + (index - 0.5) * _line() * 1.2, text, colour)


def _toast(notices: Notices, rect: Rect, now: float, error: Rect | None) -> None:
    """Bottom, or above the error that it would cover: a notice that goes by itself."""
    left_over = notices.left(now)
    if left_over <= 0 or not notices.message:
        return
    alpha = min(left_over / FADE_SECONDS, 1.0)
    # Between the corners, where the latent and the legend are; above the latent where there is little room.
    sides = ui.px(250) if notices.overlays_visible else 0.0
    padding, bottom = 2 * ui.px(PADDING + 3), rect.bottom - ui.px(GAP)
    if rect.width - sides < ui.px(300):
        sides, bottom = ui.px(184), bottom - _line() - ui.px(2 * PADDING)
    wrap = rect.width - 2 * ui.px(GAP) - sides - padding
    size = imgui.calc_text_size(notices.message, wrap_width=wrap)
    width, height = size.x + padding, size.y + 2 * ui.px(PADDING - 1)
    left, top = (rect.left + rect.right - width) / 2, bottom - height
    if error is not None and _touches(error, left, top, width, height):
        top = error.top - ui.px(GAP) - height
    _box("Toast", left, top, width, height, alpha)
    red, green, blue, _ = theme.TEXT
    imgui.set_cursor_screen_pos(imgui.ImVec2(left + ui.px(PADDING + 3), top + ui.px(PADDING - 1)))
    imgui.push_text_wrap_pos(imgui.get_cursor_pos_x() + wrap)
    imgui.push_style_color(imgui.Col_.text, imgui.ImVec4(red, green, blue, alpha))
    imgui.text_unformatted(notices.message)
    imgui.pop_style_color()
    imgui.pop_text_wrap_pos()
