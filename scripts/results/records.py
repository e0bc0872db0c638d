"""What is kept of an evaluated run: one small file of JSON, from which the document is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pof3d.errors import ConfigError
from pof3d.files import replacing

SCHEMA = "pof3d-results 2"
BUNDLES = ("toy-cats", "toy-cars")
"""Names of the records of the bundled networks."""


@dataclass(frozen=True)
class Places:
    """Where things lie below the folder of the documents."""

    docs: Path

    @property
    def data(self) -> Path:
        """Records."""
        return self.docs / "results" / "data"

    @property
    def strips(self) -> Path:
        """Sample strips, one a record."""
        return self.docs / "results" / "strips"

    @property
    def commentary(self) -> Path:
        """Texts written by hand, by section; need not be there."""
        return self.docs / "results" / "commentary.toml"

    @property
    def images(self) -> Path:
        """What is drawn from the records."""
        return self.docs / "images" / "results"

    @property
    def page(self) -> Path:
        """The document."""
        return self.docs / "results.md"


@dataclass(frozen=True)
class Protocol:
    """What the figures depend on, beside the network."""

    test_set: str
    """Images that were not trained on: kind and seed of a toy set, otherwise the file's name."""
    test_sha256: str
    images: int
    """Test images for poses."""
    generated: int
    """Generated images, and test images, for the FID."""
    depths: int
    """Generated images, and test images, for depth."""
    latents: int
    """For the learned pose distribution."""


@dataclass(frozen=True)
class Histogram:
    """Counts of one angle, learned and of the true distribution, in the same bins."""

    edges: tuple[float, ...]
    """Radians."""
    learned: tuple[int, ...]
    true: tuple[int, ...]


@dataclass(frozen=True)
class Curves:
    """What a run recorded while it trained; radians. A group's lists are equally long; some are empty."""

    kimg: tuple[float, ...] = ()
    """Thousands of images, of the batches in the log."""
    yaw_mean: tuple[float, ...] = ()
    """Of the generator being trained."""
    yaw_std: tuple[float, ...] = ()
    error_kimg: tuple[float, ...] = ()
    pose_error: tuple[float, ...] = ()
    """Root mean square of D's error on generated images, of h and v."""
    snapshot_kimg: tuple[float, ...] = ()
    snapshot_yaw_std: tuple[float, ...] = ()
    """Of the generator's moving average."""


@dataclass(frozen=True)
class Scatter:
    """D's predictions of test images against the truth; radians."""

    true: tuple[tuple[float, float], ...]
    """Yaw and pitch."""
    predicted: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Record:
    """One evaluated network."""

    name: str
    """Of the experiment, or of the bundled network."""
    seed: int | None
    """Of the training; None for a bundled network."""
    network: str
    """Name of the checkpoint file."""
    sha256: str
    configuration: str
    """The preset's name."""
    images_seen: int
    images_planned: int | None
    """None where it is not recorded."""
    training_seconds: float | None
    initial_spread: float | None
    """Standard deviation of h that the pose learner started with; None where it was not set."""
    settings: dict[str, tuple[Any, Any]]
    """What differs from the preset: (the preset's value, the run's)."""
    protocol: Protocol
    figures: dict[str, Any]
    """As in figures.json; see docs/metrics.md."""
    yaw: Histogram
    pitch: Histogram
    curves: Curves = field(default_factory=Curves)
    scatter: Scatter | None = None
    schema: str = SCHEMA

    @property
    def label(self) -> str:
        """Name of its files."""
        return self.name if self.seed is None else f"{self.name}-seed{self.seed}"

    @property
    def cut_short(self) -> bool:
        """Whether training ended before the length that was asked for."""
        return self.images_planned is not None and self.images_seen < self.images_planned

    @property
    def circular(self) -> bool:
        """Whether yaw is taken on the circle."""
        return bool(self.figures["pose"]["yaw_is_circular"])

    def figure(self, *path: str | int) -> float | None:
        """A number of `figures` by the keys that lead there; None where it has no value."""
        found: Any = self.figures
        for key in path:
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                return None
        return float(found) if isinstance(found, int | float) else None


def write_record(path: Path, record: Record) -> None:
    """Write a record: lists of numbers on one line each, so that changes can be read."""
    text = json.dumps(asdict(record), indent=1, ensure_ascii=False, allow_nan=False)
    text = re.sub(r"\[[^\[\]{}\"]*\]", lambda match: re.sub(r"\s+", " ", match[0]), text)
    with replacing(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def read_record(path: Path) -> Record:
    """Read a record.

    Raises
    ------
    ConfigError
        When it cannot be read or is none of this version.
    """
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
        if record.schema != SCHEMA:
            raise ValueError(f"its schema is {record.schema!r}, not {SCHEMA!r}")
        record.figures["pose"]["yaw_is_circular"]
    except (OSError, ValueError, KeyError, TypeError, msgspec.MsgspecError, RecursionError) as error:
        todo = "Delete it and collect the run again."
        raise ConfigError(f"cannot read the record {path.name}", str(error), todo) from error
    return record


def read_records(folder: Path) -> list[Record]:
    """All records of a folder, by name and seed; none where there is no folder."""
    return in_order(read_record(path) for path in sorted(folder.glob("*.json")))


def in_order(records: Iterable[Record]) -> list[Record]:
    """Records by name and seed."""
    return sorted(records, key=lambda record: (record.name, -1 if record.seed is None else record.seed))
