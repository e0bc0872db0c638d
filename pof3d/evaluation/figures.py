"""All figures of one network on one set, and what could not be computed."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pof3d.checkpoint import Network
from pof3d.data.folder import ImageFolder
from pof3d.evaluation.generated import Generated, generate
from pof3d.evaluation.geometry import (
    Consistency,
    DepthComparison,
    compare_depth,
    measure_consistency,
    true_depth,
)
from pof3d.evaluation.poses import PoseFigures, RealImages, evaluate_pose, no_predictions, read_images
from pof3d.metrics import inception, probe
from pof3d.metrics.images import FeatureFunction, ImageDistance, extract, image_distance
from pof3d.metrics.pose import PoseAgreement, pose_agreement

SCHEMA, SCHEMA_VERSION = "pof3d-figures", 2
_LEAST_HALVES = 8  # real images, for their two halves to be compared
Stage = Callable[[str, int], Callable[[int], None]]
"""Begins a stage (name, number of items); gives the function to call as items are done."""


@dataclass(frozen=True)
class Settings:
    """What the figures depend on, beside network and set."""

    count: int = 1000
    """Images for FID and KID."""
    depth_count: int = 256
    """Images for depth, normals and D's poses of generated images."""
    pairs: int = 64
    """Pairs of views."""
    turn: float = math.radians(15.0)
    """Between the views of a pair, radians."""
    latents: int = 20_000
    """Latents for the learned pose distribution."""
    inception: Path | None = None
    """Inception weights."""
    seed: int = 0
    """Of the latents."""


