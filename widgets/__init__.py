"""The panels of the window, one a file. They do not know each other; here they are put together."""

from __future__ import annotations

from viz.panel import Panel
from widgets.camera import CameraPanel
from widgets.capture import CapturePanel
from widgets.checkpoint import CheckpointPanel
from widgets.compare import ComparePanel
from widgets.explore import ExplorePanel
from widgets.geometry import GeometryPanel
from widgets.histogram import HistogramPanel
from widgets.image_poses import ImagePosesView
from widgets.internals import InternalsPanel
from widgets.latent import LatentPanel
from widgets.performance import PerformancePanel
from widgets.pose import PosePanel
from widgets.run import RunPanel
from widgets.sphere import SphereView
from widgets.timeline import TimelinePanel
from widgets.view import ViewPanel


def default_panels() -> list[Panel]:
    """One of each, in the order in which people need them."""
    return [
        CheckpointPanel(),
        LatentPanel(),
        ExplorePanel(),
        RunPanel(),
        PosePanel(),
        CameraPanel(),
        ViewPanel(),
        GeometryPanel(),
        ComparePanel(),
        HistogramPanel([SphereView(), ImagePosesView()]),
        PerformancePanel(),
        InternalsPanel(),
        CapturePanel(),
        TimelinePanel(),
    ]
