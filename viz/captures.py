"""Pictures on disk that remember their View, and getting that View back."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from pof3d.errors import ConfigError
from pof3d.text import printable
from viz.files import replacing
from viz.frame import Frame
from viz.limits import check_view
from viz.view import View, view_from_json, view_to_json

VIEW_KEY = "pof3d_view"
"""Name of the PNG text that holds the View as JSON."""
FOLDER_VIEW = "view.json"
"""File in the folder of a PNG sequence that holds its View."""
CAPTURES = (".png", ".gif", ".mp4", ".webm")
"""Endings of the files that this program saves with their View."""
_LARGEST_TEXT = 1 << 20


def save_image(frame: Frame, path: Path) -> None:
    """Save a frame's picture as a PNG with its View; see :func:`save_pixels`."""
    save_pixels(frame.rgba, path, frame.view)


def save_pixels(rgba: NDArray[np.uint8], path: Path, view: View | None = None) -> None:
    """Save pixels as a PNG.

    Parameters
    ----------
    rgba : uint8 [H, W, 4]
        Saved without alpha where it is opaque throughout.
    path : Path
        Replaced in one step, or left as it was.
    view : View, optional
        Stored in the file, for :func:`read_view`.

    Raises
    ------
    SaveError
        When the file cannot be written.
    """
    opaque = bool((rgba[..., 3] == 255).all())
    image = Image.fromarray(np.ascontiguousarray(rgba[..., :3] if opaque else rgba))
    text = PngImagePlugin.PngInfo()
    if view is not None:
        text.add_text(VIEW_KEY, view_to_json(view))
    with replacing(path) as part:
        image.save(part, "PNG", pnginfo=text)


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """The first of ``stem.suffix``, ``stem-2.suffix``, … that does not exist yet."""
    path, number = folder / f"{stem}{suffix}", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}{suffix}", number + 1
    return path


def capture_stem(view: View) -> str:
    """A file name for a picture of a View, without suffix: network and seed."""
    network = printable(Path(view.network.path).stem) or "picture"
    return f"{network}-seed{view.latent.seed}"


def read_view(path: Path) -> View:
    """The View in a picture or video that this program saved, the folder of a PNG sequence, or a .json file.

    Raises
    ------
    ConfigError
        When the file cannot be read, or holds no View, or one that cannot be rendered.
    """
    try:
        text = _find_text(path)
    except Exception as error:
        # Pillow and PyAV meet foreign bytes here: whatever they raise means the same.
        raise ConfigError(f"{path.name} cannot be read", str(error) or type(error).__name__) from error
    if text is None:
        raise ConfigError(
            f"There is no view in {path.name}",
            todo="Only pictures and videos saved by this program hold one, and .json files.",
        )
    view = view_from_json(text)
    try:
        check_view(view)
    except ConfigError as error:
        raise ConfigError(f"The view in {path.name} cannot be shown", f"{error.what}: {error.why}") from error
    return view


def given_view(text: str) -> View:
    """The View of an option: JSON, or the path of a file for :func:`read_view`."""
    if not text.lstrip().startswith("{"):
        return read_view(Path(text))
    view = view_from_json(text)
    check_view(view)
    return view


def is_sequence(path: Path) -> bool:
    """Whether a path is the folder of a PNG sequence with its View."""
    return os.path.isfile(path / FOLDER_VIEW)


def is_capture(path: Path) -> bool:
    """Whether a path looks like a picture or a video with its View, or the folder of a PNG sequence."""
    return is_sequence(path) or (path.suffix.lower() in CAPTURES and not os.path.isdir(path))


def _find_text(path: Path) -> str | None:
    if is_sequence(path):
        path = path / FOLDER_VIEW
    if not path.is_file():
        raise ValueError("it is not a file")
    suffix = path.suffix.lower()
    if suffix == ".json":
        with path.open(encoding="utf-8") as file:
            return file.read(_LARGEST_TEXT)
    if suffix in (".mp4", ".webm"):
        import av

        # Of one format, and by its bytes: a playlist by this name would open other files, even from the net.
        with path.open("rb") as content, av.open(content, format=suffix[1:]) as video:
            # Matroska writes the names of its tags in capitals.
            return _own(video.metadata.get("comment") or video.metadata.get("COMMENT"))
    with Image.open(path, formats=("PNG", "GIF")) as image:
        if image.format == "GIF":
            comment = image.info.get("comment")
            return _own(comment.decode("utf-8", "replace") if isinstance(comment, bytes) else comment)
        text = image.info.get(VIEW_KEY)
        return text if isinstance(text, str) else None


def _own(comment: object) -> str | None:
    """A comment, if it looks like a View: other programs write comments, too."""
    with contextlib.suppress(AttributeError):
        if isinstance(comment, str) and comment.lstrip().startswith("{") and "schema_version" in comment:
            return comment
    return None
