"""How meshes are made of a field. Plain values."""

from __future__ import annotations

from dataclasses import dataclass

from pof3d.errors import ConfigError

RESOLUTIONS = (16, 512)
"""Fewest and most samples along each side of the box."""
LEVELS = (0.01, 1000.0)
"""Smallest and largest density that a surface can be asked for at."""
FEWEST_FACES = 100
"""That a mesh can be simplified to."""


@dataclass(frozen=True)
class MeshSettings:
    """How a mesh is made."""

    resolution: int = 128
    """Samples along each side of the box; time and memory grow with the cube."""
    level: float | None = None
    """Density of the surface, per world unit; None: :func:`fitted_level`."""
    largest_only: bool = True
    """Whether only the largest connected part is kept."""
    faces: int | None = None
    """Simplify to about so many triangles; None: all that marching cubes gives."""


def check_settings(settings: MeshSettings) -> None:
    """Refuse settings that cannot be used.

    Raises
    ------
    ConfigError
        Naming the value and what it may be.
    """
    for what, value, (low, high) in (
        ("A grid resolution", settings.resolution, RESOLUTIONS),
        ("A density level", settings.level, LEVELS),
    ):
        if value is not None and not low <= value <= high:  # NaN fails, too
            raise ConfigError(f"{what} of {value:g} cannot be used", f"it must lie between {low} and {high}")
    if settings.faces is not None and settings.faces < FEWEST_FACES:
        raise ConfigError(
            f"A mesh of {settings.faces} faces cannot be made", f"it must have {FEWEST_FACES} or more"
        )
