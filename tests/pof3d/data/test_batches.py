"""Batches: which images a step sees, held or streamed, with poses, damaged files and workers."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import signal
import time
import zipfile
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from pof3d import cameras
from pof3d.data import ImageFolder, layout
from pof3d.data.batches import Batch, ImageBatches, batch_indices, poses_from_labels
from pof3d.data.decoding import SetReader
from pof3d.errors import DatasetError

COUNT, SIDE = 10, 4


def label(
    h: float, v: float, radius: float = 1.7, pivot: tuple[float, float, float] = (0, 0, 0)
) -> list[float]:
    matrix = cameras.cam2world_from_hv(torch.tensor([[h, v]], dtype=torch.float64), radius, pivot)
    return [*matrix.flatten().tolist(), *cameras.intrinsics_from_focal(1.0).flatten().tolist()]


def picture(index: int) -> np.ndarray:
    """Image `index`: its number in red; green says which half is the left one."""
    out = np.zeros((SIDE, SIDE, 3), np.uint8)
    out[..., 0] = index
    out[:, : SIDE // 2, 1] = 255
    return out


def write(path: Path, damaged: dict[int, bytes] | None = None, labels: bool = True) -> Path:
    """Ten images as a .zip; image i has the pose h = 0.1 i, v = 1 + 0.1 i."""
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(COUNT):
            content = layout.encode_png(picture(i))
            archive.writestr(f"{i}.png", (damaged or {}).get(i, content))
        if labels:
            entries = [[f"{i}.png", label(0.1 * i, 1 + 0.1 * i)] for i in range(COUNT)]
            archive.writestr("dataset.json", json.dumps({"labels": entries}))
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write(tmp_path / "small.zip")


def cut_off() -> bytes:
    """A file with an intact header and no pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    return layout.encode_png(noise)[:600]


def numbers(images: Tensor) -> list[int]:
    return [int(red) for red in images[:, 0, 0, 0]]


def mirrored(images: Tensor) -> list[bool]:
    return [int(green) == 0 for green in images[:, 1, 0, 0]]


