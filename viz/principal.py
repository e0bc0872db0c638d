"""Principal directions of w: along which a network's latents differ most (GANSpace, arXiv 2004.02546)."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from pof3d.cameras import yaw_pitch_from_hv
from pof3d.nets.generator import Generator

COUNT = 10
"""Directions that are kept, at most."""
SAMPLES = 4096
"""Latents that they are found from."""
_CHUNK = 256

Report = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class Directions:
    """Principal directions, strongest first."""

    steps: Tensor
    """[K, w_dim]: one standard deviation along each. The largest entry of each is positive."""
    explained: tuple[float, ...]
    """Share of the variance of w that lies along each, 0…1."""
    turns: tuple[tuple[float, float], ...]
    """By how much one standard deviation along each turns the predicted pose, at the mean latent: yaw and
    pitch, radians. 0 where the pose is not read from w."""

    def moved(self, w: Tensor, amplitudes: tuple[float, ...]) -> Tensor:
        """Latents [B, w_dim], moved by so many standard deviations along each direction.

        Amplitudes that are not given are 0; those of directions that there are not are ignored.
        """
        count = min(len(amplitudes), len(self.steps))
        return w + w.new_tensor(amplitudes[:count]) @ self.steps[:count].to(w)


_found: WeakKeyDictionary[Generator, Directions] = WeakKeyDictionary()
_lock = threading.Lock()


def known_directions(generator: Generator) -> Directions | None:
    """Those of :func:`principal_directions`, if they have been found before."""
    with _lock:
        return _found.get(generator)


@torch.inference_mode()
def principal_directions(
    generator: Generator, check: Callable[[], None] = lambda: None, report: Report = lambda share: None
) -> Directions:
    """The principal directions of a network: found once, remembered as long as the network lives.

    They come from the covariance of :data:`SAMPLES` latents, always the same ones: one network has the same
    directions at all times. In networks that are conditioned on a camera it is the front view's.

    Parameters
    ----------
    generator : Generator
        Only its mapping network runs.
    check : callable
        Called now and then; may raise to end the work.
    report : callable
        Is told the share that is done, 0 … 1.
    """
    found = known_directions(generator)
    if found is not None:
        return found
    mapping, device = generator.mapping, generator.device
    random = torch.Generator().manual_seed(0)
    parts = []
    for first in range(0, SAMPLES, _CHUNK):
        check()
        z = torch.randn(_CHUNK, mapping.z_dim, generator=random)
        parts.append(mapping.map_w(z.to(device)).cpu().double())
        report((first + _CHUNK) / SAMPLES)
    w = torch.cat(parts)
    steps, explained = _analyse(w)
    found = Directions(steps, explained, _turns(generator, w.mean(dim=0), steps))
    with _lock:
        return _found.setdefault(generator, found)


def _turns(generator: Generator, mean: Tensor, steps: Tensor) -> tuple[tuple[float, float], ...]:
    """Central differences of the predicted pose."""
    ends = []
    for sign in (1, -1):
        hv = generator.mapping.predict_pose((mean.float() + sign * steps).to(generator.device))
        ends.append(yaw_pitch_from_hv(hv.double().cpu(), generator.config.camera.h_mean))
    # The shorter way round.
    difference = (ends[0] - ends[1] + math.pi) % (2 * math.pi) - math.pi
    return tuple((yaw / 2, pitch / 2) for yaw, pitch in difference.tolist())


def _analyse(w: Tensor) -> tuple[Tensor, tuple[float, ...]]:
    """Steps and shares, as in :class:`Directions`, of latents [N, w_dim], float64."""
    values, vectors = torch.linalg.eigh(torch.cov(w.T).view(w.shape[1], w.shape[1]))
    values, vectors = values.flip(0).clamp(min=0.0)[:COUNT], vectors.T.flip(0)[:COUNT]
    # An eigenvector's sign is arbitrary, and would change with the machine.
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    vectors = vectors * torch.where(largest < 0, -1.0, 1.0)
    total = float(w.var(dim=0).sum())
    shares = (values / total if total > 0 else values).tolist()
    return (vectors * values.sqrt()[:, None]).float(), tuple(shares)
