"""The Explore panel with a real network and its workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import visualizer
from viz.app import App
from viz.start import make_program
from viz.surroundings import Surroundings
from viz.testing import Driver
from viz.view import NetworkView, View
from viz.window import OffscreenWindow

pytestmark = [pytest.mark.window, pytest.mark.timeout(120)]


def test_what_it_shows_comes_by_itself_and_is_what_a_click_gives(tiny: Path, tmp_path: Path) -> None:
    window = OffscreenWindow((1280, 1400))
    surroundings = Surroundings(capture_folder=tmp_path)
    program = make_program(View(network=NetworkView(str(tiny))), surroundings, window.wake)
    app = App(window, program, visualizer.placements())
    try:
        user = Driver(app)
        user.settle()
        assert program.exploring.search._jobs == {}, "nothing is found for a panel that nobody sees"
        program.panel_wanted = "Explore"
        user.frame(5)
        user.wait_until(lambda: "Explore/Direction 1" in user.registry.rects, 20)
        user.wait_until(lambda: not program.exploring.thumbnails.busy, 20)

        picture = program.exploring.thumbnails.get(program.view.latent)
        slider = user.rect("Explore/Direction 1")
        user.drag(slider.at(0.5, 0.5), slider.at(0.8, 0.5))
        user.settle()
        moved = program.view.latent
        assert moved.directions[0] > 1.0
        assert program.frame is not None
        assert program.frame.view.latent == moved
        user.frame(3)
        user.wait_until(lambda: not program.exploring.thumbnails.busy, 20)
        other = program.exploring.thumbnails.get(moved)
        assert picture is not None
        assert other is not None
        assert not np.array_equal(picture, other), "the strip shows what the directions do"

        user.click("Explore/Neighbour +1")
        user.settle()
        assert program.view.latent.seed == 1
        assert program.view.latent.directions == moved.directions
        program.undo()
        program.undo()
        assert program.view == View(network=NetworkView(str(tiny))), "a drag is one step"
    finally:
        app.close()
        window.close()
