"""Words over the picture."""

from __future__ import annotations

import pytest

from viz.overlays import _sentence


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("there is no memory left", "There is no memory left."),
        ("Is it a checkpoint?", "Is it a checkpoint?"),
        ("broken.pkl cannot be opened", "broken.pkl cannot be opened."),
    ],
)
def test_sentences_leave_the_names_of_files_alone(text: str, shown: str) -> None:
    assert _sentence(text) == shown
