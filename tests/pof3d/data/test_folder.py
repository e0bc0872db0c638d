"""Image sets on disk: round trips, foreign and damaged content, what training can see."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tyro
from PIL import Image

from pof3d.data import ImageFolder, MakeData, layout, make, make_toy_set, toy_render, writer
from pof3d.data.decoding import SetReader
from pof3d.data.toy_cats import Cat
from pof3d.data.toy_sets import TOY_CATS, Sample, ToySet
from pof3d.errors import DatasetError

SUFFIXES = ["", ".zip"]
ROOT = Path(__file__).resolve().parents[3]


def png(colour: tuple[int, ...], size: tuple[int, int] = (8, 8), mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four cats of 16², as a folder and as a .zip."""
    root = tmp_path_factory.mktemp("sets")
    for suffix in SUFFIXES:
        make_toy_set("toy-cats", root / f"cats{suffix}", 4, 16, seed=9, workers=1)
    return root


# ---------------------------------------------------------------------------------------------- round trip
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip(small: Path, suffix: str) -> None:
    samples = [TOY_CATS.sample(9, i, 16) for i in range(4)]
    with ImageFolder(small / f"cats{suffix}") as data:
        assert data.names == [f"00000/img{i:08d}.png" for i in range(4)]
        assert len(data) == 4
        images = data.load_images(16)
        assert images.shape == (4, 3, 16, 16)
        labels, poses = data.labels(), data.true_poses()
        assert labels is not None
        assert poses is not None
        for i, (s, stored) in enumerate(zip(samples, data, strict=True)):
            np.testing.assert_array_equal(stored, s.image.transpose(2, 0, 1))
            np.testing.assert_array_equal(images[i].numpy(), stored)
            np.testing.assert_array_equal(poses[i], [s.yaw, s.pitch])
            label = labels[data.names[i]]
            np.testing.assert_array_equal(
                label[:16].reshape(4, 4), toy_render.cam2world(s.yaw, s.pitch, TOY_CATS.camera)
            )
            np.testing.assert_array_equal(label[16:].reshape(3, 3), toy_render.intrinsics(TOY_CATS.camera))
            depth = data.depth(i)
            assert depth is not None
            np.testing.assert_allclose(depth, s.depth, atol=0.51 / layout.DEPTH_STEPS)
            np.testing.assert_array_equal(depth == 0, s.depth == 0)
        assert data.skipped == []
        assert data.skipped_message() == ""


def test_folder_and_zip_hold_the_same(small: Path) -> None:
    with zipfile.ZipFile(small / "cats.zip") as archive:
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
        inside = {name: archive.read(name) for name in archive.namelist()}
    files = [path for path in (small / "cats").rglob("*") if path.is_file()]
    assert inside == {path.relative_to(small / "cats").as_posix(): path.read_bytes() for path in files}


def test_every_image_that_other_readers_find_has_a_label(small: Path) -> None:
    """Such readers take every file with a suffix that Pillow knows for a training image."""
    Image.init()
    files = {p.relative_to(small / "cats").as_posix() for p in (small / "cats").rglob("*") if p.is_file()}
    images = {name for name in files if Path(name).suffix.lower() in Image.EXTENSION}
    labels = json.loads((small / "cats" / "dataset.json").read_text())["labels"]
    assert {name for name, _ in labels} == images
    assert all(len(label) == 25 for _, label in labels)


