"""What panels are made of: rows with aligned labels, sliders with a way back, segmented buttons, facts.

A control's *name* is ``"Panel/Label"``. The label is drawn; the whole name identifies the control, to ImGui
and to those who look its place up (:func:`viz.ui.mark`). Sizes are multiples of the font's height, which
follows the screen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from imgui_bundle import imgui

from pof3d.text import legible
from viz import nudging, theme, ui
from viz.hints import control_tooltip as control_tooltip
from viz.hints import slider_tooltip as slider_tooltip
from viz.hints import tooltip as tooltip
from viz.icons import Icon, draw_icon

T = TypeVar("T")

DASH = "–"
"""In place of a value that is not known."""
LABEL_EM = 6.4
"""Width of the label column, font heights."""
_LARGEST_INT = 2**31 - 1
"""Of ImGui's integers."""
_LINEAR = int(imgui.SliderFlags_.always_clamp)
_LOGARITHMIC = int(imgui.SliderFlags_.always_clamp | imgui.SliderFlags_.logarithmic)


def em() -> float:
    """Height of the font, pixels."""
    return imgui.get_font_size()


def color(rgba: theme.Colour, alpha: float = 1.0) -> int:
    """A colour for draw lists; fades where controls are disabled."""
    return int(imgui.get_color_u32((*rgba[:3], rgba[3] * alpha)))


def style_color(index: imgui.Col_, alpha: float = 1.0) -> int:
    """A colour of the theme for draw lists."""
    return int(imgui.get_color_u32(index, alpha))


class disabled:  # noqa: N801  (a context manager: written out, for there are a hundred in a frame)
    """Grey out and lock what is drawn inside, if the condition holds."""

    __slots__ = ("_condition",)

    def __init__(self, condition: bool = True) -> None:
        self._condition = condition

    def __enter__(self) -> None:
        imgui.begin_disabled(self._condition)

    def __exit__(self, *_error: object) -> None:
        imgui.end_disabled()


_unknown = False
"""Whether sliders stand for values that nobody knows yet."""


@contextmanager
def awaiting(condition: bool = True) -> Iterator[None]:
    """Like :func:`disabled`, for what is not known yet: sliders show a dash instead of a value."""
    global _unknown
    before, _unknown = _unknown, _unknown or condition
    try:
        with disabled(condition):
            yield
    finally:
        _unknown = before


def label_of(name: str) -> str:
    """The part of a control's name that is drawn: "Pose/Yaw" → "Yaw"."""
    return name.rpartition("/")[2]


# ----------------------------------------------------------------------------------------------------- text
def paragraph(text: str, colour: theme.Colour | None = None) -> None:
    """A wrapped remark, quiet by default."""
    imgui.push_style_color(imgui.Col_.text, colour or theme.TEXT_DIM)
    imgui.push_text_wrap_pos(0.0)
    imgui.text_unformatted(legible(text))
    imgui.pop_text_wrap_pos()
    imgui.pop_style_color()


def section(title: str) -> None:
    """A heading inside a panel."""
    imgui.push_style_color(imgui.Col_.text, theme.TEXT_DIM)
    imgui.separator_text(title)
    imgui.pop_style_color()


# ----------------------------------------------------------------------------------------------------- rows
def row(name: str, help: str = "", *, trailing_buttons: int = 0) -> None:
    """Draw a label and place the next item in the control column, as wide as there is room.

    Parameters
    ----------
    name : str
        ``"Panel/Label"``.
    help : str
        Shown when the mouse rests on the label.
    trailing_buttons : int
        Icon buttons that will follow the item; room is left for them.
    """
    start = imgui.get_cursor_pos_x()
    imgui.align_text_to_frame_padding()
    imgui.text_unformatted(label_of(name))
    tooltip(help)
    imgui.same_line(start + LABEL_EM * em())
    fill_line(trailing_buttons=trailing_buttons)


def fill_line(*, trailing_buttons: int = 0) -> None:
    """Make the next item as wide as there is room, but for so many icon buttons."""
    trailing = trailing_buttons * (imgui.get_frame_height() + imgui.get_style().item_inner_spacing.x)
    imgui.set_next_item_width(max(2.0 * em(), imgui.get_content_region_avail().x - trailing))


