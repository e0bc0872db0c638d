"""Makes an object's geometry in the background: its surface, its point cloud, slices, and files of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pof3d.errors import Pof3dError
from pof3d.mesh_settings import MeshSettings
from viz.depth_files import CAMERA_SUFFIX, save_camera, save_depth
from viz.engine import Engine
from viz.files import save_error
from viz.frame import Frame
from viz.geometry_jobs import (
    CloudKey,
    Content,
    Field,
    Made,
    SurfaceKey,
    cloud_work,
    content_of,
    slice_work,
    surface_work,
)
from viz.jobs import Control, Job, JobState, Working
from viz.panel import NetworkInfo
from viz.shapes import (
    CloudSettings,
    DensitySlice,
    DepthFormat,
    GeometryState,
    MeshFormat,
    PointCloud,
    SliceRequest,
)
from viz.view import View

QUICK_RESOLUTION = 128
"""Of surfaces that are made without being asked for, at most."""
CALM_SECONDS = 0.3
"""Without another latent, before its surface is made."""


class Geometry:
    """Knows what geometry the present View needs, and has it made. Lives in the window's thread.

    Parameters
    ----------
    workshop : Working or None
        Runs the jobs; without one there is no geometry.
    target : callable
        Gives a free path for a View and the end of a name.
    notify : callable
        Shows a notice.
    """

    def __init__(
        self, workshop: Working | None, target: Callable[[View, str], Path], notify: Callable[[str], None]
    ) -> None:
        self._workshop = workshop
        self._target = target
        self._notify = notify
        self.settings = MeshSettings()
        self.cloud_settings = CloudSettings()
        self._view = View()
        self._current: Content | None = None
        self._since = 0.0
        self._made: Made | None = None
        self._cloud: tuple[CloudKey, PointCloud] | None = None
        self._take = 0
        self._making: tuple[SurfaceKey | CloudKey, Job[Made | PointCloud]] | None = None
        self._asked = False
        """Whether the surface under way was asked for, in full."""
        self._stopped = False
        """Whether the user has stopped what is under way."""
        self._failed: SurfaceKey | CloudKey | None = None
        self._ended: JobState | None = None
        self._field: Field | None = None
        self._wanted_slice: SliceRequest | None = None
        self._slicing: tuple[Content, Job[tuple[Field, DensitySlice]]] | None = None
        self._slice: tuple[Content, DensitySlice] | None = None
        self._unsliced: Content | None = None
        """What failed to be sliced: not again by itself."""
        self._saving: Job[tuple[Path, Made | None]] | None = None
        self._saved: Path | None = None

    # ---------------------------------------------------------------------------------------- every frame
    def update(self, view: View, network: NetworkInfo | None, seconds: float) -> None:
        """Take what is ready, and begin what the View needs.

        Parameters
        ----------
        view : View
            The present one.
        network : NetworkInfo, optional
            The open network.
        seconds : float
            Since the last time.
        """
        self._view = view
        opened = network is not None and str(network.path) == view.network.path
        content = content_of(view, network) if network is not None and opened else None
        self._since = self._since + seconds if content == self._current else 0.0
        if content != self._current:
            self._current = content
            self._ended = None
            self._field = None  # it holds on to a network
        self._take_making()
        self._take_saving()
        self._take_slice()
        self._let_go()
        wanted = self._wanted()
        if self._making is not None and self._making[0] != wanted and not self._still_good():
            self._making[1].cancel()
        if wanted is not None and self.pending and self._since >= CALM_SECONDS:
            self._begin(wanted, quick=True)
        self._make_slice()

    def _let_go(self) -> None:
        """Keep nothing of another latent: it is a hundred megabytes at worst, and soon made again."""
        content = self._current
        if content is None:
            return
        if self._made is not None and self._made.key.content != content:
            self._made = None
        if self._cloud is not None and self._cloud[0].content != content:
            self._cloud = None
        if self._slice is not None and self._slice[0] != content:
            self._slice = None

    @property
    def pending(self) -> bool:
        """Whether something begins by itself soon."""
        wanted = self._wanted()
        return (
            wanted is not None and wanted != self._failed and self._making is None and not self._have(wanted)
        )

    def state(self) -> GeometryState:
        """What panels and the viewport see."""
        content, made, cloud = self._current, self._made, self._cloud
        has_surface = made is not None and made.key.content == content
        return GeometryState(
            settings=self.settings,
            cloud_settings=self.cloud_settings,
            surface=made.surface if made is not None and has_surface else None,
            extracted=self._extracted() is not None,
            cloud=cloud[1] if cloud is not None and cloud[0].content == content else None,
            slice=self._slice[1] if self._slice is not None and self._slice[0] == content else None,
            making=self._making[1].state if self._making is not None else self._ended,
            saving=self._saving.state if self._saving is not None else None,
            saved=self._saved,
        )

    def _wanted(self) -> SurfaceKey | CloudKey | None:
        """What the View shows."""
        shown = self._view.display.geometry
        if self._current is None or self._workshop is None or shown == "image":
            return None
        if shown == "points":
            return CloudKey(self._current, self.cloud_settings, self._take)
        return self._surface_key(self._current)

    def _surface_key(self, content: Content) -> SurfaceKey:
        return SurfaceKey(content, self.settings.level, self.settings.largest_only)

    def _have(self, key: SurfaceKey | CloudKey) -> bool:
        if isinstance(key, CloudKey):
            return self._cloud is not None and self._cloud[0] == key
        return self._made is not None and self._made.key == key

    def _still_good(self) -> bool:
        """Whether what is being made was asked for, and is of the present latent."""
        assert self._making is not None
        key = self._making[0]
        return self._asked and self._current is not None and key == self._surface_key(self._current)

    def _extracted(self) -> Made | None:
        """The surface, if it is all that the settings ask for."""
        made = self._made
        if made is None or self._current is None or made.key != self._surface_key(self._current):
            return None
        return made if made.settings == self.settings else None

    # -------------------------------------------------------------------------------------------- making
    def _begin(self, key: SurfaceKey | CloudKey, *, quick: bool) -> None:
        if self._workshop is None:
            return
        view = self._view
        self._asked, self._stopped, self._failed, self._ended = not quick, False, None, None
        work: Callable[[Engine, Control], Made | PointCloud]
        if isinstance(key, CloudKey):
            title, work = "Points", cloud_work(view, key.settings)
        else:
            settings = self.settings
            if quick:
                resolution = min(settings.resolution, QUICK_RESOLUTION)
                settings = replace(settings, resolution=resolution, faces=None)
            made = self._made
            kept = made.grid if made is not None and made.key.content == key.content else None
            title, work = "Surface", surface_work(view, key, settings, kept)
        self._making = key, self._workshop.start(title, view.network.path, work)

    def _take_making(self) -> None:
        if self._making is None or self._making[1].running:
            return
        (key, job), self._making = self._making, None
        result, state = job.result, job.state
        if isinstance(result, Made):
            self._made = result
            if self._asked:
                self._notify(f"The mesh has {result.surface.facts.faces:,} faces")
        elif result is not None and isinstance(key, CloudKey):
            self._cloud = key, result
        elif state.status == "failed":
            self._failed = key
            self._ended = state
            self._notify(str(state.error))
        elif self._stopped:
            self._ended = state
            self._failed = key  # it does not begin again by itself

    def extract(self) -> None:
        """Make the surface with all that the settings ask for."""
        if self._current is None or self._workshop is None:
            self._notify("There is no object to make a mesh of yet")
            return
        if self._making is not None:
            self._making[1].cancel()
        self._begin(self._surface_key(self._current), quick=False)

    def cancel(self) -> None:
        """Stop making a surface, points or a file."""
        if self._making is not None:
            self._stopped = True
            self._making[1].cancel()
        if self._saving is not None:
            self._saving.cancel()

    def retake(self) -> None:
        """Make the point cloud again, from where the camera is now."""
        self._take += 1

    # -------------------------------------------------------------------------------------------- slices
    def want_slice(self, request: SliceRequest) -> None:
        """Make a slice, if it is not there; what is not said in every frame is forgotten."""
        self._wanted_slice = request

    def _make_slice(self) -> None:
        request, self._wanted_slice = self._wanted_slice, None
        content = self._current
        if request is None or content is None or self._workshop is None or self._slicing is not None:
            return
        if content == self._unsliced:
            return
        if self._slice is not None and self._slice[0] == content and self._slice[1].request == request:
            return
        known = self._field if self._field is not None and self._field.content == content else None
        work = slice_work(self._view, content, request, known)
        self._slicing = content, self._workshop.start("Slice", self._view.network.path, work)

    def _take_slice(self) -> None:
        if self._slicing is None or self._slicing[1].running:
            return
        (content, job), self._slicing = self._slicing, None
        if job.result is not None:
            field, found = job.result
            self._slice = content, found
            if content == self._current:
                self._field = field
        elif job.state.error is not None:
            self._unsliced = content
            self._notify(str(job.state.error))

    # --------------------------------------------------------------------------------------------- files
    def export_mesh(self, format: MeshFormat) -> None:
        """Save the mesh; it is made first, if it is not there with all that the settings ask for."""
        if self._current is None or self._workshop is None:
            self._notify("There is no object to make a mesh of yet")
            return
        view, key, settings, target = (
            self._view,
            self._surface_key(self._current),
            self.settings,
            self._target,
        )
        there = self._extracted()

        def work(engine: Engine, control: Control) -> tuple[Path, Made | None]:
            from pof3d.mesh_files import write_mesh

            made = there or surface_work(view, key, settings, None)(engine, control)
            path = target(view, f".{format}")
            control.report(0.99, f"Writing {path.name}")
            try:
                write_mesh(made.mesh, path)
            except OSError as error:
                raise save_error(path, error) from error
            return path, made

        self._save("Mesh", work)

    def export_depth(self, format: DepthFormat, frame: Frame | None) -> None:
        """Save the depth map of a full frame, and its camera."""
        content = self._current
        if content is None or frame is None or frame.level != "full":
            self._notify("The picture is not ready yet: try again in a moment")
            return
        target, render = self._target, content.network.config.generator.render

        def work(engine: Engine, control: Control) -> tuple[Path, Made | None]:
            path = target(frame.view, f"-depth.{format}")
            control.report(0.5, f"Writing {path.name}")
            save_depth(frame, path)
            save_camera(frame, render, path.with_name(path.stem + CAMERA_SUFFIX))
            return path, None

        self._save("Depth map", work)

    def _save(self, title: str, work: Callable[[Engine, Control], tuple[Path, Made | None]]) -> None:
        if self._workshop is None:
            return
        if self._saving is not None and self._saving.running:
            self._notify("Another file is being saved")
            return
        self._saving = self._workshop.start(title, self._view.network.path, work)

    def _take_saving(self) -> None:
        if self._saving is None or self._saving.running:
            return
        job, self._saving = self._saving, None
        if job.result is not None:
            self._saved, made = job.result
            if made is not None and made.key.content == self._current:
                self._made = made
            self._notify(f"Saved {self._saved}")
        elif job.state.status == "cancelled":
            self._notify("Nothing was saved")
        elif isinstance(job.state.error, Pof3dError):
            self._notify(str(job.state.error))
