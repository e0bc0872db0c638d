"""What panels see of the program, gathered once a frame."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viz.panel import PanelContext, Performance

if TYPE_CHECKING:
    from viz.program import Program


def panel_context(program: Program, ui_milliseconds: NDArray[np.float32], scale: float) -> PanelContext:
    """One interface frame's worth of facts.

    Parameters
    ----------
    program : Program
        Whose.
    ui_milliseconds : array
        The interface's own work per frame, newest last.
    scale : float
        Interface units per design pixel.
    """
    settings, rendering = program.settings, program.rendering
    loading = program.fetching.loading or rendering.loading
    run = program.run.state(rendering.loading) if program.run is not None else None
    if run is not None and run.loading is not None and program.frame is not None:
        loading = None  # snapshots come quietly: the Run panel says so
    recorded = program.run.histogram if program.run is not None else None
    return PanelContext(
        frame=program.frame,
        error=program.error,
        network=rendering.network_info,
        loading=loading,
        question=program.question,
        histogram=recorded or rendering.histogram,
        run=run,
        internals=program.inspector.state,
        recording=program.capturing.state,
        recorded=program.capturing.recorded,
        comparison=program.compare_state(),
        recording_seconds=program.capturing.pace.seconds(program.view, program.capturing.request),
        # Looked up only then: the first picture comes first.
        missing_formats=program.capturing.missing_formats if program.frame is not None else {},
        performance=Performance(
            ui_milliseconds,
            rendering.preview_milliseconds,
            rendering.threads,
            rendering.device,
            program.surroundings.devices,
            rendering.memory,
            settings.memory_mib * 2**20,
        ),
        turntable=program.turntable,
        poses=program.poses.state,
        explore=program.exploring.state(),
        geometry=program.geometry.state(),
        playback=program.playback,
        recents=_paths(settings.recents),
        bundled=program.surroundings.bundled,
        favourites=_paths(settings.favourites),
        drops=program.surroundings.drops,
        last_folder=_folder(settings.last_folder or os.path.dirname(program._network)),
        capture_folder=program.capturing.folder,
        message=program.notices.message if program.notices.left(program.now) > 0 else "",
        scale=scale,
    )


@lru_cache(8)
def _paths(names: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(map(Path, names))


def _folder(name: str) -> Path:
    """By its name; without one, the user's own."""
    return _paths((name,))[0] if name else Path.home()
