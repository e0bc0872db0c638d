"""Make data sets, train PoF3D networks, measure, inspect and convert them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import tyro
from rich.console import Console
from rich.text import Text

from pof3d.checkpoint.commands import Convert, Info, run_convert, run_info
from pof3d.data.make import MakeData
from pof3d.data.make import run as run_make_data
from pof3d.errors import Pof3dError
from pof3d.evaluation.run import Evaluate
from pof3d.evaluation.run import run as run_evaluate
from pof3d.text import printable
from pof3d.training.config import PRESETS, PresetName
from pof3d.training.run import Train
from pof3d.training.run import run as run_train


def _chosen_preset(arguments: list[str]) -> PresetName:
    """The preset named in the arguments: it sets the defaults of all other training options."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--preset")
    named = parser.parse_known_args(arguments)[0].preset
    return next((name for name in get_args(PresetName) if name == named), "toy-cats")


Command = MakeData | Train | Evaluate | Info | Convert


def parse(arguments: list[str]) -> Command:
    """Options of the command line; prints help or the mistake and exits where there is one."""
    preset = _chosen_preset(arguments)
    defaults = Train(
        data=tyro.MISSING,
        out=Path("runs") / preset,
        preset=preset,
        training=PRESETS[preset].training,
        network=PRESETS[preset].network,
    )
    command: Any = (
        Annotated[MakeData, tyro.conf.subcommand("make-data")]
        | Annotated[Train, tyro.conf.subcommand("train", default=defaults)]
        | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
        | Annotated[Info, tyro.conf.subcommand("info")]
        | Annotated[Convert, tyro.conf.subcommand("convert")]
    )
    options: Command = tyro.cli(command, prog="python -m pof3d", description=__doc__, args=arguments)
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run one command; errors are one message on the standard error stream and status 1."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        match options:
            case MakeData():
                return run_make_data(options)
            case Train():
                return run_train(options)
            case Evaluate():
                return run_evaluate(options)
            case Info():
                return run_info(options)
            case Convert():
                return run_convert(options)
    except Pof3dError as error:
        message = Text.assemble(("Error: ", "bold red"), printable(str(error)))
        Console(stderr=True, highlight=False).print(message, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