def slider(
    name: str,
    value: float,
    low: float,
    high: float,
    format: str,
    help: str = "",
    *,
    default: float | None = None,
    logarithmic: bool = False,
    labelled: bool = True,
) -> tuple[bool, float]:
    """A labelled slider; typed values (Ctrl+click, or Enter under the mouse) are clamped, arrows nudge it.

    Parameters
    ----------
    name, help : str
        As in :func:`row`.
    value, low, high : float
        In the unit shown. A value outside stays as it is until the slider is touched.
    format : str
        Of the value, printf.
    default : float, optional
        A button behind the slider returns to it, and so does a right click or a double click.
    logarithmic : bool
        Whether equal ways are equal factors.
    labelled : bool
        Otherwise it fills what is left of the line, without a label.

    Returns
    -------
    changed : bool
    value : float
        Equal to ``default``, exactly, after a reset.
    """
    if labelled:
        row(name, help, trailing_buttons=int(default is not None))
    else:
        fill_line(trailing_buttons=int(default is not None))
    flags = _LOGARITHMIC if logarithmic else _LINEAR
    if _unknown:
        value, format = low, DASH
    text = format if _unknown else (format % value).replace("-", "−")
    typing = imgui.internal.temp_input_is_active(imgui.get_id(f"##{name}"))
    own_text = "−" in text and not typing  # ImGui would write a hyphen
    ink = style_color(imgui.Col_.text)
    if own_text:
        imgui.push_style_color(imgui.Col_.text, (0.0, 0.0, 0.0, 0.0))
    nudging.open_field(name)
    with _calm_grab():
        changed, new = imgui.slider_float(f"##{name}", value, low, high, format, flags)
    if own_text:
        imgui.pop_style_color()
        corner, far = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        size = imgui.calc_text_size(text)
        place = (round((corner.x + far.x - size.x) / 2), round((corner.y + far.y - size.y) / 2))
        imgui.get_window_draw_list().add_text(place, ink, text)
    ui.mark(name)
    slider_tooltip(help)
    new = round(float(new), 6)  # ImGui counts in single precision
    steps = 0 if _unknown else nudging.nudges(name)
    if steps:
        changed, new = (
            True,
            round(value + steps * nudging.fine_step(value, low, high, format, logarithmic), 6),
        )
    if default is not None:
        differs = not _unknown and not math.isclose(value, default, rel_tol=1e-6, abs_tol=1e-6)
        if _wants_reset(name, "" if _unknown else format % default, differs):
            return True, default
    if not changed or not math.isfinite(new):  # "nan" can be typed
        return False, value
    return True, min(max(new, low), high)


def slider_int(
    name: str,
    value: int,
    low: int,
    high: int,
    format: str,
    help: str = "",
    *,
    default: int | None = None,
    logarithmic: bool = False,
) -> tuple[bool, int]:
    """A labelled slider of whole numbers, otherwise as :func:`slider`."""
    row(name, help, trailing_buttons=int(default is not None))
    flags = _LOGARITHMIC if logarithmic else _LINEAR
    nudging.open_field(name)
    with _calm_grab():
        if _unknown:
            value, format = low, DASH
        shown = min(max(value, -_LARGEST_INT), _LARGEST_INT)
        changed, new = imgui.slider_int(f"##{name}", shown, low, high, format, flags)
    ui.mark(name)
    slider_tooltip(help)
    steps = 0 if _unknown else nudging.nudges(name)
    if steps:
        changed, new = True, shown + steps
    if default is not None:
        text = format % default if "%" in format else "the default"
        if _wants_reset(name, text, not _unknown and value != default):
            return True, default
    return changed, min(max(new, low), high) if changed else value


class _calm_grab:  # noqa: N801  (see `disabled`)
    """A slider's value is written across its grab: the grab must be dark enough to read it."""

    __slots__ = ()

    def __enter__(self) -> None:
        imgui.push_style_color(imgui.Col_.slider_grab, theme.GRAB)
        imgui.push_style_color(imgui.Col_.slider_grab_active, theme.ACCENT_DIM)

    def __exit__(self, *_error: object) -> None:
        imgui.pop_style_color(2)


def _wants_reset(name: str, text: str, differs: bool) -> bool:
    """Draw a reset button behind the last slider; whether a reset was asked for."""
    wanted = False
    io = imgui.get_io()
    if imgui.is_item_hovered() and not (io.want_text_input or io.key_ctrl):
        twice = imgui.is_mouse_double_clicked(imgui.MouseButton_.left)
        if twice:
            imgui.internal.clear_active_id()  # or the held button would drag the value away again
        wanted = twice or imgui.is_mouse_clicked(imgui.MouseButton_.right)
    imgui.same_line(0.0, imgui.get_style().item_inner_spacing.x)
    return icon_button(f"{name} reset", "reset", f"Back to {text}", enabled=differs, quiet=True) or wanted


def button(name: str, help: str = "", *, width: float = 0.0, enabled: bool = True) -> bool:
    """A push button; whether it was clicked."""
    with disabled(not enabled):
        clicked = imgui.button(f"{label_of(name)}##{name}", (width, 0.0))
        ui.mark(name)
        tooltip(help)
    return bool(clicked)


def buttons_width(count: int) -> float:
    """Width of each of several equal buttons in one line."""
    spacing = imgui.get_style().item_spacing.x
    return max(1.0, float(imgui.get_content_region_avail().x - spacing * (count - 1)) / count)


def checkbox(name: str, value: bool, help: str) -> bool:
    """A check box in the control column, with its label in the label column; the new value."""
    row(name, help)
    _, new = imgui.checkbox(f"##{name}", value)
    ui.mark(name)
    tooltip(help)
    return bool(new)


