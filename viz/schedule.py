"""What the render thread does next, as a pure transition function: moving, settling, at rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Answer = Literal["nothing", "preview", "full", "done"]
"""What the present View has got so far; "done": its full frame with the discriminator's pose, or an error."""

SETTLE_SECONDS = 0.09
"""A View must have been the newest for this long before an expensive full frame starts: that cannot be
dropped at once, and the next motion of a drag would wait for it."""
CHEAP_MILLISECONDS = 45.0
"""A full frame that takes less than this starts at once."""


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


@dataclass(frozen=True)
class Step:
    """The decision."""

    kind: Literal["take", "preview", "full", "judge", "beside", "beside full", "idle", "wait"]
    seconds: float | None = None
    """How long to wait at most; None: until something happens."""


def next_step(now: Situation) -> Step:
    """The newest View, its preview, then — once the hand rests — its full frame, what the discriminator says
    of it, and idle work. Views beside it have their turns between: previews after its preview, also while the
    next one waits already, full frames after its full frame.
    """
    if now.newer and not (now.unseen and now.answer == "preview"):
        return Step("take")
    if now.answer == "nothing":
        return Step("preview")
    if now.unseen:
        return Step("beside")
    if now.answer == "preview":
        return _settled("full", now.full_milliseconds, now.since_submit)
    if now.rough:
        return _settled("beside full", now.rough_milliseconds, now.since_submit)
    if now.answer == "full":
        return _settled("judge", now.full_milliseconds, now.since_submit)
    return Step("idle") if now.idle_work else Step("wait")


def _settled(kind: Literal["full", "judge", "beside full"], milliseconds: float, since_submit: float) -> Step:
    """A step that is expensive, perhaps: then the hand must have come to rest."""
    left = (0.0 if milliseconds <= CHEAP_MILLISECONDS else SETTLE_SECONDS) - since_submit
    return Step("wait", left) if left > 0.0 else Step(kind)
