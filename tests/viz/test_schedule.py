"""The render thread's transition function."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from viz.schedule import CHEAP_MILLISECONDS, SETTLE_SECONDS, Answer, Situation, Step, next_step

REST = Situation(False, "done", 10.0, 500.0, False)


def test_the_newest_view_comes_before_everything() -> None:
    for answer in get_args(Answer):
        assert next_step(replace(REST, newer=True, answer=answer)).kind == "take"


def test_a_view_gets_its_preview_then_its_full_frame_then_rest() -> None:
    assert next_step(replace(REST, answer="nothing")).kind == "preview"
    assert next_step(replace(REST, answer="preview")).kind == "full"
    assert next_step(replace(REST, answer="full")).kind == "judge"
    assert next_step(REST) == Step("wait", None)
    assert next_step(replace(REST, idle_work=True)).kind == "idle"


def test_an_expensive_full_frame_waits_for_the_hand_to_rest() -> None:
    moving = replace(REST, answer="preview", since_submit=SETTLE_SECONDS / 3)
    step = next_step(moving)
    assert step.kind == "wait"
    assert step.seconds is not None
    assert abs(step.seconds - SETTLE_SECONDS * 2 / 3) < 1e-9
    assert next_step(replace(moving, full_milliseconds=CHEAP_MILLISECONDS / 2)).kind == "full"


@given(
    st.builds(
        Situation,
        st.just(False),
        st.sampled_from(get_args(Answer)),
        st.floats(0, 10),
        st.floats(0, 1e6),
        st.booleans(),
    )
)
def test_waiting_without_end_happens_only_when_all_is_done(now: Situation) -> None:
    step = next_step(now)
    if step.kind == "wait" and step.seconds is None:
        assert now.answer == "done"
        assert not now.idle_work
