"""What the window costs is measured by code that runs; the figures themselves are no test's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import window
from benchmarks.window import ColdStart, Rest, Rhythm, Spread, WindowCost, Work, spread, tiled, window_table

ROOT = Path(__file__).parents[1]
LAYOUT = (
    "[Window][Latent]\nPos=0,0\nSize=300,300\nDockId=0x1,0\n\n"
    "[Window][Viewport]\nPos=1,2\n\n[Docking][Data]\nX\n"
)


def test_panels_are_laid_out_beside_each_other() -> None:
    found = tiled(LAYOUT, ["Pose", "Latent", "Timeline"])
    assert found.startswith("[Window][Latent]\nPos=320,24\nSize=316,348\n")
    assert "DockId" not in found
    assert "[Window][Viewport]\nPos=1,2" in found
    assert found.endswith("[Docking][Data]\nX\n")


def test_percentiles() -> None:
    found = spread([1.0] * 99 + [101.0])
    assert (found.median, found.p95, found.p99) == pytest.approx((1.0, 1.0, 2.0))


def test_the_table_names_everything() -> None:
    one = Spread(1.0, 2.0, 3.0)
    cost = WindowCost((Work("orbit", one, one, {"Pose": one}),), Rhythm(10.0, 600, 2, one, 31.0))
    rest, start = Rest("glfw", 0.011, 2, 0.012, 20.0), ColdStart(3, {"window open": 0.9, "drawn": 2.5})
    text = window_table(cost, [rest], start)
    for part in (
        "| orbit | 1.0 (1.0)",
        "| Pose | 1.00 | 3.00 |",
        "2 more than 20 ms",
        "1.1%",
        "| drawn | 2.50 |",
    ):
        assert part in text


@pytest.mark.window
def test_the_real_program_is_started_and_its_first_picture_seen() -> None:
    if window.display() is None:
        pytest.skip("there is no display, and no xvfb-run")
    found = window.cold_start(ROOT / "assets" / "toy-cats.safetensors", runs=1)
    assert {"interpreter", "window open", "everything imported", "drawn: full picture"} <= set(found.stages)
    assert list(found.stages)[-1] == "drawn: full picture"
    assert sorted(found.stages.values()) == list(found.stages.values())
