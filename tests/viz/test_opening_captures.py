"""Pictures and videos that were saved here, opened again: they restore their View."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.viz.stand_ins import StandInRendering
from viz.captures import save_pixels
from viz.encoders import encoding
from viz.panel import RecordingFormat
from viz.program import Program
from viz.surroundings import Surroundings
from viz.view import LatentView, NetworkView, View, view_to_json

GOOD = "/nets/good.safetensors"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    surroundings = Surroundings(capture_folder=tmp_path / "out")
    program = Program(StandInRendering(), view=View(NetworkView(GOOD)), surroundings=surroundings)
    program.update(1 / 60)
    program.add_keyframe()
    yield program
    program.close()


def saved_captures(folder: Path, view: View) -> list[Path]:
    """One of every kind that the program saves, of a View."""
    pixels = np.full((16, 16, 4), 255, np.uint8)
    save_pixels(pixels, folder / "a.png", view)
    paths = [folder / "a.png"]
    kinds: tuple[RecordingFormat, ...] = ("mp4", "webm", "gif", "png")
    for kind in kinds:
        path = folder / ("turn" if kind == "png" else f"a.{kind}")
        if kind == "png":
            path.mkdir()
        with encoding(path, kind, (16, 16), 10, view_to_json(view)) as encoder:
            for _ in range(2):
                encoder.add(pixels[..., :3], view_to_json(view))
        paths.append(path)
    return [*paths, folder / "turn" / "frame-00001.png"]


def test_captures_open_as_they_drop(program: Program, tmp_path: Path) -> None:
    kept = program.timeline
    captures = saved_captures(tmp_path, View(NetworkView(GOOD), LatentView(x=77.0)))
    for act in (program.open_file, lambda path: program.drop([path])):
        for path in captures:
            program.commit(replace(program.view, latent=LatentView(x=5.0)), object())
            program.update(1 / 60)
            act(path)
            program.update(1 / 60)
            assert (program.view.latent.x, program.error, program.timeline) == (77.0, None, kept), path.name
            assert program.notices.message == f"Went to the view of {path.name}"
            assert program.session_path is None, "a capture is no session"
            program.undo()
            assert program.view.latent.x == 5.0, "one step"
    assert program.settings.last_folder == str(tmp_path / "turn")


def test_what_is_no_capture_says_so(program: Program, tmp_path: Path) -> None:
    before = program.view
    save_pixels(np.full((4, 4, 4), 255, np.uint8), tmp_path / "holiday.png")
    (tmp_path / "page.mp4").write_text("<html>")
    (tmp_path / "turn").mkdir()
    (tmp_path / "turn" / "view.json").write_text("nonsense")
    names = {"holiday.png": "no view in holiday.png", "page.mp4": "page.mp4", "turn": "view"}
    for act in (program.open_file, lambda path: program.drop([path])):
        for name, words in names.items():
            program.dismiss_error()
            act(tmp_path / name)
            assert words in str(program.error)
            assert program.view == before
    (tmp_path / "run.png").mkdir()
    program.open_file(tmp_path / "run.png")
    assert program.run is not None, "a folder by the name of a picture is a folder"
    program.close_run()


def test_a_capture_finds_its_checkpoint_beside_it(program: Program, tmp_path: Path) -> None:
    save_pixels(np.zeros((4, 4, 4), np.uint8), tmp_path / "a.png", View(NetworkView("/gone/a.pkl")))
    program.open_file(tmp_path / "a.png")
    assert "/gone/a.pkl" in str(program.error)
    assert "beside a.png" in str(program.error)
    (tmp_path / "a.pkl").touch()
    program.open_file(tmp_path / "a.png")
    assert program.view.network.path == str(tmp_path / "a.pkl")
