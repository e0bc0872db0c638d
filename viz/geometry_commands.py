"""What panels and keys ask about geometry: a word to :class:`viz.geometry.Geometry`, or another View."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pof3d.mesh_settings import MeshSettings
from viz.capturing import Capturing
from viz.comparing import COMPARING_SHOWS_IMAGES, Comparison
from viz.frame import Frame
from viz.geometry import Geometry
from viz.shapes import CloudSettings, DepthFormat, MeshFormat, SliceRequest
from viz.view import Geometry as Shown
from viz.view import View

_NEXT: dict[Shown, Shown] = {"image": "surface", "surface": "points", "points": "image"}


class GeometryCommands:
    """The part of :class:`viz.program.Program` that is about geometry."""

    geometry: Geometry
    capturing: Capturing
    view: View
    frame: Frame | None
    panel_wanted: str
    edit: Callable[..., None]
    comparison: Comparison
    notify: Callable[[str], None]

    def set_mesh_settings(self, settings: MeshSettings) -> None:
        """Make surfaces like this."""
        self.geometry.settings = settings

    def extract_mesh(self) -> None:
        """Make the surface with all that the settings ask for."""
        self.geometry.extract()

    def cancel_geometry(self) -> None:
        """Stop making a surface, points or a file."""
        self.geometry.cancel()

    def set_cloud_settings(self, settings: CloudSettings) -> None:
        """Make point clouds like this."""
        self.geometry.cloud_settings = settings

    def retake_points(self) -> None:
        """Make the point cloud again, from where the camera is now."""
        self.geometry.retake()

    def want_slice(self, request: SliceRequest) -> None:
        """Keep a slice of the density at hand; to be said in every frame that shows it."""
        self.geometry.want_slice(request)

    def export_mesh(self, format: MeshFormat) -> None:
        """Save the mesh, made with all that the settings ask for."""
        self.geometry.export_mesh(format)

    def export_depth(self, format: DepthFormat) -> None:
        """Save the depth map of the picture, and its camera."""
        self.geometry.export_depth(format, self.frame)

    def next_geometry(self) -> None:
        """Image, surface, points, and round again."""
        if self.comparison.on:
            self.notify(COMPARING_SHOWS_IMAGES)
            return
        display = self.view.display
        self.edit(replace(self.view, display=replace(display, geometry=_NEXT[display.geometry])))

    def show_mesh_export(self) -> None:
        """Bring the panel to the front that exports meshes."""
        self.panel_wanted = "Geometry"

    @property
    def seen_view(self) -> View:
        """The present View as the window shows it: comparing shows images."""
        if not self.comparison.on or self.view.display.geometry == "image":
            return self.view
        return replace(self.view, display=replace(self.view.display, geometry="image"))

    @property
    def shows_shape(self) -> bool:
        """Whether a surface or points are in place of the image."""
        state, shown = self.geometry.state(), self.seen_view.display.geometry
        return (shown == "surface" and state.surface is not None) or (
            shown == "points" and state.cloud is not None
        )

    def save_image(self) -> None:
        """Save the picture that is shown: the image, once it is there in full quality, or the geometry."""
        if self.shows_shape:
            self.capturing.shape_wanted = True
        else:
            self.capturing.save_picture(self.frame, self.view)
