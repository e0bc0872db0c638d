"""What files dropped on the window mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pof3d.checkpoint.sniff import SUFFIXES
from pof3d.errors import CheckpointError, ConfigError, Pof3dError
from viz.captures import is_sequence, read_view
from viz.sessions import SUFFIX, Session, read_session
from viz.timeline import Timeline
from viz.view import View

PICTURES = (".png", ".gif", ".mp4", ".webm", SUFFIX)


@dataclass(frozen=True)
class Dropped:
    """The decision."""

    checkpoint: Path | None = None
    """To open."""
    others: tuple[Path, ...] = ()
    """More checkpoints: to be had among the recent ones."""
    folder: Path | None = None
    """To look for a training run in."""
    view: View | None = None
    """To go to."""
    timeline: Timeline = field(default_factory=Timeline)
    """Of a session."""
    message: str = ""
    error: Pof3dError | None = None


def sort_out(paths: Sequence[Path]) -> Dropped:
    """Decide what to do with dropped files: a checkpoint comes first, then a folder, then a saved picture."""
    if not paths:
        return Dropped()
    checkpoints = [path for path in paths if path.suffix.lower() in SUFFIXES]
    if checkpoints:
        first, *others = checkpoints
        message = f"Opening {first.name}"
        if others:
            message += f"; {_count(others, 'more checkpoint')} under Recent"
        if foreign := [path for path in paths if path not in checkpoints]:
            message += f"; {_count(foreign, 'other file')} left alone"
        return Dropped(checkpoint=first, others=tuple(others), message=message)
    folder = next((path for path in paths if path.is_dir() and not is_sequence(path)), None)
    if folder is not None:
        return Dropped(folder=folder, message=f"Looking for a training run in {folder.name}")
    pictures = [path for path in paths if path.suffix.lower() in PICTURES or is_sequence(path)]
    if not pictures:
        return Dropped(error=_foreign(paths[0]))
    try:
        if pictures[0].suffix.lower() == SUFFIX:
            session = read_session(pictures[0])
        else:
            session = Session(read_view(pictures[0]))
    except ConfigError as error:
        return Dropped(error=error)
    what = "Opened" if session.timeline.keyframes else "Went to the view of"
    return Dropped(view=session.view, timeline=session.timeline, message=f"{what} {pictures[0].name}")


def _count(paths: Sequence[Path], what: str) -> str:
    return f"1 {what}" if len(paths) == 1 else f"{len(paths)} {what}s"


def _foreign(path: Path) -> Pof3dError:
    what = f"a {path.suffix} file" if path.suffix else "a file without suffix"
    return CheckpointError(
        f"cannot open {path.name}",
        f"it is {what}, neither a checkpoint nor a picture saved here",
        "Checkpoints end in .safetensors or .pkl; the folder of a training run can be dropped, too. "
        "Pictures and videos saved here lead back to their view.",
    )


def naming(error: Pof3dError, name: str) -> Pof3dError:
    """The error, with the name of the file in it."""
    if name in str(error):
        return error
    why = error.what[:1].lower() + error.what[1:]
    return Pof3dError(f"cannot open {name}", f"{why}: {error.why}" if error.why else why, error.todo)
