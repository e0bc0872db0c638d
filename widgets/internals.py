"""The Internals panel: the network's layers, what they give for the present View, and the tri-planes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from imgui_bundle import imgui, implot
from numpy.typing import NDArray

from viz import theme, ui
from viz.panel import Actions, PanelContext
from viz.view import View
from widgets import common

if TYPE_CHECKING:
    from viz.internals import Internals, InternalsState, Layer
    from viz.window.textures import Texture  # the window chooses the OpenGL that it needs

COLUMNS, ROWS = 6, 3
PAGE = COLUMNS * ROWS
"""Channels shown at once."""
CELL = 40
"""Side of a channel's picture in a page, pixels."""
LARGE = 256
"""Side of the chosen channel's picture, pixels."""
HISTOGRAM_EM = 3.4
PLANES = "Tri-planes"
_NEGATIVE, _NOTHING, _POSITIVE = (
    np.array(c, np.float32) for c in ((66, 150, 255), (24, 26, 30), (255, 140, 40))
)


def diverging(values: NDArray[np.floating], reach: float) -> NDArray[np.uint8]:
    """Numbers [H, W] → colours [H, W, 4]: blue below zero, dark at zero, orange above, full at ±reach."""
    place = np.clip(values.astype(np.float32) / reach, -1.0, 1.0)[..., None]
    ends = np.where(place < 0, _NEGATIVE, _POSITIVE)
    colours = _NOTHING + np.abs(place) * (ends - _NOTHING)
    return np.dstack([colours.round().astype(np.uint8), np.full(values.shape, 255, np.uint8)])


