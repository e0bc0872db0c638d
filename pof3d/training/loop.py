"""The training loop: steps, moving average, lazy regularisation, resuming."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pof3d.config import NetworkConfig
from pof3d.errors import TrainingError
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator
from pof3d.nets.mapping import Mapping
from pof3d.training.config import Preset, check_training
from pof3d.training.losses import Objective
from pof3d.training.snapshots import load_snapshot, save_snapshot
from pof3d.training.workers import Workers


def lazy_adam(
    parameters: Iterator[torch.nn.Parameter], lr: float, beta2: float, interval: int
) -> torch.optim.Adam:
    """Adam, β = (0, ``beta2``), corrected for a regulariser every ``interval`` steps (StyleGAN2, app. B)."""
    ratio = interval / (interval + 1)
    return torch.optim.Adam(parameters, lr=lr * ratio, betas=(0.0, beta2**ratio), eps=1e-8)


@torch.no_grad()
def standardize_poses(mapping: Mapping, spread: tuple[float, float], samples: int = 4096) -> None:
    """Rescale the pose learner's last layer so that h and v spread by ``spread`` around the front view.

    Poses that start far apart or off-centre stay so for long: the pose learner is slow on purpose.

    Parameters
    ----------
    mapping : Mapping
        Changed in place.
    spread : tuple of float
        Standard deviations of h and v, radians.
    samples : int
        Random latents to measure with, from torch's global generator.
    """
    layer = mapping.pose_output
    w = mapping.map_w(torch.randn(samples, mapping.z_dim))
    out = layer(mapping.pose_hidden(w) if mapping.has_pose_hidden else w)
    factor = torch.tensor(spread) / out.std(dim=0)
    layer.weight.mul_(factor[:, None])
    layer.bias.copy_((layer.bias * layer.bias_gain - out.mean(dim=0)) * factor / layer.bias_gain)


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

    Parameters
    ----------
    preset : Preset
        Network and training settings.
    images : Tensor [N, 3, S, S], uint8
        The training set. No pose ever reaches this class.
    device : torch.device
        Where to train.
    workers : Workers
        The processes that share the batch.
    """

    def __init__(
        self, preset: Preset, images: Tensor, device: torch.device, workers: Workers | None = None
    ) -> None:
        config = preset.training
        check_training(config)
        if preset.network.discriminator is None:
            raise TrainingError("cannot train", "the network has no discriminator")
        if images.dim() != 4 or images.shape[1] != 3 or images.dtype != torch.uint8:
            raise TrainingError(
                "cannot train", f"the images have shape {tuple(images.shape)} and {images.dtype}"
            )
        if len(images) < config.batch:
            raise TrainingError(
                "cannot train", f"{len(images)} images are fewer than a batch of {config.batch}"
            )
        self.workers = workers or Workers()
        if config.batch % self.workers.count:
            raise TrainingError(
                "cannot train",
                f"{self.workers.count} processes cannot share a batch of {config.batch} evenly",
                "Change --training.batch or torchrun's --nproc-per-node.",
            )
        torch.manual_seed(config.seed)
        self.preset = preset
        self.images = images
        self.device = device
        self.generator = Generator(preset.network.generator)
        if config.pose_init_spread is not None:
            standardize_poses(self.generator.mapping, config.pose_init_spread)
        self.generator.to(device)
        self.discriminator = Discriminator(preset.network.discriminator, preset.network.generator.camera).to(
            device
        )
        self.ema = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.rng = torch.Generator(device=device).manual_seed(config.seed + 1000 * self.workers.rank)
        self.order = torch.Generator().manual_seed(config.seed + 1)
        self.objective = Objective(self.generator, self.discriminator, config, self.rng)
        self.g_optimizer = lazy_adam(
            self.generator.parameters(), config.generator_lr, config.adam_beta2, config.density_interval
        )
        self.d_optimizer = lazy_adam(
            self.discriminator.parameters(), config.discriminator_lr, config.adam_beta2, config.r1_interval
        )
        self.step_count = 0
        self.images_seen = 0
        """Real images shown to the discriminator so far."""
        self.seconds = 0.0
        self.queue = torch.empty(0, dtype=torch.int64)
        torch.manual_seed(config.seed + 1000 * self.workers.rank)  # the backbone's noise

    def network_config(self) -> NetworkConfig:
        """The architecture as it is now: with the detail that the discriminator has been shown so far."""
        network = self.preset.network
        assert network.discriminator is not None
        size = network.discriminator.resolution
        seen = self.objective.resolution if self.generator.superres is None else size
        detail = seen if seen < size else None
        return replace(network, discriminator=replace(network.discriminator, detail_resolution=detail))

    def next_images(self) -> Tensor:
        """Own share [B, 3, S, S] of the next batch, in −1…1; every image once an epoch, in random order."""
        batch = self.preset.training.batch
        if len(self.queue) < batch:
            self.queue = torch.cat([self.queue, torch.randperm(len(self.images), generator=self.order)])
        chosen, self.queue = self.queue[:batch], self.queue[batch:]
        chosen = chosen[self.workers.rank :: self.workers.count]
        return self.images[chosen].to(self.device).float() / 127.5 - 1.0

    def step(self) -> StepReport:
        """One update of D, one of G, and of the moving average.

        Raises
        ------
        TrainingError
            When a loss is not finite; the network that it would have changed is left as it was.
        """
        config = self.preset.training
        began = time.monotonic()
        self.objective.set_progress(self.images_seen / 1000)
        # One batch of generated images serves both networks: D sees it detached, then G is judged on it.
        fakes = self.objective.generate(config.batch // self.workers.count)
        self.generator.mapping.update_w_avg(fakes.w)
        self.workers.average([self.generator.mapping.get_buffer("w_avg")])
        self.discriminator.requires_grad_(True)
        loss, stats = self.objective.discriminator_loss(
            fakes, self.next_images(), penalize=self.step_count % config.r1_interval == 0
        )
        self._update(self.d_optimizer, loss, "discriminator")
        self.discriminator.requires_grad_(False)
        loss, more = self.objective.generator_loss(
            fakes, smooth=self.step_count % config.density_interval == 0
        )
        self._update(self.g_optimizer, loss, "generator")
        self._update_ema()
        self.step_count += 1
        self.images_seen += config.batch
        self.seconds += time.monotonic() - began
        stats |= more
        self.workers.average(stats.values())
        values = {name: float(value) for name, value in stats.items()}
        return StepReport(self.images_seen / 1000, self.seconds, values)

    def _update(self, optimizer: torch.optim.Optimizer, loss: Tensor, name: str) -> None:
        if self.workers.any(not bool(torch.isfinite(loss))):
            raise TrainingError(
                f"training diverged at {self.images_seen / 1000:.1f} kimg",
                f"the {name}'s loss is not a finite number",
                "The last snapshot is intact; try a larger --training.r1-gamma or smaller learning rates.",
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        self.workers.average(gradients)
        for gradient in gradients:
            torch.nan_to_num(gradient, nan=0.0, posinf=1e5, neginf=-1e5, out=gradient)
        optimizer.step()

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

    def start_from(self, generator: Generator, discriminator: Discriminator | None) -> None:
        """Begin with the weights of a trained network; optimisers and counters start anew.

        Raises
        ------
        TrainingError
            When it is of another architecture.
        """
        if discriminator is None:
            raise TrainingError("cannot start from this checkpoint", "it has no discriminator")
        try:
            for own in (self.generator, self.ema):
                own.load_state_dict(generator.state_dict())
            self.discriminator.load_state_dict(discriminator.state_dict())
        except RuntimeError as error:
            raise TrainingError(
                "cannot start from this checkpoint",
                "it is of another architecture",
                "Choose another --preset.",
            ) from error

    def state(self) -> dict[str, Any]:
        """Everything a later session needs to go on exactly here; all processes must ask together."""
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "ema": self.ema.state_dict(),
            "g_optimizer": self.g_optimizer.state_dict(),
            "d_optimizer": self.d_optimizer.state_dict(),
            "rng": self.workers.gather(self.rng.get_state().cpu()),
            "noise_rng": self.workers.gather(_noise_state(self.device).cpu()),
            "order": self.order.get_state(),
            "queue": self.queue,
            "step_count": self.step_count,
            "images_seen": self.images_seen,
            "data_size": len(self.images),
            "seconds": self.seconds,
        }

    def _restore_random(self, state: dict[str, Any]) -> None:
        """Go on with the random numbers; on another kind of device, or in more processes, begin new ones."""
        rank, own, noise = self.workers.rank, self.rng.get_state(), _noise_state(self.device)
        held = state["rng"][rank : rank + 1], state["noise_rng"][rank : rank + 1]
        if held[0] and held[0][0].shape == own.shape and held[1][0].shape == noise.shape:
            self.rng.set_state(held[0][0].cpu())
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(held[1][0].cpu(), self.device)
            else:
                torch.set_rng_state(held[1][0].cpu())
        else:
            seed = int(state["step_count"]) + 1000 * rank
            self.rng.manual_seed(seed)
            torch.manual_seed(seed)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`, with this run's own learning rates.

        Raises
        ------
        TrainingError
            When the state is of another architecture or data set.
        """
        try:
            if state["data_size"] != len(self.images):
                raise TrainingError(
                    "cannot resume",
                    f"the run began on {state['data_size']} images, this data set has {len(self.images)}",
                    "Give the data set it began with, or choose another --out.",
                )
            self.generator.load_state_dict(state["generator"])
            self.discriminator.load_state_dict(state["discriminator"])
            self.ema.load_state_dict(state["ema"])
            for optimizer, held in (
                (self.g_optimizer, state["g_optimizer"]),
                (self.d_optimizer, state["d_optimizer"]),
            ):
                wanted = [{key: group[key] for key in ("lr", "betas")} for group in optimizer.param_groups]
                optimizer.load_state_dict(held)
                for group, settings in zip(optimizer.param_groups, wanted, strict=True):
                    group.update(settings)
            self._restore_random(state)
            self.order.set_state(state["order"].cpu())
            self.queue = state["queue"].cpu()
            self.step_count = int(state["step_count"])
            self.images_seen = int(state["images_seen"])
            self.seconds = float(state["seconds"])
        except KeyError as error:
            raise TrainingError(
                "cannot resume",
                f"the snapshot holds no {error}",
                "Another version wrote it: choose another --out.",
            ) from error
        except (RuntimeError, ValueError) as error:
            raise TrainingError(
                "cannot resume", f"the snapshot is of another network ({error})", "Choose another --out."
            ) from error


def _noise_state(device: torch.device) -> Tensor:
    """Of torch's own generator, which draws the backbone's noise."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def resume(trainer: Trainer, directory: Path) -> bool:
    """Go on from the directory's snapshot; False where there is none.

    Raises
    ------
    TrainingError
        When the snapshot is damaged, or of another network or data set.
    """
    state = load_snapshot(directory, trainer.device)
    if state is not None:
        trainer.restore(state)
    return state is not None


def train(
    trainer: Trainer,
    directory: Path,
    *,
    on_step: Callable[[StepReport], None],
    on_snapshot: Callable[[Trainer], None],
    stopped: Callable[[], bool],
) -> bool:
    """Run until the configured length, or until ``stopped()``.

    Parameters
    ----------
    trainer : Trainer
        Fresh, or resumed by :func:`resume`.
    directory : Path
        Run directory, which exists.
    on_step, on_snapshot
        Called after every step, and after every snapshot was written; by the leading process alone.
    stopped
        Asked between steps; a snapshot is written before returning, when any process says so.

    Returns
    -------
    bool
        Whether the configured length was reached.
    """
    config = trainer.preset.training
    workers = trainer.workers
    total = config.total_kimg * 1000
    every = max(round(config.snapshot_kimg * 1000 / config.batch), 1)

    def keep() -> None:
        state = trainer.state()
        if workers.leads:
            save_snapshot(directory, state)
            on_snapshot(trainer)
        workers.wait()

    while trainer.images_seen < total and not workers.any(stopped()):
        report = trainer.step()
        if workers.leads:
            on_step(report)
        if trainer.step_count % every == 0 and trainer.images_seen < total:
            keep()
    keep()
    return trainer.images_seen >= total
