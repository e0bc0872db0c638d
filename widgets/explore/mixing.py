"""Style mixing: a second seed, and which layers come from it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from imgui_bundle import imgui

from viz import theme, ui
from viz.latent_edits import mixing, num_ws, with_mix_range, with_mixing
from viz.panel import PanelContext
from viz.seed_map import SEED_COUNT, with_seed
from viz.view import LatentView
from widgets import common
from widgets.explore.pictures import Pictures

_USUAL_LAYERS = 14
"""To draw with while no network is open."""


def presets(layers: int) -> dict[str, tuple[int, int]]:
    """Named ranges of so many layers: first, and the one after the last."""
    # As in the StyleGAN paper: shape in the first resolutions, colours in the last.
    third = max(1, layers // 3)
    return {
        "Coarse": (0, third),
        "Middle": (third, layers - third),
        "Fine": (layers - third, layers),
        "All": (0, layers),
    }


class MixingControls:
    """Switch, second seed and layer range."""

    def __init__(self) -> None:
        self._grab: Literal["first", "end", "both"] | None = None
        self._at = 0.0

    def draw(self, latent: LatentView, context: PanelContext, pictures: Pictures) -> LatentView:
        """Draw them; the latent, changed where the user changed it."""
        info = context.network
        layers = num_ws(info.config.generator.plane_resolution) if info is not None else _USUAL_LAYERS
        on = common.checkbox(
            "Explore/Mix",
            latent.mix_seed is not None,
            "Take some layers' w from a second seed: coarse layers carry the shape, fine ones the colours. "
            "The predicted pose stays that of the first seed.",
        )
        latent = with_mixing(latent, on, layers)
        if latent.mix_seed is None:
            return latent
        style = imgui.get_style()
        side = 2 * imgui.get_frame_height() + style.item_spacing.y
        second = replace(with_seed(latent, latent.mix_seed), mix_seed=None, directions=())
        picture = context.explore.thumbnail(second)
        if picture is None:
            ui.redraw_within(0.25)
        text = f"Seed {latent.mix_seed}, which is mixed in. Click: exchange the two."
        if pictures.tile("Explore/Second", picture, side, text):
            latent = replace(with_seed(latent, latent.mix_seed), mix_seed=latent.seed)
        imgui.same_line()
        imgui.begin_group()
        latent = _draw_seed(latent)
        latent = self._draw_range(latent, layers)
        imgui.end_group()
        return _draw_presets(latent, layers)

    def _draw_range(self, latent: LatentView, layers: int) -> LatentView:
        """A bar of all layers with the chosen ones lit; its ends and its middle can be dragged."""
        name = "Explore/Layers"
        size = (max(1.0, imgui.get_content_region_avail().x), imgui.get_frame_height())
        imgui.invisible_button(f"##{name}", size)
        ui.mark(name)
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        first, end = _range_of(latent, layers)
        width = (high.x - low.x) / layers
        mouse = imgui.get_mouse_pos().x
        if imgui.is_item_activated():
            self._at = (mouse - low.x) / width
            self._grab = _grabbed(self._at, first, end)
        if imgui.is_item_active() and self._grab is not None:
            first, end = self._dragged((mouse - low.x) / width, first, end, layers)
            if (first, end) != _range_of(latent, layers):
                latent = with_mix_range(latent, first, end, layers)
        lit = imgui.is_item_hovered() or imgui.is_item_active()
        if lit:
            over = self._grab if imgui.is_item_active() else _grabbed((mouse - low.x) / width, first, end)
            cursor = imgui.MouseCursor_.resize_all if over == "both" else imgui.MouseCursor_.resize_ew
            imgui.set_mouse_cursor(cursor)
        _paint_range((low.x, low.y), (high.x, high.y), (first, end, layers), lit)
        if not imgui.is_item_active():
            common.tooltip(
                "Layers of the backbone, coarse at the left, fine at the right; the lit ones come from the "
                "second seed. Drag an end, or the middle."
            )
        return latent

    def _dragged(self, at: float, first: int, end: int, layers: int) -> tuple[int, int]:
        if self._grab == "first":
            return min(max(round(at), 0), end - 1), end
        if self._grab == "end":
            return first, max(min(round(at), layers), first + 1)
        step = round(at - self._at)
        step = min(max(step, -first), layers - end)
        self._at += step
        return first + step, end + step


def _range_of(latent: LatentView, layers: int) -> tuple[int, int]:
    mixed = mixing(latent, layers)
    return mixed[1:] if mixed is not None else (layers - 1, layers)


def _grabbed(at: float, first: int, end: int) -> Literal["first", "end", "both"]:
    """What a press at a layer takes: the nearer end, or all if it is well inside."""
    reach = min(0.75, (end - first) / 3)
    if first + reach < at < end - reach:
        return "both"
    return "first" if abs(at - first) < abs(at - end) else "end"


def _paint_range(
    low: tuple[float, float], high: tuple[float, float], shown: tuple[int, int, int], lit: bool
) -> None:
    first, end, layers = shown
    lines, em, rounding = imgui.get_window_draw_list(), common.em(), imgui.get_style().frame_rounding
    lines.add_rect_filled(low, high, common.style_color(imgui.Col_.frame_bg), rounding)
    width = (high[0] - low[0]) / layers
    left, right = low[0] + first * width, low[0] + end * width
    lines.add_rect_filled((left, low[1]), (right, high[1]), common.color(theme.ACCENT_DIM), rounding)
    for i in range(1, layers):
        x = low[0] + i * width
        lines.add_line((x, low[1] + 0.25 * em), (x, high[1] - 0.25 * em), common.color(theme.BORDER))
    grip = 0.24 * em
    for x in (left + grip / 2, right - grip / 2):
        ink = common.color(theme.ACCENT, 1.0 if lit else 0.8)
        lines.add_rect_filled((x - grip / 2, low[1]), (x + grip / 2, high[1]), ink, rounding)
    text = f"{first} – {end - 1}  of {layers}" if end - first > 1 else f"{first}  of {layers}"
    size = imgui.calc_text_size(text)
    # In the widest part: what is lit, or a side.
    parts = ((left + grip, right - grip), (low[0], left), (right, high[0]))
    begin, stop = parts[0] if right - left > size.x + em else max(parts, key=lambda part: part[1] - part[0])
    corner = (round((begin + stop - size.x) / 2), round((low[1] + high[1] - size.y) / 2))
    lines.add_text(corner, common.style_color(imgui.Col_.text), text)


def _draw_seed(latent: LatentView) -> LatentView:
    assert latent.mix_seed is not None
    gap = imgui.get_style().item_inner_spacing.x
    room = imgui.get_content_region_avail().x - 2 * (imgui.get_frame_height() + gap)
    imgui.set_next_item_width(max(2 * common.em(), room))
    flags = imgui.InputTextFlags_.chars_decimal | imgui.InputTextFlags_.auto_select_all
    name = "Explore/Second seed"
    changed, value = imgui.input_double(f"##{name}", float(latent.mix_seed), 0.0, 0.0, "%.0f", int(flags))
    ui.mark(name)
    common.tooltip("The second seed.")
    if changed and math.isfinite(value):
        latent = replace(latent, mix_seed=min(max(round(value), 0), SEED_COUNT - 1))
    for sign, icon, help_text in ((-1, "minus", "Previous seed"), (1, "plus", "Next seed")):
        imgui.same_line(0.0, gap)
        if common.icon_button(f"{name} {'-' if sign < 0 else '+'}", icon, help_text):  # type: ignore[arg-type]
            latent = replace(latent, mix_seed=((latent.mix_seed or 0) + sign) % SEED_COUNT)
    return latent


def _draw_presets(latent: LatentView, layers: int) -> LatentView:
    known = presets(layers)
    explained = {
        "Coarse": "Shape and proportions.",
        "Middle": "Features.",
        "Fine": "Colours and texture.",
        "All": "Everything but the pose.",
    }
    options = [(span, text, explained[text]) for text, span in known.items()]
    current = _range_of(latent, layers)
    chosen = common.segmented("Explore/Preset", options, current, labelled=False)
    return with_mix_range(latent, *chosen, layers) if chosen != current else latent
