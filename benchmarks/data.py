"""How fast training gets its images: held in memory, and streamed by worker processes.

Baseline: one thread that opens, decodes and crops one file after another, which is what every image costs and
what limits a stream. A held set is limited by copying memory alone.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pof3d.data import ImageFolder, layout
from pof3d.data.batches import ImageBatches
from pof3d.data.processes import processors
from pof3d.data.writer import DatasetWriter

_SIDE = 256
_COUNT = 192
_BATCH = 32
_SECONDS = 4.0


@dataclass(frozen=True)
class Rate:
    """One measured source of images."""

    name: str
    images: float
    """Images a second."""


def photo_like(rng: np.random.Generator) -> np.ndarray:
    """Pink noise as a picture, uint8 [S, S, 3]: as PNG as large as a photograph of that size."""
    frequency = np.hypot(np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)[None])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.normal(size=(3, _SIDE, _SIDE))) / frequency**1.2
    channels = np.fft.irfft2(spectrum, (_SIDE, _SIDE))
    channels = 0.6 * channels.mean(axis=0) + 0.4 * channels  # colours go together
    scaled = 128 + 50 * (channels - channels.mean()) / channels.std()
    return np.ascontiguousarray(scaled.clip(0, 255).astype(np.uint8).transpose(1, 2, 0))


def write_photos(path: Path) -> None:
    """A .zip of PNG files without ground truth worth the name."""
    rng = np.random.default_rng(0)
    no_depth = layout.encode_png(np.zeros((1, 1), np.uint16))
    with DatasetWriter(path) as writer:
        for _ in range(_COUNT):
            image = layout.encode_png(photo_like(rng))
            writer.add(
                image, cam2world=np.eye(4), intrinsics=np.eye(3), yaw=0.0, pitch=0.0, depth_png=no_depth
            )


def _rate(name: str, read: Callable[[int], object], images: int) -> Rate:
    """Call ``read(step)`` for some seconds, after a warm-up that empties what was prepared ahead."""
    step, began = 0, time.perf_counter()
    while step < 10 and (step < 2 or time.perf_counter() - began < 0.5 * _SECONDS):
        read(step)
        step += 1
    first, began = step, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < _SECONDS:
        read(step)
        step += 1
    return Rate(name, (step - first) * images / elapsed)


@contextmanager
def _photos() -> Iterator[ImageFolder]:
    with tempfile.TemporaryDirectory() as folder:
        write_photos(Path(folder) / "photos.zip")
        with ImageFolder(Path(folder) / "photos.zip") as photos:
            yield photos


def measure_data() -> list[Rate]:
    """Baseline first, then the held set, then streams with one worker process and more."""
    with _photos() as photos:
        names = photos.names
        rates = [
            _rate(
                "baseline: decoding, one thread", lambda i: photos.reader.square(names[i % _COUNT], _SIDE), 1
            )
        ]
        with ImageBatches(photos, _SIDE, batch=_BATCH, seed=0) as held:
            rates.append(_rate("held in memory", held.read, _BATCH))
        for workers in (count for count in (1, 2, 4, 8) if count <= processors()):
            with ImageBatches(
                photos, _SIDE, batch=_BATCH, seed=0, memory_budget=0, workers=workers
            ) as streamed:
                name = f"streamed, {workers} worker process{'es' * (workers > 1)}"
                rates.append(_rate(name, streamed.read, _BATCH))
    return rates


def rate_table(rates: list[Rate], needed: Rate | None = None) -> str:
    """Markdown, with ratios to the first row, and to what training needs where that is known."""
    head, rule = "| source of images | images/s | × baseline |", "|---|---:|---:|"
    if needed is not None:
        head, rule = head + f" × {needed.name} |", rule + "---:|"
    lines = [head, rule]
    for rate in rates:
        line = f"| {rate.name} | {rate.images:.0f} | {rate.images / rates[0].images:.1f} |"
        lines.append(line + (f" {rate.images / needed.images:.0f} |" if needed is not None else ""))
    return "\n".join(lines)
