"""The Capture panel: pictures and videos."""

from __future__ import annotations

from dataclasses import replace

from imgui_bundle import imgui

from pof3d.text import elide_middle, format_duration
from viz import theme, ui
from viz.limits import GIF_FRAME_RATE, VIDEO_SIDE
from viz.panel import (
    Actions,
    PanelContext,
    RecordingFormat,
    RecordingPath,
    RecordingRequest,
    RecordingState,
)
from viz.video_panes import ONLY_IMAGES, PANES, asked_size, geometry_left_out, pane_of, video_size
from viz.view import DisplayMode, View
from widgets import common

PATHS: tuple[tuple[RecordingPath, str, str], ...] = (
    (
        "turntable",
        "Turntable",
        "Round and back to the start: all the way, or to both sides as far as the network has learned.",
    ),
    ("sweep", "Sweep", "Once from one side to the other, as far as the network has learned."),
    ("timeline", "Timeline", "What the keyframes of the timeline show; they say how long it is, too."),
)
NO_KEYFRAMES = "The timeline has no keyframes yet: K adds the present view as one."
FORMATS: tuple[tuple[RecordingFormat, str, str], ...] = (
    ("mp4", "MP4", "Small, plays everywhere (H.264)."),
    ("webm", "WebM", "Smaller still, for web pages (VP9); takes longer to make."),
    ("gif", "GIF", "Loops by itself; 256 colours and larger files."),
    ("png", "PNG", "A folder of numbered pictures without any loss, each with its own view."),
)
SIZES = (256, 512, 768, 1024)
CANVASES = ((1280, 720), (1920, 1080), (1080, 1920))
OTHER = (0, 0)
"""Stands for a size that is typed."""
AS_SHOWN = "As in the window"
FRAMES = (2, 600)
FPS = (1, 60)


def describe(request: RecordingRequest, view: View, seconds: float | None = None) -> str:
    """Length and size of the video, and how long it takes to make."""
    width, height = video_size(view, request)
    text = f"{format_duration(request.frames / request.fps)}, {width} × {height} pixels"
    return text if seconds is None else f"{text}, ready in about {format_duration(seconds)}"


