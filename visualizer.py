"""The PoF3D visualizer: a window on a trained checkpoint, and pictures and videos without one.

    visualizer.py [FILE]                       open the window
    visualizer.py render FILE --out a.png      render one picture
    visualizer.py record FILE --out a.mp4      record a video
    visualizer.py tour                         render a short session of the window offscreen

Every command explains its options with --help.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

COMMANDS = ("render", "record", "tour")


@dataclass(frozen=True)
class WindowOptions:
    """How the window opens."""

    file: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None
    """Checkpoint to open. Without: the bundled one."""


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
        if command in ("render", "record"):
            from viz.cli import run

            return run(command, rest)
        if command == "tour":
            from viz.tour import run_tour

            return run_tour(rest)
        return _window(rest)
    except KeyboardInterrupt:
        return 130


def _window(arguments: Sequence[str]) -> int:
    options = tyro.cli(
        WindowOptions,
        prog="visualizer.py",
        description=__doc__,
        args=list(arguments),
        config=(tyro.conf.DisallowNone, tyro.conf.PositionalMetavarFromFieldName),
    )
    from viz.app import run_window

    return run_window(options.file)


if __name__ == "__main__":
    sys.exit(main())