def combo(name: str, options: Sequence[tuple[T, str]], current: T, help: str = "") -> T:
    """A labelled list of (value, text) to choose from; the new choice. Entries are marked "name: text"."""
    row(name, help)
    chosen = current
    preview = next((text for value, text in options if value == current), str(current))
    if not imgui.begin_combo(f"##{name}", preview):
        ui.mark(name)
        control_tooltip(help)
        return chosen
    for value, text in options:
        if imgui.selectable(text, value == current)[0]:
            chosen = value
        ui.mark(f"{name}: {text}")
    end_combo()
    return chosen


def end_combo() -> None:
    """End an open list, which Escape closes."""
    if imgui.is_key_pressed(imgui.Key.escape):
        imgui.close_current_popup()
    imgui.end_combo()


def segmented(
    name: str,
    options: Sequence[tuple[T, str, str]],
    current: T,
    *,
    labelled: bool = True,
    missing: Mapping[T, str] | None = None,
) -> T:
    """Buttons side by side of which one is down.

    Parameters
    ----------
    name : str
        ``"Panel/Label"``; each button is marked as ``"name: text"``.
    options : sequence of (value, text, help)
        From left to right. Buttons share the room by the length of their texts.
    current : T
        The chosen value.
    labelled : bool
        Whether the label is drawn; otherwise the buttons take the whole line.
    missing : mapping, optional
        Why a value cannot be chosen, instead of its help.

    Returns
    -------
    T
        The new choice.
    """
    if labelled:
        row(name)
    gap = max(1.0, round(em() / 12))
    texts = [imgui.calc_text_size(text).x for _, text, _ in options]
    extra = (imgui.get_content_region_avail().x - sum(texts) - gap * (len(options) - 1)) / len(options)
    chosen = current
    imgui.push_style_var(imgui.StyleVar_.frame_padding, (2.0, imgui.get_style().frame_padding.y))
    for i, (value, text, help_text) in enumerate(options):
        if i:
            imgui.same_line(0.0, gap)
        active = value == current
        reason = (missing or {}).get(value, "")
        imgui.begin_disabled(bool(reason))
        greyed = imgui.get_style().alpha < 1.0  # as within `disabled`
        if active and greyed:
            imgui.push_style_color(imgui.Col_.button, theme.FIELD_ACTIVE)
        elif active:
            for index in (imgui.Col_.button, imgui.Col_.button_hovered, imgui.Col_.button_active):
                imgui.push_style_color(index, theme.ACCENT)
            imgui.push_style_color(imgui.Col_.text, theme.ON_ACCENT)
        if imgui.button(f"{text}##{name}", (max(1.0, texts[i] + extra), 0.0)):
            chosen = value
        if active:
            imgui.pop_style_color(1 if greyed else 4)
        ui.mark(f"{name}: {text}")
        tooltip(reason or help_text)
        imgui.end_disabled()
    imgui.pop_style_var()
    return chosen


def facts(name: str, rows: Iterable[tuple[str, str, str]], *, label_em: float = LABEL_EM) -> None:
    """A table of (what, value, help), aligned with the controls; long texts wrap."""
    if not imgui.begin_table(name, 2, int(imgui.TableFlags_.no_saved_settings)):
        return
    padding = imgui.get_style().cell_padding
    width = label_em * em() - 2 * padding.x
    imgui.push_style_var(imgui.StyleVar_.cell_padding, (padding.x, em() * 0.1))
    imgui.table_setup_column("what", int(imgui.TableColumnFlags_.width_fixed), width)
    imgui.table_setup_column("value", int(imgui.TableColumnFlags_.width_stretch))
    for what, value, help_text in rows:
        imgui.table_next_row()
        imgui.table_next_column()
        paragraph(what)
        tooltip(help_text)
        imgui.table_next_column()
        paragraph(value, theme.TEXT)
    imgui.pop_style_var()
    imgui.end_table()


def text_right(text: str, *, quiet: bool = False) -> None:
    """Text at the right end of the line or table cell."""
    room = imgui.get_content_region_avail().x - imgui.calc_text_size(text).x
    imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + max(0.0, room))
    if quiet:
        imgui.text_disabled(text)
    else:
        imgui.text_unformatted(text)


def progress(name: str, fraction: float, text: str, *, width: float = 0.0) -> None:
    """A progress bar with its text inside; as wide as there is room, by default."""
    size = (width or imgui.get_content_region_avail().x, 0.0)
    imgui.progress_bar(min(max(fraction, 0.0), 1.0), size, text)
    ui.mark(name)


def icon_button(name: str, icon: Icon, help: str = "", *, enabled: bool = True, quiet: bool = False) -> bool:
    """A square button with a drawn sign.

    Parameters
    ----------
    quiet : bool
        Without a background until the mouse is on it, and invisible while disabled.
    """
    side = imgui.get_frame_height()
    if quiet:
        imgui.push_style_color(imgui.Col_.button, (0.0, 0.0, 0.0, 0.0))
    with disabled(not enabled):
        clicked = imgui.button(f"##{name}", (side, side))
        ui.mark(name)
        if enabled or not quiet:
            low = imgui.get_item_rect_min()
            draw_icon(icon, (low.x + side / 2, low.y + side / 2), side * 0.26)
    if quiet:
        imgui.pop_style_color()
    if enabled or not quiet:
        tooltip(help)
    return clicked
