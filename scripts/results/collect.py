"""Evaluating finished runs: a record and a strip of samples of each."""

from __future__ import annotations

import hashlib
import io
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import pof3d
from pof3d.cameras import hv_from_yaw_pitch
from pof3d.data.decoding import DAMAGE
from pof3d.data.folder import ImageFolder
from pof3d.data.layout import ABOUT_FILE
from pof3d.errors import CheckpointError, DatasetError, TrainingError
from pof3d.evaluation.figures import Settings, Stage, evaluate
from pof3d.evaluation.plots import depth_colours
from pof3d.evaluation.poses import PoseFigures, evaluate_pose, read_images
from pof3d.files import replacing
from pof3d.metrics.circle import wrap
from pof3d.nets.generator import Generator
from pof3d.training.config import PRESETS
from pof3d.training.run_directory import CONFIG_NAME, LOG_NAME
from pof3d.training.samples import latent, to_uint8
from pof3d.training.statistics import STATISTICS_NAME
from scripts.make_card import newest_checkpoint
from scripts.results.curves import read_curves
from scripts.results.records import Histogram, Places, Protocol, Record, Scatter, read_record, write_record

PAIRS = 16
"""Of views, for the reprojection error."""
SCATTERED = 500
"""Predictions that a bundled network's record keeps."""
LARGEST_STRIP, LARGEST_GRID = 40_000, 160_000
"""Bytes of a run's and of a bundled network's picture."""
_YAW_EDGES, _PITCH_EDGES = np.linspace(-1.6, 1.6, 41), np.linspace(-0.8, 0.8, 41)
_CIRCLE_EDGES = np.linspace(-math.pi, math.pi, 37)
_PSI = 0.8


@dataclass(frozen=True)
class Source:
    """A network to evaluate, and what lies beside it."""

    name: str
    seed: int | None
    checkpoint: Path
    log: Path
    config: Path | None = None
    """Settings of the run; None: the checkpoint's own."""
    statistics: Path | None = None

    @property
    def label(self) -> str:
        """Name of its files."""
        return self.name if self.seed is None else f"{self.name}-seed{self.seed}"


def run_source(run: Path, name: str, seed: int | None) -> Source:
    """The newest network of a run directory.

    Raises
    ------
    CheckpointError
        When it has none.
    """
    return Source(
        name, seed, newest_checkpoint(run), run / LOG_NAME, run / CONFIG_NAME, run / STATISTICS_NAME
    )


def bundle_source(path: Path, name: str) -> Source:
    """A bundled checkpoint with its log in the folder of its name, or the newest network of a run directory.

    Raises
    ------
    CheckpointError
        When there is none.
    """
    if path.is_dir():
        return run_source(path, name, None)
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}")
    return Source(name, None, path, path.with_suffix("") / LOG_NAME)


def digest(path: Path) -> str:
    """SHA-256 of a file; of a folder, of the names and sizes of its files."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    files = sorted(p for p in path.rglob("*") if p.is_file())
    listing = [f"{p.relative_to(path).as_posix()} {p.stat().st_size}" for p in files]
    return hashlib.sha256("\n".join(listing).encode()).hexdigest()


def describe_set(path: Path) -> str:
    """What a set says it is: "toy-cats, seed 1000"; otherwise its name.

    Raises
    ------
    DatasetError
        When there is no such set, or it cannot be read.
    """
    with ImageFolder(path) as folder:
        try:
            about = json.loads(folder.reader.read(ABOUT_FILE))
            return f"{about['dataset']}, seed {about['seed']}"
        except (*DAMAGE, KeyError, TypeError):
            return path.name


def is_current(source: Source, protocol: Protocol, places: Places) -> bool:
    """Whether this very network was evaluated in this way before, and its preset is still what it was."""
    path = places.data / f"{source.label}.json"
    if not path.exists() or not (places.strips / f"{source.label}.png").exists():
        return False
    try:
        record = read_record(path)
    except pof3d.errors.ConfigError:
        return False
    settings = differing(_settings(source), record.configuration)
    return (record.protocol, record.settings, record.sha256) == (
        protocol,
        settings,
        digest(source.checkpoint),
    )


def progress(source: Source) -> tuple[int, int | None]:
    """Images that the network has seen, and that the run was to see; None where that is not recorded.

    Raises
    ------
    CheckpointError, TrainingError
        When the network or the settings cannot be read.
    """
    seen = pof3d.load(source.checkpoint).provenance.get("images_seen")
    return int(str(seen or 0)), _planned(_settings(source))


def _planned(settings: dict[str, Any]) -> int | None:
    total = settings.get("training", {}).get("total_kimg")
    return None if total is None else round(total * 1000)


def _settings(source: Source) -> dict[str, Any]:
    if source.config is None:
        return {"training": pof3d.load(source.checkpoint).provenance.get("training", {})}
    try:
        found = json.loads(source.config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"cannot read {source.config}", str(error)) from error
    if not isinstance(found, dict):
        raise TrainingError(f"cannot read {source.config}", "it holds no settings")
    return found


def flat(tree: dict[str, Any], before: str = "") -> dict[str, Any]:
    """A tree of settings as one level: ``training.batch`` and so on."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return found


def differing(settings: dict[str, Any], preset: str) -> dict[str, tuple[Any, Any]]:
    """Settings that a run has otherwise than the preset: (the preset's, the run's); the seed is left out.

    What either does not know, because it is older, is left out too.
    """
    known = {str(name): value for name, value in PRESETS.items()}
    if preset not in known:
        return {}
    usual = flat(json.loads(json.dumps(asdict(known[preset]))))
    actual = flat(settings)
    return {
        key: (usual[key], value)
        for key, value in actual.items()
        if key in usual and usual[key] != value and key != "training.seed"
    }