@dataclass(frozen=True)
class ImageFigures:
    """FID and KID in one space of features."""

    features: str
    """Which."""
    distance: ImageDistance
    """Generated against real."""
    halves: ImageDistance | None
    """One half of the real images against the other: what these figures are for images of one kind."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures, and the samples and pictures that a report shows. Angles in radians."""

    net: Network
    folder: Path
    folder_size: int
    settings: Settings
    real: RealImages
    generated: Generated
    pose: PoseFigures
    own_poses: tuple[PoseAgreement, PoseAgreement] | None
    """D's yaw and pitch of generated images against G's."""
    images: list[ImageFigures]
    depth: DepthComparison | None
    """Rendered depth against the probe's, of generated images."""
    depth_floor: DepthComparison | None
    """True depth against the probe's, of real images."""
    consistency: Consistency
    seconds: float
    skipped: dict[str, str] = field(default_factory=dict)
    """Figures that were not computed, and why."""

    def as_dict(self) -> dict[str, Any]:
        """What figures.json holds; see docs/metrics.md."""
        settings = asdict(self.settings)
        settings["turn_degrees"] = math.degrees(settings.pop("turn"))
        settings["inception"] = self.settings.inception.name if self.settings.inception else None
        pose = self.pose.summary()
        if self.own_poses is not None:
            for name, agreement in zip(("yaw", "pitch"), self.own_poses, strict=True):
                pose[name]["predicted_against_generated"] = {
                    "correlation": agreement.correlation,
                    "offset_degrees": math.degrees(agreement.offset),
                    "mean_absolute_error_degrees": math.degrees(agreement.mean_absolute_error),
                }
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "network": {
                "file": self.net.path.name,
                "kind": self.net.kind,
                "configuration": self.net.config.name,
                "images_seen": self.net.provenance.get("images_seen"),
            },
            "data": {
                "file": self.folder.name,
                "images": self.folder_size,
                "images_read": len(self.real.images),
                "resolution": self.real.images.shape[-1],
            },
            "settings": settings,
            "pose": pose,
            "images": [
                {"features": figures.features}
                | asdict(figures.distance)
                | {"fewer_images_than_features": figures.distance.few}
                | {"real_halves_fid": figures.halves.fid if figures.halves else None}
                for figures in self.images
            ],
            "depth": {
                "generated": self.depth.summary() if self.depth else None,
                "true": self.depth_floor.summary() if self.depth_floor else None,
                "judge": "toy probe",
            },
            "reprojection": self.consistency.summary(),
            "not_computed": self.skipped,
            "seconds": round(self.seconds, 1),
        }

    def json(self) -> str:
        """`as_dict` as text: six digits, NaN as null."""
        return json.dumps(_plain(self.as_dict()), indent=1, allow_nan=False)

    def headlines(self) -> list[str]:
        """The main figures for people, one a line."""
        lines = []
        for name, figures in (("yaw", self.pose.yaw), ("pitch", self.pose.pitch)):
            if figures.agreement is not None:
                error = math.degrees(figures.agreement.mean_absolute_error)
                lines.append(
                    f"D's {name}: correlation {figures.agreement.correlation:.3f}, mean error {error:.1f}°"
                )
            if figures.distribution is not None:
                d = figures.distribution
                js = f"Jensen–Shannon distance {d.js_distance:.3f}, {d.js_distance_aligned:.3f} aligned"
                bits = f"divergence {d.divergence:.3f}, {d.divergence_aligned:.3f} bits"
                chance = f"equal ones of this size: {d.js_distance_floor:.3f}"
                lines.append(f"learned {name}: {js} ({bits}; {chance})")
        for image in self.images:
            kid = f"KID {image.distance.kid_mean:.4f} ± {image.distance.kid_std:.4f}"
            line = f"FID {image.distance.fid:.2f}, {kid}: {image.features}"
            if image.distance.few:
                images = min(image.distance.real, image.distance.generated)
                line += (
                    f"; the FID is too large: {images:,} images are not more"
                    f" than the {image.distance.num_features:,} features"
                )
            lines.append(line)
        if self.depth is not None and self.depth_floor is not None:
            ours, floor = float(self.depth.errors.mean()), float(self.depth_floor.errors.mean())
            lines.append(f"depth error {ours:.3f}, true images {floor:.3f}")
        views = self.consistency.summary()
        if math.isfinite(views["colour_error_of_255"]):
            lines.append(
                f"reprojection: {views['colour_error_of_255']:.1f} of 255 grey levels, "
                f"depth {views['depth_error_percent_of_radius']:.2f} % of the radius"
            )
        return lines

    def skipped_lines(self) -> list[str]:
        """What was not computed, one a line."""
        return [f"not computed: {name}: {why}" for name, why in self.skipped.items()]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def evaluate(net: Network, folder: ImageFolder, settings: Settings, stage: Stage) -> Evaluation:
    """Compute every figure that network and set allow.

    Raises
    ------
    CheckpointError
        When the Inception weights or the toy probe cannot be opened.
    ConfigError
        When torchmetrics is missing, or there are too few images.
    DatasetError
        When no image is readable, or ground truth is damaged.
    """
    started = time.monotonic()
    skipped: dict[str, str] = {}
    eye = probe.load_probe(net.device)
    functions: dict[str, FeatureFunction] = {probe.FEATURES_NAME: lambda x: eye(x.to(net.device)).features}
    if settings.inception is not None:
        network = inception.load_inception(settings.inception, net.device)
        functions[inception.FEATURES_NAME] = lambda x: network(x.to(net.device))

    stage("Reading images", 1)
    resolution = net.generator.config.image_resolution
    real = read_images(folder, resolution, max(settings.count, settings.depth_count))
    stage("Comparing poses", 1)
    pose = evaluate_pose(net, folder, images=real, latents=settings.latents, seed=settings.seed)
    skipped |= {f"pose {name}": why for name, why in pose.skipped.items()}

    advance = stage("Features of real images", min(settings.count, len(real.images)) * len(functions))
    compared = real.images[: settings.count]
    real_features = {name: extract(function, compared, done=advance) for name, function in functions.items()}
    total = max(settings.count, settings.depth_count)
    generated = generate(
        net,
        settings.count,
        settings.depth_count,
        functions,
        seed=settings.seed,
        advance=stage("Generating images", total),
    )
    images = [
        _image_figures(name, real_features[name], generated.features[name], settings.seed)
        for name in functions
    ]
    own_poses = None
    if generated.predicted is None:
        skipped["D's poses of generated images"] = no_predictions(net)
    elif len(generated.poses) > 1:
        yaw, pitch = (
            pose_agreement(
                generated.predicted[:, i], generated.poses[:, i], circular=pose.yaw_is_circular and i == 0
            )
            for i in range(2)
        )
        own_poses = (yaw, pitch)

    stage("Comparing depth", 1)
    depth = floor = None
    truth = true_depth(folder, [int(i) for i in real.indices[: settings.depth_count]])
    if truth is None:
        why = "the set has no true depth (depth.zip) to check the toy probe with"
        skipped["depth error and normals"] = why
    else:
        places, maps = truth
        focal = net.generator.config.camera.focal
        labels = folder.labels()
        first = folder.names[int(real.indices[places[0]])]
        true_focal = float(labels[first][16]) if labels and first in labels else focal
        floor = compare_depth(eye, real.images[torch.tensor(places)], maps, maps > 0, true_focal)
        solid = generated.opacity > 0.5
        depth = compare_depth(eye, generated.images, generated.depth, solid, focal)
        if not len(floor.errors) or not len(depth.errors):
            skipped["depth error and normals"] = "no image shows an object"
            depth = floor = None
    skipped["geometry of generated identities against exact truth"] = (
        "an identity that the network made up has no true shape; the toy probe's view stands in for it"
    )
    if settings.inception is None:
        skipped["FID and KID on Inception features"] = "no weights were given (--inception)"

    advance = stage("Comparing views", settings.pairs)
    consistency = measure_consistency(net, settings.pairs, settings.turn, seed=settings.seed, advance=advance)
    if not math.isfinite(consistency.summary()["colour_error_of_255"]):
        skipped["reprojection errors"] = "no two views of an identity show the same surface"
    return Evaluation(
        net=net,
        folder=folder.path,
        folder_size=len(folder),
        settings=settings,
        real=real,
        generated=generated,
        pose=pose,
        own_poses=own_poses,
        images=images,
        depth=depth,
        depth_floor=floor,
        consistency=consistency,
        seconds=time.monotonic() - started,
        skipped=skipped,
    )


def _image_figures(name: str, real: torch.Tensor, generated: torch.Tensor, seed: int) -> ImageFigures:
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(real)))
    halves = None
    if len(real) >= _LEAST_HALVES:
        a, b = real[order[: len(real) // 2]], real[order[len(real) // 2 :]]
        halves = image_distance(a, b, seed=seed)
    return ImageFigures(name, image_distance(real, generated, seed=seed), halves)