# --------------------------------------------------------------------------------------------------- order
@given(size=st.integers(1, 40), batch=st.integers(1, 60), seed=st.integers(0, 2**63 - 1))
def test_every_epoch_shows_every_image_once(size: int, batch: int, seed: int) -> None:
    steps = -(-3 * size // batch)
    row = torch.cat([batch_indices(size, batch, step, seed) for step in range(steps)])
    assert row.dtype == torch.int64
    for epoch in range(3):
        assert sorted(row[epoch * size : (epoch + 1) * size].tolist()) == list(range(size))


def test_order_is_random_and_depends_on_seed_and_step_alone() -> None:
    first = batch_indices(1000, 1000, 0, seed=1)
    assert abs(np.corrcoef(first.numpy(), np.arange(1000))[0, 1]) < 0.1
    others = [batch_indices(1000, 1000, 1, seed=1), batch_indices(1000, 1000, 0, seed=2)]
    for other in others:  # of two random orders of 1000, one place agrees on average
        assert (first == other).sum() < 10
    assert not torch.equal(*others)
    # Other batch sizes walk along the same row, and no step needs the ones before it.
    assert torch.equal(batch_indices(1000, 8, 7, seed=1), first[56:64])
    assert torch.equal(batch_indices(1000, 700, 1, seed=1), torch.cat([first[700:], others[0][:400]]))


# -------------------------------------------------------------------------------------------- what is read
@pytest.mark.parametrize("budget", [COUNT * 3 * SIDE**2, COUNT * 3 * SIDE**2 - 1])
def test_batches_hold_the_images_of_their_indices(small: Path, budget: int) -> None:
    seen: list[tuple[int, int]] = []
    with (
        ImageFolder(small) as folder,
        ImageBatches(
            folder,
            SIDE,
            batch=4,
            seed=5,
            workers=0,
            memory_budget=budget,
            progress=lambda *a: seen.append(a),
        ) as batches,
    ):
        assert batches.held == (budget == COUNT * 3 * SIDE**2)
        assert batches.size == COUNT
        for step in (0, 1, 2, 3, 0, 100):  # in order, then jumps
            images, poses = batches.read(step)
            want = batch_indices(COUNT, 4, step, 5).tolist()
            assert numbers(images) == want
            np.testing.assert_array_equal(images, np.stack([picture(i).transpose(2, 0, 1) for i in want]))
            assert images.dtype == torch.uint8
            assert poses is None
    assert seen == [(i, COUNT) for i in range(1, COUNT + 1)]


@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_flip_doubles_the_set(small: Path, budget: int) -> None:
    with (
        ImageFolder(small) as folder,
        ImageBatches(
            folder,
            SIDE,
            batch=2 * COUNT,
            seed=5,
            flip=True,
            poses=True,
            h_mean=0.4,
            workers=0,
            memory_budget=budget,
        ) as batches,
    ):
        images, poses = batches.read(0)
        assert batches.size == 2 * COUNT
    assert poses is not None
    assert poses.dtype == torch.float32
    found = set()
    for number, flipped, (h, v) in zip(numbers(images), mirrored(images), poses.tolist(), strict=True):
        found.add((number, flipped))
        angle = 0.1 * number
        assert h == pytest.approx(0.8 - angle if flipped else angle, abs=1e-6)
        assert v == pytest.approx(1 + angle, abs=1e-6)
    assert len(found) == 2 * COUNT


@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_rows_are_a_share_of_the_whole_batch(small: Path, budget: int) -> None:
    with ImageFolder(small) as folder:
        common = {"batch": 6, "seed": 1, "poses": True, "workers": 0, "memory_budget": budget}
        whole = ImageBatches(folder, SIDE, **common)  # type: ignore[arg-type]
        share = ImageBatches(folder, SIDE, rows=(4, 1), **common)  # type: ignore[arg-type]
        for step in (0, 1, 9):
            all_of_it, part = whole.read(step), share.read(step)
            assert torch.equal(part.images, all_of_it.images[[4, 1]])
            assert part.poses is not None
            assert all_of_it.poses is not None
            assert torch.equal(part.poses, all_of_it.poses[[4, 1]])
        whole.close()
        share.close()


@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_images_are_cropped_and_resized_alike(tmp_path: Path, budget: int) -> None:
    wide = Image.new("RGB", (24, 8), (255, 0, 0))
    wide.paste((0, 0, 255), (8, 0, 16, 8))
    (tmp_path / "set").mkdir()
    wide.save(tmp_path / "set" / "a.png")
    with (
        ImageFolder(tmp_path / "set") as folder,
        ImageBatches(folder, 2, batch=3, seed=0, workers=0, memory_budget=budget) as batches,
    ):
        images = batches.read(0).images
    assert images.shape == (3, 3, 2, 2)  # one image, three epochs
    assert (images == torch.tensor([0, 0, 255]).view(1, 3, 1, 1)).all()


# --------------------------------------------------------------------------------------------------- poses
@given(
    h=st.floats(-20, 20),
    v=st.floats(0.01, math.pi - 0.01),
    h_mean=st.sampled_from([0.0, math.pi / 2, math.pi]),
    radius=st.floats(0.5, 5),
)
def test_poses_come_back_from_camera_matrices(h: float, v: float, h_mean: float, radius: float) -> None:
    # The pivot turns a camera but does not move it.
    found = poses_from_labels(np.array([label(h, v, radius, (0.0, 0.0, 0.2))]), h_mean)[0]
    assert h_mean - math.pi <= found[0] < h_mean + math.pi
    assert math.remainder(found[0] - h, 2 * math.pi) == pytest.approx(0, abs=1e-9)
    assert found[1] == pytest.approx(v, abs=1e-9)


def test_poses_by_hand() -> None:
    def at(x: float, y: float, z: float) -> list[float]:
        return [1, 0, 0, x, 0, 1, 0, y, 0, 0, 1, z, 0, 0, 0, 1] + [0.0] * 9

    # In front (+z for the cats), from the right, from straight above, from the back and 30° below.
    below = [0.0, -1.0, -math.sqrt(3)]
    found = poses_from_labels(np.array([at(0, 0, 3), at(2, 0, 0), at(0, 5, 0), at(*below)]), math.pi / 2)
    half = math.pi / 2
    np.testing.assert_allclose(found[0], [half, half])
    np.testing.assert_allclose(found[1], [math.pi, half])
    assert found[2, 1] == 0
    np.testing.assert_allclose(found[3], [-half, 1.5 * half])  # φ = 120°: v = (1 + ½) π / 2
    with pytest.raises(DatasetError, match="origin"):
        poses_from_labels(np.array([at(0, 0, 0)]), 0.0)


def test_azimuths_stay_in_their_range_in_single_precision(tmp_path: Path) -> None:
    """An angle just below the upper end, and the mirror image of one at the lower end."""
    (tmp_path / "a.png").write_bytes(layout.encode_png(picture(1)))
    for h in (2 * math.pi - 1e-12, 0.0):
        (tmp_path / "dataset.json").write_text(json.dumps({"labels": [["a.png", label(h, 1.0)]]}))
        with ImageFolder(tmp_path) as folder:
            batches = ImageBatches(folder, 4, batch=2, seed=0, flip=True, poses=True, h_mean=math.pi)
            poses = batches.read(0).poses
        assert poses is not None
        assert ((poses[:, 0] >= 0) & (poses[:, 0].double() < 2 * math.pi)).all()
        assert all(math.remainder(a, 2 * math.pi) == pytest.approx(0, abs=1e-6) for a in poses[:, 0].tolist())


@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_without_poses_the_labels_are_never_opened(
    small: Path, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    opened: list[str] = []
    for method in ("read", "check_header"):
        original = getattr(SetReader, method)

        def watched(self: SetReader, name: str, original=original) -> object:  # type: ignore[no-untyped-def]
            opened.append(name)
            return original(self, name)

        monkeypatch.setattr(SetReader, method, watched)
    with (
        ImageFolder(small) as folder,
        ImageBatches(folder, SIDE, batch=COUNT, seed=0, workers=0, memory_budget=budget) as batches,
    ):
        batches.read(0)
        assert set(opened) == set(folder.names)
        ImageBatches(folder, SIDE, batch=1, seed=0, poses=True).close()
    assert "dataset.json" in opened


def test_poses_need_labels_for_every_image(tmp_path: Path) -> None:
    with (
        ImageFolder(write(tmp_path / "none.zip", labels=False)) as folder,
        pytest.raises(DatasetError, match="no camera labels"),
    ):
        ImageBatches(folder, SIDE, batch=1, seed=0, poses=True)
    (tmp_path / "some").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / "some" / name).write_bytes(layout.encode_png(picture(1)))
    (tmp_path / "some" / "dataset.json").write_text(json.dumps({"labels": [["b.png", label(1, 1)]]}))
    with (
        ImageFolder(tmp_path / "some") as folder,
        pytest.raises(DatasetError, match=r"2 of 3 images.*a\.png, c\.png"),
    ):
        ImageBatches(folder, SIDE, batch=1, seed=0, poses=True)


# ------------------------------------------------------------------------------------------- damaged files
@pytest.mark.parametrize("suffix", ["", ".zip"])
@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_unreadable_files_are_named_and_left_out(tmp_path: Path, suffix: str, budget: int) -> None:
    path = write(tmp_path / "set.zip", damaged={3: b"no image", 7: b""})
    if not suffix:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "set")
        path = tmp_path / "set"
    with (
        ImageFolder(path) as folder,
        ImageBatches(folder, SIDE, batch=8, seed=0, poses=True, workers=0, memory_budget=budget) as batches,
    ):
        assert batches.size == 8
        assert batches.skipped_message() == "skipped 2 unreadable images: 3.png, 7.png"
        images, poses = batches.read(0)
    assert poses is not None
    assert sorted(numbers(images)) == [0, 1, 2, 4, 5, 6, 8, 9]
    np.testing.assert_allclose(poses[:, 1], 1 + 0.1 * np.array(numbers(images)), atol=1e-6)


