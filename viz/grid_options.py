"""The options of ``grid``, and which grid they mean."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from pof3d.errors import ConfigError
from viz.files import check_target
from viz.options import Angle, PictureOptions
from viz.view import View

if TYPE_CHECKING:
    from viz.grid import GridRequest  # which needs torch

_OWN: Any = tyro.conf.arg(help_behavior_hint="")
_LISTS = ("--seeds", "--yaws")


@dataclass(frozen=True)
class Grid(PictureOptions):
    """Render a grid to a .png file: one seed a row, one yaw a column.

    What is not given comes from --view, else it is the network's own setting.
    """

    seeds: Annotated[str, _OWN] = ""
    """Rows, such as 0,1,2 or 0-7. Without: six from --seed on."""
    yaws: Annotated[str, _OWN] = "-40,-20,0,20,40"
    """Columns, degrees, 0 = front, such as -40,0,40. Without: -40,-20,0,20,40."""
    pitch: Annotated[Angle | None, _OWN] = None
    """Of all pictures, degrees, positive = from below, or "predicted": each seed's own. Without: as in the
    view, else predicted."""
    size: int = 192
    """Side of one picture, pixels; --mode side_by_side doubles the width."""


def joined_lists(arguments: Sequence[str]) -> list[str]:
    """The same with "--yaws -40,0" as "--yaws=-40,0": it would be taken for another option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in _LISTS and re.match(r"-[\d.]", argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def build_grid(view: View, options: Grid) -> GridRequest:
    """The grid that the options describe.

    Raises
    ------
    ConfigError
        For a value that cannot be used.
    SaveError
        When the file cannot be written.
    """
    from viz.comparing import GridPlan
    from viz.grid import GridRequest, check_grid, planned

    if options.out.suffix.lower() != ".png":
        raise ConfigError(f"{options.out.name} is no name for a picture", "it should end in .png")
    own = planned(view, GridPlan())
    pitch = own.pitch
    if options.pitch is not None:
        pitch = None if options.pitch == "predicted" else math.radians(float(options.pitch))
    seeds = _seeds(options.seeds) if options.seeds else own.seeds
    request = GridRequest(seeds, _yaws(options.yaws), pitch, options.size)
    check_grid(request, view)
    check_target(options.out)
    return request


def _seeds(text: str) -> tuple[int, ...]:
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,10})(?:-(\d{1,10}))?\s*", part)
        if found is None:
            raise ConfigError(
                f"{part.strip() or text!r} is no seed", "--seeds takes numbers as in 0,1,2 or 0-7"
            )
        first, last = int(found[1]), int(found[2] or found[1])
        if not 0 <= last - first < 10_000:
            raise ConfigError(f"{part.strip()} are no seeds", "the last must not be less than the first")
        seeds.extend(range(first, last + 1))
    return tuple(seeds)


def _yaws(text: str) -> tuple[float, ...]:
    try:
        return tuple(math.radians(float(part)) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"{text!r} is no list of yaws", "--yaws takes degrees as in -40,0,40") from None
