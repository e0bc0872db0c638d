"""What every test gets: fixed seeds, a home of its own, no network, no leaked threads, and loud skips."""

from __future__ import annotations

import os
import random
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before torch and the GL libraries are imported: they read these once.
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
THREADS = max(1, min(4, (_CORES - 1) // _PROCESSES))
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Kernels take seconds to compile for each of the many sizes of the tests' networks: those that are about them
# switch them on.
os.environ.setdefault("POF3D_KERNELS", "off")

# Tests never open a window on the screen of the person who runs them; see `virtual_display`.
for _variable in ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"):
    os.environ.pop(_variable, None)

# Nor do they read or write that person's settings. Each test gets its own below; this is for imports and for
# fixtures of wider scope.
_HOME = Path(tempfile.mkdtemp(prefix="pof3d-tests-"))
_HOME_VARIABLES = {
    "HOME": "",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "XDG_CACHE_HOME": "cache",
    "APPDATA": "appdata",
    "LOCALAPPDATA": "localappdata",
}
for _variable, _folder in _HOME_VARIABLES.items():
    os.environ[_variable] = str(_HOME / _folder)

import hypothesis  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(THREADS)
hypothesis.settings.register_profile("repository", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("repository")

_NEEDS_GPU = "needs a GPU: "


# ------------------------------------------------------------------------------------------------ GPU tests
def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--gpu",
        action="store_true",
        help="insist on the checks that need a GPU: fail, instead of skipping them, where there is none",
    )


def _no_gpu_because() -> str | None:
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    if not torch.cuda.is_available():
        return "torch finds no CUDA device"
    return None


def pytest_configure(config: pytest.Config) -> None:
    reason = _no_gpu_because()
    if reason is not None and config.getoption("--gpu"):
        raise pytest.UsageError(f"--gpu: {reason}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    reason = _no_gpu_because()
    if reason is None:
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason=_NEEDS_GPU + reason))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(_NEEDS_GPU in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.write_line(
            f"SKIPPED {count} GPU check{'s' if count > 1 else ''}: {_no_gpu_because()}. "
            "Run `make test ARGS=--gpu` on a machine with an NVIDIA GPU to include them.",
            yellow=True,
        )


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


# ----------------------------------------------------------------------------------------- for every test
@pytest.fixture(autouse=True)
def _no_leaked_threads() -> Iterator[None]:
    """Fail a test that leaves a thread running which would keep the program from ending."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2.0
    while True:
        left = [t for t in threading.enumerate() if t not in before and t.is_alive() and not t.daemon]
        left = [
            t for t in left if not t.name.startswith("lane")
        ]  # they wait for more, and end with the program
        if not left:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"threads left running: {', '.join(t.name for t in left)}", pytrace=False)
        left[0].join(0.05)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    for variable, folder in _HOME_VARIABLES.items():
        monkeypatch.setenv(variable, str(home / folder))


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def _is_local(family: int, address: Any) -> bool:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = str(address[0])
    return host in ("localhost", "::1", "") or host.startswith("127.")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that connects to, or asks the name of, another machine, even if it swallows the error."""
    attempts: list[str] = []

    def refuse(what: str) -> None:
        attempts.append(what)
        raise OSError(f"tests do not use the network: {what}")

    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if not _is_local(self.family, address):
            refuse(f"connect to {address!r}")
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if not _is_local(self.family, address):
            refuse(f"connect to {address!r}")
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in (None, socket.gethostname()) and not _is_local(socket.AF_INET, (name,)):
            refuse(f"look up {name!r}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    if attempts:
        pytest.fail(f"the network was used: {'; '.join(attempts)}", pytrace=False)


# ------------------------------------------------------------------------------------------ a screen to use
@pytest.fixture(scope="session")
def x_server() -> Iterator[str]:
    """Start a virtual X display for the session and give its name, such as ":7"; DISPLAY is left alone."""
    program = shutil.which("Xvfb")
    if program is None:
        reason = "Xvfb is not installed (Debian: apt-get install xvfb)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    reader, writer = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(writer), "-screen", "0", "1920x1080x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writer],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    try:
        ready, _, _ = select.select([reader], [], [], 30.0)
        number = os.read(reader, 16).decode().strip() if ready else ""
        if not number:
            pytest.fail("Xvfb did not start within 30 s")
        yield f":{number}"
    finally:
        os.close(reader)
        server.terminate()
        try:
            server.wait(10.0)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture
def virtual_display(x_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a running virtual display; DISPLAY points at it for this test."""
    monkeypatch.setenv("DISPLAY", x_server)
    return x_server
