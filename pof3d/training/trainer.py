"""One run's networks and optimisers: steps, accumulation, moving averages, lazy regularisation."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from pof3d.config import NetworkConfig
from pof3d.data.batches import Batch
from pof3d.errors import TrainingError
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator
from pof3d.nets.mapping import POSE_TABLE_SIZE
from pof3d.training.augment import INTERVAL as AUGMENT_INTERVAL
from pof3d.training.config import Preset, check_preset, plain_settings
from pof3d.training.health import Health
from pof3d.training.losses import Fakes, Objective, spreads_from_moments
from pof3d.training.poses import standardize_poses
from pof3d.training.precision import set_precision
from pof3d.training.random import BatchRandom, share_of_batch
from pof3d.training.snapshots import changed_settings
from pof3d.training.workers import Workers

SNAPSHOT_FORMAT = 3
"""Changes whenever older snapshots cannot be resumed any more."""
_GENERATING, _JUDGING, _BEING_JUDGED = range(3)
"""Phases of a step, each with a stream of random numbers of its own."""
_MEAN_YAW_DECAY = 0.95


def lazy_adam(
    parameters: Iterator[torch.nn.Parameter], lr: float, beta2: float, interval: int
) -> torch.optim.Adam:
    """Adam, β = (0, ``beta2``), corrected for a regulariser every ``interval`` steps (StyleGAN2, app. B)."""
    ratio = interval / (interval + 1)
    optimizer = torch.optim.Adam(parameters, lr=lr * ratio, betas=(0.0, beta2**ratio), eps=1e-8)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]  # what schedules scale, by torch's convention
    return optimizer


class ImageSource(Protocol):
    """Where batches of real images come from; see :class:`~pof3d.data.batches.ImageBatches`."""

    @property
    def size(self) -> int:
        """Images in the set."""

    def read(self, step: int) -> Batch:
        """The process's share of a step's batch: uint8 [b, 3, S, S]; with poses where they are labels."""


@dataclass(frozen=True)
class StepReport:
    """What one step did."""

    kimg: float
    """Thousands of real images seen."""
    seconds: float
    """Time spent in steps since the run began, over all its sessions."""
    stats: dict[str, float]
    """Losses and pose statistics by name."""


class Trainer:
    """Networks, optimisers and counters of one run.

    All random numbers of a step are a function of the seed and the step, row by row of the batch: the result
    does not depend, up to rounding, on how many processes share the batch or on the accumulation.

    Parameters
    ----------
    preset : Preset
        Network and training settings.
    data : ImageSource
        The training set. Poses reach this class only where the generator's pose source is ``labels``.
    device : torch.device
        Where to train.
    workers : Workers
        The processes that share the batch.

    Raises
    ------
    ConfigError, TrainingError
        When the settings cannot work, with each other, the data or the device.
    """

    def __init__(
        self, preset: Preset, data: ImageSource, device: torch.device, workers: Workers | None = None
    ) -> None:
        config = preset.training
        check_preset(preset)
        self.workers = workers or Workers()
        self._check(preset, data, device)
        torch.manual_seed(config.seed)
        self.preset = preset
        self.data = data
        self.device = device
        self.generator = Generator(preset.network.generator)
        if config.pose_init_spread is not None:
            standardize_poses(self.generator.mapping, config.pose_init_spread, config.pose_init_mean)
        self.generator.to(device)
        assert preset.network.discriminator is not None
        self.discriminator = Discriminator(preset.network.discriminator, preset.network.generator.camera).to(
            device
        )
        self.ema = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.random = BatchRandom(config.seed, config.batch, device)
        self.objective = Objective(self.generator, self.discriminator, config, self.random)
        self.g_optimizer = lazy_adam(
            self.generator.parameters(), config.generator_lr, config.adam_beta2, config.density_interval
        )
        self.d_optimizer = lazy_adam(
            self.discriminator.parameters(), config.discriminator_lr, config.adam_beta2, config.r1_interval
        )
        self.health = Health(config.divergence_limit)
        self._fakes: Fakes | None = None
        self.step_count = 0
        self.images_seen = 0
        """Real images shown to the discriminator so far."""
        self.seconds = 0.0
        self.history: list[dict[str, Any]] = []
        """Settings that were changed on the way: at how many images, which, from what, to what."""

    def _check(self, preset: Preset, data: ImageSource, device: torch.device) -> None:
        config = preset.training
        if preset.network.discriminator is None:
            raise TrainingError("cannot train", "the network has no discriminator")
        if data.size < config.batch:
            raise TrainingError(
                "cannot train",
                f"{data.size} images are fewer than a batch of {config.batch}",
                "Give more images, or a smaller --training.batch.",
            )
        if config.batch % (self.workers.count * config.accumulation):
            raise TrainingError(
                "cannot train",
                f"{self.workers.count} processes in {config.accumulation} parts each cannot share a batch of "
                f"{config.batch} evenly",
                "Change --training.batch, --training.accumulation or torchrun's --nproc-per-node.",
            )
        set_precision(config.precision, device)

    def take_labels(self, poses: Tensor) -> None:
        """Give the generator the data set's poses (h, v) [N, 2] to draw from (pose source ``labels``)."""
        chosen = torch.linspace(0, len(poses) - 1, POSE_TABLE_SIZE).round().long()
        front = poses.new_tensor([self.generator.config.camera.h_mean, math.pi / 2])
        for network in (self.generator, self.ema):
            network.mapping.get_buffer("pose_table").copy_(poses[chosen] - front)

    def network_config(self) -> NetworkConfig:
        """The architecture as it is now: with the detail that the discriminator has been shown so far."""
        network = self.preset.network
        assert network.discriminator is not None
        size = network.discriminator.resolution
        seen = self.objective.resolution if self.generator.superres is None else size
        detail = seen if seen < size else None
        return replace(network, discriminator=replace(network.discriminator, detail_resolution=detail))

    def _rows(self, part: int) -> Tensor:
        """Rows of the batch in a part of this process's share."""
        config = self.preset.training
        return share_of_batch(config.batch, self.workers.rank, self.workers.count, part, config.accumulation)

    def _generate(self, part: int) -> Fakes:
        rows = self._rows(part)
        self.random.begin(self.step_count, _GENERATING, rows)
        return self.objective.generate(len(rows))

    def step(self) -> StepReport:
        """One update of D, one of G, and of the moving averages.

        Raises
        ------
        TrainingError
            When a loss is not finite, before it changes its network; or when losses or gradients have run
            away.
        """
        config = self.preset.training
        began = time.monotonic()
        self.objective.set_progress(self.images_seen / 1000)
        self._set_learning_rates()
        stats = self._update_discriminator()
        stats |= self._update_generator()
        self._update_ema()
        self._adjust_augmentation()
        self.step_count += 1
        self.images_seen += config.batch
        figures = torch.stack([value.float() for value in stats.values()])
        self.workers.average([figures])
        values = spreads_from_moments(dict(zip(stats, figures.tolist(), strict=True)))
        self.seconds += time.monotonic() - began
        self.health.check(values, self.images_seen)
        return StepReport(self.images_seen / 1000, self.seconds, values)

    def _update_discriminator(self) -> dict[str, Tensor]:
        """Also notes the means of w and of yaw, and the fakes where one batch serves both networks."""
        config, parts = self.preset.training, self.preset.training.accumulation
        batch = self.data.read(self.images_seen // config.batch)
        self.discriminator.requires_grad_(True)
        self.d_optimizer.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        w_mean, yaw_mean = torch.zeros([], device=self.device), torch.zeros([], device=self.device)
        for part in range(parts):
            # One batch serves both networks: D sees it detached, then G is judged on it. Where memory holds
            # no more than a part, it is generated again.
            with torch.set_grad_enabled(parts == 1):
                fakes = self._generate(part)
            self._fakes = fakes if parts == 1 else None
            w_mean = w_mean + fakes.w.detach().mean(dim=0) / parts
            yaw = fakes.views[0][1][:, 0].detach() - self.generator.config.camera.h_mean
            yaw_mean = yaw_mean + yaw.mean() / parts
            images = batch.images[part::parts].to(self.device, non_blocking=True).float() / 127.5 - 1.0
            poses = None if batch.poses is None else batch.poses[part::parts].to(self.device)
            self.random.begin(self.step_count, _JUDGING, self._rows(part))
            loss, stats = self.objective.discriminator_loss(
                fakes, images, poses, penalize=self.step_count % config.r1_interval == 0
            )
            self._accumulate(loss, stats, sums, "discriminator")
        moments = sums.pop("moments", None)
        self.workers.average([w_mean, yaw_mean, *([] if moments is None else [moments])])
        if moments is not None:
            self.objective.pose_moments.update(moments)
        self._finish(self.d_optimizer, "discriminator")
        self.generator.mapping.update_w_avg(w_mean[None])
        self.objective.mean_yaw = yaw_mean.lerp(self.objective.mean_yaw, _MEAN_YAW_DECAY)
        return sums

    def _update_generator(self) -> dict[str, Tensor]:
        config = self.preset.training
        self.discriminator.requires_grad_(False)
        self.g_optimizer.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        for part in range(config.accumulation):
            fakes = self._generate(part) if self._fakes is None else self._fakes
            self.random.begin(self.step_count, _BEING_JUDGED, self._rows(part))
            loss, stats = self.objective.generator_loss(
                fakes, smooth=self.step_count % config.density_interval == 0
            )
            self._accumulate(loss, stats, sums, "generator")
        self._fakes = None
        self._finish(self.g_optimizer, "generator")
        return sums

    def _accumulate(self, loss: Tensor, stats: dict[str, Tensor], sums: dict[str, Tensor], name: str) -> None:
        parts = self.preset.training.accumulation
        if self.workers.any(not bool(torch.isfinite(loss))):
            terms = {key: float(value) for key, value in stats.items() if value.dim() == 0}
            self.health.stop_for_loss(name, terms, self.images_seen)
        (loss / parts).backward()
        for key, value in stats.items():
            sums[key] = sums.get(key, torch.zeros_like(value)) + value / parts

    def _finish(self, optimizer: torch.optim.Optimizer, name: str) -> None:
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        self.workers.average(gradients)
        finite = bool(torch.isfinite(torch.stack(torch._foreach_norm(gradients))).all())
        self.health.note_gradients(name, finite, self.images_seen)
        if not finite:
            for gradient in gradients:
                torch.nan_to_num(gradient, nan=0.0, posinf=1e5, neginf=-1e5, out=gradient)
        optimizer.step()

    def _set_learning_rates(self) -> None:
        config = self.preset.training
        left = (config.total_kimg * 1000 - self.images_seen) / max(config.decay_kimg * 1000, 1e-9)
        factor = min(max(left, 0.0), 1.0)
        for optimizer in (self.g_optimizer, self.d_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor

    @torch.no_grad()
    def _update_ema(self) -> None:
        config = self.preset.training
        seen = self.images_seen + config.batch
        half_life = min(config.ema_kimg * 1000, seen * config.ema_rampup)
        decay = 0.5 ** (config.batch / max(half_life, 1e-8))
        averages: list[Tensor] = list(self.ema.parameters())
        currents: list[Tensor] = list(self.generator.parameters())
        torch._foreach_lerp_(averages, currents, 1.0 - decay)
        for held, buffer in zip(self.ema.buffers(), self.generator.buffers(), strict=True):
            held.copy_(buffer)

    def _adjust_augmentation(self) -> None:
        augmentation = self.objective.augmentation
        if augmentation is not None and (self.step_count + 1) % AUGMENT_INTERVAL == 0:
            overfitting = augmentation.overfitting()
            self.workers.average([overfitting])
            augmentation.adjust(float(overfitting), self.preset.training.batch * AUGMENT_INTERVAL)

    def start_from(self, generator: Generator, discriminator: Discriminator | None) -> list[str]:
        """Begin with the weights of a trained network; optimisers and counters start anew.

        Returns
        -------
        list of str
            Tensors of the discriminator's last layers and of its pose mapping that have another form there,
            and start anew, too.

        Raises
        ------
        TrainingError
            When it is of another architecture.
        """
        if discriminator is None:
            raise TrainingError("cannot start from this checkpoint", "it has no discriminator")
        own, theirs = self.discriminator.state_dict(), discriminator.state_dict()
        same = {name: t for name, t in theirs.items() if name in own and own[name].shape == t.shape}
        anew = sorted(own.keys() - same.keys())
        heads = tuple(name for name in anew if name.startswith(("b4.", "pose_mapping.")))
        same |= {name: own[name] for name in heads}
        try:
            for net in (self.generator, self.ema):
                net.load_state_dict(generator.state_dict())
            self.discriminator.load_state_dict(same)
        except RuntimeError as error:
            raise TrainingError(
                "cannot start from this checkpoint",
                "it is of another architecture",
                "Choose another --preset.",
            ) from error
        return list(heads)

    def state(self) -> dict[str, Any]:
        """Everything a later session needs to go on exactly here; all processes must ask together."""
        augmentation = self.objective.augmentation
        if augmentation is not None:
            self.workers.average(augmentation.signs)
        return {
            "format": SNAPSHOT_FORMAT,
            "settings": plain_settings(self.preset),
            "history": self.history,
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "ema": self.ema.state_dict(),
            "g_optimizer": self.g_optimizer.state_dict(),
            "d_optimizer": self.d_optimizer.state_dict(),
            "mean_yaw": self.objective.mean_yaw,
            "pose_moments": self.objective.pose_moments.values,
            "augmentation": None if augmentation is None else augmentation.state(),
            "health": self.health.state(),
            "step_count": self.step_count,
            "images_seen": self.images_seen,
            "data_size": self.data.size,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`, with this run's own learning rates.

        Raises
        ------
        TrainingError
            When the state is of another architecture, data set or version.
        """
        if state.get("format") != SNAPSHOT_FORMAT:
            raise TrainingError(
                "cannot resume", "another version of the program wrote the snapshot", "Choose another --out."
            )
        try:
            if state["data_size"] != self.data.size:
                raise TrainingError(
                    "cannot resume",
                    f"the run began on {state['data_size']} images, this data set has {self.data.size}",
                    "Give the data set it began with, or choose another --out.",
                )
            history = [*state["history"], *changed_settings(state, self.preset)]
            self.generator.load_state_dict(state["generator"])
            self.discriminator.load_state_dict(state["discriminator"])
            self.ema.load_state_dict(state["ema"])
            for optimizer, held in (
                (self.g_optimizer, state["g_optimizer"]),
                (self.d_optimizer, state["d_optimizer"]),
            ):
                own = ("lr", "initial_lr", "betas")
                wanted = [{key: group[key] for key in own} for group in optimizer.param_groups]
                optimizer.load_state_dict(held)
                for group, settings in zip(optimizer.param_groups, wanted, strict=True):
                    group.update(settings)
            self.objective.mean_yaw = state["mean_yaw"].to(self.device)
            self.objective.pose_moments.update(state["pose_moments"].to(self.device))
            if self.objective.augmentation is not None and state["augmentation"] is not None:
                self.objective.augmentation.restore(state["augmentation"])
            self.health.restore(state["health"])
            self.step_count = int(state["step_count"])
            self.images_seen = int(state["images_seen"])
            self.seconds = float(state["seconds"])
            self.history = history
            self.objective.set_progress(self.images_seen / 1000)
        except (KeyError, TypeError, AttributeError) as error:
            raise TrainingError(
                "cannot resume", f"the snapshot is incomplete ({error})", "Choose another --out."
            ) from error
        except (RuntimeError, ValueError) as error:
            raise TrainingError(
                "cannot resume", f"the snapshot is of another network ({error})", "Choose another --out."
            ) from error
