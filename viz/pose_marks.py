"""The marks of the four named poses: each has a colour and, for eyes that tell few colours apart, a shape."""

from __future__ import annotations

from imgui_bundle import imgui

from viz import theme


def draw_pose_mark(lines: imgui.ImDrawList, name: str, centre: tuple[float, float], radius: float) -> None:
    """Draw a dot for what G predicts, a diamond for D, a square for the override, a ring for the camera.

    Parameters
    ----------
    lines : ImDrawList
    name : str
        As in ``theme.POSE_COLOURS``.
    centre : tuple
    radius : float
        Half the size of the mark, pixels.
    """
    x, y = centre
    ink = int(imgui.get_color_u32(theme.POSE_COLOURS[name]))
    if name == "generator":
        lines.add_circle_filled((x, y), 0.9 * radius, ink)
    elif name == "discriminator":
        r = 1.15 * radius
        lines.add_quad_filled((x - r, y), (x, y - r), (x + r, y), (x, y + r), ink)
    elif name == "override":
        r = 0.8 * radius
        lines.add_rect_filled((x - r, y - r), (x + r, y + r), ink)
    else:
        lines.add_circle((x, y), 0.85 * radius, ink, 0, 0.4 * radius)
