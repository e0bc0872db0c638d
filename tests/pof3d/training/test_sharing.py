"""One process with the whole batch, several with a share each, accumulation: the same run up to rounding."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing

from pof3d.config import NetworkConfig
from pof3d.training.config import Preset
from pof3d.training.random import BatchRandom, share_of_batch
from pof3d.training.trainer import Trainer
from pof3d.training.workers import Workers
from tests.pof3d.training.test_loop import CPU, SETTINGS, Images
from tests.pof3d.training.test_losses import DISCRIMINATOR, GENERATOR

BATCH = 16  # four groups of the minibatch statistic: two for each of two processes
STEPS = 3
TRAINING = replace(
    SETTINGS,
    batch=BATCH,
    noise="random",
    front_weight=1.0,
    solid_core_radius=0.1,
    augment=True,
    augment_target=-1.0,
    augment_kimg=0.05,
    pose_init_spread=(0.3, 0.2),
    r1_gamma=5.0,
)
PRESET = Preset(NetworkConfig("tiny", GENERATOR, DISCRIMINATOR), TRAINING)


def train(preset: Preset, workers: Workers | None = None) -> dict[str, torch.Tensor]:
    trainer = Trainer(preset, Images(40, workers, BATCH), CPU, workers)
    with torch.no_grad():  # noise counts from the first step on
        for name, parameter in trainer.generator.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.3)
    for _ in range(STEPS):
        trainer.step()
    networks = {"G": trainer.generator, "D": trainer.discriminator, "ema": trainer.ema}
    return {f"{name}.{key}": x for name, net in networks.items() for key, x in net.state_dict().items()}


def share(rank: int, count: int, folder: str) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/store", count)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=count, timeout=timedelta(seconds=60))
    state = train(PRESET, Workers(rank, count))
    if rank == 0:
        torch.save(state, f"{folder}/state.pt")
    dist.barrier()  # one that leaves while the other still works may abort
    dist.destroy_process_group()


def assert_equal_up_to_rounding(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    # Adam divides by the gradient's own size: rounding shows where a gradient is almost zero.
    start = train_nothing()
    for key, value in expected.items():
        moved = (value - start[key]).abs().max()
        difference = (found[key] - value).abs()
        assert difference.max() <= 1e-3 * moved + 1e-6 or difference.mean() <= 1e-2 * moved, key


def train_nothing() -> dict[str, torch.Tensor]:
    trainer = Trainer(PRESET, Images(40, None, BATCH), CPU)
    networks = {"G": trainer.generator, "D": trainer.discriminator, "ema": trainer.ema}
    return {f"{name}.{key}": x for name, net in networks.items() for key, x in net.state_dict().items()}


def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    multiprocessing.spawn(share, (2, str(tmp_path)), nprocs=2)
    assert_equal_up_to_rounding(torch.load(tmp_path / "state.pt"), train(PRESET))


@pytest.mark.parametrize("parts", [2, 4])
def test_accumulation_changes_nothing(parts: int) -> None:
    accumulated = replace(PRESET, training=replace(TRAINING, accumulation=parts))
    assert_equal_up_to_rounding(train(accumulated), train(PRESET))


def test_other_random_numbers_are_noticed() -> None:
    # What the two tests above compare does depend on the random numbers.
    other = train(replace(PRESET, training=replace(TRAINING, seed=1)))
    with pytest.raises(AssertionError):
        assert_equal_up_to_rounding(other, train(PRESET))


def test_shares_are_disjoint_and_keep_groups_together() -> None:
    shares = [share_of_batch(16, rank, 2, part, 2) for rank in range(2) for part in range(2)]
    assert sorted(torch.cat(shares).tolist()) == list(range(16))
    groups = 16 // DISCRIMINATOR.minibatch_group
    for rows in shares:
        whole = [group for group in range(groups) if group in (rows % groups).tolist()]
        assert len(rows) == DISCRIMINATOR.minibatch_group * len(whole)


def test_rows_do_not_depend_on_who_draws_them() -> None:
    whole, part = BatchRandom(3, 8, CPU), BatchRandom(3, 8, CPU)
    rows = torch.tensor([5, 1])
    for step in (0, 7):
        whole.begin(step, 1, torch.arange(8))
        part.begin(step, 1, rows)
        for name in ("uniform", "normal"):
            expected = getattr(whole, name)((8, 3, 2))
            assert torch.equal(getattr(part, name)((2, 3, 2)), expected[rows])
    with pytest.raises(ValueError, match="rows"):
        part.normal((3, 1))
