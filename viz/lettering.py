"""Text in pictures that are saved."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import ImageFont

FONT = Path(__file__).resolve().parent.parent / "assets" / "fonts" / "Roboto-Regular.ttf"


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The program's font, so many pixels high."""
    return ImageFont.truetype(str(FONT), size)
