"""Pictures of an evaluation as PNG files in memory. Matplotlib without its global state and without a
screen.
"""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pof3d.cameras import hv_from_yaw_pitch
from pof3d.evaluation.figures import Evaluation
from pof3d.evaluation.generated import random_latents
from pof3d.evaluation.poses import PoseFigures
from pof3d.metrics.circle import wrap
from pof3d.metrics.depth import normals
from pof3d.metrics.reprojection import Reprojection, View
from pof3d.training.samples import to_uint8

_LANCZOS = Image.Resampling.LANCZOS
TRUE, LEARNED = "#8a9199", "#1668b8"
_ROWS = 6
_BINS = 48
_ERROR_LEVELS = 64
"""Grey levels at the end of the error map's colour scale."""


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def distributions(figures: PoseFigures) -> bytes:
    """Histograms of yaw and pitch: the true ones, the learned ones, and these after the offset was removed
    that makes the Jensen–Shannon distance least.
    """
    figure = Figure(figsize=(9.4, 3.2), layout="constrained")
    for column, axis in enumerate(figure.subplots(1, 2)):
        learned = figures.learned[:, column]
        true = None if figures.distribution is None else figures.distribution.poses[:, column]
        distance = (figures.yaw, figures.pitch)[column].distribution
        on_circle = figures.yaw_is_circular and column == 0
        shown = learned if true is None else np.concatenate([learned, true])
        low, high = (-math.pi, math.pi) if on_circle else np.quantile(shown, [0.0005, 0.9995])
        margin = 0.0 if on_circle else 0.06 * max(high - low, 1e-3)
        bins = np.degrees(np.linspace(low - margin, high + margin, _BINS + 1))
        if true is not None:
            axis.hist(np.degrees(true), bins, density=True, color=TRUE, alpha=0.45, label="true")
        axis.hist(
            np.degrees(learned),
            bins,
            density=True,
            histtype="step",
            color=LEARNED,
            lw=1.6,
            label="learned by G",
        )
        if distance is not None:
            turn = -distance.divergence_offset
            aligned = wrap(learned + turn) if on_circle else learned + turn
            axis.hist(
                np.degrees(aligned),
                bins,
                density=True,
                histtype="step",
                color=LEARNED,
                lw=1.0,
                ls=":",
                label=f"learned, moved by {math.degrees(turn):+.1f}°".replace("-", "−"),
            )
        axis.set_xlabel(f"{('yaw', 'pitch')[column]} (degrees)")
        axis.set_yticks([])
        axis.spines[["left", "right", "top"]].set_visible(False)
        if on_circle:
            axis.set_xticks(range(-180, 181, 60))
        above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": 3, "columnspacing": 1.2}
        axis.legend(fontsize=8, frameon=False, handlelength=1.4, **above)
    return _png(figure)


def predictions(
    predicted: NDArray[np.float64], reference: NDArray[np.float64], circular: bool, name: str
) -> bytes:
    """Scatter of D's yaw and pitch [N, 2] against a reference, which the axis calls by its name."""
    figure = Figure(figsize=(9.4, 4.4), layout="constrained")
    for column, axis in enumerate(figure.subplots(1, 2)):
        x, y = np.degrees(reference[:, column]), np.degrees(predicted[:, column])
        angle = ("yaw", "pitch")[column]
        if circular and column == 0:
            x, y = (np.degrees(wrap(np.radians(v))) for v in (x, y))
            low, high = -180.0, 180.0
            axis.set_xticks(range(-180, 181, 60))
            axis.set_yticks(range(-180, 181, 60))
        else:
            low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
            margin = 0.04 * max(high - low, 1e-3)
            low, high = low - margin, high + margin
        axis.plot([low, high], [low, high], color=TRUE, lw=1, zorder=0)
        axis.scatter(x, y, s=7, color=LEARNED, alpha=0.5, linewidths=0)
        axis.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axis.set_xlabel(f"{name} {angle} (degrees)")
        axis.set_ylabel(f"{angle} predicted by D (degrees)")
        axis.spines[["right", "top"]].set_visible(False)
    return _png(figure)


def depth_colours(depth: Tensor, mask: Tensor) -> NDArray[np.uint8]:
    """Colours [B, R, R, 3] of depth [B, 1, R, R] over a mask: near is bright; each map over its own range."""
    shades = np.full((*depth[:, 0].shape, 3), 255, np.uint8)
    for i in range(len(depth)):
        inside = mask[i, 0].numpy()
        if inside.sum() > 1:
            values = depth[i, 0].numpy()
            low, high = np.quantile(values[inside], [0.01, 0.99])
            level = np.clip(1.0 - (values - low) / max(high - low, 1e-6), 0.0, 1.0)
            shades[i][inside] = (colormaps["viridis"](level[inside])[:, :3] * 255).astype(np.uint8)
    return shades


def normal_colours(depth: Tensor, mask: Tensor, focal: float) -> NDArray[np.uint8]:
    """Colours [B, R, R, 3] of normals: red to the right, green up, blue towards the camera."""
    found, valid = normals(depth, mask, focal)
    signs = torch.tensor([1.0, -1.0, -1.0])[None, :, None, None]
    levels = torch.where(valid, found * signs * 127.5 + 127.5, torch.full_like(found, 255.0))
    return levels.permute(0, 2, 3, 1).numpy().astype(np.uint8)


