"""Draw docs/images/toy-cats.png: toy cats as the data set holds them, one of them from several sides."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from pof3d.data import toy_render

COLUMNS, ROWS, RESOLUTION = 12, 4, 64
YAWS = np.linspace(-1.2, 1.2, COLUMNS)
TURNED = 44  # which cat of the set is shown from several sides


def depth_picture(depth: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Grey picture [H, W, 3] of a depth map: near is dark, background is white."""
    near, far = toy_render.RADIUS - 0.27, toy_render.RADIUS + 0.08
    grey = np.where(depth > 0, 30 + 200 * (depth - near) / (far - near), 255).clip(0, 255)
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("docs/images/toy-cats.png"))
    options = parser.parse_args()
    samples = [toy_render.sample(options.seed, i, RESOLUTION) for i in range(COLUMNS * ROWS)]
    rows = [np.concatenate([s.image for s in samples[r::ROWS]], axis=1) for r in range(ROWS)]
    turned = [toy_render.render(samples[TURNED].cat, float(yaw), 0.0, RESOLUTION) for yaw in YAWS]
    rows.append(np.concatenate([image for image, _ in turned], axis=1))
    rows.append(np.concatenate([depth_picture(depth) for _, depth in turned], axis=1))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(options.out, optimize=True)


if __name__ == "__main__":
    main()
