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
from viz.frame import Pose
from viz.jobs import JobState
from viz.panel import LoadingState, Panel, PanelContext, PoseHistogram, RecordingState, RunState, Turntable
from viz.runs import RunListing, Snapshot, SnapshotState
from viz.shapes import GeometryState
from viz.view import CameraView, DisplayView, LatentView, PoseView, SamplingView, View
from widgets import default_panels

TITLES = [panel.title for panel in default_panels()]

BUSY_VIEW = View(
    latent=LatentView(123456.3, -7.8, 0.7, 6, "none"),
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
        ),
        "recording failed": context(
            recording=RecordingState(
                LONG, 3, 120, "failed", None, CheckpointError("cannot write", "disk full")
            )
        ),
        "run without a snapshot": PanelContext(
            run=RunState(
                LONG.parent, True, RunListing(LONG.parent), message="Waiting for the first snapshot."
            )
        ),
        "run not read yet": context(run=RunState(LONG, True)),
        "run": context(run=_run(True, 2)),
        "run, elsewhere": context(run=replace(_run(False, None), message=str(LONG), alarming=True)),
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


def _run(following: bool, chosen: int | None) -> RunState:
    snapshots = tuple(
        Snapshot(f"network-{k:06d}.safetensors", 1000 * k, state, 5.0, None, PoseStatistics(0.1, k, 0.0, 0.1))
        for k, state in zip((4, 8, 12), get_args(SnapshotState), strict=True)
    )
    loading = LoadingState(LONG, 0.4, "reading") if following else None
    return RunState(LONG, following, RunListing(LONG, snapshots), chosen, 1e6, loading)


def panel_of(title: str) -> Panel:
    return next(panel for panel in default_panels() if panel.title == title)
