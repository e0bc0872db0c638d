"""Ten thousand random things that a user can do, on the whole program with a small network."""

from __future__ import annotations

import gc
import logging
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from imgui_bundle import imgui

import visualizer
from pof3d.memory import allocated_bytes
from tests.viz.nets import save_tiny
from viz.actions import ACTIONS
from viz.app import App
from viz.marks import Rect, Registry
from viz.program import Program
from viz.start import make_program
from viz.surroundings import Surroundings
from viz.view import LatentView, NetworkView, View
from viz.window import OffscreenWindow

pytestmark = [pytest.mark.window, pytest.mark.long, pytest.mark.timeout(900)]

STEPS = 10_000
SEED = 1
SIZE = (1280, 720)
LEFT_ALONE = ("quit", "Quit", "Fetch", "Performance/Budget")
"""What would end the walk, reach for the net, or let memory grow by intention."""
MOST_GROWTH = 24
"""Of allocated memory in the second half, MiB."""
BUDGET = 8
"""Of networks and results, MiB: reached early, so that what grows later is a leak."""
KEYS = (
    "tab",
    "enter",
    "escape",
    "left_arrow",
    "right_arrow",
    "up_arrow",
    "down_arrow",
    "delete",
    "home",
    "end",
)
WORDS = ("7", "0.5", "-3", "1e9", "cat", "]", "[[", "nan", "ψ", "12345678901234567890", "?")


class Walker:
    """A user without a plan."""

    def __init__(self, app: App, seed: int) -> None:
        self.app, self.window = app, app.window
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        app.registry = Registry()

    def frame(self) -> None:
        self.app.frame()

    def place(self) -> tuple[str, tuple[float, float]]:
        """A control, or any point."""
        registry = self.app.registry
        assert registry is not None
        names = [name for name, rect in registry.rects.items() if rect.enabled]
        names = [name for name in names if not any(word in name for word in LEFT_ALONE)]
        if not names or self.random.random() < 0.1:
            return "anywhere", (self.random.uniform(0, SIZE[0]), self.random.uniform(0, SIZE[1]))
        name = self.random.choice(names)
        rect: Rect = registry.rects[name]
        return name, rect.at(self.random.random(), self.random.random())

    def step(self) -> str:
        """One thing; what it was."""
        kinds = (self.click, self.drag, self.wheel, self.key, self.type, self.ask)
        kind = self.random.choices(kinds, (8, 4, 2, 2, 1, 3))[0]
        self.done[kind.__name__] += 1
        return f"{kind.__name__} {kind()}"

    def move(self) -> str:
        name, point = self.place()
        self.window.on_mouse_move(*point)
        self.frame()
        return name

    def click(self) -> str:
        name = self.move()
        button = self.random.choices((0, 1), (6, 1))[0]
        self.window.on_mouse_button(button, True)
        self.frame()
        self.window.on_mouse_button(button, False)
        self.frame()
        return f"{button} {name}"

    def drag(self) -> str:
        name, (x, y) = self.place()
        self.window.on_mouse_move(x, y)
        self.frame()
        self.window.on_mouse_button(0, True)
        self.frame()
        self.window.on_mouse_move(x + self.random.gauss(0, 60), y + self.random.gauss(0, 30))
        self.frame()
        self.window.on_mouse_button(0, False)
        self.frame()
        return name

    def wheel(self) -> str:
        name = self.move()
        self.window.on_wheel(0.0, self.random.choice((-1.0, 1.0, 0.3)))
        self.frame()
        return name

    def key(self) -> str:
        name = self.random.choice(KEYS)
        code = getattr(imgui.Key, name)
        self.window.on_key(code, True)
        self.frame()
        self.window.on_key(code, False)
        self.frame()
        return name

    def type(self) -> str:
        text = self.random.choice(WORDS)
        for character in text:
            self.window.on_character(ord(character))
        self.frame()
        return text

    def ask(self) -> str:
        action = self.random.choice([one for one in ACTIONS if one.name not in LEFT_ALONE])
        if action.enabled(self.app.program):
            action.run(self.app.program)
        self.frame()
        return action.name


