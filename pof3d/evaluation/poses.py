"""Pose figures of a network on a set with known poses. They need neither rendering nor a feature network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d.checkpoint import Network
from pof3d.data.folder import ImageFolder
from pof3d.evaluation.truth import TrueDistribution, true_distribution
from pof3d.metrics.circle import spans_circle, wrap
from pof3d.metrics.distributions import DistributionDistance, distribution_distance
from pof3d.metrics.pose import PoseAgreement, pose_agreement, predict_image_poses
from pof3d.training.samples import learned_poses

ANGLES = ("yaw", "pitch")
LEAST = 16
"""Images with a true pose without which nothing is compared."""
NO_TRUTH = "the set has no true poses (poses.npz)"


def no_predictions(net: Network) -> str:
    """Why a network predicts no poses of images; empty where it does."""
    if net.discriminator is None:
        return "the checkpoint has no discriminator"
    return "" if net.discriminator.config.pose_aware else "the discriminator does not predict poses"


@dataclass(frozen=True, eq=False)
class RealImages:
    """Images of a set, and which of it they are."""

    images: Tensor
    """uint8 [N, 3, S, S]."""
    indices: NDArray[np.int64]
    """[N], positions in the set's list of names."""


def read_images(folder: ImageFolder, resolution: int, limit: int) -> RealImages:
    """The first readable images of a set, at a resolution.

    Raises
    ------
    DatasetError
        When none is readable.
    """
    images = folder.load_images(resolution, limit=limit)
    places = {name: i for i, name in enumerate(folder.names)}
    return RealImages(images, np.array([places[name] for name in folder.loaded_names], np.int64))


@dataclass(frozen=True, eq=False)
class AngleFigures:
    """Figures of yaw or of pitch."""

    agreement: PoseAgreement | None
    """D's prediction against the truth; None where `PoseFigures.skipped` says why."""
    distribution: DistributionDistance | None
    """G's learned poses against the true distribution; None likewise."""


@dataclass(frozen=True, eq=False)
class PoseFigures:
    """Pose figures and the samples that they were computed from. Angles in radians."""

    yaw: AngleFigures
    pitch: AngleFigures
    yaw_is_circular: bool
    """Whether yaw was taken on the circle: the yaws of the true distribution go all around
    (`pof3d.metrics.circle.spans_circle`)."""
    learned: NDArray[np.float64]
    """[L, 2], yaw and pitch that G gives random latents; on the circle within [−π, π)."""
    true: NDArray[np.float64] | None
    """[M, 2], of all images of the set that have one."""
    distribution: TrueDistribution | None
    """What the learned poses are compared with; None without true poses."""
    predicted: NDArray[np.float64] | None
    """[N, 2], D's, of the images compared."""
    truth_of_predicted: NDArray[np.float64] | None
    """[N, 2], of the same images."""
    skipped: dict[str, str]
    """What was not computed, ``agreement`` or ``distribution``, and why."""

    def summary(self) -> dict[str, Any]:
        """What JSON can hold; angles in degrees, named so."""
        return {
            "yaw_is_circular": self.yaw_is_circular,
            "latents": len(self.learned),
            "true_poses": 0 if self.true is None else len(self.true),
            "true_distribution": None
            if self.distribution is None
            else {"source": self.distribution.source, "poses": len(self.distribution.poses)},
            "images": 0 if self.predicted is None else len(self.predicted),
            "yaw": _angle_summary(self, 0),
            "pitch": _angle_summary(self, 1),
        }


