"""Undo and redo: Views, and what was made of them, as they were, a drag counting as one step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

from viz.comparing import Comparison, synced
from viz.explore_state import Bookmark
from viz.timeline import Timeline
from viz.view import View
from viz.walks import WalkPath

LIMIT = 500
COALESCE_SECONDS = 0.8
_WHOLE = ("timeline", "path", "bookmarks")


@dataclass(frozen=True)
class Moment:
    """What a step takes back."""

    view: View
    timeline: Timeline = field(default_factory=Timeline)
    playhead: float = field(default=0.0, compare=False)
    """Where it was then, seconds. Moving it is no step by itself."""
    comparison: Comparison = field(default_factory=Comparison)
    """With the View in its active pane."""
    path: WalkPath | None = None
    """Drawn on the seed map."""
    bookmarks: tuple[Bookmark, ...] = ()


class History:
    """The moments that the user went through.

    Parameters
    ----------
    start : Moment
        Where it begins.
    limit : int
        Steps kept.
    clock : callable
        Seconds; for tests.
    """

    def __init__(
        self, start: Moment, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._limit = max(1, limit)
        self._past: list[Moment] = []
        self._present = _whole(start)
        self._future: list[Moment] = []
        self._gesture: object = None
        self._touched: tuple[str, ...] = ()
        self._time = float("-inf")

    @property
    def present(self) -> Moment:
        """The one recorded last, or come back to."""
        return self._present

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to repeat."""
        return bool(self._future)

    def record(self, moment: Moment, gesture: object = None) -> None:
        """Note how things are now; call it as often as you like.

        Parameters
        ----------
        moment : Moment
            Equal to the present one: nothing happens.
        gesture : object, optional
            Changes with the same token, such as those of one mouse drag or of a running turntable, are one
            step. Without a token, changes of the same parts of the moment in quick succession are one.
        """
        new = _whole(moment)
        if new == self._present:
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

    def undo(self) -> Moment | None:
        """Go back one step; None at the beginning."""
        return self._move(self._past, self._future)

    def redo(self) -> Moment | None:
        """Repeat a step taken back; None if there is none."""
        return self._move(self._future, self._past)

    def amend(self, view: View | None = None, timeline: Timeline | None = None) -> None:
        """Replace parts of the present moment without a step: for changes that the user did not make."""
        present = self._present
        changed = replace(present, view=view or present.view, timeline=timeline or present.timeline)
        self._present = _whole(changed)

    def _move(self, source: list[Moment], target: list[Moment]) -> Moment | None:
        if not source:
            return None
        target.append(self._present)
        self._present = source.pop()
        self._gesture, self._touched, self._time = None, (), float("-inf")
        return self._present


def _whole(moment: Moment) -> Moment:
    return replace(moment, comparison=synced(moment.comparison, moment.view))


def _touched(old: Moment, new: Moment) -> tuple[str, ...]:
    """Names of what differs: slices of the View, parts of the comparison, and the rest."""
    names = [f"view.{name}" for name in _differing(old.view, new.view)]
    names += [f"comparison.{name}" for name in _differing(synced(old.comparison, new.view), new.comparison)]
    names += [name for name in _WHOLE if getattr(old, name) != getattr(new, name)]
    return tuple(names)


def _differing(old: View | Comparison, new: View | Comparison) -> list[str]:
    return [one.name for one in fields(old) if getattr(old, one.name) != getattr(new, one.name)]
