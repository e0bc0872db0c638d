"""The Capture panel: pictures and videos."""

from __future__ import annotations

from dataclasses import replace

from imgui_bundle import imgui

from pof3d.text import elide_middle, format_duration
from viz import theme
from viz.panel import (
    Actions,
    PanelContext,
    RecordingFormat,
    RecordingPath,
    RecordingRequest,
    RecordingState,
)
from viz.view import View
from widgets import common

PATHS: tuple[tuple[RecordingPath, str, str], ...] = (
    (
        "turntable",
        "Turntable",
        "Round and back to the start: all the way, or to both sides as far as the network has learned.",
    ),
    ("sweep", "Sweep", "Once from one side to the other, as far as the network has learned."),
)
FORMATS: tuple[tuple[RecordingFormat, str, str], ...] = (
    ("mp4", "MP4", "Small, plays everywhere (H.264)."),
    ("gif", "GIF", "Loops by itself; 256 colours and larger files."),
)
SIZES = (128, 256, 512, 768, 1024)
FRAMES = (2, 600)
FPS = (1, 60)


def describe(request: RecordingRequest, view: View) -> str:
    """Length and size of the video."""
    width = request.size * (2 if request.with_depth or view.display.mode == "side_by_side" else 1)
    return f"{format_duration(request.frames / request.fps)}, {width} × {request.size} pixels"


def progress_text(state: RecordingState) -> str:
    """What the progress bar says."""
    if state.cancelling:
        return "Cancelling …"
    text = f"{state.done} / {state.total}"
    if state.seconds_left is not None:
        text += f", {format_duration(state.seconds_left)} left"
    return text


class CapturePanel:
    """Save pictures, record videos."""

    title = "Capture"

    def __init__(self) -> None:
        self.request = RecordingRequest()

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is."""
        _draw_pictures(context, actions)
        with common.disabled(context.network is None):
            self._draw_recording(view, context, actions)
        _draw_folder(context)
        return view

    def _draw_recording(self, view: View, context: PanelContext, actions: Actions) -> None:
        common.section("Video")
        running = context.recording is not None and context.recording.status == "running"
        with common.disabled(running):
            request = _draw_request(self.request, view)
        if request != self.request:
            self.request = request
            actions.plan_recording(request)
        if running and context.recording is not None:
            cancel = "Cancel"
            width = imgui.calc_text_size(cancel).x + 2 * imgui.get_style().frame_padding.x
            room = imgui.get_content_region_avail().x - width - imgui.get_style().item_spacing.x
            state = context.recording
            common.progress(
                "Capture/Progress", state.done / max(1, state.total), progress_text(state), width=room
            )
            imgui.same_line()
            if common.button(f"Capture/{cancel}", "Stop and keep nothing.", enabled=not state.cancelling):
                actions.cancel_recording()
            return
        text = "Record the present view along this path  (r). The window stays usable meanwhile."
        if common.button("Capture/Record", text, width=imgui.get_content_region_avail().x):
            actions.start_recording()
        if context.recording is not None:
            _draw_outcome(context.recording)


def _draw_pictures(context: PanelContext, actions: Actions) -> None:
    width = common.buttons_width(2)
    if common.button(
        "Capture/Save picture",
        "The picture alone, as PNG  (s).",
        width=width,
        enabled=context.frame is not None,
    ):
        actions.save_image()
    imgui.same_line()
    if common.button("Capture/Save window", "The whole window, as PNG.", width=width):
        actions.save_window()


def _draw_request(request: RecordingRequest, view: View) -> RecordingRequest:
    path = common.segmented("Capture/Path", PATHS, request.path)
    format_ = common.segmented("Capture/Format", FORMATS, request.format)
    _, frames = common.slider_int(
        "Capture/Frames", request.frames, *FRAMES, "%d", "Pictures in the video.", default=120
    )
    _, fps = common.slider_int(
        "Capture/Frame rate", request.fps, *FPS, "%d fps", "Pictures a second.", default=30
    )
    sides = [(side, f"{side}²") for side in SIZES]
    help_text = "Side of one picture, pixels."
    size = common.combo("Capture/Size", sides, request.size, help_text)
    with_depth = common.checkbox(
        "Capture/Side by side", request.with_depth, "The depth map beside the image."
    )
    request = replace(
        request,
        path=path,
        format=format_,
        frames=frames,
        fps=fps,
        size=size,
        with_depth=with_depth,
    )
    common.row("Capture/Length")
    imgui.text_disabled(describe(request, view))
    return request


def _draw_outcome(state: RecordingState) -> None:
    if state.status == "finished":
        common.paragraph(f"Saved {state.target.name}")
        common.tooltip(str(state.target))
    elif state.status == "cancelled":
        common.paragraph("Cancelled; nothing was kept.")
    elif state.status == "failed":
        common.paragraph(str(state.error) if state.error else "The recording failed.", theme.BAD)


def _draw_folder(context: PanelContext) -> None:
    imgui.spacing()
    imgui.separator()
    common.row("Capture/Folder", "Where pictures and videos go.")
    folder = str(context.capture_folder)
    room = imgui.get_content_region_avail().x
    imgui.text_disabled(elide_middle(folder, room, lambda text: imgui.calc_text_size(text).x))
    common.tooltip(folder)
    if context.message:
        common.paragraph(context.message)
