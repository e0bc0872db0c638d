"""What is on the disk, found out in the background: network folders and very large ones take their time."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A file or a folder."""

    name: str
    is_folder: bool
    size: int
    """Bytes; 0 for folders."""
    modified: float
    """Seconds since the epoch."""


@dataclass(frozen=True)
class Listing:
    """A folder as it was when it was read."""

    folder: Path
    entries: tuple[Entry, ...] = ()
    """Folders first, then files, each by name."""
    error: str = ""
    """Why it could not be read."""


def read_folder(folder: Path) -> Listing:
    """List a folder; hidden files and what vanishes meanwhile are left out. Never raises OSError."""
    entries = []
    try:
        with os.scandir(folder) as items:
            for item in items:
                if item.name.startswith("."):
                    continue
                entry = _entry(item)
                if entry is not None:
                    entries.append(entry)
    except OSError as error:
        return Listing(folder, error=(error.strerror or str(error)))
    entries.sort(key=lambda entry: (not entry.is_folder, entry.name.lower(), entry.name))
    return Listing(folder, tuple(entries))


def _entry(item: os.DirEntry[str]) -> Entry | None:
    try:
        status = item.stat()
    except OSError:  # a link to nowhere, or gone
        return None
    if stat.S_ISDIR(status.st_mode):
        return Entry(item.name, True, 0, status.st_mtime)
    if stat.S_ISREG(status.st_mode):
        return Entry(item.name, False, status.st_size, status.st_mtime)
    return None


def visible_entries(
    listing: Listing, suffixes: Sequence[str], everything: bool, words: str = ""
) -> list[Entry]:
    """Folders, and files whose names end as asked; where there are ``words``, those that have them all."""
    endings = () if everything else tuple(suffix.lower() for suffix in suffixes)
    wanted = words.lower().split()
    return [
        entry
        for entry in listing.entries
        if (entry.is_folder or not endings or entry.name.lower().endswith(endings))
        and all(word in entry.name.lower() for word in wanted)
    ]


def existing_folder(path: Path) -> Path:
    """The folder itself, the folder of a file, or the nearest folder above that exists."""
    path = Path(path).expanduser().absolute()
    for candidate in (path, *path.parents):
        try:
            if candidate.is_dir():
                return candidate
        except OSError:
            continue
    return Path.home()


class FileWatch:
    """Knows which of some files and folders exist, without ever waiting for a disk.

    Parameters
    ----------
    seconds : float
        How old an answer may get.
    """

    def __init__(self, seconds: float = 2.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._known: dict[Path, bool] = {}
        self._busy = False
        self._due = 0.0

    def look(self, paths: Sequence[Path]) -> None:
        """Look after these; call as often as you like."""
        now = time.monotonic()
        with self._lock:
            fresh = now < self._due and all(path in self._known for path in paths)
            if self._busy or fresh or not paths:
                return
            self._busy, self._due = True, now + self._seconds
        threading.Thread(target=self._work, args=(tuple(paths),), name="files", daemon=True).start()

    def exists(self, path: Path) -> bool:
        """Whether it is there; True as long as that is not known."""
        with self._lock:
            return self._known.get(path, True)

    def _work(self, paths: tuple[Path, ...]) -> None:
        known = {path: _exists(path) for path in paths}
        with self._lock:
            self._known, self._busy = known, False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


class FolderReader:
    """Reads folders in threads of its own; only the newest request counts.

    Parameters
    ----------
    read : callable
        What reads a folder.
    """

    def __init__(self, read: Callable[[Path], Listing] = read_folder) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._newest = 0
        self._result: Listing | None = None

    def request(self, folder: Path) -> None:
        """Start to read a folder; returns at once."""
        with self._lock:
            self._newest += 1
            self._result = None
            number = self._newest
        # A daemon: a folder on a dead network share must not keep the program from ending.
        threading.Thread(target=self._work, args=(folder, number), name="folder", daemon=True).start()

    def result(self) -> Listing | None:
        """The folder asked for last, once it has been read."""
        with self._lock:
            return self._result

    def _work(self, folder: Path, number: int) -> None:
        listing = self._read(folder)
        with self._lock:
            if number == self._newest:
                self._result = listing
