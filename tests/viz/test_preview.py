"""The quality of previews: a pure function of what was measured."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pof3d.config import CATS, TOY_CATS
from viz.preview import Quality, Speed, choose, full_milliseconds, guessed_speed, rungs

TOY = Quality(64, 20, 0, superres=False)
FFHQ = Quality(64, 48, 48, superres=True)


def with_cost(full: Quality, milliseconds: float, **known: float | int) -> Speed:
    """A machine on which the rays of a full frame take so long."""
    return Speed(milliseconds / full.points, **known)  # type: ignore[arg-type]


@given(
    st.builds(Quality, st.integers(8, 1024), st.integers(4, 512), st.integers(0, 512), st.booleans()),
)
def test_every_rung_is_possible_and_cheaper_than_the_one_before(full: Quality) -> None:
    ladder = rungs(full)
    assert (ladder[0].resolution, ladder[0].points) == (full.resolution, full.points)
    for above, below in pairwise(ladder):
        assert below.points < above.points
    for rung in ladder:
        assert 8 <= rung.resolution <= full.resolution
        assert 4 <= rung.depth_samples <= full.depth_samples
        assert 0 <= rung.importance_samples <= full.importance_samples


def test_a_fast_machine_previews_at_full_quality() -> None:
    quality, _ = choose(TOY, with_cost(TOY, 5.0))
    assert quality == TOY


def test_two_busy_cores_preview_toy_cats_at_about_half_the_side() -> None:
    quality, _ = choose(TOY, with_cost(TOY, 100.0))
    assert 32 <= quality.resolution <= 40
    assert quality.points * 100.0 / TOY.points <= 28.0


@given(st.floats(1e-3, 1e5), st.none() | st.floats(0.0, 1e4), st.integers(0, 7))
def test_a_choice_costs_no_more_than_the_budget_if_any_does(
    cost: float, superres: float | None, rung: int
) -> None:
    speed = with_cost(FFHQ, cost, superres_milliseconds=superres, rung=rung)  # type: ignore[arg-type]
    quality, after = choose(FFHQ, speed, budget=28.0)
    total = quality.points * speed.point_milliseconds
    if quality.superres:
        assert superres is not None
        total += superres
    assert total <= 28.0 + 1e-6 or quality.points == rungs(FFHQ)[-1].points
    assert after.rung == [r.points for r in rungs(FFHQ)].index(quality.points)


def test_quality_does_not_flicker() -> None:
    """Costs around the edge of a rung do not move the choice to and fro."""
    edge = rungs(TOY)[2].points / TOY.points
    speed = with_cost(TOY, 28.0 / edge)
    seen = []
    for factor in (1.0, 1.05, 0.95, 1.04, 0.96, 1.05, 0.9):
        cost = replace(with_cost(TOY, 28.0 / edge * factor), rung=speed.rung)
        quality, speed = choose(TOY, cost)
        seen.append(quality.points)
    assert sorted(seen, reverse=True) == seen  # it goes down once, and stays
    quality, _ = choose(TOY, replace(with_cost(TOY, 5.0), rung=speed.rung))
    assert quality == TOY  # much more room: up again


def test_superresolution_is_left_out_until_it_is_known_to_be_fast() -> None:
    for known, expected in ((None, False), (400.0, False), (3.0, True)):
        speed = with_cost(FFHQ, 10.0, superres_milliseconds=known)  # type: ignore[arg-type]
        assert choose(FFHQ, speed)[0].superres is expected


@pytest.mark.parametrize("cost", [0.007, 7.0, 7e-6])
def test_measurements_replace_the_guess(cost: float) -> None:
    speed = guessed_speed(TOY_CATS.generator, "cpu")
    for _ in range(80):
        speed = speed.after_points(1000, 1000 * cost)
    assert speed.point_milliseconds == pytest.approx(cost, rel=0.02)


def test_superresolution_is_measured() -> None:
    speed = guessed_speed(CATS.generator, "cpu")
    assert speed.superres_milliseconds is None
    assert speed.after_superres(9.0).superres_milliseconds == 9.0
    assert speed.after_superres(9.0).after_superres(3.0).superres_milliseconds == 6.0


def test_one_slow_frame_does_not_change_the_quality() -> None:
    speed = with_cost(TOY, 100.0, measurements=20)
    before, speed = choose(TOY, speed)
    slow = speed.after_points(before.points, 500.0)
    assert choose(TOY, slow)[0].points >= 0.5 * before.points
    assert speed.point_milliseconds < slow.point_milliseconds <= 1.5 * speed.point_milliseconds


def test_guesses() -> None:
    toy, cats = (guessed_speed(c.generator, "cpu").point_milliseconds for c in (TOY_CATS, CATS))
    assert toy < cats
    assert guessed_speed(CATS.generator, "cuda").point_milliseconds < cats


def test_expected_time_of_a_full_frame() -> None:
    assert full_milliseconds(TOY, with_cost(TOY, 50.0)) == pytest.approx(50.0)
    both = with_cost(FFHQ, 50.0, superres_milliseconds=20.0)
    assert full_milliseconds(FFHQ, both) == pytest.approx(70.0)


def test_placed_samples_are_few_enough_already() -> None:
    full = Quality(64, 10, 0, superres=False, fast=True)
    ladder = rungs(full)
    assert {(rung.depth_samples, rung.importance_samples, rung.fast) for rung in ladder} == {(10, 0, True)}
    assert [rung.resolution for rung in ladder] == [64, 48, 40, 32, 24]
