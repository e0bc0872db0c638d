"""Moving, settling, full: the pure parts together, on a simulated machine with a simulated hand."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viz.preview import (
    PREVIEW_MILLISECONDS,
    SETTLING_MILLISECONDS,
    Quality,
    Speed,
    choose,
    full_milliseconds,
    rungs,
    settled,
)
from viz.schedule import PHASES, SETTLE_SECONDS, Answer, Motion, Situation, next_step

FAST = Quality(64, 10, 0, superres=True, fast=True)
PLAIN = Quality(64, 48, 48, superres=True)
TOY = Quality(64, 10, 0, superres=False, fast=True)
FULLS = (FAST, PLAIN, TOY)
EASE = 0.05
"""Milliseconds that rounding may add."""


@dataclass
class Drawn:
    """One picture of the simulated machine."""

    view: int
    kind: str
    quality: Quality
    began: float
    ended: float


@dataclass
class Machine:
    """What the render thread does, without the thread: costs in, pictures out."""

    full: Quality
    rays: Callable[[float], float]
    """Milliseconds of a full frame's rays, at a time."""
    superres: Callable[[float], float]
    speed: Speed
    drawn: list[Drawn] = field(default_factory=list)

    def run(self, submitted: list[float]) -> None:
        """Views come in at these times, seconds; until all is done."""
        answer: Answer = "done"
        now, motion, current, arrived, rays_of = 0.0, Motion(), -1, -1, -1
        for _ in range(10_000):
            while arrived + 1 < len(submitted) and submitted[arrived + 1] <= now:
                arrived += 1
                motion = motion.followed(submitted[arrived])
            step = next_step(
                Situation(
                    newer=arrived != current,
                    answer=answer,
                    since_submit=now - motion.submitted,
                    full_milliseconds=full_milliseconds(self.full, self.speed),
                    idle_work=False,
                    interval=motion.interval,
                    settling=answer == "preview" and settled(self.full, self.speed) is not None,
                )
            )
            upcoming = submitted[arrived + 1] if arrived + 1 < len(submitted) else math.inf
            if step.kind == "wait":
                until = min(upcoming, now + step.seconds if step.seconds is not None else math.inf)
                if math.isinf(until):
                    assert answer == "done"
                    return
                now = until + 1e-6
                continue
            if step.kind == "take":
                current, answer = arrived, "nothing"
                step = replace(step, kind="preview")
            if step.kind == "judge":
                answer = "done"
                continue
            quality = self.full
            if step.kind == "preview":
                quality, self.speed = choose(self.full, self.speed)
            elif step.kind == "settle":
                better = settled(self.full, self.speed)
                assert better is not None
                quality = better
            began = now
            if not (rays_of == current and quality.points == self.full.points):
                cost = self.rays(now) * quality.points / self.full.points
                self.speed = self.speed.after_points(quality.points, cost)
                now += cost / 1e3
            if quality.superres and not (step.kind == "full" and self.drawn[-1].quality == self.full):
                cost = self.superres(now)
                self.speed = self.speed.after_superres(cost)
                now += cost / 1e3
            if quality.points == self.full.points:
                rays_of = current
            now += 1e-4
            self.drawn.append(Drawn(current, step.kind, quality, began, now))
            given_by: dict[str, Answer] = {"preview": "preview", "settle": "settled", "full": "full"}
            answer = given_by[step.kind]
        pytest.fail("it never came to rest")

    def of(self, *kinds: str) -> list[Drawn]:
        return [one for one in self.drawn if one.kind in kinds]


def machine(full: Quality, rays: float, superres: float, **known: object) -> Machine:
    """Of constant speed, which it knows."""
    speed = Speed(rays / full.points, superres if full.superres else None, measurements=50)
    return Machine(full, lambda _: rays, lambda _: superres, replace(speed, **known))  # type: ignore[arg-type]


def drag(count: int, interval: float = 1 / 60, start: float = 0.01) -> list[float]:
    return [start + i * interval for i in range(count)]


@given(
    full=st.sampled_from(FULLS),
    rays=st.floats(1.0, 900.0),
    superres=st.floats(1.0, 300.0),
    guess=st.floats(0.05, 20.0),
    gaps=st.lists(st.floats(0.0005, 0.4), min_size=1, max_size=30),
)
@settings(max_examples=60, deadline=None)
def test_it_ends_in_full_and_every_view_taken_is_shown(
    full: Quality, rays: float, superres: float, guess: float, gaps: list[float]
) -> None:
    it = Machine(full, lambda _: rays, lambda _: superres, Speed(guess * rays / full.points))
    submitted = [sum(gaps[: i + 1]) for i in range(len(gaps))]
    it.run(submitted)
    assert (it.drawn[-1].kind, it.drawn[-1].view) == ("full", len(gaps) - 1)
    order = {"preview": 0, "settle": 1, "full": 2}
    for view in {one.view for one in it.drawn}:
        kinds = [one.kind for one in it.drawn if one.view == view]
        assert kinds[0] == "preview"
        assert kinds == sorted(set(kinds), key=order.__getitem__), "each once, for the better"
        points = [one.quality.points for one in it.drawn if one.view == view]
        assert points == sorted(points)


