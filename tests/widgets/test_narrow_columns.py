"""Nothing sticks out of a narrow column, on ordinary and on fine screens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.widgets.situations import BUSY_VIEW, TITLES, contexts, panel_of
from tests.widgets.stage import Stage, make_window
from viz.panel import PanelContext
from viz.window.offscreen import OffscreenWindow


@pytest.fixture(scope="module", params=[1.0, 2.0], ids=["ordinary", "fine"])
def window(request: Any) -> Iterator[OffscreenWindow]:
    window = make_window((300, 200), request.param)
    yield window
    window.close()


@pytest.mark.parametrize("title", TITLES)
def test_nothing_is_cut_in_a_narrow_column(window: OffscreenWindow, title: str) -> None:
    """At 300 design pixels, with a scroll bar, every control ends inside the panel."""
    scale = window.scale
    stage = Stage(window, panel_of(title), PanelContext(), size=(300, 200))
    for name, facts in contexts().items():
        stage.context, stage.view = facts, BUSY_VIEW
        stage.frame(2)
        room = 300 * scale - 9 * scale
        assert stage.widest <= room, f"{title} is {stage.widest / scale:.0f} wide, {name}"
        for mark, rect in stage.registry.rects.items():
            assert 0 <= rect.left < rect.right <= room, f"{mark} sticks out, {name}: {rect}"
