"""Random numbers that depend on the seed and the step alone.

Every process, and every part of a batch that is worked off one after another, draws the numbers of the whole
batch and keeps its own rows. So neither the number of processes nor gradient accumulation changes what is
drawn, and resuming needs no stored state.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class BatchRandom:
    """Random numbers of one step, row by row of the batch.

    Parameters
    ----------
    seed : int
        Of the run.
    batch : int
        Rows of the whole batch.
    device : torch.device
        Where the numbers are made.
    """

    def __init__(self, seed: int, batch: int, device: torch.device) -> None:
        self.seed = seed
        self.batch = batch
        self.device = device
        self.rows = torch.arange(batch, device=device)
        """Rows to keep, in this order."""
        self._generator = torch.Generator(device)
        self.begin(0, 0, self.rows)

    def begin(self, step: int, phase: int, rows: Tensor) -> None:
        """Start the stream of a step's phase, for some rows of the batch."""
        state = np.random.SeedSequence([self.seed, step, phase]).generate_state(1, np.uint64)
        self._generator.manual_seed(int(state[0] >> np.uint64(1)))
        self.rows = rows.to(self.device)

    def uniform(self, shape: tuple[int, ...]) -> Tensor:
        """Uniform in 0…1; the first axis of ``shape`` counts the rows kept."""
        return self._kept(
            torch.rand((self.batch, *shape[1:]), generator=self._generator, device=self.device), shape
        )

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        """Standard normal; the first axis of ``shape`` counts the rows kept."""
        whole = (self.batch, *shape[1:])
        return self._kept(torch.randn(whole, generator=self._generator, device=self.device), shape)

    def _kept(self, numbers: Tensor, shape: tuple[int, ...]) -> Tensor:
        if shape[0] != len(self.rows):
            raise ValueError(f"{shape[0]} rows asked for, {len(self.rows)} are kept")
        return numbers[self.rows]


def share_of_batch(batch: int, rank: int, count: int, part: int = 0, parts: int = 1) -> Tensor:
    """Rows of a batch that one of ``count`` processes works on, in its ``part`` of ``parts``.

    Every ``count``-th row and of those every ``parts``-th: the groups of the minibatch statistic, whose
    members lie batch / group apart, stay together wherever ``count · parts`` divides batch / group.

    Returns
    -------
    Tensor [batch / (count · parts)], int64
    """
    return torch.arange(batch)[rank::count][part::parts]
