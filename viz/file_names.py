"""Paths in JSON: names of files are bytes on most systems, and need not be text."""

from __future__ import annotations

import os
from urllib.parse import quote_from_bytes, unquote_to_bytes

from pof3d.text import legible

_PREFIX = "file://"


def path_to_text(path: str) -> str:
    """A path as text: as it is, or its ``file:`` URI (RFC 8089) where its bytes are not UTF-8.

    The Latin-1 name ``café.pkl`` in ``/nets`` becomes ``file:///nets/caf%E9.pkl``.
    """
    if legible(path) == path:
        return path
    try:
        return _PREFIX + quote_from_bytes(os.fsencode(os.path.abspath(path)))
    except UnicodeEncodeError:  # no file can have this name
        return legible(path)


def path_from_text(text: str) -> str:
    """The path of :func:`path_to_text`."""
    if not text.startswith(f"{_PREFIX}/"):
        return text
    return os.fsdecode(unquote_to_bytes(text[len(_PREFIX) :]))
