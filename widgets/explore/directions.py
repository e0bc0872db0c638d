"""Sliders along the principal directions of w."""

from __future__ import annotations

from dataclasses import replace

from imgui_bundle import imgui

from viz import theme, ui
from viz.latent_edits import amplitudes, with_amplitude
from viz.panel import PanelContext
from viz.view import LatentView
from widgets import common

REACH = 4.0
"""Of the sliders, standard deviations."""
_LOOK_SECONDS = 0.2
_LABEL_EM = 4.4
_HELP = (
    "Moves w along direction {n}, in standard deviations of w. {share:.1%} of the differences between this "
    "network's latents lie along it. ψ and the pose learner see the moved w: the predicted pose may follow."
)


def draw_directions(latent: LatentView, context: PanelContext) -> LatentView:
    """One slider a direction, or how far the search is."""
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
    for i, share in enumerate(state.explained):
        latent = _draw_slider(latent, i, share)
    imgui.align_text_to_frame_padding()
    imgui.text_disabled(f"together {sum(state.explained):.0%} of the variance of w")
    common.tooltip(
        "The principal components of w, from a few thousand random latents. They are found without labels: "
        "what each one means is for you to see. Lock the camera to tell what they do from where it is seen."
    )
    text = "Reset all"
    width = imgui.calc_text_size(text).x + 2 * imgui.get_style().frame_padding.x
    imgui.same_line()
    imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + imgui.get_content_region_avail().x - width)
    if common.button(f"Explore/{text}", "Back to the seed's own w.", enabled=bool(amplitudes(latent))):
        latent = replace(latent, directions=())
    return latent


def _draw_slider(latent: LatentView, index: int, share: float) -> LatentView:
    name = f"Explore/Direction {index + 1}"
    start, em = imgui.get_cursor_pos_x(), common.em()
    help_text = _HELP.format(n=index + 1, share=share)
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