@pytest.mark.parametrize("full", FULLS)
@pytest.mark.parametrize("rays", [5.0, 20.0, 60.0, 300.0])
@pytest.mark.parametrize("superres", [5.0, 14.0, 40.0, 200.0])
def test_a_drag_answers_30_times_a_second(full: Quality, rays: float, superres: float) -> None:
    it = machine(full, rays, superres)
    it.run(drag(120))
    moving = it.of("preview")[:-1]
    ladder = rungs(full)
    for one in moving:
        in_time = one.ended - one.began <= (PREVIEW_MILLISECONDS + EASE) / 1e3 + 1e-4
        assert in_time or one.quality.points == ladder[-1].points
    if ladder[-1].points * rays / full.points <= 14.0:
        gaps = [b.ended - a.ended for a, b in pairwise(moving)]
        assert sorted(gaps)[len(gaps) // 2] <= 1 / 30 + 1e-3
        between = [one for one in it.of("settle", "full") if 0 < one.view < 118]  # the first is no motion yet
        assert all(one.ended - one.began < 0.02 for one in between)


def test_a_full_frame_in_time_is_its_own_preview() -> None:
    it = machine(FAST, 9.0, 14.0)
    it.run(drag(30))
    assert {one.quality for one in it.drawn} == {FAST}
    assert it.of("full")[-1].ended - it.of("full")[-1].began < 1e-3, "it was there already"


def test_rays_aim_at_60_where_that_costs_little() -> None:
    it = machine(FAST, 10.0, 150.0)
    it.run(drag(30))
    assert {(one.quality.resolution, one.quality.superres) for one in it.of("preview")} == {(64, False)}
    slower = machine(FAST, 18.0, 150.0)
    slower.run(drag(30))
    assert {one.quality.resolution for one in slower.of("preview")} == {48}, "swift, nearly as good"
    slow = machine(FAST, 35.0, 150.0)
    slow.run(drag(30))
    assert {one.quality.resolution for one in slow.of("preview")} == {48}, "30 a second, rather than 40²"


def test_a_long_full_frame_is_preceded_by_something_better_than_the_preview() -> None:
    it = machine(FAST, 60.0, 200.0)
    it.run(drag(20))
    preview, better, full = it.drawn[-3:]
    assert (preview.kind, better.kind, full.kind) == ("preview", "settle", "full")
    assert preview.quality.resolution < better.quality.resolution == 64
    assert better.ended - preview.ended < SETTLE_SECONDS + SETTLING_MILLISECONDS / 1e3
    assert full.ended - full.began == pytest.approx(0.2, abs=1e-3), "its rays are there already"


def test_there_is_none_where_nothing_better_comes_soon() -> None:
    for it in (machine(FAST, 10.0, 200.0), machine(FAST, 20.0, 60.0), machine(TOY, 95.0, 0.0)):
        it.run(drag(20))
        assert not it.of("settle")


def test_a_cheap_full_frame_does_not_delay_the_next_view_of_a_motion() -> None:
    it = machine(FAST, 12.0, 28.0)
    it.run(drag(60))
    assert {one.view for one in it.of("full")} - {0} == {59}, "the first is no motion yet"
    alone = machine(FAST, 12.0, 28.0)
    alone.run([0.01])
    assert alone.drawn[-1].began - alone.drawn[0].ended < 1e-6, "no motion: at once"


@given(st.lists(st.floats(0.001, 2.0), min_size=2, max_size=20))
def test_a_motion_is_as_fast_as_its_views(gaps: list[float]) -> None:
    motion, at = Motion(), 5.0
    for gap in gaps:
        at += gap
        motion = motion.followed(at)
    assert motion.submitted == at
    assert motion.interval == math.inf or min(gaps) * 0.99 <= motion.interval <= 0.2 + 1e-9
    assert motion.followed(at + 1.0).interval == math.inf


@given(
    seed=st.integers(0, 2**32),
    full=st.sampled_from(FULLS),
    rays=st.floats(1.0, 400.0),
    superres=st.floats(2.0, 200.0),
    spread=st.floats(0.0, 0.25),
)
@settings(max_examples=60, deadline=None)
def test_noise_does_not_make_quality_flicker(
    seed: int, full: Quality, rays: float, superres: float, spread: float
) -> None:
    chance = random.Random(seed)
    speed = Speed(rays / full.points, superres if full.superres else None, measurements=50)
    seen: list[Quality] = []
    for _ in range(300):
        quality, speed = choose(full, speed)
        seen.append(quality)
        noisy = math.exp(chance.gauss(0.0, spread))
        speed = speed.after_points(quality.points, noisy * rays * quality.points / full.points)
        if quality.superres:
            speed = speed.after_superres(superres * math.exp(chance.gauss(0.0, spread)))
        speed = speed.after_overhead(1.5 * math.exp(chance.gauss(0.0, spread)))
    later = seen[40:]
    changes = sum(a != b for a, b in pairwise(later))
    assert changes <= 2


@pytest.mark.parametrize("full", FULLS)
@pytest.mark.parametrize(("before", "after"), [(8.0, 40.0), (40.0, 8.0), (150.0, 30.0), (30.0, 150.0)])
def test_another_rate_is_noticed_within_a_few_frames(full: Quality, before: float, after: float) -> None:
    quality, speed = choose(full, Speed(before / full.points, 150.0, measurements=50))
    for rays, patience in ((before, 20), (after, 4)):
        for _ in range(patience):
            speed = speed.after_points(quality.points, rays * quality.points / full.points)
            quality, speed = choose(full, speed)
    settled_on, _ = choose(full, Speed(after / full.points, 150.0, rung=speed.rung, swift=speed.swift))
    assert quality == settled_on
    assert speed.point_milliseconds * full.points == pytest.approx(after, rel=0.1)


def test_every_answer_is_of_a_phase() -> None:
    assert [PHASES[answer] for answer in ("nothing", "preview", "settled", "full", "done")] == [
        *("moving", "moving", "settling", "full", "full")
    ]
