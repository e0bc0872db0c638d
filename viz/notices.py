"""What the overlays remember from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass

from pof3d.text import legible, shorten_words

SECONDS = 4.0
"""A notice stays at least this long; long ones stay longer."""
FADE_SECONDS = 0.4


@dataclass
class Notices:
    """A notice that goes by itself, and which error the user has closed."""

    overlays_visible: bool = True
    message: str = ""
    until: float = 0.0
    dismissed: str = ""

    def tell(self, message: str, now: float) -> None:
        """Show a notice for a while."""
        message = legible(shorten_words(message))
        self.message, self.until = message, now + SECONDS + min(len(message) * 0.03, 4.0)

    def withdraw(self, message: str) -> None:
        """Take a notice away that is not true any more."""
        if self.message == legible(shorten_words(message)):
            self.message = ""

    def left(self, now: float) -> float:
        """Seconds until the notice is gone; 0 when there is none."""
        return max(self.until - now, 0.0) if self.message else 0.0
