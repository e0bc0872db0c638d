"""The loop: exact resuming, stopping, divergence, the moving average, run directories."""

from __future__ import annotations

import copy
import json
import math
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pof3d
from pof3d.config import NetworkConfig, PosePrior, PoseSource
from pof3d.data.batches import Batch, batch_indices
from pof3d.data.folder import ImageFolder
from pof3d.errors import ConfigError, TrainingError
from pof3d.training.config import Preset, TrainingConfig
from pof3d.training.loop import resume, train
from pof3d.training.random import share_of_batch
from pof3d.training.run import Train, run
from pof3d.training.snapshots import load_snapshot, save_snapshot
from pof3d.training.trainer import StepReport, Trainer, lazy_adam
from pof3d.training.workers import Workers
from tests.pof3d.training.test_losses import DISCRIMINATOR, GENERATOR

SETTINGS = TrainingConfig(
    total_kimg=0.024,
    batch=4,
    blur_sigma=1.0,
    blur_fade_kimg=0.01,
    r1_interval=2,
    density_interval=2,
    density_points=10,
    ema_kimg=0.01,
    snapshot_kimg=0.008,
)
PRESET = Preset(NetworkConfig("tiny", GENERATOR, DISCRIMINATOR), SETTINGS)
CPU = torch.device("cpu")


class Images:
    """Random pictures with random labels, in memory."""

    def __init__(self, count: int = 12, workers: Workers | None = None, batch: int = SETTINGS.batch) -> None:
        rng = torch.Generator().manual_seed(3)
        self.pictures = torch.randint(0, 256, (count, 3, 8, 8), generator=rng).to(torch.uint8)
        self.poses = torch.rand(count, 2, generator=rng) + 1.0
        self.size = count
        self.batch = batch
        workers = workers or Workers()
        self.rows = share_of_batch(batch, workers.rank, workers.count)

    def read(self, step: int) -> Batch:
        chosen = batch_indices(self.size, self.batch, step, 0)[self.rows]
        return Batch(self.pictures[chosen], self.poses[chosen])


def images(count: int = 12) -> Images:
    return Images(count)


def go(trainer: Trainer, directory: Path, steps: int | None = None) -> list[StepReport]:
    reports: list[StepReport] = []
    resume(trainer, directory)
    train(
        trainer,
        directory,
        on_step=reports.append,
        on_snapshot=lambda _: None,
        stopped=lambda: steps is not None and len(reports) >= steps,
    )
    return reports


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    reference = Trainer(PRESET, images(), CPU)
    assert len(go(reference, whole)) == 6
    go(Trainer(PRESET, images(), CPU), parts, steps=3)
    resumed = Trainer(PRESET, images(), CPU)
    assert len(go(resumed, parts)) == 3
    for name in ("generator", "discriminator", "ema"):
        expected, found = getattr(reference, name).state_dict(), getattr(resumed, name).state_dict()
        assert all(torch.equal(expected[key], found[key]) for key in expected), name


def test_the_average_follows_the_weights_by_its_half_life() -> None:
    preset = replace(PRESET, training=replace(SETTINGS, ema_kimg=0.004, ema_rampup=10.0))
    trainer = Trainer(preset, images(), CPU)
    before = trainer.ema.decoder.output.weight.clone()
    trainer.step()
    after = trainer.generator.decoder.output.weight
    torch.testing.assert_close(trainer.ema.decoder.output.weight, (before + after) / 2)


def test_the_middle_of_w_follows_the_latents() -> None:
    trainer = Trainer(PRESET, images(), CPU)
    for _ in range(3):
        trainer.step()
    w = trainer.generator.mapping.map_w(torch.randn(2000, 8, generator=torch.Generator().manual_seed(1)))
    found = trainer.ema.mapping.get_buffer("w_avg") / (1 - trainer.generator.mapping.w_avg_decay**3)
    assert torch.corrcoef(torch.stack([found, w.mean(dim=0).detach()]))[0, 1] > 0.7


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"plane_resolution": 24}, "plane_resolution is 24"),
        ({"pose_prior": PosePrior(spread=(0.0, 0.1))}, "spread"),
    ],
)
def test_networks_that_cannot_be_built_are_refused(change: dict[str, Any], named: str) -> None:
    network = replace(PRESET.network, generator=replace(GENERATOR, **change))
    with pytest.raises(ConfigError, match=named):
        Trainer(replace(PRESET, network=network), images(), CPU)


