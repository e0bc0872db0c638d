"""Walks, the lock, visited latents and bookmarks in the window, on a stand-in for the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from imgui_bundle import imgui

from tests.viz.app.conftest import Desk
from viz import bookmarks
from viz.explorations import STAY_SECONDS, Exploring
from viz.view import LatentView, NetworkView, View
from viz.walks import Walk, WalkPath

PATH = WalkPath(((2.0, 0.0), (5.0, 0.0)))


def stay(desk: Desk, seconds: float = STAY_SECONDS) -> None:
    """Let time go by."""
    usual, desk.window.frame_seconds = desk.window.frame_seconds, 0.1
    desk.user.frame(round(seconds / 0.1) + 2)
    desk.window.frame_seconds = usual


def seeds(desk: Desk) -> list[int]:
    return [one.latent.seed for one in desk.program.exploring.visited]


def walking(desk: Desk) -> bool:
    walk = desk.program.exploring.walk
    return walk is not None and walk.playing


def locked(desk: Desk) -> bool:
    return desk.program.camera_locked


# ---------------------------------------------------------------------------------------------- walks
def test_a_walk_moves_the_latent_and_is_one_step(desk: Desk) -> None:
    program = desk.program
    before = desk.view
    program.set_walk(Walk(PATH, playing=True, speed=1.0))
    desk.user.frame(2)
    first = desk.view.latent.x
    desk.user.frame(20)
    assert 2.0 <= first < desk.view.latent.x < 5.0
    assert desk.app.animating
    program.toggle_walk()
    desk.user.frame()
    still = desk.view
    desk.user.frame(5)
    assert desk.view == still
    program.undo()
    assert desk.view == before


def test_who_goes_elsewhere_stops_the_walk(desk: Desk) -> None:
    program = desk.program
    program.set_walk(Walk(PATH, playing=True))
    desk.user.frame(3)
    program.edit(replace(desk.view, latent=replace(desk.view.latent, truncation_psi=0.5)))
    assert walking(desk), "what does not move on the map does not count"
    desk.user.type("]")
    assert not walking(desk)
    seed = desk.view.latent.seed
    desk.user.frame(5)
    assert desk.view.latent == replace(desk.view.latent, x=float(seed), y=0.0)


# ------------------------------------------------------------------------------------------- the camera
def test_the_lock_holds_the_camera_while_the_latent_changes(desk: Desk) -> None:
    program = desk.program
    desk.user.type("]")
    desk.user.frame(3)
    assert program.frame is not None
    pose, before = program.frame.camera_pose, desk.view
    desk.user.key(imgui.Key.l)
    assert locked(desk)
    desk.user.type("]]]")
    desk.user.frame(3)
    assert program.frame.camera_pose == pose
    assert program.frame.generator_pose != pose, "the predicted pose moves on"
    desk.user.key(imgui.Key.l)
    desk.user.frame(3)
    assert not locked(desk)
    assert program.frame.camera_pose == program.frame.generator_pose
    for _ in range(3):
        program.undo()
    assert desk.view == before


# --------------------------------------------------------------------------------------- visited latents
def test_latents_looked_at_for_a_while_are_remembered_once(desk: Desk) -> None:
    stay(desk)
    assert seeds(desk) == [0]
    desk.user.type("]]]")
    desk.user.frame(3)
    desk.user.type("]]")
    stay(desk)
    assert seeds(desk) == [5, 0], "not those passed by"
    desk.user.type("[[[[[")
    stay(desk)
    assert seeds(desk) == [0, 5]
    assert desk.program.exploring.visited[0].picture.shape == (64, 64, 4)


def test_the_first_latent_counts_and_others_stay_with_their_network(desk: Desk) -> None:
    program = desk.program
    desk.rendering.held = True
    desk.user.type("]]")
    program.exploring._looked_at, program.exploring._noted = ("", program.view.latent), True
    program._network = "/nets/good.safetensors"
    desk.rendering.held = False
    desk.rendering.submit(program.view)
    stay(desk)
    assert seeds(desk) == [2], "what was shown from the start, before the network was there"
    program.open_checkpoint(Path("/nets/good too.safetensors"))
    desk.user.frame(3)
    assert seeds(desk) == [], "those are another network's"
    stay(desk)
    assert seeds(desk) == [2]
    assert program.last_latent is None


def test_back_to_the_latent_before(desk: Desk) -> None:
    stay(desk)
    desk.user.type("]]]")
    desk.program.go_to_last_latent()
    stay(desk)
    assert desk.view.latent.seed == 0, "the only one that was looked at"
    desk.user.type("]]]")
    stay(desk)
    desk.program.go_to_last_latent()
    assert desk.view.latent.seed == 0
    desk.program.undo()
    assert desk.view.latent.seed == 3


def test_a_walk_visits_nothing_before_it_rests(desk: Desk) -> None:
    stay(desk)
    desk.program.set_walk(Walk(PATH, playing=True, speed=0.1))
    stay(desk, 2.0)
    assert seeds(desk) == [0]
    desk.program.toggle_walk()
    stay(desk)
    assert len(seeds(desk)) == 2


def test_what_has_no_picture_is_not_visited(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(path="/nets/bad.safetensors")
    stay(desk, 3.0)
    assert seeds(desk) == []
    assert not desk.app.animating


# -------------------------------------------------------------------------------------------- bookmarks
def test_a_bookmark_brings_everything_back(desk: Desk) -> None:
    program = desk.program
    desk.user.type("]]")
    desk.user.key(imgui.Key.d)
    kept = desk.view
    desk.user.key(imgui.Key.b)
    assert [mark.name for mark in program.exploring.bookmarks] == ["good, seed 2"]
    assert "good, seed 2" in program.notices.message
    desk.user.type("]")
    desk.user.key(imgui.Key.d)
    elsewhere = desk.view
    program.go_to_bookmark(0)
    desk.user.frame(2)
    assert desk.view == kept
    program.undo()
    assert desk.view == elsewhere


def test_a_bookmark_opens_its_network(desk: Desk) -> None:
    program = desk.program
    desk.user.key(imgui.Key.b)
    program.open_checkpoint(Path("/nets/other.safetensors"))
    desk.user.frame(3)
    program.go_to_bookmark(0)
    desk.user.frame(3)
    assert desk.view.network == NetworkView("/nets/good.safetensors")
    program.rename_bookmark(0, "mine")
    program.go_to_bookmark(7)
    assert [mark.name for mark in program.exploring.bookmarks] == ["mine"]
    program.delete_bookmark(0)
    assert program.exploring.bookmarks == ()


def test_bookmarks_are_kept_for_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config" / "bookmarks.json"
    monkeypatch.setattr(bookmarks, "bookmarks_path", lambda: path)
    exploring = Exploring(None, remember=True)
    exploring.keep(bookmarks.added((), "mine", View(latent=LatentView(x=4.0))))
    assert json.loads(path.read_text())["bookmarks"][0]["name"] == "mine"
    assert Exploring(None, remember=True).bookmarks == exploring.bookmarks
    assert Exploring(None, remember=False).bookmarks == ()
