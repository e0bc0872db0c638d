"""What kind of file this is, by its first bytes."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal, NoReturn

from pof3d.errors import CheckpointError

Kind = Literal["native", "release"]

SUFFIXES = (".safetensors", ".pkl", ".pickle")
"""What the names of checkpoints end in."""
_HEAD = 256
"""Bytes that tell the kind."""
TAIL = 16
"""Bytes at the end of a file that tell whether it is complete."""
_FOREIGN = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a zip archive, as `torch.save` writes it, or an archive of images"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-zip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x93NUMPY", "a numpy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x7fELF", "a program"),
)


def _refuse(path: Path, why: str, todo: str) -> NoReturn:
    raise CheckpointError(f"{path.name or path} cannot be opened", why, todo)


def check_path(path: Path) -> None:
    """Refuse what is not a regular file, without opening it.

    Raises
    ------
    CheckpointError
        Saying what the path is instead.
    """
    todo = "Choose a .safetensors checkpoint or a network-snapshot-….pkl file."
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            _refuse(path, "it is a link to a file that does not exist", todo)
        parent = path.parent
        _refuse(
            path,
            f"there is no such file in {parent}" if os.path.isdir(parent) else f"there is no folder {parent}",
            todo,
        )
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        _refuse(path, (getattr(error, "strerror", None) or str(error)).lower(), todo)
    if stat.S_ISDIR(mode):
        try:
            inside = sorted(p.name for p in path.iterdir() if p.suffix in SUFFIXES)
        except OSError:
            inside = []
        hint = f"Choose a file in it, for example {inside[-1]}." if inside else todo
        _refuse(path, "it is a folder", hint)
    if not stat.S_ISREG(mode):
        _refuse(path, "it is not a regular file", todo)


def look_at(path: Path) -> Kind:
    """The kind of a file, by its first bytes.

    Raises
    ------
    CheckpointError
        If it is missing or neither kind.
    """
    check_path(path)
    try:
        with path.open("rb") as file:
            return kind_of(path, file.read(_HEAD), os.fstat(file.fileno()).st_size)
    except OSError as error:
        _refuse(path, (error.strerror or str(error)).lower(), "Check its permissions.")


def check_end(path: Path, tail: bytes) -> None:
    """Refuse a pickle whose last bytes are zeros: programs that fetch files fill in what has not come yet.

    Raises
    ------
    CheckpointError
        Saying that it is incomplete.
    """
    if tail and not any(tail):
        _refuse(path, "it ends in zeros: the download is incomplete", "Download it again.")


def kind_of(path: Path, head: bytes, size: int) -> Kind:
    """Tell a native checkpoint from a release snapshot; the name does not matter.

    Parameters
    ----------
    path : Path
        For messages.
    head : bytes
        The first bytes of the file, 64 or more unless it is shorter.
    size : int
        Of the whole file.

    Raises
    ------
    CheckpointError
        Saying what the file looks like if it is neither.
    """
    todo = "Choose a .safetensors checkpoint or a network-snapshot-….pkl file."
    if size == 0:
        _refuse(path, "it is empty", "Copy or download it again.")
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            _refuse(path, f"it is {what}", todo)
    if head[4:8] == b"ftyp":
        _refuse(path, "it is a video", todo)
    if len(head) >= 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= 1 << 32:
        return "native"
    if head[:1] == b"\x80" and len(head) >= 2 and 2 <= head[1] <= 5:
        return "release"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"version https://git-lfs"):
        _refuse(path, "it is a git-LFS pointer, not the file itself", "Run `git lfs pull` to fetch the file.")
    if text.startswith((b"<!", b"<html", b"<?xml", b"<head", b"<body", b"<title", b"<meta", b"<script")):
        _refuse(
            path, "it is a web page", "The download failed: its link led to a page. Download the file again."
        )
    if text.startswith((b'{"', b"{\n", b"{ ", b"{\r", b"{}", b'["', b"[{", b"[]")):
        _refuse(
            path,
            "it is a JSON text, such as a server's error message",
            "The download failed: download the file again.",
        )
    if size < 16:
        _refuse(path, "it is too short to be a checkpoint", "Copy or download it again.")
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        _refuse(path, "it is a text file", todo)
    if not any(head):
        _refuse(path, "it begins with zeros, as an interrupted download does", "Download it again.")
    _refuse(path, "it is of an unknown kind", todo)
