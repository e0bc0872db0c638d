"""The scale that an arrangement of the panels was made at, and the same arrangement at another. Only text.

ImGui writes places and sizes in units of the window, without the scale of what is in them. An arrangement
therefore carries its scale in a comment, which ImGui passes over.
"""

from __future__ import annotations

import math
import re

_MARK = re.compile(r"\A; scale=(\d{1,3}(?:\.\d{1,6})?)\r?\n")
_PAIR = re.compile(r"^(?P<name>(?:Viewport)?Pos|Size)=(?P<x>-?\d+),(?P<y>-?\d+)", re.MULTILINE)
_NODE = re.compile(r"^\s*Dock(?:Space|Node)\b.*$", re.MULTILINE)
_NODE_PAIR = re.compile(r"\b(?P<name>Pos|Size|SizeRef)=(?P<x>-?\d+),(?P<y>-?\d+)")
_WIDTH = re.compile(r"^\s*DockSpace\b.*?\bSize=(\d+),", re.MULTILINE)
_LONGEST = 32767
"""ImGui keeps 16 bits."""


def with_scale(layout: str, scale: float) -> str:
    """An arrangement with the scale that it was made at, in place of the one that it may carry."""
    return f"; scale={scale:.6f}\n{_MARK.sub('', layout)}"


def scale_of(layout: str) -> float | None:
    """Units of the window per design pixel when an arrangement was made; None: it does not say."""
    found = _MARK.match(layout)
    scale = float(found[1]) if found else 0.0
    return scale if 0.1 <= scale <= 100.0 else None


def design_width(layout: str) -> float | None:
    """How wide the window was, design pixels; None: the arrangement does not say."""
    scale, width = scale_of(layout), _WIDTH.search(layout)
    return int(width[1]) / scale if scale is not None and width is not None else None


def at_scale(layout: str, scale: float) -> str:
    """An arrangement as it would be at another scale; as it is, if it does not say at which it was made.

    Parameters
    ----------
    layout : str
        With its scale in front (see :func:`with_scale`), else as ImGui writes it.
    scale : float
        Units of the window per design pixel.

    Returns
    -------
    str
        Every place and size multiplied; the widths of tables' columns are ImGui's own matter.
    """
    made_at = scale_of(layout)
    if made_at is None or math.isclose(made_at, scale, abs_tol=1e-6):
        return layout
    factor = scale / made_at

    def side(text: str) -> int:
        return max(-_LONGEST, min(round(int(text) * factor), _LONGEST))

    def pair(found: re.Match[str]) -> str:
        return f"{found['name']}={side(found['x'])},{side(found['y'])}"

    layout = _PAIR.sub(pair, layout)
    return with_scale(_NODE.sub(lambda node: _NODE_PAIR.sub(pair, node[0]), layout), scale)
