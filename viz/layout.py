"""Where panels are docked, and drawing them so that a failing panel harms nobody else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from imgui_bundle import imgui

from viz import theme, ui
from viz.panel import Actions, Panel, PanelContext, Watching
from viz.refreshing import Refresher
from viz.view import View

LAYOUT_VERSION = 4
"""Saved arrangements of another version are not restored."""
COLUMN_WIDTH = 304.0
"""Of the panels at either side, design pixels."""
TALL = 900.0
"""From this height on, design pixels, a window has more places for panels."""
NARROW = 960.0
"""Below this width, design pixels, all panels share the left column."""
VIEWPORT = "Viewport"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Placement:
    """A panel and its place in the default arrangement."""

    panel: Panel
    side: Literal["left", "right", "bottom"]
    slots: tuple[int, int] = (0, 0)
    """Place in the column from the top, in a low window and in a tall one. Panels of one place are tabs."""
    height: float = 200.0
    """What its controls need, design pixels: columns are divided in these proportions; a panel at the bottom
    is as high."""
    front: bool = True
    """Whether its tab shows at first; otherwise it does only where no panel of its place asks for that."""
    optional: bool = False
    """Whether it shows only while it is open, and can be closed."""


@dataclass
class PanelHost:
    """Draws the docked panels.

    Parameters
    ----------
    placements : sequence of Placement
        The panels, those of a column from top to bottom.
    restored : bool
        Whether ImGui has been given a saved arrangement, which then counts.
    """

    placements: Sequence[Placement]
    restored: bool = False
    _rebuild: bool = True
    _failures: set[tuple[str, str]] = field(default_factory=set)
    _to_front: list[str] = field(default_factory=list)
    _focus_in: int = 0
    _quiet_frames: int = 3
    refresher: Refresher = field(default_factory=Refresher)
    """Decides which panels are drawn anew."""
    _watching: dict[str, Watching] = field(init=False)
    """Panels that look on in every frame, by title."""

    def __post_init__(self) -> None:
        # Once: to ask that of a panel takes ten microseconds.
        panels = (placement.panel for placement in self.placements)
        self._watching = {panel.title: panel for panel in panels if isinstance(panel, Watching)}

    def reset(self) -> None:
        """Go back to the default arrangement."""
        self._rebuild, self.restored = True, False

    def dock_space(self) -> None:
        """Fill the window with the dock space; call once a frame, before the windows in it."""
        identity = imgui.get_id("dock space")
        viewport = imgui.get_main_viewport()
        if self._rebuild:
            self._rebuild = False
            if not (self.restored and imgui.internal.dock_builder_get_node(identity) is not None):
                self._build(identity, viewport.work_size)
        imgui.dock_space_over_viewport(identity, viewport)

    def _build(self, identity: int, size: imgui.ImVec2) -> None:
        builder = imgui.internal
        builder.dock_builder_remove_node(identity)
        builder.dock_builder_add_node(identity, int(imgui.internal.DockNodeFlagsPrivate_.dock_space))
        builder.dock_builder_set_node_size(identity, size)
        centre = identity
        width = size.x
        self._to_front, self._focus_in = [], 2
        for side, direction in (("left", imgui.Dir.left), ("right", imgui.Dir.right)):
            narrow = size.x < ui.px(NARROW)
            column = [p for p in self.placements if ("left" if narrow else p.side) == side]
            if not column:
                continue
            share = ui.px(COLUMN_WIDTH) / width
            _, place, centre = builder.dock_builder_split_node_py(centre, direction, share)
            width -= ui.px(COLUMN_WIDTH)
            self._fill(place, _slots(column, tall=size.y >= ui.px(TALL)))
        bottom = [p for p in self.placements if p.side == "bottom"]
        if bottom:
            share = min(max(p.height for p in bottom) * ui.px(1) / size.y, 0.5)
            _, place, centre = builder.dock_builder_split_node_py(centre, imgui.Dir.down, share)
            for placement in bottom:
                builder.dock_builder_dock_window(placement.panel.title, place)
            # The tab's own button does it.
            below = builder.dock_builder_get_node(place)
            hide = imgui.internal.DockNodeFlagsPrivate_.no_close_button
            below.set_local_flags(below.local_flags | int(hide))
        builder.dock_builder_dock_window(VIEWPORT, centre)
        node = builder.dock_builder_get_node(centre)
        node.set_local_flags(
            node.local_flags
            | int(imgui.internal.DockNodeFlagsPrivate_.no_tab_bar)
            | int(imgui.internal.DockNodeFlagsPrivate_.no_docking_over_me)
        )
        builder.dock_builder_finish(identity)

    def _fill(self, place: int, slots: list[list[Placement]]) -> None:
        builder = imgui.internal
        fronts = [next((p for p in slot if p.front), slot[0]) for slot in slots]
        heights = [placement.height for placement in fronts]
        self._to_front += [placement.panel.title for placement in fronts]
        for index, slot in enumerate(slots):
            target = place
            if index < len(slots) - 1:
                share = heights[index] / sum(heights[index:])
                _, target, place = builder.dock_builder_split_node_py(place, imgui.Dir.up, share)
            for placement in slot:
                builder.dock_builder_dock_window(placement.panel.title, target)

    def draw(
        self,
        view: Callable[[], View],
        edit: Callable[[View, View], None],
        context: PanelContext,
        actions: Actions,
        opened: set[str] | None = None,
    ) -> None:
        """Draw every panel.

        Parameters
        ----------
        view : callable
            Gives the present View; what one panel asks for may change it before the next is drawn.
        edit : callable
            Takes the View that a panel was given and the one that it gave back.
        context, actions
            What panels see, and what they may ask for.
        opened : set of str, optional
            Titles of the optional panels that are open; one that the user closes is taken out.
        """
        flags = 0
        if self._quiet_frames:
            # A panel that takes the focus comes to the front of its place: not at the start, where that would
            # be the last one, whichever tab was in front when the arrangement was saved.
            self._quiet_frames -= 1
            flags = int(imgui.WindowFlags_.no_focus_on_appearing)
        size = imgui.ImVec2(ui.px(COLUMN_WIDTH), ui.px(320))
        for placement in self.placements:
            title = placement.panel.title
            if placement.optional and (opened is None or title not in opened):
                self.refresher.forget(title)
                continue
            if title in self._watching:
                self._watching[title].watch(context)
            imgui.set_next_window_size(size, imgui.Cond_.first_use_ever)
            shown, still_open = self.refresher.begin(title, placement.optional, flags)
            if placement.optional and opened is not None and not still_open:
                opened.discard(title)
            if shown:
                with ui.part(title) as waits:
                    ui.mark_window(title)
                    before, draw = view(), partial(_draw, placement.panel, context, actions)
                    edit(before, self.guarded(title, before, draw))
                    self.refresher.drawn(title, live=waits())
            imgui.end()
        self._bring_to_front()

    def show(self, title: str) -> None:
        """Bring a panel's tab to the front."""
        self._to_front.append(title)
        self._focus_in = max(self._focus_in, 2)

    def _bring_to_front(self) -> None:
        # Tabs can be chosen once their windows have been docked, which takes a frame.
        if self._focus_in:
            self._focus_in -= 1
            if not self._focus_in:
                for title in self._to_front:
                    _select_tab(title)
                self._to_front.clear()
                # A panel that has the focus would come to the front of its place. A dialog keeps it: it
                # would close.
                if not imgui.is_popup_open("", int(imgui.PopupFlags_.any_popup)):
                    imgui.set_window_focus(VIEWPORT)

    def guarded(self, title: str, view: View, draw: Callable[[View], View]) -> View:
        """Draw something; an exception in it is logged once and shown in its place."""
        state = imgui.internal.ErrorRecoveryState()
        imgui.internal.error_recovery_store_state(state)
        try:
            return draw(view)
        except Exception as error:
            _recover(state)
            text = f"{type(error).__name__}: {error}"
            if (title, text) not in self._failures:
                self._failures.add((title, text))
                _log.exception("The panel %s failed", title)
            imgui.push_text_wrap_pos(0.0)
            imgui.text_colored(imgui.ImVec4(*theme.BAD), f"The panel {title} failed: {text}")
            imgui.text_colored(imgui.ImVec4(*theme.TEXT_DIM), "The rest goes on. The log has the details.")
            imgui.pop_text_wrap_pos()
            return view

    def protected(self, what: str, draw: Callable[[], None]) -> str:
        """Draw something outside the panels; what to tell of an exception, the first time."""
        state = imgui.internal.ErrorRecoveryState()
        imgui.internal.error_recovery_store_state(state)
        try:
            draw()
        except Exception as error:
            _recover(state)
            text = f"{type(error).__name__}: {error}"
            if (what, text) not in self._failures:
                self._failures.add((what, text))
                _log.exception("The %s failed", what)
                return f"The {what} failed: {text}. The log has the details."
        return ""


def _select_tab(title: str) -> None:
    window = imgui.internal.find_window_by_name(title)
    node = window.dock_node if window is not None else None
    if node is not None:
        node.selected_tab_id = window.tab_id
        if node.tab_bar is not None:
            node.tab_bar.next_selected_tab_id = window.tab_id


def _recover(state: imgui.internal.ErrorRecoveryState) -> None:
    """Close what the failed code left open; what ImGui would print about that says nothing new."""
    io = imgui.get_io()
    io.config_error_recovery_enable_debug_log = False
    imgui.internal.error_recovery_try_to_recover_state(state)
    io.config_error_recovery_enable_debug_log = True


def _draw(panel: Panel, context: PanelContext, actions: Actions, view: View) -> View:
    return panel.draw(view, context, actions)


def _slots(column: Sequence[Placement], *, tall: bool) -> list[list[Placement]]:
    slots: dict[int, list[Placement]] = {}
    for placement in column:
        slots.setdefault(placement.slots[tall], []).append(placement)
    return [slots[key] for key in sorted(slots)]
