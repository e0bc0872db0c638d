"""Memory that is used again."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from pof3d import memory
from pof3d.memory import Workspace, return_freed_memory, space, workspace


@pytest.fixture(autouse=True)
def _nothing_idle() -> Iterator[None]:
    return_freed_memory()
    yield
    return_freed_memory()


def test_a_step_takes_from_the_other_end_than_the_one_before() -> None:
    room = Workspace(space((5, 7), (40,), (33,)))
    before = None
    for step in range(6):
        room.turn()
        result = room.take(5, 7)
        result[:] = step
        between = room.take(40)
        between[:] = -1.0
        assert result.shape == (5, 7)
        assert all(part.ctypes.data % 64 == 0 for part in (result, between))
        assert not np.shares_memory(result, between)
        if before is not None:
            assert (before == step - 1).all()
        before = result


def test_a_step_that_takes_too_much_is_refused() -> None:
    room = Workspace(100)
    room.take(96)
    with pytest.raises(AssertionError, match="more than was asked for"):
        room.take(17)


def test_nothing_is_something_too() -> None:
    with workspace(0) as room:
        assert room.take(0, 0, 0).shape == (0, 0, 0)


def test_it_is_used_again_and_replaced_by_a_larger_one() -> None:
    with workspace(1000) as first:
        pass
    with workspace(500) as second:
        assert second is first
    with workspace(2000) as larger:
        assert larger is not first
        with workspace(10) as meanwhile:  # of another thread, say
            assert meanwhile is not larger
    with workspace(10) as last:
        assert last is larger
    assert memory._idle == [larger]
    return_freed_memory()
    assert memory._idle == []


def test_after_an_error_threads_may_still_be_at_it() -> None:
    with pytest.raises(KeyError), workspace(1000):
        raise KeyError
    assert memory._idle == []


def test_threads_have_their_own() -> None:
    used: set[int] = set()
    twice: list[int] = []

    def work(number: int) -> None:
        for i in range(2000):
            with workspace(16 * (number + i % 3)) as room:
                if id(room) in used:
                    twice.append(number)
                used.add(id(room))
                used.discard(id(room))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not twice
    assert len(memory._idle) <= 6


def test_one_that_another_thread_takes_meanwhile_is_its_own() -> None:
    """Between any two steps of giving one back or asking for one, another thread may ask."""
    taken: list[Workspace] = []
    armed: list[bool] = []

    class Compared(Workspace):
        def __getattribute__(self, name: str) -> object:
            if name == "numbers" and armed:
                armed.clear()
                taken.append(workspace(10).__enter__())  # and is at it from now on
            return super().__getattribute__(name)

    memory._idle.append(Compared(1000))
    with workspace(10):
        memory._idle.append(Compared(2000))
        armed.append(True)
    for _ in range(2):
        with workspace(10) as found:
            assert not any(found is one for one in taken)
    assert len(taken) == 1
