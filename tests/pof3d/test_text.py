"""Numbers and paths as people read them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pof3d import text


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5_400_000, "5.1 MiB"),
        (1024**2 - 1, "1.0 MiB"),
        (200 * 1024**2, "200 MiB"),
        (3 * 1024**4, "3.0 TiB"),
    ],
)
def test_bytes(size: int, shown: str) -> None:
    assert text.format_bytes(size) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(7, "7"), (999, "999"), (40_000, "40.0 k"), (999_999, "1.00 M"), (31_400_000, "31.4 M")],
)
def test_counts(count: int, shown: str) -> None:
    assert text.format_count(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.44, "0.4 s"),
        (9.99, "10 s"),
        (59.4, "59 s"),
        (59.7, "1:00 min"),
        (3599, "59:59 min"),
        (3723, "1:02:03 h"),
        (math.inf, "–"),
        (math.nan, "–"),
        (-1.0, "–"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert text.format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("degrees", "shown"), [(0.0, "0.0°"), (-0.01, "0.0°"), (12.34, "+12.3°"), (-4.56, "−4.6°")]
)
def test_degrees(degrees: float, shown: str) -> None:
    assert text.format_degrees(math.radians(degrees)) == shown
    assert text.format_degrees(math.radians(12.34), signed=False) == "12.3°"


def test_times() -> None:
    now = datetime(2024, 3, 2, 14, 0)
    assert text.format_time((now - timedelta(hours=2)).timestamp(), now) == "12:00"
    assert text.format_time((now - timedelta(days=1)).timestamp(), now) == "2024-03-01"
    assert text.format_time((now + timedelta(days=1)).timestamp(), now) == "2024-03-03"


@given(st.text(min_size=0, max_size=40), st.integers(0, 50))
def test_elided_texts_fit_and_keep_both_ends(content: str, width: int) -> None:
    shown = text.elide_middle(content, width, len)
    if len(content) <= width:
        assert shown == content
    else:
        assert len(shown) <= max(width, 1)
        head, _, tail = shown.partition(text.ELLIPSIS)
        assert content.startswith(head)
        assert content.endswith(tail)
        assert len(tail) >= len(head)
        if width >= 1:
            assert len(shown) == width


def test_endless_words_are_shortened() -> None:
    assert text.shorten_words("cannot open  a.pkl") == "cannot open  a.pkl"
    short = text.shorten_words(f"cannot open /{'n' * 9000}.pkl: it is gone")
    assert len(short) < 250
    assert short.startswith("cannot open /nn")
    assert short.endswith("nn.pkl: it is gone")
