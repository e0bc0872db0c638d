"""Memory of opening a file: hardly more than the tensors that are needed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import pof3d
from pof3d.checkpoint import save
from pof3d.config import FFHQ
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import Generator
from tests.pof3d.checkpoint.pickles import snapshot, write

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
PROGRAM = """
import sys
from pathlib import Path
import torch
import pof3d
from pof3d.checkpoint import load
from pof3d.memory import keep_freed_memory
keep_freed_memory()

def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

load(sys.argv[1])  # a small one: what opening brings into memory once is there
idle = memory("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
network = load(sys.argv[2])
peak = memory("VmHWM") - idle
nets = (network.generator, network.discriminator)
print(peak, sum(t.numel() * t.element_size() for net in nets for t in net.state_dict().values()))
"""


@pytest.mark.parametrize("kind", ["release", "native"])
def test_opening_takes_hardly_more_than_the_tensors(kind: str, tmp_path: Path, data: Path) -> None:
    torch.manual_seed(0)
    shape = replace(FFHQ.generator, channel_base=8192, channel_max=256)
    assert FFHQ.discriminator is not None
    critic = replace(FFHQ.discriminator, channel_base=8192, channel_max=256)
    config = replace(FFHQ, generator=shape, discriminator=critic)
    network = pof3d.Network(
        config, Generator(shape), Discriminator(critic, shape.camera), {}, Path("x"), "native", 0
    )
    if kind == "native":
        path = save(tmp_path / "big.safetensors", config, network.generator, network.discriminator)
    else:
        value = snapshot(network)
        value["G"] = value["G_ema"]  # not needed, and not read
        path = write(tmp_path / "big.pkl", value)
    small = data / "pof3d_nosr.pkl"
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(small), str(path)], check=True, capture_output=True, text=True
    )
    peak, tensors = map(int, answer.stdout.split())
    assert tensors > 80 * 2**20
    assert peak <= 1.5 * tensors, f"{peak / tensors:.2f} times the tensors"
