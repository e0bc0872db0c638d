"""The ruler, the keyframes on their track, and the playhead."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from viz import theme, ui
from viz.keyframes import Easing, Keyframe
from viz.panel import Actions, PanelContext
from viz.playback import Playback
from viz.timeline import Timeline, changed, key_at, moved, without
from widgets import common

if TYPE_CHECKING:
    from viz.window.textures import Texture  # the window chooses the OpenGL that it needs

EASINGS: tuple[tuple[Easing, str, str], ...] = (
    ("linear", "Linear", "Even speed all the way to the next keyframe."),
    ("smooth", "Smooth", "Starts and ends gently, and does not stop where one smooth way meets another."),
    ("hold", "Hold", "Stays as it is, then jumps."),
)
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Seconds between labels of the ruler."""
_MOST_TURNS = 20
_MENU = "keyframe"
_THRESHOLD = 3.0
"""A drag begins after so many design pixels."""


@dataclass
class _Drag:
    """A keyframe in the user's hand."""

    base: Timeline
    """As it was when it was grabbed."""
    index: int
    """Of the keyframe, in that."""
    gesture: object
    shift: float
    """From the mouse to the keyframe, pixels."""
    time: float
    """Where the keyframe is now."""
    moving: bool = False


class Track:
    """Draws keyframes over time, and lets them be moved."""

    def __init__(self) -> None:
        self.middle = (0.0, 0.0)
        """Of the track, for remarks."""
        self._drag: _Drag | None = None
        self._gesture: object = None
        self._chosen = 0
        self._left = self._width = self._seconds = 1.0
        self._textures: dict[int, tuple[NDArray[np.uint8], Texture]] = {}
        """By the identity of the picture, which is held, too."""
        self._here: int | None = None
        """The keyframe at the playhead."""

    # ---------------------------------------------------------------------------------------------- places
    def _x(self, time: float) -> float:
        return self._left + self._width * time / self._seconds

    def _time(self, x: float) -> float:
        return (x - self._left) / self._width * self._seconds

    def draw(self, context: PanelContext, actions: Actions) -> None:
        """Draw into what is left of the panel."""
        playback, em = context.playback, common.em()
        timeline = playback.timeline
        corner, room = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail()
        height = max(room.y, 5.2 * em)
        margin = min(1.8 * em, 0.1 * room.x)
        self._left, self._width = corner.x + margin, max(room.x - 2 * margin, em)
        self._seconds = timeline.duration
        top, ruler = corner.y, 1.5 * em
        bottom = top + height
        line = bottom - 0.9 * em
        self.middle = (corner.x + room.x / 2, (top + ruler + bottom) / 2)
        lines = imgui.get_window_draw_list()
        low, high = (corner.x, top + ruler), (corner.x + room.x, bottom)
        lines.add_rect_filled(low, high, common.color(theme.PANEL_LOW), 0.35 * em)
        self._draw_ruler(top, ruler)
        self._draw_ways(timeline, line)
        side = min(line - top - ruler - 0.9 * em, 4.0 * em)
        self._here = key_at(timeline, playback.time)
        pictured = self._upload(playback)
        for index, key in self._in_order(playback):
            self._draw_key(index, key, playback, actions, (line, side, pictured[index]))
        self._draw_menu(context, actions)
        # Last: keyframes lie on it, and come first.
        self._scrub("Timeline/Ruler", (corner.x, top), (room.x, ruler), actions)
        self._scrub("Timeline/Track", low, (room.x, height - ruler), actions)
        if imgui.is_item_hovered() and imgui.is_mouse_double_clicked(imgui.MouseButton_.left):
            actions.add_keyframe()
        self._draw_playhead(playback, top, ruler, bottom)
        imgui.set_cursor_screen_pos(corner)
        imgui.dummy((room.x, height))

    def _scrub(
        self, name: str, corner: tuple[float, float], size: tuple[float, float], actions: Actions
    ) -> None:
        imgui.set_cursor_screen_pos(corner)
        imgui.invisible_button(f"##{name}", (max(size[0], 1.0), max(size[1], 1.0)))
        ui.mark(name)
        if imgui.is_item_activated():
            self._gesture = object()
        if imgui.is_item_active():
            x = min(max(imgui.get_io().mouse_pos.x, self._left), self._left + self._width)
            actions.seek(self._time(x), self._gesture)

    # ----------------------------------------------------------------------------------------------- ruler
    def _draw_ruler(self, top: float, height: float) -> None:
        lines, em, pixels = imgui.get_window_draw_list(), common.em(), self._width / self._seconds
        step = next((s for s in _STEPS if s * pixels >= 3.6 * em), _STEPS[-1])
        ink, faint = common.color(theme.TEXT_DIM), common.color(theme.BORDER)
        imgui.push_font(None, theme.SMALL_FONT_SIZE)
        low, high, bottom = top + height * 0.72, top + height * 0.85, top + height
        for i in range(math.floor(self._seconds / step * 5.0 + 1e-6) + 1):
            x = round(self._left + i * step / 5.0 * pixels)
            if i % 5:
                lines.add_line((x, high), (x, bottom), faint)
                continue
            lines.add_line((x, low), (x, bottom), ink)
            text = f"{i // 5 * step:g}"
            text = f"{text} s" if i == 0 else text
            lines.add_text((round(x - imgui.calc_text_size(text).x / 2), round(top)), ink, text)
        imgui.pop_font()

    def _draw_playhead(self, playback: Playback, top: float, ruler: float, bottom: float) -> None:
        lines, x, em = imgui.get_window_draw_list(), round(self._x(playback.time)), common.em()
        ink = common.color(theme.ACCENT)
        lines.add_line((x, top + 0.8 * ruler), (x, bottom), ink, max(1.0, round(ui.px(1.5))))
        arm = 0.42 * em
        foot = top + ruler
        lines.add_triangle_filled((x - arm, foot - 1.5 * arm), (x + arm, foot - 1.5 * arm), (x, foot), ink)

    # ------------------------------------------------------------------------------------------- keyframes
    def _draw_ways(self, timeline: Timeline, y: float) -> None:
        """Lines between keyframes, with a sign of how they are gone."""
        keys, em = timeline.played, common.em()
        lines, ink = imgui.get_window_draw_list(), common.color(theme.FIELD_ACTIVE)
        for i, key in enumerate(keys):
            if i + 1 < len(keys):
                ends = [(self._x(key.time), self._x(keys[i + 1].time))]
            elif timeline.loop:
                ends = [
                    (self._x(key.time), self._x(timeline.duration)),
                    (self._x(0.0), self._x(keys[0].time)),
                ]
            else:
                break
            for start, end in ends:
                lines.add_line((start, y), (end, y), ink, max(1.0, ui.px(2)))
            start, end = ends[0]
            if end - start > 3.0 * em:
                _draw_easing(key.easing, ((start + end) / 2, y), 0.55 * em)
                if key.turns:
                    text = f"{key.turns:+d} turn{'s' if abs(key.turns) > 1 else ''}".replace("-", "−")
                    place = (round((start + end) / 2 + em), round(y - em / 2))
                    lines.add_text(place, common.color(theme.TEXT_DIM), text)

    def _in_order(self, playback: Playback) -> list[tuple[int, Keyframe]]:
        """The keyframe in hand, or at the playhead, comes first: where they overlap it gets the mouse."""
        keys = list(enumerate(playback.timeline.keyframes))
        return sorted(keys, key=lambda item: item[0] != self._here)

    def _identity(self, index: int, key: Keyframe) -> str:
        """A name that stays with a keyframe while it is dragged past others."""
        drag = self._drag
        if drag is None:
            return f"##key {index}"
        if key.time == drag.time:
            return f"##key {drag.index}"
        before = index - (1 if key.time > drag.time else 0)
        return f"##key {before if before < drag.index else before + 1}"

    def _draw_key(
        self,
        index: int,
        key: Keyframe,
        playback: Playback,
        actions: Actions,
        place: tuple[float, float, Texture | None],
    ) -> None:
        (line, side, texture), em = place, common.em()
        x, arm = self._x(key.time), 0.45 * em
        half = max(side / 2, arm)
        pictured = texture is not None and side > 1.2 * em
        top = line - 0.8 * em - side if pictured else line - 1.4 * arm
        wide = half if pictured else 1.4 * arm
        imgui.set_cursor_screen_pos((x - wide, top))
        imgui.invisible_button(self._identity(index, key), (2 * wide, line + 1.4 * arm - top))
        ui.mark(f"Timeline/Keyframe {index + 1}")
        hovered = imgui.is_item_hovered()
        self._handle(index, key, playback, actions)
        easing = next(text for value, text, _ in EASINGS if value == key.easing).lower()
        if self._drag is None:
            common.tooltip(
                f"{key.time:.2f} s, {easing}. Click: go there. Drag: another time. Right click: easing and "
                "turns."
            )
        self._paint(
            texture if pictured else None, x, (line, side, arm), self._here == index, hovered, playback.edited
        )

    def _paint(
        self,
        texture: Texture | None,
        x: float,
        sizes: tuple[float, float, float],
        here: bool,
        hovered: bool,
        edited: bool,
    ) -> None:
        lines, em = imgui.get_window_draw_list(), common.em()
        line, side, arm = sizes
        ink = theme.ACCENT if here else theme.TEXT if hovered else theme.TEXT_DIM
        if texture is not None:
            top = line - 0.8 * em - side
            low, high = (round(x - side / 2), round(top)), (round(x + side / 2), round(top + side))
            lines.add_image_rounded(
                texture.reference,
                low,
                high,
                (0.0, 0.0),
                (1.0, 1.0),
                common.color((1.0, 1.0, 1.0, 1.0)),
                0.25 * em,
            )
            border = ink if here or hovered else theme.BORDER
            lines.add_rect(low, high, common.color(border), 0.25 * em, ui.px(2 if here else 1))
        up, right, down, left = (x, line - arm), (x + arm, line), (x, line + arm), (x - arm, line)
        if here and edited:
            lines.add_quad_filled(up, right, down, left, common.color(theme.PANEL_LOW))
            lines.add_quad(up, right, down, left, common.color(theme.WARNING), ui.px(2))
        else:
            lines.add_quad_filled(up, right, down, left, common.color(ink))

    def _handle(self, index: int, key: Keyframe, playback: Playback, actions: Actions) -> None:
        mouse = imgui.get_io().mouse_pos.x
        if imgui.is_item_clicked(imgui.MouseButton_.right):
            self._chosen = index
            imgui.open_popup(_MENU)
        if imgui.is_item_activated():
            gesture = object()
            self._drag = _Drag(playback.timeline, index, gesture, self._x(key.time) - mouse, key.time)
            actions.seek(key.time, gesture)
            return
        drag = self._drag
        if drag is None or not (key.time == drag.time and imgui.is_item_active()):
            if drag is not None and not imgui.is_mouse_down(imgui.MouseButton_.left):
                self._drag = None
            return
        way = abs(mouse + drag.shift - self._x(drag.base.keyframes[drag.index].time))
        drag.moving = drag.moving or way > ui.px(_THRESHOLD)
        if drag.moving:
            new = moved(drag.base, drag.index, self._time(mouse + drag.shift))
            place = drag.base.keyframes[drag.index]
            others = {one.time for i, one in enumerate(drag.base.keyframes) if i != drag.index}
            time = next((one.time for one in new.keyframes if one.time not in others), place.time)
            if time != drag.time:
                drag.time = time
                actions.edit_timeline(new, drag.gesture, time)

    # ------------------------------------------------------------------------------------------------ menu
    def _draw_menu(self, context: PanelContext, actions: Actions) -> None:
        timeline, index = context.playback.timeline, self._chosen
        if not imgui.begin_popup(_MENU):
            return
        if index >= len(timeline.keyframes) or imgui.is_key_pressed(imgui.Key.escape, False):
            imgui.close_current_popup()
            imgui.end_popup()
            return
        key = timeline.keyframes[index]
        imgui.text_disabled("To the next keyframe")
        for value, text, explained in EASINGS:
            if imgui.menu_item(text, "", key.easing == value, True)[0]:
                actions.edit_timeline(changed(timeline, index, easing=value))
            ui.mark(f"Timeline/Easing: {text}")
            common.tooltip(explained)
        imgui.separator()
        for step, text in ((1, "One more turn"), (-1, "One turn less")):
            usable = abs(key.turns + step) <= _MOST_TURNS and key.view.pose.source != "predicted"
            if imgui.menu_item(text, f"{key.turns:+d}" if key.turns else "", False, usable)[0]:
                actions.edit_timeline(changed(timeline, index, turns=key.turns + step))
            ui.mark(f"Timeline/{text}")
            common.tooltip(
                "The camera goes the short way round to the next keyframe, and so many full turns more. "
                "Only where the pose is set by hand."
            )
        imgui.separator()
        if imgui.menu_item("Remove", "Delete", False, True)[0]:
            actions.edit_timeline(without(timeline, index))
        ui.mark("Timeline/Remove this")
        imgui.end_popup()

    # -------------------------------------------------------------------------------------------- pictures
    def _upload(self, playback: Playback) -> list[Texture | None]:
        """Have the keyframes' pictures on the graphics card, and no others; by keyframe, if there is one."""
        pictures = [playback.pictures.get(one.view) for one in playback.timeline.keyframes]
        wanted = {id(picture): picture for picture in pictures if picture is not None}
        for identity in self._textures.keys() - wanted.keys():
            self._textures.pop(identity)[1].release()
        for identity, picture in wanted.items():
            if identity not in self._textures:
                from viz.window.textures import Texture

                texture = Texture()
                texture.upload(picture)
                self._textures[identity] = (picture, texture)
        return [None if picture is None else self._textures[id(picture)][1] for picture in pictures]


def _draw_easing(easing: Easing, centre: tuple[float, float], size: float) -> None:
    """How the way is gone, as a small curve: time to the right, progress upwards."""
    lines, (x, y) = imgui.get_window_draw_list(), centre
    low, high = (x - 1.5 * size, y - size), (x + 1.5 * size, y + size)
    lines.add_rect_filled(low, high, common.color(theme.PANEL_LOW))
    ink, thick = common.color(theme.TEXT_DIM), max(1.0, ui.px(1.5))
    left, right, up, down = x - size, x + size, y - 0.7 * size, y + 0.7 * size
    if easing == "linear":
        lines.add_line((left, down), (right, up), ink, thick)
    elif easing == "smooth":
        lines.add_bezier_cubic((left, down), (x, down), (x, up), (right, up), ink, thick)
    else:
        lines.add_polyline([(left, down), (right, down), (right, up)], ink, thick, 0)
