"""What files dropped on the window mean."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pof3d.checkpoint.sniff import SUFFIXES, look_at
from pof3d.errors import CheckpointError, Pof3dError
from viz.captures import is_sequence
from viz.sessions import is_saved


@dataclass(frozen=True)
class Dropped:
    """The decision."""

    checkpoint: Path | None = None
    """To open."""
    others: tuple[Path, ...] = ()
    """More files that should be checkpoints: to be had among the recent ones if they are."""
    folder: Path | None = None
    """To look for a training run in."""
    saved: Path | None = None
    """To go on with: a session, or a picture or video with its View."""
    message: str = ""
    error: Pof3dError | None = None


def sort_out(paths: Sequence[Path]) -> Dropped:
    """Decide what to do with dropped files: a checkpoint comes first, then a folder, then what was saved."""
    if not paths:
        return Dropped()
    checkpoints = [path for path in paths if path.suffix.lower() in SUFFIXES]
    if checkpoints:
        first, *others = checkpoints
        message = f"Opening {first.name}"
        if foreign := [path for path in paths if path not in checkpoints]:
            message += f"; {_count(foreign, 'other file')} left alone"
        return Dropped(checkpoint=first, others=tuple(others), message=message)
    folder = next((path for path in paths if os.path.isdir(path) and not is_sequence(path)), None)
    if folder is not None:
        return Dropped(folder=folder, message=f"Looking for a training run in {folder.name}")
    saved = next((path for path in paths if is_saved(path)), None)
    return Dropped(error=_foreign(paths[0])) if saved is None else Dropped(saved=saved)


def _count(paths: Sequence[object], what: str) -> str:
    return f"1 {what}" if len(paths) == 1 else f"{len(paths)} {what}s"


def _foreign(path: Path) -> Pof3dError:
    what = f"a {path.suffix} file" if path.suffix else "a file without suffix"
    return CheckpointError(
        f"cannot open {path.name}",
        f"it is {what}, neither a checkpoint nor a picture saved here",
        "Checkpoints end in .safetensors or .pkl; the folder of a training run can be dropped, too. "
        "Pictures and videos saved here lead back to their view.",
    )


def told(message: str, good: Sequence[Path], errors: Sequence[Pof3dError]) -> str:
    """The message of :func:`sort_out`, with what has become of the others."""
    if good:
        message += f"; {_count(good, 'more checkpoint')} under Recent"
    if errors:
        message += f"; {errors[0].what}: {errors[0].why}"
    if len(errors) > 1:
        message += f"; {len(errors) - 1} more left out, too"
    return message


class Looking:
    """Looks in the background whether dropped files are checkpoints at all.

    Parameters
    ----------
    paths : sequence of Path
        What to look at, once.
    wake : callable, optional
        Called from the thread when the answer is there.
    """

    def __init__(self, paths: Sequence[Path], wake: Callable[[], None] | None = None) -> None:
        self._wake = wake or (lambda: None)
        self._lock = threading.Lock()
        self._found: tuple[tuple[Path, ...], tuple[Pof3dError, ...]] | None = None
        # A daemon: a file on a dead network share must not keep the program from ending.
        threading.Thread(target=self._run, args=(tuple(paths),), name="dropped", daemon=True).start()

    def poll(self) -> tuple[tuple[Path, ...], tuple[Pof3dError, ...]] | None:
        """The checkpoints, and what is wrong with the others, once; None as long as that is not known."""
        with self._lock:
            found, self._found = self._found, None
            return found

    def _run(self, paths: tuple[Path, ...]) -> None:
        good, errors = [], []
        for path in paths:
            try:
                look_at(path)
                good.append(path)
            except Pof3dError as error:
                errors.append(error.detached())
        with self._lock:
            self._found = tuple(good), tuple(errors)
        self._wake()
