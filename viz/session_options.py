"""Sessions on the command line: every command takes one in place of a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pof3d.errors import ConfigError
from viz.options import PictureOptions, Record, build_view
from viz.sessions import SUFFIX, Session, read_session
from viz.timeline import without_shots
from viz.view import View

T = TypeVar("T", bound=PictureOptions)


def with_session(options: T) -> tuple[T, Session | None]:
    """The options with the checkpoint as their file, and the session that was there, if it was one.

    Raises
    ------
    ConfigError
        When the session cannot be read or names no checkpoint, or options do not go together.
    """
    if options.file.suffix.lower() != SUFFIX:
        if options.checkpoint is not None:
            raise ConfigError("--checkpoint cannot be used", f"{options.file.name} is no session")
        return options, None
    if options.view is not None:
        raise ConfigError("--view cannot be used", f"{options.file.name} is a session, which has a view")
    session = read_session(options.file.expanduser())
    network = str(options.checkpoint or session.view.network.path)
    if not network:
        raise ConfigError(
            f"{options.file.name} names no checkpoint", todo="Say which one to use: --checkpoint FILE."
        )
    if network != session.view.network.path:
        session = replace(session, timeline=without_shots(session.timeline))
    return replace(options, file=Path(network)), session


def with_timeline(options: Record, session: Session | None) -> Record:
    """The options with the path to record: the session's timeline where it has one and no other is asked for.

    Raises
    ------
    ConfigError
        When a timeline is asked for and there is none, or an option tells of a View that is in its keyframes.
    """
    timeline = session.timeline if session is not None and session.timeline.keyframes else None
    path = options.path or ("turntable" if timeline is None else "timeline")
    if path == "timeline":
        if session is None or timeline is None:
            raise ConfigError("There is no timeline to record", "only a session with keyframes has one")
        plain = replace(session.view, network=build_view(options, session.view).network)
        if build_view(options, session.view) != plain:
            raise ConfigError(
                "A timeline cannot be changed by options",
                "what it shows is in its keyframes",
                "Leave out those that change the view, or give another --path.",
            )
    return replace(options, path=path)


def base_view(given: str | None, session: Session | None = None) -> View | None:
    """Where values come from that are not given: the session, or what ``--view`` says."""
    if session is not None:
        return session.view
    if given is None:
        return None
    from viz.captures import given_view

    return given_view(given)
