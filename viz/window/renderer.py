"""Draws ImGui's lists with OpenGL 3.3 core: imgui-bundle's pure-Python renderer, adjusted.

Import it only while a context is current: PyOpenGL chooses its platform at import.
"""

from __future__ import annotations

import ctypes
import math

import numpy as np
from imgui_bundle import imgui
from imgui_bundle.python_backends.opengl_backend_programmable import ProgrammablePipelineRenderer
from numpy.typing import NDArray
from OpenGL import GL

BACKGROUND = (0.055, 0.06, 0.07, 1.0)


class Renderer(ProgrammablePipelineRenderer):
    """The renderer that every host uses.

    It owns its context, so it sets the state it needs and saves none; and it draws lists of more than 65536
    vertices, which large plots have.
    """

    def __init__(self) -> None:
        super().__init__()
        imgui.get_io().backend_flags |= imgui.BackendFlags_.renderer_has_vtx_offset

    def skip(self) -> None:
        """Do what has to be done for a frame that nobody sees."""
        self._update_textures()

    def draw(self, framebuffer_size: tuple[int, int]) -> None:
        """Clear the picture and draw what ``imgui.render()`` prepared."""
        data = imgui.get_draw_data()
        self._update_textures()
        width, height = framebuffer_size
        if width <= 0 or height <= 0:
            return
        GL.glDisable(GL.GL_SCISSOR_TEST)
        GL.glViewport(0, 0, width, height)
        GL.glClearColor(*BACKGROUND)
        GL.glClear(GL.GL_COLOR_BUFFER_BIT)
        self._prepare(data)
        scale_x, scale_y = data.framebuffer_scale
        index_type = GL.GL_UNSIGNED_SHORT if imgui.INDEX_SIZE == 2 else GL.GL_UNSIGNED_INT
        for commands in data.cmd_lists:
            for target, buffer, size in (
                (GL.GL_ARRAY_BUFFER, commands.vtx_buffer, imgui.VERTEX_SIZE),
                (GL.GL_ELEMENT_ARRAY_BUFFER, commands.idx_buffer, imgui.INDEX_SIZE),
            ):
                address = ctypes.c_void_p(buffer.data_address())
                GL.glBufferData(target, buffer.size() * size, address, GL.GL_STREAM_DRAW)
            for command in commands.cmd_buffer:
                left, top, right, bottom = command.clip_rect
                x, y = round(left * scale_x), round(height - bottom * scale_y)
                w, h = round((right - left) * scale_x), round((bottom - top) * scale_y)
                if w <= 0 or h <= 0 or command.elem_count == 0:
                    continue
                GL.glScissor(x, y, w, h)
                GL.glBindTexture(GL.GL_TEXTURE_2D, command.tex_ref.get_tex_id())
                offset = ctypes.c_void_p(command.idx_offset * imgui.INDEX_SIZE)
                GL.glDrawElementsBaseVertex(
                    GL.GL_TRIANGLES, command.elem_count, index_type, offset, command.vtx_offset
                )
        GL.glDisable(GL.GL_SCISSOR_TEST)

    def draw_waiting(self, framebuffer_size: tuple[int, int], scale: float, seconds: float) -> None:
        """Clear the picture, and draw three dots in its middle that light up in turn."""
        width, height = framebuffer_size
        side, gap = round(6 * scale), round(18 * scale)
        GL.glDisable(GL.GL_SCISSOR_TEST)
        GL.glClearColor(*BACKGROUND)
        GL.glClear(GL.GL_COLOR_BUFFER_BIT)
        GL.glEnable(GL.GL_SCISSOR_TEST)
        for dot in range(3):
            light = 0.2 + 0.3 * max(0.0, math.cos(4.0 * seconds - dot))
            GL.glScissor((width - side) // 2 + (dot - 1) * gap, (height - side) // 2, side, side)
            GL.glClearColor(light, light, light, 1.0)
            GL.glClear(GL.GL_COLOR_BUFFER_BIT)
        GL.glDisable(GL.GL_SCISSOR_TEST)

    def _prepare(self, data: imgui.ImDrawData) -> None:
        GL.glEnable(GL.GL_BLEND)
        GL.glBlendEquation(GL.GL_FUNC_ADD)
        GL.glBlendFuncSeparate(
            GL.GL_SRC_ALPHA, GL.GL_ONE_MINUS_SRC_ALPHA, GL.GL_ONE, GL.GL_ONE_MINUS_SRC_ALPHA
        )
        GL.glDisable(GL.GL_CULL_FACE)
        GL.glDisable(GL.GL_DEPTH_TEST)
        GL.glEnable(GL.GL_SCISSOR_TEST)
        GL.glActiveTexture(GL.GL_TEXTURE0)
        width, height = data.display_size
        projection = np.zeros((4, 4), np.float32)
        projection[0, 0], projection[1, 1], projection[2, 2] = 2 / width, -2 / height, -1.0
        projection[3] = (-1.0, 1.0, 0.0, 1.0)
        GL.glUseProgram(self._shader_handle)
        GL.glUniform1i(self._attrib_location_tex, 0)
        GL.glUniformMatrix4fv(self._attrib_proj_mtx, 1, GL.GL_FALSE, projection)
        GL.glBindVertexArray(self._vao_handle)
        GL.glBindBuffer(GL.GL_ARRAY_BUFFER, self._vbo_handle)
        GL.glBindBuffer(GL.GL_ELEMENT_ARRAY_BUFFER, self._elements_handle)

    def read(self, framebuffer_size: tuple[int, int]) -> NDArray[np.uint8]:
        """The drawn picture, before it is swapped away.

        Returns
        -------
        array [H, W, 3]
            Top row first.
        """
        width, height = framebuffer_size
        GL.glPixelStorei(GL.GL_PACK_ALIGNMENT, 1)
        data = GL.glReadPixels(0, 0, width, height, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE)
        pixels = np.frombuffer(data, np.uint8).reshape(height, width, 4)
        return np.ascontiguousarray(pixels[::-1, :, :3])
