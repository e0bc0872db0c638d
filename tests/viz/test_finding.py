"""Finding by a few letters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from viz.finding import Entry, find, match

TITLES = [
    ("Save picture", "File"),
    ("Save window", "File"),
    ("Record", "File"),
    ("Reset panels", "Window"),
    ("Previous seed", "View"),
    ("Back to predicted pose", "View"),
    ("Pose histogram", "Panel"),
    ("Depth", "View"),
]
ENTRIES = [Entry(title.lower(), title, group, lambda: None) for title, group in TITLES]


def titles(query: str, recent: tuple[str, ...] = ()) -> list[str]:
    return [found.entry.title for found in find(ENTRIES, query, recent)]


def test_without_words_everything_is_there_and_what_was_used_last_comes_first() -> None:
    assert titles("") == [title for title, _ in TITLES]
    assert titles("  ", ("depth", "gone", "record"))[:3] == ["Depth", "Record", "Save picture"]


def test_letters_in_their_order_are_enough() -> None:
    assert titles("sw") == ["Save window"]
    assert titles("SAVE w") == ["Save window"]
    assert titles("window save") == ["Save window"]
    assert titles("zz") == []


def test_beginnings_of_words_and_letters_in_a_row_come_first() -> None:
    assert titles("pose")[0] == "Pose histogram"
    assert titles("re")[0] == "Record"
    assert titles("pre")[:2] == ["Previous seed", "Back to predicted pose"]


def test_groups_are_searched_too_but_count_less() -> None:
    assert titles("window") == ["Save window", "Reset panels"]
    assert titles("panel")[0] == "Reset panels"
    assert "Pose histogram" in titles("panel")


def test_among_equals_the_one_used_last_comes_first() -> None:
    assert titles("save") == ["Save window", "Save picture"]
    assert titles("sav", ("save picture",))[0] in ("Save picture", "Save window")
    twins = [Entry(name, "Twin", "", lambda: None) for name in ("a", "b")]
    assert [found.entry.name for found in find(twins, "tw", ("b",))] == ["b", "a"]


def test_places_are_those_of_the_letters() -> None:
    found = find(ENTRIES, "sw")[0]
    assert sorted(found.places) == [0, 5]


@given(st.text(max_size=12), st.text(max_size=30))
def test_places_spell_the_word(word: str, text: str) -> None:
    found = match(word, text)
    if found is not None:
        _, places = found
        assert list(places) == sorted(set(places))
        assert "".join(text.lower()[place] for place in places) == word.lower()
    else:
        letters = iter(text.lower())
        assert not all(letter in letters for letter in word.lower())
