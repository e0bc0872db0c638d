"""Telling a run that has gone wrong from one that learns, and saying how."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

from pof3d.errors import TrainingError

_DECAY, _QUICK_DECAY = 0.98, 0.8
_SETTLING = 50
"""Steps that do not count: losses are large at the start."""
_PATIENCE = 20
"""Steps in a row with gradients that are not finite."""


class Health:
    """Watches losses and gradients.

    Parameters
    ----------
    limit : float
        A running mean of a network's loss beyond this is a divergence.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._means: dict[str, float] = {}
        self._steps = 0
        self._broken = {"generator": 0, "discriminator": 0}

    def state(self) -> dict[str, Any]:
        """For a snapshot."""
        return {"means": dict(self._means), "steps": self._steps, "broken": dict(self._broken)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._means = dict(state["means"])
        self._steps = int(state["steps"])
        self._broken = dict(state["broken"])

    def check(self, stats: Mapping[str, float], images: int) -> None:
        """Note the figures of a step.

        Raises
        ------
        TrainingError
            When the running mean of a loss is beyond the limit.
        """
        self._steps += 1
        decay = _DECAY if self._steps > _SETTLING else _QUICK_DECAY
        for name, value in stats.items():
            self._means[name] = decay * self._means.get(name, value) + (1 - decay) * value
        if self._steps <= _SETTLING:
            return
        for name in ("discriminator", "generator"):
            mean = self._means.get(f"{name[0].upper()}/loss", 0.0)
            if not abs(mean) <= self.limit:
                self._stop(f"the {name}'s loss has grown to {mean:.3g}", images)

    def note_gradients(self, name: str, finite: bool, images: int) -> None:
        """Note whether a network's gradients are finite; single steps in which they are not are let pass.

        Raises
        ------
        TrainingError
            When they have not been for many steps.
        """
        self._broken[name] = 0 if finite else self._broken[name] + 1
        if self._broken[name] >= _PATIENCE:
            self._stop(f"the gradients of the {name} have not been finite for {_PATIENCE} steps", images)

    def stop_for_loss(self, name: str, stats: Mapping[str, float], images: int) -> NoReturn:
        """Stop because a loss is not finite; ``stats`` are the terms of this step.

        Raises
        ------
        TrainingError
            Always.
        """
        bad = [key for key, value in stats.items() if not math.isfinite(value) and not key.endswith("/loss")]
        self._stop(f"the {name}'s loss is not a finite number{': ' + ', '.join(bad) if bad else ''}", images)

    def _stop(self, what: str, images: int) -> NoReturn:
        raise TrainingError(
            f"training diverged at {images / 1000:.1f} kimg",
            f"{what}{self._before()}",
            f"The last snapshot is intact. {self._advice()}",
        )

    def _before(self) -> str:
        named = ("D/score_real", "D/score_fake", "D/pose_error", "D/r1", "G/yaw_std")
        known = [f"{name} {self._means[name]:.3g}" for name in named if name in self._means]
        return f" (before: {', '.join(known)})" if known else ""

    def _advice(self) -> str:
        real, fake = self._means.get("D/score_real", 0.0), self._means.get("D/score_fake", 0.0)
        if self._means.get("D/r1", 0.0) > 100:
            return "The discriminator has become too steep: try a larger --training.r1-gamma."
        if real - fake > 20:
            return (
                "The discriminator tells real from generated without effort: try a larger "
                "--training.r1-gamma, a smaller --training.discriminator-lr, or --training.augment "
                "if images are few."
            )
        if self._means.get("D/pose_error", 0.0) > 10:
            return "Poses have run away: try a smaller --network.generator.pose-lr-multiplier."
        return "Try a larger --training.r1-gamma or smaller learning rates."
