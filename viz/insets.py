"""Poses and their histogram drawn into the pictures of a video, without a window.

They look like the window's overlays, at a size that follows the video's: the named poses at the left top, the
learned distribution with the present poses among it at the left bottom. They lie beside the picture where
there is room, else on it.
"""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pof3d.text import format_degrees
from viz.frame import Frame, Pose
from viz.panel import PoseHistogram

_FONT = Path(__file__).resolve().parent.parent / "assets" / "fonts" / "Roboto-Regular.ttf"
_TEXT, _DIM = (227, 230, 234), (154, 163, 174)
_BOX = (12, 14, 17, 204)
_EDGE = (52, 58, 67)
_COLOURS = {
    "generator": (76, 159, 232),
    "discriminator": (255, 168, 77),
    "override": (148, 219, 120),
    "camera": (245, 245, 250),
}
_HEAT = ("121418", "2c1a4d", "641a80", "a3307e", "de4968", "fb8861", "fed395", "fcfdbf")
"""Dark to light with even steps of lightness, as in the window's histogram."""
_FONT_SHARE, _FONT_LEAST, _FONT_MOST = 1 / 38, 8.0, 30.0
"""Height of the letters: a share of the video's shorter side, between these, pixels."""
_MAP_EM = (11.5, 7.6)
"""Largest width and height of the histogram, font heights."""
_WIDEST = 0.62
"""Share of the video's width that an inset may take; where it would take more there is none."""
_SMALLER = 0.65
"""Insets shrink so much at most to lie beside the picture."""
_FINE = 4
"""Shapes are drawn so many times larger and scaled down: Pillow's own have jagged edges."""

Colour = tuple[int, int, int]


