"""Batches of real images: which images a step sees, held in memory or streamed by worker processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pof3d.data.contents import first_names
from pof3d.data.decoding import SetReader, in_threads
from pof3d.data.folder import ImageFolder
from pof3d.data.layout import LABEL_FILE
from pof3d.data.processes import processors
from pof3d.data.stream import TRIES, Images, Stream
from pof3d.errors import DatasetError

_MOST_WORKERS = 4
_MOST_THREADS = 8


class Batch(NamedTuple):
    """Real images of one step, or a process's share of them."""

    images: Tensor
    """uint8 [n, 3, S, S], sRGB."""
    poses: Tensor | None
    """(h, v) of the labels, float32 [n, 2], radians; None where they were not asked for."""


@lru_cache(maxsize=2)  # neighbouring steps read the same epoch
def _epoch(size: int, seed: int, epoch: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(size))


def batch_indices(size: int, batch: int, step: int, seed: int) -> Tensor:
    """Which images a step sees: a part of an endless row of epochs, each the set in a random order.

    The order in epoch e depends on (size, seed, e) alone, so a run goes on at any step without a memory.

    Parameters
    ----------
    size : int, >= 1
        Images in the set.
    batch : int, >= 1
        Images a step.
    step : int, >= 0
    seed : int, >= 0

    Returns
    -------
    Tensor [batch], int64
        Positions [step · batch, (step + 1) · batch) of that row. No image comes twice in an epoch.
    """
    parts, first, end = [], step * batch, (step + 1) * batch
    while first < end:
        epoch, offset = divmod(first, size)
        part = _epoch(size, seed, epoch)[offset : offset + end - first]
        parts.append(part)
        first += len(part)
    return torch.cat(parts)


def poses_from_labels(labels: npt.NDArray[np.floating], h_mean: float) -> npt.NDArray[np.float64]:
    """Model poses of cameras: where a camera stands, as a direction from the world's origin (PoF3D §3.2).

    The inverse of :func:`pof3d.cameras.cam2world_from_hv` for cameras that look at the pivot.

    Parameters
    ----------
    labels : array, shape (N, 25)
        cam2world, row by row, then the intrinsics.
    h_mean : float
        Azimuth of the front view, radians.

    Returns
    -------
    array, shape (N, 2)
        h in [h_mean - π, h_mean + π) and v in [0, π].

    Raises
    ------
    DatasetError
        When a camera stands in the origin.
    """
    origin = np.asarray(labels, np.float64)[:, [3, 7, 11]]
    distance = np.linalg.norm(origin, axis=1)
    if not distance.all():
        raise DatasetError(
            "The poses of the data set cannot be computed",
            f"the camera of label {int(np.argmin(distance))} stands in the world's origin",
            "Cameras must stand around the object.",
        )
    h = math.pi - np.arctan2(origin[:, 2], origin[:, 0])
    v = (1 - origin[:, 1] / distance) * (math.pi / 2)  # (1 - cos φ) π / 2
    return np.stack([_wrap(h, h_mean), v], axis=1)


def _wrap(h: npt.NDArray[np.float64], h_mean: float) -> npt.NDArray[np.float64]:
    """Angles brought into [h_mean - π, h_mean + π)."""
    turns = np.floor((h - (h_mean - math.pi)) / (2 * math.pi))
    return np.clip(h - 2 * math.pi * turns, h_mean - math.pi, np.nextafter(h_mean + math.pi, h_mean))


