"""What the procedural objects are drawn and painted with: random values, soft masks, layers of colour."""

from __future__ import annotations

import numpy as np

from pof3d.data.sdf import Array, Vec3


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A number drawn uniformly from [low, high)."""
    return float(rng.uniform(low, high))


def vary(rng: np.random.Generator, colour: Vec3, amount: float = 0.035) -> Vec3:
    """`colour` with its brightness and, less, its hue changed a little."""
    c = np.asarray(colour) * (1 + rng.uniform(-2, 2) * amount) + rng.uniform(-0.5, 0.5, 3) * amount
    r, g, b = np.clip(c, 0.02, 0.95)
    return (float(r), float(g), float(b))


def ramp(x: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, smooth in between (also for high < low: then falling)."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


class Painter:
    """Colours of surface points, painted layer upon layer.

    Parameters
    ----------
    p : array, shape (3, *S)
        The points; only shape and dtype count.
    ground : three floats
        The first layer, sRGB in [0, 1].

    Attributes
    ----------
    colours : array, shape (3, *S)
    """

    def __init__(self, p: Array, ground: Vec3) -> None:
        self.colours = np.empty_like(p)
        self.colours[:] = self._tint(ground)

    def _tint(self, colour: Vec3) -> Array:
        shape = (3, *[1] * (self.colours.ndim - 1))
        return np.asarray(colour, self.colours.dtype).reshape(shape)

    def paint(self, mask: Array, colour: Vec3) -> None:
        """Lay `colour` over the points, as opaque as `mask` (shape S, values in [0, 1]) says."""
        self.colours[:] += mask * (self._tint(colour) - self.colours)
