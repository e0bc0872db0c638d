"""Arrangements of the panels at another scale than they were made at."""

from __future__ import annotations

from viz.layout_scale import at_scale, design_width, scale_of, with_scale

LAYOUT = """[Window][Two Size=9,9]
Pos=0,26
Size=304,300
Collapsed=0
DockId=0x00000003,0

[Docking][Data]
DockSpace   ID=0x0A Window=0x0B Pos=0,26 Size=1280,694 Split=X
  DockNode  ID=0x03 Parent=0x0A SizeRef=304,694 Selected=0x10
"""


def test_places_and_sizes_are_multiplied_and_nothing_else() -> None:
    doubled = at_scale(with_scale(LAYOUT, 1.0), 2.0)
    assert scale_of(doubled) == 2.0
    expected = (
        LAYOUT.replace("0,26", "0,52")
        .replace("304,", "608,")
        .replace(",300", ",600")
        .replace("1280,694", "2560,1388")
        .replace(",694", ",1388")
    )
    assert doubled == with_scale(expected, 2.0)
    assert at_scale(doubled, 1.0) == with_scale(LAYOUT, 1.0)


def test_one_that_does_not_say_its_scale_stays() -> None:
    assert scale_of(LAYOUT) is None
    assert at_scale(LAYOUT, 2.0) == LAYOUT
    for line in ("; scale=0.000000\n", "; scale=nan\n", "; scale=1e9\n", "; scale=-1\n"):
        assert at_scale(line + LAYOUT, 2.0) == line + LAYOUT


def test_it_tells_the_width_of_its_window_in_design_pixels() -> None:
    assert design_width(with_scale(LAYOUT, 2.0)) == 640
    assert design_width(LAYOUT) is None
    assert design_width(with_scale("", 1.0)) is None


def test_sizes_stay_what_imgui_can_keep() -> None:
    assert "SizeRef=32767,32767" in at_scale(with_scale(LAYOUT, 0.1), 100.0)


def test_the_same_scale_changes_nothing() -> None:
    layout = with_scale(LAYOUT, 4 / 3)
    assert at_scale(layout, 4 / 3) == layout
