"""One window a module: making one costs more than drawing a hundred frames."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.widgets.stage import make_window
from viz.window.offscreen import OffscreenWindow


@pytest.fixture(scope="module")
def window() -> Iterator[OffscreenWindow]:
    """Large enough for any panel, and for the lists that open below it."""
    window = make_window((640, 700))
    yield window
    window.close()
