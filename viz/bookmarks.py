"""Named Views that are kept for ever, in a file of their own among the settings."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from pof3d.errors import ConfigError
from viz.explore_state import Bookmark
from viz.files import SaveError, replacing
from viz.limits import check_view
from viz.settings import settings_path
from viz.view import SCHEMA_VERSION, View

MOST = 200
LONGEST_NAME = 60
_LARGEST = 1 << 20
"""Bytes of the file."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Document:
    schema_version: int
    bookmarks: tuple[Bookmark, ...]


def bookmarks_path() -> Path:
    """The file in the user's configuration folder."""
    return settings_path().with_name("bookmarks.json")


def clean_name(text: str) -> str:
    """A name as it can be shown in one line; empty if nothing is left."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:LONGEST_NAME]


def added(bookmarks: tuple[Bookmark, ...], name: str, view: View) -> tuple[Bookmark, ...]:
    """One more, at the end.

    Raises
    ------
    ConfigError
        When there are too many.
    """
    if len(bookmarks) >= MOST:
        raise ConfigError(
            "The bookmark was not added", f"there are {MOST} already", "Delete some that you do not need."
        )
    return (*bookmarks, Bookmark(clean_name(name) or Bookmark("", view).subtitle, view))


def renamed(bookmarks: tuple[Bookmark, ...], index: int, name: str) -> tuple[Bookmark, ...]:
    """One of them with another name; an empty one leaves it as it is."""
    name = clean_name(name)
    if not name or not 0 <= index < len(bookmarks):
        return bookmarks
    return (*bookmarks[:index], replace(bookmarks[index], name=name), *bookmarks[index + 1 :])


def without(bookmarks: tuple[Bookmark, ...], index: int) -> tuple[Bookmark, ...]:
    """All but one."""
    return tuple(one for i, one in enumerate(bookmarks) if i != index)


def load_bookmarks(path: Path | None = None) -> tuple[Bookmark, ...]:
    """What was saved; none where there is nothing. A damaged file is kept beside it, as ``….damaged``."""
    path = path or bookmarks_path()
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        _log.warning("%s cannot be read: %s", path, error)
        return ()
    try:
        return _parse(text)
    except (msgspec.MsgspecError, ConfigError, ValueError, RecursionError) as error:
        kept = path.with_name(path.name + ".damaged")
        _log.warning("%s is damaged (%s); it is kept as %s", path, error, kept.name)
        with contextlib.suppress(OSError):
            os.replace(path, kept)
        return ()


def save_bookmarks(bookmarks: tuple[Bookmark, ...], path: Path | None = None) -> None:
    """Save all of them, in one step.

    Raises
    ------
    SaveError
        When the folder cannot be written.
    """
    path = path or bookmarks_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveError(f"Cannot save {path}", (error.strerror or str(error)).lower()) from error
    content = msgspec.json.format(msgspec.json.encode(_Document(SCHEMA_VERSION, bookmarks)))
    with replacing(path) as part:
        part.write_bytes(content)


def _parse(text: bytes) -> tuple[Bookmark, ...]:
    if len(text) > _LARGEST:
        raise ValueError("it is too long")
    document = msgspec.json.decode(text, type=_Document, strict=True)
    if document.schema_version != SCHEMA_VERSION:
        raise ValueError(f"its schema version is {document.schema_version}")
    if len(document.bookmarks) > MOST:
        raise ValueError("it has too many bookmarks")
    for bookmark in document.bookmarks:
        if not bookmark.name or clean_name(bookmark.name) != bookmark.name:
            raise ValueError("a name is none")
        check_view(bookmark.view)
    return document.bookmarks
