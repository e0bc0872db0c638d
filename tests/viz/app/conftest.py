"""A window that nobody sees, with stand-ins for the model and two small panels, and a user made of code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.viz.stand_ins import DummyPanel, StandInRecording, StandInRendering
from viz.app import App
from viz.layout import Placement
from viz.program import Program
from viz.surroundings import Surroundings
from viz.testing import Driver
from viz.view import NetworkView, View
from viz.window import OffscreenWindow


@dataclass
class Desk:
    """Everything that a test may want to look at."""

    user: Driver
    app: App
    window: OffscreenWindow
    rendering: StandInRendering
    recording: StandInRecording
    panels: list[DummyPanel]

    @property
    def program(self) -> Program:
        return self.app.program

    def playing(self) -> bool:
        """Whether the turntable turns."""
        return self.app.program.turntable.playing

    def mode(self) -> str:
        """What of a rendering is shown."""
        return self.app.program.view.display.mode

    @property
    def view(self) -> View:
        return self.app.program.view


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    opened: list[App] = []

    def make(
        size: tuple[int, int] = (1000, 600),
        scale: float = 1.0,
        path: str = "/nets/good.safetensors",
        placements: list[Placement] | None = None,
        layout: str = "",
    ) -> Desk:
        window = OffscreenWindow(size, scale=scale)
        rendering, recording = StandInRendering(), StandInRecording()
        program = Program(
            rendering,
            recording,
            view=View(network=NetworkView(path)),
            surroundings=Surroundings(capture_folder=tmp_path / "out"),
        )
        panels = [DummyPanel("One"), DummyPanel("Two")]
        places = placements or [Placement(panels[0], "left"), Placement(panels[1], "right")]
        app = App(window, program, places, layout=layout)
        opened.append(app)
        desk = Desk(Driver(app), app, window, rendering, recording, panels)
        desk.user.frame(3)
        return desk

    yield make
    for app in opened:
        app.close()
        app.window.close()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()