def collect(source: Source, test_set: Path, protocol: Protocol, places: Places, stage: Stage) -> Record:
    """Evaluate one network; writes its record and, before it, its picture.

    Raises
    ------
    CheckpointError, ConfigError, DatasetError, TrainingError
        When a file is missing or damaged, or the set has no true poses.
    """
    settings = _settings(source)
    sha256 = digest(source.checkpoint)
    net = pof3d.load(source.checkpoint)
    chosen = Settings(
        count=protocol.generated, depth_count=protocol.depths, pairs=PAIRS, latents=protocol.latents
    )
    with ImageFolder(test_set) as folder:
        found = evaluate(net, folder, chosen, stage)
        if protocol.images > max(protocol.generated, protocol.depths):
            stage("Comparing all poses", 1)
            images = read_images(folder, net.generator.config.image_resolution, protocol.images)
            pose = evaluate_pose(net, folder, images=images, latents=protocol.latents, seed=chosen.seed)
            found = replace(found, pose=pose)
    pose = found.pose
    if pose.true is None:
        raise DatasetError(f"{test_set} cannot be compared with", pose.skipped["distribution"])
    bundled = source.seed is None
    figures = json.loads(found.json())
    del figures["seconds"]
    seen, seconds = (net.provenance.get(key) for key in ("images_seen", "training_seconds"))
    spread = settings.get("training", {}).get("pose_init_spread")
    record = Record(
        name=source.name,
        seed=source.seed,
        network=source.checkpoint.name,
        sha256=sha256,
        configuration=net.config.name,
        images_seen=int(str(seen or 0)),
        images_planned=_planned(settings),
        training_seconds=None if seconds is None else float(str(seconds)),
        initial_spread=None if spread is None else float(spread[0]),
        settings=differing(settings, net.config.name),
        protocol=protocol,
        figures=figures,
        yaw=_histogram(pose, 0),
        pitch=_histogram(pose, 1),
        curves=read_curves(source.log, source.statistics),
        scatter=_scatter(pose) if bundled else None,
    )
    picture = samples(net.generator, pose, rows=4 if bundled else 2, all_yaws=bundled)
    places.strips.mkdir(parents=True, exist_ok=True)
    places.data.mkdir(parents=True, exist_ok=True)
    with replacing(places.strips / f"{source.label}.png") as part:
        part.write_bytes(small_png(picture, LARGEST_GRID if bundled else LARGEST_STRIP))
    write_record(places.data / f"{source.label}.json", record)
    return record


def _histogram(pose: PoseFigures, column: int) -> Histogram:
    assert pose.distribution is not None
    circular = pose.yaw_is_circular and column == 0
    edges = _CIRCLE_EDGES if circular else (_YAW_EDGES, _PITCH_EDGES)[column]

    def count(angles: NDArray[np.float64]) -> tuple[int, ...]:
        inside = wrap(angles) if circular else np.clip(angles, edges[0], edges[-1])
        return tuple(np.histogram(inside, edges)[0].tolist())

    learned, true = count(pose.learned[:, column]), count(pose.distribution.poses[:, column])
    return Histogram(tuple(edges.round(6).tolist()), learned, true)


def _scatter(pose: PoseFigures) -> Scatter | None:
    if pose.predicted is None or pose.truth_of_predicted is None:
        return None

    def rows(angles: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
        return tuple((round(float(yaw), 3), round(float(pitch), 3)) for yaw, pitch in angles[:SCATTERED])

    return Scatter(rows(pose.truth_of_predicted), rows(pose.predicted))


@torch.no_grad()
def samples(generator: Generator, pose: PoseFigures, *, rows: int, all_yaws: bool) -> NDArray[np.uint8]:
    """Seeds (rows) from several yaws, then their depth [rows · S, columns · S, 3].

    Yaws, in G's own frame, are −0.8, 0 and 0.8 rad, with ``all_yaws`` also ±0.4; eight all around, at the
    learned height, where cameras stand all around.
    """
    yaws: tuple[float, ...] = (-0.8, -0.4, 0.0, 0.4, 0.8) if all_yaws else (-0.8, 0.0, 0.8)
    pitch = 0.0
    if pose.yaw_is_circular:
        yaws = tuple(2.0 * math.pi * i / 8 - math.pi for i in range(8))
        pitch = float(np.median(pose.learned[:, 1]))
    angles = torch.tensor([[yaw, pitch] for yaw in yaws], device=generator.device)
    hv = hv_from_yaw_pitch(angles, generator.config.camera.h_mean)
    lines = []
    for seed in range(rows):
        w, _ = generator.map(latent(seed, generator.config.z_dim).to(generator.device), _PSI)
        frame = generator.render(w.expand(len(yaws), -1, -1), hv)
        side = (frame.image.shape[-1],) * 2
        depth, opacity = (
            torch.nn.functional.interpolate(x, side).cpu() for x in (frame.depth, frame.opacity)
        )
        cells = [*to_uint8(frame.image), *depth_colours(depth, opacity > 0.5)]
        lines.append(np.concatenate(cells, axis=1))
    return np.concatenate(lines, axis=0)


def small_png(picture: NDArray[np.uint8], largest: int) -> bytes:
    """A PNG of at most ``largest`` bytes, with as many colours of a palette as that allows.

    Raises
    ------
    ValueError
        When it is larger with eight colours.
    """
    image = Image.fromarray(picture)
    for colours in (None, 256, 128, 64, 32, 16, 8):
        shown = image
        if colours is not None:
            palette = image.quantize(colours)
            shown = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        buffer = io.BytesIO()
        shown.save(buffer, "png", optimize=True)
        if buffer.tell() <= largest:
            return buffer.getvalue()
    raise ValueError(f"the picture does not fit {largest} bytes")
