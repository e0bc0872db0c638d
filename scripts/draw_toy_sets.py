"""Draw docs/images/toy-cats.png and toy-cars.png: samples of the sets, and one object from several sides."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from pof3d.data import toy_render
from pof3d.data.toy_sets import TOY_SETS, SetName

COLUMNS, ROWS, RESOLUTION = 12, 4, 64


@dataclass(frozen=True)
class Turn:
    """Which object of a set is shown from several sides, and how."""

    index: int
    yaws: npt.NDArray[np.float64]
    pitch: float
    near: float
    """Depth drawn darkest, as a distance in front of the origin; world units."""
    far: float
    """Depth drawn lightest, as a distance behind the origin."""


TURNS: dict[SetName, Turn] = {
    "toy-cats": Turn(44, np.linspace(-1.2, 1.2, COLUMNS), 0.0, near=0.27, far=0.08),
    "toy-cars": Turn(2, np.linspace(-math.pi, math.pi, COLUMNS, endpoint=False), -0.4, near=0.66, far=0.35),
}


def depth_picture(depth: npt.NDArray[np.float32], near: float, far: float) -> npt.NDArray[np.uint8]:
    """Grey picture [H, W, 3] of a depth map: near is dark, background is white."""
    grey = np.where(depth > 0, 30 + 200 * (depth - near) / (far - near), 255).clip(0, 255)
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def draw(name: SetName, seed: int) -> npt.NDArray[np.uint8]:
    """Rows of samples, then one object from several sides, then its depth; uint8 [H, W, 3]."""
    toys, turn = TOY_SETS[name], TURNS[name]
    samples = [toys.sample(seed, i, RESOLUTION) for i in range(COLUMNS * ROWS)]
    rows = [np.concatenate([s.image for s in samples[r::ROWS]], axis=1) for r in range(ROWS)]
    toy, distance = samples[turn.index].toy, toys.camera.radius
    turned = [toy_render.render(toy, float(yaw), turn.pitch, RESOLUTION, toys.camera) for yaw in turn.yaws]
    rows.append(np.concatenate([image for image, _ in turned], axis=1))
    depths = [depth_picture(depth, distance - turn.near, distance + turn.far) for _, depth in turned]
    rows.append(np.concatenate(depths, axis=1))
    return np.concatenate(rows)


def main() -> None:
    """Draw all sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in TOY_SETS:
        Image.fromarray(draw(name, options.seed)).save(options.out / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