def test_loading_images_opens_no_ground_truth(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    read = SetReader.read

    def watched(self: SetReader, name: str) -> bytes:
        opened.append(name)
        return read(self, name)

    monkeypatch.setattr(SetReader, "read", watched)
    with ImageFolder(small / "cats.zip") as data:
        data.load_images(16)
        list(data)
    assert sorted(opened) == sorted(data.names * 2)


def test_about(small: Path) -> None:
    about = json.loads((small / "cats" / "about.json").read_text())
    assert about["dataset"] == "toy-cats"
    assert about["seed"] == 9
    assert about["count"] == 4
    assert about["depth_steps_per_unit"] == layout.DEPTH_STEPS


# ------------------------------------------------------------------------------------------------- making
def test_worker_count_does_not_matter_and_longer_sets_begin_alike(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    make_toy_set("toy-cats", tmp_path / "one.zip", 11, 16, seed=4, workers=1)
    make_toy_set(
        "toy-cats", tmp_path / "two.zip", 11, 16, seed=4, workers=2, progress=lambda *a: seen.append(a)
    )
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert seen == [(i, 11) for i in range(1, 12)]
    make_toy_set("toy-cats", tmp_path / "short.zip", 3, 16, seed=4, workers=1)
    with ImageFolder(tmp_path / "one.zip") as longer, ImageFolder(tmp_path / "short.zip") as shorter:
        np.testing.assert_array_equal(
            longer.load_images(16, limit=3).numpy(), shorter.load_images(16).numpy()
        )


@pytest.mark.parametrize("name", ["set", "set.zip"])
def test_nothing_existing_is_overwritten(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    if name.endswith(".zip"):
        target.write_bytes(b"precious")
    else:
        target.mkdir()
        (target / "file").write_bytes(b"precious")
    with pytest.raises(DatasetError, match="there already"):
        make_toy_set("toy-cats", target, 1, 8, seed=0, workers=1)
    assert (target if target.is_file() else target / "file").read_bytes() == b"precious"


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    make_toy_set("toy-cats", tmp_path / "set", 1, 8, seed=0, workers=1)
    with ImageFolder(tmp_path / "set") as data:
        assert len(data) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_interrupted_run_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    real = ToySet.sample

    def interrupted(self: ToySet[Cat], seed: int, index: int, resolution: int) -> Sample[Cat]:
        if index == 2:
            raise KeyboardInterrupt
        return real(self, seed, index, resolution)

    monkeypatch.setattr(ToySet, "sample", interrupted)
    out = tmp_path / f"set{suffix}"
    assert make.run(MakeData(out=out, count=5, resolution=8, workers=1)) == 130
    assert list(tmp_path.iterdir()) == []
    assert "Interrupted" in capsys.readouterr().err


def test_ctrl_c_at_a_terminal(tmp_path: Path) -> None:
    """A real process group with workers gets a real SIGINT: it ends soon, quietly, and leaves nothing."""
    code = (
        "import sys; from pathlib import Path; from pof3d.data.make import MakeData, run\n"
        "sys.exit(run(MakeData(out=Path(sys.argv[1]), count=100000, resolution=16, workers=2)))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "set.zip")],
        cwd=ROOT,
        start_new_session=True,
        # Where tests run in the background of a shell, SIGINT is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        partial = tmp_path / "set.zip.partial"
        deadline = time.monotonic() + 60
        while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):  # nothing of it outlives the test
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options", [{"count": 0}, {"resolution": 4}, {"resolution": 5000}, {"seed": -1}, {"workers": -1}]
)
def test_values_out_of_range(tmp_path: Path, options: dict[str, int]) -> None:
    name = next(iter(options))
    v = {"count": 1, "resolution": 8, "seed": 0, "workers": 1, **options}
    with pytest.raises(DatasetError, match=name):
        make_toy_set("toy-cats", tmp_path / "set", v["count"], v["resolution"], v["seed"], v["workers"])
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DatasetError, match="Cannot write"):
        make_toy_set("toy-cats", tmp_path / "file" / "set", 1, 8, seed=0, workers=1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer.DatasetWriter, "add", full)
    monkeypatch.setattr(writer._ZipTarget, "close", full)
    with pytest.raises(DatasetError, match="No space left"):
        make_toy_set("toy-cats", tmp_path / f"set{suffix}", 2, 8, seed=0, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_command_line() -> None:
    line = "toy-cats --count 7 --resolution 32 --out a/b.zip --seed 3"
    want = MakeData(out=Path("a/b.zip"), count=7, resolution=32, seed=3)
    assert tyro.cli(MakeData, args=line.split()) == want
    cars = tyro.cli(MakeData, args=line.replace("cats", "cars").split())
    assert cars == dataclasses.replace(want, name="toy-cars")


# ------------------------------------------------------------------------------------------ foreign content
@pytest.fixture(params=SUFFIXES)
def mixed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Images of several kinds, damaged ones and other files, as a folder or a .zip."""
    jpeg, webp = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (8, 8), (0, 0, 255)).save(jpeg, "JPEG", quality=95)
    Image.new("RGB", (8, 8), (0, 255, 0)).save(webp, "WEBP", lossless=True)
    wide = Image.new("RGB", (24, 8), (255, 0, 0))
    wide.paste((0, 0, 255), (8, 0, 16, 8))
    wide_png = io.BytesIO()
    wide.save(wide_png, "PNG")
    good = png((1, 2, 3))
    content = {
        "a.PNG": png((255, 0, 0)),
        "b/c.jpg": jpeg.getvalue(),
        "b/d.webp": webp.getvalue(),
        "e.png": png((0, 0, 0, 0), mode="RGBA"),
        "f.png": png((77,), mode="L"),
        "g.png": wide_png.getvalue(),
        "x-cut.png": good[: len(good) // 2],
        "x-empty.png": b"",
        "x-text.jpg": b"not an image at all",
        "depth/a.png": good,
        ".hidden/a.png": good,
        "__MACOSX/a.png": good,
        "notes.txt": b"hello",
        "table.npz": b"hello",
    }
    if request.param:
        path = tmp_path / "mixed.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        return path
    for name, data in content.items():
        file = tmp_path / "mixed" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return tmp_path / "mixed"


def test_mixed_content(mixed: Path) -> None:
    with ImageFolder(mixed) as data:
        images = data.load_images(4)
        assert data.loaded_names == ["a.PNG", "b/c.jpg", "b/d.webp", "e.png", "f.png", "g.png"]
        assert data.skipped == ["x-cut.png", "x-empty.png", "x-text.jpg"]
        assert data.skipped_message() == (
            "skipped 3 unreadable images: x-cut.png, x-empty.png, x-text.jpg; "
            "ignored 2 files that are no images: notes.txt, table.npz; "
            "left out the folder depth/ (1 image), which is for depth maps"
        )
        assert images.shape == (6, 3, 4, 4)
        middle = [image[:, 2, 2].tolist() for image in images]
        assert middle[0] == [255, 0, 0]
        assert max(abs(a - b) for a, b in zip(middle[1], (0, 0, 255), strict=True)) < 4
        assert middle[2] == [0, 255, 0]
        assert middle[3] == [255, 255, 255]  # transparent: white
        assert middle[4] == [77, 77, 77]
        assert middle[5] == [0, 0, 255]  # the centred square of a wide image
        assert len(list(data)) == 6
        with pytest.raises(DatasetError, match="x-text"):
            data.read(data.names.index("x-text.jpg"))
        assert data.labels() is None
        assert data.true_poses() is None
        assert data.depth(0) is None


def test_progress_and_limit(mixed: Path) -> None:
    seen: list[tuple[int, int]] = []
    with ImageFolder(mixed) as data:
        assert len(data.load_images(4, limit=2, progress=lambda *a: seen.append(a))) == 2
        with pytest.raises(DatasetError, match="resolution 0"):
            data.load_images(0)
    assert seen == [(1, 2), (2, 2)]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        ImageFolder(tmp_path / "none")
    with pytest.raises(DatasetError, match="holds no image"):
        ImageFolder(tmp_path)
    (tmp_path / "text.zip").write_text("not a zip")
    with pytest.raises(DatasetError, match="Cannot read the data set"):
        ImageFolder(tmp_path / "text.zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(DatasetError, match="holds no image"):
        ImageFolder(tmp_path / "empty.zip")


def test_cut_off_zip(small: Path, tmp_path: Path) -> None:
    content = (small / "cats.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match="Cannot read the data set"):
        ImageFolder(tmp_path / "cut.zip")


def test_damaged_member(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", layout.encode_png(noise))
        archive.writestr("b.png", png((0, 0, 0)))
    content = bytearray(path.read_bytes())
    content[60:90] = b"\xff" * 30
    path.write_bytes(content)
    with ImageFolder(path) as data:
        assert len(data.load_images(8)) == 1
        assert data.skipped == ["a.png"]


def test_no_readable_image(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no")
    with ImageFolder(tmp_path) as data, pytest.raises(DatasetError, match=r"no readable image.*a\.png"):
        data.load_images(8)


def test_hostile_names_reach_no_file(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png((9, 9, 9)))
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("../secret.png", "/secret.png", "a/../../secret.png", "ok.png"):
            archive.writestr(name, png((1, 1, 1)))
    before = sorted(p.name for p in tmp_path.rglob("*"))
    with ImageFolder(tmp_path / "set.zip") as data:
        assert data.names == ["ok.png"]
        data.load_images(8)
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"labels": [["a.png", [1, 2]]]}',
        b'{"labels": [["a.png"]]}',
        b'{"labels": 3}',
        b"\xff",
    ],
)
def test_damaged_labels(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(png((0, 0, 0)))
    (tmp_path / "dataset.json").write_bytes(content)
    with ImageFolder(tmp_path) as data:
        assert data.load_images(8).shape == (1, 3, 8, 8)
        with pytest.raises(DatasetError, match=r"dataset\.json"):
            data.labels()


def test_damaged_ground_truth(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png((0, 0, 0)))
    (tmp_path / "depth.zip").write_bytes(b"junk")
    with ImageFolder(tmp_path) as data:
        with pytest.raises(DatasetError, match="depth"):
            data.depth(0)
        np.savez(tmp_path / "poses.npz", name=np.array(["a.png"], object), yaw=[0.0], pitch=[0.0])
    with ImageFolder(tmp_path) as data, pytest.raises(DatasetError, match=r"poses\.npz"):
        data.true_poses()  # an array of objects is a pickle: refused, not run


def test_images_without_a_pose_are_nan(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png((0, 0, 0)))
    np.savez(tmp_path / "poses.npz", name=np.array(["b.png"]), yaw=[0.25], pitch=[-0.5])
    with ImageFolder(tmp_path) as data:
        poses = data.true_poses()
    np.testing.assert_array_equal(poses, [[np.nan, np.nan], [0.25, -0.5]])
