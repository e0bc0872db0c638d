"""What the program is started with."""

from __future__ import annotations

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
