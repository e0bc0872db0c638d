"""The fixtures that every test gets do fail the tests that they should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

OFFENDERS = """
import os, pathlib, socket, threading, time, urllib.request
import pytest, torch

def test_connects():
    with socket.socket() as connection, pytest.raises(OSError):
        connection.connect(("192.0.2.1", 80))

def test_looks_up():
    with pytest.raises(OSError):
        urllib.request.urlopen("http://example.invalid")

def test_leaks():
    threading.Thread(target=time.sleep, args=(4,), name="leak").start()

@pytest.mark.gpu
def test_gpu():
    assert torch.cuda.is_available()

def test_local():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()

def test_same_numbers():
    first = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(first, torch.rand(3))

def test_home(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        assert pathlib.Path(os.environ[name]).is_relative_to(base)
    assert "DISPLAY" not in os.environ

@pytest.mark.window
def test_display(virtual_display):
    assert os.environ["DISPLAY"] == virtual_display
    assert pathlib.Path("/tmp/.X11-unix/X" + virtual_display[1:]).exists()
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on the offenders, with this repository's conftest and without a GPU."""
    (folder / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    (folder / "test_offenders.py").write_text(OFFENDERS, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  gpu: x\n  window: x\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.window
def test_offenders_fail_and_others_pass(tmp_path: Path) -> None:
    result = run(tmp_path)
    lines = result.stdout.splitlines()
    # The network and the thread are found when the test itself is over: its body passes.
    assert lines[-1].startswith("7 passed, 1 skipped, 3 errors"), result.stdout
    assert "the network was used: connect to ('192.0.2.1', 80)" in result.stdout
    assert "the network was used: look up 'example.invalid'" in result.stdout
    assert "threads left running: leak" in result.stdout
    for name in ("connects", "looks_up", "leaks"):
        assert f"ERROR test_offenders.py::test_{name}" in result.stdout
    assert "SKIPPED 1 GPU check: " in result.stdout


def test_gpu_option_insists(tmp_path: Path) -> None:
    result = run(tmp_path, "--gpu")
    assert result.returncode != 0
    assert "--gpu: torch" in result.stderr
