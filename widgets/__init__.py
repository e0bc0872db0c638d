"""The panels of the window, one a file. They do not know each other; here they are put together."""

from __future__ import annotations

from viz.panel import Panel
from widgets.camera import CameraPanel
from widgets.capture import CapturePanel
from widgets.checkpoint import CheckpointPanel
from widgets.histogram import HistogramPanel
from widgets.latent import LatentPanel
from widgets.performance import PerformancePanel
from widgets.pose import PosePanel
from widgets.run import RunPanel
from widgets.timeline import TimelinePanel
from widgets.view import ViewPanel


def default_panels() -> list[Panel]:
    """One of each, in the order in which people need them."""
    return [
        CheckpointPanel(),
        LatentPanel(),
        RunPanel(),
        PosePanel(),
        CameraPanel(),
        ViewPanel(),
        HistogramPanel(),
        PerformancePanel(),
        CapturePanel(),
        TimelinePanel(),
    ]
