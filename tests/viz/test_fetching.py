"""Checkpoints from the net, in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pof3d.download import DownloadCancelled, DownloadError, LargeDownload
from tests.viz.stand_ins import StandInRendering
from viz.fetching import Fetching
from viz.program import Program
from viz.view import NetworkView, View

URL = "https://example.org/nets/cats.safetensors?x=1"
PATH = Path("/cache/cats.safetensors")


class Web:
    """Stands in for the net: each address answers as it was told, when it is let."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.calls: list[tuple[str, bool]] = []
        self.cancelled = 0
        self.answer: Path | Exception = PATH

    def __call__(
        self,
        url: str,
        *,
        progress: Callable[[int, int | None], None],
        cancelled: Callable[[], bool],
        allow_large: bool,
    ) -> Path:
        self.calls.append((url, allow_large))
        progress(2**20, 4 * 2**20)
        while not self.go.wait(0.002):
            if cancelled():
                self.cancelled += 1
                raise DownloadCancelled("cancelled")
        if isinstance(self.answer, LargeDownload) and allow_large:
            return PATH
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def program(web: Web) -> Iterator[Program]:
    program = Program(StandInRendering(), view=View(network=NetworkView("/nets/good.safetensors")))
    program.fetching = Fetching(fetch=web)
    program.update(0.1)
    yield program
    web.go.set()
    program.close()


def wait(program: Program, done: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10.0
    while not done():
        assert time.monotonic() < deadline
        program.update(0.01)
        time.sleep(0.002)


def loading(program: Program) -> Any:
    import numpy as np

    return program.context(np.zeros(0, np.float32), 1.0).loading


def asked(program: Program) -> Any:
    return program.question


def test_a_fetched_file_is_opened(program: Program, web: Web) -> None:
    program.open_url(URL)
    wait(program, lambda: loading(program).fraction > 0)
    state = loading(program)
    assert (state.path.name, state.fraction) == ("cats.safetensors", 0.25)
    assert state.stage == "Downloading 1.0 MiB of 4.0 MiB"
    assert program.view.network.path == "/nets/good.safetensors", "what was open stays meanwhile"
    assert program.moving
    web.go.set()
    wait(program, lambda: program.view.network.path == str(PATH))
    assert loading(program) is None
    assert program.error is None
    assert web.calls == [(URL, False)]


@pytest.mark.parametrize("way", ["button", "key"])
def test_cancelling(program: Program, web: Web, way: str) -> None:
    program.open_url(URL)
    wait(program, lambda: web.calls)
    program.cancel_loading() if way == "button" else program.escape()
    assert loading(program) is None
    wait(program, lambda: web.cancelled)
    web.go.set()
    program.update(0.1)
    assert program.view.network.path == "/nets/good.safetensors"
    assert program.error is None


def test_a_second_address_takes_the_place_of_the_first(program: Program, web: Web) -> None:
    program.open_url("https://example.org/other.pkl")
    wait(program, lambda: web.calls)
    program.open_url(URL)
    wait(program, lambda: web.cancelled == 1)
    web.go.set()
    wait(program, lambda: program.view.network.path == str(PATH))
    assert [url for url, _ in web.calls][-1] == URL


@pytest.mark.parametrize(
    "problem", [DownloadError("cats could not be fetched", "404"), RuntimeError("a bug")], ids=["net", "bug"]
)
def test_what_goes_wrong_is_told(program: Program, web: Web, problem: Exception) -> None:
    web.answer = problem
    web.go.set()
    program.open_url(URL)
    wait(program, lambda: program.error is not None)
    assert "could not be fetched" in str(program.error)
    assert program.view.network.path == "/nets/good.safetensors"


def test_a_malformed_address_is_a_message(program: Program, web: Web) -> None:
    program.open_url("http://[::1")
    wait(program, lambda: program.error is not None)
    assert "malformed" in str(program.error)
    assert web.calls == []


@pytest.mark.parametrize("yes", [True, False])
def test_large_files_are_asked_for(program: Program, web: Web, yes: bool) -> None:
    web.answer = LargeDownload("cats.safetensors", 2**31)
    web.go.set()
    program.open_url(URL)
    wait(program, lambda: program.question is not None)
    assert asked(program).size == 2**31
    assert program.error is None
    program.answer_question(yes)
    assert asked(program) is None
    if yes:
        wait(program, lambda: program.view.network.path == str(PATH))
    program.update(0.1)
    assert web.calls == [(URL, False)] + [(URL, True)] * yes


def test_the_program_ends_while_a_server_is_silent(program: Program, web: Web) -> None:
    program.open_url(URL)
    wait(program, lambda: web.calls)
    started = time.monotonic()
    program.close()
    assert time.monotonic() - started < 2.0
