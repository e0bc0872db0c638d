"""Surfaces and point clouds on the graphics card, drawn into a texture as the network's cameras see them.

Import it only while a context is current: PyOpenGL chooses its platform at import.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray
from OpenGL import GL

from viz.window.errors import WindowError

SAMPLES = 4
"""Of multisampling, where the driver has that many."""
LARGEST_SIDE = 4096
"""Pixels."""
_NEAREST = 0.01
"""Of what is drawn, world units in front of the camera."""
_COMPONENTS = ((3, GL.GL_FLOAT, False), (3, GL.GL_FLOAT, False), (3, GL.GL_UNSIGNED_BYTE, True))
"""Position, normal and colour."""

_VERTEX = """#version 330 core
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec3 color;
uniform mat4 world_to_camera;
uniform mat4 projection;
uniform float point_pixels;
out vec3 seen_normal;
out vec3 seen_color;
out vec3 seen_position;
void main() {
    vec4 seen = world_to_camera * vec4(position, 1.0);
    seen_position = seen.xyz;
    seen_normal = mat3(world_to_camera) * normal;
    seen_color = color;
    gl_Position = projection * seen;
    gl_PointSize = clamp(point_pixels / max(seen.z, 1e-3), 1.5, 64.0);
}
"""
_FRAGMENT = """#version 330 core
in vec3 seen_normal;
in vec3 seen_color;
in vec3 seen_position;
uniform int style;
uniform mat3 normal_axes;
out vec4 pixel;
void main() {
    if (style == 3) {
        vec2 place = gl_PointCoord * 2.0 - 1.0;
        if (dot(place, place) > 1.0) discard;
        pixel = vec4(seen_color, 1.0);
        return;
    }
    vec3 outwards = normalize(seen_normal);
    vec3 towards = normalize(-seen_position);
    if (style == 2) {
        pixel = vec4(normal_axes * outwards * 0.5 + 0.5, 1.0);
        return;
    }
    // Lit from above the camera's left shoulder; the far side of what is open is lit as well.
    if (dot(outwards, towards) < 0.0) outwards = -outwards;
    float light = max(dot(outwards, normalize(vec3(-0.35, -0.55, -1.0))), 0.0);
    float sky = 0.5 - 0.5 * outwards.y;
    vec3 clay = vec3(0.80, 0.79, 0.77);
    // The field's colours have the light of the photographs in them: a little more of it shows the shape.
    vec3 lit = style == 1 ? clay * (0.22 + 0.18 * sky + 0.62 * light) : seen_color * (0.68 + 0.36 * light);
    float shine = style == 1 ? 0.12 * pow(light, 24.0) : 0.0;
    pixel = vec4(min(lit + shine, vec3(1.0)), 1.0);
}
"""
STYLES = {"field": 0, "plain": 1, "normals": 2}
_POINTS = 3


class SolidRenderer:
    """Draws one mesh or one cloud of points. Everything happens in the window's thread.

    The picture is square, its first row is the top one.
    """

    def __init__(self) -> None:
        self._program = _program()
        self._places = {
            name: GL.glGetUniformLocation(self._program, name)
            for name in ("world_to_camera", "projection", "point_pixels", "style", "normal_axes")
        }
        self._array = int(GL.glGenVertexArrays(1))
        self._buffers = [int(one) for one in GL.glGenBuffers(4)]
        self._texture = int(GL.glGenTextures(1))
        self._drawn, self._shown = (int(one) for one in GL.glGenFramebuffers(2))
        self._render_buffers = [int(one) for one in GL.glGenRenderbuffers(2)]
        self.side = 0
        self._indices = self._points = 0
        self._spacing = 0.0
        self._centre = np.zeros(3)
        self._radius = 1.0

    # ------------------------------------------------------------------------------------------- content
    def set_mesh(
        self,
        vertices: NDArray[np.float32],
        normals: NDArray[np.float32],
        colors: NDArray[np.uint8],
        faces: NDArray[np.int32],
    ) -> None:
        """Show a mesh: vertices and outward normals [V, 3], colours [V, 3], faces [F, 3]."""
        self._upload(vertices, normals, colors)
        indices = np.ascontiguousarray(faces, np.uint32)
        GL.glBindVertexArray(self._array)
        GL.glBindBuffer(GL.GL_ELEMENT_ARRAY_BUFFER, self._buffers[3])
        GL.glBufferData(GL.GL_ELEMENT_ARRAY_BUFFER, indices.nbytes, indices, GL.GL_STATIC_DRAW)
        GL.glBindVertexArray(0)
        self._indices, self._points = indices.size, 0

    def set_points(self, points: NDArray[np.float32], colors: NDArray[np.uint8], spacing: float) -> None:
        """Show points [P, 3] in colours [P, 3], as discs ``spacing`` wide, world units."""
        self._upload(points, np.zeros_like(points), colors)
        self._indices, self._points, self._spacing = 0, len(points), spacing

    def _upload(
        self, points: NDArray[np.float32], normals: NDArray[np.float32], colors: NDArray[np.uint8]
    ) -> None:
        arrays: tuple[NDArray[Any], ...] = (
            np.ascontiguousarray(points, np.float32),
            np.ascontiguousarray(normals, np.float32),
            np.ascontiguousarray(colors, np.uint8),
        )
        GL.glBindVertexArray(self._array)
        for location, (array, (count, kind, scaled)) in enumerate(zip(arrays, _COMPONENTS, strict=True)):
            GL.glBindBuffer(GL.GL_ARRAY_BUFFER, self._buffers[location])
            GL.glBufferData(GL.GL_ARRAY_BUFFER, array.nbytes, array, GL.GL_STATIC_DRAW)
            GL.glEnableVertexAttribArray(location)
            GL.glVertexAttribPointer(location, count, kind, scaled, 0, ctypes.c_void_p(0))
        GL.glBindVertexArray(0)
        GL.glBindBuffer(GL.GL_ARRAY_BUFFER, 0)
        if len(points):
            low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
            self._centre, self._radius = (low + high) / 2, max(float(np.linalg.norm(high - low)) / 2, 1e-3)

    # ------------------------------------------------------------------------------------------- drawing
    def draw(
        self,
        side: int,
        cam2world: Sequence[float],
        focal: float,
        style: str = "field",
        *,
        background: Sequence[int] = (30, 32, 36),
        world_normals: bool = False,
    ) -> None:
        """Draw the content into the texture.

        Parameters
        ----------
        side : int
            Of the picture, pixels.
        cam2world : sequence of 16 numbers
            The matrix row by row, OpenCV axes.
        focal : float
            Image widths; the principal point is the middle.
        style : str
            One of :data:`STYLES`; points always have their own colours.
        background : sequence of int
            RGB, 0 … 255.
        world_normals : bool
            Whether colours of normals are along the world's axes; otherwise along the camera's.
        """
        side = min(max(int(side), 1), LARGEST_SIDE)
        matrix = np.asarray(cam2world, np.float64).reshape(4, 4)
        view = np.linalg.inv(matrix)
        far = float(np.linalg.norm(self._centre - matrix[:3, 3])) + self._radius
        near = max(far - 2.2 * self._radius, _NEAREST)
        # Textures begin at the bottom: with y downwards, as the camera has it, the first row is the top one.
        projection = np.zeros((4, 4))
        projection[0, 0] = projection[1, 1] = 2.0 * focal
        projection[2, 2], projection[2, 3] = (far + near) / (far - near), -2 * far * near / (far - near)
        projection[3, 2] = 1.0
        axes = matrix[:3, :3] if world_normals else np.diag([1.0, -1.0, -1.0])
        with _kept_state():
            self._fit(side)
            GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self._drawn)
            GL.glViewport(0, 0, side, side)
            GL.glDisable(GL.GL_SCISSOR_TEST)
            GL.glDisable(GL.GL_BLEND)
            GL.glDisable(GL.GL_CULL_FACE)
            GL.glEnable(GL.GL_DEPTH_TEST)
            GL.glDepthMask(GL.GL_TRUE)
            GL.glDepthFunc(GL.GL_LESS)
            GL.glEnable(GL.GL_PROGRAM_POINT_SIZE)
            GL.glClearColor(*(channel / 255.0 for channel in background), 1.0)
            GL.glClear(GL.GL_COLOR_BUFFER_BIT | GL.GL_DEPTH_BUFFER_BIT)
            GL.glUseProgram(self._program)
            for name, value in (("world_to_camera", view), ("projection", projection)):
                GL.glUniformMatrix4fv(self._places[name], 1, GL.GL_TRUE, value.astype(np.float32))
            GL.glUniformMatrix3fv(self._places["normal_axes"], 1, GL.GL_TRUE, axes.astype(np.float32))
            GL.glUniform1f(self._places["point_pixels"], self._spacing * focal * side)
            GL.glUniform1i(self._places["style"], _POINTS if self._points else STYLES[style])
            GL.glBindVertexArray(self._array)
            if self._points:
                GL.glDrawArrays(GL.GL_POINTS, 0, self._points)
            elif self._indices:
                GL.glDrawElements(GL.GL_TRIANGLES, self._indices, GL.GL_UNSIGNED_INT, ctypes.c_void_p(0))
            GL.glBindVertexArray(0)
            GL.glBindFramebuffer(GL.GL_READ_FRAMEBUFFER, self._drawn)
            GL.glBindFramebuffer(GL.GL_DRAW_FRAMEBUFFER, self._shown)
            GL.glBlitFramebuffer(0, 0, side, side, 0, 0, side, side, GL.GL_COLOR_BUFFER_BIT, GL.GL_NEAREST)

    def _fit(self, side: int) -> None:
        """Make the buffers as large as the picture."""
        if side == self.side:
            return
        samples = min(SAMPLES, int(GL.glGetIntegerv(GL.GL_MAX_SAMPLES)))
        GL.glBindTexture(GL.GL_TEXTURE_2D, self._texture)
        GL.glTexImage2D(
            GL.GL_TEXTURE_2D, 0, GL.GL_RGBA8, side, side, 0, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE, None
        )
        for name, value in (
            (GL.GL_TEXTURE_MIN_FILTER, GL.GL_LINEAR),
            (GL.GL_TEXTURE_MAG_FILTER, GL.GL_LINEAR),
            (GL.GL_TEXTURE_WRAP_S, GL.GL_CLAMP_TO_EDGE),
            (GL.GL_TEXTURE_WRAP_T, GL.GL_CLAMP_TO_EDGE),
        ):
            GL.glTexParameteri(GL.GL_TEXTURE_2D, name, value)
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self._drawn)
        for buffer, kind, place in (
            (self._render_buffers[0], GL.GL_RGBA8, GL.GL_COLOR_ATTACHMENT0),
            (self._render_buffers[1], GL.GL_DEPTH_COMPONENT24, GL.GL_DEPTH_ATTACHMENT),
        ):
            GL.glBindRenderbuffer(GL.GL_RENDERBUFFER, buffer)
            GL.glRenderbufferStorageMultisample(GL.GL_RENDERBUFFER, samples, kind, side, side)
            GL.glFramebufferRenderbuffer(GL.GL_FRAMEBUFFER, place, GL.GL_RENDERBUFFER, buffer)
        complete = [GL.glCheckFramebufferStatus(GL.GL_FRAMEBUFFER)]
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self._shown)
        GL.glFramebufferTexture2D(
            GL.GL_FRAMEBUFFER, GL.GL_COLOR_ATTACHMENT0, GL.GL_TEXTURE_2D, self._texture, 0
        )
        complete.append(GL.glCheckFramebufferStatus(GL.GL_FRAMEBUFFER))
        if any(int(status) != int(GL.GL_FRAMEBUFFER_COMPLETE) for status in complete):
            raise WindowError("cannot draw a surface", "the graphics driver refuses the buffers for it")
        self.side = side

    def read(self) -> NDArray[np.uint8]:
        """The picture [side, side, 4]."""
        with _kept_state():
            GL.glBindFramebuffer(GL.GL_READ_FRAMEBUFFER, self._shown)
            GL.glPixelStorei(GL.GL_PACK_ALIGNMENT, 1)
            data = GL.glReadPixels(0, 0, self.side, self.side, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE)
        return np.frombuffer(data, np.uint8).reshape(self.side, self.side, 4).copy()

    @property
    def reference(self) -> imgui.ImTextureRef:
        """What ``imgui.image`` and draw lists take."""
        return imgui.ImTextureRef(self._texture)

    def release(self) -> None:
        """Give the memory back. A second call does nothing."""
        if not self._texture:
            return
        GL.glDeleteTextures([self._texture])
        GL.glDeleteRenderbuffers(2, self._render_buffers)
        GL.glDeleteFramebuffers(2, [self._drawn, self._shown])
        GL.glDeleteBuffers(4, self._buffers)
        GL.glDeleteVertexArrays(1, [self._array])
        GL.glDeleteProgram(self._program)
        self._texture = 0


def _program() -> int:
    program = GL.glCreateProgram()
    for kind, source in ((GL.GL_VERTEX_SHADER, _VERTEX), (GL.GL_FRAGMENT_SHADER, _FRAGMENT)):
        shader = GL.glCreateShader(kind)
        GL.glShaderSource(shader, source)
        GL.glCompileShader(shader)
        if not GL.glGetShaderiv(shader, GL.GL_COMPILE_STATUS):
            raise WindowError("cannot draw a surface", str(GL.glGetShaderInfoLog(shader)))
        GL.glAttachShader(program, shader)
        GL.glDeleteShader(shader)
    GL.glLinkProgram(program)
    if not GL.glGetProgramiv(program, GL.GL_LINK_STATUS):
        raise WindowError("cannot draw a surface", str(GL.glGetProgramInfoLog(program)))
    return int(program)


@contextmanager
def _kept_state() -> Iterator[None]:
    """Leave framebuffers and tests as they were: a window without a surface is itself a framebuffer."""
    draw = int(GL.glGetIntegerv(GL.GL_DRAW_FRAMEBUFFER_BINDING))
    read = int(GL.glGetIntegerv(GL.GL_READ_FRAMEBUFFER_BINDING))
    try:
        yield
    finally:
        GL.glBindFramebuffer(GL.GL_DRAW_FRAMEBUFFER, draw)
        GL.glBindFramebuffer(GL.GL_READ_FRAMEBUFFER, read)
        GL.glDisable(GL.GL_DEPTH_TEST)
        GL.glDisable(GL.GL_PROGRAM_POINT_SIZE)
        GL.glUseProgram(0)
