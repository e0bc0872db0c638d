"""What the program does to compare Views: panes beside the present one, and grids in the background."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pof3d.errors import Pof3dError
from viz import comparing, pane_names
from viz.capturing import Capturing
from viz.comparing import CompareLayout, CompareState, Comparison, GridPlan
from viz.difference import Difference, difference
from viz.frame import FailedFrame, Frame
from viz.history import History
from viz.jobs import Job, Working
from viz.notices import Notices
from viz.services import Rendering
from viz.view import View

if TYPE_CHECKING:
    from collections.abc import Callable

PINNED = "Pinned: what you change now shows beside it"


class Comparisons:
    """The half of :class:`viz.program.Program` that compares; Program has all that is used here."""

    rendering: Rendering
    workshop: Working | None
    capturing: Capturing
    view: View
    frame: Frame | None
    notices: Notices
    notify: Callable[[str], None]
    commit: Callable[..., None]
    pause: Callable[[], None]
    _history: History
    _note: Callable[..., None]
    _counts: Callable[[], bool]
    hand: object

    def _begin_comparing(self, comparison: Comparison | None = None) -> None:
        self.comparison = comparison or Comparison()
        self._pane_frames: dict[int, Frame] = {}
        self._pane_errors: dict[int, Pof3dError] = {}
        self._apart: tuple[Frame, Frame, Difference | None] | None = None
        self._seen: tuple[Comparison, View, comparing.Cameras, tuple[View, ...]] | None = None
        self._named: tuple[Any, tuple[str, ...]] = (None, ())
        self._picture_wanted = False
        self.grid_plan = GridPlan()
        self._grid: Job[Path] | None = None
        self._grid_told = True

    # --------------------------------------------------------------------------------------- every frame
    def _accompany(self) -> None:
        """Ask for what is beside the present View."""
        self.comparison = comparing.synced(self.comparison, self.view)
        if not self.comparison.on:
            self.notices.withdraw(PINNED)
        self.rendering.accompany(comparing.companions(self.comparison, self.view, self._cameras()))

    def _update_comparison(self) -> bool:
        """Take what is ready; whether there is a new picture."""
        results, cameras = self.rendering.poll_companions(), self._cameras()
        known = {pane.key for pane in self.comparison.panes}
        for key, result in results.items():
            if isinstance(result, FailedFrame):
                self._pane_errors[key] = result.error
            else:
                self._pane_frames[key] = result
                self._pane_errors.pop(key, None)
        for kept in (self._pane_frames, self._pane_errors):
            for key in kept.keys() - known:
                del kept[key]
        if self._cameras() != cameras:
            self._accompany()
        self._tell_of_grid()
        self._save_picture()
        return bool(results)

    def _cameras(self) -> comparing.Cameras:
        """The panes' networks' own cameras, as far as there are pictures to tell."""
        frames = dict(self._pane_frames)
        if self.comparison.active_key is not None and self.frame is not None:
            frames[self.comparison.active_key] = self.frame
        return {key: frame.cameras for key, frame in frames.items() if frame.cameras is not None}

    @property
    def panes_waiting(self) -> bool:
        """Whether a pane has no picture yet."""
        comparison = self.comparison
        shown = comparison.visible if comparison.on else ()
        keys = (comparison.panes[index].key for index in shown if index != comparison.active)
        return any(key not in self._pane_frames and key not in self._pane_errors for key in keys)

    def _is_of_another_pane(self, result: Frame | FailedFrame) -> bool:
        """Whether a result was asked for when another pane was active."""
        comparison = self.comparison
        if not comparison.panes or result.view == self.view:
            return False
        others = (pane.view for i, pane in enumerate(comparison.panes) if i != comparison.active)
        return any(result.view == view for view in others)

    def _shown_views(self, comparison: Comparison, cameras: comparing.Cameras) -> tuple[View, ...]:
        """What each pane shows, as long as what that follows from stays the same."""
        known = self._seen
        if known is None or known[0] is not comparison or known[1] is not self.view or known[2] != cameras:
            views = comparing.shown_views(comparison, self.view, cameras)
            known = self._seen = (comparison, self.view, cameras, views)
        return known[3]

    def _names(self, comparison: Comparison, views: tuple[View, ...]) -> tuple[str, ...]:
        """A line for each pane, as long as what they are of stays the same."""
        of = (comparison, views)
        if self._named[0] != of:
            self._named = (of, pane_names.names(*of))
        return self._named[1]

    def compare_state(self) -> CompareState:
        """What panels and the viewport see."""
        comparison = self.comparison = comparing.synced(self.comparison, self.view)
        frames, errors = dict(self._pane_frames), dict(self._pane_errors)
        if comparison.panes:
            own = comparison.panes[comparison.active].key
            errors.pop(own, None)
            if self.frame is not None:
                frames[own] = self.frame
        grid, views = self._grid, self._shown_views(comparison, self._cameras())
        return CompareState(
            comparison,
            views,
            self._names(comparison, views),
            frames,
            errors,
            self._difference(frames),
            self.grid_plan,
            grid.state if grid is not None else None,
            grid.result if grid is not None else None,
        )

    def _difference(self, frames: dict[int, Frame]) -> Difference | None:
        comparison = self.comparison
        if not comparison.on or comparison.layout != "difference":
            return None
        first, second = (frames.get(comparison.panes[i].key) for i in comparison.pair)
        if first is None or second is None:
            return None
        known = self._apart
        if known is None or known[0] is not first or known[1] is not second:
            known = self._apart = (first, second, difference(first.rgba, second.rgba))
        return known[2]

    # --------------------------------------------------------------------------------------------- panes
    def pin_view(self) -> None:
        """Keep the present View as a pane and go on beside it."""
        comparison = self.comparison
        if len(comparison.panes) >= comparing.MOST_PANES:
            self.notify(f"No more than {comparing.MOST_PANES} views can be compared: remove one first")
            return
        if not self.view.network.path:
            self.notify("There is no view to pin yet")
            return
        before = {pane.key for pane in comparison.panes}
        self.comparison = comparing.pinned(comparison, self.view)
        if self.frame is not None and self.frame.view == self.view:
            for pane in self.comparison.panes:
                if pane.key not in before:
                    self._pane_frames[pane.key] = self.frame
        self._arrange(self.comparison, object())
        self.notify(PINNED)

    def _arrange(self, comparison: Comparison, gesture: object) -> None:
        """Compare otherwise: a step of the history, as that of the View on its way where there is one."""
        self.comparison = comparison
        self._accompany()
        if self._counts():
            self._note(gesture)

    def activate_pane(self, index: int, gesture: object = None) -> None:
        """Make another pane the present View."""
        comparison = self.comparison
        if not 0 <= index < len(comparison.panes) or index == comparison.active:
            return
        error = self._pane_errors.get(comparison.panes[index].key)
        if error is not None:
            self.notify(str(error))
            return
        self.pause()
        self.comparison, view = comparing.activated(comparison, index, self.view, self._cameras())
        self._exchange_frames(comparison)
        gesture = gesture or object()
        if view == self.view:
            self._arrange(self.comparison, gesture)
        else:
            self.commit(view, gesture)

    def _exchange_frames(self, before: Comparison) -> None:
        """The active pane's picture is the program's."""
        assert before.active_key is not None
        assert self.comparison.active_key is not None
        if self.frame is not None:
            self._pane_frames[before.active_key] = self.frame
        self.frame = self._pane_frames.pop(self.comparison.active_key, self.frame)

    def _return_to(self, comparison: Comparison) -> bool:
        """Take a comparison of the history; whether another pane is active in it."""
        before = comparing.synced(self.comparison, self.view)
        # Keys are never given twice: a late picture would be taken for that of another pane.
        self.comparison = replace(comparison, issued=max(before.issued, comparison.issued))
        if before.active_key is None or comparison.active_key in (None, before.active_key):
            return False
        self._exchange_frames(before)
        return True

    def remove_pane(self, index: int) -> None:
        """Take a pane away; of the active one, a neighbour becomes active."""
        comparison = self.comparison
        if not 0 <= index < len(comparison.panes):
            return
        gesture = object()
        if index == comparison.active:
            order = (index + 1, index - 1)
            self.activate_pane(next(i for i in order if 0 <= i < len(comparison.panes)), gesture)
            if self.comparison.active_key == comparison.active_key:
                return  # its neighbour has no picture
        self._arrange(comparing.removed(self.comparison, index), gesture)

    def _replace_comparison(self, comparison: Comparison, gesture: object) -> None:
        if comparison.panes or self.comparison.panes:
            # Its active pane is what the present View becomes now.
            self._arrange(comparing.with_new_keys(comparison, self.comparison.issued), gesture)

    def change_comparison(self, comparison: Comparison) -> None:
        """Change how the panes are shown: everything but the panes themselves."""
        now = self.comparison
        changed = replace(comparison, panes=now.panes, active=now.active, issued=now.issued)
        if changed.shown and not changed.panes:
            self.comparison = replace(changed, shown=False)
            self.pin_view()
        else:
            self._arrange(changed, self.hand)

    def toggle_comparison(self) -> None:
        """Show the panes, or the present View alone. The first time, it is pinned beside itself."""
        self.change_comparison(replace(self.comparison, shown=not self.comparison.on))

    def show_layout(self, layout: CompareLayout) -> None:
        """Show the panes in a layout; asked for again, side by side."""
        again = self.comparison.on and self.comparison.layout == layout
        layout = "side_by_side" if again else layout
        self.change_comparison(replace(self.comparison, shown=True, layout=layout))

    def save_comparison(self) -> None:
        """Save what is compared as one picture, once it is there in full quality."""
        self._picture_wanted = self.comparison.on
        if not self.comparison.on:
            self.notify("Nothing is compared: pin a view first")

    def _save_picture(self) -> None:
        if not self._picture_wanted or self.rendering.busy or self.panes_waiting:
            return
        self._picture_wanted = False
        from viz.compare_picture import comparison_picture

        pixels = comparison_picture(self.compare_state())
        if pixels is None:
            self.notify("There is no comparison to save: a picture is missing")
        else:
            self.capturing.save_comparison(pixels, self.view)

    # ---------------------------------------------------------------------------------------------- grid
    def plan_grid(self, plan: GridPlan) -> None:
        """Take note of which grid to save."""
        self.grid_plan = plan

    def save_grid(self) -> None:
        """Render the grid in the background and save it as PNG."""
        from viz import grid

        view, folder = self.view, self.capturing.folder
        if self.workshop is None or not view.network.path or self.frame is None:
            self.notify("There is no view for a grid yet")
            return
        if self._grid is not None and self._grid.running:
            self.notify("A grid is being made already")
            return
        try:
            request = grid.planned(view, self.grid_plan)
            grid.check_grid(request)
        except Pof3dError as error:
            self.notify(str(error))
            return
        self._grid_told = False
        self._grid = self.workshop.start(
            "Grid of seeds and yaws",
            view.network.path,
            lambda engine, control: grid.save_free(engine, view, request, folder, control),
        )

    def cancel_grid(self) -> None:
        """Stop the grid; nothing of it remains."""
        if self._grid is not None:
            self._grid.cancel()

    def _tell_of_grid(self) -> None:
        job = self._grid
        if job is None or job.running or self._grid_told:
            return
        self._grid_told = True
        state = job.state
        if state.status == "finished":
            self.notify(f"Saved {job.result}")
        elif state.status == "cancelled":
            self.notify("The grid was cancelled")
        elif state.error is not None:
            self.notify(str(state.error))
