"""Several processes that share one run, over Gloo on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from imageio.v3 import imwrite
from torch import multiprocessing

from pof3d.errors import TrainingError
from pof3d.training.trainer import Trainer
from pof3d.training.workers import Workers
from tests.pof3d.training.test_loop import CPU, PRESET, Images, go, images


def share_a_run(rank: int, count: int, folder: str) -> None:
    """One process: averages a tensor, trains, is stopped by the other one, and goes on."""
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/store", count)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=count, timeout=timedelta(seconds=60))
    workers = Workers(rank, count)
    ones, twos = torch.full((2, 2), rank + 1.0), torch.full((3,), 4.0 * rank)
    workers.average([ones, twos])
    assert ones.tolist() == [[1.5, 1.5]] * 2
    assert twos.tolist() == [2.0] * 3
    assert workers.any(rank == 1)
    assert not workers.any(False)

    trainer = Trainer(PRESET, Images(12, workers), CPU, workers)
    run = Path(folder) / "run"
    # Only the leader's reports count its steps: the others learn from it that the run stops.
    assert len(go(trainer, run, steps=3)) == (3 if rank == 0 else 0)
    resumed = Trainer(PRESET, Images(12, workers), CPU, workers)
    go(resumed, run)
    whole = Trainer(PRESET, Images(12, workers), CPU, workers)
    go(whole, Path(folder) / "whole")
    for trainer, name in ((resumed, "resumed"), (whole, "whole")):
        state = {"G": trainer.generator.state_dict(), "D": trainer.discriminator.state_dict()}
        torch.save(state | {"ema": trainer.ema.state_dict()}, f"{folder}/{name}-{rank}.pt")
    dist.barrier()  # one that leaves while the other still works may abort
    dist.destroy_process_group()


def test_processes_share_the_batch_and_stay_equal(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "whole").mkdir()
    multiprocessing.spawn(share_a_run, (2, str(tmp_path)), nprocs=2)
    states = [torch.load(tmp_path / f"{name}-{rank}.pt") for name in ("resumed", "whole") for rank in (0, 1)]
    for network, expected in states[0].items():
        for key, value in expected.items():
            assert all(torch.equal(state[network][key], value) for state in states[1:]), key


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(TrainingError, match="3 processes in 1 parts each cannot share a batch of 4"):
        Trainer(PRESET, images(), CPU, Workers(0, 3))


def test_torchrun_trains_with_two_processes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rng = np.random.default_rng(0)
    for i in range(16):
        imwrite(data / f"{i}.png", rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "pof3d", "train"]
    command += ["--data", str(data), "--out", str(tmp_path / "run"), "--device", "cpu"]
    command += ["--training.total-kimg", "0.016", "--training.density-points", "8"]
    found = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("Done:") == 1
    assert (tmp_path / "run" / "network-000000.safetensors").exists()