def _grown(cells: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Cells [B, R, R, 3] at another side: whole pixels where it is a multiple of R, Lanczos otherwise."""
    factor, rest = divmod(side, cells.shape[1])
    if not rest:
        return cells.repeat(factor, 1).repeat(factor, 2)
    return np.stack([np.asarray(Image.fromarray(c).resize((side, side), _LANCZOS)) for c in cells])


def sheet(columns: list[tuple[str, NDArray[np.uint8]]], side: int = 128) -> bytes:
    """Pictures in rows, with a title above each column.

    Parameters
    ----------
    columns : list of (title, uint8 [rows, R, R, 3])
        R may differ between columns.
    side : int
        Pixels of each picture on the sheet.
    """
    grown = [np.concatenate(list(_grown(cells, side))) for _, cells in columns]
    whole = np.concatenate(grown, axis=1)
    height, width = whole.shape[:2]
    above = round(width / 1034 * (12 + 15 * max(title.count("\n") + 1 for title, _ in columns)))
    figure = Figure(figsize=(9.4, 9.4 * (height + above) / width))
    axis = figure.add_axes((0.0, 0.0, 1.0, height / (height + above)))
    axis.imshow(whole, interpolation="nearest")
    axis.set_axis_off()
    for i, (title, _) in enumerate(columns):
        axis.text((i + 0.5) * side, -6, title, ha="center", va="bottom", fontsize=8.5)
    return _png(figure)


@torch.no_grad()
def generated_sheet(found: Evaluation) -> bytes:
    """Identities from their own poses with depth and normals, then turned."""
    generator = found.net.generator
    focal, h_mean = generator.config.camera.focal, generator.config.camera.h_mean
    rows = min(_ROWS, len(found.generated.images))
    kept = found.generated
    depth, mask = kept.depth[:rows], kept.opacity[:rows] > 0.5
    columns = [
        ("generated", kept.images[:rows].permute(0, 2, 3, 1).numpy()),
        ("depth", depth_colours(depth, mask)),
        ("normals", normal_colours(depth, mask, focal)),
    ]
    yaws = (0, 72, 144, 216, 288) if found.pose.yaw_is_circular else (-45, -22.5, 0, 22.5, 45)
    w = torch.cat([w for w, _ in random_latents(generator, rows, found.settings.seed)])
    for yaw in yaws:
        angles = torch.tensor([[math.radians(yaw), 0.0]], device=generator.device)
        if found.pose.yaw_is_circular:  # seen from where these objects are seen
            angles[:, 1] = float(np.median(kept.poses[:, 1]))
        pose = hv_from_yaw_pitch(angles, h_mean).expand(rows, -1)
        columns.append((f"yaw {yaw:g}°".replace("-", "−"), to_uint8(generator.render(w, pose).image)))
    return sheet(columns)


def depth_sheet(found: Evaluation) -> bytes:
    """What the toy probe sees: true images with true depth, generated images with rendered depth."""
    assert found.depth is not None and found.depth_floor is not None
    focal = found.net.generator.config.camera.focal
    true, made = found.depth_floor, found.depth
    rows = min(4, len(true.depth), len(made.depth))
    columns: list[tuple[str, Any]] = []
    for title, images, part in (
        ("true\nimage", found.real.images, true),
        ("generated\nimage", found.generated.images, made),
    ):
        mask = part.mask[:rows]
        source = "true" if part is true else "rendered"
        columns += [
            (title, images[:rows].permute(0, 2, 3, 1).numpy()),
            (f"{source}\ndepth", depth_colours(part.depth[:rows], mask)),
            ("probe's\ndepth", depth_colours(part.seen[:rows], mask)),
            (f"{source}\nnormals", normal_colours(part.depth[:rows], mask, focal)),
            ("probe's\nnormals", normal_colours(part.seen[:rows], mask, focal)),
        ]
    return sheet(columns, side=96)


def reprojections(examples: list[tuple[View, View, Reprojection]]) -> bytes:
    """Pairs of views: both, the second as seen through the first one's depth, and the error map."""
    figure = Figure(figsize=(9.4, 2.45 * len(examples)), layout="constrained")
    axes = figure.subplots(len(examples), 4, squeeze=False)
    titles = ("view", "turned view", "turned view, taken back", "colour error")
    error_colours = colormaps["magma"].with_extremes(bad="#dddddd")
    drawn = None
    for row, (first, second, result) in zip(axes, examples, strict=True):
        warped = np.where(np.isfinite(result.warped.numpy()), result.warped.numpy(), 221.0)
        pictures = [first.image.numpy(), second.image.numpy(), warped]
        for axis, picture in zip(row, pictures, strict=False):
            levels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
            axis.imshow(levels.transpose(1, 2, 0), interpolation="nearest")
        drawn = row[3].imshow(result.error_map.numpy(), cmap=error_colours, vmin=0, vmax=_ERROR_LEVELS)
        row[3].text(
            0.98,
            0.03,
            f"mean {result.colour_error:.1f}",
            transform=row[3].transAxes,
            ha="right",
            fontsize=8.5,
        )
        for axis in row:
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=axes[:, 3], shrink=0.8, extend="max")
        bar.set_label("grey levels of 255", fontsize=8.5)
    return _png(figure)
