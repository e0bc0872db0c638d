"""A path on the seed map: drawing it with the mouse, and walking along it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

from imgui_bundle import imgui

from viz import theme, ui
from viz.panel import Actions
from viz.view import LatentSpace, LatentView
from viz.walks import SPEEDS, Point, Walk, smoothed, with_point
from widgets import common

_JOIN = 0.35
"""A line that begins so near to the end of the path goes on with it, seeds."""
_SPACES: tuple[tuple[LatentSpace, str, str], ...] = (
    ("z", "in z", "Points between seeds mix the seeds' random vectors; the mapping network bends the way."),
    (
        "w",
        "in w",
        "Points between seeds mix what the mapping network makes of them: straight lines in w, which usually "
        "change more evenly. On a seed the two are the same.",
    ),
)


class WalkControls:
    """The pen on the map, and the line of controls below it."""

    def __init__(self) -> None:
        self.armed = False
        """Whether the next drag on the map draws."""
        self._line: tuple[Point, ...] = ()
        self._speed = Walk.speed

    def pen(
        self, latent: LatentView, centre: Point, cell: float, walk: Walk | None, actions: Actions
    ) -> bool:
        """Follow the mouse on the map, which is the last item; whether it draws instead of moving the map.

        Parameters
        ----------
        latent : LatentView
            In the centre of the map.
        centre : (x, y)
            Of the map on the screen.
        cell : float
            Distance of two seeds, pixels.
        walk : Walk, optional
            The present one.
        actions : Actions
            Gets the walk along a finished path.
        """
        io = imgui.get_io()
        # Some desktops take Alt + drag for themselves.
        if imgui.is_item_activated() and (self.armed or io.key_alt or io.key_shift):
            self._line = ()
            self.armed = True
            if walk is not None and walk.playing:
                actions.set_walk(replace(walk, playing=False))
        if self.armed and imgui.is_key_pressed(imgui.Key.escape, False):
            self._line, self.armed = (), False
        if not self.armed:
            return False
        mouse = imgui.get_mouse_pos()
        point = (latent.x + (mouse.x - centre[0]) / cell, latent.y + (mouse.y - centre[1]) / cell)
        if imgui.is_item_active():
            if not self._line and walk is not None and _near(walk.path.points[-1], point):
                self._line = walk.path.points
            self._line = with_point(self._line, point)
        elif self._line:
            if len(self._line) > 1:
                actions.set_walk(Walk(smoothed(self._line), speed=self._speed))
            self._line, self.armed = (), False
        return True

    def paint(self, latent: LatentView, low: Point, high: Point, cell: float, walk: Walk | None) -> None:
        """The path, and the place on it, over the map."""
        points = self._line or (walk.path.points if walk is not None else ())
        if not points:
            return
        centre = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)

        def place(point: Point) -> Point:
            return centre[0] + (point[0] - latent.x) * cell, centre[1] + (point[1] - latent.y) * cell

        lines, em = imgui.get_window_draw_list(), common.em()
        lines.push_clip_rect(low, high, True)
        ink = common.color(theme.ACCENT, 0.9)
        for a, b in pairwise(map(place, points)):
            lines.add_line(a, b, ink, 0.16 * em)
        lines.add_circle_filled(place(points[0]), 0.26 * em, common.color(theme.ACCENT))
        if walk is not None and not self._line:
            here = place(walk.path.at(walk.position))
            lines.add_circle_filled(here, 0.34 * em, common.style_color(imgui.Col_.text))
            lines.add_circle_filled(here, 0.2 * em, common.color(theme.ACCENT))
        lines.pop_clip_rect()

    def draw(self, latent: LatentView, walk: Walk | None, actions: Actions) -> LatentView:
        """Which space, and: draw a path, play, scrub, forget."""
        latent = self._draw_space(latent)
        gap, side = imgui.get_style().item_inner_spacing.x, imgui.get_frame_height()
        if walk is None:
            text = "Draw it on the map …" if self.armed else "Draw path"
            help_text = (
                "Then drag on the map: a line to walk along. Shift or Alt + drag does the same at once."
            )
            common.row("Latent/Walk", "A path on the map, to walk along.")
            if imgui.button(f"{text}##Latent/Draw path", (-1, 0)):
                self.armed = not self.armed
            ui.mark("Latent/Draw path")
            common.tooltip(help_text)
            return latent
        common.row("Latent/Walk", "Along the path on the map: there and back, until you pause it.")
        left = imgui.get_cursor_pos_x()
        if common.icon_button(
            "Latent/Play",
            "pause" if walk.playing else "play",
            "Play or pause the walk. The wheel over the bar changes its speed.",
        ):
            actions.set_walk(replace(walk, playing=not walk.playing))
        imgui.same_line(left + side + gap)
        latent = self._draw_scrub(latent, walk, actions)
        imgui.same_line(0.0, gap)
        if common.icon_button("Latent/Forget path", "close", "Forget the path"):
            actions.set_walk(None)
        return latent

    def _draw_scrub(self, latent: LatentView, walk: Walk, actions: Actions) -> LatentView:
        common.fill_line(trailing_buttons=1)
        # The value is written across the grab: that must be dark enough to read it.
        imgui.push_style_color(imgui.Col_.slider_grab, theme.GRAB)
        imgui.push_style_color(imgui.Col_.slider_grab_active, theme.ACCENT_DIM)
        changed, percent = imgui.slider_float(
            "##Latent/Scrub",
            100 * walk.position,
            0.0,
            100.0,
            f"%.0f %%  of {walk.path.length:.1f} seeds",
            int(imgui.SliderFlags_.always_clamp),
        )
        imgui.pop_style_color(2)
        ui.mark("Latent/Scrub")
        common.tooltip(
            "Where on the path; drag it to scrub. The wheel makes the walk faster or slower: now "
            f"{walk.speed:.2g} seeds a second."
        )
        if imgui.is_item_hovered():
            imgui.set_item_key_owner(imgui.Key.mouse_wheel_y)
            wheel = imgui.get_io().mouse_wheel
            if wheel:
                self._speed = min(max(walk.speed * 1.25**wheel, SPEEDS[0]), SPEEDS[1])
                actions.set_walk(replace(walk, speed=self._speed))
        if changed and math.isfinite(percent):
            moved = replace(walk, position=min(max(percent / 100, 0.0), 1.0), playing=False, backwards=False)
            actions.set_walk(moved)
            x, y = moved.point
            latent = replace(latent, x=x, y=y)
        return latent

    def _draw_space(self, latent: LatentView) -> LatentView:
        common.row("Latent/Interpolate")
        common.tooltip("What a point between seeds is made of.")
        options = [(value, text, help_text) for value, text, help_text in _SPACES]
        chosen = common.segmented("Latent/Interpolate", options, latent.space, labelled=False)
        return latent if chosen == latent.space else replace(latent, space=chosen)


def _near(a: Point, b: Point) -> bool:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 < _JOIN**2
