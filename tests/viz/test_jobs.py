"""Work in the background: progress, results, errors, cancelling."""

from __future__ import annotations

import threading
from pathlib import Path

from pof3d.errors import ConfigError
from viz.engine import Engine
from viz.jobs import Control, Job, Workshop


def test_a_job_reports_and_gives_its_result() -> None:
    woken = threading.Event()
    gate, reached = threading.Event(), threading.Event()

    def work(control: Control) -> int:
        control.report(0.25, "a quarter")
        reached.set()
        assert gate.wait(10)
        return 42

    job = Job("Counting", work, woken.set)
    assert reached.wait(10)
    state = job.state
    assert (state.title, state.fraction, state.note, state.status) == (
        "Counting",
        0.25,
        "a quarter",
        "running",
    )
    assert job.running
    gate.set()
    assert job.wait()
    state = job.state
    assert (job.result, state.status, state.fraction) == (42, "finished", 1.0)
    assert woken.is_set()


def test_a_cancelled_job_ends_at_its_next_look() -> None:
    reached = threading.Event()

    def work(control: Control) -> None:
        reached.set()
        while True:
            control.check()

    job = Job("For ever", work)
    assert reached.wait(10)
    job.cancel()
    assert job.wait()
    assert (job.state.status, job.state.error, job.result) == ("cancelled", None, None)


def test_errors_are_told() -> None:
    def refuse(control: Control) -> None:
        raise ConfigError("that cannot be")

    def stumble(control: Control) -> None:
        raise ValueError("what")

    refused, stumbled = Job("One", refuse), Job("Two", stumble)
    assert refused.wait()
    assert stumbled.wait()
    assert refused.state.status == stumbled.state.status == "failed"
    assert str(refused.state.error) == str(ConfigError("that cannot be"))
    assert "ValueError: what" in str(stumbled.state.error)


def test_a_workshop_lends_the_open_network(tiny: Path) -> None:
    engine = Engine()
    resident = engine.load(str(tiny))
    workshop = Workshop(engine)
    job = workshop.start("Parameters", str(tiny), lambda lent, control: lent.load(str(tiny)).network)
    assert job.wait()
    assert job.result is resident.network
    endless = workshop.start("For ever", str(tiny), lambda lent, control: _loop(control))
    assert workshop.close()
    assert endless.state.status == "cancelled"


def _loop(control: Control) -> None:
    while True:
        control.check()