def _angle_summary(pose: PoseFigures, column: int) -> dict[str, Any]:
    figures = (pose.yaw, pose.pitch)[column]
    found: dict[str, Any] = {}
    for name, sample in (("learned", pose.learned), ("true", pose.true)):
        if sample is None:
            continue
        if pose.yaw_is_circular and column == 0:
            # Mean and deviation depend on where the circle is cut.
            found[f"{name}_resultant_length"] = float(abs(np.exp(1j * sample[:, 0]).mean()))
        else:
            found[f"{name}_mean_degrees"] = float(np.degrees(sample[:, column].mean()))
            found[f"{name}_std_degrees"] = float(np.degrees(sample[:, column].std()))
    if figures.distribution is not None:
        distance = figures.distribution
        found["learned_against_true"] = {
            "jensen_shannon_distance": distance.js_distance,
            "jensen_shannon_distance_aligned": distance.js_distance_aligned,
            "jensen_shannon_distance_noise_floor": distance.js_distance_floor,
            "jensen_shannon_bits": distance.divergence,
            "jensen_shannon_aligned_bits": distance.divergence_aligned,
            "jensen_shannon_noise_floor_bits": distance.divergence_floor,
            "jensen_shannon_offset_degrees": float(np.degrees(distance.divergence_offset)),
            "wasserstein_degrees": float(np.degrees(distance.wasserstein)),
            "wasserstein_aligned_degrees": float(np.degrees(distance.wasserstein_aligned)),
            "wasserstein_offset_degrees": float(np.degrees(distance.wasserstein_offset)),
        }
    if figures.agreement is not None:
        agreement = figures.agreement
        found["predicted_against_true"] = {
            "correlation": agreement.correlation,
            "offset_degrees": float(np.degrees(agreement.offset)),
            "mean_absolute_error_degrees": float(np.degrees(agreement.mean_absolute_error)),
            "share_beyond_90_degrees": agreement.beyond_90_degrees,
        }
    return found


@torch.no_grad()
def evaluate_pose(
    net: Network,
    folder: ImageFolder,
    *,
    images: RealImages | int = 1000,
    latents: int = 20_000,
    seed: int = 0,
) -> PoseFigures:
    """Compare D's predictions with the true poses of a set, and G's learned distribution with the set's.

    That distribution is the procedural set's own where the set is one, otherwise that of the true poses
    (`pof3d.evaluation.truth`). Takes seconds: nothing is rendered.

    Parameters
    ----------
    net : Network
        From `pof3d.load`.
    folder : ImageFolder
        The set, preferably one that was not trained on. Without true poses only `learned` is filled.
    images : RealImages or int
        Images for D, read already, or how many of the set to read.
    latents : int
        Random latents for the learned distribution.
    seed : int
        Of the latents.

    Raises
    ------
    DatasetError
        When poses.npz is damaged, or no image is readable.
    """
    learned = learned_poses(net.generator, latents, seed).double().numpy()
    everything = folder.true_poses()
    known = None if everything is None else everything[np.isfinite(everything).all(axis=1)]
    skipped: dict[str, str] = {}
    if known is None or len(known) < LEAST:
        why = NO_TRUTH if not (known is not None and len(known)) else f"fewer than {LEAST} true poses"
        skipped |= {"agreement": why, "distribution": why}
        known = None
    distribution = None if known is None else true_distribution(folder, known)
    circular = spans_circle(learned[:2000, 0] if distribution is None else distribution.poses[:, 0])
    if circular:
        learned[:, 0] = wrap(learned[:, 0])
    predicted = truth = None
    if known is not None and no_predictions(net):
        skipped["agreement"] = no_predictions(net)
    elif known is not None and everything is not None and net.discriminator is not None:
        if isinstance(images, int):
            images = read_images(folder, net.generator.config.image_resolution, images)
        truth = everything[images.indices]
        has_truth = np.isfinite(truth).all(axis=1)
        if has_truth.sum() < LEAST:
            truth, skipped["agreement"] = None, f"fewer than {LEAST} of the images have a true pose"
        else:
            truth = truth[has_truth]
            config = net.generator.config
            raw = None if config.superres.kind == "none" else config.render.resolution
            chosen = images.images[torch.from_numpy(has_truth)]
            predicted = predict_image_poses(net.discriminator, chosen, raw)

    def figures(column: int) -> AngleFigures:
        on_circle = circular and column == 0
        agreement = distance = None
        if predicted is not None and truth is not None:
            agreement = pose_agreement(predicted[:, column], truth[:, column], circular=on_circle)
        if distribution is not None:
            true = distribution.poses[:, column]
            distance = distribution_distance(learned[:, column], true, circular=on_circle)
        return AngleFigures(agreement, distance)

    return PoseFigures(
        yaw=figures(0),
        pitch=figures(1),
        yaw_is_circular=circular,
        learned=learned,
        true=known,
        distribution=distribution,
        predicted=predicted,
        truth_of_predicted=truth,
        skipped=skipped,
    )
