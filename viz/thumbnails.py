"""Small pictures of checkpoints, made in the background and kept on the disk."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pof3d.config import FAST_GRID_SIDE, FAST_SAMPLES
from pof3d.errors import Pof3dError
from pof3d.files import cache_folder, replacing
from pof3d.memory import return_freed_memory
from viz.folders import Entry

if TYPE_CHECKING:
    from pof3d.nets.generator import Generator

SIDE = 64
"""Pixels."""
_KEPT_ON_DISK = 2000
_KEPT_IN_MEMORY = 256
_WAITING = 64
_LARGEST, _WORTH_RETURNING = 2 << 30, 64 << 20
"""Bytes: larger files get no picture; after those above the second the system gets the memory back."""
_MEMORY_BYTES, _MULTIPLICATIONS = 384 << 20, 2e11
"""What a picture that nobody has asked for may take, memory and some seconds of work: enough for full-size
networks, not for files made to exhaust."""
_POINTS = SIDE**2 * FAST_SAMPLES + FAST_GRID_SIDE**3
"""Queries of the field: the fast renderer's."""
_RAYS = 256
"""Drawn at once."""
_log = logging.getLogger(__name__)

Picture = NDArray[np.uint8]
Key = tuple[str, float, int]


def render_thumbnail(path: Path, cancelled: Callable[[], bool]) -> Picture:
    """The first seed of a checkpoint, seen from its own pose [SIDE, SIDE, 4].

    Raises
    ------
    Pof3dError
        When the file cannot be opened.
    """
    from pof3d.checkpoint import load
    from pof3d.checkpoint.assemble import Stored, check_effort
    from pof3d.checkpoint.plan import Effort

    def accept(stored: Stored) -> None:
        check_effort(stored, Effort(_MEMORY_BYTES, _MULTIPLICATIONS), _POINTS)

    opened = load(path, "cpu", cancelled=cancelled, discriminator=False, accept=accept)
    image = _draw(opened.generator, cancelled)
    return np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])


def _draw(generator: Generator, cancelled: Callable[[], bool]) -> Picture:
    import torch

    from pof3d.cameras import camera_rays, intrinsics_from_focal
    from pof3d.checkpoint import LoadCancelled
    from pof3d.fast import FastGenerator
    from pof3d.training.samples import latent, to_uint8

    with torch.inference_mode():
        w, pose = generator.map(latent(0, generator.config.z_dim), 0.7)
        fast = FastGenerator(generator)
        field = fast.field(fast.synthesize_planes(w))
        intrinsics = intrinsics_from_focal(generator.focal(pose))
        origins, directions = camera_rays(generator.cam2world(pose), intrinsics, SIDE)
        colours = []
        for first in range(0, SIDE * SIDE, _RAYS):
            if cancelled():
                raise LoadCancelled("The picture is no longer wanted")
            rays = slice(first, first + _RAYS)
            colour, _, _ = fast.render_rays(field, origins[0, rays], directions[0, rays])
            colours.append(colour[:, :3])
        return to_uint8(torch.cat(colours).t().reshape(1, 3, SIDE, SIDE))[0]


class Thumbnails:
    """Makes the pictures asked for, the newest wish first, one at a time.

    Parameters
    ----------
    render : callable
        What makes one.
    folder : Path, optional
        Where they are kept; in the user's cache by default.
    """

    def __init__(
        self,
        render: Callable[[Path, Callable[[], bool]], Picture] = render_thumbnail,
        folder: Path | None = None,
    ) -> None:
        self._folder = folder or cache_folder("thumbnails")
        self._render = render
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Key, None] = OrderedDict()
        self._known: OrderedDict[Key, Picture | None] = OrderedDict()
        self._under_way: Key | None = None
        self._thread: threading.Thread | None = None

    def get(self, path: Path, entry: Entry) -> Picture | None:
        """The picture of a file, or None: then it is made, unless the file is no checkpoint."""
        key = (str(path), entry.modified, entry.size)
        with self._changed:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
            if key != self._under_way:
                self._waiting[key] = None
                self._waiting.move_to_end(key)
                while len(self._waiting) > _WAITING:
                    self._waiting.popitem(last=False)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="thumbnails", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return None

    @property
    def busy(self) -> bool:
        """Whether a picture is being made or waits to be."""
        with self._changed:
            return self._under_way is not None or bool(self._waiting)

    def forget_wishes(self) -> None:
        """Make none of those still asked for, and stop the one under way: nobody looks any more."""
        with self._changed:
            self._waiting.clear()
            self._under_way = None

    def _run(self) -> None:
        from viz.threads import lower_priority

        lower_priority()
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                key, _ = self._waiting.popitem()
                self._under_way = key
            picture = self._make(key)
            with self._changed:
                if self._under_way is not key:
                    continue  # nobody waits, and it may have been broken off
                self._under_way = None
                self._known[key] = picture
                while len(self._known) > _KEPT_IN_MEMORY:
                    self._known.popitem(last=False)

    def _make(self, key: Key) -> Picture | None:
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:32]
        kept = self._folder / f"{name}.png"
        found = _read(kept)
        if found is not None:
            return found
        if key[2] > _LARGEST:
            return None
        try:
            picture = self._render(Path(key[0]), lambda: self._under_way is not key)
        except Pof3dError:
            return None
        except Exception:
            _log.exception("no thumbnail of %s", key[0])
            return None
        finally:
            if key[2] > _WORTH_RETURNING:
                return_freed_memory()
        with contextlib.suppress(OSError):
            self._keep(kept, picture)
        return picture

    def _keep(self, path: Path, picture: Picture) -> None:
        from PIL import Image

        self._folder.mkdir(parents=True, exist_ok=True)
        with replacing(path, durable=False) as part:
            Image.fromarray(picture).save(part, "PNG")
        files = sorted(self._folder.glob("*.png"), key=lambda file: file.stat().st_mtime)
        for old in files[:-_KEPT_ON_DISK]:
            old.unlink(missing_ok=True)


def _read(path: Path) -> Picture | None:
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.size != (SIDE, SIDE):
                return None
            return np.asarray(image.convert("RGBA"))
    except (OSError, ValueError, SyntaxError):
        return None
