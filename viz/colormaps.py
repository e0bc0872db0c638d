"""Colour tables of depth maps: 256 colours from near to far.

Near is the bright or warm end. The tables run through a few colours of well-known maps: viridis and magma by
Stéfan van der Walt and Nathaniel Smith (CC0), cividis by Jamie Nuñez, Christopher Anderton and Ryan Renslow
(PLoS ONE, 2018), turbo by Anton Mikhailov (Google, Apache-2.0).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from viz.view import ColorMap

_FAR_TO_NEAR: dict[ColorMap, str] = {
    "turbo": (
        "30123b 3f3e9c 4666dd 458cfd 2fb2f4 1ad4d0 22ebaa 52fa7a 8bff4b"
        " b7f735 dbe236 f5c53a fea130 f9751d e84b0c ce2d04 a91601 7a0403"
    ),
    "viridis": (
        "440154 481769 472a7a 433d84 3d4e8a 355e8d 2e6d8e 297b8e 23898e"
        " 1f978b 21a585 2eb37c 46c06f 65cb5e 89d548 b0dd2f d8e219 fde725"
    ),
    "cividis": (
        "00224e 002d68 163770 2e416d 3f4c6c 4e566c 5c616e 696b71 767676"
        " 838179 928c78 a09875 afa471 bfb06b cfbd62 dfca57 f0d846 fee838"
    ),
    "magma": (
        "000004 090720 1a1042 311165 4a1079 621980 792282 912b81 aa337d"
        " c23b75 d9466b ec5860 f7725c fc8e64 feaa74 fec68a fde2a3 fcfdbf"
    ),
    "gray": "0a0a0a ffffff",
}

SAFE: frozenset[ColorMap] = frozenset({"viridis", "cividis", "magma", "gray"})
"""Maps that get lighter all the way from far to near: eyes that tell few colours apart read the depth from
that. Turbo gets lighter and darker again."""

BACKGROUND = (30, 32, 36)
"""RGB of a depth map where the ray hits nothing."""


@cache
def color_table(name: ColorMap) -> NDArray[np.uint8]:
    """[256, 3] colours, first = near; read-only."""
    codes = _FAR_TO_NEAR[name].split()
    anchors = np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in codes], np.float64)[::-1]
    places = np.linspace(0.0, 1.0, len(anchors))
    levels = np.linspace(0.0, 1.0, 256)
    table = np.stack([np.interp(levels, places, channel) for channel in anchors.T], axis=1)
    colours = np.rint(table).astype(np.uint8)
    colours.setflags(write=False)
    return colours


def color_depth(
    depth: NDArray[np.float32], depth_range: tuple[float, float], name: ColorMap
) -> NDArray[np.uint8]:
    """Depth map [H, W], NaN = nothing → colours [H, W, 3]; depths beyond the range take its end's colour."""
    near, far = depth_range
    solid = ~np.isnan(depth)
    place = np.clip((np.where(solid, depth, near) - near) / max(far - near, 1e-9), 0.0, 1.0)
    colours = color_table(name)[np.rint(place * 255.0).astype(np.intp)]
    colours[~solid] = BACKGROUND
    return colours
