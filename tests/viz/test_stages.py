"""The stages' memory: least recently used first, bounded in bytes; errors a user can read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pof3d.errors import ConfigError, DeviceError
from viz.stages import ENTRY_BYTES, Cancelled, StageError, StageMemory, StageRun, nbytes, never

CPU = torch.device("cpu")


def make_run(memory: StageMemory | None = None) -> StageRun:
    return StageRun(memory or StageMemory(1 << 20), never, CPU)


def test_weighs_tensors_and_arrays_within_containers() -> None:
    assert nbytes((torch.zeros(10), [np.zeros(4, np.uint8)], 3.0, "text")) == 44


def test_computes_once_per_key() -> None:
    run, calls = make_run(), []

    def compute() -> int:
        calls.append(1)
        return len(calls)

    results = [run.stage("a", "x", compute), run.stage("a", "x", compute), run.stage("a", "y", compute)]
    assert results == [1, 1, 2]
    assert run.stage("b", "x", compute) == 3
    assert [timing.cached for timing in run.timings] == [False, True, False, False]


def test_none_is_a_result_like_any_other() -> None:
    run = make_run()
    assert run.stage("a", 1, lambda: None) is None
    assert run.stage("a", 1, lambda: pytest.fail("computed again")) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3000)), max_size=30))
@settings(max_examples=50)
def test_never_exceeds_its_budget(puts: list[tuple[int, int]]) -> None:
    memory = StageMemory(6000)
    for key, size in puts:
        memory.put("stage", key, np.zeros(size, np.uint8))
        assert memory.used_bytes <= 6000
        assert memory.used_bytes == sum(entry[1] for entry in memory._entries.values())


def test_drops_what_was_not_used_for_longest() -> None:
    memory = StageMemory(3 * (100 + ENTRY_BYTES))
    for key in "abc":
        memory.put("s", key, np.zeros(100, np.uint8))
    memory.get("s", "a")
    memory.put("s", "d", np.zeros(100, np.uint8))
    assert [("s", key) in memory for key in "abcd"] == [True, False, True, True]


def test_what_is_larger_than_the_budget_is_not_kept_and_drops_nothing() -> None:
    memory = StageMemory(2000)
    memory.put("s", "small", 1)
    memory.put("s", "huge", np.zeros(5000, np.uint8))
    assert ("s", "small") in memory
    assert ("s", "huge") not in memory


def test_cancelled_before_a_stage() -> None:
    run = StageRun(StageMemory(1 << 20), lambda: True, CPU)
    with pytest.raises(Cancelled):
        run.stage("a", 1, lambda: pytest.fail("computed"))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"
        ),
        torch.OutOfMemoryError("CUDA out of memory."),
    ],
)
def test_out_of_memory_names_the_stage_and_frees_what_is_kept(error: Exception) -> None:
    run = make_run()
    run.stage("kept", 1, lambda: torch.zeros(100))

    def fail() -> None:
        raise error

    with pytest.raises(DeviceError, match=r"“planes”.*resolution"):
        run.stage("planes", 1, fail)
    assert len(run.memory) == 0


def test_unexpected_errors_name_the_stage() -> None:
    def fail() -> None:
        raise ValueError("strange")

    with pytest.raises(StageError, match="“rays” failed: ValueError: strange"):
        make_run().stage("rays", 1, fail)


def test_errors_made_for_users_pass_unchanged() -> None:
    error = ConfigError("as it is")

    def fail() -> None:
        raise error

    with pytest.raises(ConfigError) as caught:
        make_run().stage("rays", 1, fail)
    assert caught.value is error
