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


@dataclass(frozen=True)
class Step:
    """The decision."""

    kind: Literal["take", "preview", "full", "judge", "idle", "wait"]
    seconds: float | None = None
    """How long to wait at most; None: until something happens."""


def next_step(now: Situation) -> Step:
    """The newest View, its preview, then — once the hand rests — its full frame, what the discriminator says
    of it, and idle work.
    """
    if now.newer:
        return Step("take")
    if now.answer == "nothing":
        return Step("preview")
    if now.answer != "done":
        settle = 0.0 if now.full_milliseconds <= CHEAP_MILLISECONDS else SETTLE_SECONDS
        left = settle - now.since_submit
        if left > 0.0:
            return Step("wait", left)
        return Step("full" if now.answer == "preview" else "judge")
    return Step("idle") if now.idle_work else Step("wait")
