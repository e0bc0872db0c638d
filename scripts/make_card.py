"""Make a checkpoint's card: figures against a data set with known poses, pictures, and a page in Markdown.

``python -m scripts.make_card --run runs/toy-cats --test-data data/toy-cats-64-test.zip --out
assets/toy-cats.md`` bundles the run's newest checkpoint, in half precision, beside its card.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from imageio.v3 import imwrite
from rich.console import Console

import pof3d
from pof3d.checkpoint import native
from pof3d.checkpoint.commands import image_difference, newest_network
from pof3d.data.folder import ImageFolder
from pof3d.errors import CheckpointError, DatasetError, Pof3dError
from pof3d.evaluation import plots
from pof3d.evaluation.poses import evaluate_pose, read_images
from pof3d.metrics.distributions import DistributionDistance
from pof3d.metrics.pose import PoseAgreement
from pof3d.training.samples import (
    ALL_ROUND,
    columns_for,
    pose_statistics,
    yaw_grid,
)

_IMAGES = 1000
_LATENTS = 20_000
_LOG_EVERY = 4
"""Lines of the log of which one is kept."""


@dataclass(frozen=True)
class MakeCard:
    """Bundle a run's newest checkpoint with its card."""

    run: Path
    """Run directory of ``python -m pof3d train``."""
    test_data: Path
    """Images not trained on, with true poses."""
    out: Path
    """The page to write; figures go into a folder of the same name, the checkpoint beside it."""
    make_data: str = (
        "python -m pof3d make-data toy-cats --count 10000 --resolution 64 --out data/toy-cats-64.zip"
    )
    """The command that made the training data."""
    train: str = "python -m pof3d train --preset toy-cats --data data/toy-cats-64.zip --out runs/toy-cats"
    """The command that trained the network."""
    subject: str = "procedural cat heads"
    """What the images show."""
    note: str = ""
    """What a reader must know beyond the commands."""


def newest_checkpoint(run: Path) -> Path:
    """The run's checkpoint with most images seen."""
    found = newest_network(run)
    if not found.is_file():
        raise CheckpointError(f"there is no checkpoint in {run}", todo="Train first.")
    return found


def describe_error(agreement: PoseAgreement) -> str:
    """Mean absolute error and offset in degrees."""
    error, offset = np.degrees([agreement.mean_absolute_error, agreement.offset])
    return f"{error:.1f}° (offset {offset:.1f}°)"


def describe_distance(distance: DistributionDistance) -> str:
    """Jensen–Shannon distance, divergence in brackets; as it is, and after one offset."""
    return (
        f"{distance.js_distance:.3f} / {distance.js_distance_aligned:.3f}"
        f" ({distance.divergence:.3f} / {distance.divergence_aligned:.3f} bits;"
        f" equal ones of this size: {distance.js_distance_floor:.3f})"
    )


def page(options: MakeCard, facts: dict[str, Any], folder: str, columns: str) -> str:
    """The card's text."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    return f"""# {options.out.stem}

A PoF3D network trained on {options.subject}, without ever seeing a pose. Made by:

```
{options.make_data}
{options.train}
```
{f"{chr(10)}{options.note}{chr(10)}" if options.note else ""}
| figure | value |
|---|---|
{rows}

Figures are on {_IMAGES} images that were not trained on, and on {_LATENTS} random latents. "After one
offset" removes a constant, and no scale: without poses nobody can know where "front" is. Distributions
are compared by the Jensen–Shannon distance, the root of the divergence in bits.

![learned and true pose distribution]({folder}/poses.png)

