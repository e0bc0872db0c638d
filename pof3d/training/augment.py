"""Adaptive discriminator augmentation (ADA; Karras et al., arXiv 2006.06676), for small data sets.

What the discriminator sees is changed at random, with a probability that follows how much it overfits. Of the
paper's changes, those that would change the camera's pose are left out (flips and rotations), and those that
it found of little use (filtering, noise and cutout).
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d.training.random import BatchRandom

INTERVAL = 4
"""Steps between adjustments of the probability (the paper's)."""
_SHIFT, _SCALE, _STRETCH = 0.125, 0.2, 0.2
_BRIGHTNESS, _CONTRAST, _SATURATION = 0.2, 0.5, 1.0
"""Standard deviations of App. B: fractions of the image, base-2 logarithms; brightness in levels of 1."""


class Augmentation:
    """Changes images at random; holds the probability of each change.

    Parameters
    ----------
    target : float
        The share r_t = E[sign D(real)] that the probability is steered to; the paper's is 0.6.
    kimg : float
        Thousands of images in which the probability can go from 0 to 1.
    """

    def __init__(self, target: float, kimg: float) -> None:
        self.target = target
        self.kimg = kimg
        self.probability = 0.0
        self.signs: list[Tensor] = []
        """Mean signs of D's scores of real images since the last adjustment."""

    def observe(self, real_score: Tensor) -> None:
        """Note the scores [B, 1] of real images."""
        self.signs.append(real_score.detach().sign().mean())

    def overfitting(self) -> Tensor:
        """r_t since the last adjustment, −1…1; the notes are dropped."""
        mean = torch.stack(self.signs).mean()
        self.signs = []
        return mean

    def adjust(self, overfitting: float, images: int) -> None:
        """Step the probability towards the target, for ``images`` seen since the last time."""
        step = images / (self.kimg * 1000) * math.copysign(1.0, overfitting - self.target)
        self.probability = min(max(self.probability + step, 0.0), 1.0)

    def state(self) -> dict[str, Any]:
        """For a snapshot."""
        return {"probability": self.probability, "signs": list(self.signs)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self.probability = float(state["probability"])
        self.signs = list(state["signs"])

    def apply(self, x: Tensor, random: BatchRandom) -> Tensor:
        """[B, 3·n, S, S] in −1…1, n pictures of the same view → the same, changed alike.

        Amounts are those of the paper's appendix B: translation by whole pixels and by fractions, isotropic
        and anisotropic scaling, in one step; then brightness, contrast, inverted luma, hue, saturation.
        """
        if self.probability <= 0.0:
            return x
        return self._colours(self._geometry(x, random), random)

    def _chosen(self, random: BatchRandom, count: int) -> Tensor:
        return (random.uniform((count, 1)) < self.probability).float()[:, 0]

    def _geometry(self, x: Tensor, random: BatchRandom) -> Tensor:
        batch, size = len(x), x.shape[-1]
        shift = torch.zeros(batch, 2, device=x.device)
        whole = (random.uniform((batch, 2)) * 2 - 1) * _SHIFT
        shift = shift + (whole * size).round() / size * self._chosen(random, batch)[:, None]
        log_scale = random.normal((batch, 1))[:, 0] * _SCALE * self._chosen(random, batch)
        stretch = random.normal((batch, 1))[:, 0] * _STRETCH * self._chosen(random, batch)
        shift = shift + random.normal((batch, 2)) * _SHIFT * self._chosen(random, batch)[:, None]
        theta = torch.zeros(batch, 2, 3, device=x.device)
        # Affine maps go from the result back to the source.
        theta[:, 0, 0] = torch.exp2(-(log_scale + stretch))
        theta[:, 1, 1] = torch.exp2(-(log_scale - stretch))
        theta[:, :, 2] = -2.0 * shift
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        return F.grid_sample(x, grid.to(x.dtype), padding_mode="reflection", align_corners=False)

    def _colours(self, x: Tensor, random: BatchRandom) -> Tensor:
        batch = len(x)
        eye = torch.eye(4, device=x.device).expand(batch, 4, 4)
        axis = torch.full((3,), 1 / math.sqrt(3.0), device=x.device)
        along = torch.zeros(4, 4, device=x.device)
        along[:3, :3] = torch.outer(axis, axis)
        colours = torch.eye(4, device=x.device)
        colours[3, 3] = 0.0

        def draw(sigma: float) -> Tensor:
            return random.normal((batch, 1))[:, 0] * sigma * self._chosen(random, batch)

        shift = eye.clone()
        shift[:, :3, 3] = draw(_BRIGHTNESS)[:, None]
        scale = (
            eye
            * torch.cat([torch.exp2(draw(_CONTRAST))[:, None].expand(-1, 3), eye[:, 3, 3:]], dim=1)[:, None]
        )
        flip = (random.uniform((batch, 1))[:, 0] < 0.5).float() * self._chosen(random, batch)
        mirror = eye - 2.0 * flip[:, None, None] * along
        angle = (random.uniform((batch, 1))[:, 0] * 2 - 1) * math.pi * self._chosen(random, batch)
        cross = torch.zeros(4, 4, device=x.device)
        third = 1 / math.sqrt(3.0)
        for i, j, sign in ((0, 1, -1), (0, 2, 1), (1, 0, 1), (1, 2, -1), (2, 0, -1), (2, 1, 1)):
            cross[i, j] = sign * third
        c, s = angle.cos()[:, None, None], angle.sin()[:, None, None]
        hue = along + c * (colours - along) + s * cross + (eye - colours)
        saturation = (
            along + torch.exp2(draw(_SATURATION))[:, None, None] * (colours - along) + (eye - colours)
        )
        matrix = (saturation @ hue @ mirror @ scale @ shift)[:, :3].to(x.dtype)
        pixels = x.reshape(batch, -1, 3, *x.shape[2:])
        changed = torch.einsum("bij,bnjhw->bnihw", matrix[:, :, :3], pixels)
        return (changed + matrix[:, None, :, 3, None, None]).reshape(x.shape)
