"""What the files of a set are: images, files left out, ground truth in a top folder, labels and damage."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pof3d.data import ImageFolder, layout
from pof3d.data.batches import ImageBatches
from pof3d.data.contents import Contents
from pof3d.errors import DatasetError

NOISE = layout.encode_png(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
CUT_OFF = NOISE[:600]
"""An intact header and no pixels."""
SUFFIXES = ["", ".zip"]


def plain(value: int) -> bytes:
    return layout.encode_png(np.full((4, 4, 3), value, np.uint8))


def label(h: float) -> list[float]:
    """A camera on the horizon: h = π - atan2(z, x)."""
    matrix = np.eye(4)
    matrix[0, 3], matrix[2, 3] = -np.cos(h), np.sin(h)
    return [*matrix.ravel().tolist(), *np.eye(3).ravel().tolist()]


def labels(**azimuths: float) -> bytes:
    return json.dumps({"labels": [[f"{name}.png", label(h)] for name, h in azimuths.items()]}).encode()


def write(path: Path, content: dict[str, bytes]) -> Path:
    if path.suffix:
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        return path
    for name, data in content.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


# --------------------------------------------------------------------------------------- what is left out
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_that_are_no_images_are_counted_and_named(tmp_path: Path, suffix: str) -> None:
    own = dict.fromkeys(("dataset.json", "poses.npz", "depth.zip", "about.json"), b"")
    silent = dict.fromkeys(
        (".DS_Store", "__MACOSX/._a.png", "b/Thumbs.db", "b/desktop.ini", ".git/x.txt"), b""
    )
    foreign = dict.fromkeys(("b/film.gif", "b/dataset.json", "notes.txt"), b"x")
    path = write(
        tmp_path / f"set{suffix}", {"a.png": plain(1), "b/c.png": plain(2), **own, **silent, **foreign}
    )
    with ImageFolder(path) as data:
        assert data.names == ["a.png", "b/c.png"]
        want = "ignored 3 files that are no images: b/dataset.json, b/film.gif, notes.txt"
        assert data.skipped_message() == want
        with ImageBatches(data, 4, batch=1, seed=0) as batches:
            assert batches.skipped_message() == want


def test_unreadable_images_come_first_and_long_lists_are_cut(tmp_path: Path) -> None:
    texts = {f"{i:02d}.txt": b"x" for i in range(12)}
    path = write(tmp_path / "set", {"a.png": plain(1), "x.png": b"", **texts, "depth/a.png": plain(1)})
    with ImageFolder(path) as data:
        data.load_images(4)
        named = ", ".join(f"{i:02d}.txt" for i in range(10))
        assert data.skipped_message() == (
            f"skipped 1 unreadable image: x.png; ignored 12 files that are no images: {named} and 2 more; "
            "left out the folder depth/ (1 image), which is for depth maps"
        )
    (tmp_path / "set" / "depth" / "a.png").unlink()
    (tmp_path / "set" / "depth" / "b.txt").touch()
    for i in range(12):
        (tmp_path / "set" / f"{i:02d}.txt").unlink()
    with ImageFolder(path) as data:
        assert data.skipped_message() == "ignored 1 file that is no image: depth/b.txt"


def test_a_set_of_other_files_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "set.zip", {"film.gif": b"x", "depth/a.png": plain(1), "depth/b.png": plain(1)})
    with pytest.raises(DatasetError, match=r"no image.*film\.gif.*depth/ \(2 images\)"):
        ImageFolder(path)


def test_names_that_lead_out_are_skipped_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "set.zip", {"../a.png": plain(1), "/b.png": plain(1), "c.png": plain(1)})
    with ImageFolder(path) as data:
        assert data.names == ["c.png"]
        assert data.skipped_message() == "skipped 2 unreadable images: ../a.png, /b.png"


def test_odd_names() -> None:
    found = Contents.of(
        ["", "/", ".", "..", "./a.png", "depth.png", "depths/a.png", "x/depth/a.png", "a.png/b"]
    )
    assert found.images == ["./a.png", "depth.png", "depths/a.png", "x/depth/a.png"]
    assert found.others == ["..", "a.png/b"]
    assert found.outside == found.depth_images == []


# -------------------------------------------------------------------------------------- in one top folder
def in_a_folder(top: str) -> dict[str, bytes]:
    poses, depth = io.BytesIO(), io.BytesIO()
    np.savez(poses, name=np.array(["b.png", "a.png"]), yaw=[0.5, 0.25], pitch=[0.0, 0.125])
    with zipfile.ZipFile(depth, "w") as archive:
        archive.writestr("a.png", layout.encode_png(np.full((2, 2), 15_000, np.uint16)))
    return {
        f"{top}/a.png": plain(1),
        f"{top}/b.png": plain(2),
        f"{top}/depth/a.png": plain(3),
        f"{top}/dataset.json": labels(a=1.0, b=2.0),
        f"{top}/poses.npz": poses.getvalue(),
        f"{top}/depth.zip": depth.getvalue(),
        f"{top}/about.json": b"{}",
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_ground_truth_of_a_set_in_one_top_folder(tmp_path: Path, suffix: str) -> None:
    more = {"__MACOSX/cats/._a.png": b"", "Thumbs.db": b"", "readme.txt": b""}
    path = write(tmp_path / f"set{suffix}", {**in_a_folder("cats"), **more})
    with ImageFolder(path) as data:
        assert data.names == ["cats/a.png", "cats/b.png"]
        assert data.skipped_message() == (
            "ignored 1 file that is no image: readme.txt; "
            "left out the folder cats/depth/ (1 image), which is for depth maps"
        )
        found, poses, depth = data.labels(), data.true_poses(), data.depth(0)
        assert found is not None
        assert {name: value.tolist() for name, value in found.items()} == {
            "cats/a.png": label(1.0),
            "cats/b.png": label(2.0),
        }
        np.testing.assert_array_equal(poses, [[0.25, 0.125], [0.5, 0.0]])
        assert depth is not None
        np.testing.assert_array_equal(depth, np.full((2, 2), 1.5, np.float32))
        assert data.depth(1) is None
        with ImageBatches(data, 4, batch=2, seed=0, poses=True) as batches:
            images, azimuths = batches.read(0)
    assert azimuths is not None
    by_image = dict(zip(images[:, 0, 0, 0].tolist(), azimuths[:, 0].tolist(), strict=True))
    assert by_image == {1: pytest.approx(1.0, abs=1e-6), 2: pytest.approx(2.0, abs=1e-6)}


def test_labels_at_the_top_come_first_and_of_several_folders_none_is_the_set() -> None:
    assert Contents.of(["dataset.json", "00000/a.png", "00000/dataset.json"]).root == ""
    assert Contents.of(["about.json", "cats/a.png", "cats/dataset.json"]).root == "cats/"
    assert Contents.of(["./a.png", "./dataset.json"]).root == "./"
    two = Contents.of(["cats/a.png", "cats/dataset.json", "dogs/a.png"])
    assert two.root == ""
    assert two.label_places == ("dataset.json",)
    assert two.others == ["cats/dataset.json"]
    # A folder depth/ in the only folder is the layout's only where the layout's files are.
    assert Contents.of(["rooms/depth/a.png"]).images == ["rooms/depth/a.png"]


def test_without_labels_it_is_said_what_was_looked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "set.zip", {"cats/a.png": plain(1), "cats/b.png": plain(2)})
    with (
        ImageFolder(path) as data,
        pytest.raises(DatasetError, match=r"no dataset\.json or cats/dataset\.json, or none with labels"),
    ):
        ImageBatches(data, 4, batch=1, seed=0, poses=True)
    path = write(tmp_path / "some.zip", {"cats/a.png": plain(1), "cats/dataset.json": labels(b=1.0)})
    with (
        ImageFolder(path) as data,
        pytest.raises(DatasetError, match=r"1 of 1 images.*: cats/dataset\.json does not list cats/a\.png"),
    ):
        ImageBatches(data, 4, batch=1, seed=0, poses=True)


# -------------------------------------------------------------------------------------- labels and damage
@pytest.mark.parametrize("budget", [0, 1 << 20])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_unreadable_images_need_no_labels(tmp_path: Path, suffix: str, budget: int) -> None:
    content = {"a.png": plain(1), "b.png": b"no image", "c.png": CUT_OFF, "d.png": plain(4)}
    path = write(tmp_path / f"set{suffix}", {**content, "dataset.json": labels(a=1.0, d=2.0)})
    with (
        ImageFolder(path) as data,
        ImageBatches(data, 4, batch=2, seed=0, poses=True, workers=0, memory_budget=budget) as batches,
    ):
        assert batches.names == ["a.png", "d.png"]
        assert batches.skipped_message() == "skipped 2 unreadable images: b.png, c.png"
        images, poses = batches.read(0)
    assert poses is not None
    assert sorted(zip(images[:, 0, 0, 0].tolist(), poses[:, 0].round().tolist(), strict=True)) == [
        (1, 1),
        (4, 2),
    ]


def test_readable_images_without_labels_are_still_refused(tmp_path: Path) -> None:
    content = {"a.png": b"no", "b.png": CUT_OFF, "c.png": plain(3), "d.png": plain(4), "e.png": plain(5)}
    path = write(tmp_path / "set.zip", {**content, "dataset.json": labels(d=2.0)})
    with (
        ImageFolder(path) as data,
        pytest.raises(DatasetError, match=r"2 of 5 images.*does not list c\.png, e\.png"),
    ):
        ImageBatches(data, 4, batch=1, seed=0, poses=True)


@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_labels_of_no_readable_image(tmp_path: Path, budget: int) -> None:
    path = write(tmp_path / "set", {"a.png": CUT_OFF, "dataset.json": labels(z=2.0)})
    with ImageFolder(path) as data, pytest.raises(DatasetError, match=r"no readable image.*a\.png"):
        ImageBatches(data, 4, batch=1, seed=0, poses=True, workers=0, memory_budget=budget)