def test_yaws_as_directions_are_compared_the_short_way_round() -> None:
    assert PRESET.network.discriminator is not None
    circular = replace(PRESET.network.discriminator, circular_yaw=True)
    preset = replace(PRESET, network=replace(PRESET.network, discriminator=circular))
    with pytest.raises(ConfigError, match="periodic-yaw"):
        Trainer(preset, images(), CPU)
    trainer = Trainer(replace(preset, training=replace(SETTINGS, periodic_yaw=True)), images(), CPU)
    errors = [trainer.step().stats["D/pose_error"] for _ in range(3)]
    assert all(0 < error <= math.pi**2 for error in errors)


def test_divergence_stops_before_the_weights_are_touched() -> None:
    trainer = Trainer(PRESET, images(), CPU)
    with torch.no_grad():
        trainer.discriminator.b4.out.weight.fill_(float("inf"))
    weights = trainer.generator.decoder.output.weight.clone()
    with pytest.raises(TrainingError, match="diverged"):
        trainer.step()
    assert torch.equal(trainer.generator.decoder.output.weight, weights)


def test_lazy_regularisation_corrects_adam() -> None:
    optimizer = lazy_adam(iter([torch.nn.Parameter(torch.zeros(1))]), 0.002, 0.99, 16)
    group = optimizer.param_groups[0]
    assert group["lr"] == pytest.approx(0.002 * 16 / 17)
    assert group["betas"] == pytest.approx((0.0, 0.99 ** (16 / 17)))


def test_poses_can_start_narrow_and_around_a_chosen_view() -> None:
    training = replace(SETTINGS, pose_init_spread=(0.2, 0.1), pose_init_mean=(0.0, -0.5))
    narrow = Trainer(replace(PRESET, training=training), images(), CPU)
    _, pose = narrow.generator.map(torch.randn(4000, 8, generator=torch.Generator().manual_seed(5)))
    torch.testing.assert_close(pose.std(dim=0), torch.tensor([0.2, 0.1]), atol=0.02, rtol=0)
    middle = torch.tensor([np.pi / 2, np.pi / 2 - 0.5], dtype=torch.float32)
    torch.testing.assert_close(pose.mean(dim=0), middle, atol=0.02, rtol=0)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(TrainingError, match="fewer"):
        Trainer(PRESET, images(2), CPU)


