"""Views and recordings as text for the clipboard."""

from __future__ import annotations

from dataclasses import replace

from viz.captures import capture_stem
from viz.capturing import Capturing
from viz.comparing import Comparison
from viz.geometry import Geometry
from viz.pacing import CAMERA_PATHS
from viz.view import NetworkView, View


class Copying:
    """A part of :class:`viz.program.Program`, which has all that is used here."""

    view: View
    capturing: Capturing
    comparison: Comparison
    geometry: Geometry
    clipboard: str = ""
    """Asks the window to put a text onto the clipboard."""
    _network: str

    def notify(self, message: str) -> None:
        """Show a notice for a while."""
        raise NotImplementedError

    def copy_command(self) -> None:
        """Put the command line that makes what is shown onto the clipboard: a picture, or the surface."""
        from viz.command_line import default_name, mesh_command, render_command

        view = self._copied_view()
        if view is None:
            return
        shown = "image" if self.comparison.on else view.display.geometry
        if shown == "points":
            self.notify("There is no command for points: they are drawn by the window only")
        elif shown == "surface":
            name = f"{capture_stem(view)}.glb"
            self.clipboard = mesh_command(view, self.geometry.settings, name)
            self.notify("The command that makes this surface is on the clipboard")
        else:
            self.clipboard = render_command(view, default_name(capture_stem(view)))
            self.notify("The command that renders this view is on the clipboard")

    def copy_recording_command(self) -> None:
        """Put the command line that makes the planned recording onto the clipboard."""
        from viz.command_line import default_name, record_command

        view, request = self._copied_view(), self.capturing.request
        if request.path not in CAMERA_PATHS:
            self.notify("Only paths of the camera can be copied as a command")
        elif view is not None:
            self.clipboard = record_command(view, request, default_name(capture_stem(view), request))
            self.notify("The command that makes this recording is on the clipboard")

    def _copied_view(self) -> View | None:
        if not self._network:
            self.notify("There is nothing to copy yet")
            return None
        return replace(self.view, network=NetworkView(self._network))
