"""The Explore panel: neighbours of a latent, its directions, style mixing, and places to return to."""

from __future__ import annotations

from dataclasses import replace

from imgui_bundle import imgui

from viz import ui
from viz.panel import Actions, PanelContext
from viz.view import View
from widgets import common
from widgets.explore.bookmarks import BookmarkList
from widgets.explore.directions import DirectionSliders
from widgets.explore.mixing import MixingControls
from widgets.explore.pictures import Pictures, draw_neighbours, draw_visited


class ExplorePanel:
    """Strip of neighbouring seeds, directions of w, style mixing, visited latents, bookmarks."""

    title = "Explore"

    def __init__(self) -> None:
        self._pictures = Pictures()
        self._directions = DirectionSliders()
        self._mixing = MixingControls()
        self._bookmarks = BookmarkList()

    def draw(self, view: View, context: PanelContext, actions: Actions) -> View:
        """Draw the panel and return the View, with its latent changed where the user changed it."""
        latent = view.latent
        with common.disabled(context.network is None):
            if _foldable("Neighbouring seeds", "From their own poses, as a step on the map would show them."):
                latent = draw_neighbours(self._pictures, latent, context)
            if _foldable(
                "Principal directions", "Ways through w in which this network's objects differ most."
            ):
                latent = self._directions.draw(latent, context)
            if _foldable("Style mixing", "Some layers of the backbone take their w from a second seed."):
                latent = self._mixing.draw(latent, context, self._pictures)
            if _foldable("Visited", "Latents that were looked at for a moment, newest first."):
                latent = draw_visited(self._pictures, latent, context)
            if _foldable("Bookmarks", "Whole views: network, latent, camera, display."):
                self._bookmarks.draw(context, actions)
        return view if latent == view.latent else replace(view, latent=latent)


_FOLDABLE = int(
    imgui.TreeNodeFlags_.span_avail_width
    | imgui.TreeNodeFlags_.no_tree_push_on_open
    | imgui.TreeNodeFlags_.default_open
)


def _foldable(title: str, help: str) -> bool:
    opened = imgui.tree_node_ex(f"{title}##foldable", _FOLDABLE)
    ui.mark(f"Explore/{title}")
    common.tooltip(help)
    return bool(opened)
