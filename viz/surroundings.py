"""What the program is started with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from viz.settings import Settings


@dataclass
class Surroundings:
    """What the program is started with, beside its View and its workers."""

    settings: Settings = field(default_factory=Settings)
    bundled: Sequence[Path] = ()
    devices: tuple[str, ...] = ("cpu",)
    remember: bool = False
    """Whether settings and View are saved for the next start."""
    capture_folder: Path = field(default_factory=lambda: Path("out").absolute())
    drops: bool = True
    """Whether files can be dropped on the window."""

    def is_bundled(self, path: Path) -> bool:
        """Whether this is a checkpoint that comes with the program, by whatever way."""
        return os.path.realpath(path) in map(os.path.realpath, self.bundled)
