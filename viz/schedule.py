"""What the render thread does next, as a pure transition function: moving, settling, at rest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from viz.preview import PREVIEW_MILLISECONDS

Phase = Literal["moving", "settling", "full"]
"""Where what is shown of a View has got to."""
Answer = Literal["nothing", "preview", "settled", "full", "done"]
"""What the present View has got so far; "done": its full frame with the discriminator's pose, or an error."""
PHASES: dict[Answer, Phase] = {
    "nothing": "moving",
    "preview": "moving",
    "settled": "settling",
    "full": "full",
    "done": "full",
}

SETTLING_SECONDS = 0.035
"""A View must have been the newest for this long, two pictures of a screen, before a picture better than its
preview is worth starting: the hand slows down, or rests."""
SETTLE_SECONDS = 0.09
"""A View must have been the newest for this long before an expensive full frame starts: that cannot be
dropped at once, and the next motion of a drag would wait for it."""
CHEAP_MILLISECONDS = 45.0
"""A full frame that takes less than this starts at once, unless the next View of a motion is due before."""
_PAUSE_SECONDS = 0.2
"""Views farther apart are no motion."""
_LATE = 1.5
"""The next View of a motion is overdue after so many times the usual interval."""


@dataclass(frozen=True)
class Motion:
    """How fast Views come in."""

    submitted: float = -math.inf
    """When the newest one did, seconds."""
    interval: float = math.inf
    """Seconds from one to the next, lately; infinite after a pause."""

    def followed(self, at: float) -> Motion:
        """A View has come in."""
        gap = at - self.submitted
        if gap > _PAUSE_SECONDS:
            return Motion(at)
        known = gap if math.isinf(self.interval) else self.interval
        return Motion(at, 0.5 * (known + gap))


@dataclass(frozen=True)
class Situation:
    """Everything the decision reads."""

    newer: bool
    """A newer View is waiting."""
    answer: Answer
    since_submit: float
    """Seconds since the newest View came in."""
    full_milliseconds: float
    """Expected time of the full frame."""
    idle_work: bool
    """Something useful could be done at rest."""
    unseen: bool = False
    """A View beside this one has no picture yet, and its turn has come."""
    rough: bool = False
    """A View beside this one has only a preview."""
    rough_milliseconds: float = 0.0
    """Expected time of that one's full frame."""
    interval: float = math.inf
    """Of the motion; see :class:`Motion`."""
    settling: bool = False
    """Whether there is a picture, better than the preview, that comes much sooner than the full frame."""


@dataclass(frozen=True)
class Step:
    """The decision."""

    kind: Literal["take", "preview", "settle", "full", "judge", "beside", "beside full", "idle", "wait"]
    seconds: float | None = None
    """How long to wait at most; None: until something happens."""


def next_step(now: Situation) -> Step:
    """The newest View, its preview, then — once the hand slows down — something better if the full frame
    takes long, and — once it rests — its full frame, what the discriminator says of it, and idle work. Views
    beside it have their turns between: previews after its preview, also while the next one waits already,
    full frames after its full frame.
    """
    if now.newer and not (now.unseen and now.answer == "preview"):
        return Step("take")
    if now.answer == "nothing":
        return Step("preview")
    if now.unseen:
        return Step("beside")
    if now.answer == "preview" and now.settling:
        return _after("settle", SETTLING_SECONDS, now)
    if PHASES[now.answer] != "full":
        return _after("full", _patience(now.full_milliseconds, now.interval), now)
    if now.rough:
        return _after("beside full", _patience(now.rough_milliseconds, now.interval), now)
    if now.answer == "full":
        return _after("judge", _patience(now.full_milliseconds, now.interval), now)
    return Step("idle") if now.idle_work else Step("wait")


def _after(kind: Literal["settle", "full", "judge", "beside full"], seconds: float, now: Situation) -> Step:
    left = seconds - now.since_submit
    return Step("wait", left) if left > 0.0 else Step(kind)


def _patience(milliseconds: float, interval: float) -> float:
    """How long a View must have been the newest before something that takes so long starts, seconds."""
    if milliseconds > CHEAP_MILLISECONDS:
        return SETTLE_SECONDS
    if milliseconds <= PREVIEW_MILLISECONDS or math.isinf(interval):
        return 0.0
    return min(_LATE * interval, SETTLE_SECONDS)
