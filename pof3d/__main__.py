"""Command line of the PoF3D system: ``python -m pof3d make-data | train``."""

from __future__ import annotations

import sys
from typing import Annotated

import tyro
from rich.console import Console

from pof3d.data.make import MakeData
from pof3d.data.make import run as run_make_data
from pof3d.errors import Pof3dError
from pof3d.training.run import Train
from pof3d.training.run import run as run_train

Command = (
    Annotated[MakeData, tyro.conf.subcommand("make-data")] | Annotated[Train, tyro.conf.subcommand("train")]
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; errors are one message on the standard error stream and status 1."""
    command = tyro.cli(Command, prog="python -m pof3d", description=__doc__, args=arguments)  # type: ignore[call-overload]
    try:
        return run_make_data(command) if isinstance(command, MakeData) else run_train(command)
    except Pof3dError as error:
        Console(stderr=True, highlight=False).print(f"[bold red]Error:[/] {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
