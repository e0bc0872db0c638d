"""Make the pictures of the window in docs/images again, from the bundled checkpoint and without a screen."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

import visualizer  # noqa: E402
from pof3d.errors import Pof3dError  # noqa: E402

from viz.window import OffscreenWindow  # isort: skip  # noqa: E402
from imgui_bundle import imgui  # noqa: E402

from viz.app import App  # noqa: E402
from viz.captures import save_pixels  # noqa: E402
from viz.start import bundled_checkpoints, first_view, make_program  # noqa: E402
from viz.surroundings import Surroundings  # noqa: E402
from viz.testing import Driver  # noqa: E402

SIZE = (1280, 720)
SEED, DEPTH_SEED = 15, 12


def save(user: Driver, path: Path) -> None:
    user.settle()
    # The mouse leaves, so that nothing is lit.
    user.app.window.on_mouse_leave()
    user.frame(3)
    pixels: NDArray[np.uint8] = user.screenshot()
    save_pixels(np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]), path)
    print(path)


def go_to_seed(user: Driver, seed: int) -> None:
    step = seed - user.app.program.view.latent.seed
    user.type(("]" if step > 0 else "[") * abs(step))
    user.settle()


def _geometry(user: Driver, folder: Path) -> None:
    program = user.app.program
    program.panel_wanted = "Geometry"
    user.key(imgui.Key.g)
    user.wait_until(lambda: program.geometry.state().surface is not None)
    save(user, folder / "window-geometry.png")
    user.key(imgui.Key.g)
    user.key(imgui.Key.g)


def _compare(user: Driver, folder: Path) -> None:
    program = user.app.program
    program.panel_wanted = "Compare"
    for seed in (DEPTH_SEED + 3, DEPTH_SEED + 6):
        program.pin_view()
        go_to_seed(user, seed)
    user.wait_until(lambda: not program.panes_waiting)
    program.notices.message = ""
    save(user, folder / "window-compare.png")
    user.key(imgui.Key.c)
    program.panel_wanted = "View"
    user.frame(4)


def _timeline(user: Driver, folder: Path) -> None:
    program = user.app.program
    user.key(imgui.Key.t)
    for step in (0, 2, 5):
        go_to_seed(user, SEED + step)
        user.key(imgui.Key.k)
    user.wait_until(lambda: len(program.playback.pictures) == 3)
    save(user, folder / "window-timeline.png")
    user.key(imgui.Key.t)


def take(checkpoint: Path | None, folder: Path) -> None:
    bundled = bundled_checkpoints()
    view = first_view(checkpoint, None, bundled)
    if not view.network.path:
        raise Pof3dError(
            "there is nothing to show", "no checkpoint is bundled", "Name one with --checkpoint."
        )
    folder.mkdir(parents=True, exist_ok=True)
    window = OffscreenWindow(SIZE)
    program = make_program(view, Surroundings(bundled=bundled), window.wake)
    app = App(window, program, visualizer.placements())
    try:
        user = Driver(app)
        user.wait_until(lambda: program.frame is not None or program.error is not None)
        if program.error is not None:
            raise program.error
        rendering = program.rendering
        user.wait_until(
            lambda: rendering.histogram and rendering.histogram.samples == rendering.histogram.target
        )
        go_to_seed(user, SEED)
        save(user, folder / "window.png")
        go_to_seed(user, DEPTH_SEED)
        picture = user.rect("Viewport/Picture")
        user.drag(picture.at(0.5, 0.5), picture.at(0.6, 0.46))
        user.key(imgui.Key.d)
        save(user, folder / "window-depth.png")
        user.key(imgui.Key.d)
        _geometry(user, folder)
        _compare(user, folder)
        _timeline(user, folder)
    finally:
        app.close()
        window.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, help="file to show; the bundled one by default")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", help="folder for the pictures")
    options = parser.parse_args()
    try:
        take(options.checkpoint, options.out)
    except Pof3dError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
