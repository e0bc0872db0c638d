"""Colours of the interface, dark and light. Plain values: :mod:`viz.theme` hands them to what draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Colour = tuple[float, float, float, float]
"""Red, green, blue and opacity, 0…1."""
SchemeName = Literal["dark", "light"]


def rgb(code: int, alpha: float = 1.0) -> Colour:
    """The colour of a code such as 0x4C9FE8."""
    return ((code >> 16 & 255) / 255, (code >> 8 & 255) / 255, (code & 255) / 255, alpha)


@dataclass(frozen=True)
class Scheme:
    """One set of colours. One accent colour; everything else is a shade of grey."""

    accent: Colour
    """What is active, selected or moving."""
    accent_dim: Colour
    """Behind text that is selected or held down."""
    accent_bright: Colour
    on_accent: Colour
    """Text on the accent colour."""
    grab: Colour
    """A slider's handle: its value is written across it."""
    text: Colour
    text_dim: Colour
    """Units, notes and what is not available; 4.5:1 or more wherever it is written."""
    panel: Colour
    panel_low: Colour
    """Behind the panels and the picture."""
    menu_bar: Colour
    popup: Colour
    field: Colour
    field_hover: Colour
    field_active: Colour
    button: Colour
    button_hover: Colour
    header: Colour
    header_hover: Colour
    scrollbar: Colour
    scrollbar_hover: Colour
    border: Colour
    line: Colour
    """Between the rows of a table."""
    stripe: Colour
    """Over every other row of a table."""
    grid: Colour
    """Of plots."""
    shade: Colour
    """Around marks that lie on something bright or dark."""
    overlay: Colour
    """Behind text that lies on the picture."""
    veil: Colour
    """Over all that a dialog keeps waiting."""
    warning: Colour
    bad: Colour
    folder: Colour
    """Names of folders, in the file browser."""
    pose_colours: dict[str, Colour]
    """The four named poses, wherever they are drawn: "generator", "discriminator", "override" and "camera".
    Told apart also by eyes without red or green cones; their marks differ in shape as well."""
    heat_stops: tuple[Colour, ...]
    """From empty to full, with even steps of lightness; the first is the plot's ground."""


DARK = Scheme(
    accent=rgb(0x4C9FE8),
    accent_dim=rgb(0x2F6292),
    accent_bright=rgb(0x7DBBF0),
    on_accent=rgb(0x121418),
    grab=rgb(0x2F6292, 0.65),
    text=rgb(0xE3E6EA),
    text_dim=rgb(0x9AA3AE),
    panel=rgb(0x1B1E23),
    panel_low=rgb(0x121418),
    menu_bar=rgb(0x16191D),
    popup=rgb(0x22262C),
    field=rgb(0x2A2F37),
    field_hover=rgb(0x353B45),
    field_active=rgb(0x3F4753),
    button=rgb(0x333A44),
    button_hover=rgb(0x3F4855),
    header=rgb(0x2C323B),
    header_hover=rgb(0x38404B),
    scrollbar=rgb(0x3A414B),
    scrollbar_hover=rgb(0x4A535F),
    border=rgb(0x343A43),
    line=rgb(0x2A2F36),
    stripe=rgb(0xFFFFFF, 0.025),
    grid=rgb(0xFFFFFF, 0.12),
    shade=rgb(0x000000, 0.75),
    overlay=rgb(0x0C0E11, 0.85),
    veil=rgb(0x000000, 0.5),
    warning=rgb(0xE8B64C),
    bad=rgb(0xEF6B62),
    folder=rgb(0x99CCFA),
    pose_colours={
        "generator": rgb(0x4C9FE8),
        "discriminator": rgb(0xFFA84D),
        "override": rgb(0x56D89A),
        "camera": rgb(0xF5F5FA),
    },
    heat_stops=tuple(
        map(rgb, (0x121418, 0x2C1A4D, 0x641A80, 0xA3307E, 0xDE4968, 0xFB8861, 0xFED395, 0xFCFDBF))
    ),
)

LIGHT = Scheme(
    accent=rgb(0x1B68AE),
    accent_dim=rgb(0xA9CBEA),
    accent_bright=rgb(0x10508A),
    on_accent=rgb(0xFFFFFF),
    grab=rgb(0x6FA8DC, 0.6),
    text=rgb(0x1B1E23),
    text_dim=rgb(0x545C67),
    panel=rgb(0xF6F7F9),
    panel_low=rgb(0xE3E6EB),
    menu_bar=rgb(0xEDEFF2),
    popup=rgb(0xFCFCFD),
    field=rgb(0xE1E5EA),
    field_hover=rgb(0xD5DBE2),
    field_active=rgb(0xC8D0D9),
    button=rgb(0xD9DEE5),
    button_hover=rgb(0xCBD2DB),
    header=rgb(0xE1E6EC),
    header_hover=rgb(0xD3DAE2),
    scrollbar=rgb(0xC3CAD3),
    scrollbar_hover=rgb(0xAEB7C2),
    border=rgb(0xC6CCD4),
    line=rgb(0xDDE1E6),
    stripe=rgb(0x000000, 0.025),
    grid=rgb(0x000000, 0.14),
    shade=rgb(0xFFFFFF, 0.85),
    overlay=rgb(0xF0F2F5, 0.93),
    veil=rgb(0x20262E, 0.35),
    warning=rgb(0x865500),
    bad=rgb(0xB3261E),
    folder=rgb(0x10508A),
    pose_colours={
        "generator": rgb(0x1F6FB8),
        "discriminator": rgb(0xB35900),
        "override": rgb(0x1F6136),
        "camera": rgb(0x101216),
    },
    heat_stops=tuple(
        map(rgb, (0xE3E6EB, 0xFBD3A4, 0xFB9E71, 0xE4606A, 0xB03A7B, 0x77217F, 0x41176B, 0x1A0E38))
    ),
)

SCHEMES: dict[SchemeName, Scheme] = {"dark": DARK, "light": LIGHT}