def at_rest(program: Program) -> bool:
    """Whether nothing goes on by itself: no picture on its way, no movement, no job in the background."""
    if program.rendering.busy or program.rendering.loading is not None or program.moving:
        return False
    return not ending_threads()


def ending_threads() -> list[str]:
    """Names of the threads that end with their work: a recording's holds an encoder's memory until then."""
    names = [thread.name for thread in threading.enumerate()]
    once = ("recorder", "files", "folder", "fetch", "dropped", "encoders")
    return [name for name in names if name in once or name.startswith("job: ")]


def come_to_rest(program: Program, app: App, seed: int) -> tuple[int, float]:
    """Python's blocks of memory, and MiB allocated otherwise, once all that goes on by itself has ended.

    One image of a seed is shown then, with its network's own settings: large images, surfaces, points and
    several panes take what they take.
    """
    while program.comparison.panes:
        program.remove_pane(0 if program.comparison.active else 1)  # not the active one
    program.edit(View(network=program.view.network, latent=LatentView(seed)))
    program.pause()
    program.play_timeline(False)
    if program.exploring.walk is not None and program.exploring.walk.playing:
        program.toggle_walk()
    for stop in (
        program.cancel_recording,
        program.cancel_geometry,
        program.cancel_grid,
        program.cancel_image_poses,
    ):
        stop()
    deadline = time.monotonic() + 120
    frames_at_rest = 0
    while frames_at_rest < 2:  # what has ended is taken in a frame, and something else may begin in it
        program.notices.message = ""
        assert time.monotonic() < deadline, f"it does not come to rest: {threading.enumerate()}"
        app.frame()
        time.sleep(0.005)
        frames_at_rest = frames_at_rest + 1 if at_rest(program) else 0
    gc.collect()
    # Not gc.get_objects(): it holds tuples that other threads are just making, which CPython takes amiss.
    return sys.getallocatedblocks(), (allocated_bytes() or 0) / 2**20


def test_ten_thousand_steps(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    networks = [save_tiny(tmp_path / f"{name}.safetensors", seed=i) for i, name in enumerate("ab")]
    window = OffscreenWindow(SIZE)
    surroundings = Surroundings(bundled=networks, capture_folder=tmp_path / "out")
    program = make_program(View(network=NetworkView(str(networks[0]))), surroundings, window.wake, threads=1)
    program.set_memory_budget(BUDGET)
    app = App(window, program, visualizer.placements())
    walker = Walker(app, SEED)
    blocks: list[int] = []
    memory: list[float] = []
    last = ""
    try:
        with caplog.at_level(logging.ERROR):
            for step in range(STEPS):
                last = walker.step()
                if caplog.records:
                    pytest.fail(
                        f"step {step}, {last}: {caplog.records[0].getMessage()}\n{caplog.text[-3000:]}"
                    )
                if step in (STEPS // 2, STEPS - 1):
                    found = come_to_rest(program, app, step)
                    blocks.append(found[0])
                    memory.append(found[1])
            # It shows what it says that it shows.
            come_to_rest(program, app, STEPS)
        assert program.frame is not None
        assert program.error is not None or program.frame.view == program.view
        assert not caplog.records
    finally:
        app.close()
        window.close()
    assert min(walker.done.values()) > STEPS / 50
    assert blocks[1] < 1.1 * blocks[0], f"Python's blocks of memory grew from {blocks[0]} to {blocks[1]}"
    # Not the resident size: how much of what is freed the allocator keeps depends on when threads meet.
    assert memory[1] < memory[0] + MOST_GROWTH, (
        f"allocated memory grew from {memory[0]:.0f} to {memory[1]:.0f} MiB"
    )
    names = [thread.name for thread in threading.enumerate() if thread.name in ("render", "recorder")]
    assert not names