class ImageBatches:
    """The images of a set in batches, in an order that seed and step alone decide.

    A set that fits the memory budget is decoded once and held. Another is streamed: worker processes decode
    the next steps while the caller is busy with this one. What is read does not depend on the number of
    workers, nor on where the images are, unless files are damaged behind an intact header: a held set leaves
    these out, a stream replaces them by the next in the set.

    Parameters
    ----------
    folder : ImageFolder
        The set. It is not needed any more after this.
    resolution : int, >= 1
        S, pixels along each side. Images are cropped to a centred square and resized (Lanczos) where needed.
    batch : int, >= 1
        Images a step, of all processes together.
    seed : int, >= 0
        Of the order.
    flip : bool
        Whether the set is doubled by its mirror images (left-right), poses included.
    poses : bool
        Whether to give the poses of the labels too. Without it the labels are never opened.
    h_mean : float
        Azimuth of the front view, radians; only poses depend on it.
    rows : tuple of int, optional
        Which of a batch's images to give, a process's share; all by default.
    workers : int, optional
        Processes that decode where the set is streamed; 0: this one. By default up to 4, and less than there
        are processors.
    memory_budget : int
        Bytes that the decoded set may take to be held, in each process that reads it.
    progress : callable, optional
        Called with (files done, files in all) while files are decoded or checked.

    Attributes
    ----------
    size : int
        Readable images, twice that with `flip`.
    names : list of str
        Their names. Image i + len(names) is the mirror image of image i.
    labels : Tensor [size, 2] or None
        Poses (h, v) of all images where asked for, float32, radians.
    held : bool
        Whether the set is held in memory.

    Raises
    ------
    DatasetError
        When no image is readable, or `poses` are asked for and a readable image has none.
    """

    def __init__(
        self,
        folder: ImageFolder,
        resolution: int,
        *,
        batch: int,
        seed: int,
        flip: bool = False,
        poses: bool = False,
        h_mean: float = math.pi / 2,
        rows: tuple[int, ...] | None = None,
        workers: int | None = None,
        memory_budget: int = 2 << 30,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        if batch < 1 or resolution < 1:
            raise DatasetError(
                f"Cannot read batches of {batch} images of {resolution}²", "both must be at least 1"
            )
        self._folder = folder
        self._batch = batch
        self._seed = seed
        self._rows = list(range(batch) if rows is None else rows)
        known = _labels(folder) if poses else None  # before the images: they may take minutes
        self.held = len(folder) * 3 * resolution**2 <= memory_budget
        self._images: Tensor | None = None
        self._stream: Stream | None = None
        if self.held:
            self._images = folder.load_images(resolution, progress=progress)
            self.names = folder.loaded_names
        else:
            self.names = _readable(folder, known, progress)
            if workers is None:
                workers = max(1, min(_MOST_WORKERS, processors() - 1))
            images = Images(SetReader(folder.path), self.names, resolution)
            self._stream = Stream(images, self._indices, workers)
        self.size = len(self.names) * (2 if flip else 1)
        self.labels = None if known is None else _poses(known, self.names, h_mean, flip)

    def __enter__(self) -> ImageBatches:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _indices(self, step: int) -> Tensor:
        return batch_indices(self.size, self._batch, step, self._seed)[self._rows]

    def skipped_message(self) -> str:
        """Count and name the files that are not used in one line: see `ImageFolder.skipped_message`."""
        return self._folder.skipped_message()

    def read(self, step: int) -> Batch:
        """The images of a step, and their poses where asked for.

        Steps read one after another are prepared ahead. An image that turns out to be damaged is replaced by
        the next one in the set.

        Parameters
        ----------
        step : int, >= 0

        Returns
        -------
        Batch

        Raises
        ------
        DatasetError
            When many images in a row cannot be read, or a worker process has died.
        """
        if self._images is None and self._stream is None:
            raise ValueError("these batches are closed")
        if self._images is not None:
            chosen = self._indices(step)
            images = self._images[chosen % len(self.names)]
            mirrored = chosen >= len(self.names)
            images[mirrored] = images[mirrored].flip(-1)
        else:
            images, chosen = self._streamed(step)
        return Batch(images, None if self.labels is None else self.labels[chosen])

    def _streamed(self, step: int) -> tuple[Tensor, Tensor]:
        assert self._stream is not None
        try:
            shots = self._stream.read(step)
        except (RuntimeError, OSError, EOFError) as error:  # whichever way it shows
            self.close()
            raise DatasetError(
                f"Reading the data set {self._folder.path} failed",
                "a worker process ended early",
                "Memory may be short, or a container's shared memory: use fewer workers, or give it more.",
            ) from error
        for name in shots.damaged:
            self._folder.skip(name)
        if shots.error:
            raise DatasetError(
                f"Reading the data set {self._folder.path} failed",
                f"{min(TRIES, len(self.names))} images in a row are not readable ({shots.error})",
                "Check that the data set is still there and intact.",
            )
        return shots.images, torch.tensor(shots.used)

    def close(self) -> None:
        """Let go of the images and end the worker processes."""
        self._images = None
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _readable(
    folder: ImageFolder,
    labels: Mapping[str, object] | None,
    progress: Callable[[int, int], None] | None,
) -> list[str]:
    """Names of the files that begin like images; the others are skipped."""
    # Archives are read by one thread at a time anyway.
    threads = min(processors(), _MOST_THREADS) if folder.reader.is_folder else 1
    names = []
    for done, (name, damage) in enumerate(in_threads(folder.reader.check_header, folder.names, threads), 1):
        if damage is not None:
            folder.skip(name)
        elif labels is None or name in labels:  # one without a label has been found damaged
            names.append(name)
        if progress is not None:
            progress(done, len(folder))
    if not names:
        raise DatasetError(f"The data set {folder.path} holds no readable image", folder.skipped_message())
    return names


def _labels(folder: ImageFolder) -> dict[str, npt.NDArray[np.float64]]:
    labels = folder.labels()
    if labels is None:
        raise DatasetError(
            f"The data set {folder.path} has no camera labels",
            f"there is no {' or '.join(folder.contents.label_places)}, or none with labels",
            "Learn the poses, or draw them from a prior: neither needs labels.",
        )
    missing = _without_damaged(folder, [name for name in folder.names if name not in labels])
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(folder)} images of {folder.path} have no camera label",
            f"{folder.contents.root}{LABEL_FILE} does not list {first_names(missing)}",
            "Add their labels, or take these images out.",
        )
    return labels


def _without_damaged(folder: ImageFolder, names: list[str]) -> list[str]:
    """Names less those that are skipped for damage; whole images are opened up to the first intact one."""
    begun = []
    for name, damage in in_threads(folder.reader.check_header, names, 1):
        if damage is None:
            begun.append(name)
        else:
            folder.skip(name)
    for place, (name, image) in enumerate(in_threads(folder.reader.image, begun, 1)):
        if not isinstance(image, Exception):
            return begun[place:]
        folder.skip(name)
    return []


def _poses(labels: dict[str, npt.NDArray[np.float64]], names: list[str], h_mean: float, flip: bool) -> Tensor:
    """Poses (h, v) of the images, float32 [size, 2]; those of the mirror images follow."""
    poses = poses_from_labels(np.stack([labels[name] for name in names]), h_mean)
    if flip:
        mirrored = np.stack([_wrap(2 * h_mean - poses[:, 0], h_mean), poses[:, 1]], axis=1)
        poses = np.concatenate([poses, mirrored])
    out = torch.from_numpy(poses).float()
    # In single precision a value just below the upper end would round up to it.
    ends = torch.tensor(h_mean - math.pi), torch.tensor(h_mean + math.pi)
    out[:, 0] = torch.where(out[:, 0] >= ends[1], ends[0], out[:, 0])
    return out
