"""The live page of a training run in the terminal; plain lines where output is not a terminal."""

from __future__ import annotations

import math
import time
from collections import deque
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pof3d.training.samples import PoseStatistics
from pof3d.training.trainer import StepReport

_WINDOW = 30.0
"""Seconds over which the rate is taken."""
_REFRESH = 0.25
_FORGET = 0.95
_POSES = ("G/yaw", "G/pitch", "D/yaw_real")
_NAMES = {"G/yaw": "G's yaw", "G/pitch": "G's pitch", "D/yaw_real": "D's yaw of real images"}
_BLOCKS = " ▁▂▃▄▅▆▇█"


def spark(values: list[float], width: int) -> str:
    """A line of block characters of the last ``width`` values, from the least to the greatest of them."""
    shown = values[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    scale = (len(_BLOCKS) - 2) / (high - low) if high > low else 0.0
    return "".join(_BLOCKS[1 + round((value - low) * scale)] for value in shown)


def duration(seconds: float) -> str:
    """For people: "2 h 05 min", "4 min 10 s"."""
    if not math.isfinite(seconds):
        return "…"
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {left:02d} s"


class LivePage:
    """Images seen, rate, time left, losses and learned poses.

    Use as a context manager; keeps its last figures for the lines that stay.

    Parameters
    ----------
    total_kimg : float
        Length of the run.
    console : Console
        Quiet for all processes but the leading one.
    """

    def __init__(self, total_kimg: float, console: Console) -> None:
        self.total = total_kimg
        self.console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._figures: dict[str, float] = {}
        self._spreads: list[float] = []
        self._recent: deque[tuple[float, float]] = deque()
        self._drawn = 0.0
        self._snapshot = ""
        self._kimg = self._seconds = 0.0

    def __enter__(self) -> LivePage:
        if self.console.is_terminal:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self._live.__exit__(kind, error, trace)

    def say(self, line: str) -> None:
        """A line that stays."""
        self.console.print(line, markup=False, highlight=False)

    def reading(self, done: int, total: int) -> None:
        """Progress of reading the data set."""
        if self.console.is_terminal and (done == total or time.monotonic() - self._drawn > _REFRESH):
            self._draw(Text(f"Reading images: {done} of {total}"))

    @property
    def rate(self) -> float:
        """Images a second, lately."""
        if len(self._recent) < 2:
            return 0.0
        (began, first), (now, last) = self._recent[0], self._recent[-1]
        return (last - first) * 1000 / (now - began) if now > began else 0.0

    def update(self, report: StepReport) -> None:
        """Show one more step."""
        for name, value in report.stats.items():
            self._figures[name] = _FORGET * self._figures.get(name, value) + (1 - _FORGET) * value
        self._kimg, self._seconds = report.kimg, report.seconds
        now = time.monotonic()
        self._recent.append((now, report.kimg))
        while now - self._recent[0][0] > _WINDOW and len(self._recent) > 2:
            self._recent.popleft()
        if self.console.is_terminal and now - self._drawn > _REFRESH:
            self._spreads.append(self._figures.get("G/yaw_std", 0.0))
            self._spreads = self._spreads[:: 2 if len(self._spreads) > 400 else 1]
            self._draw(self.page())

    def snapshot(self, images: int, poses: PoseStatistics) -> None:
        """Note a snapshot and the poses it has learned."""
        self._snapshot = f"{images / 1000:.1f} kimg: {poses.degrees()}"
        self.say(f"{images / 1000:.1f} kimg, {self.rate:.1f} images/s: {poses.degrees()}")

    def _draw(self, what: RenderableType) -> None:
        self._live.update(what, refresh=True)
        self._drawn = time.monotonic()

    def page(self) -> RenderableType:
        """The current figures."""
        left = (self.total - self._kimg) * 1000 / self.rate if self.rate > 0 else math.inf
        head = Table.grid(padding=(0, 2))
        head.add_row("images", f"{self._kimg * 1000:,.0f} of {self.total * 1000:,.0f}")
        head.add_row("", ProgressBar(total=self.total, completed=min(self._kimg, self.total), width=40))
        head.add_row("images per second", f"{self.rate:.1f}")
        head.add_row("trained / time left", f"{duration(self._seconds)} / {duration(left)}")
        poses = Table.grid(padding=(0, 2))
        poses.add_row(Text("learned poses", style="bold"), "mean", "spread")
        for name in _POSES:
            if f"{name}_mean" in self._figures:
                mean, spread = (math.degrees(self._figures[f"{name}_{part}"]) for part in ("mean", "std"))
                poses.add_row(_NAMES[name], f"{mean:.1f}°", f"{spread:.1f}°")
        poses.add_row("spread of G's yaw", spark(self._spreads, 20))
        losses = Table.grid(padding=(0, 2))
        losses.add_row(Text("losses, lately", style="bold"))
        cells = [
            cell
            for name, value in sorted(self._figures.items())
            if not name.startswith(_POSES)
            for cell in (name, f"{value:.4f}")
        ]
        for i in range(0, len(cells), 4):
            losses.add_row(*cells[i : i + 4])
        last = Text(f"last snapshot  {self._snapshot}" if self._snapshot else "no snapshot yet")
        return Panel(
            Group(head, poses, last, losses),
            title="training",
            subtitle="Ctrl-C stops and keeps a snapshot",
        )
