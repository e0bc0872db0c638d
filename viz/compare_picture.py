"""A comparison as one picture: the panes as they are arranged, under their names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from viz.colormaps import BACKGROUND
from viz.comparing import CompareState
from viz.difference import colored
from viz.lettering import font

SMALLEST = 512
"""Shorter side of a picture at least, pixels: names must fit above it."""
_STRIP, _GAP, _SIZE = 34, 8, 18
_INK = (227, 230, 234)


def comparison_picture(state: CompareState) -> NDArray[np.uint8] | None:
    """What the viewport shows of a comparison, with its names: [H, W, 4]; None while a picture is missing."""
    comparison = state.comparison
    if not comparison.on:
        return None
    shown = [state.frames.get(comparison.panes[index].key) for index in comparison.visible]
    pictures = [frame.rgba for frame in shown if frame is not None]
    if len(pictures) < len(shown):
        return None
    names = [state.names[index] for index in comparison.visible]
    if comparison.layout == "difference":
        apart = state.difference
        if apart is None:
            return None
        told = f"mean {apart.mean:.4f}, max {apart.max:.3f}, colours up to {1 / comparison.gain:.2g}"
        pictures = [colored(apart, comparison.gain, comparison.color_map)]
        names = [f"{names[0]}  –  {names[1]}:  {told}"]
    height = max(SMALLEST, *(picture.shape[0] for picture in pictures))
    images = [_sized(picture, height) for picture in pictures]
    if comparison.layout == "wipe":
        first, second = images
        split = round(comparison.divider * second.width)
        second.paste(first.crop((0, 0, split, height)), (0, 0))
        images, names = [second], [f"{names[0]}  |  {names[1]}"]
    return _arranged(images, names)


def _sized(picture: NDArray[np.uint8], height: int) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
    if image.height == height:
        return image
    return image.resize((round(image.width * height / image.height), height), Image.Resampling.BILINEAR)


def _arranged(images: list[Image.Image], names: list[str]) -> NDArray[np.uint8]:
    columns = min(len(images), 2)
    rows = -(-len(images) // columns)
    width, height = max(image.width for image in images), images[0].height
    whole = (columns * (width + _GAP) + _GAP, rows * (height + _STRIP) + _GAP)
    sheet = Image.new("RGB", whole, BACKGROUND)
    ink = ImageDraw.Draw(sheet)
    for index, (image, name) in enumerate(zip(images, names, strict=True)):
        left = _GAP + index % columns * (width + _GAP)
        top = index // columns * (height + _STRIP)
        letters = font(_SIZE)
        while letters.getlength(name) > width and letters.size > 8:
            letters = font(int(letters.size) - 1)
        ink.text((left, top + _STRIP / 2), name, _INK, letters, anchor="lm")
        sheet.paste(image, (left + (width - image.width) // 2, top + _STRIP))
    pixels = np.asarray(sheet)
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
