"""Open networks: loading files, knowing when a file has changed, keeping what is in use."""

from __future__ import annotations

import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from pof3d.checkpoint import LoadCancelled, load
from pof3d.config import NetworkConfig
from pof3d.errors import CheckpointError, ConfigError, Pof3dError
from pof3d.fast import FastGenerator
from pof3d.memory import return_freed_memory
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator
from viz.panel import NetworkInfo

_serials = itertools.count(1)

_FAILURES = 1000
"""Files that are known not to open, at most."""
_WORTH_RETURNING = 64 * 2**20
"""Bytes freed at once from which on the system gets them back."""

Progress = Callable[[float, str], None]


class OpenNetwork(Protocol):
    """What a loader gives, as far as the program needs it."""

    @property
    def config(self) -> NetworkConfig:
        """See :class:`pof3d.checkpoint.Network`."""

    @property
    def generator(self) -> Generator:
        """See :class:`pof3d.checkpoint.Network`."""

    @property
    def discriminator(self) -> Discriminator | None:
        """See :class:`pof3d.checkpoint.Network`."""

    @property
    def provenance(self) -> dict[str, Any]:
        """See :class:`pof3d.checkpoint.Network`."""

    @property
    def path(self) -> Path:
        """See :class:`pof3d.checkpoint.Network`."""

    @property
    def kind(self) -> str:
        """See :class:`pof3d.checkpoint.Network`."""

    @property
    def size_bytes(self) -> int:
        """See :class:`pof3d.checkpoint.Network`."""


