"""Writing files that are complete or not there at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import platformdirs

APPLICATION = "pof3d-visualizer"
"""Name of the folders for settings and caches."""


def cache_folder(name: str) -> Path:
    """A folder in the user's cache: what lies there may be deleted at any time."""
    return Path(platformdirs.user_cache_dir(APPLICATION, appauthor=False)) / name


@contextlib.contextmanager
def replacing(target: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside the target that takes its place at the end, in one step.

    After an exception, Ctrl-C included, the temporary file is removed and the target is as it was.

    Parameters
    ----------
    target : Path
        Its folder must exist. Where it is a link, the file that it points to is replaced.
    durable : bool
        Whether to wait until the disk holds it, so that it outlives a loss of power.

    Raises
    ------
    OSError
        When the disk is full, or the folder cannot be written.
    """
    target = target.resolve()
    part = target.with_name(f".{target.stem[:60]}-{secrets.token_hex(4)}.part{target.suffix}")
    try:
        yield part
        if durable:
            _reach_disk(part, os.O_RDWR)
        os.replace(part, target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    if durable:
        with contextlib.suppress(OSError):  # some file systems cannot
            _reach_disk(target.parent, os.O_RDONLY)


def _reach_disk(path: Path, mode: int) -> None:
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
