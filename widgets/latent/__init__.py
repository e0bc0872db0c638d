"""The Latent panel: which latent, how far from the mean, and whether with noise."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from imgui_bundle import imgui

from viz import locking, theme, ui
from viz.interpolation import weights_of
from viz.latent_edits import is_between, num_ws
from viz.panel import Actions, PanelContext
from viz.seed_map import lattice_seed, step_seed, with_seed
from viz.view import SEED_STRIDE, LatentView, View
from viz.walks import Walk
from widgets import common
from widgets.latent.walking import WalkControls

RANDOM_SEEDS = 100_000
"""Random seeds stay short enough to be told to a friend."""
SEED_HELP = (
    "Every seed is another random latent z: hundreds of normal numbers that the network turns into one "
    "object, and into the pose that it is seen from."
)
MAX_PSI = 1.2
CELL_EM = 3.6
"""Distance between two seeds on the map, font heights."""
MAP_EM = (6.6, 10.4)
"""Least and greatest height of the map, font heights: it leaves room for what is below it."""
_LINES_BELOW = 6


def snapped(latent: LatentView) -> LatentView:
    """The nearest seed's own latent."""
    return replace(latent, x=float(round(latent.x)), y=float(round(latent.y)), blend=())


def dragged(latent: LatentView, pixels: tuple[float, float], cell: float) -> LatentView:
    """The latent under the cross after the map moved by so many pixels, as a map under a finger does."""
    return replace(latent, x=round(latent.x - pixels[0] / cell, 4), y=round(latent.y - pixels[1] / cell, 4))


def seed_text(seed: int) -> str:
    """A seed's label on the map; long ones show their ends."""
    text = str(seed)
    return text if len(text) <= 6 else f"…{text[-4:]}"


def neighbours(x: float, y: float) -> list[tuple[int, int, float]]:
    """The lattice points (column, row) that a point mixes, with their bilinear weights, heaviest first."""
    column, row = math.floor(x), math.floor(y)
    u, v = x - column, y - row
    corners = [
        (column, row, (1 - u) * (1 - v)),
        (column + 1, row, u * (1 - v)),
        (column, row + 1, (1 - u) * v),
        (column + 1, row + 1, u * v),
    ]
    return sorted((c for c in corners if c[2] > 0), key=lambda c: -c[2])


def shares(latent: LatentView) -> list[tuple[int, float]]:
    """The seeds that are mixed and how much of each there is; the heaviest first, but on a timeline's way."""
    if latent.blend:  # of seeds that are no neighbours, on a timeline
        return [(LatentView(*point).seed, weight**2) for point, weight in weights_of(latent).items()]
    return [(lattice_seed(column, row), weight) for column, row, weight in neighbours(latent.x, latent.y)]


def shares_text(parts: Sequence[tuple[int, float]], fits: Callable[[str], bool]) -> str:
    """The first two seeds in one line; of seeds with many digits only what fits."""
    texts = [f"{seed}: {weight:.0%}" for seed, weight in parts[:2]]
    both = "  ".join(texts)
    lines = [f"between  {both}", both, f"{texts[0]}  …"]
    return next((line for line in lines if fits(line)), lines[-1])


