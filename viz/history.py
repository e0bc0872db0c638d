"""Undo and redo: Views and timelines as they were, a drag counting as one step."""

from __future__ import annotations

import time
from collections.abc import Callable

from viz.timeline import Timeline
from viz.view import View

_State = tuple[View, Timeline, float]
"""The last: where the playhead is, seconds."""
LIMIT = 500
COALESCE_SECONDS = 0.8


class History:
    """The Views and timelines that the user went through.

    Parameters
    ----------
    view : View
        Where it begins.
    limit : int
        Steps kept.
    clock : callable
        Seconds; for tests.
    timeline : Timeline, optional
        That of the beginning.
    """

    def __init__(
        self,
        view: View,
        limit: int = LIMIT,
        clock: Callable[[], float] = time.monotonic,
        *,
        timeline: Timeline | None = None,
    ) -> None:
        self._clock = clock
        self._limit = max(1, limit)
        self._past: list[_State] = []
        self._present: _State = (view, timeline or Timeline(), 0.0)
        self._future: list[_State] = []
        self._gesture: object = None
        self._touched: tuple[str, ...] = ()
        self._time = float("-inf")

    @property
    def present(self) -> View:
        """The View recorded last, or come back to."""
        return self._present[0]

    @property
    def timeline(self) -> Timeline:
        """The timeline that belongs to it."""
        return self._present[1]

    @property
    def playhead(self) -> float:
        """Where it was then, seconds."""
        return self._present[2]

    @property
    def depth(self) -> int:
        """Steps that can be taken back."""
        return len(self._past)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to repeat."""
        return bool(self._future)

    def record(
        self,
        view: View,
        gesture: object = None,
        timeline: Timeline | None = None,
        playhead: float | None = None,
    ) -> None:
        """Note the View of now; call it as often as you like.

        Parameters
        ----------
        view : View
            Equal to the present one, and the timeline, too: nothing happens.
        gesture : object, optional
            Changes with the same token, such as those of one mouse drag or of a running turntable, are one
            step. Without a token, changes of the same slices of the View in quick succession are one.
        timeline : Timeline, optional
            None: it has not changed.
        playhead : float, optional
            None: it has not moved. Moving it is no step by itself.
        """
        new = (
            view,
            self.timeline if timeline is None else timeline,
            self.playhead if playhead is None else playhead,
        )
        if new[:2] == self._present[:2]:
            return
        now, touched = self._clock(), _touched(self._present, new)
        if gesture is not None:
            joins = gesture == self._gesture
        else:
            quick = now - self._time <= COALESCE_SECONDS
            joins = self._gesture is None and quick and touched == self._touched
        if not (joins and self._past):
            self._past.append(self._present)
            del self._past[: -self._limit]
        self._present, self._future = new, []
        self._gesture, self._touched, self._time = gesture, touched, now

    def undo(self) -> View | None:
        """Go back one step; None at the beginning."""
        return self._move(self._past, self._future)

    def redo(self) -> View | None:
        """Repeat a step taken back; None if there is none."""
        return self._move(self._future, self._past)

    def amend(self, view: View, timeline: Timeline | None = None) -> None:
        """Replace the present View without a step: for changes that the user did not make."""
        self._present = (view, self.timeline if timeline is None else timeline, self.playhead)

    def _move(self, source: list[_State], target: list[_State]) -> View | None:
        if not source:
            return None
        target.append(self._present)
        self._present = source.pop()
        self._gesture, self._touched, self._time = None, (), float("-inf")
        return self.present


def _touched(old: _State, new: _State) -> tuple[str, ...]:
    slices = ("network", "latent", "pose", "camera", "sampling", "display")
    names = tuple(name for name in slices if getattr(old[0], name) != getattr(new[0], name))
    return names if old[1] == new[1] else (*names, "timeline")
