"""Finding things by a few letters of their names, as the command palette does. Plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_WORD, _RUN, _SKIP = 8.0, 5.0, 0.05


@dataclass(frozen=True)
class Entry:
    """One thing to be found and done."""

    name: str
    """For what is remembered; stays the same for ever."""
    title: str
    group: str
    run: Callable[[], None]
    keys: str = ""
    enabled: bool = True
    checked: bool = False


@dataclass(frozen=True)
class Found:
    """An entry that has the letters asked for."""

    entry: Entry
    places: frozenset[int] = frozenset()
    """Of those letters in its title."""


@lru_cache(maxsize=8192)
def match(word: str, text: str) -> tuple[float, tuple[int, ...]] | None:
    """How well a text has the letters of a word, in their order; None if it has not.

    Letters that begin a word of the text, and letters in a row, count for more.

    Parameters
    ----------
    word, text : str
        Case does not count.

    Returns
    -------
    score : float
        The more, the better.
    places : tuple of int
        Of the letters in the text.
    """
    word, text = word.lower(), text.lower()
    # best[j]: the best way to have the letters so far with the last of them at place j of the text.
    best: dict[int, tuple[float, tuple[int, ...]]] = {-1: (0.0, ())}
    for letter in word:
        following: dict[int, tuple[float, tuple[int, ...]]] = {}
        for place, other in enumerate(text):
            if other != letter:
                continue
            gain = 1.0 + _WORD * (place == 0 or not text[place - 1].isalnum())
            ways = [
                (score + gain + (_RUN if before == place - 1 >= 0 else -_SKIP * (place - before)), places)
                for before, (score, places) in best.items()
                if before < place
            ]
            if ways:
                score, places = max(ways)
                following[place] = (score, (*places, place))
        best = following
    return max(best.values(), default=None) if word else (0.0, ())


def find(entries: Iterable[Entry], query: str, recent: Sequence[str] = ()) -> list[Found]:
    """The entries that have every word of a query, the best first.

    Parameters
    ----------
    entries : iterable of Entry
    query : str
        Words in any order; each is looked for in title and group. Empty: everything, what was used lately
        first, in the order given otherwise.
    recent : sequence of str
        Names of what was used lately, newest first: they come first among equals.
    """
    words = query.split()
    age = {name: place for place, name in enumerate(recent)}
    found = []
    for place, entry in enumerate(entries):
        total, places = 0.0, set[int]()
        for word in words:
            in_title, in_group = match(word, entry.title), match(word, entry.group)
            if in_title is not None:
                total += in_title[0]
                places.update(in_title[1])
            elif in_group is not None:
                total += in_group[0] / 4.0
            else:
                break
        else:
            shortness = -0.01 * len(entry.title) if words else 0.0
            order = (-(total + shortness), age.get(entry.name, len(age)), place)
            if not words:
                order = (0.0, age.get(entry.name, len(age)), place)
            found.append((order, Found(entry, frozenset(places))))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]
