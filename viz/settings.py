"""What the program remembers between runs: recent files, folders, the window (and :mod:`viz.sessions`)."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from pof3d.errors import Pof3dError
from pof3d.files import APPLICATION
from viz.file_names import path_from_text, path_to_text
from viz.files import SaveError, replacing
from viz.schemes import SchemeName

MAX_RECENTS = 12
MAX_FAVOURITES = 100
_LARGEST = 1 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """Everything remembered, as plain values.

    Unknown entries of the file are ignored, missing ones have defaults.
    """

    recents: tuple[str, ...] = ()
    """Absolute paths of checkpoints and of training runs' folders, newest first."""
    favourites: tuple[str, ...] = ()
    """Absolute paths of folders that the file browser offers."""
    last_folder: str = ""
    """Where the file browser was; empty: not yet used."""
    threads: int | None = None
    """Torch threads; None: the default."""
    device: str = ""
    """Where the model runs; empty: a GPU if there is one."""
    window_size: tuple[int, int] = (1280, 720)
    """Design pixels."""
    memory_mib: int = 2048
    """Bound of networks and results in memory, mebibytes."""
    run: str = ""
    """Absolute path of the training run that was open at the end; empty: none."""
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Chords that the user chose, by the name of the action; see :mod:`viz.actions`."""
    theme: SchemeName = "dark"
    """Colours of the interface."""
    palette: tuple[str, ...] = ()
    """Names of what was chosen in the command palette, newest first."""
    tour_seen: bool = False
    """Whether the tour of the first start was seen, or skipped."""
    panels_open: tuple[str, ...] = ()
    """Titles of the panels that are open, of those that need not be."""


def settings_path() -> Path:
    """The settings file in the user's configuration folder."""
    return Path(platformdirs.user_config_dir(APPLICATION, appauthor=False)) / "settings.json"


def session_path() -> Path:
    """The session that the program was closed with; see :mod:`viz.sessions`."""
    return settings_path().with_name("session.json")


def with_recent(settings: Settings, path: Path) -> Settings:
    """Put a checkpoint, or a run's folder, at the top of the recent ones."""
    name = os.path.abspath(path)
    others = tuple(other for other in settings.recents if other != name)
    return replace(settings, recents=(name, *others)[:MAX_RECENTS])


def without_recent(settings: Settings, path: Path) -> Settings:
    """Take a checkpoint, or a run's folder, off the recent ones."""
    name = os.path.abspath(path)
    return replace(settings, recents=tuple(other for other in settings.recents if other != name))


def load_settings(path: Path | None = None) -> Settings:
    """What was saved; defaults where there is nothing. A damaged file is kept beside it, as ``….damaged``."""
    path = path or settings_path()
    text = read_bounded(path)
    if text is None:
        return Settings()
    try:
        loaded = msgspec.json.decode(text, type=Settings, strict=True)
        _check(loaded)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        keep_damaged(path, error)
        return Settings()
    loaded = _with_paths(loaded, path_from_text)
    return replace(
        loaded,
        recents=tuple(filter(os.path.isabs, loaded.recents))[:MAX_RECENTS],
        favourites=tuple(filter(os.path.isabs, loaded.favourites))[:MAX_FAVOURITES],
    )


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Save everything, in one step.

    Raises
    ------
    SaveError
        When the folder cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(_with_paths(settings, path_to_text)))
    write_file(path or settings_path(), text)


def _with_paths(settings: Settings, change: Callable[[str], str]) -> Settings:
    return replace(
        settings,
        recents=tuple(map(change, settings.recents)),
        favourites=tuple(map(change, settings.favourites)),
        last_folder=change(settings.last_folder),
        run=change(settings.run),
    )


def _check(settings: Settings) -> None:
    sizes: tuple[Any, ...] = settings.window_size
    if any(not 1 <= size <= 100_000 for size in sizes) or not 1 <= (settings.threads or 1) <= 1024:
        raise ValueError("sizes out of range")
    if not 1 <= settings.memory_mib <= 1 << 24:
        raise ValueError("sizes out of range")


def read_bounded(path: Path, largest: int = _LARGEST) -> bytes | None:
    """The beginning of a file, no more than so many bytes; None where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(largest)
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.warning("%s cannot be read: %s", path, error)
        return None


def write_file(path: Path, content: bytes) -> None:
    """Write a file in one step, its folder with it; raises :class:`SaveError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveError(f"Cannot save {path}", (error.strerror or str(error)).lower()) from error
    with replacing(path) as part:
        part.write_bytes(content)


def keep_damaged(path: Path, error: Exception) -> None:
    """Put a damaged file aside, and say so in the log."""
    why = error if not isinstance(error, Pof3dError) else error.why
    kept = path.with_name(path.name + ".damaged")
    _log.warning("%s is damaged (%s); it is kept as %s, and defaults are used", path, why, kept.name)
    with contextlib.suppress(OSError):
        os.replace(path, kept)
