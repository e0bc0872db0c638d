"""What the program does for whoever sits before it: the palette, keys, colours, layouts and the tour."""

from __future__ import annotations

from dataclasses import replace

from pof3d.errors import Pof3dError
from viz.finding import Entry
from viz.saved_layouts import SavedLayouts, layouts_path
from viz.settings import Settings
from viz.surroundings import Surroundings

LAYOUT_VERSION = 1
"""Of saved layouts: they say nothing to a program whose panels have other names."""
REMEMBERED = 12
"""Entries of the palette that come first for having been used."""
TOUR_LENGTH = 5


class Comforts:
    """A part of :class:`viz.program.Program`, which has all that is used here."""

    settings: Settings
    surroundings: Surroundings

    palette_open: bool = False
    layout_wanted: str = ""
    """Asks the window to arrange the panels so."""
    naming_layout: bool = False
    """Asks the window for the name of the present layout."""
    tour_step: int | None = None
    """Which callout of the tour is shown; None: no tour."""
    _layouts: SavedLayouts | None = None

    def notify(self, message: str) -> None:
        """Show a notice for a while."""
        raise NotImplementedError

    def _save(self) -> None:
        raise NotImplementedError

    # ---------------------------------------------------------------------------------------- palette
    def toggle_palette(self) -> None:
        """Show or hide the command palette."""
        self.palette_open = not self.palette_open

    def use_entry(self, entry: Entry) -> None:
        """Do what was chosen in the palette, and remember that."""
        others = tuple(name for name in self.settings.palette if name != entry.name)
        self.settings = replace(self.settings, palette=(entry.name, *others)[:REMEMBERED])
        entry.run()

    # ----------------------------------------------------------------------------------- keys, colours
    def set_keys(self, keys: dict[str, tuple[str, ...]]) -> None:
        """Use other keys from now on."""
        self.settings = replace(self.settings, keys=keys)
        self._save()

    def toggle_theme(self) -> None:
        """Light where it was dark, and back."""
        self.settings = replace(self.settings, theme="dark" if self.settings.theme == "light" else "light")
        self._save()

    # ----------------------------------------------------------------------------------------- layouts
    @property
    def layouts(self) -> SavedLayouts:
        """The arrangements that the user has named."""
        if self._layouts is None:
            path = layouts_path() if self.surroundings.remember else None
            self._layouts = SavedLayouts(LAYOUT_VERSION, path)
        return self._layouts

    def name_layout(self) -> None:
        """Ask for a name, and keep the present arrangement under it."""
        self.naming_layout = True

    def keep_layout(self, name: str, layout: str) -> None:
        """Keep an arrangement under a name."""
        try:
            self.layouts.keep(name, layout)
        except Pof3dError as error:
            self.notify(str(error))
        else:
            self.notify(f"Saved the layout “{name}”")

    def restore_layout(self, name: str) -> None:
        """Arrange the panels as they were when this layout was saved."""
        self.layout_wanted = self.layouts.get(name)

    def delete_layout(self, name: str) -> None:
        """Forget a layout."""
        try:
            self.layouts.delete(name)
        except Pof3dError as error:
            self.notify(str(error))
        else:
            self.notify(f"Deleted the layout “{name}”")

    # -------------------------------------------------------------------------------------------- tour
    def start_tour(self) -> None:
        """Show what is where, from the beginning."""
        self.tour_step = 0

    def go_to_step(self, step: int) -> None:
        """Go to a callout of the tour; beyond the last one it ends."""
        if step >= TOUR_LENGTH:
            self.end_tour()
        else:
            self.tour_step = max(step, 0)

    def end_tour(self) -> None:
        """End the tour, and do not begin with it again."""
        self.tour_step = None
        self.settings = replace(self.settings, tour_seen=True)
        self._save()
