"""The Checkpoint panel: what is open, what could be, and what is inside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.widgets.stage import Stage, context, info
from viz.panel import LoadingState
from viz.window.offscreen import OffscreenWindow
from widgets.checkpoint import CheckpointPanel, loading_text


# -------------------------------------------------------------------------------------- without a window
@pytest.mark.parametrize(
    "provenance",
    [
        {},
        {"dataset": None, "images_seen": "many", "training_seconds": None, "learned_poses": {"yaw_mean": 1}},
        {"learned_poses": 3, "commit": 7, "list": [1, [2.5, "x"]], "flag": True, "nan": float("nan")},
        {"a": {"b": {"c": {"d": None}}}, "": {}},
    ],
)
def test_strange_provenance_is_shown_all_the_same(
    window: OffscreenWindow, provenance: dict[str, object]
) -> None:
    Stage(window, CheckpointPanel(), context(network=replace(info(), provenance=provenance)))


def test_loading_text() -> None:
    assert loading_text(LoadingState(Path("x"), 0.42, "reading")) == "reading  42%"
    assert loading_text(LoadingState(Path("x"), 0.0, "")) == "0%"


# ----------------------------------------------------------------------------------------- with a window
def test_recents_open_and_are_forgotten(window: OffscreenWindow, tmp_path: Path) -> None:
    here, gone = tmp_path / "here.pkl", tmp_path / "gone.pkl"
    here.touch()
    bundled = tmp_path / "bundled.safetensors"
    bundled.touch()
    stage = Stage(window, CheckpointPanel(), context(recents=(here, gone, bundled), bundled=(bundled,)))
    stage.wait_until(lambda: not stage.rect("Checkpoint/gone.pkl").enabled)
    stage.click("Checkpoint/here.pkl", (0.2, 0.5))
    assert stage.calls == [("open_checkpoint", here)]
    stage.click("Checkpoint/gone.pkl", (0.2, 0.5))
    assert len(stage.calls) == 1
    stage.click("Checkpoint/Forget gone.pkl")
    assert stage.calls[-1] == ("forget_recent", gone)
    assert not stage.has("Checkpoint/Forget bundled.safetensors")
    stage.click("Checkpoint/bundled.safetensors", (0.2, 0.5))
    assert stage.calls[-1] == ("open_checkpoint", bundled)


def test_the_open_file_is_not_opened_again(window: OffscreenWindow, tmp_path: Path) -> None:
    path = tmp_path / "open.safetensors"
    path.touch()
    stage = Stage(window, CheckpointPanel(), context(network=info(path=path), recents=(path,), bundled=()))
    stage.click("Checkpoint/open.safetensors", (0.2, 0.5))
    assert stage.calls == []


def test_loading_can_be_cancelled(window: OffscreenWindow) -> None:
    stage = Stage(window, CheckpointPanel(), context(loading=LoadingState(Path("/x/y.pkl"), 0.4, "reading")))
    stage.click("Checkpoint/Cancel")
    assert stage.calls == [("cancel_loading",)]


def test_the_inside_folds(window: OffscreenWindow) -> None:
    stage = Stage(window, CheckpointPanel(), context())
    stage.click("Checkpoint/Training")
    stage.click("Checkpoint/What is inside", (0.3, 0.5))
    stage.forget()
    stage.frame()
    assert not stage.has("Checkpoint/Training")


def test_browse_opens_the_file_that_is_chosen(window: OffscreenWindow, tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(b"x")
    stage = Stage(window, CheckpointPanel(), context(last_folder=tmp_path))
    stage.click("Checkpoint/Browse…")
    stage.wait_until(lambda: stage.has("Browser/net.pkl"))
    stage.frame(3)
    stage.click("Browser/net.pkl", (0.1, 0.5), count=2)
    assert stage.calls == [("open_checkpoint", tmp_path / "net.pkl")]
    stage.forget()
    stage.frame()
    assert not stage.has("Browser/Open")
