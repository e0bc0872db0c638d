"""What lies over the whole window: palette, keys, the question for a layout's name, and the tour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from viz.callouts import Callouts
from viz.key_window import KeyWindow
from viz.keymap import Keymap
from viz.layout_menu import NameDialog
from viz.palette import Palette

if TYPE_CHECKING:
    from viz.program import Program


class Extras:
    """Draws them; each shows only when the program says so."""

    def __init__(self) -> None:
        self._palette = Palette()
        self._keys = KeyWindow()
        self._name = NameDialog()
        self._callouts = Callouts()

    def draw(self, program: Program, keymap: Keymap, panels: Sequence[str]) -> None:
        """Draw what is to be shown; after the panels.

        Parameters
        ----------
        program : Program
        keymap : Keymap
            Of the actions there are.
        panels : sequence of str
            Titles of the panels.
        """
        self._callouts.draw(program, keymap)
        self._keys.draw(program, keymap)
        self._name.draw(program)
        self._palette.draw(program, keymap, panels)
