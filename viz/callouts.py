"""The tour of the window: five callouts that point at places, and are gone for good when they were seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgui_bundle import imgui

from viz import theme, ui
from viz.keymap import Keymap
from viz.layout import VIEWPORT
from viz.marks import Rect

if TYPE_CHECKING:
    from viz.program import Program

TITLE = "Tour"
WIDTH = 310.0
"""Design pixels."""
GAP = 16.0


@dataclass(frozen=True)
class Step:
    """One callout."""

    window: str
    """What it points at."""
    title: str
    text: str


STEPS: tuple[Step, ...] = (
    Step(
        VIEWPORT,
        "The picture",
        "Drag it to look at the object from elsewhere; a preview answers at once, the full picture follows. "
        "The wheel, or two fingers, zoom. A double click goes back to where the network itself would stand.",
    ),
    Step(
        "Latent",
        "Which object",
        "Every seed is another random latent z, and so another object. Drag the map of seeds to blend "
        "neighbours; {previous_seed} and {next_seed} step through them. ψ pulls towards the average object.",
    ),
    Step(
        "Pose",
        "Four poses",
        "The generator predicts a pose with every latent, the discriminator reads one off the picture; you "
        "can set one in their place, or orbit freely. Nobody told the network any pose: it has learned them.",
    ),
    Step(
        "Pose histogram",
        "All poses it has learned",
        "The predicted poses of thousands of latents, and where the present ones lie among them. "
        "Click a place to look from there. Outside, the network has seen little, and shows it.",
    ),
    Step(
        "Capture",
        "Keep what you see",
        "Pictures and videos; dropped on the window again, a picture brings back its view. "
        "Everything else is found by name: press {palette}. {keys} lists the keys.",
    ),
)


class Callouts:
    """Draws the callout of the tour's present step."""

    def __init__(self) -> None:
        self._shown: int | None = None

    def draw(self, program: Program, keymap: Keymap) -> None:
        """Draw it, if the tour is on and there is a picture to talk about."""
        step = program.tour_step
        if step is None or program.frame is None:
            self._shown = None
            return
        step = min(step, len(STEPS) - 1)
        here = STEPS[step]
        if step != self._shown:
            self._shown = step
            program.panel_wanted = here.window if here.window != VIEWPORT else ""
        target = _place(here.window)
        if target is not None:
            _outline(target)
        screen = imgui.get_main_viewport()
        width = ui.px(WIDTH)
        x, y, pivot = _beside(target, screen, width, inside=here.window == VIEWPORT)
        imgui.set_next_window_pos((x, y), int(imgui.Cond_.always), pivot)
        imgui.set_next_window_size((width, 0.0), int(imgui.Cond_.always))
        flags = (
            imgui.WindowFlags_.no_decoration
            | imgui.WindowFlags_.no_saved_settings
            | imgui.WindowFlags_.no_docking
            | imgui.WindowFlags_.no_move
            | imgui.WindowFlags_.no_focus_on_appearing
        )
        imgui.push_style_color(imgui.Col_.window_bg, imgui.get_style_color_vec4(imgui.Col_.popup_bg))
        imgui.push_style_color(imgui.Col_.border, theme.ACCENT)
        imgui.push_style_var(imgui.StyleVar_.window_padding, (ui.px(16), ui.px(13)))
        imgui.push_style_var(imgui.StyleVar_.window_border_size, ui.px(1.0))
        imgui.begin(TITLE, None, int(flags))
        ui.mark_window(TITLE)
        imgui.internal.bring_window_to_display_front(imgui.internal.get_current_window())
        names = {action.name: keymap.text(action) or f"“{action.title}”" for action in keymap.actions}
        _draw_step(program, step, here, names)
        imgui.end()
        imgui.pop_style_var(2)
        imgui.pop_style_color(2)


