"""FID and KID by torchmetrics, on features that are computed once for both."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pof3d.errors import ConfigError

FeatureFunction = Callable[[Tensor], Tensor]
"""Images, uint8 [B, 3, S, S] → features [B, F]."""
_KID_SUBSETS = 50
_KID_LARGEST = 1000


@dataclass(frozen=True)
class ImageDistance:
    """How far generated images lie from real ones, in the space of some features."""

    fid: float
    """Fréchet distance of the two normal distributions (arXiv 1706.08500); 0 = alike."""
    kid_mean: float
    """Squared maximum mean discrepancy (arXiv 1801.01401), mean over random subsets; 0 = alike."""
    kid_std: float
    """Standard deviation over the subsets."""
    kid_subset: int
    """Images in each subset."""
    real: int
    """Real images."""
    generated: int
    """Generated images."""
    num_features: int
    """Numbers that describe an image."""

    @property
    def few(self) -> bool:
        """Whether images do not outnumber features: the covariance is then singular, the FID too large."""
        return min(self.real, self.generated) <= self.num_features


class _Given(nn.Module):
    """Features that are there already, for torchmetrics."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


@torch.no_grad()
def extract(
    function: FeatureFunction, images: Tensor, *, batch: int = 50, done: Callable[[int], None] | None = None
) -> Tensor:
    """Features [N, F], on the processor, of images uint8 [N, 3, S, S].

    Parameters
    ----------
    function : callable
        It gets the images as they are and takes them to its own device.
    images : uint8 Tensor [N, 3, S, S]
        Of one size for real and generated images.
    batch : int
        Images at a time.
    done : callable, optional
        Called with the number of images after each batch; it may raise to stop.
    """
    found = []
    for part in images.split(batch):
        found.append(function(part).float().cpu())
        if done is not None:
            done(len(part))
    return torch.cat(found)


def image_distance(real: Tensor, generated: Tensor, *, seed: int = 0) -> ImageDistance:
    """FID and KID of features [N, F] and [M, F].

    Parameters
    ----------
    real, generated : Tensor [N, F], [M, F]
        From `extract`. At least 4 each.
    seed : int
        Of the KID's subsets, which hold half of the smaller sample, 1000 at most.

    Raises
    ------
    ConfigError
        When there are too few images, or torchmetrics is missing.
    """
    fewest, features = min(len(real), len(generated)), real.shape[1]
    if fewest < 4:
        raise ConfigError(f"FID and KID cannot be computed from {fewest} images", "they need at least 4")
    subset = min(_KID_LARGEST, fewest // 2)
    frechet_class, kernel_class = _metrics()
    frechet = frechet_class(feature=_Given(features))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*will save all extracted features.*")
        kernel = kernel_class(feature=_Given(features), subsets=_KID_SUBSETS, subset_size=subset)
    for metric in (frechet, kernel):
        metric.update(real.double(), real=True)
        metric.update(generated.double(), real=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mean, std = kernel.compute()
    return ImageDistance(
        fid=max(0.0, float(frechet.compute())),
        kid_mean=float(mean),
        kid_std=float(std),
        kid_subset=subset,
        real=len(real),
        generated=len(generated),
        num_features=features,
    )


def _metrics() -> tuple[Any, Any]:
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.kid import KernelInceptionDistance
    except ModuleNotFoundError as error:
        raise ConfigError(
            "FID and KID need the package torchmetrics",
            f"{error.name} is not installed",
            "Install requirements-dev.txt, or the extra “train”.",
        ) from error
    except (ImportError, RuntimeError) as error:
        # It imports torchvision where there is one; one of another build than torch breaks there.
        raise ConfigError(
            "torchmetrics cannot be imported",
            str(error).splitlines()[0],
            "Uninstall torchvision, or install the one built for this torch.",
        ) from error
    return FrechetInceptionDistance, KernelInceptionDistance
