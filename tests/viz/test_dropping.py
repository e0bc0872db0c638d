"""What dropped files mean."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from pof3d.errors import Pof3dError
from tests.viz.nets import save_tiny
from viz.captures import read_view, save_pixels
from viz.dropping import Dropped, Looking, sort_out, told
from viz.encoders import encoding
from viz.view import LatentView, NetworkView, View, view_to_json

VIEW = View(NetworkView("/nets/a.safetensors"), LatentView(x=7.0))


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "a picture.png"
    save_pixels(np.full((4, 4, 4), 255, np.uint8), path, VIEW)
    return path


def test_a_checkpoint_opens() -> None:
    for name in ("a b.safetensors", "snap.PKL"):
        dropped = sort_out([Path(name)])
        assert dropped.checkpoint == Path(name)
        assert dropped.message == f"Opening {name}"


def test_the_first_checkpoint_of_several_opens(capture: Path) -> None:
    dropped = sort_out([capture, Path("a.pkl"), Path("b.pkl")])
    assert dropped.checkpoint == Path("a.pkl")
    assert dropped.others == (Path("b.pkl"),)
    assert dropped.saved is None
    assert dropped.message == "Opening a.pkl; 1 other file left alone"


def look(paths: list[Path]) -> tuple[tuple[Path, ...], tuple[Pof3dError, ...]]:
    done = threading.Event()
    looking = Looking(paths, done.set)
    assert done.wait(10)
    found = looking.poll()
    assert found is not None and looking.poll() is None
    return found


def test_the_others_are_looked_at_first(tmp_path: Path) -> None:
    good, more = save_tiny(tmp_path / "a.pkl"), save_tiny(tmp_path / "b.safetensors")
    empty, page = tmp_path / "empty.pkl", tmp_path / "page.pkl"
    empty.write_bytes(b"")
    page.write_bytes(b"<!-- no --><html>" + b" " * 99)
    assert look([good, more]) == ((good, more), ())
    found, errors = look([empty, tmp_path / "gone.pkl", good, page])
    assert found == (good,)
    assert len(errors) == 3
    message = told("Opening x.pkl", found, errors)
    assert message == (
        "Opening x.pkl; 1 more checkpoint under Recent; empty.pkl cannot be opened: it is empty; "
        "2 more left out, too"
    )
    assert told("Opening x.pkl", (good, more), ()) == "Opening x.pkl; 2 more checkpoints under Recent"


def test_a_capture_comes_before_other_files(capture: Path) -> None:
    assert sort_out([Path("notes.txt"), capture]) == Dropped(saved=capture)


@pytest.mark.parametrize(
    ("name", "kind"), [("notes.txt", "a .txt file"), ("README", "a file without suffix")]
)
def test_other_files_are_refused(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    path.write_text("hello")
    error = sort_out([path]).error
    assert error is not None
    assert name in error.what
    assert kind in error.why
    assert ".safetensors" in error.todo


def test_folders_and_nothing(tmp_path: Path) -> None:
    dropped = sort_out([Path("notes.txt"), tmp_path])
    assert dropped.folder == tmp_path
    assert dropped.error is None
    assert tmp_path.name in dropped.message
    assert sort_out([tmp_path, Path("a.pkl")]).checkpoint == Path("a.pkl"), "a checkpoint comes first"
    assert sort_out([]).error is None


def test_recordings_lead_back_to_their_view(tmp_path: Path) -> None:
    folder, run = tmp_path / "turn", tmp_path / "run"
    folder.mkdir()
    run.mkdir()
    video = tmp_path / "turn.webm"
    pixels = np.zeros((16, 16, 3), np.uint8)
    for path, kind in ((folder, "png"), (video, "webm")):
        with encoding(path, kind, (16, 16), 10, view_to_json(VIEW)) as encoder:  # type: ignore[arg-type]
            encoder.add(pixels, view_to_json(VIEW))
        assert sort_out([path]) == Dropped(saved=path)
        assert read_view(path) == VIEW
    frame = folder / "frame-00001.png"
    assert sort_out([frame]) == Dropped(saved=frame)
    assert read_view(frame) == VIEW
    assert sort_out([folder, run]).folder == run, "a training run comes first"
