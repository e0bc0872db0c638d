"""Undo and redo: Views as they were, a drag counting as one step."""

from __future__ import annotations

import time
from collections.abc import Callable

from viz.view import View

LIMIT = 500
COALESCE_SECONDS = 0.8


class History:
    """The Views that the user went through.

    Parameters
    ----------
    view : View
        Where it begins.
    limit : int
        Steps kept.
    clock : callable
        Seconds; for tests.
    """

    def __init__(self, view: View, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limit = max(1, limit)
        self._past: list[View] = []
        self._present = view
        self._future: list[View] = []
        self._gesture: object = None
        self._touched: tuple[str, ...] = ()
        self._time = float("-inf")

    @property
    def present(self) -> View:
        """The View recorded last, or come back to."""
        return self._present

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

    def record(self, view: View, gesture: object = None) -> None:
        """Note the View of now; call it as often as you like.

        Parameters
        ----------
        view : View
            Equal to the present one: nothing happens.
        gesture : object, optional
            Changes with the same token, such as those of one mouse drag or of a running turntable, are one
            step. Without a token, changes of the same slices of the View in quick succession are one.
        """
        if view == self._present:
            return
        now, touched = self._clock(), _touched(self._present, view)
        if gesture is not None:
            joins = gesture == self._gesture
        else:
            quick = now - self._time <= COALESCE_SECONDS
            joins = self._gesture is None and quick and touched == self._touched
        if not (joins and self._past):
            self._past.append(self._present)
            del self._past[: -self._limit]
        self._present, self._future = view, []
        self._gesture, self._touched, self._time = gesture, touched, now

    def undo(self) -> View | None:
        """Go back one step; None at the beginning."""
        return self._move(self._past, self._future)

    def redo(self) -> View | None:
        """Repeat a step taken back; None if there is none."""
        return self._move(self._future, self._past)

    def amend(self, view: View) -> None:
        """Replace the present View without a step: for changes that the user did not make."""
        self._present = view

    def _move(self, source: list[View], target: list[View]) -> View | None:
        if not source:
            return None
        target.append(self._present)
        self._present = source.pop()
        self._gesture, self._touched, self._time = None, (), float("-inf")
        return self._present


def _touched(old: View, new: View) -> tuple[str, ...]:
    slices = ("network", "latent", "pose", "camera", "sampling", "display")
    return tuple(name for name in slices if getattr(old, name) != getattr(new, name))