class Insets:
    """Draws into the pictures of one video.

    Parameters
    ----------
    size : tuple
        Width and height of the video, pixels.
    poses : bool
        Whether the named poses are written.
    histogram : PoseHistogram, optional
        The learned poses, to be drawn.
    conditioned : bool
        Whether the network is conditioned on a pose instead of predicting one.
    margins : tuple
        Left and top end of the pictures in the video, pixels.
    """

    def __init__(
        self,
        size: tuple[int, int],
        *,
        poses: bool = True,
        histogram: PoseHistogram | None = None,
        conditioned: bool = False,
        margins: tuple[int, int] = (0, 0),
    ) -> None:
        self._size = size
        self._poses, self._histogram, self._conditioned = poses, histogram, conditioned
        self._em = min(max(min(size) * _FONT_SHARE, _FONT_LEAST), _FONT_MOST)
        self._set_font()
        self._left, self._top = margins
        share = self._left / (self._table_width + 2 * self._gap)
        if share >= _SMALLER and self._em * share >= _FONT_LEAST:
            self._em *= min(share, 1.0)
            self._set_font()
            self._left = self._top = 0
        self._boxes: dict[tuple[int, int], Image.Image] = {}

    def _set_font(self) -> None:
        self._font = ImageFont.truetype(str(_FONT), int(self._em))
        self._gap, self._pad = int(0.9 * self._em), int(0.65 * self._em)
        names = ("Conditioning" if self._conditioned else "G predicts", "D predicts", "Override")
        self._dot, self._number = round(1.1 * self._em), self._width("+180.0°") + round(0.7 * self._em)
        self._names = max(map(self._width, names))
        self._table_width = round(2 * self._pad + self._dot + self._names + 2 * self._number)

    def draw(self, picture: NDArray[np.uint8], frame: Frame) -> None:
        """Draw into a picture [height, width, 3] what is known of its frame."""
        canvas = Image.fromarray(picture)
        taken = self._draw_poses(canvas, frame) if self._poses else 0
        if self._histogram is not None:
            self._draw_histogram(canvas, frame, taken)
        picture[:] = np.asarray(canvas)

    # ----------------------------------------------------------------------------------------------- poses
    def _rows(self, frame: Frame) -> list[tuple[str, str, Pose, bool]]:
        """Key, name, pose and whether the picture is taken from it."""
        source, asked = frame.view.pose.source, frame.view.pose
        name = "Conditioning" if self._conditioned else "G predicts"
        rows = [("generator", name, frame.generator_pose, source == "predicted")]
        if frame.discriminator_pose is not None:
            rows.append(("discriminator", "D predicts", frame.discriminator_pose, False))
        if source == "override":
            rows.append(("override", "Override", Pose(asked.override_yaw, asked.override_pitch), True))
        elif source == "free":
            rows.append(("camera", "Camera", frame.camera_pose, True))
        return rows

    def _draw_poses(self, canvas: Image.Image, frame: Frame) -> int:
        """Draw the table; where it ends from above, pixels."""
        rows, em, pad = self._rows(frame), self._em, self._pad
        dot, line = self._dot, round(1.35 * em)
        size = (self._table_width, line * (len(rows) + 1) + 2 * pad - line // 4)
        if not self._fits(size):
            return 0
        left, top = self._left + self._gap, self._top + self._gap
        self._box(canvas, left, top, size)
        draw = ImageDraw.Draw(canvas)
        first = left + pad + dot + self._names + self._number
        y = top + pad
        for heading, right in (("yaw", first), ("pitch", first + self._number)):
            draw.text((right, y), heading, _DIM, self._font, anchor="ra")
        for key, name, pose, used in rows:
            y += line
            centre = (left + pad + 0.3 * em, y + 0.62 * em)
            self._shape(canvas, centre, "dot" if used else "ring", 0.3 * em, _COLOURS[key])
            draw.text((left + pad + dot, y), name, _TEXT if used else _DIM, self._font)
            for angle, right in ((pose.yaw, first), (pose.pitch, first + self._number)):
                draw.text((right, y), format_degrees(angle), _TEXT, self._font, anchor="ra")
        return top + size[1]

    # ------------------------------------------------------------------------------------------- histogram
    @cached_property
    def _map(self) -> Image.Image:
        """The distribution, yaw to the right and pitch upwards."""
        assert self._histogram is not None
        yaw, pitch = self._histogram.yaw_edges, self._histogram.pitch_edges
        ratio = (pitch[-1] - pitch[0]) / (yaw[-1] - yaw[0])
        width, most = (edge * self._em for edge in _MAP_EM)
        size = (round(width), round(min(width * ratio, most)))
        counts = self._histogram.counts.T[::-1]
        share = np.sqrt(counts / max(1, int(counts.max(initial=0))))  # rare poses stay visible
        stops = np.array([[int(stop[i : i + 2], 16) for i in (0, 2, 4)] for stop in _HEAT], float)
        places = np.linspace(0.0, 1.0, len(stops))
        colours = np.stack([np.interp(share, places, stops[:, i]) for i in range(3)], axis=-1)
        heat = Image.fromarray(np.rint(colours).astype(np.uint8))
        return heat.resize(size, Image.Resampling.BILINEAR)

    def _draw_histogram(self, canvas: Image.Image, frame: Frame, taken: int) -> None:
        """Draw the map with its markers, if there is room below what is taken from above."""
        em, pad, heat = self._em, self._pad, self._map
        line = round(1.25 * em)
        size = (heat.width + 2 * pad, heat.height + 2 * pad + line)
        if not self._fits(size, taken):
            return
        left, top = self._left + self._gap, canvas.height - self._top - self._gap - size[1]
        self._box(canvas, left, top, size)
        corner = (left + pad, top + pad)
        canvas.paste(heat, corner)
        draw = ImageDraw.Draw(canvas)
        low = corner[1] + heat.height
        draw.rectangle((corner[0] - 1, corner[1] - 1, corner[0] + heat.width, low), outline=_EDGE)
        assert self._histogram is not None
        yaws, pitches = self._histogram.yaw_edges, self._histogram.pitch_edges
        below = low + round(0.25 * em)
        for edge, x, anchor in (
            (yaws[0], corner[0], "la"),
            (yaws[-1], corner[0] + heat.width, "ra"),
        ):
            text = f"{math.degrees(edge):+.0f}°".replace("-", "−")
            draw.text((x, below), text, _DIM, self._font, anchor=anchor)
        draw.text((corner[0] + heat.width / 2, below), "yaw", _DIM, self._font, anchor="ma")
        for key, kind, pose in self._markers(frame):
            shares = [
                min(max((angle - edges[0]) / (edges[-1] - edges[0]), 0.0), 1.0)
                for angle, edges in ((pose.yaw, yaws), (pose.pitch, pitches))
            ]
            place = (corner[0] + shares[0] * heat.width, low - shares[1] * heat.height)
            self._shape(canvas, place, kind, 0.42 * em, _COLOURS[key], shaded=True)

    def _markers(self, frame: Frame) -> list[tuple[str, str, Pose]]:
        """As in the window's histogram: they can lie on each other."""
        source = frame.view.pose.source
        camera = "override" if source == "override" else "camera"
        markers = [(camera, "wide ring", frame.camera_pose), ("generator", "dot", frame.generator_pose)]
        if frame.discriminator_pose is not None:
            markers.append(("discriminator", "diamond", frame.discriminator_pose))
        return markers

    # ---------------------------------------------------------------------------------------------- shapes
    def _fits(self, size: tuple[int, int], taken: int = 0) -> bool:
        width, height = self._size
        wide = self._left + size[0] <= _WIDEST * width
        return wide and max(taken, self._top) + size[1] + 2 * self._gap + self._top <= height

    def _width(self, text: str) -> float:
        return float(self._font.getlength(text))

    def _box(self, canvas: Image.Image, left: int, top: int, size: tuple[int, int]) -> None:
        mask = self._boxes.get(size)
        if mask is None:
            large = Image.new("L", (size[0] * _FINE, size[1] * _FINE))
            whole = (0, 0, large.width - 1, large.height - 1)
            ImageDraw.Draw(large).rounded_rectangle(whole, round(0.45 * self._em * _FINE), _BOX[3])
            mask = self._boxes[size] = large.resize(size, Image.Resampling.BOX)
        canvas.paste(_BOX[:3], (left, top), mask)

    def _shape(
        self,
        canvas: Image.Image,
        centre: tuple[float, float],
        kind: str,
        radius: float,
        colour: Colour,
        *,
        shaded: bool = False,
    ) -> None:
        """A dot, ring, wide ring or diamond with smooth edges, anywhere between pixels."""
        reach = math.ceil(1.8 * radius) + 1
        left, top = math.floor(centre[0]) - reach, math.floor(centre[1]) - reach
        side = (2 * reach + 1) * _FINE
        x, y = ((place - start) * _FINE for place, start in zip(centre, (left, top), strict=True))

        def mask(grow: float) -> Image.Image:
            large = Image.new("L", (side, side))
            draw = ImageDraw.Draw(large)
            r = radius * _FINE
            if kind == "diamond":
                r = 0.95 * r + grow
                draw.polygon([(x - r, y), (x, y - r), (x + r, y), (x, y + r)], 255)
            elif kind == "dot":
                r = (0.75 if shaded else 1.0) * r + grow
                draw.ellipse((x - r, y - r, x + r, y + r), 255)
            else:
                r = (1.35 if kind == "wide ring" else 1.0) * r + grow
                wide = 0.3 * radius * _FINE + 2 * grow
                draw.ellipse((x - r, y - r, x + r, y + r), outline=255, width=max(1, round(wide)))
            return large.resize((side // _FINE, side // _FINE), Image.Resampling.BOX)

        if shaded:
            dark = mask(0.18 * radius * _FINE).point(lambda value: value * 3 // 4)
            canvas.paste((0, 0, 0), (left, top), dark)
        canvas.paste(colour, (left, top), mask(0.0))