def rounding(request: RecordingRequest, view: View) -> str:
    """What to say of a size that becomes another one; empty: it does not."""
    if asked_size(view, request) == video_size(view, request):
        return ""
    kind = next(text for value, text, _ in FORMATS if value == request.format)
    return f"Rounded up: {kind} wants even numbers."


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
        self._typed_size = False

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is."""
        _draw_pictures(context, actions)
        with common.disabled(context.network is None):
            self._draw_recording(view, context, actions)
        _draw_folder(context)
        return view

    def _draw_recording(self, view: View, context: PanelContext, actions: Actions) -> None:
        """First what starts and stops it, which stays in sight in a low window, then how it will be."""
        common.section("Video")
        state = context.recording
        running = state is not None and state.status == "running"
        if running and state is not None:
            _draw_progress(state, actions)
        else:
            self._draw_start(context, actions)
            if state is not None:
                _draw_outcome(state)
        with common.disabled(running):
            planned, seconds = self.request, None if running else context.recording_seconds
            if (
                running and context.recorded is not None
            ):  # by a key, or from the timeline: not as planned here
                view, planned = context.recorded
            elif planned.path == "timeline":
                timeline = context.playback.timeline
                planned = replace(planned, frames=timeline.frames, fps=timeline.fps, timeline=timeline)
                seconds = None
            common.paragraph(describe(planned, view, seconds))
            common.tooltip("The time is what the pictures on the screen have taken.")
            if note := rounding(planned, view):
                common.paragraph(note)
            if geometry_left_out(view, planned):
                common.paragraph(ONLY_IMAGES)
                ui.mark("Capture/Only images")
            request = self._draw_request(planned if running else self.request, view, context)
        if not running and request != self.request:
            self.request = request
            actions.plan_recording(request)

    def _draw_start(self, context: PanelContext, actions: Actions) -> None:
        why = context.missing_formats.get(self.request.format, "")
        width = common.buttons_width(2)
        text = "Record the present view along this path  (r). The window stays usable meanwhile."
        if common.button("Capture/Record", why or text, width=width, enabled=not why):
            actions.start_recording()
        imgui.same_line()
        text = "Put the command line that makes this recording onto the clipboard: for a server, or a script."
        if common.button("Capture/Video/Copy as command", text, width=width):
            actions.copy_recording_command()

    def _draw_request(self, request: RecordingRequest, view: View, context: PanelContext) -> RecordingRequest:
        timeline = context.playback.timeline
        missing: dict[RecordingPath, str] = {} if timeline.keyframes else {"timeline": NO_KEYFRAMES}
        path = common.segmented("Capture/Path", PATHS, request.path, missing=missing)
        format_ = common.segmented("Capture/Format", FORMATS, request.format, missing=context.missing_formats)
        frames, fps = request.frames, request.fps
        if path != "timeline":  # which has a length and a rate of its own
            _, frames = common.slider_int(
                "Capture/Frames", frames, *FRAMES, "%d", "Pictures in the video.", default=120
            )
            most = min(FPS[1], int(GIF_FRAME_RATE.high)) if format_ == "gif" else FPS[1]
            _, fps = common.slider_int(
                "Capture/Frame rate",
                min(fps, most),
                FPS[0],
                most,
                "%d fps",
                "Pictures a second.",
                default=30,
            )
        contents = _draw_contents(request.contents)
        size, canvas = self._draw_size(request, view)
        poses, histogram = _draw_insets(request)
        return replace(
            request,
            path=path,
            format=format_,
            frames=frames,
            fps=fps,
            size=size,
            contents=contents,
            canvas=canvas,
            with_poses=poses,
            with_histogram=histogram,
        )

    def _draw_size(self, request: RecordingRequest, view: View) -> tuple[int, tuple[int, int] | None]:
        """Side of the pictures, or width and height of all."""
        sides: list[tuple[int | tuple[int, int], str]] = [(side, f"{side}²") for side in SIZES]
        canvases = [((width, height), f"{width} × {height}") for width, height in CANVASES]
        options = [*sides, *canvases, (OTHER, "Other …")]
        known = [value for value, _ in options]
        current = request.canvas or request.size
        typed = self._typed_size or current not in known
        text = (
            "One number: the side of a picture; several beside each other make the video wider. Two: the "
            "whole video, with the pictures as large as they fit. Nothing is cropped or stretched."
        )
        chosen = common.combo("Capture/Size", options, OTHER if typed else current, text)
        if chosen != (OTHER if typed else current):
            self._typed_size = typed = chosen == OTHER
            if typed:
                return request.size, video_size(view, request)
            return (chosen, None) if isinstance(chosen, int) else (request.size, chosen)
        if not typed:
            return request.size, request.canvas
        return request.size, _draw_sides(asked_size(view, request))


def _draw_progress(state: RecordingState, actions: Actions) -> None:
    cancel = "Cancel"
    width = imgui.calc_text_size(cancel).x + 2 * imgui.get_style().frame_padding.x
    room = imgui.get_content_region_avail().x - width - imgui.get_style().item_spacing.x
    common.progress("Capture/Progress", state.done / max(1, state.total), progress_text(state), width=room)
    imgui.same_line()
    if common.button(f"Capture/{cancel}", "Stop and keep nothing.", enabled=not state.cancelling):
        actions.cancel_recording()


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
    text = (
        "Put the command line that renders this picture, or makes this surface, onto the clipboard: "
        "python visualizer.py render …"
    )
    if common.button(
        "Capture/Copy as command",
        text,
        width=imgui.get_content_region_avail().x,
        enabled=context.frame is not None,
    ):
        actions.copy_command()


def _draw_sides(sides: tuple[int, int]) -> tuple[int, int]:
    """Two fields for width and height."""
    common.row("Capture/Pixels", "Width and height of the whole video.")
    cross = "×"
    gap = imgui.get_style().item_inner_spacing.x
    room = imgui.get_content_region_avail().x - imgui.calc_text_size(cross).x - 2 * gap
    typed = []
    for i, (name, side) in enumerate(zip(("Width", "Height"), sides, strict=True)):
        if i:
            imgui.same_line(0.0, gap)
            imgui.text_disabled(cross)
            imgui.same_line(0.0, gap)
        imgui.set_next_item_width(room / 2)
        flags = int(imgui.InputTextFlags_.enter_returns_true | imgui.InputTextFlags_.auto_select_all)
        _, new = imgui.input_int(f"##Capture/{name}", side, 0, 0, flags)
        ended = imgui.is_item_deactivated_after_edit()
        ui.mark(f"Capture/{name}")
        typed.append(int(VIDEO_SIDE.clamp(new)) if ended else side)
    return typed[0], typed[1]


def _draw_contents(contents: tuple[DisplayMode, ...]) -> tuple[DisplayMode, ...]:
    """A list in which several entries can be ticked."""
    common.row("Capture/Show", "What the video shows: several pictures lie beside each other.")
    preview = " | ".join(pane_of(mode).title for mode in contents) or AS_SHOWN
    opened = imgui.begin_combo("##Capture/Show", preview)
    if not opened:
        ui.mark("Capture/Show")
        common.control_tooltip("One picture, or several beside each other.")
        return contents
    if imgui.selectable(AS_SHOWN, not contents)[0]:
        contents = ()
    ui.mark(f"Capture/Show: {AS_SHOWN}")
    common.tooltip("Whatever the View panel says.")
    chosen = set(contents)
    for mode, pane in PANES.items():
        if imgui.checkbox(pane.title, mode in chosen)[0]:
            chosen ^= {mode}
        ui.mark(f"Capture/Show: {pane.title}")
        common.tooltip(pane.help)
    common.end_combo()
    return contents if chosen == set(contents) else tuple(mode for mode in PANES if mode in chosen)


def _draw_insets(request: RecordingRequest) -> tuple[bool, bool]:
    """Two check boxes in one line."""
    common.row("Capture/Draw in", "Drawn into the pictures; left out where a video is too small for them.")
    _, poses = imgui.checkbox("Poses##Capture", request.with_poses)
    ui.mark("Capture/Poses")
    common.tooltip("The named poses and their angles. D is asked about every picture, which takes longer.")
    imgui.same_line()
    _, histogram = imgui.checkbox("Histogram##Capture", request.with_histogram)
    ui.mark("Capture/Histogram")
    common.tooltip("The poses that the generator has learned, with the present ones moving among them.")
    return bool(poses), bool(histogram)


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
