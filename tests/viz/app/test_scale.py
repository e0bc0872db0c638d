"""The arrangement of the panels follows the scale of the interface."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.viz.app.conftest import Desk
from tests.viz.stand_ins import DummyPanel
from viz.layout import Placement


def widen(desk: Desk, by: float) -> float:
    """Drag the left column's edge; the column's width."""
    edge = desk.user.rect("One").right + 1.5 * desk.app.scale
    desk.user.drag((edge, 300), (edge + by, 300))
    return desk.user.rect("One").width


def closed(desk: Desk) -> str:
    """End the program; what it leaves for the next start."""
    layout = desk.app.layout
    desk.app.close()
    desk.window.close()
    return layout


@pytest.mark.parametrize(("before", "after"), [(1.0, 2.0), (2.0, 1.0), (1.0, 1.5)])
def test_columns_of_the_last_run_at_another_scale(
    make_desk: Callable[..., Desk], before: float, after: float
) -> None:
    desk = make_desk((round(1280 * before), round(720 * before)), before)
    wide = widen(desk, 80 * before) / before
    assert wide == pytest.approx(384, abs=4)
    size = round(1280 * after), round(720 * after)
    again = make_desk(size, after, layout=closed(desk))
    assert again.user.rect("One").width == pytest.approx(wide * after, abs=4)
    assert again.user.rect("Two").width == pytest.approx(304 * after, abs=4)
    assert again.user.rect("Two").right == pytest.approx(size[0], abs=2)


def test_a_layout_without_its_scale_is_read_as_it_is(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk((1280, 720))
    widen(desk, 100)
    marked = closed(desk)
    first, plain = marked.split("\n", 1)
    assert first.startswith("; scale=1")
    again = make_desk((2560, 1440), 2.0, layout=plain)
    assert again.user.rect("One").width == pytest.approx(404, abs=4)


def test_the_scale_changes_while_the_program_runs(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk((1280, 720))
    wide = widen(desk, 80)
    for scale in (2.0, 1.0, 1.25):
        desk.window._scale = scale
        desk.window.resize((round(1280 * scale), round(720 * scale)))
        desk.user.frame(4)
        assert desk.user.rect("One").width == pytest.approx(wide * scale, abs=4)
        assert desk.user.rect("Two").width == pytest.approx(304 * scale, abs=4)
    desk.user.click("One/Press")
    assert desk.panels[0].presses == 1


def test_the_scale_changes_before_the_window_grows(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk((1280, 720))
    desk.window._scale = 2.0
    desk.user.frame(3)
    desk.window.resize((2560, 1440))
    desk.user.frame(4)
    assert desk.user.rect("One").width == pytest.approx(608, abs=4)
    assert desk.user.rect("Two").width == pytest.approx(608, abs=4)


def test_a_named_layout_is_restored_at_another_scale(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk((1280, 720))
    wide = widen(desk, 80)
    desk.program.name_layout()
    desk.user.frame(3)
    desk.user.type("mine")
    desk.user.click("Layout/Save")
    desk.window._scale = 2.0
    desk.window.resize((2560, 1440))
    desk.user.frame(4)
    desk.program.layout_reset = True
    desk.user.frame(4)
    assert desk.user.rect("One").width == pytest.approx(608, abs=4)
    desk.program.restore_layout("mine")
    desk.user.frame(4)
    assert desk.user.rect("One").width == pytest.approx(2 * wide, abs=4)
    assert desk.user.rect("Two").width == pytest.approx(608, abs=4)


@pytest.mark.parametrize(("before", "after"), [(1.0, 2.0), (2.0, 1.0)])
def test_columns_for_another_width_at_another_scale_are_built_anew(
    make_desk: Callable[..., Desk], before: float, after: float
) -> None:
    """The same pixels: at scale 2 there is place for one column only."""
    desk = make_desk((1280, 720), before)
    again = make_desk((1280, 720), after, layout=closed(desk))
    one, two = again.user.rect("One"), again.user.registry.windows.get("Two")
    assert one.width == pytest.approx(304 * after, abs=4)
    assert (two is not None and two.left > 640) == (after == 1.0)


def test_the_tabs_in_front_stay_there(make_desk: Callable[..., Desk]) -> None:
    """At the next start, and when the scale changes."""
    panels = [DummyPanel(name) for name in ("One", "Two", "Three")]
    places = [Placement(panel, "left") for panel in panels]
    desk = make_desk((1280, 720), placements=places)
    assert "One" in desk.user.registry.windows
    again = make_desk((2560, 1440), 2.0, placements=places, layout=closed(desk))
    again.user.frame(4)
    assert again.user.registry.windows.keys() == {"One", "Viewport"}
    again.window._scale = 1.0
    again.window.resize((1280, 720))
    again.user.frame(6)
    assert again.user.registry.windows.keys() == {"One", "Viewport"}
