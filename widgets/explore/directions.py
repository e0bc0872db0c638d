"""Sliders along the principal directions of w."""

from __future__ import annotations

from dataclasses import replace

from imgui_bundle import imgui

from pof3d.text import format_degrees
from viz import theme, ui
from viz.latent_edits import amplitudes, with_amplitude
from viz.panel import PanelContext
from viz.view import LatentView
from widgets import common

FEW = 5
"""Directions shown at first."""
REACH = 4.0
"""Of the sliders, standard deviations."""
_LOOK_SECONDS = 0.2
_LABEL_EM = 4.4
_HELP = (
    "Moves w along direction {n}, in standard deviations of w. {share:.1%} of the differences between this "
    "network's latents lie along it. ψ and the pose learner see the moved w: the predicted pose follows."
)


class DirectionSliders:
    """The first few directions, or all."""

    def __init__(self) -> None:
        self._all = False

    def draw(self, latent: LatentView, context: PanelContext) -> LatentView:
        """One slider a direction, or how far the search is; the latent, changed where the user did so."""
        if context.network is None:
            common.paragraph("Waiting for the network.")
            return latent
        state = context.explore.directions()
        if state.error:
            common.paragraph(state.error, theme.BAD)
        elif not state.explained:
            ui.redraw_within(_LOOK_SECONDS)
            common.progress("Explore/Search", state.fraction or 0.0, "Finding directions …")
        if not state.explained:
            return latent
        # One that is in use is never hidden.
        few = max(FEW, len(amplitudes(latent)))
        shown = state.explained if self._all else state.explained[:few]
        for i, share in enumerate(shown):
            latent = _draw_slider(latent, i, share, state.turns[i] if i < len(state.turns) else None)
        width = common.buttons_width(2)
        text = f"First {FEW}" if self._all else f"All {len(state.explained)}"
        help_text = (
            f"The principal components of w, from a few thousand random latents: {len(state.explained)} of "
            f"them make up {sum(state.explained):.0%} of its variance. They are found without labels: what "
            "each one means is for you to see. With the camera locked, what they do to the object stands "
            "apart from where it is seen from."
        )
        if common.button(f"Explore/{text}", help_text, width=width, enabled=len(state.explained) > FEW):
            self._all = not self._all
        imgui.same_line()
        wanted = common.button(
            "Explore/Reset directions",
            "Back to the seed's own w.",
            width=width,
            enabled=bool(amplitudes(latent)),
        )
        return replace(latent, directions=()) if wanted else latent


def _draw_slider(
    latent: LatentView, index: int, share: float, turn: tuple[float, float] | None
) -> LatentView:
    name = f"Explore/Direction {index + 1}"
    start, em = imgui.get_cursor_pos_x(), common.em()
    help_text = _HELP.format(n=index + 1, share=share)
    if turn is not None:
        yaw, pitch = map(format_degrees, turn)
        help_text += f"\nNear the mean latent, one σ turns it by {yaw} in yaw and {pitch} in pitch."
    imgui.align_text_to_frame_padding()
    number = f"{index + 1}"
    imgui.set_cursor_pos_x(start + 1.2 * em - imgui.calc_text_size(number).x)
    imgui.text_unformatted(number)
    text = f"{share:.0%}" if share >= 0.095 else f"{share:.1%}"
    imgui.same_line(start + (_LABEL_EM - 0.6) * em - imgui.calc_text_size(text).x)
    imgui.text_disabled(text)
    common.tooltip(help_text)
    imgui.same_line(start + _LABEL_EM * em)
    value = latent.directions[index] if index < len(latent.directions) else 0.0
    changed, value = common.slider(
        name, value, -REACH, REACH, "%.2f σ", help_text, default=0.0, labelled=False
    )
    return with_amplitude(latent, index, value) if changed else latent
