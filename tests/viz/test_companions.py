"""Views beside the newest one in the render thread: their order, their turns, errors, memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pof3d.errors import Pof3dError
from tests.viz.nets import save_tiny
from tests.viz.views import turned
from tests.viz.waiting import PATIENCE, wait_for
from viz.companions import Companions, render_companion
from viz.engine import Cancelled, Engine
from viz.frame import FailedFrame, Frame
from viz.preview import PREVIEW_MILLISECONDS
from viz.render_thread import RenderThread
from viz.schedule import SETTLE_SECONDS, Situation, next_step
from viz.stages import never


@pytest.fixture
def thread() -> Iterator[RenderThread]:
    before = torch.get_num_threads()
    thread = RenderThread(Engine(), threads=1, pose_samples=0)
    yield thread
    assert thread.close()
    torch.set_num_threads(before)


# ------------------------------------------------------------------------------------------- transitions
REST = Situation(False, "done", 10.0, 500.0, False)


def test_the_order_of_work() -> None:
    now = replace(REST, unseen=True, rough=True, answer="nothing")
    assert next_step(now).kind == "preview"
    assert next_step(replace(now, answer="preview")).kind == "beside"
    now = replace(now, unseen=False)
    assert next_step(replace(now, answer="preview")).kind == "full"
    assert next_step(replace(now, answer="full")).kind == "beside full"
    assert next_step(replace(now, answer="full", rough=False)).kind == "judge"
    assert next_step(replace(now, answer="done", idle_work=True)).kind == "beside full"


def test_a_turn_comes_before_a_newer_view_but_only_after_a_preview() -> None:
    now = replace(REST, newer=True, unseen=True)
    assert next_step(replace(now, answer="preview")).kind == "beside"
    for answer in ("nothing", "full", "done"):
        assert next_step(replace(now, answer=answer)).kind == "take"
    assert next_step(replace(now, unseen=False, rough=True, answer="preview")).kind == "take"


def test_an_expensive_full_frame_waits_for_the_hand_to_rest() -> None:
    now = replace(REST, rough=True, since_submit=0.0, rough_milliseconds=1e3)
    assert next_step(now).seconds == pytest.approx(SETTLE_SECONDS)
    assert next_step(replace(now, rough_milliseconds=1.0)).kind == "beside full"


def test_turns_go_round() -> None:
    companions, engine = Companions(), Engine()
    views = {key: turned(Path("x"), key) for key in (1, 2, 3)}
    companions.want(views)
    companions.begin_round()
    served = []
    for step in range(3):
        now, beside = companions.joined(replace(REST, newer=True), engine)
        assert now.unseen
        assert beside is not None
        companions.take_turn()
        served.append(beside[0])
        companions.give(*beside, FailedFrame(beside[1], Pof3dError("no")))
        companions.want({key: turned(Path("x"), 10 * step + key) for key in views})  # a drag goes on
    assert sorted(served) == [1, 2, 3], "each had its turn, though all have changed since"
    assert not companions.joined(replace(REST, newer=True), engine)[0].unseen, "then the newer one"
    assert engine.preview_milliseconds == pytest.approx(PREVIEW_MILLISECONDS / 2), "four share the time"
    companions.want({})
    companions.joined(REST, engine)
    assert engine.preview_milliseconds == PREVIEW_MILLISECONDS


# ------------------------------------------------------------------------------------------------ thread
def test_companions_end_in_full_quality(thread: RenderThread, tiny: Path, tiny_2x: Path) -> None:
    """Of another checkpoint, too; the main View's network stays the one that panels see."""
    views = {7: turned(tiny, 0.3), 8: turned(tiny_2x, 0.3)}
    thread.submit(turned(tiny, 0.0))
    thread.accompany(views)
    results: dict[int, Frame | FailedFrame] = {}

    def collected() -> bool:
        results.update(thread.poll_companions())
        return not thread.busy

    wait_for(collected)
    results.update(thread.poll_companions())
    engine = Engine()
    for key, view in views.items():
        frame = results[key]
        assert isinstance(frame, Frame)
        assert (frame.view, frame.level) == (view, "full")
        assert (frame.rgba == engine.render(view).rgba).all()
    assert thread.network_info is not None
    assert thread.network_info.path == tiny
    assert thread.poll_companions() == {}
    thread.accompany({})
    assert not thread.busy


def test_both_answer_while_views_come_in_fast(thread: RenderThread, tiny: Path) -> None:
    main = beside = 0
    yaw, deadline = 0.0, time.monotonic() + PATIENCE
    while main < 5 or beside < 5:
        assert time.monotonic() < deadline
        yaw += 1e-4
        thread.accompany({1: turned(tiny, -yaw)})
        thread.submit(turned(tiny, yaw))
        main += thread.poll() is not None
        beside += len(thread.poll_companions())
    wait_for(lambda: not thread.busy)
    last = thread.poll_companions()[1]
    assert isinstance(last, Frame)
    assert (last.view, last.level) == (turned(tiny, -yaw), "full")


def test_errors_beside_are_values_of_their_own(thread: RenderThread, tiny: Path) -> None:
    missing = turned(tiny.with_name("missing.safetensors"), 0.0)
    thread.submit(turned(tiny, 0.0))
    thread.accompany({1: missing, 2: turned(tiny, 0.2)})
    wait_for(lambda: not thread.busy)
    assert isinstance(thread.poll(), Frame)
    results = thread.poll_companions()
    failed = results[1]
    assert isinstance(failed, FailedFrame)
    assert not failed.opened
    assert isinstance(results[2], Frame)


# ------------------------------------------------------------------------------------------------ memory
def test_networks_that_do_not_fit_are_refused(tiny: Path, tiny_2x: Path, tmp_path: Path) -> None:
    engine = Engine()
    held = engine.load(str(tiny)).memory_bytes
    engine.networks.set_budget(held + 1000)
    view = turned(tiny_2x, 0.0)
    result = render_companion(engine, view, "preview", never, {str(tiny)})
    assert isinstance(result, FailedFrame)
    assert "does not fit" in str(result.error)
    assert result.error.__traceback__ is None, "it would hold on to what it was raised beside"
    assert engine.is_loaded(str(tiny)), "nothing was dropped for it"
    engine.networks.set_budget(100 * 2**20)
    assert isinstance(render_companion(engine, view, "preview", never, {str(tiny)}), Frame)
    # A network that nobody looks at makes room.
    other = save_tiny(tmp_path / "other.safetensors", seed=5)
    engine.networks.set_budget(engine.networks.used[1] - held + other.stat().st_size)
    assert not engine.has_room(str(other), {str(tiny), str(tiny_2x)})
    assert engine.has_room(str(other), {str(tiny_2x)})


def test_cancelling(tiny: Path) -> None:
    with pytest.raises(Cancelled):
        render_companion(Engine(), turned(tiny, 0.0), "full", lambda: True, set())
