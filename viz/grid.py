"""Grids of pictures: one seed a row, one yaw a column, with labels, as a PNG that remembers its View."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pof3d.errors import ConfigError
from pof3d.text import format_degrees
from viz.captures import capture_stem, free_path, save_pixels
from viz.comparing import GridPlan
from viz.files import check_target, save_error
from viz.frame import Frame, Pose
from viz.lettering import font
from viz.limits import YAW, Span, check_view
from viz.posing import with_override
from viz.seed_map import SEED_COUNT, with_seed
from viz.stages import never
from viz.video_panes import assemble, pane_of
from viz.view import DisplayMode, View

if TYPE_CHECKING:
    from viz.engine import Engine
    from viz.jobs import Control

COUNT = Span(1, 64)
"""Of rows and of columns."""
CELL = Span(16, 1024)
"""Side of a picture, pixels."""
MOST_PIXELS = 100_000_000
GAP = 2
"""Between two pictures, pixels."""
PAPER, INK = (255, 255, 255), (40, 44, 50)
_SURVEYED = 9
"""Pictures that a fitted depth range is fitted to."""


@dataclass(frozen=True)
class GridRequest:
    """Which pictures, and how large."""

    seeds: tuple[int, ...]
    """Of the rows, from the top."""
    yaws: tuple[float, ...]
    """Of the columns, from the left; radians."""
    pitch: float | None = None
    """Of all, radians; None: as each seed predicts it, or is conditioned on."""
    cell: int = 192
    """Side of one picture, pixels; depth beside it doubles the width."""


def planned(view: View, plan: GridPlan) -> GridRequest:
    """The grid that a plan means for a View: its seed is the first; a pitch that was set by hand stays."""
    first = view.latent.seed
    seeds = tuple((first + i) % SEED_COUNT for i in range(plan.seeds))
    steps = max(plan.yaws - 1, 1)
    span = plan.last_yaw - plan.first_yaw
    yaws = tuple(plan.first_yaw + span * i / steps for i in range(plan.yaws))
    if plan.yaws == 1:
        yaws = ((plan.first_yaw + plan.last_yaw) / 2,)
    pitch = {"predicted": None, "override": view.pose.override_pitch, "free": view.camera.pitch}
    return GridRequest(seeds, yaws, pitch[view.pose.source], plan.cell)


def check_grid(request: GridRequest, view: View | None = None) -> None:
    """Refuse a grid that cannot be made, before any work is done for it.

    Raises
    ------
    ConfigError
        Naming the value and what it may be.
    """
    for what, values in (("rows", request.seeds), ("columns", request.yaws)):
        if not COUNT.low <= len(values) <= COUNT.high:
            raise ConfigError(
                f"A grid of {len(values)} {what} cannot be made", f"there must be 1 to {COUNT.high}"
            )
    for seed in request.seeds:
        if not 0 <= seed < SEED_COUNT:
            raise ConfigError(
                f"A seed of {seed} cannot be used", f"it must lie between 0 and {SEED_COUNT - 1}"
            )
    for yaw in request.yaws:
        if not YAW.low <= yaw <= YAW.high:
            raise ConfigError(f"A yaw of {math.degrees(yaw):g}° cannot be used")
    if not CELL.low <= request.cell <= CELL.high:
        raise ConfigError(
            f"Cells of {request.cell} pixels cannot be made", f"their side must be {CELL.low} to {CELL.high}"
        )
    wide = len(_modes(view)) if view is not None else 1
    if len(request.seeds) * len(request.yaws) * wide * request.cell**2 > MOST_PIXELS:
        raise ConfigError(
            "The grid is too large", f"it would have more than {MOST_PIXELS // 10**6} million pixels"
        )
    if view is not None:
        check_view(with_override(view, Pose(0.0, request.pitch or 0.0)))


def grid_views(engine: Engine, view: View, request: GridRequest) -> list[list[View]]:
    """The Views of all cells, row by row."""
    rows = []
    for seed in request.seeds:
        one = replace(view, latent=with_seed(view.latent, seed))
        pitch = request.pitch if request.pitch is not None else engine.predicted_pose(one).pitch
        rows.append([with_override(one, Pose(yaw, pitch)) for yaw in request.yaws])
    return rows


def make_grid(
    engine: Engine,
    view: View,
    request: GridRequest,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = never,
) -> NDArray[np.uint8]:
    """Render a grid at full quality: [H, W, 4].

    Parameters
    ----------
    engine : Engine
    view : View
        Everything but seed and pose.
    request : GridRequest
        Rows, columns, and the size of a cell.
    progress : callable, optional
        Takes the cells done and their total.
    cancelled : callable
        Asked between stages and slices of rays.

    Raises
    ------
    Pof3dError
        When a cell cannot be rendered.
    Cancelled
        When the cancel token was pulled.
    """
    check_grid(request, view)
    engine.load(view.network.path, cancelled=cancelled)
    rows = grid_views(engine, view, request)
    if view.display.depth_range is None and any(pane_of(mode).ranged for mode in _modes(view)):
        rows = _with_one_range(engine, rows, cancelled)
    side, total = request.cell, len(request.seeds) * len(request.yaws)
    width = side * len(_modes(view))
    sheet, left, top = _paper(request, width)
    pixels = np.array(sheet)
    for row, cells in enumerate(rows):
        for column, one in enumerate(cells):
            picture = _sized(engine.render(one, "full", cancelled, discriminator=False), side)
            y, x = top + row * (side + GAP), left + column * (width + GAP)
            pixels[y : y + side, x : x + width] = picture
            if progress is not None:
                progress(row * len(cells) + column + 1, total)
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


def save_free(engine: Engine, view: View, request: GridRequest, folder: Path, control: Control) -> Path:
    """Make a grid as a job, and save it under a free name in a folder, which is made; where it is."""

    def report(done: int, total: int) -> None:
        control.report(done / (total + 1), f"{done} / {total}")

    pixels = make_grid(engine, view, request, progress=report, cancelled=control.cancelled)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise save_error(folder, error) from error
    target = free_path(folder, f"{capture_stem(view)}-grid", ".png")
    check_target(target)
    control.check()
    save_pixels(pixels, target, view)
    return target


def _modes(view: View) -> tuple[DisplayMode, ...]:
    """What is beside each other in the picture of a View."""
    return ("rgb", "depth") if view.display.mode == "side_by_side" else (view.display.mode,)


def _sized(frame: Frame, side: int) -> NDArray[np.uint8]:
    """A frame's picture, the squares in it of this side."""
    modes, height = _modes(frame.view), frame.rgba.shape[0]
    squares = [frame.rgba[:, i * height : (i + 1) * height, :3] for i in range(len(modes))]
    shown = [(pane_of(mode), square) for mode, square in zip(modes, squares, strict=True)]
    return assemble(shown, (side * len(modes), side))


