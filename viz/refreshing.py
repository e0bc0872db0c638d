"""Which panels are drawn anew in a frame: the others keep what they drew before.

ImGui asks for every control in every frame, which costs half a millisecond a panel in Python. Nobody can tell
whether a number far away from the mouse has changed in this sixtieth of a second or two later. So what the
user has in hand is drawn in every frame, and of the rest a few at a time, those first that have waited
longest: as many as there is time for beside what is in hand. After the last thing that happened all of them
are drawn once more.
"""

from __future__ import annotations

import math
import time
from typing import Any

from imgui_bundle import imgui

from viz import ui

PANELS_A_FRAME = 2
"""Drawn anew beside those that the user has in hand, at most."""
_BUDGET = 0.8
"""Milliseconds that they may take, together with those in hand; one of them is drawn whatever it takes."""
_USUAL = 0.4
"""Milliseconds of a panel that has not been drawn yet."""
DRAWS = 2
"""So often a panel is drawn after the last thing that happened: some things fit only the second time."""
_NEWEST_SHARE = 0.2
"""Of what a panel's cost is known from; an outlier, as when other work takes the core, counts twice."""
_FIRST_DRAWS = 4
"""So often in a row where it appears, or changes its place."""
_internal = imgui.internal
_POLICY = int(
    _internal.WindowRefreshFlags_.try_to_avoid_refresh
    | _internal.WindowRefreshFlags_.refresh_on_hover
    | _internal.WindowRefreshFlags_.refresh_on_focus
)
_POLICY_FLAGS = _internal.WindowRefreshFlags_(_POLICY)
_ANY_POPUP = int(imgui.PopupFlags_.any_popup)


class Refresher:
    """Stands between the panels and ``imgui.begin``. In the window's thread."""

    def __init__(self) -> None:
        self._waiting: dict[str, int] = {}
        """How often panels are still to be drawn; who has waited longest comes first."""
        self._shown: dict[str, tuple[float, ...]] = {}
        """Panels that the last frame showed, and where they were drawn."""
        self._new: dict[str, int] = {}
        """How often panels that have appeared, or changed their places, are still drawn in every frame."""
        self._live: set[str] = set()
        """Panels that wait for something of their own."""
        self._chosen: set[str] = set()
        self._held: list[str] = []
        """Panels that the last frame drew without having chosen them: those that the user has in hand."""
        self._cost: dict[str, float] = {}
        """Milliseconds that panels took lately."""
        self._began = 0.0
        self._all = True
        self._atlas: object = None

    # --------------------------------------------------------------------------------------- every frame
    def begin_frame(self, *, news: bool = True) -> None:
        """Choose the panels of this frame, inside of it.

        Parameters
        ----------
        news : bool
            Whether anything may have happened since the last frame.
        """
        if news:
            for title in self._shown:
                self._waiting[title] = max(self._waiting.get(title, 0), DRAWS)
        self._chosen, left = set(), _BUDGET - sum(self._cost.get(title, 0.0) for title in self._held)
        self._held.clear()
        for title in list(self._waiting)[:PANELS_A_FRAME]:
            left -= self._cost.get(title, _USUAL)
            if left < 0.0 and self._chosen:
                break
            self._chosen.add(title)
        atlas = imgui.get_io().fonts.tex_data
        identity = (atlas.unique_id, atlas.width, atlas.height) if atlas is not None else None
        # What was drawn before refers to the old one. A popup goes when the panel that opened it is left out.
        self._all = identity != self._atlas or imgui.is_popup_open("", _ANY_POPUP)
        self._atlas = identity

    def everything(self) -> None:
        """Draw all panels in this frame: it is a picture, or what they look like has changed."""
        self._all = True

    @property
    def waiting(self) -> bool:
        """Whether panels are behind: further frames bring them up to date."""
        return bool(self._waiting or self._new)

    # --------------------------------------------------------------------------------------- every panel
    def begin(self, title: str, closable: bool, flags: int = 0) -> tuple[bool, bool]:
        """``imgui.begin`` for a panel; whether it is to be drawn, and whether it is still open.

        ``imgui.end`` follows in any case, and :meth:`drawn` after what has been drawn.
        """
        wanted = self._all or title in self._chosen or title in self._live or title in self._new
        if not wanted and (place := _place(title)) and self._shown.get(title) == place:
            _internal.set_next_window_refresh_policy(_POLICY_FLAGS)
        shown, still_open = imgui.begin(title, True if closable else None, flags)
        window = _internal.get_current_window()
        if window.skip_refresh:
            if window.dock_node is not None and window.parent_window is not None:
                # ImGui lists a docked window with its host's others only when it is drawn anew.
                window.parent_window.dc.child_windows.push_back(window)
                _draw_scrollbar(window)
            ui.same_part(title)
        elif not shown:
            self.forget(title)
        self._began = time.perf_counter()
        return bool(shown), bool(still_open) or not closable

    def drawn(self, title: str, *, live: bool) -> None:
        """Note that a panel has been drawn anew.

        Parameters
        ----------
        title : str
            Its name.
        live : bool
            Whether what it shows waits for something of its own: then the next frame draws it, too.
        """
        took = 1e3 * (time.perf_counter() - self._began)
        known = self._cost.get(title, took)
        self._cost[title] = known + _NEWEST_SHARE * (min(took, 2.0 * known) - known)
        if title not in self._chosen:
            self._held.append(title)
        place = _place(title)
        if title not in self._shown or self._shown[title] != place:
            self._shown[title], self._new[title] = place, _FIRST_DRAWS
        for counts in (self._waiting, self._new):
            left = counts.pop(title, 0) - 1
            if left > 0:
                counts[title] = left
        (self._live.add if live else self._live.discard)(title)

    def forget(self, title: str) -> None:
        """Note that a panel does not show."""
        self._shown.pop(title, None)
        self._waiting.pop(title, None)
        self._new.pop(title, None)
        self._live.discard(title)


