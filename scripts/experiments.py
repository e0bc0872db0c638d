"""Train the networks behind `docs/results.md`: the ablations and the study of initial pose spreads.

    python -m scripts.experiments --data data/toy-cats-64.zip --only full labels --seeds 0 1

Each experiment is one ``python -m pof3d train`` command, printed before it runs; a broken-off one goes on
from its snapshot. They are toy cats at 16²: a processor core trains one to a pose correlation of 0.9 in ten
minutes.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tyro

KIMG, KIMG_SPREAD = 20.0, 60.0
"""Lengths of the ablations, and of the study of initial spreads."""
SMALL = (
    "--network.generator.plane-resolution 16 --network.generator.channel-base 1024 "
    "--network.discriminator.resolution 16 --training.resolution-schedule 0 16 --training.depth-samples 12 "
    "--training.blur-sigma 0.75 --training.pose-consistency-ramp-kimg 30 --training.snapshot-kimg 2"
)
"""The toy-cats preset at 16²."""
_PRIOR = "--network.generator.pose-source gaussian --network.generator.pose-prior"
_AS_DRAWN = "--training.no-mirror"
"""Mirrored cameras belong to the pose learner: they would symmetrise, and halve the shift of, a prior."""
_WIDENING = (
    "--network.generator.pose-lr-multiplier 0.5 --training.mirror-jitter 0.45 0.2 "
    "--training.pose-matching-weight 3 --training.pose-consistency-weight 1 "
    "--training.pose-consistency-ramp-kimg 8"
)
"""What lets the spread be learned within some thousand steps: D must have seen wide views to read real poses
at their true scale, and the pose learner, a hundred times slower than the rest in the paper's long training,
must be able to follow."""
ExperimentName = Literal[
    "full",
    "no-mirroring",
    "unaware-d",
    "pose-lr-10",
    "pose-lr-100",
    "prior-right",
    "prior-shifted",
    "prior-narrow",
    "residual-narrow",
    "labels",
    "spread-0.2",
    "spread-0.6",
]
EXPERIMENTS: dict[ExperimentName, tuple[str, str]] = {
    "full": ("learned poses (PoF3D)", ""),
    "no-mirroring": ("no mirrored cameras", "--training.no-mirror"),
    "unaware-d": ("D not pose-aware", "--network.discriminator.no-pose-aware"),
    "pose-lr-10": ("pose learner's step size × 10", "--network.generator.pose-lr-multiplier 0.1"),
    "pose-lr-100": ("pose learner's step size × 100", "--network.generator.pose-lr-multiplier 1.0"),
    "prior-right": ("gaussian prior, right", f"{_PRIOR}.spread 0.45 0.28 {_AS_DRAWN}"),
    "prior-shifted": (
        "gaussian prior, shifted by 17°",
        f"{_PRIOR}.spread 0.45 0.28 --network.generator.pose-prior.mean 0.3 0.0 {_AS_DRAWN}",
    ),
    "prior-narrow": ("gaussian prior, a third as wide", f"{_PRIOR}.spread 0.15 0.09 {_AS_DRAWN}"),
    "residual-narrow": (
        "learned correction of the narrow prior",
        "--network.generator.pose-source residual --network.generator.pose-prior.spread 0.15 0.09",
    ),
    "labels": ("the data set's poses", f"--network.generator.pose-source labels {_AS_DRAWN}"),
    "spread-0.2": ("learned poses, initial spread 0.2", f"--training.pose-init-spread 0.2 0.3 {_WIDENING}"),
    "spread-0.6": ("learned poses, initial spread 0.6", f"--training.pose-init-spread 0.6 0.3 {_WIDENING}"),
}
"""Title, and what differs from the full model."""


@dataclass(frozen=True)
class Experiments:
    """Train the networks behind the results."""

    data: Path
    """Toy cats: `python -m pof3d make-data toy-cats --out data/toy-cats-64.zip`."""
    out: Path = Path("runs/results")
    """Each run gets a directory ``NAME-seedS`` in it."""
    only: tuple[ExperimentName, ...] = field(default_factory=lambda: tuple(EXPERIMENTS))
    """Which ones."""
    seeds: tuple[int, ...] = (0,)
    """Of weights, latents and data order."""
    kimg: float | None = None
    """Length of each, in thousands of images; by default 20, and 60 for the study of initial spreads."""
    jobs: int = 2
    """Runs at a time, with one thread each; at least 1."""


def command(options: Experiments, name: ExperimentName, seed: int) -> list[str]:
    """The training command of one run."""
    words = ["-m", "pof3d", "train", "--preset", "toy-cats", "--data", str(options.data), "--threads", "1"]
    words += ["--out", str(options.out / f"{name}-seed{seed}"), "--training.seed", str(seed)]
    kimg = options.kimg or (KIMG_SPREAD if name.startswith("spread-") else KIMG)
    words += ["--training.total-kimg", f"{kimg:g}", *SMALL.split(), *EXPERIMENTS[name][1].split()]
    return words


def main(options: Experiments) -> int:
    """Run them, `jobs` at a time; the exit status is 1 where one failed."""
    if options.jobs < 1:
        print("--jobs must be at least 1", file=sys.stderr)
        return 1
    waiting = deque(command(options, name, seed) for seed in options.seeds for name in options.only)
    running: list[subprocess.Popen[bytes]] = []
    failed = 0
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        while waiting or running:
            while waiting and len(running) < options.jobs:
                words = waiting.popleft()
                print("python", shlex.join(words), flush=True)
                running.append(subprocess.Popen([sys.executable, *words], env=environment))
            done = [process for process in running if process.poll() is not None]
            for process in done:
                if process.returncode != 0:
                    failed += 1
                    print("failed:", shlex.join(map(str, process.args)), flush=True)  # type: ignore[arg-type]
            running = [process for process in running if process not in done]
            if running:
                try:
                    running[0].wait(timeout=1)
                except subprocess.TimeoutExpired:
                    continue
    except KeyboardInterrupt:
        for process in running:
            process.wait()  # each keeps a snapshot
        return 130
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Experiments, description=__doc__)))
