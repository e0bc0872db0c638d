"""Thumbnails of latents: a strip of neighbouring seeds, and where the user has been."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from imgui_bundle import imgui

from viz import theme, ui
from viz.explore_state import Picture
from viz.latent_edits import describe, is_between
from viz.panel import PanelContext
from viz.seed_map import step_seed
from viz.view import LatentView
from widgets import common

if TYPE_CHECKING:
    from viz.window.textures import Texture  # the window chooses the OpenGL that it needs

ACROSS = 5
"""Thumbnails in a line."""
_STEPS = range(-(ACROSS // 2), ACROSS // 2 + 1)
_NEAREST_FIRST = sorted(enumerate(_STEPS), key=lambda entry: (abs(entry[1]), -entry[1]))
_TEXTURES = 160
_LOOK_SECONDS = 0.25
"""Until the next look at whether a missing thumbnail has come."""


class Pictures:
    """Pictures on the graphics card, as long as they are drawn."""

    def __init__(self) -> None:
        self._textures: OrderedDict[int, tuple[Picture, Texture]] = OrderedDict()
        self._near: tuple[LatentView, list[LatentView]] | None = None

    def neighbours(self, latent: LatentView) -> list[LatentView]:
        """The seeds around a latent."""
        if self._near is None or self._near[0] is not latent:
            self._near = (latent, [step_seed(latent, step) for step in _STEPS])
        return self._near[1]

    def texture(self, picture: Picture) -> Texture:
        """A picture for ImGui; uploaded once. It must not change."""
        from viz.window.textures import Texture

        known = self._textures.get(id(picture))
        if known is None:
            # The picture is held, too: its identity would be another's after its end.
            known = self._textures[id(picture)] = (picture, Texture())
            known[1].upload(picture)
            while len(self._textures) > _TEXTURES:
                self._textures.popitem(last=False)[1][1].release()
        self._textures.move_to_end(id(picture))
        return known[1]

    def tile(
        self, name: str, picture: Picture | None, side: float, help: str, *, chosen: bool = False
    ) -> bool:
        """A picture to click, or an empty place for one that is not there yet; whether it was clicked."""
        clicked = imgui.invisible_button(f"##{name}", (side, side))
        ui.mark(name)
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        lines, rounding = imgui.get_window_draw_list(), 0.25 * common.em()
        hovered = imgui.is_item_hovered()
        if picture is None:
            lines.add_rect_filled(low, high, common.color(theme.PANEL_LOW), rounding)
            dots = "…"
            size = imgui.calc_text_size(dots)
            corner = ((low.x + high.x - size.x) / 2, (low.y + high.y - size.y) / 2)
            lines.add_text(corner, common.style_color(imgui.Col_.text_disabled), dots)
        else:
            tint = common.color((1.0, 1.0, 1.0, 1.0))
            reference = self.texture(picture).reference
            lines.add_image_rounded(reference, low, high, (0.0, 0.0), (1.0, 1.0), tint, rounding)
        if chosen:
            lines.add_rect(low, high, common.color(theme.ACCENT), rounding, 0.16 * common.em())
        else:
            lines.add_rect(low, high, common.color(theme.ACCENT_DIM if hovered else theme.BORDER), rounding)
        common.tooltip(help)
        return bool(clicked)


def side_of_tiles() -> tuple[float, float]:
    """Side of tiles that fill a line, and the gap between them; pixels."""
    gap = imgui.get_style().item_inner_spacing.x
    room = imgui.get_content_region_avail().x
    return max(1.0, float(int((room - gap * (ACROSS - 1)) / ACROSS))), gap


def draw_neighbours(pictures: Pictures, latent: LatentView, context: PanelContext) -> LatentView:
    """The seeds around the present one; a click goes there."""
    side, gap = side_of_tiles()
    chosen = latent
    missing = False
    left = imgui.get_cursor_pos_x()
    near = pictures.neighbours(latent)
    # The nearest first: that is also the order in which they are made.
    known = {step: context.explore.thumbnail(near[i]) for i, step in _NEAREST_FIRST}
    for i, step in enumerate(_STEPS):
        if i:
            imgui.same_line(left + i * (side + gap))
        picture = known[step]
        missing |= picture is None
        here = step == 0
        text = f"Seed {near[i].seed}, from its own pose"
        if pictures.tile(f"Explore/Neighbour {step:+d}", picture, side, text, chosen=here):
            chosen = near[i]
    for i, one in enumerate(near):
        text = ui.fit_text(str(one.seed), side, keep_end=True)
        width = imgui.calc_text_size(text).x
        if i:
            imgui.same_line()
        imgui.set_cursor_pos_x(left + i * (side + gap) + (side - width) / 2)
        if _STEPS[i] == 0 and not is_between(latent):
            imgui.text_unformatted(text)
        else:
            imgui.text_disabled(text)
    if missing and context.network is not None:
        ui.redraw_within(_LOOK_SECONDS)
    return chosen


def draw_visited(pictures: Pictures, latent: LatentView, context: PanelContext) -> LatentView:
    """Latents looked at before; a click goes there."""
    if not context.explore.visited:
        common.paragraph("Stay with a latent for a moment, and it appears here.")
        return latent
    side, gap = side_of_tiles()
    left, chosen = imgui.get_cursor_pos_x(), latent
    imgui.push_style_var(imgui.StyleVar_.item_spacing, (gap, gap))
    for i, one in enumerate(context.explore.visited):
        if i % ACROSS:
            imgui.same_line(left + (i % ACROSS) * (side + gap))
        here = one.latent == latent
        if pictures.tile(f"Explore/Visited {i}", one.picture, side, describe(one.latent), chosen=here):
            chosen = one.latent
    imgui.pop_style_var()
    return chosen
