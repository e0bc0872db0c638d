"""The Timeline panel: keyframes of Views, to be moved, played and recorded."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from imgui_bundle import imgui

from viz import theme, ui
from viz.panel import Actions, PanelContext
from viz.playback import GeneratedPath
from viz.timeline import FPS, SECONDS, key_at, stretched
from viz.view import View
from widgets import common
from widgets.timeline.track import Track

PATHS: tuple[tuple[GeneratedPath, str, str], ...] = (
    ("turntable", "Turntable", "Round and back: all the way, or as far as the network has learned."),
    ("sweep", "Front sweep", "Once from one side over the front to the other."),
    ("figure-eight", "Figure-eight", "A lying eight in front of the object: both sides, above and below."),
    ("latent walk", "Latent walk", "From the present latent through the next three seeds and back."),
)
HINT = (
    "K keeps the present view as a keyframe. Change the view, press K again, and play.",
    "Or generate a path, and edit its keyframes.",
)


class TimelinePanel:
    """Play, scrub, retime, record."""

    title = "Timeline"

    def __init__(self) -> None:
        self._track = Track()
        self._gesture: object = None
        self._right = 0.0

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel; the View comes back as it is: the playhead moves it through the actions."""
        with common.disabled(context.network is None):
            self._draw_tools(context, actions)
            self._track.draw(context, actions)
            if not context.playback.timeline.keyframes:
                _draw_hint(self._track.middle, imgui.get_content_region_avail().x)
        if not imgui.get_io().want_text_input and imgui.is_window_focused():
            keys = (imgui.Key.delete, imgui.Key.backspace)
            if any(imgui.is_key_pressed(key, False) for key in keys) and context.network is not None:
                actions.remove_keyframe()
        return view

    # ---------------------------------------------------------------------------------------------- tools
    def _draw_tools(self, context: PanelContext, actions: Actions) -> None:
        playback = context.playback
        timeline, side = playback.timeline, imgui.get_frame_height()
        self._right = imgui.get_cursor_screen_pos().x + imgui.get_content_region_avail().x
        some, here = bool(timeline.keyframes), key_at(timeline, playback.time) is not None

        icon, text = (
            ("pause", "Stop here.")
            if playback.playing
            else ("play", "Play what would be recorded, in previews.")
        )
        if common.icon_button("Timeline/Play", icon, text, enabled=some):  # type: ignore[arg-type]
            actions.play_timeline(not playback.playing)
        self._next(side)
        if _toggle("Timeline/Loop", timeline.loop):
            actions.edit_timeline(replace(timeline, loop=not timeline.loop))
        self._next(4.2 * common.em())
        _draw_time(playback.time)
        self._next(5.2 * common.em())
        self._draw_duration(context, actions)
        self._next(4.4 * common.em())
        self._draw_fps(context, actions)
        self._next(side, gap=1.0)
        help_text = "Keep the present view as a keyframe: here, or after the keyframe that is here  (K)."
        if common.icon_button("Timeline/Add keyframe", "plus", help_text):
            actions.add_keyframe()
        self._next(_width("Update"))
        help_text = "Put the present view into the keyframe at the playhead."
        if common.button("Timeline/Update", help_text, enabled=here and playback.edited):
            actions.update_keyframe()
        self._next(side)
        help_text = "Remove the keyframe at the playhead  (Delete)."
        if common.icon_button("Timeline/Remove", "close", help_text, enabled=here):
            actions.remove_keyframe()
        self._next(_width("Generate…"), gap=1.0)
        self._draw_generate(actions)
        self._next(_width("Record"))
        running = context.recording is not None and context.recording.status == "running"
        help_text = (
            "Record the timeline in full quality, in the format and size of the Capture panel. "
            "The window stays usable."
        )
        if common.button("Timeline/Record", help_text, enabled=some and not running):
            actions.record_timeline()

    def _next(self, width: float, gap: float = 0.0) -> None:
        """Go on in the same line if there is room for something so wide; gap in font heights."""
        spacing = imgui.get_style().item_spacing.x + gap * common.em()
        if imgui.get_item_rect_max().x + spacing + width <= self._right + 1.0:
            imgui.same_line(0.0, spacing)

    def _draw_duration(self, context: PanelContext, actions: Actions) -> None:
        timeline = context.playback.timeline
        help_text = (
            "How long it takes; keyframes move along. With Shift they stay where they are. "
            "Drag, or Ctrl+click to type."
        )

        def take(value: float) -> None:
            wanted = stretched(timeline, value, keep_times=bool(imgui.get_io().key_shift))
            share = context.playback.time / timeline.duration
            time = context.playback.time if imgui.get_io().key_shift else share * wanted.duration
            actions.edit_timeline(wanted, self._gesture, time)

        self._field("Timeline/Duration", timeline.duration, 5.2, SECONDS, "%.2f s", 0.02, help_text, take)

    def _draw_fps(self, context: PanelContext, actions: Actions) -> None:
        timeline = context.playback.timeline
        help_text = "Frames a second of the recording; keyframes lie on frames. Drag, or Ctrl+click to type."

        def take(value: float) -> None:
            actions.edit_timeline(replace(timeline, fps=round(value)), self._gesture)

        self._field("Timeline/Frame rate", timeline.fps, 4.4, FPS, "%.0f fps", 0.2, help_text, take)

    def _field(
        self,
        name: str,
        value: float,
        width: float,
        limits: tuple[float, float],
        format: str,
        speed: float,
        help_text: str,
        take: Callable[[float], None],
    ) -> None:
        """A number to drag or to type; one drag is one step."""
        imgui.set_next_item_width(width * common.em())
        flags = int(imgui.SliderFlags_.always_clamp)
        dragged, new = imgui.drag_float(f"##{name}", value, speed, *limits, format, flags)
        ui.mark(name)
        common.tooltip(help_text)
        if imgui.is_item_activated():
            self._gesture = object()
        if dragged and math.isfinite(new) and new != value:  # "nan" can be typed
            take(round(float(new), 3))

    def _draw_generate(self, actions: Actions) -> None:
        help_text = "Replace the timeline with keyframes along a path, from the present view."
        if common.button("Timeline/Generate…", help_text):
            imgui.open_popup("generate")
        if not imgui.begin_popup("generate"):
            return
        for path, text, explained in PATHS:
            if imgui.menu_item(text, "", False, True)[0]:
                actions.generate_path(path)
            ui.mark(f"Timeline/Generate: {text}")
            common.tooltip(explained)
        if imgui.is_key_pressed(imgui.Key.escape, False):
            imgui.close_current_popup()
        imgui.end_popup()


