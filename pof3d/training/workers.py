"""The processes that share a training run: one, or as many as ``torchrun`` started.

Every process holds the same networks and sees its share of each batch; gradients are averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from pof3d.errors import TrainingError


@dataclass(frozen=True)
class Workers:
    """Place of the current process among them."""

    rank: int = 0
    """0 is the one that writes files and reports."""
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    @torch.no_grad()
    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors of equal dtype and device by their mean over the processes, in one transfer."""
        if self.count == 1:
            return
        held = list(tensors)
        if not held:
            return
        flat = torch.cat([x.reshape(-1) for x in held])
        with _meeting():
            dist.all_reduce(flat)
        flat /= self.count
        for x, mean in zip(held, flat.split([x.numel() for x in held]), strict=True):
            x.copy_(mean.view_as(x))

    def any(self, flag: bool) -> bool:
        """Whether any process says so."""
        if self.count == 1:
            return flag
        raised = torch.tensor(float(flag), device="cuda" if dist.get_backend() == "nccl" else "cpu")
        with _meeting():
            dist.all_reduce(raised, op=dist.ReduceOp.MAX)
        return bool(raised > 0)

    def wait(self) -> None:
        """Return once all processes have come here."""
        if self.count > 1:
            with _meeting():
                dist.barrier()


_LOST = ("connection", "closed", "reset", "timed out", "nccl")


@contextmanager
def _meeting() -> Iterator[None]:
    """Around transfers: says in one line that another process has ended, which tells its reason itself."""
    try:
        yield
    except RuntimeError as error:
        if not any(word in str(error).lower() for word in _LOST):
            raise
        raise TrainingError("stopped", "another training process has ended, see its message") from error


def started_by_torchrun() -> bool:
    """Whether ``torchrun`` started this process."""
    return dist.is_torchelastic_launched()


def join(device: torch.device) -> Workers:
    """Meet the other processes of ``torchrun``; alone where it was not used.

    Parameters
    ----------
    device : torch.device
        Where this process trains; its type chooses NCCL or Gloo.

    Raises
    ------
    TrainingError
        When they cannot be reached.
    """
    if not started_by_torchrun():
        return Workers()
    if device.type == "cuda":
        torch.cuda.set_device(device)  # where NCCL's own transfers go
    try:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except (RuntimeError, ValueError) as error:
        raise TrainingError("the training processes cannot reach each other", str(error)) from error
    return Workers(dist.get_rank(), dist.get_world_size())


def leave() -> None:
    """Part from the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()