class LatentPanel:
    """Seed, seed map, truncation and noise.

    Parameters
    ----------
    generator : random.Random, optional
        Where random seeds come from.
    """

    title = "Latent"

    def __init__(self, generator: random.Random | None = None) -> None:
        self._random = generator or random.Random()
        self._walks = WalkControls()

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel and return the View, with its latent changed where the user changed it."""
        with common.disabled(context.network is None):
            latent = self._draw_seed(view.latent)
            latent = _draw_map(latent, context.explore.walk, self._walks, actions)
            latent = self._walks.draw(latent, context.explore.walk, actions)
            latent = _draw_truncation(latent, context)
            _draw_lock(view, actions)
        return view if latent == view.latent else replace(view, latent=latent)

    def _draw_seed(self, latent: LatentView) -> LatentView:
        gap = imgui.get_style().item_inner_spacing.x
        common.row("Latent/Seed", SEED_HELP, trailing_buttons=3)
        flags = imgui.InputTextFlags_.chars_decimal | imgui.InputTextFlags_.auto_select_all
        changed, value = imgui.input_double("##Latent/Seed", float(latent.seed), 0.0, 0.0, "%.0f", int(flags))
        ui.mark("Latent/Seed")
        common.control_tooltip(SEED_HELP)
        if changed and math.isfinite(value) and round(value) != latent.seed:
            latent = with_seed(latent, round(value))
        imgui.same_line(0.0, gap)
        if common.icon_button("Latent/Seed -", "minus", "Previous seed  [ [ ]"):
            latent = step_seed(latent, -1)
        imgui.same_line(0.0, gap)
        if common.icon_button("Latent/Seed +", "plus", "Next seed  [ ] ]"):
            latent = step_seed(latent, 1)
        imgui.same_line(0.0, gap)
        if common.icon_button("Latent/Random", "dice", f"A random seed, below {RANDOM_SEEDS:,}"):
            latent = with_seed(latent, self._random.randrange(RANDOM_SEEDS))
        return latent


def _draw_map(latent: LatentView, walk: Walk | None, walks: WalkControls, actions: Actions) -> LatentView:
    cell = CELL_EM * common.em()
    room = imgui.get_content_region_avail()
    rest = room.y - _LINES_BELOW * imgui.get_frame_height_with_spacing() - imgui.get_style().item_spacing.y
    height = min(max(rest, MAP_EM[0] * common.em()), MAP_EM[1] * common.em())
    size = (max(1.0, room.x), height)
    imgui.invisible_button("##Latent/Seed map", size)
    ui.mark("Latent/Seed map")
    active = imgui.is_item_active()
    hovered = imgui.is_item_hovered()
    low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
    centre = ((low.x + high.x) / 2, (low.y + high.y) / 2)
    drawing = walks.pen(latent, centre, cell, walk, actions)
    if active and not drawing and imgui.is_mouse_dragging(imgui.MouseButton_.left, 0.0):
        delta = imgui.get_io().mouse_delta
        if delta.x or delta.y:
            latent = dragged(latent, (delta.x, delta.y), cell)
    if hovered or active:
        hand = imgui.MouseCursor_.hand if drawing or walks.armed else imgui.MouseCursor_.resize_all
        imgui.set_mouse_cursor(hand)
    if not active:
        common.tooltip(
            "The map of seeds: drag it and the latent under the cross changes, mixing its four neighbours. "
            f"A step to the right is the next seed, a step down {SEED_STRIDE} seeds.\n"
            "Shift or Alt + drag draws a path to walk along."
        )
    _paint_map(latent, (low.x, low.y), (high.x, high.y), cell, hovered or active)
    walks.paint(latent, (low.x, low.y), (high.x, high.y), cell, walk)

    mixed = is_between(latent)
    text = "Snap to seed"
    width = imgui.calc_text_size(text).x + 2 * imgui.get_style().frame_padding.x
    imgui.align_text_to_frame_padding()
    if mixed:
        parts = shares(latent)
        left = imgui.get_content_region_avail().x - width - imgui.get_style().item_spacing.x
        imgui.text_disabled(shares_text(parts, lambda text: imgui.calc_text_size(text).x <= left))
        common.tooltip("\n".join(f"seed {seed}: {weight:.0%}" for seed, weight in parts))
    else:
        imgui.text_disabled("exactly on a seed")
    ui.mark("Latent/Between")
    imgui.same_line()
    imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + imgui.get_content_region_avail().x - width)
    if common.button(f"Latent/{text}", "Move to the nearest seed.", enabled=mixed):
        latent = snapped(latent)
    return latent


def _paint_map(
    latent: LatentView, low: tuple[float, float], high: tuple[float, float], cell: float, lit: bool
) -> None:
    lines = imgui.get_window_draw_list()
    em = common.em()
    rounding = imgui.get_style().frame_rounding
    lines.add_rect_filled(low, high, common.color(theme.PANEL_LOW), rounding)
    lines.push_clip_rect(low, high, True)
    centre = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)
    # Half a cell farther than can be seen, where a number begins that reaches into it.
    reach_x, reach_y = ((far - near) / 2 / cell + 0.5 for near, far in zip(low, high, strict=True))
    columns = range(math.ceil(latent.x - reach_x), math.floor(latent.x + reach_x) + 1)
    row0 = round(latent.y)
    weights = {(column, row): weight for column, row, weight in neighbours(latent.x, latent.y)}
    accent = theme.POSE_COLOURS["generator"]
    line, quiet = common.style_color(imgui.Col_.text, 0.07), common.style_color(imgui.Col_.text_disabled)
    ink = common.style_color(imgui.Col_.text)
    for row in range(math.ceil(latent.y - reach_y), math.floor(latent.y + reach_y) + 1):
        y = centre[1] + (row - latent.y) * cell
        lines.add_line((low[0], y), (high[0], y), line)
        for column in columns:
            x = centre[0] + (column - latent.x) * cell
            if row == row0:
                lines.add_line((x, low[1]), (x, high[1]), line)
            weight = weights.get((column, row), 0.0)
            # Beyond the zero seeds wrap around to numbers that say nothing.
            text = seed_text(lattice_seed(column, row)) if column + SEED_STRIDE * row >= 0 else ""
            if weight:
                radius = em * (0.16 + 0.24 * math.sqrt(weight))
                lines.add_circle_filled((x, y), radius, common.color(accent, 0.45 + 0.55 * weight))
            else:
                lines.add_circle_filled((x, y), em * 0.12, quiet)
            width = imgui.calc_text_size(text).x
            lines.add_text((x - width / 2, y + em * 0.45), ink if weight else quiet, text)
    arm = em * 0.75
    for sign in (-1, 1):
        lines.add_line(
            (centre[0] + sign * arm * 0.45, centre[1]), (centre[0] + sign * arm, centre[1]), ink, em * 0.1
        )
        lines.add_line(
            (centre[0], centre[1] + sign * arm * 0.45), (centre[0], centre[1] + sign * arm), ink, em * 0.1
        )
    lines.pop_clip_rect()
    lines.add_rect(low, high, common.color(theme.ACCENT_DIM if lit else theme.BORDER), rounding)


def _draw_truncation(latent: LatentView, context: PanelContext) -> LatentView:
    changed, psi = common.slider(
        "Latent/Truncation ψ",
        latent.truncation_psi,
        0.0,
        MAX_PSI,
        "%.2f",
        "Pulls the latent towards the mean: 1 leaves it alone, 0 is the average object. Lower values look "
        "cleaner and more alike.\nIt does not move the predicted pose, which is read from the latent itself.",
        default=1.0,
    )
    if changed:
        latent = replace(latent, truncation_psi=psi)

    layers = num_ws(context.network.config.generator.plane_resolution) if context.network else 14
    cutoff = layers if latent.truncation_cutoff is None else min(latent.truncation_cutoff, layers)
    changed, cutoff = common.slider_int(
        "Latent/Cutoff",
        cutoff,
        0,
        layers,
        f"all {layers} layers" if cutoff == layers else f"first %d of {layers}" if cutoff else "none",
        "How many layers of the backbone ψ applies to, coarsest first. With few, the shape is pulled to the "
        "mean while colours and detail stay the seed's own.",
        default=layers,
    )
    if changed:
        latent = replace(latent, truncation_cutoff=None if cutoff == layers else cutoff)

    noise = common.checkbox(
        "Latent/Noise",
        latent.noise == "const",
        "The backbone adds stored per-pixel noise to its features: hair, fur, texture. Without it, "
        "images are smoother.",
    )
    return (
        replace(latent, noise="const" if noise else "none") if noise != (latent.noise == "const") else latent
    )


def _draw_lock(view: View, actions: Actions) -> None:
    """Behind the check box of the noise: whether the camera follows the predicted pose."""
    imgui.same_line(imgui.get_cursor_pos_x() + (common.LABEL_EM + 2.4) * common.em())
    now = locking.is_locked(view)
    _, wanted = imgui.checkbox("Lock camera##Latent", now)
    ui.mark("Latent/Lock camera")
    common.tooltip(
        "The pose lives in the latent: another latent is seen from elsewhere. Locked, the camera stays where "
        "it is, and you see what the latent does to the object alone.  [ L ]"
    )
    if wanted != now:
        actions.lock_camera(wanted)
