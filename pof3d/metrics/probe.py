"""A small network that looks at toy images: features for FID and KID, and depth, without any download.

`scripts/train_probe.py` trains it on the toy sets' true depth; it lies in ``assets/metrics`` beside a card
that says how, and how well it does on images it has not seen. It knows toys only: of photographs it says
nothing.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pof3d.errors import CheckpointError

PROBE_PATH = Path(__file__).resolve().parent.parent.parent / "assets" / "metrics" / "toy-probe.safetensors"
FORMAT, VERSION = "pof3d-toy-probe", "1"
FEATURES_NAME = f"toy-probe features v{VERSION} (not comparable with Inception FID)"
INPUT_RESOLUTION = 64
"""Images are resized to this side."""
DEPTH_RESOLUTION = 32
"""Side of the depth maps."""
NUM_FEATURES = 128
_WIDTHS = (24, 40, 56, 56)
_CODE = NUM_FEATURES - _WIDTHS[0] - _WIDTHS[1]
_SCALE = 0.15  # image widths; about one standard deviation of the toys' relief


class ProbeOutput(NamedTuple):
    """What the probe sees in images."""

    features: Tensor
    """[B, 128]; over the training images each has mean 0 and standard deviation 1."""
    relief: Tensor
    """[B, 1, 32, 32], depth against the object's mean, in image widths at its distance; see `relief`."""
    opacity: Tensor
    """[B, 1, 32, 32], 0…1: whether there is an object."""


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Probe(nn.Module):
    """A U-Net: features are its code and the spatial means of its two finest maps; dense heads at 32²."""

    feature_mean: Tensor
    feature_std: Tensor

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = _WIDTHS
        self.down = nn.ModuleList(
            nn.Sequential(_block(i, o, 2), _block(o, o)) for i, o in ((3, a), (a, b), (b, c), (c, d))
        )
        self.code = nn.Linear(d * 16, _CODE)
        self.up = nn.ModuleList(_block(i, o) for i, o in ((d + c, 48), (48 + b, 32), (32 + a, 24)))
        self.head = nn.Sequential(_block(24, 24), nn.Conv2d(24, 2, 1))
        self.register_buffer("feature_mean", torch.zeros(NUM_FEATURES))
        self.register_buffer("feature_std", torch.ones(NUM_FEATURES))

    def encode(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Images [B, 3, 64, 64] in −1…1 → raw features [B, 128] and the maps at 32², 16², 8² and 4²."""
        maps = []
        x = images
        for stage in self.down:
            x = stage(x)
            maps.append(x)
        textures = [y.mean(dim=(2, 3)) for y in maps[:2]]
        return torch.cat([*textures, self.code(x.flatten(1))], dim=1), maps

    def decode(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Maps → relief and logit of opacity, both [B, 1, 32, 32]."""
        x = maps[-1]
        for stage, skip in zip(self.up, maps[-2::-1], strict=True):
            x = stage(torch.cat([F.interpolate(x, scale_factor=2.0), skip], dim=1))
        relief, logit = self.head(x).split(1, dim=1)
        return relief * _SCALE, logit

    def forward(self, images: Tensor) -> ProbeOutput:
        """Look at images.

        Parameters
        ----------
        images : uint8 or float Tensor [B, 3, S, S]
            Bytes, or −1…1. Any side: they are resized (bilinear, antialiased) to 64².
        """
        x = images.float() / 127.5 - 1.0 if images.dtype == torch.uint8 else images
        if x.shape[-1] != INPUT_RESOLUTION:
            side = (INPUT_RESOLUTION, INPUT_RESOLUTION)
            x = F.interpolate(x, side, mode="bilinear", align_corners=False, antialias=True)
        features, maps = self.encode(x)
        relief, logit = self.decode(maps)
        return ProbeOutput((features - self.feature_mean) / self.feature_std, relief, logit.sigmoid())


def relief(depth: Tensor, mask: Tensor, focal: float) -> Tensor:
    """Depth against its mean over the object, in image widths at that distance: (d − d̄) · focal / d̄.

    For an object that is small against its distance this depends neither on the camera's distance nor on its
    focal length, only on the picture.

    Parameters
    ----------
    depth : Tensor [B, 1, R, R]
        Distances along the rays.
    mask : bool Tensor [B, 1, R, R]
        Where the object is.
    focal : float
        Focal length in image widths.

    Returns
    -------
    Tensor [B, 1, R, R]
        0 outside the mask.
    """
    mean = masked_mean(depth, mask)
    return torch.where(mask, (depth - mean) * (focal / mean.clamp(min=1e-6)), torch.zeros_like(depth))


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean [B, 1, 1, 1] of values [B, 1, R, R] over a mask of the same shape; 0 where that is empty."""
    total = torch.where(mask, values, torch.zeros_like(values)).sum(dim=(1, 2, 3), keepdim=True)
    return total / mask.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)


def shrink_depth(depth: Tensor, mask: Tensor, side: int = DEPTH_RESOLUTION) -> tuple[Tensor, Tensor]:
    """Reduce depth maps: the mean over each block's object pixels; a block is object where half of it is.

    Parameters
    ----------
    depth : Tensor [B, 1, R, R]
        R is ``side`` or a multiple of it; other sizes are first brought to one (nearest).
    mask : bool Tensor [B, 1, R, R]
        Where the object is.
    side : int
        Of the result.

    Returns
    -------
    depth : Tensor [B, 1, side, side]
        0 outside the mask.
    mask : bool Tensor [B, 1, side, side]
    """
    size = depth.shape[-1]
    if size % side:
        grown = (-(-size // side) * side,) * 2
        depth, mask = F.interpolate(depth, grown), F.interpolate(mask.float(), grown) > 0.5
    share = F.adaptive_avg_pool2d(mask.to(depth), side)
    total = F.adaptive_avg_pool2d(torch.where(mask, depth, torch.zeros_like(depth)), side)
    solid = share >= 0.5
    return torch.where(solid, total / share.clamp(min=1e-6), torch.zeros_like(total)), solid


def save_probe(probe: Probe, path: Path) -> None:
    """Write a probe in half precision."""
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in probe.state_dict().items()
    }
    metadata = {"format": FORMAT, "format_version": VERSION}
    path.write_bytes(safetensors.torch.save(tensors, metadata))


@lru_cache(maxsize=2)
def load_probe(device: torch.device | None = None, path: Path = PROBE_PATH) -> Probe:
    """Open a probe, float32, in evaluation mode, without gradients.

    Raises
    ------
    CheckpointError
        When the file is missing, damaged or not a probe of this version.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            found = file.metadata() or {}
            if (found.get("format"), found.get("format_version")) != (FORMAT, VERSION):
                raise ValueError(f"it is not a toy probe of version {VERSION}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        probe = Probe()
        probe.load_state_dict(tensors)
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"The toy probe {path.name} cannot be opened",
            str(error),
            "Restore assets/metrics, or train it again with scripts/train_probe.py.",
        ) from error
    return probe.eval().requires_grad_(False).to(device or torch.device("cpu"))
