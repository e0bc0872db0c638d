"""Numbers and paths as people read them. Pure functions."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

ELLIPSIS = "…"


_SURROGATES = re.compile("[\ud800-\udfff]")


def legible(text: str) -> str:
    """Without what no encoding can write: the bytes of a file name that are not UTF-8 become �."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def printable(text: str) -> str:
    """Without what a terminal would take for an order: texts in files are anybody's."""
    if text.isprintable():
        return text
    return "".join(letter if _is_shown(letter) else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _is_shown(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"  # other spaces


def format_bytes(size: int) -> str:
    """Sizes in powers of 1024: "512 B", "3.1 KiB", "15.2 MiB"."""
    if size < 1024:
        return f"{size} B"
    value = float(size)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if value < 999.5 or unit == "TiB":
            break
    return f"{value:.0f} {unit}" if value >= 99.95 else f"{value:.1f} {unit}"


def format_count(count: int) -> str:
    """Counts with three figures: "950", "40.0 k", "1.35 M"."""
    value = float(count)
    if value < 1000:
        return f"{count}"
    for unit in ("k", "M", "G"):
        value /= 1000
        if value < 999.5 or unit == "G":
            break
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def format_duration(seconds: float) -> str:
    """Durations: "0.4 s", "12 s", "3:05 min", "1:02:03 h"."""
    if not math.isfinite(seconds) or seconds < 0:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h"


def format_degrees(radians: float, *, signed: bool = True) -> str:
    """Angles in degrees with one decimal and a sign: "+12.3°", "−4.5°"; zero has none."""
    return _degrees(radians, signed)


@lru_cache(512)  # a window writes the same dozens in every frame
def _degrees(radians: float, signed: bool) -> str:
    value = round(math.degrees(radians), 1) + 0.0
    text = f"{value:+.1f}°" if signed and value else f"{value:.1f}°"
    return text.replace("-", "−")


def format_time(timestamp: float, now: datetime) -> str:
    """File times: the hour within the last day ("14:05"), otherwise the date ("2024-03-01")."""
    when = datetime.fromtimestamp(timestamp)
    if timedelta(0) <= now - when < timedelta(hours=20):
        return when.strftime("%H:%M")
    return when.strftime("%Y-%m-%d")


def elide_middle(text: str, width: float, measure: Callable[[str], float]) -> str:
    """Shorten a text to a width by cutting out its middle.

    Parameters
    ----------
    text : str
        What to shorten; returned as it is, but :func:`legible`, if it fits.
    width : float
        Room, in the unit of ``measure``.
    measure : callable
        Width of a text.

    Returns
    -------
    str
        At least the ellipsis. The end is kept longer than the beginning: it tells files apart.
    """
    text = legible(text)
    if measure(text) <= width:
        return text
    low, high = 0, len(text) - 1  # characters kept; `low` fits (or nothing does)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(_keep(text, middle)) <= width:
            low = middle
        else:
            high = middle - 1
    return _keep(text, low)


def _keep(text: str, characters: int) -> str:
    head = characters * 2 // 5
    tail = characters - head
    return text[:head] + ELLIPSIS + (text[-tail:] if tail else "")


def shorten_words(text: str, longest: int = 200) -> str:
    """A message with the middle cut out of endless words, such as paths nobody could read."""
    words = text.split(" ")
    return " ".join(word if len(word) <= longest else _keep(word, longest - 1) for word in words)