def test_a_streamed_image_damaged_behind_its_header_is_replaced(tmp_path: Path) -> None:
    path = write(tmp_path / "set.zip", damaged={3: cut_off(), 4: cut_off(), 9: cut_off()})
    with (
        ImageFolder(path) as folder,
        ImageBatches(
            folder, SIDE, batch=COUNT, seed=0, flip=True, poses=True, workers=0, memory_budget=0
        ) as batches,
    ):
        assert batches.size == 2 * COUNT
        assert batches.skipped_message() == ""
        for step in range(2):
            images, poses = batches.read(step)
            assert poses is not None
            chosen = batch_indices(2 * COUNT, COUNT, step, 0).tolist()
            want = [{3: 5, 4: 5, 9: 0}.get(i % COUNT, i % COUNT) for i in chosen]
            assert numbers(images) == want
            assert mirrored(images) == [i >= COUNT for i in chosen]
            # The pose is that of the image shown.
            np.testing.assert_allclose(poses[:, 1], 1 + 0.1 * np.array(want), atol=1e-6)
        assert batches.skipped_message().startswith("skipped 3 unreadable images: ")
    with ImageFolder(path) as folder:
        held = ImageBatches(folder, SIDE, batch=1, seed=0)
        assert held.size == 7


@pytest.mark.parametrize("content", [b"no", cut_off()])
@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_a_set_without_a_readable_image_is_refused(tmp_path: Path, content: bytes, budget: int) -> None:
    path = write(tmp_path / "set.zip", damaged=dict.fromkeys(range(COUNT), content))
    with (
        ImageFolder(path) as folder,
        pytest.raises(DatasetError, match="readable"),
        ImageBatches(folder, SIDE, batch=2, seed=0, workers=0, memory_budget=budget) as batches,
    ):
        batches.read(0)


