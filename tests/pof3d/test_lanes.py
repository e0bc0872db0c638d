"""Threads that share one piece of work."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
import torch

from pof3d.lanes import bounds, share, spread


def test_lanes_share_evenly_and_in_order() -> None:
    assert bounds(10, 3) == [(0, 3), (3, 7), (7, 10)]
    assert share([lambda i=i: i * i for i in range(4)]) == [0, 1, 4, 9]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("count", "lanes", "unit"), [(0, 2, 1), (1, 2, 1), (100, 3, 6), (7, 2, 6), (100, 1, 6)]
)
def test_lanes_take_all_that_there_is(count: int, lanes: int, unit: int) -> None:
    done: list[int] = []
    seen: set[int] = set()

    def work(lane: int, first: int, last: int) -> None:
        assert first % unit == 0
        assert last % unit == 0 or last == count
        seen.add(lane)
        done.extend(range(first, last))

    spread(count, lanes, work, unit=unit)
    assert sorted(done) == list(range(count))
    assert seen <= set(range(lanes))


def test_a_lane_that_is_disturbed_takes_less() -> None:
    taken = [0, 0]
    begun, others_done = threading.Event(), threading.Event()

    def work(lane: int, first: int, last: int) -> None:
        taken[lane] += last - first
        if lane == 0:
            begun.set()
            assert others_done.wait(20)
        assert begun.wait(20)
        if taken[1] == 7:
            others_done.set()

    spread(8, 2, work)
    assert taken == [1, 7]


def test_lanes_work_at_once_each_with_one_thread() -> None:
    meeting = threading.Barrier(3, timeout=20)

    def work() -> int:
        meeting.wait()
        return torch.get_num_threads()

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert share([work, work, work]) == [1, 1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("broken", [0, 1])
def test_a_lane_that_fails_is_heard_when_all_have_ended(broken: int) -> None:
    ended = threading.Event()

    def fail() -> None:
        raise ValueError("no")

    def work() -> None:
        threading.Event().wait(0.05)
        ended.set()

    with pytest.raises(ValueError, match="no"):
        share([fail, work] if broken == 0 else [work, fail])
    assert ended.is_set()


def test_lanes_inherit_that_there_are_no_gradients() -> None:
    with torch.no_grad():
        assert share([torch.is_grad_enabled] * 3) == [False] * 3
    assert share([torch.is_grad_enabled] * 3) == [True] * 3
    with torch.inference_mode():
        assert share([torch.is_inference_mode_enabled] * 3) == [True] * 3
    assert share([torch.is_inference_mode_enabled] * 3) == [False] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_has_lanes_of_its_own() -> None:
    program = """
import os
from pof3d.lanes import share
assert share([lambda: 1] * 2) == [1, 1]
child = os.fork()
if child == 0:
    os._exit(sum(share([lambda: 3] * 2)))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "6", done.stderr
