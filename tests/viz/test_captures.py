"""Pictures that remember their View, and files that are complete or not there."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pof3d.errors import ConfigError
from viz.captures import capture_stem, free_path, read_view, save_image, save_pixels
from viz.engine import Engine
from viz.files import SaveError, replacing
from viz.view import DisplayView, LatentView, NetworkView, SamplingView, View, view_to_json


def test_a_picture_holds_its_pixels_and_its_view(tiny: Path, tmp_path: Path) -> None:
    view = View(NetworkView(str(tiny)), LatentView(x=2.5), display=DisplayView("side_by_side"))
    frame = Engine().render(view)
    path = tmp_path / "köpfe ä.png"
    save_image(frame, path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), frame.rgba)
    assert read_view(path) == view
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_transparency_survives(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (4, 4, 4)).astype(np.uint8)
    save_pixels(pixels, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_views_from_json_files(tmp_path: Path) -> None:
    view = View(latent=LatentView(x=7.0))
    (tmp_path / "view.json").write_text(view_to_json(view))
    assert read_view(tmp_path / "view.json") == view


def test_files_without_a_view(tmp_path: Path) -> None:
    save_pixels(np.zeros((4, 4, 4), np.uint8), tmp_path / "plain.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.gif", comment=b"holidays")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "odd.json").write_bytes(b"\xff\x00")
    names = ("plain.png", "plain.gif", "text.png", "text.mp4", "odd.json", "missing.png")
    for name in names:
        with pytest.raises(ConfigError, match=name):
            read_view(tmp_path / name)


def test_names(tmp_path: Path) -> None:
    view = View(NetworkView("/nets/toy-cats.safetensors"), LatentView(x=3.0))
    assert capture_stem(view) == "toy-cats-seed3"
    assert free_path(tmp_path, "a", ".png").name == "a.png"
    (tmp_path / "a.png").touch()
    (tmp_path / "a-2.png").touch()
    assert free_path(tmp_path, "a", ".png").name == "a-3.png"


def test_a_file_is_replaced_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), replacing(target) as part:
            part.write_text("half")
            raise error
        assert target.read_text() == "old"
    with replacing(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "you may not write there")]
)
def test_what_goes_wrong_is_said(number: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(SaveError, match=words), replacing(tmp_path / "a") as part:
        part.write_text("half")
        raise OSError(number, os.strerror(number))
    assert list(tmp_path.iterdir()) == []


def test_impossible_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    with pytest.raises(SaveError, match="does not exist"):
        save_pixels(pixels, tmp_path / "none" / "a.png")
    with pytest.raises(SaveError, match="is a folder"):
        save_pixels(pixels, tmp_path)
    monkeypatch.setattr(os, "access", lambda *args: False)  # root may write everywhere
    with pytest.raises(SaveError, match="you may not write there"):
        save_pixels(pixels, tmp_path / "a.png")


def test_save_does_not_change_the_frame(tiny: Path, tmp_path: Path) -> None:
    frame = Engine().render(replace(View(NetworkView(str(tiny))), latent=LatentView(x=1.0)))
    before = frame.rgba.copy()
    save_image(frame, tmp_path / "a.png")
    np.testing.assert_array_equal(frame.rgba, before)


def test_a_view_that_cannot_be_rendered_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    path.write_text(view_to_json(View(sampling=SamplingView(resolution=2**62))))
    with pytest.raises(ConfigError, match=r"huge\.json cannot be shown: A resolution .* between 8"):
        read_view(path)