@pytest.mark.parametrize(("resolution", "batch"), [(0, 4), (4, 0)])
def test_sizes_below_one_are_refused(small: Path, resolution: int, batch: int) -> None:
    with ImageFolder(small) as folder, pytest.raises(DatasetError, match="at least 1"):
        ImageBatches(folder, resolution, batch=batch, seed=0)


def test_closed_batches_say_so(small: Path) -> None:
    with ImageFolder(small) as folder:
        for budget in (0, 1 << 20):
            batches = ImageBatches(folder, SIDE, batch=1, seed=0, workers=0, memory_budget=budget)
            batches.close()
            batches.close()
            with pytest.raises(ValueError, match="closed"):
                batches.read(0)


# ------------------------------------------------------------------------------------------------- workers
def ended(processes: Sequence[BaseProcess]) -> bool:
    deadline = time.monotonic() + 10
    while any(process.is_alive() for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(process.is_alive() for process in processes)


def test_workers_change_nothing_ignore_interrupts_and_end(tmp_path: Path) -> None:
    """Two worker processes against none: the same batches, in order, after a jump, and after Ctrl-C."""
    path = write(tmp_path / "set.zip", damaged={3: cut_off()})
    options = {"batch": 3, "seed": 2, "flip": True, "poses": True, "memory_budget": 0}
    with ImageFolder(path) as folder:
        alone = ImageBatches(folder, SIDE, workers=0, **options)  # type: ignore[arg-type]
        several = ImageBatches(folder, SIDE, workers=2, **options)  # type: ignore[arg-type]
    random_state = torch.get_rng_state()

    def same(got: Batch, want: Batch) -> bool:
        assert got.poses is not None
        assert want.poses is not None
        return torch.equal(got.images, want.images) and torch.equal(got.poses, want.poses)

    for step in (0, 1, 2, 3):
        assert same(several.read(step), alone.read(step))
    workers = multiprocessing.active_children()
    assert len(workers) == 2
    for worker in workers:
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGINT)
    for step in (4, 5, 6, 7, 50, 51, 2):
        assert same(several.read(step), alone.read(step))
    assert multiprocessing.active_children() == workers  # a jump keeps them
    assert torch.equal(torch.get_rng_state(), random_state)
    assert several.skipped_message() == "skipped 1 unreadable image: 3.png"
    several.close()
    alone.close()
    assert ended(workers)


def test_a_worker_that_dies_is_reported_by_the_next_read(small: Path) -> None:
    with (
        ImageFolder(small) as folder,
        ImageBatches(folder, SIDE, batch=3, seed=2, workers=1, memory_budget=0) as batches,
    ):
        batches.read(0)
        (worker,) = multiprocessing.active_children()
        worker.kill()
        assert ended([worker])  # nothing is raised in between: training could be anywhere
        with pytest.raises(DatasetError, match="worker process ended early"):
            for step in range(1, 20):  # some are prepared already
                batches.read(step)


@pytest.mark.timeout(60)
def test_a_worker_that_dies_with_a_lock_is_reported_too(small: Path) -> None:
    with (
        ImageFolder(small) as folder,
        ImageBatches(folder, SIDE, batch=3, seed=2, workers=2, memory_budget=0) as batches,
    ):
        batches.read(0)
        workers = multiprocessing.active_children()
        assert batches._stream is not None
        loader: Any = batches._stream._loader
        loader._iterator._workers_done_event._event._cond.acquire()  # as if the first of them had it when it died
        workers[0].kill()
        assert ended(workers[:1])
        with pytest.raises(DatasetError, match="worker process ended early"):
            for step in range(1, 20):
                batches.read(step)
        assert ended(workers)
