"""Train the toy probe, the small network behind the toy sets' FID, KID and depth error; see
`pof3d.metrics.probe`.

``python -m scripts.train_probe --data data/toy-cats-64.zip data/toy-cars-64.zip --test-data
data/toy-cats-64-test.zip data/toy-cars-64-test.zip`` writes it with its card to ``assets/metrics``.
"""

from __future__ import annotations

import json
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import tyro
from rich.console import Console
from torch import Tensor, nn

from pof3d.data.folder import ImageFolder
from pof3d.data.layout import ABOUT_FILE
from pof3d.errors import DatasetError, Pof3dError
from pof3d.files import replacing
from pof3d.metrics.depth import normalised_error, overlap
from pof3d.metrics.probe import (
    DEPTH_RESOLUTION,
    INPUT_RESOLUTION,
    NUM_FEATURES,
    PROBE_PATH,
    Probe,
    relief,
    save_probe,
    shrink_depth,
)

_SCALE = 0.15


@dataclass(frozen=True)
class TrainProbe:
    """Train the toy probe and write it with its card."""

    data: tuple[Path, ...]
    """Sets with true depth."""
    test_data: tuple[Path, ...]
    """Sets of other seeds, in the same order: only for the figures on the card."""
    out: Path = PROBE_PATH
    """The file to write; the card lies beside it."""
    steps: int = 1200
    """Steps of training."""
    batch: int = 64
    """Images a step."""
    learning_rate: float = 3e-3
    """Highest learning rate."""
    seed: int = 0
    """Of weights, order and augmentation."""
    threads: int = 1
    """Processor threads."""


@dataclass(frozen=True)
class ToySet:
    """Images with what the probe is to say about them."""

    name: str
    about: dict[str, Any]
    images: Tensor
    """uint8 [N, 3, 64, 64]."""
    depth: Tensor
    """[N, 1, 32, 32]."""
    mask: Tensor
    """bool [N, 1, 32, 32]."""
    focal: float

    @property
    def relief(self) -> Tensor:
        """[N, 1, 32, 32]."""
        return relief(self.depth, self.mask, self.focal)


def read_about(path: Path) -> dict[str, Any]:
    """How a set was made."""
    place = path if path.is_dir() else zipfile.Path(path)
    about: dict[str, Any] = json.loads((place / ABOUT_FILE).read_text())
    return about


def read(path: Path) -> ToySet:
    with ImageFolder(path) as folder:
        images = folder.load_images(INPUT_RESOLUTION)
        labels = folder.labels()
        maps = [folder.depth(folder.names.index(name)) for name in folder.loaded_names]
        if labels is None or any(m is None for m in maps):
            raise DatasetError(f"{path} lacks true depth or camera labels", todo="Give a toy set.")
        focal = float(labels[folder.loaded_names[0]][16])
    depth = torch.from_numpy(np.stack([m for m in maps if m is not None]))[:, None]
    small, mask = shrink_depth(depth, depth > 0)
    return ToySet(path.name, read_about(path), images, small, mask, focal)


def augment(images: Tensor, rng: torch.Generator) -> Tensor:
    """Colours, sharpness and noise such as a generator may get wrong; white stays white. −1…1."""
    n = len(images)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=rng)

    ink = 1.0 - images.float() / 255.0
    order = torch.stack([torch.randperm(3, generator=rng) for _ in range(n)])
    order = torch.where(uniform(0, 1, n, 1) < 0.4, order, torch.arange(3))
    ink = ink.gather(1, order[:, :, None, None].expand_as(ink))
    ink = (ink + 1e-6) ** uniform(0.8, 1.25, n, 1, 1, 1) * uniform(0.8, 1.15, n, 3, 1, 1)
    side = int(torch.randint(28, INPUT_RESOLUTION + 1, (), generator=rng))
    soft = F.interpolate(ink, (side, side), mode="bilinear", antialias=True)
    soft = F.interpolate(soft, ink.shape[-2:], mode="bilinear")
    ink = torch.where(uniform(0, 1, n, 1, 1, 1) < 0.5, soft, ink)
    noise = torch.randn(ink.shape, generator=rng) * uniform(0.0, 0.03, n, 1, 1, 1)
    return (1.0 - 2.0 * (ink + noise)).clamp(-1, 1).contiguous(memory_format=torch.channels_last)


