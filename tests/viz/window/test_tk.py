"""The program in a Tk frame on a virtual display: the example of the documents, driven by real input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.viz.nets import save_tiny
from tests.viz.window.test_desktop import ROOT, Screen, wait_for

pytestmark = [pytest.mark.window, pytest.mark.timeout(300)]

REPORT = """
def report():
    import json
    program = viewer.program
    if program is not None and program.frame is not None:
        x, y = viewer.winfo_rootx(), viewer.winfo_rooty()
        facts = {
            "seed": program.view.latent.seed, "source": program.view.pose.source, "place": (x, y),
            "mode": program.view.display.mode, "size": viewer.window.size,
            "shown": program.frame.view == program.view,
        }
        print(json.dumps(facts), flush=True)
    root.after(100, report)

root.geometry("1100x700+0+0")
root.after(100, report)
root.mainloop()
print("ended", flush=True)
"""


def example(network: Path) -> str:
    """The code in the documents, with another network, that tells how it is."""
    text = (ROOT / "docs" / "embedding.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 22
    code = code.replace("assets/toy-cats.safetensors", str(network))
    assert "root.mainloop()" in code
    return str(code.replace("root.mainloop()", REPORT))


class Tool:
    """Somebody's Tk program."""

    def __init__(self, screen: Screen, code: str, folder: Path) -> None:
        path = folder / "tool.py"
        path.write_text(code)
        self.output, self.errors = folder / "stdout.txt", folder / "stderr.txt"
        with self.output.open("w") as output, self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(path)],
                cwd=folder,
                env={**os.environ, "DISPLAY": screen.name, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
                stdout=output,
                stderr=errors,
            )

    @property
    def facts(self) -> dict[str, Any]:
        lines = [line for line in self.output.read_text().splitlines() if line.startswith("{")]
        assert self.process.poll() is None, self.errors.read_text()
        return dict(json.loads(lines[-1])) if lines else {}

    def wait(self, what: str, **facts: Any) -> None:
        wait_for(lambda: self.facts.items() >= facts.items(), f"{what} ({self.output.read_text()[-300:]})")


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.kill()


def test_the_example_of_the_documents(screen: Screen, tmp_path: Path) -> None:
    network = save_tiny(tmp_path / "tiny.safetensors")
    tool = Tool(screen, example(network), tmp_path)
    try:
        tool.wait("the first picture", seed=0, source="predicted", shown=True)
        x, y = tool.facts["place"]
        assert y > 10, "there is a bar with a button above"
        screen.do("mousemove", 30, y - 10)
        screen.do("click", 1)
        tool.wait("the button", seed=1, shown=True)
        screen.do("mousemove", x + 550, y + 300)
        for _ in range(20):  # on a busy machine press and release may fall into one frame: that is a click
            time.sleep(0.3)
            screen.do("mousedown", 1)
            for step in range(6):
                time.sleep(0.05)
                screen.do("mousemove", x + 550 + 8 * step, y + 300)
            screen.do("mouseup", 1)
            if tool.facts["source"] == "free":
                break
        tool.wait("a drag in the picture", source="free", shown=True)
        screen.do("key", "d")
        tool.wait("a key", mode="depth")
        screen.do("type", "]")
        tool.wait("a character", seed=2)
        window = screen.do("search", "--name", "My tool").split()[0]
        screen.do("windowsize", window, 1000, 640)
        wait_for(lambda: tool.facts.get("size", [0])[0] == 1000, "the new size")
        screen.do("mousemove", x + 500, y + 300)
        screen.do("key", "ctrl+q")
        assert tool.process.wait(60) == 0, tool.errors.read_text()
        assert tool.output.read_text().endswith("ended\n")
        assert "Traceback" not in tool.errors.read_text()
    finally:
        tool.process.kill()
        tool.process.wait(10)


def test_a_second_viewer_is_refused(screen: Screen, tmp_path: Path) -> None:
    code = """
import tkinter
from viz.window.errors import WindowError
from viz.window.tk import ViewerFrame
root = tkinter.Tk()
first = ViewerFrame(root)
try:
    ViewerFrame(root)
except WindowError as error:
    print(error)
first.destroy()
ViewerFrame(root).destroy()
root.destroy()
print("done")
"""
    tool = Tool(screen, code, tmp_path)
    assert tool.process.wait(60) == 0, tool.errors.read_text()
    lines = tool.output.read_text().splitlines()
    assert "cannot show a second viewer" in lines[0]
    assert lines[-1] == "done"


def test_what_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['pyopengltk'] = None; sys.path.insert(0, sys.argv.pop(1)); "
        "import visualizer; sys.exit(visualizer.main())"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(ROOT), "--window", "tk", "--fresh"],
        cwd=tmp_path,
        env={**os.environ, "DISPLAY": ":none"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert "cannot open a Tk window" in line
    assert "pip install pyopengltk" in line
