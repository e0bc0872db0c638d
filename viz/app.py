"""The window's content: menu, viewport and panels around one :class:`viz.program.Program`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from pof3d.text import printable
from viz import dialogs, menu, overlays, shortcuts, theme, ui
from viz.actions import ACTIONS
from viz.extras import Extras
from viz.file_dialogs import FileDialogs
from viz.keymap import Keymap
from viz.layout import NARROW, VIEWPORT, PanelHost, Placement
from viz.layout_scale import at_scale, design_width, with_scale
from viz.marks import Registry
from viz.milestones import reached
from viz.panel import PanelContext
from viz.program import Program
from viz.view import View
from viz.viewport import Viewport
from viz.window import Window

IDLE_SECONDS = 5.0
"""At rest the window is drawn this often, and whenever something happens."""
FRAME_SECONDS = 1 / 60
_FRAMES_AFTER_EVENT = 4
"""ImGui answers some input a frame or two later."""
_FRAMES_BEFORE_PICTURE = 3
_FRAMES_TO_ARRANGE = 4
"""Until then panels come to the front of their places, which takes the keyboard and the mouse from others."""


class App:
    """Draws a program into a window. Everything happens in the thread that calls :meth:`frame`.

    Parameters
    ----------
    window : Window
        Where to draw; not closed by this object.
    program : Program
        What to draw; closed by :meth:`close`.
    placements : sequence of Placement
        The panels.
    registry : Registry, optional
        For tests and tours: gets the places of controls.
    layout : str
        An arrangement of the panels that :attr:`layout` gave; empty: the default one.
    ui_scale : float, optional
        Interface units per design pixel; None: what the screen asks for.
    """

    def __init__(
        self,
        window: Window,
        program: Program,
        placements: Sequence[Placement],
        *,
        registry: Registry | None = None,
        layout: str = "",
        ui_scale: float | None = None,
    ) -> None:
        self.window = window
        self.program = program
        self.registry = registry
        self.frames = 0
        """Drawn so far."""
        self._ui_scale = ui_scale
        self._scale = 0.0
        self._extras = Extras()
        self._milliseconds: deque[float] = deque(maxlen=240)
        self._events_seen = -1
        self._frames_due = _FRAMES_AFTER_EVENT
        self._presses = 0
        self._title = ""
        self._picture_in = _FRAMES_BEFORE_PICTURE
        theme.load_fonts()
        self._viewport = Viewport()
        self._files = FileDialogs()
        self._keymap = Keymap(ACTIONS, program.settings.keys)
        self._layout_scale = self.scale
        layout = self._fitting(layout)
        if layout:
            imgui.load_ini_settings_from_memory(layout)
        self._host = PanelHost(placements, restored=bool(layout))
        window.set_drop_callback(program.drop)
        program.surroundings.drops = window.takes_drops

    # ---------------------------------------------------------------------------------------------- loop
    @property
    def animating(self) -> bool:
        """Whether the picture of the window may change without an event."""
        return self._eventful or self._host.refresher.waiting

    @property
    def _eventful(self) -> bool:
        io = imgui.get_io()
        return (
            self._frames_due > 0
            or self.window.woken
            or self.program.moving
            or any(io.mouse_down)
            or io.want_text_input
            or self.window.events != self._events_seen
        )

    @property
    def rest_seconds(self) -> float:
        """After how long to draw again when nothing happens."""
        return min(ui.redraw_wanted(), IDLE_SECONDS)

    def run(self) -> None:
        """Draw until the window is closed: at 60 Hz while something moves, else when something happens."""
        earliest = time.perf_counter()
        while not self.window.should_close:
            # A wait ends early with every event, also those that the workers send.
            self.window.poll(self._pause(earliest) if self.animating else self.rest_seconds)
            while (left := self._pause(earliest)) > 0.0:
                self.window.poll(left)
            earliest = time.perf_counter() + FRAME_SECONDS
            self.frame()

    @staticmethod
    def _pause(earliest: float) -> float:
        left = earliest - time.perf_counter()
        return left if left > 1e-3 else 0.0

    def frame(self, *, capture: bool = False) -> NDArray[np.uint8] | None:
        """Draw one frame; with ``capture``, the picture of the window [H, W, 3]."""
        began, program = time.perf_counter(), self.program
        behind, news = self._host.refresher.waiting, self._eventful
        if self.window.woken:  # not otherwise: what wakes it in this moment must not be lost
            self.window.woken, news = False, True
        if self.window.events != self._events_seen:
            self._events_seen, self._frames_due = self.window.events, _FRAMES_AFTER_EVENT
        self._frames_due = max(self._frames_due - 1, 0)
        scale = self.scale
        self._rescale_layout(scale)
        restyled = scale != self._scale or theme.chosen() != program.settings.theme
        if restyled:
            self._scale = scale
            theme.choose(program.settings.theme)
            theme.apply_style(scale)
        if program.layout_wanted:
            imgui.load_ini_settings_from_memory(at_scale(program.layout_wanted, scale))
            program.layout_wanted = ""
        if self._keymap.changed is not program.settings.keys:
            self._keymap = Keymap(ACTIONS, program.settings.keys)
        self.window.begin_frame()
        ui.begin_frame(scale, self.registry)
        self._host.refresher.begin_frame(news=news)
        if capture or restyled or not (news or behind):
            self._host.refresher.everything()  # at rest, one frame is enough
        program.update(imgui.get_io().delta_time)
        if not program.comparison.on:  # which has pictures of its own
            self._viewport.show(program.frame)
        self._entitle()
        posing = self._pose_for_picture()
        if posing:
            self._host.refresher.everything()
        self._guarded("window", self._draw)
        self._milliseconds.append(1e3 * (time.perf_counter() - began))
        pixels = self.window.end_frame(capture=capture or posing)
        if pixels is not None and posing:
            program.capturing.save_window(pixels, program.view)
        if program.quitting:
            self.window.request_close()
        self.frames += 1
        if program.frame is not None:
            reached(f"drawn: {program.frame.level} picture")
        return pixels

    def _pose_for_picture(self) -> bool:
        """Whether this frame is the picture asked for: without the menu and the hint that led to it."""
        if not self.program.capturing.window_wanted:
            self._picture_in = _FRAMES_BEFORE_PICTURE
            return False
        self._frames_due = max(self._frames_due, 1)
        self._picture_in -= 1
        if self._picture_in > 0:
            return False
        io = imgui.get_io()
        if not any(io.mouse_down):
            # For this frame only: the next one's events put it back.
            position, io.mouse_pos = io.mouse_pos, imgui.ImVec2(-1e6, -1e6)
            io.add_mouse_pos_event(position.x, position.y)
        return True

    def _entitle(self) -> None:
        if self.frames < _FRAMES_TO_ARRANGE:
            return  # who waits for the name finds a window that takes input
        network = self.program.rendering.network_info
        title = f"{printable(network.path.name)} – PoF3D" if network is not None else "PoF3D"
        if title != self._title:
            self._title = title
            self.window.set_title(title)

    # ------------------------------------------------------------------------------------------- drawing
    def _draw(self) -> None:
        program = self.program
        context = program.context(np.array(self._milliseconds, np.float32), self._scale)
        self._presses += sum(imgui.is_mouse_clicked(button) for button in range(3))
        held = any(imgui.is_mouse_down(button) or imgui.is_mouse_released(button) for button in range(3))
        program.hand = ("mouse", self._presses) if held else None
        self._guarded("keyboard", self._keys)
        self._guarded("menu", lambda: menu.draw(context, program, self._keymap))
        if program.layout_reset:
            program.layout_reset = False
            self._host.reset()
        self._host.dock_space()
        if program.panel_wanted:
            self._host.show(program.panel_wanted)
            program.panel_wanted = ""
        if program.clipboard:
            imgui.set_clipboard_text(program.clipboard)
            program.clipboard = ""
        self._draw_viewport(context)
        self._host.draw(lambda: program.view, self._edit, context, program, program.panels_open)
        self._guarded("dialogs", lambda: self._files.draw(context, program))
        titles = [placement.panel.title for placement in self._host.placements]
        self._guarded("windows above", lambda: self._extras.draw(program, self._keymap, titles))
        question = context.question
        if question is not None:
            self._guarded("question", lambda: dialogs.draw_question(question, program))

    def _guarded(self, what: str, draw: Callable[[], None]) -> None:
        """Draw something that has no place for an error of its own: the notices tell of it, once."""
        failure = self._host.protected(what, draw)
        if failure:
            self.program.notify(failure)

    def _edit(self, before: View, after: View) -> None:
        """Take what the user did to a View; while a mouse button is held it is one step of the history."""
        if after != before:
            self.program.edit(after, self.program.hand)

    def _keys(self) -> None:
        actions, escape = shortcuts.asked(self._keymap)
        if escape:
            before = self._viewport.cancel()
            if before is not None:
                self._edit(self.program.view, before)
            else:
                self.program.escape()
        for action in actions:
            if action.enabled(self.program):
                action.run(self.program)

    def _draw_viewport(self, context: PanelContext) -> None:
        program = self.program
        flags = imgui.WindowFlags_.no_scrollbar | imgui.WindowFlags_.no_scroll_with_mouse
        imgui.push_style_var(imgui.StyleVar_.window_padding, imgui.ImVec2(0, 0))
        imgui.push_style_color(imgui.Col_.window_bg, imgui.ImVec4(*theme.PANEL_LOW))
        if imgui.begin(VIEWPORT, None, int(flags))[0]:
            ui.mark_window(VIEWPORT)
            self._host.guarded(VIEWPORT, program.view, lambda view: self._fill_viewport(view, context))
        imgui.end()
        imgui.pop_style_color()
        imgui.pop_style_var()

    def _fill_viewport(self, view: View, context: PanelContext) -> View:
        program = self.program
        result = self._viewport.draw(view, context)
        self._edit(view, result.view)
        if result.activate is not None:
            program.activate_pane(result.activate)
        if result.divider is not None:
            program.change_comparison(replace(program.comparison, divider=result.divider))
        if program.capturing.shape_wanted and (pixels := self._viewport.shape_pixels()) is not None:
            program.capturing.save_shape(pixels, view)
        overlays.draw(
            program.notices,
            result.rect,
            result.picture,
            program.view,
            context,
            program.now,
            program.dismiss_error,
            program.comparison.layout if program.comparison.on else None,
        )
        return program.view

    @property
    def scale(self) -> float:
        """Units of the window per design pixel of the interface."""
        return self._ui_scale or self.window.scale

    @property
    def layout(self) -> str:
        """The present arrangement of the panels with its scale, for the next start."""
        return with_scale(str(imgui.save_ini_settings_to_memory()), self._layout_scale)

    def _fitting(self, layout: str) -> str:
        """An arrangement at the present scale; empty where it was made for quite another width."""
        fitting, width = at_scale(layout, self.scale), design_width(layout)
        narrow = self.window.size[0] / self.scale < NARROW
        other = fitting != layout and width is not None and (width < NARROW) != narrow
        return "" if other else fitting

    def _rescale_layout(self, scale: float) -> None:
        """Keep the arrangement when the scale changes, as it does on another screen."""
        if scale != self._layout_scale:
            imgui.load_ini_settings_from_memory(at_scale(self.layout, scale))
            self._layout_scale = scale

    def close(self) -> None:
        """Stop the workers and release what was drawn with."""
        self.program.close()
        self._viewport.release()
