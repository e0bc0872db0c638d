"""What a panel may have to draw: from nothing at all to everything at once, with names that are too long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

from pof3d.config import CARS, FFHQ
from pof3d.errors import CheckpointError
from pof3d.mesh_settings import MeshSettings
from pof3d.training.samples import PoseStatistics
from tests.widgets.stage import conditioned_info, context, frame, histogram, info, performance
from viz.comparing import CompareState, Comparison, pinned, shown_views
from viz.difference import difference
from viz.explore_state import Bookmark, DirectionsState, ExploreState, Visited
from viz.frame import Pose
from viz.jobs import JobState
from viz.pane_names import names
from viz.panel import LoadingState, Panel, PanelContext, PoseHistogram, RecordingState, RunState, Turntable
from viz.runs import RunListing, Snapshot, SnapshotState
from viz.shapes import GeometryState
from viz.view import CameraView, DisplayView, LatentView, PoseView, SamplingView, View
from viz.walks import Walk, WalkPath
from widgets import default_panels

TITLES = [panel.title for panel in default_panels()]

BUSY_VIEW = View(
    latent=LatentView(
        123456.3, -7.8, 0.7, 6, "none", "w", (1.5, 0.0, -2.0), mix_seed=4_294_967_295, mix_first=3, mix_end=6
    ),
    pose=PoseView("override", 0.3, 0.1),
    camera=CameraView(0.2, 0.1, 0.1, 3.1, 0.5, (0.1, 0.2, -0.3)),
    sampling=SamplingView(256, 96, 96),
    display=DisplayView("side_by_side", "viridis", (2.2, 3.1)),
)
LONG = Path("/a/very/long/path/that/goes/on/and/on/for/a/while") / ("with-a-long-name-" * 6 + ".pkl")


def contexts() -> dict[str, PanelContext]:
    empty_histogram = PoseHistogram(
        np.zeros((8, 4), np.int64),
        np.linspace(-1, 1, 9),
        np.linspace(-0.5, 0.5, 5),
        0,
        1000,
        Pose(0.0, 0.0),
        Pose(0.0, 0.0),
    )
    nothing = np.zeros(0, np.float32)
    bare = replace(info(FFHQ, LONG), provenance={}, has_pose_prediction=False)
    return {
        "empty": PanelContext(),
        "full": context(),
        "loading first": PanelContext(loading=LoadingState(LONG, 0.4, "reading the generator's tensors")),
        "failed": PanelContext(
            error=CheckpointError("cannot open x.pkl", "it is no checkpoint", "Try another.")
        ),
        "just opened": PanelContext(network=info(), histogram=empty_histogram),
        "nothing measured": context(performance=replace(performance(), ui_milliseconds=nothing)),
        "busy": context(
            network=bare,
            loading=LoadingState(LONG, 0.4, "reading"),
            recents=(LONG, Path("/gone.pkl")),
            histogram=histogram(10000),
            frame=replace(frame(), discriminator_pose=None, level="preview"),
            recording=RecordingState(LONG, 43, 120, "running", 7.5),
            turntable=Turntable(True, 60.0),
            capture_folder=LONG,
            message="Saved " + LONG.name,
            explore=_explored(),
        ),
        "recording failed": context(
            recording=RecordingState(
                LONG, 3, 120, "failed", None, CheckpointError("cannot write", "disk full")
            )
        ),
        "searching": context(explore=ExploreState(directions=lambda: DirectionsState(fraction=0.4))),
        "search failed": context(explore=ExploreState(directions=lambda: DirectionsState(error=str(LONG)))),
        "run without a snapshot": PanelContext(
            run=RunState(
                LONG.parent, True, RunListing(LONG.parent), message="Waiting for the first snapshot."
            )
        ),
        "run not read yet": context(run=RunState(LONG, True)),
        "run": context(run=_run(True, 2)),
        "run, elsewhere": context(run=replace(_run(False, None), message=str(LONG), alarming=True)),
        "comparing": context(comparison=_comparison()),
        "geometry": context(
            geometry=GeometryState(
                MeshSettings(512, 0.5, False, 200_000),
                making=JobState("Surface", 0.4, "Sampling the density", seconds_left=4000.0),
                saved=LONG,
            )
        ),
        "conditioned": context(network=conditioned_info(), histogram=None),
        "recording finished": context(
            network=info(CARS), recording=RecordingState(LONG, 120, 120, "finished")
        ),
    }


def _explored() -> ExploreState:
    picture = np.full((64, 64, 4), 128, np.uint8)
    return ExploreState(
        thumbnail=lambda latent: picture if latent.seed % 2 else None,
        directions=lambda: DirectionsState(tuple(0.3 / 1.5**i for i in range(10))),
        visited=tuple(Visited(LatentView(x=float(i)), picture) for i in range(7)),
        bookmarks=(Bookmark("short", View()), Bookmark("a name of many letters " * 2, BUSY_VIEW)),
        walk=Walk(WalkPath(((123456.0, -8.0), (123457.0, -7.5))), 0.4, True),
    )


def _run(following: bool, chosen: int | None) -> RunState:
    snapshots = tuple(
        Snapshot(f"network-{k:06d}.safetensors", 1000 * k, state, 5.0, None, PoseStatistics(0.1, k, 0.0, 0.1))
        for k, state in zip((4, 8, 12), get_args(SnapshotState), strict=True)
    )
    loading = LoadingState(LONG, 0.4, "reading") if following else None
    return RunState(LONG, following, RunListing(LONG, snapshots), chosen, 1e6, loading)


def _comparison() -> CompareState:
    """Four panes with long names, one of which failed, and a grid under way."""
    comparison = pinned(pinned(pinned(Comparison(layout="difference"), BUSY_VIEW), BUSY_VIEW), BUSY_VIEW)
    pictures = {pane.key: frame(BUSY_VIEW) for pane in comparison.panes}
    return CompareState(
        comparison,
        (BUSY_VIEW,) * 4,
        (LONG.stem, *names(comparison, shown_views(comparison, BUSY_VIEW))[1:]),
        pictures,
        {comparison.panes[0].key: CheckpointError(f"cannot open {LONG}", "it is damaged")},
        difference(frame().rgba, frame().rgba),
        job=JobState("Grid of seeds and yaws", 0.3, "9 / 30", seconds_left=75.0),
    )


def panel_of(title: str) -> Panel:
    return next(panel for panel in default_panels() if panel.title == title)