def _draw_step(program: Program, step: int, here: Step, names: dict[str, str]) -> None:
    imgui.push_font(theme.fonts.bold, 0.0)
    imgui.text_unformatted(here.title)
    imgui.pop_font()
    imgui.push_text_wrap_pos(0.0)
    imgui.text_unformatted(here.text.format(**names))
    imgui.pop_text_wrap_pos()
    imgui.spacing()
    style = imgui.get_style()
    last = step == len(STEPS) - 1
    # The way out at the left, the way on at the right.
    if _button("Skip", quiet=True, enabled=not last):
        program.end_tour()
    labels = ("Back", "Done" if last else "Next")
    widths = [imgui.calc_text_size(text).x + 2 * style.frame_padding.x for text in labels]
    count = f"{step + 1} of {len(STEPS)}"
    counted = imgui.calc_text_size(count).x
    right = imgui.get_window_width() - style.window_padding.x - ui.px(6)
    imgui.same_line(right - sum(widths) - 2 * style.item_spacing.x - counted)
    imgui.align_text_to_frame_padding()
    imgui.text_colored(theme.TEXT_DIM, count)
    imgui.same_line()
    if _button(labels[0], enabled=step > 0):
        program.go_to_step(step - 1)
    imgui.same_line()
    if _button(labels[1], lit=True) or _entered():
        program.go_to_step(step + 1)


def _entered() -> bool:
    """Whether Enter was pressed, and for nothing else."""
    io = imgui.get_io()
    busy = io.want_text_input or io.nav_visible or ui.keys_claimed()
    popup = imgui.is_popup_open("", int(imgui.PopupFlags_.any_popup))
    return not (busy or popup) and imgui.is_key_pressed(imgui.Key.enter, False)


def _button(label: str, *, quiet: bool = False, lit: bool = False, enabled: bool = True) -> bool:
    colours = 0
    if quiet:
        imgui.push_style_color(imgui.Col_.button, (0.0, 0.0, 0.0, 0.0))
        imgui.push_style_color(imgui.Col_.text, theme.TEXT_DIM)
        colours = 2
    elif lit:
        for index in (imgui.Col_.button, imgui.Col_.button_hovered, imgui.Col_.button_active):
            imgui.push_style_color(index, theme.ACCENT)
        imgui.push_style_color(imgui.Col_.text, theme.ON_ACCENT)
        colours = 4
    imgui.begin_disabled(not enabled)
    clicked = imgui.button(label)
    ui.mark(f"Tour/{label}")
    imgui.end_disabled()
    imgui.pop_style_color(colours)
    return bool(clicked)


def _place(title: str) -> Rect | None:
    """Where a window is, if it shows."""
    window = imgui.internal.find_window_by_name(title)
    if window is None or not window.active or window.hidden:
        return None
    low, size = window.pos, window.size
    return Rect(low.x, low.y, low.x + size.x, low.y + size.y)


def _outline(rect: Rect) -> None:
    ink = int(imgui.get_color_u32(theme.ACCENT))
    lines = imgui.get_foreground_draw_list()
    inset = ui.px(1.5)
    lines.add_rect(
        (rect.left + inset, rect.top + inset),
        (rect.right - inset, rect.bottom - inset),
        ink,
        ui.px(6),
        ui.px(2),
    )


def _beside(
    target: Rect | None, screen: imgui.Viewport, width: float, *, inside: bool
) -> tuple[float, float, tuple[float, float]]:
    """Position of a callout and which of its points lies there: beside its target, or within it."""
    gap = ui.px(GAP)
    middle = screen.pos.x + screen.size.x / 2
    if target is None:
        return middle, screen.pos.y + screen.size.y / 2, (0.5, 0.5)
    if inside:
        return target.centre[0], target.bottom - ui.px(64), (0.5, 1.0)
    left = target.centre[0] < middle
    x = target.right + gap if left else target.left - gap - width
    x = min(max(x, screen.pos.x + gap), screen.pos.x + screen.size.x - width - gap)
    room = ui.px(110)
    y = min(max(target.centre[1], screen.pos.y + room), screen.pos.y + screen.size.y - room)
    return x, y, (0.0, 0.5)
