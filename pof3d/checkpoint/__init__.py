"""Checkpoints: our own format, and snapshots of the PoF3D and EG3D releases.

Foreign files are data: nothing in them is ever imported or run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from pof3d.checkpoint import native, release, sniff
from pof3d.checkpoint.assemble import Hooks, LoadCancelled, Stored, build
from pof3d.checkpoint.native import save
from pof3d.checkpoint.source import Source
from pof3d.config import NetworkConfig
from pof3d.devices import find_device
from pof3d.errors import CheckpointError, DeviceError
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator

__all__ = ["LoadCancelled", "Network", "load", "save"]

_DESCRIBED = 0.2
"""Share of the progress after which a snapshot's tensors are read."""


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded checkpoint."""

    config: NetworkConfig
    generator: Generator
    """Evaluation mode, no gradients, float32, on the device asked for."""
    discriminator: Discriminator | None
    """The same; None if the file has none that can be used."""
    provenance: dict[str, object]
    """What the file says about its origin. Native: ``dataset``, ``images_seen``, ``commit``, ``recipe``,
    ``metrics``, ``learned_poses`` …, as far as they were known. Release: ``source``, ``generator``, and
    ``discriminator``, a sentence, where it could not be used."""
    path: Path
    """The file, absolute."""
    kind: sniff.Kind
    """``native`` or ``release``."""
    size_bytes: int
    """Of the file."""

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.generator.device


def load(
    path: str | os.PathLike[str],
    device: str | torch.device = "cpu",
    *,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    discriminator: bool = True,
    accept: Callable[[Stored], None] | None = None,
) -> Network:
    """Open a checkpoint, native or released, whatever its name.

    Parameters
    ----------
    path : path
        The file.
    device : str or torch.device
        Where the networks go.
    progress : callable, optional
        Called with the share done, 0…1, and a few words, from the calling thread.
    cancelled : callable, optional
        Asked now and then whether to stop.
    discriminator : bool
        Whether to read it, too.
    accept : callable, optional
        Called with the file's description before tensors are read; may raise to leave it at that.

    Returns
    -------
    Network

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, foreign, unsafe or not supported.
    LoadCancelled
        If ``cancelled`` said so.
    DeviceError
        If the device is missing or its memory does not suffice.
    """
    path = Path(os.path.abspath(Path(path).expanduser()))
    target = find_device(device)
    hooks = Hooks(progress, cancelled)
    sniff.check_path(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise CheckpointError(
            f"{path.name} cannot be opened", (error.strerror or str(error)).lower(), "Check its permissions."
        ) from error
    try:
        source = Source(descriptor)
        kind = sniff.kind_of(path, source.read(0, min(source.size, 256)), source.size)
        hooks.report(0.0, "Opening the checkpoint")
        if kind == "native":
            stored, start = native.read(source), 0.0
        else:
            sniff.check_end(path, source.read(max(0, source.size - sniff.TAIL), min(source.size, sniff.TAIL)))
            stored, start = release.read(source, path, hooks, _DESCRIBED), _DESCRIBED
        if not discriminator:
            stored = replace(stored, config=replace(stored.config, discriminator=None), discriminator={})
        if accept is not None:
            accept(stored)
        generator, critic = build(stored, target, hooks, start)
        size = source.size
    except OSError as error:
        raise CheckpointError(
            f"{path.name} cannot be read", (error.strerror or str(error)).lower(), "Check the disk it is on."
        ) from error
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _too_large(path, target) from error
    except RuntimeError as error:
        if "allocate memory" in str(error) or "out of memory" in str(error):
            raise _too_large(path, target) from error
        raise
    finally:
        os.close(descriptor)
    return Network(stored.config, generator, critic, stored.provenance, path, kind, size)


def _too_large(path: Path, device: torch.device) -> DeviceError:
    todo = "Close other programs that use the GPU, or use the device cpu." if device.type == "cuda" else ""
    return DeviceError(
        f"{path.name} does not fit into the memory of {device}", "", todo or "Close other programs."
    )