def test_a_failed_save_keeps_the_last_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_snapshot(tmp_path, {"step_count": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(TrainingError, match="disk is full"):
        save_snapshot(tmp_path, {"step_count": 2})
    state = load_snapshot(tmp_path, CPU)
    assert state is not None
    assert state["step_count"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["resume.pt"]


def test_a_save_that_torch_breaks_off_says_why(tmp_path: Path) -> None:
    save_snapshot(tmp_path, {"step_count": 1})
    before = (tmp_path / "resume.pt").read_bytes()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, old[1]))
    try:
        with pytest.raises(TrainingError, match="file too large"):
            save_snapshot(tmp_path, {"x": torch.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert (tmp_path / "resume.pt").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["resume.pt"]


def test_a_snapshot_of_another_version_is_refused() -> None:
    trainer = Trainer(PRESET, images(), CPU)
    with pytest.raises(TrainingError, match="another version"):
        trainer.restore(trainer.state() | {"format": 1})
    state = trainer.state()
    del state["health"]
    with pytest.raises(TrainingError, match="incomplete"):
        trainer.restore(state)


def test_a_damaged_snapshot_is_named(tmp_path: Path) -> None:
    (tmp_path / "resume.pt").write_bytes(b"not a snapshot")
    with pytest.raises(TrainingError, match=r"resume\.pt"):
        load_snapshot(tmp_path, CPU)


def test_the_command_writes_a_run_that_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from imageio.v3 import imwrite

    data = tmp_path / "images"
    data.mkdir()
    for i, image in enumerate(images().pictures):
        imwrite(data / f"{i}.png", image.permute(1, 2, 0).numpy())
    # Poses beside the images must not matter: training never asks for them.
    (data / "dataset.json").write_text(json.dumps({"labels": [["0.png", [float("inf")] * 25]]}))
    for name in ("labels", "true_poses"):
        monkeypatch.setattr(ImageFolder, name, lambda _: pytest.fail("training read a pose"))
    out = tmp_path / "run"
    assert run(Train(data=data, out=out, training=SETTINGS, network=PRESET.network)) == 0
    checkpoints = sorted(out.glob("network-*.safetensors"))
    network = pof3d.load(checkpoints[-1])
    assert network.provenance["images_seen"] == 24
    assert network.discriminator is not None
    assert sorted(out.glob("samples-*.png"))
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert all(np.isfinite(line["D/loss"]) for line in lines)


def test_ctrl_c_keeps_a_snapshot_and_the_same_command_goes_on(tmp_path: Path) -> None:
    from imageio.v3 import imwrite

    data, out = tmp_path / "images", tmp_path / "run"
    data.mkdir()
    for i in range(4):
        imwrite(data / f"{i}.png", np.full((64, 64, 3), 60 * i, np.uint8))
    command = [
        sys.executable,
        "-m",
        "pof3d",
        "train",
        "--data",
        str(data),
        "--out",
        str(out),
        "--threads",
        "1",
    ]
    command += ["--training.batch", "2", "--training.depth-samples", "4", "--training.density-points", "10"]
    process = subprocess.Popen([*command, "--training.total-kimg", "100"], stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 90
        while not (out / "log.jsonl").exists() or not (out / "log.jsonl").read_text():
            assert process.poll() is None, "training ended early"
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "goes on from there" in said
    state = load_snapshot(out, CPU)
    assert state is not None
    steps = int(state["step_count"])
    assert steps >= 1
    again = [*command, "--training.total-kimg", str((steps + 1) * 2 / 1000)]
    assert subprocess.run(again, stdout=subprocess.DEVNULL, timeout=90, check=False).returncode == 0
    state = load_snapshot(out, CPU)
    assert state is not None
    assert int(state["step_count"]) == steps + 1


def test_resuming_on_another_data_set_is_refused(tmp_path: Path) -> None:
    go(Trainer(PRESET, images(), CPU), tmp_path, steps=1)
    with pytest.raises(TrainingError, match="12 images, this data set has 8"):
        go(Trainer(PRESET, images(8), CPU), tmp_path)


def test_resuming_takes_the_new_learning_rate_and_batch(tmp_path: Path) -> None:
    go(Trainer(PRESET, images(), CPU), tmp_path, steps=2)
    slower = replace(PRESET, training=replace(SETTINGS, generator_lr=1e-4, batch=2))
    expected = [("training.batch", 4, 2), ("training.generator_lr", 0.0025, 0.0001)]
    trainer = Trainer(slower, Images(batch=2), CPU)
    resume(trainer, tmp_path)
    assert trainer.images_seen == 8
    assert [(x["setting"], x["before"], x["after"]) for x in trainer.history] == expected
    assert {x["images"] for x in trainer.history} == {8}
    assert trainer.g_optimizer.param_groups[0]["lr"] == pytest.approx(1e-4 * 2 / 3)
    trainer.step()
    assert trainer.images_seen == 10


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (replace(PRESET, training=replace(SETTINGS, seed=7)), "training.seed was 0, now 7"),
        (
            replace(
                PRESET, network=replace(PRESET.network, generator=replace(GENERATOR, pose_source="uniform"))
            ),
            "pose_source was learned, now uniform",
        ),
    ],
)
def test_another_run_in_the_same_directory_is_refused(tmp_path: Path, other: Preset, named: str) -> None:
    go(Trainer(PRESET, images(), CPU), tmp_path, steps=1)
    with pytest.raises(TrainingError, match=named):
        resume(Trainer(other, images(), CPU), tmp_path)


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    go(Trainer(PRESET, images(), CPU), tmp_path)
    before = (tmp_path / "resume.pt").read_bytes()
    published: list[int] = []
    trainer = Trainer(PRESET, images(), CPU)
    resume(trainer, tmp_path)
    config = trainer.network_config()
    assert train(
        trainer,
        tmp_path,
        on_step=lambda _: None,
        on_snapshot=lambda trainer: published.append(trainer.images_seen),
        stopped=lambda: False,
    )
    assert not published
    assert (tmp_path / "resume.pt").read_bytes() == before
    assert config == Trainer(PRESET, images(), CPU).network_config()


def test_what_is_shown_is_never_older_than_the_snapshot(tmp_path: Path) -> None:
    def fail(_: Trainer) -> None:
        raise TrainingError("cannot write")

    with pytest.raises(TrainingError):
        train(
            Trainer(PRESET, images(), CPU),
            tmp_path,
            on_step=lambda _: None,
            on_snapshot=fail,
            stopped=lambda: False,
        )
    assert not (tmp_path / "resume.pt").exists()


def test_step_sizes_fall_to_zero_at_the_end() -> None:
    trainer = Trainer(replace(PRESET, training=replace(SETTINGS, decay_kimg=0.016)), images(), CPU)
    rates = []
    for _ in range(6):
        trainer.step()
        rates.append(trainer.g_optimizer.param_groups[0]["lr"] / (2.5e-3 * 2 / 3))
    assert rates == pytest.approx([1.0, 1.0, 1.0, 0.75, 0.5, 0.25])


@pytest.mark.parametrize("source", ["labels", "residual"])
def test_every_pose_source_resumes_bit_for_bit(source: PoseSource) -> None:
    network = replace(PRESET.network, generator=replace(GENERATOR, pose_source=source))
    training = replace(SETTINGS, augment=True, accumulation=2, mirror_jitter=(0.2, 0.1))
    preset = Preset(network, training)
    first, second = Trainer(preset, images(), CPU), Trainer(preset, images(), CPU)
    if source == "labels":
        first.take_labels(torch.rand(50, 2, generator=torch.Generator().manual_seed(0)))
    for _ in range(3):
        first.step()
    second.restore(copy.deepcopy(first.state()))
    assert first.step().stats == second.step().stats


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pose_init_mean", (float("nan"), 0.0)),
        ("mirror_jitter", (-0.1, 0.0)),
        ("resolution_schedule", ((4.0, 8), (0.0, 4))),
        ("batch", 0),
        ("total_kimg", float("nan")),
        ("r1_interval", 0),
        ("generator_lr", -1.0),
        ("adam_beta2", 1.0),
        ("seed", -1),
        ("depth_samples", 1),
        ("pose_init_spread", (0.2, 0.0)),
        ("importance_samples", -1),
        ("resolution_schedule", ((0.0, 0),)),
    ],
)
def test_settings_that_cannot_work_are_named(name: str, value: object) -> None:
    preset = replace(PRESET, training=replace(SETTINGS, **{name: value}))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=name.replace("_", "-")):
        Trainer(preset, images(), CPU)