class Loader(Protocol):
    """Opens a checkpoint file, as :func:`pof3d.load` does."""

    def __call__(
        self,
        path: Path,
        device: str,
        *,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> OpenNetwork:
        """See :func:`pof3d.load`."""


@dataclass(frozen=True)
class FileIdentity:
    """A file's content as far as the file system tells."""

    path: str
    modified_ns: int
    size: int


def identify(path: str) -> FileIdentity | None:
    """None when the file is not there."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return FileIdentity(path, status.st_mtime_ns, status.st_size)


@dataclass(frozen=True, eq=False)
class Resident:
    """A network in memory."""

    serial: int
    """Unique in this process: two loads never share one, so results of one are never taken for another's."""
    network: OpenNetwork
    identity: FileIdentity | None
    device: str
    memory_bytes: int
    """Of its tensors."""

    @cached_property
    def fast(self) -> FastGenerator:
        """The generator as the window uses it."""
        return FastGenerator(self.network.generator)

    def info(self) -> NetworkInfo:
        """What panels show about it."""
        network = self.network
        return NetworkInfo(
            path=Path(network.path),
            kind=network.kind,
            size_bytes=network.size_bytes,
            parameters=sum(p.numel() for p in network.generator.parameters()),
            config=network.config,
            provenance=dict(network.provenance),
            has_pose_prediction=network.discriminator is not None and network.discriminator.pose_aware,
        )


class NetworkStore:
    """The networks in memory, opened on demand.

    A file that changes on disk is opened anew when it is next asked for; one that disappears stays usable. A
    file that failed to open is not tried again until it changes, or until :meth:`forget_failure`.

    Parameters
    ----------
    loader : Loader
        Opens files.
    budget_bytes : int
        Upper bound of the tensors of the networks kept, together; the one used last stays whatever its size.
        While another is being opened, it is there, too.
    """

    def __init__(self, loader: Loader = load, budget_bytes: int = 1 << 30) -> None:
        self._loader = loader
        self._budget_bytes = budget_bytes
        self._residents: OrderedDict[tuple[str, str], Resident] = OrderedDict()
        self._failures: dict[tuple[str, str], tuple[FileIdentity, Pof3dError]] = {}
        self._lock = threading.Lock()

    def find(self, path: str, device: str) -> Resident | None:
        """The network of a file if it is open and the file has not changed."""
        identity = identify(path)
        with self._lock:
            resident = self._residents.get((path, device))
            if resident is None or (identity is not None and resident.identity != identity):
                return None
            self._residents.move_to_end((path, device))
            return resident

    def get(
        self,
        path: str,
        device: str,
        *,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Resident:
        """The network of a file, opened if need be.

        Raises
        ------
        ConfigError
            When the path is empty.
        Pof3dError
            What the loader raises.
        """
        if not path:
            raise ConfigError("No network is open", todo="Open a checkpoint, or drop one on the window.")
        resident = self.find(path, device)
        if resident is not None:
            return resident
        key, identity = (path, device), identify(path)
        failure = self._failures.get(key)
        if failure is not None and failure[0] == identity:
            raise failure[1].detached()
        opened = self._try(Path(path), device, progress, cancelled)
        if isinstance(opened, Pof3dError):
            # What had been read is free by now: only the error's traceback referred to it.
            if identity is not None and identity.size > _WORTH_RETURNING:
                return_freed_memory()
            if identity is not None and _lasts(opened):
                self._failures[key] = (identity, opened.detached())
                while len(self._failures) > _FAILURES:
                    del self._failures[next(iter(self._failures))]
            raise opened
        network = opened
        resident = Resident(next(_serials), network, identity, device, _tensor_bytes(network))
        with self._lock:
            self._failures.pop(key, None)
            self._residents[key] = resident
            self._residents.move_to_end(key)
        self._drop_surplus()
        return resident

    def has_room(self, path: str, device: str, beside: Collection[str]) -> bool:
        """Whether the networks of some files and of another would be kept together.

        The other one is taken to need what its file has.
        """
        identity = identify(path)
        with self._lock:
            held = sum(
                one.memory_bytes
                for (name, where), one in self._residents.items()
                if name in beside and name != path and where == device
            )
        return held + (identity.size if identity is not None else 0) <= self._budget_bytes

    def _try(
        self, path: Path, device: str, progress: Progress | None, cancelled: Callable[[], bool] | None
    ) -> OpenNetwork | Pof3dError:
        """The network of a file, or why there is none."""
        try:
            return self._loader(path, device, progress=progress, cancelled=cancelled)
        except Pof3dError as error:
            return error.detached()

    def set_budget(self, budget_bytes: int) -> None:
        """Keep within another bound from now on."""
        self._budget_bytes = budget_bytes
        self._drop_surplus()

    @property
    def used(self) -> tuple[int, int]:
        """Networks in memory, and bytes of their tensors."""
        with self._lock:
            return len(self._residents), sum(one.memory_bytes for one in self._residents.values())

    def _drop_surplus(self) -> None:
        """Drop the networks not used for longest until the rest fits."""
        dropped = 0
        with self._lock:
            total = sum(one.memory_bytes for one in self._residents.values())
            while total > self._budget_bytes and len(self._residents) > 1:
                _, oldest = self._residents.popitem(last=False)
                total, dropped = total - oldest.memory_bytes, dropped + oldest.memory_bytes
                del oldest
        if dropped > _WORTH_RETURNING:
            return_freed_memory()

    def forget_failure(self, path: str) -> None:
        """Let a file that failed to open be tried again."""
        for key in [key for key in self._failures if key[0] == path]:
            del self._failures[key]


def _lasts(error: Pof3dError) -> bool:
    """Whether opening the same file would fail again."""
    return isinstance(error, CheckpointError) and not isinstance(error, LoadCancelled)


def _tensor_bytes(network: OpenNetwork) -> int:
    nets = [net for net in (network.generator, network.discriminator) if net is not None]
    return sum(t.numel() * t.element_size() for net in nets for t in (*net.parameters(), *net.buffers()))


class PinnedNetwork(NetworkStore):
    """One network, whatever happens to its file: what a recording plays."""

    def __init__(self, resident: Resident) -> None:
        super().__init__()
        self._resident = resident

    def find(self, path: str, device: str) -> Resident | None:
        """The pinned network, if it is the one asked for."""
        pinned = self._resident
        named = pinned.identity.path if pinned.identity is not None else str(pinned.network.path)
        return pinned if (path, device) == (named, pinned.device) else None
