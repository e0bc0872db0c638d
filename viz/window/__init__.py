"""Windows: one interface, a real host and one without a screen."""

from viz.window.base import DropCallback, Window
from viz.window.desktop import DesktopWindow
from viz.window.errors import WindowError
from viz.window.offscreen import OffscreenWindow

__all__ = ["DesktopWindow", "DropCallback", "OffscreenWindow", "Window", "WindowError"]
