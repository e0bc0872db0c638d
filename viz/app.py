"""The program in the window: one View, one Frame, panels around them, and what they ask for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from pof3d.errors import Pof3dError
from viz import menu, navigation, overlays, shortcuts, theme, ui
from viz.frame import FailedFrame, Frame, Pose
from viz.layout import VIEWPORT, PanelHost, Placement
from viz.marks import Registry
from viz.panel import PanelContext, Performance, RecordingRequest, Turntable
from viz.posing import with_pose
from viz.services import Rendering
from viz.view import NetworkView, View
from viz.viewport import Viewport
from viz.window import Window

IDLE_SECONDS = 1.0
"""At rest the window is drawn this often, and whenever something happens."""
FRAME_SECONDS = 1 / 60
_FRAMES_AFTER_EVENT = 4
"""ImGui answers some input a frame or two later."""


@dataclass(frozen=True)
class _Request:
    """Something asked for during a frame that is done at its end."""

    save_window: bool = False


class App:
    """The window's content. Everything happens in the thread that calls :meth:`frame`.

    Parameters
    ----------
    window : Window
        Where to draw; this object does not close it.
    rendering : Rendering
        Makes Frames; closed by :meth:`close`.
    placements : sequence of Placement
        The panels.
    view : View
        To begin with.
    registry : Registry, optional
        For tests and tours: gets the places of controls.
    """

    def __init__(
        self,
        window: Window,
        rendering: Rendering,
        placements: Sequence[Placement],
        *,
        view: View | None = None,
        registry: Registry | None = None,
    ) -> None:
        self.window = window
        self.rendering = rendering
        self.view = view or View()
        self.frame_shown: Frame | None = None
        self.error: Pof3dError | None = None
        self.turntable = Turntable()
        self.registry = registry
        self.overlay = overlays.OverlayState()
        self.help_open = False
        self.now = 0.0
        self._host = PanelHost(placements)
        self._scale = 0.0
        self._ui_milliseconds: deque[float] = deque(maxlen=240)
        self._events_seen = -1
        self._frames_due = _FRAMES_AFTER_EVENT
        theme.load_fonts()
        self._viewport = Viewport()
        window.set_drop_callback(self.drop)
        rendering.submit(self.view)

    # -------------------------------------------------------------------------------------------- frames
    @property
    def animating(self) -> bool:
        """Whether the picture of the window changes without input."""
        io = imgui.get_io()
        return (
            self._frames_due > 0
            or self.turntable.playing
            or self.overlay.animating(self.now)
            or self.rendering.loading is not None
            or any(io.mouse_down)
            or io.want_text_input
            or self.window.events != self._events_seen
        )

    def run(self) -> None:
        """Draw until the window is closed: at 60 Hz while something moves, else when something happens."""
        deadline = time.perf_counter()
        while not self.window.should_close:
            left = deadline - time.perf_counter()
            self.window.poll(max(left, 0.0) if self.animating else IDLE_SECONDS)
            if self.animating and deadline - time.perf_counter() > 1e-3:
                continue
            deadline = time.perf_counter() + FRAME_SECONDS
            self.frame()

    def frame(self, *, capture: bool = False) -> NDArray[np.uint8] | None:
        """Draw one frame; with ``capture``, the picture of the window [H, W, 3]."""
        began = time.perf_counter()
        if self.window.events != self._events_seen:
            self._events_seen = self.window.events
            self._frames_due = _FRAMES_AFTER_EVENT
        self._frames_due -= 1
        if self._scale != self.window.scale:
            self._scale = self.window.scale
            theme.apply_style(self._scale)
        self.window.begin_frame()
        ui.begin_frame(self._scale, self.registry)
        self.now += imgui.get_io().delta_time
        self._take_result()
        context = self._context()
        view = shortcuts.apply(shortcuts.pressed(), self.view, context, self)
        view = self._turn(view)
        self._commit(view)
        menu.draw(context, self)
        self._host.dock_space()
        view = self._draw_viewport(self.view, context)
        view = self._host.draw(view, context, self)
        self.help_open = shortcuts.draw_help(self.help_open)
        self._commit(view)
        self._ui_milliseconds.append(1e3 * (time.perf_counter() - began))
        return self.window.end_frame(capture=capture)

    def _take_result(self) -> None:
        result = self.rendering.poll()
        if isinstance(result, Frame):
            self.frame_shown, self.error = result, None
            self._viewport.show(result)
        elif isinstance(result, FailedFrame):
            self.error = result.error

    def _context(self) -> PanelContext:
        return PanelContext(
            frame=self.frame_shown,
            error=self.error,
            network=self.rendering.network_info,
            loading=self.rendering.loading,
            histogram=self.rendering.histogram,
            performance=Performance(
                np.array(self._ui_milliseconds, np.float32),
                self.rendering.preview_milliseconds,
                self.rendering.threads,
                self.rendering.device,
                (self.rendering.device,),
            ),
            turntable=self.turntable,
            message=self.overlay.message,
            scale=self._scale,
        )

    def _draw_viewport(self, view: View, context: PanelContext) -> View:
        flags = imgui.WindowFlags_.no_scrollbar | imgui.WindowFlags_.no_scroll_with_mouse
        imgui.push_style_var(imgui.StyleVar_.window_padding, imgui.ImVec2(0, 0))
        imgui.push_style_color(imgui.Col_.window_bg, imgui.ImVec4(*theme.PANEL_LOW))
        if imgui.begin(VIEWPORT, None, int(flags))[0]:
            ui.mark_window(VIEWPORT)
            result = self._viewport.draw(view, context)
            if result.touched:
                self.turntable = replace(self.turntable, playing=False)
            view = result.view
            overlays.draw(self.overlay, result.rect, view, context, self.now)
        imgui.end()
        imgui.pop_style_color()
        imgui.pop_style_var()
        return view

    def _turn(self, view: View) -> View:
        if not self.turntable.playing or self._viewport.dragging:
            return view
        pose = navigation.pose_of(view, self.frame_shown)
        if pose is None:
            return view
        step = np.radians(self.turntable.degrees_per_second) * imgui.get_io().delta_time
        return navigation.turn(view, pose, float(step))

    def _commit(self, view: View) -> None:
        if view != self.view:
            self.view = view
            self.rendering.submit(view)

    def close(self) -> None:
        """Stop the workers and release what was drawn with."""
        self.rendering.close()
        self._viewport.release()

    # ----------------------------------------------------------------------------------- what panels ask
    def open_checkpoint(self, path: Path) -> None:
        self._commit(replace(self.view, network=NetworkView(str(path))))

    def cancel_loading(self) -> None:
        self.rendering.cancel_loading()

    def forget_recent(self, path: Path) -> None:
        pass

    def go_to_pose(self, pose: Pose) -> None:
        self._commit(with_pose(self.view, pose))

    def reset_to_predicted(self) -> None:
        self._commit(navigation.home(self.view))

    def set_turntable(self, turntable: Turntable) -> None:
        self.turntable = turntable

    def save_image(self) -> None:
        pass

    def save_window(self) -> None:
        pass

    def start_recording(self, request: RecordingRequest) -> None:
        pass

    def cancel_recording(self) -> None:
        pass

    def set_threads(self, threads: int) -> None:
        self.rendering.set_threads(threads)

    def set_device(self, device: str) -> None:
        self.rendering.set_device(device)

    def notify(self, message: str) -> None:
        self.overlay.notify(message, self.now)

    # ------------------------------------------------------------------------------- what keys and menus ask
    @property
    def overlays_visible(self) -> bool:
        return self.overlay.visible

    can_undo = can_redo = False

    def toggle_turntable(self) -> None:
        self.turntable = replace(self.turntable, playing=not self.turntable.playing)

    def toggle_overlays(self) -> None:
        self.overlay.visible = not self.overlay.visible

    def toggle_recording(self) -> None:
        pass

    def toggle_help(self) -> None:
        self.help_open = not self.help_open

    def undo(self) -> None:
        pass

    def redo(self) -> None:
        pass

    def escape(self) -> None:
        before = self._viewport.cancel()
        if before is not None:
            self._commit(before)
        self.help_open = False

    def reset_layout(self) -> None:
        self._host.reset()

    def quit(self) -> None:
        self.window.request_close()

    def drop(self, paths: Sequence[Path]) -> None:
        self.open_checkpoint(paths[0])
