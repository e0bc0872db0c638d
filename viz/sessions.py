"""Sessions: View, timeline and comparison in one file, saved by the user, by itself and at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from pof3d.errors import ConfigError
from viz.comparing import Comparison, check_comparison, synced, with_new_keys
from viz.file_names import path_from_text, path_to_text
from viz.settings import keep_damaged, read_bounded, session_path, write_file
from viz.timeline import TIMELINE_VERSION, Timeline, timeline_from
from viz.view import SCHEMA_VERSION, ForeignText, NetworkView, View, part_from, view_from_json

COMPARISON_VERSION = 1
SUFFIX = ".json"
_LARGEST = 4 << 20


@dataclass(frozen=True)
class Session:
    """What somebody was working on."""

    view: View = field(default_factory=View)
    timeline: Timeline = field(default_factory=Timeline)
    comparison: Comparison = field(default_factory=Comparison)
    alone: bool = field(default=False, compare=False)
    """A View alone, which says nothing of a timeline or a comparison."""


@dataclass(frozen=True)
class _Document:
    # A View's document with something more in it: a program that knows no timelines reads its View.
    schema_version: int
    view: View
    timeline_version: int
    timeline: Timeline
    comparison_version: int
    comparison: Comparison


def _with_paths(comparison: Comparison, change: Callable[[str], str]) -> Comparison:
    panes = []
    for pane in comparison.panes:
        network = replace(pane.view.network, path=change(pane.view.network.path))
        panes.append(replace(pane, view=replace(pane.view, network=network)))
    return replace(comparison, panes=tuple(panes))


def session_to_json(session: Session) -> bytes:
    """JSON with the schema versions."""
    network = replace(session.view.network, path=path_to_text(session.view.network.path))
    view = replace(session.view, network=network)
    compared = _with_paths(session.comparison, path_to_text)
    document = _Document(
        SCHEMA_VERSION, view, TIMELINE_VERSION, session.timeline, COMPARISON_VERSION, compared
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def session_from_json(text: str | bytes) -> Session:
    """The session of :func:`session_to_json`; of a View alone, one without keyframes.

    Raises
    ------
    ConfigError
        When the text is not JSON, is of a newer version, holds values of a wrong type, or what it describes
        cannot be shown.
    """
    from viz.limits import check_view  # needs numpy, which --help does without

    view = view_from_json(text)
    check_view(view)
    document: Any = msgspec.json.decode(text)
    timeline, comparison = timeline_from(document), _comparison_from(document)
    return Session(view, timeline, synced(comparison, view), "timeline" not in document)


def _comparison_from(document: dict[str, Any]) -> Comparison:
    comparison = part_from(document, "comparison", COMPARISON_VERSION, Comparison)
    if comparison is None:
        return Comparison()
    comparison = _with_paths(comparison, path_from_text)
    check_comparison(comparison)
    return with_new_keys(comparison, 0)


def read_session(path: Path) -> Session:
    """The session in a .json file; its checkpoint is looked for beside it where it has moved.

    Raises
    ------
    ConfigError
        When the file cannot be read, or holds no session that can be shown.
    """
    try:
        if not path.is_file():  # nor a pipe, which might keep us waiting
            raise OSError("there is no such file")
        with path.open("rb") as file:
            text = file.read(_LARGEST)
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read", error.strerror or str(error)) from error
    try:
        session = session_from_json(text)
    except ForeignText as error:
        raise ConfigError(f"{path.name} cannot be opened", "it is no session of this program") from error
    except ConfigError as error:
        why = f"{error.what}: {error.why}"
        raise ConfigError(f"{path.name} cannot be opened", why, error.todo) from error
    return located(session, path.absolute().parent)


def is_saved(path: Path) -> bool:
    """Whether :func:`read_saved` is for this path, by its name: a session, or a capture."""
    from viz.captures import is_capture  # needs numpy, which --help does without

    return path.suffix.lower() == SUFFIX or is_capture(path)


def read_saved(path: Path, opened: str = "") -> Session:
    """What was saved in a session, or the View alone of a picture or video that this program saved.

    Parameters
    ----------
    path : Path
        See :func:`is_saved`.
    opened : str, optional
        Path of the checkpoint that is open, whose file need no longer be there.

    Raises
    ------
    ConfigError
        When the file cannot be read, holds nothing that can be shown, or its checkpoint is not there.
    """
    from viz.captures import is_capture, read_view

    if is_capture(path):
        session = located(Session(read_view(path), alone=True), path.absolute().parent)
    else:
        session = read_session(path)
    network = session.view.network.path
    if network not in ("", opened) and not os.path.isfile(network):
        raise ConfigError(
            f"{path.name} cannot be opened",
            f"its checkpoint is not there: {network}",
            f"Put it beside {path.name}.",
        )
    return session


def located(session: Session, folder: Path) -> Session:
    """With its checkpoints where they are now: at the saved path, in the session's folder, or bundled."""
    from viz.start import ASSETS

    def now(saved: str) -> str:
        if not saved or Path(saved).is_file():
            return saved
        # A session of another system may have its kind of path.
        name = saved.replace("\\", "/").rpartition("/")[2]
        for place in (folder, ASSETS):
            if name and (place / name).is_file():
                return str(place / name)
        return saved

    view = replace(session.view, network=NetworkView(now(session.view.network.path)))
    return replace(session, view=view, comparison=_with_paths(session.comparison, now))


def save_session(session: Session, path: Path | None = None) -> None:
    """Save a session in one step; by default where the next start finds it.

    Raises
    ------
    SaveError
        When the file cannot be written.
    """
    write_file(path or session_path(), session_to_json(session))


def load_session(path: Path | None = None) -> Session | None:
    """The session for the next start; None if there is none. A damaged file is set aside, and so is one that
    cannot be shown.
    """
    path = path or session_path()
    text = read_bounded(path, _LARGEST)
    if text is None:
        return None
    try:
        return session_from_json(text)
    except ConfigError as error:
        keep_damaged(path, error)
        return None
