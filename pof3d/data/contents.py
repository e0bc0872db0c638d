"""What the files of an image set are, judged by their names alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pof3d.data.layout import ABOUT_FILE, DEPTH_FILE, IMAGE_SUFFIXES, LABEL_FILE, POSE_FILE

_OWN_FILES = (LABEL_FILE, POSE_FILE, DEPTH_FILE, ABOUT_FILE)
_OF_THE_SYSTEM = ("thumbs.db", "desktop.ini")
_DEPTH_FOLDER = "depth/"


@dataclass(frozen=True)
class Contents:
    """The files of a set, sorted out; all names have forward slashes and are sorted."""

    images: list[str]
    outside: list[str]
    """Images whose names lead out of the set; they are not read."""
    depth_images: list[str]
    """Images in the top folder ``depth/``, which are left out."""
    depth_folder: str
    """That folder, with a slash."""
    others: list[str]
    """Files that are no images, nor the layout's own, nor hidden, nor an operating system's."""
    root: str
    """Where the layout's own files lie: empty, or the one top folder, with a slash."""
    label_places: tuple[str, ...]
    """Where dataset.json may lie."""

    @classmethod
    def of(cls, names: Sequence[str]) -> Contents:
        """Sort out the files of a set.

        Parameters
        ----------
        names : sequence of str
            All of them, with forward slashes.

        Returns
        -------
        Contents
        """
        seen = sorted(name for name in names if not _is_hidden(name))
        found = [name for name in seen if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES]
        outside = [name for name in found if _leads_out(name)]
        inside = [name for name in found if not _leads_out(name)]
        tops = {name.partition("/")[:2] for name in inside if not name.startswith(_DEPTH_FOLDER)}
        # An archive of a folder often holds that folder. It is the set where the layout's files lie in it.
        places = ["", *("".join(top) for top in tops if len(tops) == 1 and top[1])]
        there = frozenset(names)
        root = next((place for own in _OWN_FILES for place in places if place + own in there), "")
        folders = [_DEPTH_FOLDER, root + _DEPTH_FOLDER]
        depth = [name for name in inside if name.startswith(tuple(folders))]
        own_files = {root + own for own in _OWN_FILES}
        return cls(
            images=sorted(set(inside).difference(depth)),
            outside=outside,
            depth_images=depth,
            depth_folder=next((folder for folder in folders if depth and depth[0].startswith(folder)), ""),
            others=sorted(set(seen).difference(found, own_files)),
            root=root,
            label_places=tuple(place + LABEL_FILE for place in places),
        )

    def left_out(self) -> list[str]:
        """What is left out beside unreadable images, in words: counts and names, a line for each kind."""
        out = []
        if self.others:
            count = len(self.others)
            what = "1 file that is no image" if count == 1 else f"{count} files that are no images"
            out.append(f"ignored {what}: {first_names(self.others)}")
        if self.depth_images:
            count = len(self.depth_images)
            what = f"{count} image{'s' * (count > 1)}"
            out.append(f"left out the folder {self.depth_folder} ({what}), which is for depth maps")
        return out


def first_names(names: Sequence[str]) -> str:
    """Name the first ten in one line, and count the others."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more


def _is_hidden(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = not path.name or any(part.startswith(".") and part != ".." for part in path.parts)
    return hidden or path.parts[0] == "__MACOSX" or path.name.lower() in _OF_THE_SYSTEM


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts
