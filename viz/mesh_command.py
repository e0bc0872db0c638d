"""``visualizer.py mesh``: the surface of a generated object as a file, without a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from pof3d.errors import Pof3dError
from pof3d.mesh_settings import MeshSettings, check_settings
from viz.cli import Job, Token, carry_out, check_threads, complain
from viz.files import check_target
from viz.options import ContentOptions, Render, build_view
from viz.session_options import base_view, with_session
from viz.view import View

if TYPE_CHECKING:
    from rich.progress import Progress

    from viz.engine import Engine

_OWN: Any = tyro.conf.arg(help_behavior_hint="")
"""Options without a default of their own say in their text what happens without them."""


@dataclass(frozen=True)
class MeshOptions(ContentOptions):
    """Extract the coloured surface of an object to a .ply, .obj or .glb file.

    Vertices are in the world of the cameras: y up, world units. What is not given comes from --view, or is
    the network's own setting.
    """

    resolution: int = 256
    """Samples of the density along each side of the box, 16 to 512. Time and memory grow with the cube."""
    level: Annotated[float | None, _OWN] = None
    """Density of the surface, per world unit. Without: chosen so that the outlines are those of the image."""
    all_parts: bool = False
    """Keep what floats beside the object, too."""
    faces: Annotated[int | None, _OWN] = None
    """Simplify to about so many triangles. Without: all of them."""


def run(arguments: Sequence[str]) -> int:
    """Run ``mesh``.

    Returns
    -------
    int
        Exit status: 0; 1 when it failed; 2 when an option has a bad value; 130 after Ctrl-C.
    """
    options = parse(arguments)
    try:
        view, settings = build(options)
        check_threads(options.threads)
    except Pof3dError as error:
        return complain(error, 2)
    return carry_out(view, _job(view, settings, options.out), options.out, options.device, options.threads)


def parse(arguments: Sequence[str]) -> MeshOptions:
    """Options of the command; prints help or the mistake and exits where there is one."""
    options: Any = tyro.cli(
        MeshOptions,
        prog="visualizer.py mesh",
        args=list(arguments),
        config=(
            tyro.conf.DisallowNone,
            tyro.conf.FlagCreatePairsOff,
            tyro.conf.PositionalMetavarFromFieldName,
        ),
    )
    parsed: MeshOptions = options
    return parsed


def content(options: MeshOptions) -> Render:
    """Of which object the mesh is, as the options of a picture."""
    return Render(**{field.name: getattr(options, field.name) for field in fields(ContentOptions)})


def settings_of(options: MeshOptions) -> MeshSettings:
    """How the mesh is made."""
    return MeshSettings(options.resolution, options.level, not options.all_parts, options.faces)


def build(options: MeshOptions) -> tuple[View, MeshSettings]:
    """What the options describe; raises :class:`pof3d.errors.Pof3dError` for what cannot be used."""
    from pof3d.mesh_files import check_name

    check_name(options.out)
    settings = settings_of(options)
    check_settings(settings)
    check_target(options.out)
    picture, session = with_session(content(options))
    return build_view(picture, base_view(picture.view, session)), settings


def _job(view: View, settings: MeshSettings, out: Path) -> Job:
    def extract(engine: Engine, progress: Progress, cancelled: Token) -> None:
        from pof3d.mesh import make_mesh
        from pof3d.mesh_files import write_mesh
        from viz.files import save_error
        from viz.stages import Cancelled

        generator, planes = engine.field(view, cancelled)
        task = progress.add_task("Extracting", total=1.0, count="")

        def report(fraction: float, note: str) -> None:
            if cancelled():
                raise Cancelled
            progress.update(task, completed=fraction, description=note)

        mesh = make_mesh(generator, planes, settings, report)
        report(1.0, "Writing")
        try:
            write_mesh(mesh, out)
        except OSError as error:
            raise save_error(out, error) from error

    return extract
