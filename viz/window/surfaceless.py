"""EGL without a surface, drawing into a framebuffer object: for servers where GLFW's null platform fails."""

from __future__ import annotations

import ctypes

from viz.window.errors import INSTALL_EGL as _HINT
from viz.window.errors import WindowError

_SURFACELESS_MESA = 0x31DD
_DEVICE_EXT = 0x313F


class SurfacelessContext:
    """An OpenGL 3.3 core context and a framebuffer object to draw into.

    Parameters
    ----------
    size : tuple
        Width and height, pixels.

    Raises
    ------
    WindowError
        When EGL gives no such context.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        from OpenGL import EGL

        self._egl = EGL
        self._display = _display()
        EGL.eglBindAPI(EGL.EGL_OPENGL_API)
        wanted = [EGL.EGL_SURFACE_TYPE, EGL.EGL_PBUFFER_BIT, EGL.EGL_RENDERABLE_TYPE, EGL.EGL_OPENGL_BIT]
        configs = (EGL.EGLConfig * 1)()
        count = ctypes.c_long()
        EGL.eglChooseConfig(self._display, _ints([*wanted, EGL.EGL_NONE]), configs, 1, count)
        attributes = [0x3098, 3, 0x30FB, 3, 0x30FD, 1, EGL.EGL_NONE]  # version 3.3, core profile
        config = configs[0] if count.value else None
        self._context = EGL.eglCreateContext(self._display, config, EGL.EGL_NO_CONTEXT, _ints(attributes))
        none = EGL.EGL_NO_SURFACE
        if not self._context or not EGL.eglMakeCurrent(self._display, none, none, self._context):
            raise WindowError("cannot draw offscreen", "EGL gives no OpenGL 3.3 context", _HINT)
        from OpenGL import GL

        self._framebuffer = int(GL.glGenFramebuffers(1))
        self._colour = int(GL.glGenRenderbuffers(1))
        self.resize(size)

    def resize(self, size: tuple[int, int]) -> None:
        """Change the size of the picture."""
        from OpenGL import GL

        GL.glBindRenderbuffer(GL.GL_RENDERBUFFER, self._colour)
        GL.glRenderbufferStorage(GL.GL_RENDERBUFFER, GL.GL_RGBA8, *size)
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self._framebuffer)
        GL.glFramebufferRenderbuffer(
            GL.GL_FRAMEBUFFER, GL.GL_COLOR_ATTACHMENT0, GL.GL_RENDERBUFFER, self._colour
        )
        if GL.glCheckFramebufferStatus(GL.GL_FRAMEBUFFER) != GL.GL_FRAMEBUFFER_COMPLETE:
            raise WindowError("cannot draw offscreen", f"no framebuffer of {size[0]}×{size[1]} pixels", _HINT)

    def swap(self) -> None:
        """Finish what was drawn."""
        from OpenGL import GL

        GL.glFinish()

    def close(self) -> None:
        """Release the context."""
        egl = self._egl
        egl.eglMakeCurrent(self._display, egl.EGL_NO_SURFACE, egl.EGL_NO_SURFACE, egl.EGL_NO_CONTEXT)
        egl.eglDestroyContext(self._display, self._context)


def _ints(values: list[int]) -> ctypes.Array[ctypes.c_int]:
    return (ctypes.c_int * len(values))(*(int(value) for value in values))


def _display() -> object:
    """An initialised EGL display: Mesa's surfaceless platform, else a graphics device, else the default."""
    from OpenGL import EGL

    library = ctypes.CDLL("libEGL.so.1")
    library.eglGetProcAddress.restype = ctypes.c_void_p
    library.eglGetProcAddress.argtypes = [ctypes.c_char_p]
    candidates: list[object] = []
    address = library.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
    if address:
        prototype = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p)
        get_display = prototype(address)
        candidates += [get_display(_DEVICE_EXT, device, None) for device in _devices(library)]
        candidates.append(get_display(_SURFACELESS_MESA, None, None))
    for candidate in [*candidates, None]:
        display = (
            EGL.eglGetDisplay(EGL.EGL_DEFAULT_DISPLAY)
            if candidate is None
            else ctypes.cast(ctypes.c_void_p(candidate), EGL.EGLDisplay)  # type: ignore[arg-type]
        )
        major, minor = ctypes.c_long(), ctypes.c_long()
        try:
            if display and EGL.eglInitialize(display, major, minor):
                return display
        except EGL.EGLError:
            continue
    raise WindowError("cannot draw offscreen", "EGL finds no display", _HINT)


def _devices(library: ctypes.CDLL) -> list[int]:
    address = library.eglGetProcAddress(b"eglQueryDevicesEXT")
    if not address:
        return []
    prototype = ctypes.CFUNCTYPE(
        ctypes.c_uint, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int)
    )
    devices, count = (ctypes.c_void_p * 16)(), ctypes.c_int()
    prototype(address)(16, devices, ctypes.byref(count))
    return [int(devices[index] or 0) for index in range(count.value)]