![D's predictions against the truth]({folder}/predictions.png)

Seeds (rows) from {columns} (columns), then the depth of the same, ψ = 0.8:

![seeds and yaws]({folder}/grid.png)

Losses and pose statistics over training: [log.jsonl]({folder}/log.jsonl).

Training images, for comparison:

![training images]({folder}/data.png)
"""


def make(options: MakeCard) -> None:
    """Evaluate, draw, write."""
    source = newest_checkpoint(options.run)
    network = pof3d.load(source)
    if network.discriminator is None:
        raise CheckpointError(f"{source} has no discriminator")
    with ImageFolder(options.test_data) as folder:
        images = read_images(folder, network.config.generator.image_resolution, _IMAGES)
        poses = evaluate_pose(network, folder, images=images, latents=_LATENTS)
    yaw, pitch = poses.yaw, poses.pitch
    if yaw.agreement is None or pitch.agreement is None or poses.true is None or poses.distribution is None:
        raise DatasetError(f"{options.test_data} cannot be compared with", poses.skipped["agreement"])
    assert yaw.distribution is not None and pitch.distribution is not None
    assert poses.predicted is not None and poses.truth_of_predicted is not None

    pictures = options.out.with_suffix("")
    pictures.mkdir(parents=True, exist_ok=True)
    (pictures / "poses.png").write_bytes(plots.distributions(poses))
    scatter = plots.predictions(poses.predicted, poses.truth_of_predicted, poses.yaw_is_circular, "true")
    (pictures / "predictions.png").write_bytes(scatter)
    learned = pose_statistics(torch.from_numpy(poses.learned))
    yaws = columns_for(learned)
    all_round = learned.yaw_std > ALL_ROUND
    grid = yaw_grid(
        network.generator, 8, yaws=yaws, pitch=learned.pitch_mean if all_round else 0.0, resolution=96
    )
    imwrite(pictures / "grid.png", grid)
    columns = (
        "eight yaws all round"
        if all_round
        else f"yaw −{np.degrees(yaws[-1]):.0f}° to {np.degrees(yaws[-1]):.0f}°"
    )
    shown = images.images[:40].permute(0, 2, 3, 1).numpy()
    rows = shown.reshape(4, 10, *shown.shape[1:])
    imwrite(pictures / "data.png", np.concatenate([np.concatenate(list(row), axis=1) for row in rows]))

    log = (options.run / "log.jsonl").read_text().splitlines(keepends=True)
    (pictures / "log.jsonl").write_text("".join(log[::_LOG_EVERY]))

    metrics = {
        "yaw": asdict(yaw.agreement),
        "pitch": asdict(pitch.agreement),
        "yaw_js_distance_aligned": yaw.distribution.js_distance_aligned,
        "pitch_js_distance_aligned": pitch.distribution.js_distance_aligned,
        "yaw_divergence_aligned": yaw.distribution.divergence_aligned,
        "pitch_divergence_aligned": pitch.distribution.divergence_aligned,
    }
    bundled = options.out.with_suffix(".safetensors")
    provenance = network.provenance | {"metrics": metrics}
    native.save(
        bundled, network.config, network.generator, network.discriminator, provenance=provenance, half=True
    )
    seconds = network.provenance.get("training_seconds")
    facts = {
        "images seen in training": f"{network.provenance['images_seen']:,}",
        "training time": f"{float(str(seconds)) / 60:.0f} min" if seconds else "not recorded",
        "file size": f"{bundled.stat().st_size / 2**20:.1f} MiB, half precision",
        "largest image difference to single precision": (
            f"{image_difference(network, pof3d.load(bundled), seeds=8)[0]:.0f} of 255 grey levels"
        ),
        "D's yaw: correlation with the truth": f"{yaw.agreement.correlation:.3f}",
        "D's pitch: correlation with the truth": f"{pitch.agreement.correlation:.3f}",
        "D's yaw: mean absolute error after one offset": describe_error(yaw.agreement),
        "D's pitch: mean absolute error after one offset": describe_error(pitch.agreement),
        "G's learned poses": learned.degrees(),
        "true poses of these images": pose_statistics(torch.from_numpy(poses.true)).degrees(),
        "true distribution, poses": poses.distribution.description,
        "Jensen–Shannon distance of yaw to it, as it is / aligned": describe_distance(yaw.distribution),
        "Jensen–Shannon distance of pitch to it, as it is / aligned": describe_distance(pitch.distribution),
    }
    options.out.write_text(page(options, facts, pictures.name, columns))
    Console().print_json(json.dumps(metrics))


if __name__ == "__main__":
    try:
        make(tyro.cli(MakeCard, description=__doc__))
    except Pof3dError as error:
        sys.exit(f"Error: {error}")
