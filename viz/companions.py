"""Views to be rendered beside the newest one, in the render thread."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pof3d.errors import DeviceError, Pof3dError
from viz.engine import Cancelled, Engine
from viz.frame import FailedFrame, Frame, FrameLevel
from viz.preview import PREVIEW_MILLISECONDS
from viz.schedule import Situation
from viz.stages import StageError
from viz.view import View

_log = logging.getLogger(__name__)

Given = Literal["nothing", "preview", "done"]


class Companions:
    """Which Views are wanted beside the newest one, and what each has got so far.

    Not safe by itself: the render thread calls it with its lock held.
    """

    def __init__(self) -> None:
        self._wanted: dict[int, View] = {}
        self._given: dict[int, tuple[View, Given]] = {}
        self._ready: dict[int, Frame | FailedFrame] = {}
        self._turns = 0

    @property
    def paths(self) -> set[str]:
        """Checkpoints of all."""
        return {view.network.path for view in self._wanted.values()}

    def want(self, views: Mapping[int, View]) -> bool:
        """Want these from now on, by a key that stays with a picture; whether anything changed."""
        if dict(views) == self._wanted:
            return False
        self._wanted = dict(views)
        self._given = {key: given for key, given in self._given.items() if key in self._wanted}
        self._ready = {key: result for key, result in self._ready.items() if key in self._wanted}
        return True

    def poll(self) -> dict[int, Frame | FailedFrame]:
        """The newest results that have not been seen, by key."""
        ready, self._ready = self._ready, {}
        return ready

    def begin_round(self) -> None:
        """A new main View is being rendered: each companion may have one preview before the next one."""
        self._turns = len(self._wanted)

    @property
    def may_interpose(self) -> bool:
        """Whether one may still be rendered before a newer main View."""
        return self._turns > 0

    def take_turn(self) -> None:
        """One of the round's turns is used up."""
        self._turns -= 1

    def waiting(self, given: Given) -> list[tuple[int, View]]:
        """Those that have got just this, the ones served longest ago first."""
        order = [*(key for key in self._wanted if key not in self._given), *self._given]
        return [(key, self._wanted[key]) for key in order if self._state(key) == given]

    @property
    def complete(self) -> bool:
        """Whether all have their full frames, or errors."""
        return all(self._state(key) == "done" for key in self._wanted)

    def wants(self, key: int, view: View) -> bool:
        """Whether this View is still the one wanted."""
        return self._wanted.get(key) == view

    def give(self, key: int, view: View, result: Frame | FailedFrame) -> None:
        """Take the result of a View."""
        if key not in self._wanted:
            return
        final = isinstance(result, FailedFrame) or result.level == "full"
        self._given.pop(key, None)
        self._given[key] = (view, "done" if final else "preview")
        self._ready[key] = result

    def start_again(self) -> None:
        """Nothing given so far counts any more."""
        self._given.clear()

    def joined(self, now: Situation, engine: Engine) -> tuple[Situation, tuple[int, View] | None]:
        """What the next step reads, these included; and the one whose turn it is, if there is one."""
        unseen, rough = self.waiting("nothing"), self.waiting("preview")
        # So many previews in one round: each gets less time, so that a linked orbit stays lively.
        engine.preview_milliseconds = PREVIEW_MILLISECONDS / math.sqrt(1 + len(unseen) + len(rough))
        if not (unseen or rough):
            return now, None
        seen = bool(unseen) and (not now.newer or self.may_interpose)
        expected = engine.expected_milliseconds(rough[0][1]) if rough else 0.0
        situation = replace(now, unseen=seen, rough=bool(rough), rough_milliseconds=expected)
        return situation, (unseen or rough)[0]

    def _state(self, key: int) -> Given:
        given = self._given.get(key)
        return given[1] if given is not None and given[0] == self._wanted[key] else "nothing"


def render_companion(
    engine: Engine,
    view: View,
    level: FrameLevel,
    cancelled: Callable[[], bool],
    kept: Collection[str],
) -> Frame | FailedFrame:
    """The picture of a View beside the newest one; errors are values.

    Parameters
    ----------
    engine : Engine
    view : View
    level : "preview" or "full"
    cancelled : callable
        Asked while its checkpoint is opened, and while a full frame is rendered.
    kept : collection of str
        The other checkpoints in use: they must stay in memory, or both would be opened again and again.

    Raises
    ------
    Cancelled
        When the cancel token was pulled.
    """
    path = view.network.path
    try:
        if not engine.is_loaded(path):
            if not engine.has_room(path, kept):
                raise DeviceError(
                    f"{Path(path).name} does not fit into memory beside the other networks",
                    todo="Allow more memory in the Performance panel, or compare smaller networks.",
                )
            engine.load(path, cancelled=cancelled)
        return engine.render(view, level, cancelled, discriminator=False)
    except Cancelled:
        raise
    except Pof3dError as error:
        return FailedFrame(view, error.detached(), opened=engine.is_loaded(path))
    except Exception as error:
        _log.exception("unexpected error beside the newest view")
        failure = StageError("Rendering failed", f"{type(error).__name__}: {error}")
        return FailedFrame(view, failure, opened=engine.is_loaded(path))
