"""Writing files, and what to tell the user where that fails."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from pof3d import files
from pof3d.errors import Pof3dError


class SaveError(Pof3dError):
    """A file cannot be written."""


_REASONS = {
    errno.ENOSPC: ("the disk is full", "Make room, or choose another disk."),
    errno.EDQUOT: ("your disk quota is used up", "Make room, or choose another disk."),
    errno.EFBIG: ("the file grew too large", "Choose another disk, or less to save."),
    errno.EACCES: ("you may not write there", "Choose another folder."),
    errno.EPERM: ("you may not write there", "Choose another folder."),
    errno.EROFS: ("the disk is read-only", "Choose another folder."),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter name."),
}


def save_error(target: Path, error: Exception) -> SaveError:
    """What to tell the user when writing a file failed."""
    code = getattr(error, "errno", None)
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    why, todo = _REASONS.get(code, (reason.lower(), "")) if code is not None else (reason, "")
    return SaveError(f"Cannot save {target}", why, todo)


def check_target(target: Path) -> None:
    """Refuse a target that cannot become a file, before any work is done for it.

    Raises
    ------
    SaveError
        When its folder is missing, cannot be written, or the target is itself a folder.
    """
    folder = target.parent
    if not folder.is_dir():
        raise SaveError(f"Cannot save {target}", f"the folder {folder} does not exist", "Create it first.")
    if target.is_dir():
        raise SaveError(f"Cannot save {target}", "it is a folder", "Choose another name.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SaveError(f"Cannot save {target}", "you may not write there", "Choose another folder.")


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary path beside the target that takes its place at the end, in one step.

    After an exception, Ctrl-C included, the temporary file is removed and the target is as it was.

    Raises
    ------
    SaveError
        For an OSError raised inside.
    """
    check_target(target)
    try:
        # Not durable: settings are written in the window's thread, which does not wait for disks.
        with files.replacing(target, durable=False) as part:
            yield part
    except OSError as error:
        raise save_error(target, error) from error


def check_folder_target(target: Path) -> None:
    """Refuse a target that cannot become a new folder, before any work is done for it.

    Raises
    ------
    SaveError
        When its folder is missing or cannot be written, or there is something of this name already.
    """
    if target.is_dir():
        if any(target.iterdir()):
            todo = "Choose another name, or remove it first."
            raise SaveError(f"Cannot save {target}", "there is a folder of this name already", todo)
        return
    if target.exists():
        raise SaveError(f"Cannot save {target}", "there is a file of this name", "Choose another name.")
    check_target(target)


@contextlib.contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside the target that gets its name at the end, in one step.

    After an exception, Ctrl-C included, nothing of it remains. A folder with anything in it stays.

    Raises
    ------
    SaveError
        For an OSError raised inside.
    """
    check_folder_target(target)
    part = target.with_name(f".{target.name[:60]}-{secrets.token_hex(4)}.part")
    try:
        try:
            part.mkdir()
            yield part
            if target.is_dir():
                target.rmdir()  # it is empty, or this fails
            part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise save_error(target, error) from error