def step_loss(probe: Probe, repaint: nn.Module, images: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Depth over the object, where the object is, and the image at 16² from the features' code alone."""
    features, maps = probe.encode(images)
    found, logit = probe.decode(maps)
    share = mask.float().mean().clamp(min=1e-3)
    depth = ((found - target) / _SCALE * mask).square().mean() / share
    cover = F.binary_cross_entropy_with_logits(logit, mask.float())
    painted = repaint(features[:, -repaint.in_features :])  # type: ignore[operator]
    paint = F.mse_loss(painted, F.adaptive_avg_pool2d(images, 16).flatten(1))
    return depth + cover + 4.0 * paint


@torch.no_grad()
def measure(probe: Probe, toys: ToySet) -> dict[str, float]:
    """Figures on a held-out set."""
    outputs = [probe(batch) for batch in toys.images.split(250)]
    found = torch.cat([o.relief for o in outputs])
    opacity = torch.cat([o.opacity for o in outputs])
    both = overlap(opacity > 0.5, toys.mask)
    difference = (found - toys.relief).abs()[toys.mask]
    return {
        "images": len(toys.images),
        "normalised_depth_error": round(float(normalised_error(found, toys.depth, toys.mask).mean()), 4),
        "relief_mean_absolute_error_image_widths": round(float(difference.mean()), 4),
        "mask_intersection_over_union": round(float(both.mean()), 4),
    }


def train(options: TrainProbe, sets: list[ToySet], console: Console) -> Probe:
    """Train on all sets together."""
    torch.manual_seed(options.seed)
    rng = torch.Generator().manual_seed(options.seed)
    probe = Probe().train()
    repaint = nn.Linear(probe.code.out_features, 3 * 16 * 16)
    parameters = [*probe.parameters(), *repaint.parameters()]
    optimiser = torch.optim.AdamW(parameters, options.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.learning_rate, options.steps)
    images = torch.cat([s.images for s in sets])
    target = torch.cat([s.relief for s in sets])
    mask = torch.cat([s.mask for s in sets])
    started, average = time.monotonic(), 0.0
    for step in range(1, options.steps + 1):
        chosen = torch.randint(len(images), (options.batch,), generator=rng)
        flip = torch.rand(len(chosen), generator=rng) < 0.5
        batch = [x[chosen] for x in (images, target, mask)]
        batch = [torch.where(flip[:, None, None, None], x.flip(-1), x) for x in batch]
        loss = step_loss(probe, repaint, augment(batch[0], rng), batch[1], batch[2])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        value = float(loss.detach())
        average = value if step == 1 else 0.98 * average + 0.02 * value
        if step % 100 == 0:
            console.print(f"{step} steps, {time.monotonic() - started:.0f} s: loss {average:.4f}")
    probe.eval()
    with torch.no_grad():
        features = torch.cat([probe.encode(b.float() / 127.5 - 1.0)[0] for b in images.split(250)])
    probe.feature_mean.copy_(features.mean(dim=0))
    probe.feature_std.copy_(features.std(dim=0).clamp(min=1e-2))
    return probe


def make(options: TrainProbe) -> None:
    """Read, train, measure, write."""
    torch.set_num_threads(options.threads)
    console = Console(highlight=False)
    if len(options.data) != len(options.test_data):
        raise DatasetError("Each set needs a test set", f"{len(options.data)} and {len(options.test_data)}")
    sets, held_out = [read(path) for path in options.data], [read(path) for path in options.test_data]
    for toys, test in zip(sets, held_out, strict=True):
        if toys.about.get("seed") == test.about.get("seed"):
            raise DatasetError(f"{toys.name} and {test.name} have one seed", "they share images")
    started = time.monotonic()
    probe = train(options, sets, console)
    seconds = time.monotonic() - started
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(options.out) as part:
        save_probe(probe, part)
    kept = ("dataset", "version", "seed", "count", "resolution")
    card = {
        "what": "Features for FID and KID, and depth, of toy images. Says nothing about photographs.",
        "parameters": sum(p.numel() for p in probe.parameters()),
        "features": NUM_FEATURES,
        "depth_resolution": DEPTH_RESOLUTION,
        "trained_on": [{k: toys.about[k] for k in kept if k in toys.about} for toys in sets],
        "held_out": [
            {k: test.about[k] for k in kept if k in test.about} | measure(probe, test) for test in held_out
        ],
        "steps": options.steps,
        "batch": options.batch,
        "learning_rate": options.learning_rate,
        "seed": options.seed,
        "training_seconds": round(seconds),
        "torch": torch.__version__.partition("+")[0],
    }
    with replacing(options.out.with_suffix(".json")) as part:
        part.write_text(json.dumps(card, indent=1) + "\n")
    console.print_json(json.dumps(card))


if __name__ == "__main__":
    try:
        make(tyro.cli(TrainProbe, description=__doc__))
    except Pof3dError as error:
        sys.exit(f"Error: {error}")