def test_a_run_can_start_from_a_checkpoint() -> None:
    first, second = Trainer(PRESET, images(), CPU), Trainer(PRESET, images(), CPU)
    first.step()
    second.start_from(first.ema, first.discriminator)
    assert torch.equal(second.generator.decoder.output.weight, first.ema.decoder.output.weight)
    assert torch.equal(second.ema.decoder.output.weight, first.ema.decoder.output.weight)
    assert torch.equal(second.discriminator.b4.out.weight, first.discriminator.b4.out.weight)
    assert second.images_seen == 0
    wider = replace(PRESET.network, generator=replace(GENERATOR, decoder_hidden=16))
    with pytest.raises(TrainingError, match="architecture"):
        Trainer(replace(PRESET, network=wider), images(), CPU).start_from(first.ema, first.discriminator)


def test_a_run_can_start_from_a_discriminator_with_another_pose_branch() -> None:
    first = Trainer(PRESET, images(), CPU)
    assert PRESET.network.discriminator is not None
    network = replace(PRESET.network, discriminator=replace(PRESET.network.discriminator, circular_yaw=True))
    second = Trainer(Preset(network, replace(SETTINGS, periodic_yaw=True, seed=1)), images(), CPU)
    anew = second.start_from(first.ema, first.discriminator)
    assert set(anew) == {"b4.pose_output.weight", "b4.pose_output.bias", "pose_mapping.embed.weight"}
    before, after = first.discriminator.state_dict(), second.discriminator.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in after if name not in anew)
