"""Arrangements of the panels that the user has given a name. Plain values and a file."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from pof3d.errors import Pof3dError
from viz.files import SaveError, replacing
from viz.settings import settings_path

LONGEST_NAME = 40
_LARGEST = 1 << 22
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Document:
    version: int
    layouts: dict[str, str] = field(default_factory=dict)


def layouts_path() -> Path:
    """The file in the user's configuration folder."""
    return settings_path().with_name("layouts.json")


class SavedLayouts:
    """Named arrangements; every change is saved at once.

    Parameters
    ----------
    version : int
        Of the panels' default arrangement; what was saved with another one is not offered.
    path : Path, optional
        Where they are kept; None: nowhere, they are forgotten at the end.
    """

    def __init__(self, version: int, path: Path | None = None) -> None:
        self._version, self._path = version, path
        self._layouts = _load(path, version) if path is not None else {}

    @property
    def names(self) -> list[str]:
        """In the order of the alphabet."""
        return sorted(self._layouts, key=str.lower)

    def get(self, name: str) -> str:
        """An arrangement as it was kept; empty: there is none of this name."""
        return self._layouts.get(name, "")

    def keep(self, name: str, layout: str) -> None:
        """Keep an arrangement, with its scale (:mod:`viz.layout_scale`), in place of one of the same name.

        Raises
        ------
        SaveError
            When it cannot be written; it is kept until the end all the same.
        """
        self._layouts[clean_name(name)] = layout
        self._save()

    def delete(self, name: str) -> None:
        """Forget an arrangement; raises like :meth:`keep`."""
        if self._layouts.pop(name, None) is not None:
            self._save()

    def _save(self) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SaveError(f"Cannot save {self._path}", (error.strerror or str(error)).lower()) from error
        document = _Document(self._version, self._layouts)
        with replacing(self._path) as part:
            part.write_bytes(msgspec.json.encode(document))


def clean_name(name: str) -> str:
    """A name in one line, without space at its ends, not too long for a menu."""
    printable = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(printable.split())[:LONGEST_NAME].strip()


def _load(path: Path, version: int) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            document = msgspec.json.decode(file.read(_LARGEST), type=_Document)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError, Pof3dError) as error:
        _log.warning("%s cannot be read: %s", path, error)
        return {}
    return dict(document.layouts) if document.version == version else {}