def _width(text: str) -> float:
    return float(imgui.calc_text_size(text).x) + 2.0 * float(imgui.get_style().frame_padding.x)


def _toggle(name: str, value: bool) -> bool:
    """The loop button, lit while it is down; whether it was clicked."""
    if value:
        imgui.push_style_color(imgui.Col_.button, theme.ACCENT_DIM)
    text = "Loop: the last keyframe leads back to the first, and a recording repeats without a seam."
    clicked = common.icon_button(name, "loop", text)
    if value:
        imgui.pop_style_color()
    return clicked


def _draw_time(time: float) -> None:
    """Where the playhead is, at the right of its place."""
    width, text = 4.2 * common.em(), f"{time:.2f} s"
    x = imgui.get_cursor_pos_x()
    imgui.align_text_to_frame_padding()
    imgui.set_cursor_pos_x(x + width - imgui.calc_text_size(text).x)
    imgui.text_unformatted(text)
    common.tooltip("Where the playhead is.")


def _draw_hint(middle: tuple[float, float], room: float) -> None:
    lines, ink = imgui.get_window_draw_list(), common.color(theme.TEXT_DIM)
    for i, text in enumerate(ui.fit_text(line, room) for line in HINT):
        size = imgui.calc_text_size(text)
        y = middle[1] + (i - 1) * 1.4 * common.em()
        lines.add_text((round(middle[0] - size.x / 2), round(y)), ink, text)