def _with_one_range(
    engine: Engine, rows: list[list[View]], cancelled: Callable[[], bool]
) -> list[list[View]]:
    """One depth range for all cells: colours of different ranges cannot be compared."""
    cells = [one for row in rows for one in row]
    places = np.linspace(0, len(cells) - 1, min(len(cells), _SURVEYED)).round().astype(int)
    ranges = [engine.fitted_depth_range(cells[i], cancelled) for i in places]
    span = (min(near for near, _ in ranges), max(far for _, far in ranges))
    return [[replace(one, display=replace(one.display, depth_range=span)) for one in row] for row in rows]


def _paper(request: GridRequest, width: int) -> tuple[Image.Image, int, int]:
    """The empty sheet with its labels; left top corner of the first cell."""
    side = request.cell
    rows = [f"seed {seed}" for seed in request.seeds]
    columns = [format_degrees(yaw) for yaw in request.yaws]
    # Small cells have small labels: the widest must fit above its column.
    size = min(max(round(side / 10), 10), 28)
    while size > 6 and max(font(size).getlength(text) for text in columns) > width:
        size -= 1
    letters, pad = font(size), round(size * 0.7)
    left = math.ceil(max(letters.getlength(text) for text in rows)) + 2 * pad
    top = size + 2 * pad
    count = (len(columns), len(rows))
    sheet = Image.new(
        "RGB",
        (left + count[0] * (width + GAP) - GAP + pad, top + count[1] * (side + GAP) - GAP + pad),
        PAPER,
    )
    ink = ImageDraw.Draw(sheet)
    ink.text((left - pad, pad + size / 2), "yaw", INK, letters, anchor="rm")
    for i, text in enumerate(columns):
        ink.text((left + i * (width + GAP) + width / 2, pad + size / 2), text, INK, letters, anchor="mm")
    for i, text in enumerate(rows):
        ink.text((left - pad, top + i * (side + GAP) + side / 2), text, INK, letters, anchor="rm")
    return sheet, left, top
