"""Pictures on the graphics card.

Import it only while a context is current: PyOpenGL chooses its platform at import.
"""

from __future__ import annotations

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray
from OpenGL import GL


class Texture:
    """One RGBA8 picture that ImGui can draw. Made, updated and released in the window's thread."""

    def __init__(self) -> None:
        self._id = int(GL.glGenTextures(1))
        self.size = (0, 0)
        GL.glBindTexture(GL.GL_TEXTURE_2D, self._id)
        GL.glTexParameteri(GL.GL_TEXTURE_2D, GL.GL_TEXTURE_MIN_FILTER, GL.GL_LINEAR)
        GL.glTexParameteri(GL.GL_TEXTURE_2D, GL.GL_TEXTURE_MAG_FILTER, GL.GL_LINEAR)
        GL.glTexParameteri(GL.GL_TEXTURE_2D, GL.GL_TEXTURE_WRAP_S, GL.GL_CLAMP_TO_EDGE)
        GL.glTexParameteri(GL.GL_TEXTURE_2D, GL.GL_TEXTURE_WRAP_T, GL.GL_CLAMP_TO_EDGE)

    def upload(self, rgba: NDArray[np.uint8]) -> None:
        """Replace the picture; array [H, W, 4]. Four channels upload ten times as fast as three."""
        height, width = rgba.shape[:2]
        if rgba.shape != (height, width, 4) or rgba.dtype != np.uint8:
            raise ValueError(f"expected uint8 [H, W, 4], got {rgba.dtype} {list(rgba.shape)}")
        pixels = np.ascontiguousarray(rgba)
        GL.glBindTexture(GL.GL_TEXTURE_2D, self._id)
        GL.glPixelStorei(GL.GL_UNPACK_ALIGNMENT, 1)
        GL.glPixelStorei(GL.GL_UNPACK_ROW_LENGTH, 0)
        kind = (GL.GL_RGBA, GL.GL_UNSIGNED_BYTE)
        if self.size == (width, height):
            GL.glTexSubImage2D(GL.GL_TEXTURE_2D, 0, 0, 0, width, height, *kind, pixels)
        else:
            GL.glTexImage2D(GL.GL_TEXTURE_2D, 0, GL.GL_RGBA8, width, height, 0, *kind, pixels)
            self.size = (width, height)

    @property
    def reference(self) -> imgui.ImTextureRef:
        """What ``imgui.image`` and draw lists take."""
        return imgui.ImTextureRef(self._id)

    def release(self) -> None:
        """Give the memory back. A second call does nothing."""
        if self._id:
            GL.glDeleteTextures([self._id])
            self._id, self.size = 0, (0, 0)