def enlarged(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture [h, w, C] with whole pixels repeated, or some left out, so that it is side × side."""
    rows = np.arange(side) * picture.shape[0] // side
    columns = np.arange(side) * picture.shape[1] // side
    return picture[rows][:, columns]


def mosaic(layer: Layer, first: int) -> NDArray[np.uint8]:
    """A page of channels from ``first`` on [ROWS · (CELL + 1), COLUMNS · (CELL + 1), 4]."""
    step = CELL + 1
    page = np.zeros((ROWS * step, COLUMNS * step, 4), np.uint8)
    for i, channel in enumerate(layer.values[first : first + PAGE]):
        row, column = divmod(i, COLUMNS)
        cell = enlarged(diverging(channel, layer.reach), CELL)
        page[row * step : row * step + CELL, column * step : column * step + CELL] = cell
    return page


class InternalsPanel:
    """Layers, channels, histograms, tri-planes."""

    title = "Internals"

    def __init__(self) -> None:
        self._name = PLANES
        self._channel = 0
        self._first = 0
        self._drawn: dict[str, tuple[object, ...]] = {}
        self._textures: dict[str, Texture] = {}

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is."""
        actions.look_inside()
        state = context.internals
        if state is None or state.internals is None:
            _draw_waiting(context, state)
            return view
        internals = state.internals
        self._draw_choice(internals)
        layer = self._layer(internals)
        if layer is None:
            self._draw_planes(internals)
        else:
            self._draw_layer(layer)
        _draw_age(state)
        return view

    def _layer(self, internals: Internals) -> Layer | None:
        return next((layer for layer in internals.layers if _full_name(layer) == self._name), None)

    def _draw_choice(self, internals: Internals) -> None:
        names = [PLANES, *dict.fromkeys(map(_full_name, internals.layers))]
        if self._name not in names:
            self._name = PLANES
        place = names.index(self._name)
        common.fill_line(trailing_buttons=2)
        chosen = place
        if imgui.begin_combo("##Internals/Layer", self._name):
            room = ""
            for i, name in enumerate(names):
                head = name.split("  ")[0] if "  " in name else ""
                if head != room:
                    room = head
                    imgui.separator_text(room)
                if imgui.selectable(name, i == place)[0]:
                    chosen = i
                ui.mark(f"Internals/Layer: {name}")
            common.end_combo()
        else:
            ui.mark("Internals/Layer")
            common.tooltip("A layer of the network, in the order in which they run.")
        gap = imgui.get_style().item_inner_spacing.x
        imgui.same_line(0.0, gap)
        if common.icon_button("Internals/Previous layer", "minus", "The layer before", enabled=place > 0):
            chosen = place - 1
        imgui.same_line(0.0, gap)
        last = place == len(names) - 1
        if common.icon_button("Internals/Next layer", "plus", "The layer after", enabled=not last):
            chosen = place + 1
        if chosen != place:
            self._name, self._channel, self._first = names[chosen], 0, 0

    # ------------------------------------------------------------------------------------------ tri-planes
    def _draw_planes(self, internals: Internals) -> None:
        gap = imgui.get_style().item_inner_spacing.x
        side = (imgui.get_content_region_avail().x - 2 * gap) / 3
        for i, name in enumerate(internals.plane_names):
            if i:
                imgui.same_line(0.0, gap)
            imgui.begin_group()
            # Rows run along the second axis, which points up.
            self._show(f"plane {i}", (internals, i), partial(_upright, internals.planes[i]), (side, side))
            ui.mark(f"Internals/Plane {name}")
            imgui.text_disabled(f"{name[-1]} up, {name[0]} right")
            imgui.end_group()
        common.tooltip(
            "The three planes of features that the whole object is read from: every point in space looks up "
            "its shadow on each."
        )
        size = internals.planes.shape[1]
        common.paragraph(
            f"Three planes of {size} × {size} features. Colours are their three principal components, common "
            "to the planes: equal colours, equal features."
        )

    # --------------------------------------------------------------------------------------------- a layer
    def _draw_layer(self, layer: Layer) -> None:
        count = layer.shape[0]
        size = " × ".join(map(str, layer.shape[1:]))
        shape = f"{count} channels of {size}" if size else f"{count} numbers"
        imgui.text_unformatted(shape)
        imgui.text_disabled(
            f"{layer.mean:+.2f} ± {layer.std:.2f}   {layer.low:+.1f} … {layer.high:+.1f}"
            f"   zero {layer.zeros:.0%}"
        )
        common.tooltip(
            "Over all activations of this layer: mean ± standard deviation, range, share of zeros."
        )
        _draw_histogram(layer)
        if size:
            self._draw_channels(layer)
        else:
            _draw_numbers(layer)

    def _draw_channels(self, layer: Layer) -> None:
        kept = layer.values.shape[0]
        self._channel = min(self._channel, kept - 1)
        first = self._first = min(self._first, (kept - 1) // PAGE * PAGE)
        gap = imgui.get_style().item_inner_spacing.x
        last = min(first + PAGE, kept)
        imgui.align_text_to_frame_padding()
        more = f" of {kept}" if kept == layer.shape[0] else f" of {layer.shape[0]} ({kept} kept)"
        imgui.text_disabled(f"channels {first} – {last - 1}{more}")
        width = 2 * imgui.get_frame_height() + gap
        imgui.same_line(imgui.get_cursor_pos_x() + imgui.get_content_region_avail().x - width)
        if common.icon_button("Internals/Previous page", "minus", "Channels before", enabled=first > 0):
            self._first = first - PAGE
        imgui.same_line(0.0, gap)
        if common.icon_button("Internals/Next page", "plus", "Channels after", enabled=last < kept):
            self._first = first + PAGE
        wide = imgui.get_content_region_avail().x
        cell = wide / COLUMNS
        corner = imgui.get_cursor_screen_pos()
        self._show("page", (layer, first), lambda: mosaic(layer, first), (wide, cell * ROWS))
        ui.mark("Internals/Channels")
        pointed = _pointed((corner.x, corner.y), cell, first, kept) if imgui.is_item_hovered() else None
        if pointed is not None:
            if imgui.is_mouse_clicked(imgui.MouseButton_.left):
                self._channel = pointed
            if imgui.begin_tooltip():
                imgui.text_unformatted(f"channel {pointed}: click for a larger picture")
                imgui.end_tooltip()
        if first <= self._channel < last:
            row, column = divmod(self._channel - first, COLUMNS)
            low = (corner.x + column * cell, corner.y + row * cell)
            high = (low[0] + cell * CELL / (CELL + 1), low[1] + cell * CELL / (CELL + 1))
            imgui.get_window_draw_list().add_rect(low, high, common.color(theme.TEXT), 0.0, common.em() * 0.1)
        self._draw_channel(layer)

    def _draw_channel(self, layer: Layer) -> None:
        channel = self._channel
        mean, std, low, high = layer.channel_statistics(channel)
        imgui.text_unformatted(f"Channel {channel}")
        imgui.same_line()
        imgui.text_disabled(f"{mean:+.2f} ± {std:.2f}   {low:+.1f} … {high:+.1f}")
        side = min(imgui.get_content_region_avail().x, 14 * common.em())
        values = layer.values[channel]
        self._show(
            "channel",
            (layer, channel),
            lambda: enlarged(diverging(values, layer.reach), LARGE),
            (side, side),
        )
        ui.mark("Internals/Channel")
        imgui.text_disabled(f"blue −{layer.reach:.2g}, dark 0, orange +{layer.reach:.2g}")

    def _show(
        self,
        slot: str,
        key: tuple[object, ...],
        make: Callable[[], NDArray[np.uint8]],
        size: tuple[float, float],
    ) -> None:
        """Draw a picture; it is made and uploaded only when it is another one."""
        from viz.window.textures import Texture

        texture = self._textures.get(slot)
        if texture is None:
            texture = self._textures[slot] = Texture()
        if self._drawn.get(slot) != key:
            texture.upload(make())
            self._drawn[slot] = key
        imgui.image(texture.reference, size)


def _upright(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    opaque = np.full(plane.shape[:2], 255, np.uint8)
    return enlarged(np.dstack([plane, opaque])[::-1], LARGE)


def _full_name(layer: Layer) -> str:
    return f"{layer.room}  {layer.name}"


def _pointed(corner: tuple[float, float], cell: float, first: int, kept: int) -> int | None:
    mouse = imgui.get_mouse_pos()
    column, row = int((mouse.x - corner[0]) / cell), int((mouse.y - corner[1]) / cell)
    channel = first + row * COLUMNS + column
    return channel if 0 <= column < COLUMNS and 0 <= row < ROWS and channel < kept else None


def _draw_waiting(context: PanelContext, state: InternalsState | None) -> None:
    if state is not None and state.message:
        common.paragraph(state.message, theme.BAD)
        return
    text = "Waiting for the network." if context.network is None else "Looking inside the network …"
    common.paragraph(f"{text} Here appears what each of its layers gives for the present picture.")
    if state is not None and state.fraction is not None:
        common.progress("Internals/Progress", state.fraction, f"{state.fraction:.0%}")


def _draw_age(state: InternalsState) -> None:
    if state.fraction is not None:
        common.progress("Internals/Progress", state.fraction, "of the present picture …")
    elif not state.fresh:
        imgui.text_disabled("of the picture before")


def _draw_histogram(layer: Layer) -> None:
    flags = implot.Flags_.canvas_only | implot.Flags_.no_frame | implot.Flags_.no_inputs
    size = (imgui.get_content_region_avail().x, HISTOGRAM_EM * common.em())
    if not implot.begin_plot("##Internals/Histogram", size, int(flags)):
        return
    axis = implot.AxisFlags_
    quiet = axis.no_label | axis.no_grid_lines
    implot.setup_axes("", "", int(quiet), int(axis.no_decorations))
    low, high = float(layer.edges[0]), float(layer.edges[-1])
    implot.setup_axes_limits(low, high, 0.0, 1.05, implot.Cond_.always)
    # The share on a root scale: tails are what one looks for.
    shares = np.sqrt(layer.counts / max(1, layer.counts.max()))
    places = (layer.edges[:-1] + layer.edges[1:]) / 2
    implot.plot_bars("##counts", places, shares, float(layer.edges[1] - layer.edges[0]))
    implot.end_plot()
    ui.mark("Internals/Histogram")
    common.tooltip("How often each value occurs, on a square-root scale. A peak at an end is saturation.")


def _draw_numbers(layer: Layer) -> None:
    values = layer.values[:, 0, 0].astype(np.float64)
    flags = implot.Flags_.canvas_only | implot.Flags_.no_frame | implot.Flags_.no_inputs
    size = (imgui.get_content_region_avail().x, 2 * HISTOGRAM_EM * common.em())
    if not implot.begin_plot("##Internals/Numbers", size, int(flags)):
        return
    axis = implot.AxisFlags_
    implot.setup_axes("", "", int(axis.no_label | axis.no_grid_lines), int(axis.no_label))
    reach = max(abs(layer.low), abs(layer.high), 1e-6) * 1.05
    implot.setup_axes_limits(-0.5, max(1, values.size) - 0.5, -reach, reach, implot.Cond_.always)
    if values.size <= 8:
        ticks = [float(i) for i in range(values.size)]
        implot.setup_axis_ticks(implot.ImAxis_.x1, ticks, [str(i) for i in range(values.size)], False)
    implot.plot_bars("##numbers", values, 0.8)
    implot.end_plot()
    ui.mark("Internals/Numbers")
    common.tooltip("The numbers of this layer, by index.")
