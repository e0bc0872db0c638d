"""The signs of the four named poses, wherever they are drawn: shapes tell them apart, not colours alone."""

from __future__ import annotations

from collections.abc import Sequence

from imgui_bundle import imgui

from viz import theme
from viz.frame import Frame, Pose
from viz.pose_facts import PoseName, named_poses
from viz.view import View

ORDER: tuple[PoseName, ...] = ("camera", "override", "generator", "discriminator")
"""From the bottom to the top: the larger and hollow ones first, so that all can be seen on one spot."""
SHORT: dict[PoseName, str] = {
    "generator": "G",
    "discriminator": "D",
    "override": "override",
    "camera": "camera",
}
_SHADE: theme.Colour = (0.0, 0.0, 0.0, 0.75)


def known_poses(view: View, frame: Frame | None) -> list[tuple[PoseName, Pose]]:
    """The named poses that are known, from the bottom to the top."""
    poses = named_poses(view, frame)
    found = ((name, poses[name]) for name in ORDER)
    return [(name, pose) for name, pose in found if pose is not None and frame is not None]


def ink(colour: theme.Colour, alpha: float = 1.0) -> int:
    """A colour for draw lists; fades where controls are disabled."""
    return int(imgui.get_color_u32((*colour[:3], colour[3] * alpha)))


def draw_mark(
    lines: imgui.ImDrawList,
    name: PoseName,
    centre: tuple[float, float],
    radius: float,
    alpha: float = 1.0,
) -> None:
    """A ring for the camera, a hollow square for the override, a dot for G, a diamond for D."""
    x, y = centre
    colour, shade = ink(theme.POSE_COLOURS[name], alpha), ink(_SHADE, alpha)
    if name == "camera":
        lines.add_circle(centre, radius * 1.25, shade, 0, radius * 0.55)
        lines.add_circle(centre, radius * 1.25, colour, 0, radius * 0.28)
    elif name == "override":
        r = radius * 0.98
        for thick, tint in ((radius * 0.6, shade), (radius * 0.32, colour)):
            lines.add_rect((x - r, y - r), (x + r, y + r), tint, 0.0, thick)
    elif name == "generator":
        lines.add_circle_filled(centre, radius * 0.82, shade)
        lines.add_circle_filled(centre, radius * 0.62, colour)
    else:
        for r, tint in ((radius * 1.06, shade), (radius * 0.8, colour)):
            lines.add_quad_filled((x - r, y), (x, y - r), (x + r, y), (x, y + r), tint)


def draw_legend(names: Sequence[tuple[PoseName, str, str]], size: float) -> None:
    """Signs with their names (name, text, help) in a line; ``size`` is the font's height."""
    lines = imgui.get_window_draw_list()
    radius = 0.36 * size
    height = imgui.get_text_line_height()
    for i, (name, text, help_text) in enumerate(names):
        if i:
            imgui.same_line(0.0, 0.75 * size)
        corner = imgui.get_cursor_screen_pos()
        draw_mark(lines, name, (corner.x + 1.3 * radius, corner.y + height / 2), radius)
        imgui.begin_group()
        imgui.dummy((2.6 * radius, height))
        imgui.same_line(0.0, 0.3 * size)
        imgui.text_disabled(text)
        imgui.end_group()
        if imgui.is_item_hovered(int(imgui.HoveredFlags_.for_tooltip)):
            imgui.set_tooltip(help_text)
