"""The PoF3D visualizer: a window on a checkpoint or a training run, and pictures and videos without one.

    visualizer.py [FILE]                       open the window
    visualizer.py RUN                          open the window and follow a training run (its folder)
    visualizer.py render FILE --out a.png      render one picture
    visualizer.py record FILE --out a.mp4      record a video
    visualizer.py grid FILE --out a.png        render a grid of seeds and yaws
    visualizer.py mesh FILE --out a.glb        extract the surface as a mesh
    visualizer.py tour                         render a short session of the window offscreen

Every command explains its options with --help.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tyro

if TYPE_CHECKING:
    from viz.layout import Placement

COMMANDS = ("render", "record", "grid", "mesh", "tour")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line, without the program's name.

    Returns
    -------
    int
        Exit status.
    """
    # Idle OpenMP threads sleep instead of spinning. Read once, when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    rest = list(sys.argv[1:] if arguments is None else arguments)
    command = rest.pop(0) if rest and rest[0] in COMMANDS else "window"
    try:
        if command in ("render", "record", "grid"):
            from viz.cli import run

            return run(command, rest)
        if command == "mesh":
            from viz.mesh_command import run as run_mesh

            return run_mesh(rest)
        return _window(rest) if command == "window" else _tour(rest)
    except KeyboardInterrupt:
        return 130


def placements() -> list[Placement]:
    """Where the panels are at first: two places a side in a low window, more in a tall one."""
    from viz.layout import Placement
    from widgets import default_panels

    panels = {panel.title: panel for panel in default_panels()}
    return [
        Placement(panels["Checkpoint"], "left", (0, 0), 345, front=False),
        Placement(panels["Latent"], "left", (0, 0), 366),
        Placement(panels["Explore"], "left", (0, 0), 380, front=False),
        Placement(panels["Run"], "left", (0, 0), 345, front=False),
        Placement(panels["Pose"], "left", (1, 1), 369),
        Placement(panels["Camera"], "left", (1, 2), 355, front=False),
        Placement(panels["View"], "right", (0, 0), 365),
        Placement(panels["Geometry"], "right", (0, 0), 365, front=False),
        Placement(panels["Compare"], "right", (0, 0), 440, front=False),
        Placement(panels["Capture"], "right", (0, 2), 390, front=False),
        Placement(panels["Pose histogram"], "right", (1, 1), 345),
        Placement(panels["Internals"], "right", (1, 1), 345, front=False),
        Placement(panels["Performance"], "right", (1, 2), 390, front=False),
        Placement(panels["Timeline"], "bottom", height=170, optional=True),
    ]


def _window(arguments: Sequence[str]) -> int:
    from pof3d.download import is_url
    from viz.start import WindowOptions, display_missing, run_window

    options = _parse(WindowOptions, "visualizer.py", arguments, __doc__)
    if display_missing():
        if options.file is None or is_url(options.file) or os.path.exists(options.file):
            print("No display (DISPLAY is not set): rendering a tour of the window instead.", file=sys.stderr)
        out = ["--out", str(options.out)] if options.out else []
        return _tour([options.file, *out] if options.file else out)
    return run_window(options, placements)


def _tour(arguments: Sequence[str]) -> int:
    from viz.tour import TourOptions, run_tour

    options = _parse(TourOptions, "visualizer.py tour", arguments)
    return run_tour(options, placements)


def _parse(kind: type[Any], program: str, arguments: Sequence[str], description: str | None = None) -> Any:
    config = (tyro.conf.DisallowNone, tyro.conf.PositionalMetavarFromFieldName)
    return tyro.cli(kind, prog=program, description=description, args=list(arguments), config=config)


if __name__ == "__main__":
    sys.exit(main())
