"""D's poses of the images of a folder, against the poses that G has learned."""

from __future__ import annotations

import math
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pof3d.errors import ConfigError, DatasetError
from viz.pose_facts import AngleComparison, ImagePoses

if TYPE_CHECKING:
    from pof3d.data.folder import ImageFolder
    from viz.engine import Engine
    from viz.jobs import Control

MOST_IMAGES = 2000
"""Of a larger folder so many are looked at, evenly spread over its sorted names."""
LATENTS = 20_000
"""For the learned poses."""
_CHUNK = 4096
_BATCH_PIXELS = 1 << 18
_BATCH = (4, 64)
_PUBLISH_SECONDS, _PUBLISH_SHARE = 1.0, 0.1
"""Least time between two comparisons, and the most that they may take of all."""
_BINS = 60
_MOST_THREADS = 4


def measure(
    engine: Engine,
    network: str,
    source: Path,
    control: Control,
    publish: Callable[[ImagePoses], None],
    *,
    most: int = MOST_IMAGES,
    latents: int = LATENTS,
) -> ImagePoses:
    """Read D's pose off each image, and compare their distribution with G's.

    Parameters
    ----------
    engine : Engine
        With the network open.
    network : str
        Checkpoint file.
    source : Path
        Folder or .zip of images.
    control : Control
        Hears of the progress.
    publish : callable
        Takes what is known so far, now and then.
    most : int
        Images to look at.
    latents : int
        For G's poses.

    Raises
    ------
    Pof3dError
        When the network does not predict poses, or there is no readable image.
    Cancelled
        When it is no longer wanted.
    """
    # Here, because they need SciPy, for which the window should not wait.
    import torch

    from pof3d.data.decoding import in_threads
    from pof3d.data.processes import processors
    from pof3d.metrics.pose import predict_image_poses

    opened = engine.load(network).network
    generator, discriminator = opened.generator, opened.discriminator
    if discriminator is None or not discriminator.pose_aware or generator.mapping.is_conditioned:
        raise ConfigError(
            "This network cannot compare poses", "G or D predicts none", "Open a network trained by PoF3D."
        )
    control.report(0.0, "Looking for images")
    with _open(source) as folder:
        names = _spread(folder.names, most)
        control.report(0.0, "Sampling G's poses")
        learned = _learned(engine, network, latents, control)
        config = generator.config
        resolution = config.image_resolution
        raw = None if config.superres.kind == "none" else config.render.resolution
        batch = min(max(_BATCH_PIXELS // resolution**2, _BATCH[0]), _BATCH[1])
        threads = max(1, min(_MOST_THREADS, processors() // 2))
        poses = np.empty((0, 2))
        waiting: list[NDArray[np.uint8]] = []
        skipped, due = len(folder.contents.outside), time.monotonic() + _PUBLISH_SECONDS

        def result() -> ImagePoses:
            counts = (skipped, len(names), len(folder.names))
            return compare(network, source, learned, poses, counts, folder.skipped_message())

        squares = in_threads(lambda name: folder.reader.square(name, resolution), names, threads)
        try:
            for done, (name, square) in enumerate(squares, 1):
                control.check()
                if isinstance(square, Exception):
                    folder.skip(name)
                    skipped += 1
                else:
                    waiting.append(square)
                if len(waiting) >= batch or (waiting and done == len(names)):
                    with torch.inference_mode():
                        images = torch.from_numpy(np.stack(waiting))
                        found = predict_image_poses(discriminator, images, raw)
                    waiting.clear()
                    usable = np.isfinite(found).all(axis=1)
                    skipped += int((~usable).sum())
                    poses = np.concatenate([poses, found[usable]])
                    control.report(done / len(names), f"{done:,} of {len(names):,} images")
                    now = time.monotonic()
                    if now > due and len(poses):
                        publish(result())
                        took = time.monotonic() - now
                        due = now + max(_PUBLISH_SECONDS, took / _PUBLISH_SHARE)
        finally:
            squares.close()
        if not len(poses):
            raise DatasetError(f"No image in “{source.name}” can be read", folder.skipped_message())
        return result()


def _open(source: Path) -> ImageFolder:
    from pof3d.data.folder import ImageFolder

    todo = "Choose a folder or .zip of images."
    try:
        return ImageFolder(source)
    except OSError as error:
        raise DatasetError(f"Cannot read “{source.name}”", error.strerror or str(error), todo) from error
    except DatasetError as error:
        readable = source.is_dir() or zipfile.is_zipfile(source)
        why = "PNG, JPEG, WebP, BMP and TIFF are read" if readable else error.why
        raise DatasetError(f"There is no image in “{source.name}”", why, todo) from error


def _spread(names: list[str], most: int) -> list[str]:
    if len(names) <= most:
        return names
    return [names[i] for i in np.linspace(0, len(names) - 1, most).round().astype(int)]


def _learned(engine: Engine, network: str, latents: int, control: Control) -> NDArray[np.float64]:
    """G's poses [latents, 2], radians; the same at every call."""
    import torch

    from pof3d.training.samples import learned_poses

    generator = engine.load(network).network.generator
    parts = []
    with torch.inference_mode():
        for seed, start in enumerate(range(0, latents, _CHUNK)):
            control.check()
            parts.append(learned_poses(generator, min(_CHUNK, latents - start), seed).double().numpy())
    poses = np.concatenate(parts)
    return poses[np.isfinite(poses).all(axis=1)]


def compare(
    network: str,
    source: Path,
    learned: NDArray[np.float64],
    seen: NDArray[np.float64],
    counts: tuple[int, int, int],
    skipped_note: str = "",
) -> ImagePoses:
    """The two samples of poses as histograms and distances.

    Parameters
    ----------
    network, source, skipped_note
        As in :class:`viz.pose_facts.ImagePoses`.
    learned : float [N, 2]
        G's yaw and pitch, radians.
    seen : float [M, 2]
        D's.
    counts : tuple
        Images skipped, wanted, found.
    """
    from pof3d.metrics.circle import spans_circle

    # The rear is where it is if either of them goes there: on the line it would be at both ends.
    circular = spans_circle(learned[:2000, 0]) or spans_circle(seen[:, 0])
    return ImagePoses(
        network=network,
        source=source,
        yaw=_angle(learned[:, 0], seen[:, 0], math.pi, circular=circular),
        pitch=_angle(learned[:, 1], seen[:, 1], math.pi / 2, circular=False),
        images=len(seen),
        skipped=counts[0],
        wanted=counts[1],
        found=counts[2],
        skipped_note=skipped_note,
    )


def _angle(
    learned: NDArray[np.float64], seen: NDArray[np.float64], most: float, *, circular: bool
) -> AngleComparison:
    from pof3d.metrics.circle import wrap
    from pof3d.metrics.distributions import distribution_distance

    distance = distribution_distance(learned, seen, circular=circular)
    reach = most
    if circular:
        learned, seen = wrap(learned), wrap(seen)
    else:
        widest = max(float(np.quantile(np.abs(sample), 0.998)) for sample in (learned, seen))
        step = math.radians(10.0)
        reach = min(max(math.ceil(1.05 * widest / step), 2) * step, most)
    edges = np.linspace(-reach, reach, _BINS + 1)
    shares = [np.histogram(np.clip(x, -reach, reach), edges)[0] / len(x) for x in (learned, seen)]
    return AngleComparison(
        edges=edges,
        generated=shares[0],
        seen=shares[1],
        distance=distance.js_distance,
        aligned=distance.js_distance_aligned,
        offset=distance.divergence_offset,
        chance=distance.js_distance_floor,
        circular=circular,
    )
