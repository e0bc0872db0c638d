"""The error of windows, importable where no window can be opened."""

from __future__ import annotations

from pof3d.errors import Pof3dError

INSTALL_X11 = (
    "Install the system packages libx11-6, libxext6 and libgl1 (Debian, Ubuntu: apt-get install libx11-6 "
    "libxext6 libgl1)."
)
INSTALL_EGL = (
    "Install the system packages libegl1 and libgl1-mesa-dri (Debian, Ubuntu: apt-get install libegl1 "
    "libgl1-mesa-dri)."
)


class WindowError(Pof3dError):
    """A window cannot be opened, or its display went away."""