def _place(title: str) -> tuple[float, ...]:
    """Where ImGui is about to put a window that shows, and how large; empty: it cannot be left as it is."""
    window: Any = _internal.find_window_by_name(title)
    if window is None or window.scrollbar_x:
        return ()
    node = window.dock_node
    part = window if node is None else node
    position, size = part.pos, part.size
    return (position.x, position.y, size.x, size.y)


def _draw_scrollbar(window: Any) -> None:
    """Draw the scroll bar of a docked window that is left as it was: ImGui puts it into the host's list.

    As ``ImGui::ScrollbarEx`` does, of a bar that the mouse is not on.
    """
    if not window.scrollbar_y:
        return
    style = imgui.get_style()
    frame = _internal.get_window_scrollbar_rect(window, _internal.Axis.y)
    width, height = frame.max.x - frame.min.x, frame.max.y - frame.min.y
    padding = math.trunc(min(style.scrollbar_padding, 0.5 * min(width, height)))
    left, right = frame.min.x + padding, frame.max.x - padding
    top, room = frame.min.y + padding, height - 2 * padding
    seen = float(int(window.inner_rect.max.y - window.inner_rect.min.y))
    contents = float(int(window.content_size.y + 2 * window.window_padding.y))
    share = seen / max(contents, seen, 1.0)
    grab = float(math.trunc(min(max(room * share, min(room, style.grab_min_size)), room)))
    low = top + min(window.scroll.y / max(contents - seen, 1.0), 1.0) * (room - grab)
    lines, ink = window.parent_window.draw_list, imgui.get_color_u32(imgui.Col_.scrollbar_grab)
    lines.push_clip_rect((frame.min.x, frame.min.y), (frame.max.x, frame.max.y))
    lines.add_rect_filled((left, low), (right, low + grab), ink, style.scrollbar_rounding)
    lines.pop_clip_rect()
