"""What is found in the folder of a run, whole, half written, damaged or gone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pof3d.training.statistics import STATISTICS_NAME, append
from tests.viz.nets import save_tiny
from tests.viz.run_folders import RunFolder, name_of, record
from viz import runs
from viz.runs import RunReader, looks_like_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "cats")


def states(run: RunFolder) -> list[tuple[int, str]]:
    return [(snapshot.images, snapshot.state) for snapshot in RunReader(run.path).read().snapshots]


def test_snapshots_are_in_the_order_of_training(run: RunFolder) -> None:
    for kimg in (12, 4, 8):
        run.land(kimg, record(kimg))
    listing = RunReader(run.path).read()
    assert [snapshot.images for snapshot in listing.snapshots] == [4000, 8000, 12000]
    assert {snapshot.state for snapshot in listing.snapshots} == {"ready"}
    assert [one.images for one in listing.records] == [4000, 8000, 12000]
    assert listing.snapshots[0].modified == pytest.approx(time.time(), abs=60)
    newest = listing.newest()
    assert newest is not None
    assert newest.network == name_of(12)
    assert listing.find(name_of(8)) == 1
    assert listing.find("other") is None
    assert listing.error is None
    assert listing.problem == ""


def test_the_curve_is_of_the_recorded_poses(run: RunFolder) -> None:
    run.land(4, record(4, yaw=0.5, spread=0.0))
    run.land(8, record(8, yaw=-0.25, spread=0.0))
    curve = RunReader(run.path).read().curve
    np.testing.assert_allclose(curve.kimg, [4.0, 8.0])
    np.testing.assert_allclose(curve.yaw, np.degrees([0.5, -0.25]), atol=1e-4)
    np.testing.assert_allclose(curve.yaw_spread, [0.0, 0.0], atol=1e-4)
    assert np.degrees(0.08) < curve.pitch_spread[0] < np.degrees(0.12)
    assert all(values.flags.c_contiguous for values in (curve.kimg, curve.yaw, curve.pitch_spread))


def test_a_run_without_a_record_knows_what_its_networks_say(run: RunFolder) -> None:
    poses = {"yaw_mean": 0.5, "yaw_std": 0.25, "pitch_mean": 0.0, "pitch_std": 0.125}
    save_tiny(run.path / name_of(4), provenance={"images_seen": 4016, "learned_poses": poses})
    save_tiny(run.path / name_of(8), provenance={"images_seen": "many", "learned_poses": {"yaw_mean": "x"}})
    save_tiny(
        run.path / name_of(9), provenance={"images_seen": -3, "learned_poses": poses | {"yaw_std": 1e300}}
    )
    listing = RunReader(run.path).read()
    assert [snapshot.images for snapshot in listing.snapshots] == [4016, 8000, 9000]
    assert listing.records == ()
    np.testing.assert_allclose(listing.curve.yaw_spread, np.degrees([0.25]))
    np.testing.assert_allclose(listing.curve.pitch_spread, np.degrees([0.125]))


def test_a_run_that_has_just_begun_has_no_snapshots(run: RunFolder) -> None:
    listing = RunReader(run.path).read()
    assert listing.snapshots == ()
    assert listing.error is None
    assert listing.newest() is None
    assert listing.curve.kimg.shape == (0,)


def test_a_half_written_network_is_not_ready_until_it_is_whole(run: RunFolder) -> None:
    whole = run.land(4).read_bytes()
    for size in (0, 5, 300, len(whole) - 1):
        (run.path / name_of(4)).write_bytes(whole[:size])
        assert states(run) == [(4000, "unreadable")]
    reader = RunReader(run.path)
    reader.read()
    (run.path / name_of(4)).write_bytes(whole)
    assert [snapshot.state for snapshot in reader.read().snapshots] == ["ready"]


def test_what_was_removed_is_still_recorded(run: RunFolder) -> None:
    for kimg in (4, 8):
        run.land(kimg, record(kimg))
    (run.path / name_of(4)).unlink()
    assert states(run) == [(4000, "gone"), (8000, "ready")]
    (run.path / name_of(8)).unlink()
    newest = RunReader(run.path).read().newest()
    assert newest is not None
    assert (newest.images, newest.state) == (8000, "gone")


def test_a_damaged_record_is_told_and_the_networks_stay(run: RunFolder) -> None:
    run.land(4, record(4))
    with (run.path / STATISTICS_NAME).open("ab") as file:
        file.write(b"nonsense\n")
    listing = RunReader(run.path).read()
    assert [snapshot.state for snapshot in listing.snapshots] == ["ready"]
    assert "line 2" in listing.problem
    assert listing.records == ()


def test_what_has_not_changed_is_not_read_twice(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run.land(4, record(4))
    opened: list[str] = []

    def noted(read: Callable[[Path], Any]) -> Callable[[Path], Any]:
        def call(path: Path) -> Any:
            opened.append(path.name)
            return read(path)

        return call

    for name in ("_read_header", "read"):
        monkeypatch.setattr(runs, name, noted(getattr(runs, name)))
    reader = RunReader(run.path)
    first = reader.read()
    assert opened == [STATISTICS_NAME, name_of(4)]
    assert reader.read() == first
    assert len(opened) == 2
    run.land(8)
    assert reader.read() != first
    assert opened[2:] == [name_of(8)]
    append(run.path / STATISTICS_NAME, record(8))
    assert len(reader.read().records) == 2
    assert opened[3:] == [STATISTICS_NAME]


def test_other_things_with_such_names_are_left_alone(run: RunFolder) -> None:
    (run.path / name_of(1)).mkdir()
    os.mkfifo(run.path / name_of(2))
    (run.path / name_of(3)).symlink_to(run.path / "nowhere")
    (run.path / ".network-000004-a1b2.part.safetensors").write_bytes(b"half")
    (run.path / "network-final.safetensors").write_bytes(b"other")
    assert states(run) == []


def test_a_network_that_is_none_is_not_opened(run: RunFolder) -> None:
    (run.path / name_of(4)).write_bytes((1 << 60).to_bytes(8, "little") + b"{" * 100)
    (run.path / name_of(5)).write_bytes(b"\x80\x04nonsense" * 100)
    assert states(run) == [(4000, "unreadable"), (5000, "unreadable")]


def test_folders_that_hold_no_run_say_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    error = RunReader(tmp_path / "photos").read().error
    assert error is not None
    assert "cannot follow photos: it is not a training run" in str(error)
    assert "config.json" in error.why
    assert "--out" in error.todo


def test_missing_folders_and_files_say_so(tmp_path: Path) -> None:
    error = RunReader(tmp_path / "gone").read().error
    assert error is not None
    assert "there is no folder" in error.why
    (tmp_path / "file").touch()
    error = RunReader(tmp_path / "file").read().error
    assert error is not None
    assert "not a directory" in error.why


def test_runs_are_told_by_their_files() -> None:
    assert looks_like_run(["a.png", "network-000004.safetensors"])
    assert looks_like_run(["config.json", "log.jsonl"])
    assert not looks_like_run(["config.json", "network.safetensors"])
    assert not looks_like_run([])
