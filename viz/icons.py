"""Signs on small buttons, drawn with lines: no font has to have them."""

from __future__ import annotations

import math
from typing import Literal

from imgui_bundle import imgui

Icon = Literal[
    "reset", "play", "pause", "minus", "plus", "close", "star", "star outline", "pencil", "loop", "dice"
]


def draw_icon(icon: Icon, centre: tuple[float, float], radius: float) -> None:
    """Draw a sign into the current window, in the colour of text; the radius is half its size, pixels."""
    lines = imgui.get_window_draw_list()
    ink = int(imgui.get_color_u32(int(imgui.Col_.text)))
    x, y = centre
    r = radius
    thick = max(1.2, r / 3.2)
    if icon == "play":
        lines.add_triangle_filled((x - 0.7 * r, y - r), (x - 0.7 * r, y + r), (x + r, y), ink)
    elif icon == "pause":
        for side in (-0.55, 0.55):
            centre_x = x + side * r
            lines.add_rect_filled((centre_x - 0.3 * r, y - r), (centre_x + 0.3 * r, y + r), ink)
    elif icon in ("minus", "plus"):
        lines.add_line((x - r, y), (x + r, y), ink, thick)
        if icon == "plus":
            lines.add_line((x, y - r), (x, y + r), ink, thick)
    elif icon == "close":
        for sign in (-1, 1):
            lines.add_line((x - 0.8 * r, y - 0.8 * r * sign), (x + 0.8 * r, y + 0.8 * r * sign), ink, thick)
    elif icon == "loop":
        for turn in (0.0, math.pi):
            end = turn + 0.72 * math.pi
            lines.path_arc_to((x, y), r, turn, end, 16)
            lines.path_stroke(ink, thick)
            tip = (x + r * math.cos(end), y + r * math.sin(end))
            along = (-math.sin(end), math.cos(end))
            out = (math.cos(end), math.sin(end))
            lines.add_triangle_filled(
                (tip[0] + 0.75 * r * along[0], tip[1] + 0.75 * r * along[1]),
                (tip[0] + 0.5 * r * out[0], tip[1] + 0.5 * r * out[1]),
                (tip[0] - 0.5 * r * out[0], tip[1] - 0.5 * r * out[1]),
                ink,
            )
    elif icon in ("star", "star outline"):
        points: list[imgui.ImVec2 | tuple[int | float, int | float] | list[int | float]] = []
        for i in range(10):
            reach, angle = (1.15 * r, 0.5 * r)[i % 2], math.pi * (i / 5 - 0.5)
            points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
        if icon == "star":
            lines.add_concave_poly_filled(points, ink)
        else:
            lines.add_polyline(points, ink, thick * 0.7, int(imgui.ImDrawFlags_.closed))
    elif icon == "dice":
        lines.add_rect((x - 1.1 * r, y - 1.1 * r), (x + 1.1 * r, y + 1.1 * r), ink, 0.4 * r, thick * 0.7)
        for across, down in ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)):
            lines.add_circle_filled((x + 0.55 * r * across, y + 0.55 * r * down), 0.2 * r, ink, 8)
    elif icon == "pencil":
        lines.add_line((x - 0.45 * r, y + 0.45 * r), (x + 0.6 * r, y - 0.6 * r), ink, 0.55 * r)
        lines.add_triangle_filled(
            (x - 0.9 * r, y + 0.9 * r), (x - 0.75 * r, y + 0.2 * r), (x - 0.2 * r, y + 0.75 * r), ink
        )
    else:  # reset: an arc with an arrow head, turning back
        start = -0.9
        lines.path_arc_to((x, y), r, start, start + 1.55 * math.pi, 20)
        lines.path_stroke(ink, thick)
        tip_x, tip_y = x + r * math.cos(start), y + r * math.sin(start)
        lines.add_triangle_filled(
            (tip_x - 0.75 * r, tip_y - 0.1 * r),
            (tip_x + 0.3 * r, tip_y - 0.65 * r),
            (tip_x + 0.35 * r, tip_y + 0.55 * r),
            ink,
        )
